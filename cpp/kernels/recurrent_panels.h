// Products of a recurrence: few rows by a weight that is packed once and read again at every step.
#pragma once

#include "cpp/core/arena.h"
#include "cpp/core/parallel.h"
#include "cpp/kernels/gemm.h"
#include "cpp/kernels/gemm_pack.h"
#include "cpp/kernels/gemm_tile.h"
#include "cpp/kernels/recurrent.h"

namespace lw::LIKEWISE_LEVEL {

void gemm(const Gemm&);

namespace {

constexpr i64 panel_lanes = 2 * native_lanes;
template <int... Rows>
struct PanelTiles {
  static constexpr i64 tallest = sizeof...(Rows);
  static constexpr TileKernel wide[] = {tiles<Rows, 2>...};
  static constexpr TileKernel narrow[] = {tiles<Rows, 1>...};
};
#if defined(__AVX512F__)
using Wide = PanelTiles<1, 2, 3, 4, 5, 6, 7, 8>;
using Narrow = PanelTiles<1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16>;
#else
using Wide = PanelTiles<1, 2, 3, 4, 5, 6>;
using Narrow = PanelTiles<1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12>;
#endif

// The panel of the first of `columns` columns: whole, or half where the others are not there.
void run_panel(i64 columns, i64 rows, Tiles t) {
  t.columns = columns > native_lanes ? panel_lanes : native_lanes;
  if (columns > native_lanes)
    run_tiles(Wide::wide, Wide::tallest, rows, t);
  else
    run_tiles(Narrow::narrow, Narrow::tallest, rows, t);
}

i64 padded(i64 columns) { return ceil_div(columns, panel_lanes) * panel_lanes; }
// Floats from row to row of scratch that is also read down its columns: whole cache lines, an odd number of them, so
// that rows do not fall on the same few cache sets.
i64 row_stride(i64 columns) { return (ceil_div(columns, 16) | 1) * 16; }

// The last vector of a copy lies over the one before it, which is quicker than a part of one.
LIKEWISE_INLINE void copy(const float* from, i64 n, float* to) {
  if (n < native_lanes) return native_store_up_to(to, native_load_up_to(from, n), n);
  for (i64 j = 0; j + native_lanes <= n; j += native_lanes) store_native(to + j, load_native(from + j));
  store_native(to + n - native_lanes, load_native(from + n - native_lanes));
}
void fill_zero(float* to, i64 n) {
  for_lanes(n, [&](i64 j, auto lanes) { lanes.store(to + j, 0.f); });
}

// A weight [k, columns] in panels, and the row that sums start at. Every buffer of sums has padded(columns) columns.
struct Panels {
  i64 k, columns;
  const float* packed;
  const float* start;  // [padded(columns)], or null
};

// Memory that the next step will touch, asked for bit by bit while products run: rows of a step lie far apart, so that
// the processor does not see them coming, and products leave the memory idle.
struct Ahead {
  struct Part {
    const char* at;
    i64 lines;
  };
  i64 count = 0, next = 0, lines = 0, share = 0;
  Part part[4 * 32];

