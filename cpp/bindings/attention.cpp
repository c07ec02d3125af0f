#include "cpp/ops/attention.h"

#include "cpp/bindings/arguments.h"
#include "cpp/bindings/bindings.h"

namespace py = pybind11;
using namespace py::literals;

namespace lw {
namespace {

Tensor attention(const Tensor& query, const Tensor& key, const Tensor& value, i64 num_heads, const Tensor& offsets,
                 const Tensor& key_offsets, const Tensor& lengths, const Tensor& key_lengths, const Tensor& key_mask,
                 bool causal, std::optional<float> scale, const Tensor& relative_bias, float dropout, u64 dropout_key) {
  return ops::attention(query, key, value, relative_bias, {offsets, key_offsets, lengths, key_lengths, key_mask},
                        {num_heads, causal, scale, dropout, dropout_key});
}

}  // namespace

void bind_attention(py::module_& module) {
  const Operations op(module);
  op("attention", &attention, "query"_a, "key"_a, "value"_a, "num_heads"_a, "offsets"_a = py::none(),
     "key_offsets"_a = py::none(), "lengths"_a = py::none(), "key_lengths"_a = py::none(), "key_mask"_a = py::none(),
     "causal"_a = false, "scale"_a = py::none(), "relative_bias"_a = py::none(), "dropout"_a = 0.f,
     "dropout_key"_a = 0);
}

}  // namespace lw
