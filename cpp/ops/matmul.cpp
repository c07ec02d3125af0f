#include "cpp/ops/matmul.h"

#include "cpp/autograd/tape.h"
#include "cpp/backend/dispatch.h"
#include "cpp/ops/float32.h"
#include "cpp/ops/layout.h"

namespace lw {
namespace {

// c = a b, with a and b [m, k] and [k, n] after the transpositions asked for.
Gemm product(const Array& a, bool transpose_a, const Array& b, bool transpose_b, const Array& c, i64 m, i64 n, i64 k) {
  return {.m = m,
          .n = n,
          .k = k,
          .a = a.floats(),
          .lda = transpose_a ? m : k,
          .transpose_a = transpose_a,
          .b = b.floats(),
          .ldb = transpose_b ? k : n,
          .transpose_b = transpose_b,
          .c = c.floats(),
          .ldc = n,
          .accumulate = false,
          .bias = nullptr,
          .activation = Activation::linear};
}

// Leading axes of both operands, broadcast against each other, and where in each operand a given matrix lies.
class Stacks {
 public:
  Stacks(const Shape& a, const Shape& b) {
    const i64 rank = std::max(a.rank(), b.rank()) - 2;
    for (i64 axis = 0; axis < rank; ++axis) {
      const i64 a_axis = axis - rank + a.rank() - 2, b_axis = axis - rank + b.rank() - 2;
      const i64 a_size = a_axis < 0 ? 1 : a[a_axis], b_size = b_axis < 0 ? 1 : b[b_axis];
      expect(a_size == b_size || a_size == 1 || b_size == 1, "matmul", "leading axes must broadcast, a is ", a,
             ", b is ", b);
      shape_.push_back(a_size == 1 ? b_size : a_size);
      a_.push_back(a_size);
      b_.push_back(b_size);
    }
  }
  const Shape& shape() const { return shape_; }
  i64 count() const { return shape_.count(); }
  i64 count_of_a() const { return a_.count(); }
  i64 count_of_b() const { return b_.count(); }
  i64 in_a(i64 matrix) const { return position(matrix, a_); }
  i64 in_b(i64 matrix) const { return position(matrix, b_); }

  // c[to(i)] = sum of a[left(i)] b[right(i)] over all matrices i, by outputs; the numbers of matrices become places by
  // their sizes.
  template <typename To, typename Left, typename Right>
  void multiply(const Gemm& one, i64 outputs, const To& to, const Left& left, const Right& right) const {
    std::vector<i64> begin(static_cast<std::size_t>(outputs) + 1), next, a(count()), b(count());
    for (i64 i = 0; i < count(); ++i) ++begin[to(i) + 1];
    for (i64 output = 0; output < outputs; ++output) begin[output + 1] += begin[output];
    next = begin;
    for (i64 i = 0; i < count(); ++i) {
      const i64 place = next[to(i)]++;
      a[place] = left(i) * one.m * one.k;
      b[place] = right(i) * one.k * one.n;
    }
    kernels(Device::cpu).gemm_batch({one, outputs, begin.data(), a.data(), b.data()});
  }

 private:
  i64 position(i64 matrix, const Shape& sizes) const {
    i64 result = 0, step = 1;
    for (i64 axis = shape_.rank() - 1; axis >= 0; --axis) {
      if (sizes[axis] != 1) result += matrix % shape_[axis] * step;
      step *= sizes[axis];
      matrix /= shape_[axis];
    }
    return result;
  }

