// Which positions a loss counts, and how much.
#pragma once

#include <optional>

#include "cpp/core/array.h"

namespace lw {

// The positions that count, in order: which row of the states each is, its target, and its weight over the sum of
// weights.
struct Positions {
  i64 count = 0;
  Array state, target, coefficient;
};

// Of targets [..] and weights [..] (or undefined: 1): a position whose target is `ignored`, or whose weight is 0, is
// left out.
Positions positions_of(const char* operation, const Array& targets, const Array& weights, std::optional<i64> ignored,
                       i64 items);

// What losses over positions ask of their arguments: states [.., dim], table [items, dim] with neither size 0, targets
// and weights [..] of integers and floats, bias [items]; weights and bias may be undefined.
struct PositionArguments {
  const Array &states, &table, &targets, &bias, &weights;
};
void expect_positions(const char* operation, const PositionArguments& given);

}  // namespace lw
