// Tensor: an Array with a place in the graph. What users see.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

#include "cpp/autograd/grad.h"
#include "cpp/core/array.h"

namespace lw {

struct Node;

// The place in the graph: a leaf that wants a gradient, or the output of a node. It does not hold the value, so the
// graph keeps alive only what gradients need.
struct Variable {
  bool requires_grad = false;
  Shape shape;
  std::shared_ptr<Node> node;  // what made it; null for a leaf
  Grad grad;                   // of a leaf, under grad_mutex()

  ~Variable();
  // Several threads may train one model. Leaves share a few locks, by address.
  std::mutex& grad_mutex() const;
};
void grad_mutexes_survive_fork();

class Tensor {
 public:
  Tensor() = default;  // undefined: an argument that was not given
  explicit Tensor(Array value, bool requires_grad = false);
  Tensor(Array value, std::shared_ptr<Variable> variable) : value_(std::move(value)), variable_(std::move(variable)) {}

  bool defined() const { return value_.defined(); }
  const Array& value() const { return value_; }
  const Shape& shape() const { return value_.shape(); }
  i64 rank() const { return value_.rank(); }
  i64 dim(i64 axis) const { return value_.dim(axis); }
  i64 count() const { return value_.count(); }
  DType dtype() const { return value_.dtype(); }
  Device device() const { return value_.device(); }

  bool requires_grad() const { return variable_ != nullptr && variable_->requires_grad; }
  // Made by the user rather than by an operation that was recorded.
  bool is_leaf() const { return variable_ == nullptr || variable_->node == nullptr; }
  // Only a leaf can be told. What was recorded before keeps its course.
  void set_requires_grad(bool requires_grad);
  const std::shared_ptr<Variable>& variable() const { return variable_; }
  Grad grad() const;
  void set_grad(Grad grad) const;  // of a leaf that requires one
  Tensor detach() const { return Tensor(value_); }

  // Gradients of this scalar with respect to every leaf it depends on, added to what the leaves hold. The graph is
  // freed on the way, so it can be used once.
  void backward() const;
  // The same from a given output gradient, of this tensor's shape.
  void backward(const Array& gradient) const;

 private:
  Array value_;
  std::shared_ptr<Variable> variable_;
};

}  // namespace lw
