// Softmax attention (Vaswani et al., NIPS 2017).
#pragma once

#include <optional>

#include "cpp/autograd/tensor.h"

namespace lw::ops {

// Where the sequences are. Of [rows, dim]: at offsets [sequences + 1], and of keys at key_offsets or the same ones. Of
// [sequences, steps, dim]: the first lengths [sequences] steps, and of keys key_lengths or as many; undefined: all.
// key_mask has the shape of key without its last axis: the keys that may be seen.
struct AttentionRows {
  Tensor offsets, key_offsets, lengths, key_lengths, key_mask;
};

struct AttentionOptions {
  i64 heads;
  bool causal;
  std::optional<float> scale;  // 1 / sqrt(size of a head of key) if not given
  float dropout;
  u64 dropout_key;
};

// query and key [.., heads * key_dim], value [.., heads * value_dim], relative_bias [heads, 2 * distance + 1] or
// undefined; [.., heads * value_dim] like query.
Tensor attention(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& relative_bias,
                 const AttentionRows& rows, const AttentionOptions& options);

}  // namespace lw::ops
