#include <limits>
#include <vector>

#include "cpp/backend/dispatch.h"
#include "cpp/core/parallel.h"
#include "cpp/core/random.h"
#include "cpp/kernels/table.h"
#include "tests/native/check.h"

using namespace lw;

namespace {

// Buffers of exactly the size a kernel may touch, so that the sanitizers see a step beyond.
using Floats = std::vector<float>;

Floats drawn(i64 count, u64 seed, float scale = 1.f) {
  Floats values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = scale * (static_cast<float>(philox(seed, 0, i).word[0]) * 0x1p-31f - 1.f);
  return values;
}
Floats unset(i64 count) { return Floats(static_cast<std::size_t>(count), std::numeric_limits<float>::quiet_NaN()); }

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// A layer on sequences of one length, its weights, and what it gives in double precision.
struct Layer {
  RecurrentShape shape;
  i64 gates;
  Floats x, kernel, recurrent, bias, recurrent_bias;

  Layer(RecurrentCell cell, i64 batch, i64 steps, i64 inputs, i64 hidden)
      : shape{cell,    Activation::tanh, Activation::sigmoid, batch, steps, inputs, hidden, nullptr, nullptr,
              nullptr, nullptr},
        gates(gates_of(cell)),
        x(drawn(batch * steps * inputs, 1)),
        kernel(drawn(inputs * gates * hidden, 2, 0.4f)),
        recurrent(drawn(hidden * gates * hidden, 3, 0.4f)),
        bias(drawn(gates * hidden, 4)),
        recurrent_bias(drawn(gates * hidden, 5)) {}

  RecurrentForward forward(float* y, float* last, float* last_cell, float* kept) const {
    return {.shape = shape,
            .x = x.data(),
            .kernel = kernel.data(),
            .recurrent = recurrent.data(),
            .bias = bias.data(),
            .recurrent_bias = shape.cell == RecurrentCell::gru ? recurrent_bias.data() : nullptr,
            .state = nullptr,
            .cell_state = nullptr,
            .state_scale = nullptr,
            .y = y,
            .y_stride = shape.steps * shape.hidden,
            .last = last,
            .last_cell = last_cell,
            .last_stride = shape.hidden,
            .kept = kept};
  }

  double of_x(i64 row, i64 column) const {
    double sum = bias[column];
    for (i64 p = 0; p < shape.inputs; ++p)
      sum += double{x[row * shape.inputs + p]} * kernel[p * gates * shape.hidden + column];
    return sum;
  }
  double of_h(const std::vector<double>& h, i64 column) const {
    double sum = shape.cell == RecurrentCell::gru ? recurrent_bias[column] : 0;
    for (i64 p = 0; p < shape.hidden; ++p) sum += h[p] * recurrent[p * gates * shape.hidden + column];
    return sum;
  }

  std::vector<double> reference() const {
    const i64 hidden = shape.hidden;
    std::vector<double> y;
    for (i64 s = 0; s < shape.batch; ++s) {
      std::vector<double> h(static_cast<std::size_t>(hidden)), c(h), next(h), reset(h);
      for (i64 t = 0; t < shape.steps; ++t) {
        const i64 row = s * shape.steps + t;
        const auto sum = [&](i64 gate, i64 j) { return of_x(row, gate * hidden + j) + of_h(h, gate * hidden + j); };
        for (i64 j = 0; j < hidden; ++j) reset[j] = gates == 3 ? sigmoid(sum(1, j)) * h[j] : 0;
        for (i64 j = 0; j < hidden; ++j) {
          if (shape.cell == RecurrentCell::simple) {
            next[j] = std::tanh(sum(0, j));
          } else if (shape.cell == RecurrentCell::lstm) {
            c[j] = sigmoid(sum(1, j)) * c[j] + sigmoid(sum(0, j)) * std::tanh(sum(2, j));
            next[j] = sigmoid(sum(3, j)) * std::tanh(c[j]);
          } else {
            const i64 column = 2 * hidden + j;
            const double inner =
                shape.cell == RecurrentCell::gru ? sigmoid(sum(1, j)) * of_h(h, column) : of_h(reset, column);
            const double z = sigmoid(sum(0, j)), n = std::tanh(of_x(row, column) + inner);
            next[j] = n + z * (h[j] - n);
          }
        }
        h = next;
        y.insert(y.end(), h.begin(), h.end());
      }
    }
    return y;
  }
};

constexpr RecurrentCell all_cells[] = {RecurrentCell::simple, RecurrentCell::gru, RecurrentCell::gru_reset_first,
                                       RecurrentCell::lstm};

}  // namespace

