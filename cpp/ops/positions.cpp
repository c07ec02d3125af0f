#include "cpp/ops/positions.h"

#include <cmath>

namespace lw {

Positions positions_of(const char* operation, const Array& targets, const Array& weights, std::optional<i64> ignored,
                       i64 items) {
  const i64 n = targets.count();
  Positions kept{0, empty({n}, targets.device(), DType::int64), empty({n}, targets.device(), DType::int64),
                 empty({n}, targets.device())};
  const auto target_at = [&](i64 i) {
    if (targets.dtype() == DType::int64) return targets.data<i64>()[i];
    return targets.dtype() == DType::int32 ? i64{targets.data<i32>()[i]} : i64{targets.data<u8>()[i]};
  };
  double total = 0;
  for (i64 i = 0; i < n; ++i) {
    const i64 target = target_at(i);
    const float weight = weights ? weights.floats()[i] : 1.f;
    expect(weight >= 0 && std::isfinite(weight), operation, "weights must be finite and not negative, got ", weight);
    if (target == ignored || weight == 0) continue;
    expect(target >= 0 && target < items, operation, "targets must be in 0..", items - 1, ", got ", target);
    kept.state.data<i64>()[kept.count] = i;
    kept.target.data<i64>()[kept.count] = target;
    kept.coefficient.floats()[kept.count] = weight;
    total += weight;
    ++kept.count;
  }
  for (i64 r = 0; r < kept.count; ++r)
    kept.coefficient.floats()[r] = static_cast<float>(kept.coefficient.floats()[r] / total);
  return kept;
}

void expect_positions(const char* operation, const PositionArguments& given) {
  const Array &states = given.states, &table = given.table, &targets = given.targets;
  expect(table.rank() == 2 && table.count() > 0, operation, "table must have shape (items, dim), neither 0, got ",
         table.shape());
  expect_type(table.dtype() == DType::float32, operation, "table must be float32, got ", name_of(table.dtype()));
  expect(states.rank() >= 1 && states.dim(-1) == table.dim(1), operation, "table has dim ", table.dim(1),
         ", states have shape ", states.shape());
  const Shape leading(states.shape().begin(), static_cast<std::size_t>(states.rank() - 1));
  expect_type(targets.dtype() == DType::int32 || targets.dtype() == DType::int64 || targets.dtype() == DType::uint8,
              operation, "targets must be int32, int64 or uint8, got ", name_of(targets.dtype()));
  expect(targets.shape() == leading, operation, "targets must have shape ", leading, ", got ", targets.shape());
  expect(!given.bias || given.bias.shape() == Shape{table.dim(0)}, operation, "bias must have shape ",
         Shape{table.dim(0)}, ", got ", given.bias ? given.bias.shape() : Shape{});
  expect(!given.weights || given.weights.shape() == leading, operation, "weights must have shape ", leading, ", got ",
         given.weights ? given.weights.shape() : Shape{});
}

}  // namespace lw
