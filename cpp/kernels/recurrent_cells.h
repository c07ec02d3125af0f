// The pointwise halves of recurrent cells and their gradients, for a few sequences at one step. Products are between
// them.
#pragma once

#include "cpp/kernels/activate.h"
#include "cpp/kernels/recurrent_panels.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

constexpr i64 most_rows = 32;  // sequences that are worked on together

// All activations, chosen for every vector ...
[[gnu::noinline]] Vec value_of(Activation activation, Vec z) { return activate(activation, z); }
[[gnu::noinline]] Vec slope_of(Activation activation, Vec y) {
  Vec slope = y;
  with_activation(activation, [&](auto one) { slope = decltype(one)::slope(y, y, default_alpha(activation)); });
  return slope;
}
struct AnyFunctions {
  Activation activation, gate_activation;
  LIKEWISE_INLINE Vec gate(Vec z) const { return value_of(gate_activation, z); }
  LIKEWISE_INLINE Vec gate_slope(Vec y) const { return slope_of(gate_activation, y); }
  LIKEWISE_INLINE Vec value(Vec z) const { return value_of(activation, z); }
  LIKEWISE_INLINE Vec slope(Vec y) const { return slope_of(activation, y); }
};
// ... and Keras' defaults, known at compile time: the bits of sigmoid and tanh, but that the gate stops falling at
// e^-87, where no state can tell; so exp need not make denormals.
struct SigmoidAndTanh {
  explicit SigmoidAndTanh(AnyFunctions) {}
  LIKEWISE_INLINE Vec gate(Vec z) const {
    const Vec e = exp_above_denormals(-abs(z));
    return select(z >= 0.f, 1.f, e) / (1.f + e);
  }
  LIKEWISE_INLINE Vec gate_slope(Vec y) const { return y * (1.f - y); }
  LIKEWISE_INLINE Vec value(Vec z) const { return tanh(z); }
  LIKEWISE_INLINE Vec slope(Vec y) const { return fma(-y, y, 1.f); }
};

// One step of sequences that are all active: row i of `a` holds [x h] of sequence i.
struct ForwardStep {
  struct Sequence {
    float *h, *c;  // the state, to be replaced
    float* y;      // its copy in the output, or null
    float* kept;   // or null
  };
  const GateProducts& products;
  AnyFunctions functions;
  i64 hidden, count;
  Sequence sequence[most_rows];
  float* a;  // [count, lda]
  i64 lda;
  float* sums;  // [count, products.sums]
  Ahead* ahead;

  const float* sums_of(i64 i, i64 product) const { return sums + i * products.sums + products.each[product].sums_at; }
};

// The step backwards: h_before, kept and dy are given; dh holds what later steps want, and is replaced by what earlier
// ones get. d [count, ldd] takes the gradients of the sums of gates, through [count, ldt] is scratch for dh.
struct BackwardStep {
  struct Sequence {
    const float *y, *kept, *h_before, *c_before, *dy;  // c_before and dy may be null: zeros
    float *dh, *dc;
    float* d;             // its row below
    float* reset_before;  // r h, for the gradient of U
  };
  AnyFunctions functions;
  i64 hidden, count;
  Sequence sequence[most_rows];
  float* d;
  i64 ldd;
  float* through;
  i64 ldt;
  Ahead* ahead;
  Panels recurrent, candidate;  // U^T: of the gates whose gradients meet dh, and of those that meet r h
};

LIKEWISE_INLINE Vec load_or_zero(const float* from, i64 j, auto lanes) {
  return from == nullptr ? Vec(0.f) : lanes.load(from + j);
}

