#include "cpp/kernels/spmm.h"

#include "cpp/core/parallel.h"
#include "cpp/kernels/simd.h"

namespace lw::LIKEWISE_LEVEL {

// A strip of 64 sums stays in registers while the rows pass by.
void spmm(const Spmm& s) {
  constexpr i64 strip = 4 * vector_lanes, chunk = 16 * strip;
  const i64 chunks = (s.dim + chunk - 1) / chunk;
  const i64 length = s.rows > 0 ? (s.indptr[s.rows] - s.indptr[0]) / s.rows + 1 : 1;
  parallel_for(s.rows * chunks, rows_for(0.1 * static_cast<double>(length * chunk)), [&](i64 begin, i64 end) {
    for (i64 task = begin; task < end; ++task) {
      const i64 row = task / chunks, first = task % chunks * chunk;
      const i64 last = first + chunk < s.dim ? first + chunk : s.dim;
      float* out = s.out + row * s.dim;
      i64 j = first;
      for (; j + strip <= last; j += strip) {
        Vec sum[4] = {Vec(0.f), Vec(0.f), Vec(0.f), Vec(0.f)};
        for (i64 at = s.indptr[row]; at < s.indptr[row + 1]; ++at) {
          const float* from = s.table + s.columns[at] * s.dim + j;
          const Vec weight(s.weights ? s.weights[at] : 1.f);
          for (int part = 0; part < 4; ++part)
            sum[part] = fma(weight, Vec::load(from + part * vector_lanes), sum[part]);
        }
        for (int part = 0; part < 4; ++part) sum[part].store(out + j + part * vector_lanes);
      }
      for_lanes(last - j, [&](i64 offset, auto lanes) {
        Vec sum(0.f);
        for (i64 at = s.indptr[row]; at < s.indptr[row + 1]; ++at)
          sum =
              fma(Vec(s.weights ? s.weights[at] : 1.f), lanes.load(s.table + s.columns[at] * s.dim + j + offset), sum);
        lanes.store(out + j + offset, sum);
      });
    }
  });
}

}  // namespace lw::LIKEWISE_LEVEL
