#include "cpp/autograd/tape.h"
#include "tests/native/check.h"

using namespace lw;

static Tensor plus_one(const Tensor& x) {
  Array y = x.value().copy();
  for (i64 i = 0; i < y.count(); ++i) y.floats()[i] += 1.f;
  return record("plus_one", y, {&x}, [](const Array& dy, Wants) -> Grads { return {dy}; });
}

TEST(a_chain_of_a_million_operations_runs_back_and_frees_itself) {
  const Tensor x(full({1}, 2.f), true);
  Tensor y = x;
  for (int i = 0; i < 1'000'000; ++i) y = plus_one(y);
  y.backward();
  CHECK(x.grad().dense()->floats()[0] == 1.f);
  Tensor unused = x;
  for (int i = 0; i < 1'000'000; ++i) unused = plus_one(unused);
}

TEST(forward_passes_without_backward_leave_memory_flat) {
  const Tensor x(full({1000}, 2.f), true);
  for (int i = 0; i < 100; ++i) plus_one(plus_one(x));
  const i64 before = allocator_stats().bytes_in_use;
  for (int i = 0; i < 10'000; ++i) plus_one(plus_one(x));
  CHECK(allocator_stats().bytes_in_use == before);
}

TEST(gradients_of_a_shared_input_add_up) {
  const Tensor x(full({1}, 2.f), true);
  const Tensor y = plus_one(x);
  const Tensor z = record("add", full({1}, 0.f), {&y, &y}, [](const Array& dy, Wants) -> Grads { return {dy, dy}; });
  z.backward();
  CHECK(x.grad().dense()->floats()[0] == 2.f);
}

TEST(an_array_changed_in_place_is_found_at_backward) {
  const Tensor x(full({1}, 2.f), true);
  const Tensor y = record("keep", full({1}, 1.f), {&x},
                          [x_saved = saved(x.value())](const Array&, Wants) -> Grads { return {x_saved.get()}; });
  x.value().storage()->bump_version();
  bool caught = false;
  try {
    y.backward();
  } catch (const std::runtime_error&) {
    caught = true;
  }
  CHECK(caught);
}

TEST(row_sparse_gradients_concatenate_and_densify) {
  Array ids = empty({2}, Device::cpu, DType::int64);
  ids.data<i64>()[0] = ids.data<i64>()[1] = 3;
  Grad grad = RowSparse{ids, full({2, 2}, 1.f), Shape{5, 2}};
  grad.accumulate(RowSparse{ids, full({2, 2}, 0.5f), Shape{5, 2}});
  CHECK(grad.sparse()->ids.count() == 4);
  grad.accumulate(full({5, 2}, 10.f));
  CHECK(grad.dense()->floats()[6] == 13.f && grad.dense()->floats()[0] == 10.f);
}

TEST(nothing_is_recorded_without_a_wish_for_gradients) {
  const Tensor x(full({1}, 2.f), true);
  NoGrad no_grad;
  CHECK(!plus_one(x).requires_grad());
}