// ---------------------------------------------------------------------------------------------------------------------
//   h' = f(x W + h U + b)            dz = f'(h') dh'    dh = dz U^T
template <typename Functions>
struct SimpleCell {
  static void forward(const ForwardStep& step) {
    const Functions f(step.functions);
    multiply(step.products, 0, step.count, step.a, step.lda, step.sums, step.ahead);
    for (i64 i = 0; i < step.count; ++i) {
      const auto s = step.sequence[i];
      const float* z = step.sums_of(i, 0);
      for_lanes(step.hidden, [&](i64 j, auto lanes) {
        const Vec h = f.value(lanes.load(z + j));
        lanes.store(s.h + j, h);
        if (s.y != nullptr) lanes.store(s.y + j, h);
      });
    }
  }
  static void backward(const BackwardStep& step) {
    const Functions f(step.functions);
    for (i64 i = 0; i < step.count; ++i) {
      const auto s = step.sequence[i];
      for_lanes(step.hidden, [&](i64 j, auto lanes) {
        const Vec dh = lanes.load(s.dh + j) + load_or_zero(s.dy, j, lanes);
        lanes.store(s.d + j, dh * f.slope(lanes.load(s.y + j)));
      });
    }
    multiply(step.recurrent, step.count, step.d, step.ldd, step.through, step.ldt, false, step.ahead);
  }
};

// ---------------------------------------------------------------------------------------------------------------------
//   z = s(xz + hz)    r = s(xr + hr)    n = f(xn + r hn)    h' = n + z (h - n)
//   dz = s'(z) dh' (h - n)    dn = f'(n) dh' (1 - z)    dhn = dn r    dr = s'(r) dn hn    dh = dh' z + [dz dr dhn] U^T
// d holds [dn dz dr dhn]: the first three meet x, the last three h.
template <typename Functions>
struct GruCell {
  static void forward(const ForwardStep& step) {
    const Functions f(step.functions);
    for (i64 product = 0; product < 3; ++product)
      multiply(step.products, product, step.count, step.a, step.lda, step.sums, step.ahead);
    const i64 hidden = step.hidden;
    for (i64 i = 0; i < step.count; ++i) {
      const auto s = step.sequence[i];
      const float *zr = step.sums_of(i, 0), *xn = step.sums_of(i, 1), *hn = step.sums_of(i, 2);
      for_lanes(hidden, [&](i64 j, auto lanes) {
        const Vec z = f.gate(lanes.load(zr + j)), r = f.gate(lanes.load(zr + hidden + j));
        const Vec of_state = lanes.load(hn + j);
        const Vec n = f.value(fma(r, of_state, lanes.load(xn + j)));
        const Vec h = fma(z, lanes.load(s.h + j) - n, n);
        lanes.store(s.h + j, h);
        if (s.y != nullptr) lanes.store(s.y + j, h);
        if (s.kept == nullptr) return;
        lanes.store(s.kept + j, z);
        lanes.store(s.kept + hidden + j, r);
        lanes.store(s.kept + 2 * hidden + j, n);
        lanes.store(s.kept + 3 * hidden + j, of_state);
      });
    }
  }
  static void backward(const BackwardStep& step) {
    const Functions f(step.functions);
    const i64 hidden = step.hidden;
    for (i64 i = 0; i < step.count; ++i) {
      const auto s = step.sequence[i];
      float* through = step.through + i * step.ldt;
      for_lanes(hidden, [&](i64 j, auto lanes) {
        const Vec z = lanes.load(s.kept + j), r = lanes.load(s.kept + hidden + j);
        const Vec n = lanes.load(s.kept + 2 * hidden + j), of_state = lanes.load(s.kept + 3 * hidden + j);
        const Vec dh = lanes.load(s.dh + j) + load_or_zero(s.dy, j, lanes);
        const Vec dn = dh * (1.f - z) * f.slope(n);
        lanes.store(s.d + j, dn);
        lanes.store(s.d + hidden + j, dh * (lanes.load(s.h_before + j) - n) * f.gate_slope(z));
        lanes.store(s.d + 2 * hidden + j, dn * of_state * f.gate_slope(r));
        lanes.store(s.d + 3 * hidden + j, dn * r);
        lanes.store(through + j, dh * z);
      });
    }
    multiply(step.recurrent, step.count, step.d + hidden, step.ldd, step.through, step.ldt, true, step.ahead);
  }
};

