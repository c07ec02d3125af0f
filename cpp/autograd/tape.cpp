#include "cpp/autograd/tape.h"

#include <atomic>
#include <utility>

namespace lw {
namespace {

std::atomic<u64> next_sequence{1};
thread_local bool recording = true;

// Nodes die through this list instead of by recursion: a graph may be a million operations deep.
thread_local std::vector<std::shared_ptr<Node>> dying;
thread_local bool burying = false;

}  // namespace

Variable::~Variable() {
  if (!node) return;
  dying.push_back(std::move(node));
  if (burying) return;
  burying = true;
  while (!dying.empty()) {
    const std::shared_ptr<Node> last = std::move(dying.back());
    dying.pop_back();
  }
  burying = false;
}

Saved::Saved(const Array& array) : array_(array) {
  if (!array.defined() || !grad_enabled()) return;
  if (array.storage()->borrowed()) array_ = array.copy();
  version_ = array_.storage()->version();
}

const Array& Saved::get() const {
  if (array_.defined() && array_.storage()->version() != version_)
    throw std::runtime_error("backward: an array that this gradient needs was changed in place after it was used");
  return array_;
}

Array Wants::take(std::size_t input) const {
  const auto found = so_far_->find((*inputs_)[input].get());
  if (found == so_far_->end() || !found->second.dense()) return {};
  Array taken = *found->second.dense();
  so_far_->erase(found);
  return taken;
}

NoGrad::NoGrad() : before_(recording) { recording = false; }
NoGrad::~NoGrad() { recording = before_; }
bool grad_enabled() { return recording; }
bool set_grad_enabled(bool enabled) { return std::exchange(recording, enabled); }

namespace detail {

Tensor attach(const char* operation, Array value, Inputs inputs, Backward backward) {
  auto node = std::make_shared<Node>();
  node->operation = operation;
  node->sequence = next_sequence.fetch_add(1, std::memory_order_relaxed);
  node->backward = std::move(backward);
  node->inputs.reserve(inputs.size());
  for (const Tensor* input : inputs) node->inputs.push_back(input->requires_grad() ? input->variable() : nullptr);
  auto variable = std::make_shared<Variable>();
  variable->requires_grad = true;
  variable->shape = value.shape();
  variable->node = std::move(node);
  return Tensor(std::move(value), std::move(variable));
}

Array settled(Array value) { return value.storage()->borrowed() ? value.copy() : value; }

}  // namespace detail
}  // namespace lw
