// Softmax attention with several heads (Vaswani et al., NeurIPS 2017), over sequences that lie one behind the other.
#pragma once

#include "cpp/core/types.h"

namespace lw {

// For query r of a sequence and head h, over the keys v of the sequence that r may see:
//   s_rv = scale q_r k_v      p_rv = exp(s_rv) / sum_v exp(s_rv)      y_r = sum_v d_rv p_rv v_v
// d_rv is 1, or with dropout 0 or 1 / (1 - dropout). A causal query sees the keys up to its own place. A query that
// sees none gives 0.
struct AttentionShape {
  i64 sequences, heads, head_dim, value_dim;  // sizes of a head
  const i64* query_offsets;                   // sequence s has rows query_offsets[s] to ..[s + 1] of q and y
  const i64* key_offsets;                     // and such of k and v
  const i64* query_lengths;                   // rows of each that count, the first ones; or null: all
  const i64* key_lengths;
  const bool* key_counts;  // a truth for each row of k: may it be seen; or null: all
  bool causal;
  float scale, dropout;
  u64 key;                                                    // of what is dropped
  i64 query_stride, key_stride, value_stride, output_stride;  // floats from row to row; heads side by side in a row
};

struct AttentionForward {
  AttentionShape shape;
  const float *q, *k, *v;
  float* y;            // rows that do not count are left alone
  float* log_sum_exp;  // [rows of q, heads]
};

//   dp_rv = d_rv dy_r v_v      ds_rv = p_rv (dp_rv - y_r dy_r)
//   dq_r = scale sum_v ds_rv k_v      dk_v = scale sum_r ds_rv q_r      dv_v = sum_r d_rv p_rv dy_r
struct AttentionBackward {
  AttentionShape shape;
  const float *q, *k, *v, *y, *log_sum_exp, *dy;
  float *dq, *dk, *dv;  // strides as of q, k, v; rows that do not count, and queries without a key, are left alone
};

}  // namespace lw
