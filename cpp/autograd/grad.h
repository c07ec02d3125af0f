// A gradient: none, a dense array, or rows of a table. The rules of accumulation live in grad.cpp, nowhere else.
#pragma once

#include <memory>
#include <utility>

#include "cpp/core/array.h"

namespace lw {

// dtable[ids[r]] += rows[r] for every r; ids may repeat, and are in no order.
struct RowSparse {
  Array ids;          // [n] int64
  Array rows;         // [n, dim]
  Shape table_shape;  // [table rows, dim]
};

class Grad {
 public:
  Grad() = default;
  Grad(Array dense) : dense_(std::move(dense)) {}  // an undefined array is no gradient
  Grad(RowSparse sparse) : sparse_(std::make_shared<const RowSparse>(std::move(sparse))) {}

  bool none() const { return !dense_ && !sparse_; }
  const Array* dense() const { return dense_ ? &dense_ : nullptr; }
  const RowSparse* sparse() const { return sparse_.get(); }

  // this += other. Dense + dense is one pass; sparse + sparse concatenates; mixed becomes dense.
  void accumulate(Grad other);
  // The gradient as a dense array (of `shape`, zeros if there is none).
  Array to_dense(const Shape& shape) const;

 private:
  Array dense_;
  std::shared_ptr<const RowSparse> sparse_;  // at most one of the two is defined
  bool owned_ = false;                       // the dense array was made here, so it may be added to in place
};

}  // namespace lw
