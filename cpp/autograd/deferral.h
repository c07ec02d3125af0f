// Work put off until somebody looks at its result: an operation that follows may do both in one go, and then the result
// between them is never made. Nobody can tell: what an operation reads may not change in place before it has run.
#pragma once

#include <memory>

#include "cpp/autograd/tensor.h"

namespace lw {

// May operations on this thread put off their work? Turning it off does what is left, for results still alive.
bool deferring();
bool set_deferring(bool deferring);  // returns what was set before

// An array that `work` fills.
Array deferred_array(const Shape& shape, Device device, std::shared_ptr<Deferred> work);

// The same tensor, or one that lives on after the call, for work that reads it later.
Tensor kept_alive(const Tensor& tensor);

// What is put off is done now: something is going to be changed in place.
void finish_deferred();

}  // namespace lw
