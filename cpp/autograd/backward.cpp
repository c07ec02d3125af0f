// Backward: collect the graph with a stack, run it in reverse order of creation, free it on the way.
#include <algorithm>
#include <unordered_set>

#include "cpp/autograd/tape.h"
#include "cpp/autograd/tensor.h"
#include "cpp/core/check.h"

namespace lw {
namespace {

std::vector<std::shared_ptr<Variable>> graph_of(const std::shared_ptr<Variable>& root) {
  std::vector<std::shared_ptr<Variable>> found, stack{root};
  std::unordered_set<const Variable*> seen{root.get()};
  while (!stack.empty()) {
    std::shared_ptr<Variable> variable = std::move(stack.back());
    stack.pop_back();
    if (!variable->node) continue;
    for (const auto& input : variable->node->inputs)
      if (input && seen.insert(input.get()).second) stack.push_back(input);
    found.push_back(std::move(variable));
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a->node->sequence > b->node->sequence; });
  return found;
}

}  // namespace

Tensor::Tensor(Array value, bool requires_grad) : value_(std::move(value)) { set_requires_grad(requires_grad); }

void Tensor::set_requires_grad(bool requires_grad) {
  if (requires_grad == this->requires_grad()) return;
  expect(is_leaf(), "requires_grad", "the result of an operation cannot be told to leave the graph: use detach()");
  if (!requires_grad) {
    variable_->requires_grad = false;
    variable_->grad = {};
    return;
  }
  expect_type(dtype() == DType::float32, "tensor", "only float32 can require a gradient, got ", name_of(dtype()));
  if (variable_ == nullptr) variable_ = std::make_shared<Variable>();
  variable_->requires_grad = true;
  variable_->shape = shape();
}

void Tensor::backward() const {
  expect(count() == 1, "backward", "only a scalar starts without a gradient, this tensor has shape ", shape());
  backward(full(shape(), 1.f, device()));
}

void Tensor::backward(const Array& gradient) const {
  expect(requires_grad(), "backward", "this tensor depends on nothing that requires a gradient");
  expect(gradient.shape() == shape(), "backward", "gradient must have shape ", shape(), ", got ", gradient.shape());
  if (variable_->node && !variable_->node->backward)
    throw std::runtime_error("backward: this graph was used before; a graph is freed by its backward pass");
  NoGrad no_grad;
  variable_->grad.accumulate(gradient.storage()->borrowed() ? gradient.copy() : gradient);
  for (std::shared_ptr<Variable>& variable : graph_of(variable_)) {
    Node& node = *variable->node;
    if (!node.backward)
      throw std::runtime_error("backward: part of this graph was used before, by another backward pass");
    const Grad dy = std::move(variable->grad);
    variable->grad = {};
    if (!dy.none()) {
      Grads grads = node.backward(dy.to_dense(variable->shape), Wants(node.inputs));
      for (std::size_t i = 0; i < node.inputs.size(); ++i)
        if (node.inputs[i]) node.inputs[i]->grad.accumulate(std::move(grads[i]));
    }
    node.backward = nullptr;
    node.inputs.clear();
    variable.reset();
  }
}

}  // namespace lw