  Shape shape_, a_, b_;
};

// a [.., m, k] and b [.., k, n] with leading axes of their own.
Tensor stacked_matmul(const Tensor& a, const Tensor& b) {
  const Stacks stacks(a.shape(), b.shape());
  const i64 m = a.dim(-2), k = a.dim(-1), n = b.dim(-1);
  Shape shape = stacks.shape();
  shape.push_back(m);
  shape.push_back(n);
  Array y = empty(shape, a.device());
  const auto in_y = [](i64 i) { return i; };
  const auto in_a = [stacks](i64 i) { return stacks.in_a(i); };
  const auto in_b = [stacks](i64 i) { return stacks.in_b(i); };
  stacks.multiply(product(a.value(), false, b.value(), false, y, m, n, k), stacks.count(), in_y, in_a, in_b);

  return record("matmul", y, {&a, &b},
                [=, a = saved(a.value()), b = saved(b.value())](const Array& dy, Wants wants) -> Grads {
                  Array da, db;
                  if (wants[0]) {
                    da = empty(a.get().shape());
                    const Gemm one = product(dy, false, b.get(), true, da, m, k, n);
                    stacks.multiply(one, stacks.count_of_a(), in_a, in_y, in_b);
                  }
                  if (wants[1]) {
                    db = empty(b.get().shape());
                    const Gemm one = product(a.get(), true, dy, false, db, k, n, m);
                    stacks.multiply(one, stacks.count_of_b(), in_b, in_a, in_y);
                  }
                  return {da, db};
                });
}

// a [.., k] and one matrix b [k, n]: a single product over all rows of a.
Tensor rows_matmul(const Tensor& a, const Tensor& b) {
  const Array rows = a.value().rows();
  const Array y = matmul_nn(rows, b.value()).reshape(with_last(a.shape(), b.dim(1)));
  return record("matmul", y, {&a, &b},
                [shape = a.shape(), rows = saved(rows), b = saved(b.value())](const Array& dy, Wants wants) -> Grads {
                  return {wants[0] ? matmul_nt(dy.rows(), b).reshape(shape) : Array{},
                          wants[1] ? matmul_tn(rows, dy.rows()) : Array{}};
                });
}

}  // namespace

Array matmul_nn(const Array& a, const Array& b) {
  Array c = empty({a.dim(0), b.dim(1)}, a.device());
  kernels(Device::cpu).gemm(product(a, false, b, false, c, a.dim(0), b.dim(1), a.dim(1)));
  return c;
}

Array matmul_nt(const Array& a, const Array& b) {
  Array c = empty({a.dim(0), b.dim(0)}, a.device());
  kernels(Device::cpu).gemm(product(a, false, b, true, c, a.dim(0), b.dim(0), a.dim(1)));
  return c;
}

Array matmul_tn(const Array& a, const Array& b) {
  Array c = empty({a.dim(1), b.dim(1)}, a.device());
  kernels(Device::cpu).gemm(product(a, true, b, false, c, a.dim(1), b.dim(1), a.dim(0)));
  return c;
}

namespace ops {

Tensor matmul(const Tensor& any_a, const Tensor& any_b) {
  const Tensor a = as_float32(any_a), b = as_float32(any_b);
  expect(a.rank() >= 1 && b.rank() >= 1, "matmul", "needs at least one dimension each, a is ", a.shape(), ", b is ",
         b.shape());
  if (b.rank() == 1) {  // [.., k] by [k]
    expect(a.dim(-1) == b.dim(0), "matmul", "b has ", b.dim(0), " rows, a has ", a.dim(-1), " columns");
    return reshape(rows_matmul(a, reshape(b, {b.dim(0), 1})), {a.shape().begin(), a.shape().end() - 1});
  }
  expect(a.dim(-1) == b.dim(-2), "matmul", "b has ", b.dim(-2), " rows, a has ", a.dim(-1), " columns");
  if (b.rank() == 2) return rows_matmul(a, b);
  if (a.rank() > 1) return stacked_matmul(a, b);
  std::vector<i64> shape(b.shape().begin(), b.shape().end() - 2);  // [k] by [.., k, n]
  shape.push_back(b.dim(-1));
  return reshape(stacked_matmul(reshape(a, {1, a.dim(0)}), b), shape);
}

}  // namespace ops
}  // namespace lw
