// Half an iteration of implicit alternating least squares.
#pragma once

#include "cpp/core/array.h"

namespace lw {

// Q' Q scaled: [dim, dim] of factors [rows, dim].
Array scaled_gram(const Array& factors, float scale);

// New vectors `out` [rows, dim] of one side, given the other side's, and the sum of p_u b_u over the rows (see
// kernels/least_squares.h), from which the loss follows. history int32 and weights float32 (or undefined) are cut by
// begin int64 [rows + 1]; ridge float32 [rows].
double solve_rows(const Array& others, const Array& gram, const Array& begin, const Array& history,
                  const Array& weights, const Array& ridge, const Array& out);

// The same by `steps` steps of conjugate gradient from the vectors `out` holds; returns the sum of 2 p_u b_u - p_u A
// p_u.
double improve_rows(const Array& others, const Array& gram, const Array& begin, const Array& history,
                    const Array& weights, const Array& ridge, const Array& out, i64 steps);

}  // namespace lw
