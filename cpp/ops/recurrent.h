// Recurrent layers.
#pragma once

#include "cpp/autograd/tensor.h"
#include "cpp/kernels/recurrent.h"

namespace lw::ops {

struct RecurrentWeights {
  Tensor kernel, recurrent;  // [inputs, gates * hidden], [hidden, gates * hidden]
  Tensor bias;               // [gates * hidden], of a gru that resets last [2, gates * hidden]; or undefined
};

// Which steps count of x [batch, steps, inputs]: those below lengths [batch], or where mask [batch, steps] is true; all
// if both are undefined. Or sequence s is the rows offsets[s] to offsets[s + 1] of x [rows, inputs].
struct CountedSteps {
  Tensor lengths, mask, offsets;
};

struct RecurrentOptions {
  RecurrentCell cell;
  Activation activation, gate_activation;
  bool return_sequences, return_state;
};

// What a layer begins with: h and c of [batch, hidden], zeros if undefined; and what h is multiplied with before every
// step that counts [batch, hidden], a constant.
struct RecurrentState {
  Tensor state, cell, scale;
};

// One recurrent layer over x [batch, steps, inputs]. The result is [batch, steps, hidden] with return_sequences, else
// the last output [batch, hidden]. With return_state it is [batch, n, hidden]: the outputs, if they are returned, then
// the last state, then the cell state of an lstm. An x of [batch, inputs] without offsets is a single step; with them
// return_sequences gives [rows, hidden], and return_state the rows of the states below.
Tensor recurrent(const Tensor& x, const RecurrentWeights& weights, const RecurrentState& initial,
                 const CountedSteps& steps, const RecurrentOptions& options);

}  // namespace lw::ops
