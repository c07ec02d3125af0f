#include "cpp/kernels/embedding.h"

#include "cpp/core/arena.h"
#include "cpp/core/parallel.h"
#include "cpp/kernels/simd.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

constexpr i64 ahead = 12;  // rows at random places are asked for this many rows before they are used

LIKEWISE_INLINE void prefetch_row(const float* row, i64 dim) {
  for (i64 j = 0; j < dim; j += vector_lanes) __builtin_prefetch(row + j);
}

LIKEWISE_INLINE i64 rows_per_task(i64 dim) { return rows_for(10 + 0.1 * static_cast<double>(dim)); }
LIKEWISE_INLINE i64 bags_per_task(const Bags& b) {
  const double length = static_cast<double>(b.offsets[b.bags]) / static_cast<double>(b.bags);
  return rows_for(10 + length * (5 + 0.1 * static_cast<double>(b.dim)));
}

// body(bag, i) for all ids of a task's bags; the rows of `table`, if any, are prefetched.
template <typename Body>
LIKEWISE_INLINE void for_each_id(const Bags& b, i64 begin, i64 end, const float* table, const Body& body) {
  const i64 last = b.offsets[end];
  for (i64 bag = begin; bag < end; ++bag)
    for (i64 i = b.offsets[bag]; i < b.offsets[bag + 1]; ++i) {
      if (table && i + ahead < last) prefetch_row(table + b.ids[i + ahead] * b.dim, b.dim);
      body(bag, i);
    }
}

}  // namespace

void gather(const Gather& g) {
  parallel_for(g.rows, rows_per_task(g.dim), [&](i64 begin, i64 end) {
    for (i64 row = begin; row < end; ++row) {
      if (row + ahead < end) prefetch_row(g.table + g.ids[row + ahead] * g.dim, g.dim);
      const float* from = g.table + g.ids[row] * g.dim;
      float* to = g.out + row * g.dim;
      for_lanes(g.dim, [&](i64 j, auto lanes) { lanes.store(to + j, lanes.load(from + j)); });
    }
  });
}

void bag_sum(const BagSum& k) {
  const Bags& b = k.bags;
  if (b.bags == 0) return;
  parallel_for(b.bags, bags_per_task(b), [&](i64 begin, i64 end) {
    for (i64 i = begin * b.dim; i < end * b.dim; ++i) k.out[i] = 0.f;
    for_each_id(b, begin, end, k.table, [&](i64 bag, i64 i) {
      const Vec scale(b.scale ? b.scale[i] : 1.f);
      const float* from = k.table + b.ids[i] * b.dim;
      float* to = k.out + bag * b.dim;
      for_lanes(b.dim,
                [&](i64 j, auto lanes) { lanes.store(to + j, fma(scale, lanes.load(from + j), lanes.load(to + j))); });
    });
  });
}

void bag_spread(const BagSpread& k) {
  const Bags& b = k.bags;
  if (b.bags == 0) return;
  parallel_for(b.bags, bags_per_task(b), [&](i64 begin, i64 end) {
    for_each_id(b, begin, end, nullptr, [&](i64 bag, i64 i) {
      const Vec scale(b.scale ? b.scale[i] : 1.f);
      const float* from = k.dy + bag * b.dim;
      float* to = k.rows + i * b.dim;
      for_lanes(b.dim, [&](i64 j, auto lanes) { lanes.store(to + j, scale * lanes.load(from + j)); });
    });
  });
}

void bag_dot(const BagDot& k) {
  const Bags& b = k.bags;
  if (b.bags == 0) return;
  parallel_for(b.bags, bags_per_task(b), [&](i64 begin, i64 end) {
    for_each_id(b, begin, end, k.table, [&](i64 bag, i64 i) {
      const float *row = k.table + b.ids[i] * b.dim, *dy = k.dy + bag * b.dim;
      Vec total(0.f);
      for_lanes(b.dim, [&](i64 j, auto lanes) { total = fma(lanes.load(row + j), lanes.load(dy + j), total); });
      k.dots[i] = sum(total);
    });
  });
}

