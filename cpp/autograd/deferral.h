// Work put off until somebody looks at its result: an operation that follows may do both in one go, and then the result
// between them is never made. Nobody can tell: what an operation reads may not change in place before it has run.
#pragma once

#include <memory>

#include "cpp/autograd/tensor.h"

namespace lw {

// May operations on this thread put off their work? Turning it off does what is left, for results still alive.
bool deferring();
bool set_deferring(bool deferring);  // returns what was set before

// An operation that was put off, and what an operation that follows needs to know to take it over.
struct DeferredOperation : Deferred {
  Shape shape;  // of the result

  explicit DeferredOperation(const Shape& shape) : shape(shape) {}
  virtual bool wants_grad() const = 0;  // of any input, now
};

// An array that `work` fills.
Array deferred_array(Device device, std::shared_ptr<DeferredOperation> work);

// The operation whose result this is, if it can be taken over: null if it is none of this kind or is done already, if
// the result is another shape or a part of it, and if it was recorded then and is not now, or the other way round.
template <typename Operation>
std::shared_ptr<const Operation> deferred_as(const Tensor& result) {
  auto operation = std::dynamic_pointer_cast<const Operation>(result.value().storage()->deferred());
  const bool same = operation && operation->shape == result.shape();
  return same && operation->wants_grad() == result.requires_grad() ? operation : nullptr;
}

// The same tensor, or one that lives on after the call, for work that reads it later.
Tensor kept_alive(const Tensor& tensor);

// What is put off is done now: something is going to be changed in place.
void finish_deferred();

}  // namespace lw
