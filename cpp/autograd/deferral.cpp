#include "cpp/autograd/deferral.h"

#include <utility>
#include <vector>

namespace lw {
namespace {

thread_local bool puts_off = false;
thread_local std::vector<std::weak_ptr<Storage>> waiting;

}  // namespace

bool deferring() { return puts_off; }

bool set_deferring(bool deferring) {
  if (!deferring) finish_deferred();
  return std::exchange(puts_off, deferring);
}

Array deferred_array(Device device, std::shared_ptr<DeferredOperation> work) {
  const Shape shape = work->shape;
  auto storage = std::make_shared<Storage>(shape.count() * size_of(DType::float32), device, std::move(work));
  waiting.push_back(storage);
  return Array(std::move(storage), shape, DType::float32);
}

Tensor kept_alive(const Tensor& tensor) {
  const bool borrowed = tensor.defined() && tensor.value().storage()->borrowed();
  return borrowed ? Tensor(tensor.value().copy(), tensor.variable()) : tensor;
}

void finish_deferred() {
  if (waiting.empty()) return;
  for (const std::weak_ptr<Storage>& each : std::exchange(waiting, {}))
    if (const std::shared_ptr<Storage> storage = each.lock()) storage->data();
}

}  // namespace lw
