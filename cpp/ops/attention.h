// Attention with several heads.
#pragma once

#include <optional>

#include "cpp/autograd/tensor.h"

namespace lw::ops {

// Which rows belong together and count. Packed sequences: offsets [sequences + 1]. Padded ones: lengths [batch]. Those
// of keys are as those of queries where they are undefined. key_mask: a truth for each key.
struct AttentionRows {
  Tensor offsets, key_offsets, lengths, key_lengths, key_mask;
};

struct AttentionOptions {
  i64 heads;
  bool causal;
  std::optional<float> scale;  // 1 / sqrt(size of a head)
  float dropout;
  u64 key;  // of what is dropped
};

// softmax(scale q k^T) v in each head. Padded: q [batch, steps, heads * size], k [batch, key steps, heads * size], v
// [batch, key steps, heads * value size]; packed: the same without the batch, with offsets. The result has the rows of
// q and the columns of v.
Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionRows& rows,
                 const AttentionOptions& options);

}  // namespace lw::ops