// ---------------------------------------------------------------------------------------------------------------------
//   z = s(xz + hz)    r = s(xr + hr)    n = f(xn + (r h) Un)    h' = n + z (h - n)
//   dz, dn as above    d(r h) = dn Un^T    dr = s'(r) d(r h) h    dh = dh' z + d(r h) r + [dz dr] Uzr^T
template <typename Functions>
struct GruResetFirstCell {
  static void forward(const ForwardStep& step) {
    const Functions f(step.functions);
    multiply(step.products, 0, step.count, step.a, step.lda, step.sums, step.ahead);
    const i64 hidden = step.hidden;
    for (i64 i = 0; i < step.count; ++i) {
      const auto s = step.sequence[i];
      const float* r_sums = step.sums_of(i, 0) + hidden;
      float* reset = step.a + i * step.lda + step.products.inputs;
      for_lanes(hidden, [&](i64 j, auto lanes) {
        const Vec r = f.gate(lanes.load(r_sums + j));
        lanes.store(reset + j, r * lanes.load(s.h + j));
        if (s.kept != nullptr) lanes.store(s.kept + hidden + j, r);
      });
    }
    multiply(step.products, 1, step.count, step.a, step.lda, step.sums, step.ahead);
    for (i64 i = 0; i < step.count; ++i) {
      const auto s = step.sequence[i];
      const float *z_sums = step.sums_of(i, 0), *n_sums = step.sums_of(i, 1);
      for_lanes(hidden, [&](i64 j, auto lanes) {
        const Vec z = f.gate(lanes.load(z_sums + j)), n = f.value(lanes.load(n_sums + j));
        const Vec h = fma(z, lanes.load(s.h + j) - n, n);
        lanes.store(s.h + j, h);
        if (s.y != nullptr) lanes.store(s.y + j, h);
        if (s.kept == nullptr) return;
        lanes.store(s.kept + j, z);
        lanes.store(s.kept + 2 * hidden + j, n);
      });
    }
  }
  static void backward(const BackwardStep& step) {
    const Functions f(step.functions);
    const i64 hidden = step.hidden;
    for (i64 i = 0; i < step.count; ++i) {
      const auto s = step.sequence[i];
      for_lanes(hidden, [&](i64 j, auto lanes) {
        const Vec z = lanes.load(s.kept + j), n = lanes.load(s.kept + 2 * hidden + j);
        const Vec dh = lanes.load(s.dh + j) + load_or_zero(s.dy, j, lanes);
        lanes.store(s.d + j, dh * (lanes.load(s.h_before + j) - n) * f.gate_slope(z));
        lanes.store(s.d + 2 * hidden + j, dh * (1.f - z) * f.slope(n));
        lanes.store(s.dh + j, dh * z);
      });
    }
    multiply(step.candidate, step.count, step.d + 2 * hidden, step.ldd, step.through, step.ldt, false, step.ahead);
    for (i64 i = 0; i < step.count; ++i) {
      const auto s = step.sequence[i];
      float* through = step.through + i * step.ldt;
      for_lanes(hidden, [&](i64 j, auto lanes) {
        const Vec r = lanes.load(s.kept + hidden + j), h = lanes.load(s.h_before + j), dreset = lanes.load(through + j);
        lanes.store(s.d + hidden + j, dreset * h * f.gate_slope(r));
        lanes.store(s.reset_before + j, r * h);
        lanes.store(through + j, fma(dreset, r, lanes.load(s.dh + j)));
      });
    }
    multiply(step.recurrent, step.count, step.d, step.ldd, step.through, step.ldt, true, step.ahead);
  }
};