  void clear() { count = next = lines = share = 0; }
  // A short row's next step lies in the line at hand or in the one behind it, which the processor does see coming.
  void add(const float* at, i64 floats) {
    constexpr i64 long_row = 64;
    if (at == nullptr || floats < long_row) return;
    part[count] = {reinterpret_cast<const char*>(at), ceil_div(floats, 16)};
    lines += part[count++].lines;
  }
  void spread_over(i64 panels) { share = ceil_div(lines, panels); }
  void fetch_share() {
    for (i64 left = share; left > 0 && next < count;) {
      Part& p = part[next];
      const i64 now = at_most(left, p.lines);
      for (i64 i = 0; i < now; ++i) __builtin_prefetch(p.at + 64 * i, 0, 2);  // to the second level
      p.at += 64 * now;
      p.lines -= now;
      left -= now;
      next += p.lines == 0;
    }
  }
};

// c = start + a w, or c + a w; k ascends, so the bits are those of gemm.
void multiply(const Panels& w, i64 rows, const float* a, i64 lda, float* c, i64 ldc, bool accumulate,
              Ahead* ahead = nullptr) {
  constexpr i64 k_block = 256;  // a panel of so many rows stays in the first-level cache
  if (rows == 0) return;
  Tiles t = {};
  t.row_bytes = 4 * lda;
  t.step_bytes = 4;
  t.ldb = panel_lanes;
  t.ldc = ldc;
  t.activation = Activation::linear;
  for (i64 j = 0; j < w.columns; j += panel_lanes) {
    i64 p = 0;
    do {
      t.k = at_most(w.k - p, k_block);
      t.a = reinterpret_cast<const char*>(a + p);
      t.b = w.packed + j * w.k + p * panel_lanes;
      t.c = c + j;
      t.load_c = accumulate || p > 0;
      t.bias = t.load_c || w.start == nullptr ? nullptr : w.start + j;
      run_panel(w.columns - j, rows, t);
      p += k_block;
    } while (p < w.k);
    if (ahead != nullptr) ahead->fetch_share();
  }
}

// c += a^T b over k rows of both: the gradient of a weight. Rows of b and c are long enough for whole panels.
void multiply_transposed(i64 k, const float* a, i64 lda, i64 rows, const float* b, i64 ldb, i64 columns, float* c,
                         i64 ldc) {
  Tiles t = {};
  t.k = k;
  t.a = reinterpret_cast<const char*>(a);
  t.row_bytes = 4;
  t.step_bytes = 4 * lda;
  t.ldb = ldb;
  t.ldc = ldc;
  t.load_c = true;
  t.activation = Activation::linear;
  for (i64 j = 0; j < columns; j += panel_lanes) {
    t.b = b + j;
    t.c = c + j;
    run_panel(columns - j, rows, t);
  }
}

// A product of the forward pass: rows [x h], or one of the two parts, by the columns of some gates.
struct GateProduct {
  i64 at;  // where its part of [x h] begins
  i64 sums_at;
  const float* kernel;     // the columns of W, or null
  const float* recurrent;  // those of U, or null
  Panels panels;           // both, one above the other; not packed where few rows pass
};

struct GateProducts {
  i64 inputs, hidden, stride;  // of W and U
  i64 sums;                    // floats in a row of all sums
  i64 count;
  GateProduct each[3];
};

void add_product(const RecurrentForward& k, bool of_x, bool of_h, i64 gate, i64 gates, GateProducts& products,
                 Scratch& scratch) {
  const RecurrentShape& s = k.shape;
  const i64 columns = gates * s.hidden, first = gate * s.hidden;
  GateProduct& product = products.each[products.count++];
  product = {.at = of_x ? 0 : s.inputs,
             .sums_at = products.sums,
             .kernel = of_x ? k.kernel + first : nullptr,
             .recurrent = of_h ? k.recurrent + first : nullptr,
             .panels = {(of_x ? s.inputs : 0) + (of_h ? s.hidden : 0), columns, nullptr, nullptr}};
  products.sums += padded(columns);
  const float* of_inputs = of_x ? k.bias : nullptr;
  const float* of_state = of_h ? k.recurrent_bias : nullptr;
  if (of_inputs == nullptr && of_state == nullptr) return;
  float* start = scratch.floats(padded(columns));
  fill_zero(start, padded(columns));
  for_lanes(columns, [&](i64 j, auto lanes) {
    Vec sum = of_inputs == nullptr ? Vec(0.f) : lanes.load(of_inputs + first + j);
    if (of_state != nullptr) sum += lanes.load(of_state + first + j);
    lanes.store(start + j, sum);
  });
  product.panels.start = start;
}

void pack_product(const GateProducts& products, GateProduct& product, Scratch& scratch) {
  Panels& panels = product.panels;
  float* packed = scratch.floats(panels.k * padded(panels.columns));
  const i64 of_x = product.kernel == nullptr ? 0 : products.inputs;
  parallel_for(ceil_div(panels.columns, panel_lanes), rows_for(0.5 * static_cast<double>(panels.k)),
               [&](i64 begin, i64 end) {
                 for (i64 j = begin * panel_lanes; j < end * panel_lanes; j += panel_lanes) {
                   const i64 columns = at_most(panels.columns - j, panel_lanes);
                   float* to = packed + j * panels.k;
                   if (product.kernel != nullptr)
                     pack(product.kernel + j, products.stride, of_x, columns, panel_lanes, to);
                   if (product.recurrent != nullptr)
                     pack(product.recurrent + j, products.stride, products.hidden, columns, panel_lanes,
                          to + of_x * panel_lanes);
                 }
               });
  panels.packed = packed;
}

GateProducts gate_products(const RecurrentForward& k, bool packed, Scratch& scratch) {
  const RecurrentShape& s = k.shape;
  GateProducts products = {s.inputs, s.hidden, gates_of(s.cell) * s.hidden, 0, 0, {}};
  switch (s.cell) {
    case RecurrentCell::simple: add_product(k, true, true, 0, 1, products, scratch); break;
    case RecurrentCell::gru:
      add_product(k, true, true, 0, 2, products, scratch);
      add_product(k, true, false, 2, 1, products, scratch);
      add_product(k, false, true, 2, 1, products, scratch);
      break;
    case RecurrentCell::gru_reset_first:
      add_product(k, true, true, 0, 2, products, scratch);
      add_product(k, true, true, 2, 1, products, scratch);
      break;
    case RecurrentCell::lstm: add_product(k, true, true, 0, 4, products, scratch); break;
  }
  if (packed)
    for (i64 i = 0; i < products.count; ++i) pack_product(products, products.each[i], scratch);
  return products;
}

// sums of one product for rows of [x h]
void multiply(const GateProducts& products, i64 index, i64 rows, const float* a, i64 lda, float* sums, Ahead* ahead) {
  const GateProduct& product = products.each[index];
  float* c = sums + product.sums_at;
  if (product.panels.packed != nullptr)
    return multiply(product.panels, rows, a + product.at, lda, c, products.sums, false, ahead);
  Gemm part = {.m = rows,
               .n = product.panels.columns,
               .k = 0,
               .a = a + product.at,
               .lda = lda,
               .transpose_a = false,
               .b = nullptr,
               .ldb = products.stride,
               .transpose_b = false,
               .c = c,
               .ldc = products.sums,
               .accumulate = false,
               .bias = product.panels.start,
               .activation = Activation::linear};
  const float* const weights[] = {product.kernel, product.recurrent};
  for (const float* weight : weights) {
    if (weight == nullptr) continue;
    part.b = weight;
    part.k = weight == product.kernel ? products.inputs : products.hidden;
    gemm(part);
    part.a += part.k;
    part.accumulate = true;
    part.bias = nullptr;
  }
}

// From a weight with these rows as its columns: [gates of W, columns], as gradients of x and h need it. Gate i of the
// result is gate gates[i] of the weight, `rows` [columns, stride].
Panels turned_panels(const float* rows, i64 stride, i64 hidden, const i64* gates, i64 count, i64 columns,
                     Scratch& scratch) {
  const i64 k = count * hidden;
  float* packed = scratch.floats(k * padded(columns));
  parallel_for(ceil_div(columns, panel_lanes), rows_for(0.7 * static_cast<double>(k)), [&](i64 begin, i64 end) {
    for (i64 j = begin * panel_lanes; j < end * panel_lanes; j += panel_lanes)
      for (i64 gate = 0; gate < count; ++gate)
        pack_transposed(rows + j * stride + gates[gate] * hidden, stride, hidden, at_most(columns - j, panel_lanes),
                        panel_lanes, packed + j * k + gate * hidden * panel_lanes);
  });
  return {k, columns, packed, nullptr};
}

}  // namespace
}  // namespace lw::LIKEWISE_LEVEL
