// Softmax attention of several heads over sequences that lie one after the other (Vaswani et al., NIPS 2017).
#pragma once

#include "cpp/core/types.h"

namespace lw {

// Of one sequence: its rows of q and y, those of k and v, and where its probabilities are kept.
struct AttentionSequence {
  i64 query, queries, key, keys, kept;
};

// Floats from row to row of probabilities: whole vectors of 16, an odd number of them, since rows a power of two apart
// share few cache sets.
constexpr i64 attention_stride(i64 keys) { return ((keys + 15) / 16 | 1) * 16; }

struct AttentionShape {
  i64 count, heads;
  i64 key_dim, value_dim;  // of a head
  const AttentionSequence* sequences;
  const bool* key_mask;  // a truth for each row of k: may it be seen? Or null: all may
  bool causal;           // query t of a sequence sees its keys 0 to t
  float scale;
  const float* relative_bias;  // [heads, 2 * distance + 1], or null
  i64 distance;
  float dropout;
  u64 dropout_key;
};

// Row t of a sequence and a head, over the keys j that it sees:
//   s_tj = scale q_t . k_j + bias(clip(j - t))    p_t = softmax(s_t)    y_t = sum_j m_tj p_tj v_j
// with m_tj = 1 / (1 - dropout) or 0, by word t mod 4 of philox(dropout_key, (head, sequence), (t / 4, j)). A row that
// sees no key is 0. Rows that belong to no sequence are left alone, here and in gradients.
struct AttentionForward {
  AttentionShape shape;
  const float* q;  // [rows, heads * key_dim]
  const float* k;
  const float* v;  // [rows, heads * value_dim]
  float* y;
  float* kept;  // for each sequence and head [queries, attention_stride(keys)]: p with the sign of m - 1, or null
};

//   dp_tj = m_tj dy_t . v_j    ds_tj = p_tj (dp_tj - dy_t . y_t)
//   dv_j = sum_t m_tj p_tj dy_t    dq_t = scale sum_j ds_tj k_j    dk_j = scale sum_t ds_tj q_t    dbias = sum ds
// Without `kept` probabilities are computed again. Gradients that are null are not computed.
struct AttentionBackward {
  AttentionForward forward;  // its arguments and its y
  const float* dy;
  float* dq;
  float* dk;
  float* dv;
  float* drelative_bias;
};

}  // namespace lw