TEST(recurrent_layers_agree_with_float64) {
  for (RecurrentCell cell : all_cells)
    for (i64 batch : {1, 3, 17, 40})
      for (i64 hidden : {1, 7, 16, 19}) {
        const Layer layer(cell, batch, 5, 3, hidden);
        Floats y = unset(batch * 5 * hidden), last = unset(batch * hidden);
        kernels(Device::cpu).recurrent_forward(layer.forward(y.data(), last.data(), nullptr, nullptr));
        const std::vector<double> want = layer.reference();
        double worst = 0;
        for (std::size_t i = 0; i < want.size(); ++i) {
          const double difference = std::abs(y[i] - want[i]);
          worst = difference <= worst ? worst : difference;  // NaN stays
        }
        CHECK_CLOSE(worst, 0., 4e-6);
        CHECK(last.back() == y.back());
      }
}

// One step after another, each from the state the last one left, is what serving does.
TEST(single_steps_give_the_bits_of_the_whole_sequence) {
  const i64 batch = 30, steps = 6, inputs = 5, hidden = 20;
  for (RecurrentCell cell : all_cells) {
    const Layer layer(cell, batch, steps, inputs, hidden);
    Floats y = unset(batch * steps * hidden);
    kernels(Device::cpu).recurrent_forward(layer.forward(y.data(), nullptr, nullptr, nullptr));
    Floats h(static_cast<std::size_t>(batch * hidden)), c(h), next(h), next_cell(h);
    Floats now(static_cast<std::size_t>(batch * inputs));
    bool same = true;
    for (i64 t = 0; t < steps; ++t) {
      for (i64 s = 0; s < batch; ++s)
        for (i64 p = 0; p < inputs; ++p) now[s * inputs + p] = layer.x[(s * steps + t) * inputs + p];
      RecurrentForward step = layer.forward(nullptr, next.data(), next_cell.data(), nullptr);
      step.shape.steps = 1;
      step.x = now.data();
      step.state = h.data();
      step.cell_state = c.data();
      kernels(Device::cpu).recurrent_forward(step);
      h = next;
      c = next_cell;
      for (i64 s = 0; s < batch; ++s)
        for (i64 j = 0; j < hidden; ++j) same = same && h[s * hidden + j] == y[(s * steps + t) * hidden + j];
    }
    CHECK(same);
  }
}

TEST(packed_sequences_give_what_padded_ones_give) {
  const i64 lengths[] = {3, 0, 5, 1}, batch = 4, steps = 5, inputs = 2, hidden = 9;
  for (RecurrentCell cell : all_cells) {
    Layer padded(cell, batch, steps, inputs, hidden);
    padded.shape.lengths = lengths;
    Layer packed = padded;
    i64 offsets[batch + 1] = {};
    packed.x.clear();
    for (i64 s = 0; s < batch; ++s) {
      const auto first = padded.x.begin() + s * steps * inputs;
      packed.x.insert(packed.x.end(), first, first + lengths[s] * inputs);
      offsets[s + 1] = offsets[s] + lengths[s];
    }
    packed.shape.lengths = nullptr;
    packed.shape.offsets = offsets;
    const i64 kept = kept_of(cell) * hidden;
    Floats y_padded = unset(batch * steps * hidden), y_packed = unset(offsets[batch] * hidden);
    Floats kept_padded = unset(batch * steps * kept), kept_packed = unset(offsets[batch] * kept);
    Floats dx_padded = unset(batch * steps * inputs), dx_packed = unset(offsets[batch] * inputs);
    Floats du_padded = unset(hidden * padded.gates * hidden), du_packed = du_padded;
    const Floats dlast = drawn(batch * hidden, 6);
    const auto run = [&](const Layer& layer, Floats& y, Floats& kept_values, Floats& dx, Floats& du) {
      const RecurrentForward forward = layer.forward(y.data(), nullptr, nullptr, kept_values.data());
      kernels(Device::cpu).recurrent_forward(forward);
      RecurrentBackward backward = {};
      backward.forward = forward;
      backward.dlast = dlast.data();
      backward.dlast_stride = hidden;
      backward.dx = dx.data();
      backward.drecurrent = du.data();
      kernels(Device::cpu).recurrent_backward(backward);
    };
    run(padded, y_padded, kept_padded, dx_padded, du_padded);
    run(packed, y_packed, kept_packed, dx_packed, du_packed);
    bool same = du_padded == du_packed;
    for (i64 s = 0; s < batch; ++s)
      for (i64 t = 0; t < steps; ++t) {
        for (i64 j = 0; j < hidden && t < lengths[s]; ++j)
          same = same && y_padded[(s * steps + t) * hidden + j] == y_packed[(offsets[s] + t) * hidden + j];
        for (i64 p = 0; p < inputs; ++p) {
          const float of_padded = dx_padded[(s * steps + t) * inputs + p];
          same = same && of_padded == (t < lengths[s] ? dx_packed[(offsets[s] + t) * inputs + p] : 0.f);
        }
      }
    CHECK(same);
  }
}
