// Backward: collect the graph with a stack, run it in reverse order of creation, free it on the way.
#include <pthread.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <unordered_map>
#include <unordered_set>

#include "cpp/autograd/tape.h"
#include "cpp/autograd/tensor.h"
#include "cpp/core/check.h"

namespace lw {
namespace {

std::array<std::mutex, 64> grad_mutexes;

// What another thread has used, or is using, is found by the lock: a node's inputs are taken under it.
std::vector<std::shared_ptr<Variable>> graph_of(const std::shared_ptr<Variable>& root) {
  std::vector<std::shared_ptr<Variable>> found, stack{root};
  std::unordered_set<const Variable*> seen{root.get()};
  while (!stack.empty()) {
    std::shared_ptr<Variable> variable = std::move(stack.back());
    stack.pop_back();
    if (!variable->node) continue;
    {
      const std::lock_guard lock(variable->grad_mutex());
      for (const auto& input : variable->node->inputs)
        if (input && seen.insert(input.get()).second) stack.push_back(input);
    }
    found.push_back(std::move(variable));
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a->node->sequence > b->node->sequence; });
  return found;
}

}  // namespace

std::mutex& Variable::grad_mutex() const {
  return grad_mutexes[reinterpret_cast<std::uintptr_t>(this) / 64 % grad_mutexes.size()];
}

void grad_mutexes_survive_fork() {
  constexpr auto unlock = [] {
    for (std::mutex& mutex : grad_mutexes) mutex.unlock();
  };
  pthread_atfork(
      [] {
        for (std::mutex& mutex : grad_mutexes) mutex.lock();
      },
      unlock, unlock);
}

Grad Tensor::grad() const {
  if (variable_ == nullptr) return {};
  const std::lock_guard lock(variable_->grad_mutex());
  return variable_->grad;
}

void Tensor::set_grad(Grad grad) const {
  if (variable_ == nullptr) return;
  const std::lock_guard lock(variable_->grad_mutex());
  variable_->grad = std::move(grad);
}

Tensor::Tensor(Array value, bool requires_grad) : value_(std::move(value)) { set_requires_grad(requires_grad); }

void Tensor::set_requires_grad(bool requires_grad) {
  if (requires_grad == this->requires_grad()) return;
  expect(is_leaf(), "requires_grad", "the result of an operation cannot be told to leave the graph: use detach()");
  if (!requires_grad) {
    variable_->requires_grad = false;
    set_grad({});
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
  if (variable_->node) {
    const std::lock_guard lock(variable_->grad_mutex());
    if (!variable_->node->backward)
      throw std::runtime_error("backward: this graph was used before; a graph is freed by its backward pass");
  }
  NoGrad no_grad;
  // Leaves get theirs at the end, so that a pass that fails leaves no half of a gradient behind.
  Wants::Gradients gradients;
  std::vector<std::shared_ptr<Variable>> leaves;
  std::unordered_set<const Variable*> known;
  const auto add = [&](const std::shared_ptr<Variable>& variable, Grad grad) {
    if (grad.none()) return;
    Grad& held = gradients[variable.get()];
    if (!variable->node && known.insert(variable.get()).second) leaves.push_back(variable);
    held.accumulate(std::move(grad));
  };
  add(variable_, gradient.storage()->borrowed() ? gradient.copy() : gradient);
  for (std::shared_ptr<Variable>& variable : graph_of(variable_)) {
    Backward run;
    std::vector<std::shared_ptr<Variable>> inputs;
    {
      const std::lock_guard lock(variable->grad_mutex());
      if (!variable->node->backward)
        throw std::runtime_error("backward: part of this graph was used before, by another backward pass");
      run = std::exchange(variable->node->backward, nullptr);
      inputs = std::move(variable->node->inputs);
    }
    const auto found = gradients.find(variable.get());
    if (found != gradients.end()) {
      const Grad dy = std::move(found->second);
      gradients.erase(found);
      Grads grads = run(dy.to_dense(variable->shape), Wants(inputs, gradients));
      for (std::size_t i = 0; i < inputs.size(); ++i)
        if (inputs[i]) add(inputs[i], std::move(grads[i]));
    }
    variable.reset();
  }
  for (const std::shared_ptr<Variable>& leaf : leaves) {
    const std::lock_guard lock(leaf->grad_mutex());
    if (!leaf->requires_grad) continue;
    Grad found = std::move(gradients[leaf.get()]);
    if (found.dense() && found.dense()->storage() == gradient.storage()) found = found.dense()->copy();  // the caller's
    leaf->grad.accumulate(std::move(found));
  }
}

}  // namespace lw
