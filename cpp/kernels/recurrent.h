// Recurrent layers over whole sequences: the simple cell (Elman, 1990), gated recurrent units (Cho et al., EMNLP 2014)
// and long short-term memory (Hochreiter and Schmidhuber, 1997; forget gate: Gers et al., 2000).
#pragma once

#include "cpp/core/types.h"
#include "cpp/kernels/activation.h"

namespace lw {

//   simple           h' = f(x W + h U + b)
//   gru              z = s(x Wz + h Uz + bz)    r = s(x Wr + h Ur + br)    n = f(x Wn + bn + r (h Un + cn))
//   gru_reset_first  the same but               n = f(x Wn + (r h) Un + bn);    of both  h' = n + z (h - n)
//   lstm             i, f, o = s(x W + h U + b)    g = f(x Wg + h Ug + bg)    c' = f c + i g    h' = o f(c')
// W and U keep their gates in Keras' order, side by side: z r n, and i f g o. Activations are functions whose slope is
// known from their value.
enum class RecurrentCell : u8 { simple, gru, gru_reset_first, lstm };

constexpr i64 gates_of(RecurrentCell cell) {
  return cell == RecurrentCell::simple ? 1 : cell == RecurrentCell::lstm ? 4 : 3;
}
// What gradients need of a step beside its state, in multiples of `hidden`: nothing; z r n (h Un + cn); z r n; i f g o
// c.
constexpr i64 kept_of(RecurrentCell cell) {
  switch (cell) {
    case RecurrentCell::simple: return 0;
    case RecurrentCell::gru: return 4;
    case RecurrentCell::gru_reset_first: return 3;
    case RecurrentCell::lstm: return 5;
  }
  return 0;
}

// Sequence s is rows s * steps, .. of x, or rows offsets[s] to offsets[s + 1] of it. A step that does not count leaves
// the state alone and repeats the output of the one before (zeros before the first that counts), and costs no product.
struct RecurrentShape {
  RecurrentCell cell;
  Activation activation;             // f above
  Activation gate_activation;        // s above
  i64 batch, steps, inputs, hidden;  // with offsets `steps` is about the mean, to share out the work by
  const i64* offsets;                // [batch + 1], or null: sequences are padded to `steps`
  const i64* lengths;                // [batch] steps that count, the first ones; or null: all
  const bool* mask;                  // a truth for each row of x: of those, the steps that count; or null: all
  const i64* order;  // [batch] sequences, the longest first, so that those worked on together end together; or null
};

struct RecurrentForward {
  RecurrentShape shape;
  const float* x;               // [rows, inputs]
  const float* kernel;          // W [inputs, gates * hidden]
  const float* recurrent;       // U [hidden, gates * hidden]
  const float* bias;            // b [gates * hidden], or null
  const float* recurrent_bias;  // added to h U, [gates * hidden], or null; cn above is its last part
  const float* state;           // h before the first step, [batch, hidden], or null: zeros
  const float* cell_state;      // c before it
  const float* state_scale;     // m [batch, hidden]: steps begin from m h, not h; or null: ones
  float* y;                     // h after every step, or null
  i64 y_stride;                 // floats from sequence to sequence, unless there are offsets
  float* last;                  // h after the last step, or null
  float* last_cell;             // c after it, or null
  i64 last_stride;              // floats from sequence to sequence
  float* kept;                  // [rows, kept_of(cell) * hidden], or null
};

// Gradients that are null are not computed.
struct RecurrentBackward {
  RecurrentForward forward;  // its arguments; y and kept are not null
  const float* dy;           // as y, or null
  i64 dy_stride;
  const float* dlast;  // as last, or null
  const float* dlast_cell;
  i64 dlast_stride;
  float* dx;
  float* dkernel;
  float* drecurrent;
  float* dbias;
  float* drecurrent_bias;
  float* dstate;
  float* dcell_state;
};

}  // namespace lw