// A stable radix sort, lowest digit first, of id << 32 | position; in chunks, so that counting and placing run in
// parallel.
namespace {

constexpr i64 chunk = 16384;

struct Digit {
  int shift, bits;
  LIKEWISE_INLINE i64 bins() const { return i64{1} << bits; }
  LIKEWISE_INLINE i64 of(u64 key) const { return static_cast<i64>(key >> shift) & (bins() - 1); }
};

template <typename Body>
LIKEWISE_INLINE void for_chunks(i64 count, double each_ns, const Body& body) {
  parallel_for((count + chunk - 1) / chunk, 1,
               [&](i64 begin, i64 end) {
                 for (i64 c = begin; c < end; ++c)
                   body(c, c * chunk, (c + 1) * chunk < count ? (c + 1) * chunk : count);
               },
               static_cast<i64>(each_ns * chunk));
}

void sort_by_digit(Digit digit, i64 count, const u64* from, u64* to, i64* places) {
  const i64 chunks = (count + chunk - 1) / chunk, bins = digit.bins();
  for_chunks(count, 0.5, [&](i64 c, i64 begin, i64 end) {
    i64* mine = places + c * bins;
    for (i64 bin = 0; bin < bins; ++bin) mine[bin] = 0;
    for (i64 i = begin; i < end; ++i) ++mine[digit.of(from[i])];
  });
  i64 place = 0;
  for (i64 bin = 0; bin < bins; ++bin)
    for (i64 c = 0; c < chunks; ++c) {
      const i64 found = places[c * bins + bin];
      places[c * bins + bin] = place;
      place += found;
    }
  for_chunks(count, 2, [&](i64 c, i64 begin, i64 end) {
    i64* mine = places + c * bins;
    for (i64 i = begin; i < end; ++i) to[mine[digit.of(from[i])]++] = from[i];
  });
}

LIKEWISE_INLINE i64 id_of(u64 key) { return static_cast<i64>(key >> 32); }

// A segment starts wherever the id differs from the one before.
void find_segments(const SortIds& k, const u64* keys, i64* counts) {
  for_chunks(k.count, 0.5, [&](i64 c, i64 begin, i64 end) {
    i64 found = 0;
    for (i64 i = begin; i < end; ++i) found += i == 0 || id_of(keys[i]) != id_of(keys[i - 1]);
    counts[c] = found;
  });
  i64 total = 0;
  for (i64 c = 0; c * chunk < k.count; ++c) {
    const i64 found = counts[c];
    counts[c] = total;
    total += found;
  }
  for_chunks(k.count, 1, [&](i64 c, i64 begin, i64 end) {
    i64 segment = counts[c];
    for (i64 i = begin; i < end; ++i) {
      k.order[i] = static_cast<i64>(keys[i] & 0xffffffff);
      if (i > 0 && id_of(keys[i]) == id_of(keys[i - 1])) continue;
      k.unique[segment] = id_of(keys[i]);
      k.starts[segment++] = i;
    }
  });
  k.starts[total] = k.count;
  *k.segments = total;
}

}  // namespace

void sort_ids(const SortIds& k) {
  int id_bits = 1;
  while (id_bits < 32 && (k.limit - 1) >> id_bits > 0) ++id_bits;
  const int widest = k.count < 2048 ? 8 : 11, passes = (id_bits + widest - 1) / widest;
  const int bits = (id_bits + passes - 1) / passes;
  const i64 chunks = (k.count + chunk - 1) / chunk;
  Scratch scratch;
  u64* keys = scratch.get<u64>(k.count);
  u64* sorted = scratch.get<u64>(k.count);
  i64* places = scratch.get<i64>(chunks << bits);
  for (i64 i = 0; i < k.count; ++i) keys[i] = static_cast<u64>(k.ids[i]) << 32 | static_cast<u64>(i);
  for (int pass = 0; pass < passes; ++pass) {
    sort_by_digit({32 + pass * bits, bits}, k.count, keys, sorted, places);
    u64* const before = keys;
    keys = sorted;
    sorted = before;
  }
  find_segments(k, keys, places);
}

void sum_segments(const SumSegments& k) {
  if (k.segments == 0) return;
  const double length = static_cast<double>(k.starts[k.segments]) / static_cast<double>(k.segments);
  parallel_for(k.segments, rows_for(10 + length * (5 + 0.1 * static_cast<double>(k.dim))), [&](i64 begin, i64 end) {
    const i64 last = k.starts[end];
    for (i64 segment = begin; segment < end; ++segment) {
      float* to = k.to + (k.row_of ? k.row_of[segment] : segment) * k.dim;
      bool adding = k.accumulate;
      for (i64 i = k.starts[segment]; i < k.starts[segment + 1]; ++i, adding = true) {
        if (i + ahead < last) prefetch_row(k.rows + k.order[i + ahead] * k.dim, k.dim);
        const float* from = k.rows + k.order[i] * k.dim;
        if (adding)
          for_lanes(k.dim, [&](i64 j, auto lanes) { lanes.store(to + j, lanes.load(to + j) + lanes.load(from + j)); });
        else
          for_lanes(k.dim, [&](i64 j, auto lanes) { lanes.store(to + j, lanes.load(from + j)); });
      }
    }
  });
}

void sum_scaled_rows(const SumScaledRows& k) {
  if (k.segments == 0) return;
  const double length = static_cast<double>(k.starts[k.segments]) / static_cast<double>(k.segments);
  const i64 grain = rows_for(10 + length * (5 + 0.1 * static_cast<double>(k.dim)));
  parallel_for(k.segments, grain, [&](i64 begin, i64 end) {
    const i64 last = k.starts[end];
    for (i64 s = begin; s < end; ++s) {
      float* to = k.to + (k.row_of ? k.row_of[s] : s) * k.dim;
      for (i64 j = 0; j < k.dim; ++j) to[j] = 0.f;
      for (i64 i = k.starts[s]; i < k.starts[s + 1]; ++i) {
        if (i + ahead < last) prefetch_row(k.from + k.order[i + ahead] / k.group * k.dim, k.dim);
        const Vec scale(k.scale[k.order[i]]);
        const float* from = k.from + k.order[i] / k.group * k.dim;
        for_lanes(k.dim, [&](i64 j, auto lanes) {
          lanes.store(to + j, fma(scale, lanes.load(from + j), lanes.load(to + j)));
        });
      }
    }
  });
}

}  // namespace lw::LIKEWISE_LEVEL
