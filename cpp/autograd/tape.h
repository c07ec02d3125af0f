// Recording operations. A node belongs to its output, so a graph nobody uses frees itself; there is no global tape.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cpp/autograd/tensor.h"

namespace lw {

using Grads = std::vector<Grad>;

// Which inputs want a gradient: wants[0] is the first of those given to record().
class Wants {
 public:
  using Gradients = std::unordered_map<Variable*, Grad>;

  Wants(const std::vector<std::shared_ptr<Variable>>& inputs, Gradients& so_far) : inputs_(&inputs), so_far_(&so_far) {}
  bool operator[](std::size_t input) const { return (*inputs_)[input] != nullptr; }

  // What other operations have found for an input; undefined: nothing, or no array. Who takes it returns the sum in its
  // place, and saves a pass over both.
  Array take(std::size_t input) const;

 private:
  const std::vector<std::shared_ptr<Variable>>* inputs_;
  Gradients* so_far_;
};

using Backward = std::function<Grads(const Array& dy, Wants wants)>;
using Inputs = std::span<const Tensor* const>;

struct Node {
  const char* operation;
  u64 sequence;                                   // grows with every node, so a node comes after all it depends on
  std::vector<std::shared_ptr<Variable>> inputs;  // null where no gradient is wanted
  Backward backward;
};

// An array kept for the gradient. It is an error if it was changed in place meanwhile; what was borrowed for the call
// is copied.
class Saved {
 public:
  Saved() = default;  // nothing
  explicit Saved(const Array& array);
  operator const Array&() const { return get(); }
  const Array& get() const;

 private:
  Array array_;
  u32 version_ = 0;
};

// Within the life of this object nothing is recorded on this thread.
class NoGrad {
 public:
  NoGrad();
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool before_;
};
bool grad_enabled();
bool set_grad_enabled(bool enabled);  // returns what was set before

// Is anything going to ask for a gradient? Then arrays are worth saving.
inline bool wants_grad(Inputs inputs) {
  if (!grad_enabled()) return false;
  for (const Tensor* input : inputs)
    if (input->requires_grad()) return true;
  return false;
}
inline bool wants_grad(std::initializer_list<const Tensor*> inputs) {
  return wants_grad(Inputs(inputs.begin(), inputs.size()));
}
inline Saved saved(const Array& array) { return Saved(array); }

namespace detail {
Tensor attach(const char* operation, Array value, Inputs inputs, Backward backward);
Array settled(Array value);
}  // namespace detail

// The result of an operation: `y`, with its gradient if some input wants one. `backward` gets dy and which inputs want
// theirs, and returns one Grad an input, in the order of `inputs`; it captures arrays through saved(), never a Tensor.
template <typename F>
Tensor record(const char* operation, Array y, Inputs inputs, F&& backward) {
  if (!wants_grad(inputs)) return Tensor(detail::settled(std::move(y)));
  return detail::attach(operation, detail::settled(std::move(y)), inputs, Backward(std::forward<F>(backward)));
}
template <typename F>
Tensor record(const char* operation, Array y, std::initializer_list<const Tensor*> inputs, F&& backward) {
  return record(operation, std::move(y), Inputs(inputs.begin(), inputs.size()), std::forward<F>(backward));
}

}  // namespace lw
