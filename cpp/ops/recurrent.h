// Recurrent layers.
#pragma once

#include "cpp/autograd/tensor.h"
#include "cpp/kernels/recurrent.h"

namespace lw::ops {

struct RecurrentWeights {
  Tensor kernel, recurrent;  // [inputs, gates * hidden], [hidden, gates * hidden]
  Tensor bias;               // [gates * hidden], of a gru that resets last [2, gates * hidden]; or undefined
};

// Which steps count: those below lengths [batch], or where mask [batch, steps] is true; all if both are undefined.
struct CountedSteps {
  Tensor lengths, mask;
};

struct RecurrentOptions {
  RecurrentCell cell;
  Activation activation, gate_activation;
  bool return_sequences, return_state;
};

// One recurrent layer over x [batch, steps, inputs], from `state` and `cell_state` [batch, hidden] or zeros. The result
// is [batch, steps, hidden] with return_sequences, else the last output [batch, hidden]. With return_state it is
// [batch, n, hidden]: the outputs, if they are returned, then the last state, then the cell state of an lstm. An x of
// [batch, inputs] is a single step.
Tensor recurrent(const Tensor& x, const RecurrentWeights& weights, const Tensor& state, const Tensor& cell_state,
                 const CountedSteps& steps, const RecurrentOptions& options);

}  // namespace lw::ops