// ---------------------------------------------------------------------------------------------------------------------
//   i, f, o = s(..)    g = f(..)    c' = f c + i g    h' = o t, t = f(c')
//   do = s'(o) dh' t    dc += f'(t) dh' o    di = s'(i) dc g    df = s'(f) dc c    dg = f'(g) dc i    dc = dc f
template <typename Functions>
struct LstmCell {
  static void forward(const ForwardStep& step) {
    const Functions f(step.functions);
    multiply(step.products, 0, step.count, step.a, step.lda, step.sums, step.ahead);
    const i64 hidden = step.hidden;
    for (i64 row = 0; row < step.count; ++row) {
      const auto s = step.sequence[row];
      const float* sums = step.sums_of(row, 0);
      for_lanes(hidden, [&](i64 j, auto lanes) {
        const Vec i = f.gate(lanes.load(sums + j)), forget = f.gate(lanes.load(sums + hidden + j));
        const Vec g = f.value(lanes.load(sums + 2 * hidden + j)), o = f.gate(lanes.load(sums + 3 * hidden + j));
        const Vec c = fma(forget, lanes.load(s.c + j), i * g);
        const Vec h = o * f.value(c);
        lanes.store(s.c + j, c);
        lanes.store(s.h + j, h);
        if (s.y != nullptr) lanes.store(s.y + j, h);
        if (s.kept == nullptr) return;
        lanes.store(s.kept + j, i);
        lanes.store(s.kept + hidden + j, forget);
        lanes.store(s.kept + 2 * hidden + j, g);
        lanes.store(s.kept + 3 * hidden + j, o);
        lanes.store(s.kept + 4 * hidden + j, c);
      });
    }
  }
  static void backward(const BackwardStep& step) {
    const Functions f(step.functions);
    const i64 hidden = step.hidden;
    for (i64 row = 0; row < step.count; ++row) {
      const auto s = step.sequence[row];
      for_lanes(hidden, [&](i64 j, auto lanes) {
        const Vec i = lanes.load(s.kept + j), forget = lanes.load(s.kept + hidden + j);
        const Vec g = lanes.load(s.kept + 2 * hidden + j), o = lanes.load(s.kept + 3 * hidden + j);
        const Vec t = f.value(lanes.load(s.kept + 4 * hidden + j));
        const Vec dh = lanes.load(s.dh + j) + load_or_zero(s.dy, j, lanes);
        const Vec dc = fma(dh * o, f.slope(t), lanes.load(s.dc + j));
        lanes.store(s.d + j, dc * g * f.gate_slope(i));
        lanes.store(s.d + hidden + j, dc * load_or_zero(s.c_before, j, lanes) * f.gate_slope(forget));
        lanes.store(s.d + 2 * hidden + j, dc * i * f.slope(g));
        lanes.store(s.d + 3 * hidden + j, dh * t * f.gate_slope(o));
        lanes.store(s.dc + j, dc * forget);
      });
    }
    multiply(step.recurrent, step.count, step.d, step.ldd, step.through, step.ldt, false, step.ahead);
  }
};

struct Cell {
  void (*forward)(const ForwardStep&);
  void (*backward)(const BackwardStep&);
};

template <template <typename> typename Kind>
Cell cell_with(bool usual_functions) {
  if (usual_functions) return {Kind<SigmoidAndTanh>::forward, Kind<SigmoidAndTanh>::backward};
  return {Kind<AnyFunctions>::forward, Kind<AnyFunctions>::backward};
}
Cell cell_of(const RecurrentShape& s) {
  const bool usual =
      s.activation == Activation::tanh && (s.cell == RecurrentCell::simple || s.gate_activation == Activation::sigmoid);
  switch (s.cell) {
    case RecurrentCell::simple: return cell_with<SimpleCell>(usual);
    case RecurrentCell::gru: return cell_with<GruCell>(usual);
    case RecurrentCell::gru_reset_first: return cell_with<GruResetFirstCell>(usual);
    case RecurrentCell::lstm: return cell_with<LstmCell>(usual);
  }
  return {};
}

}  // namespace
}  // namespace lw::LIKEWISE_LEVEL
