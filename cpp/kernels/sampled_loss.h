// Losses of a target and a few sampled negatives, with their gradients as coefficients of the scores.
#pragma once

#include "cpp/core/types.h"

namespace lw {

// Of the target's score t and those of its m negatives s_j; a hit is a negative that is the target:
enum class SampledKind : u8 {
  // log(e^t + sum_j e^s_j) - t                                                       hits do not count
  softmax,
  // (beta log(1 + e^-t) + sum_j log(1 + e^s_j)) / (1 + m)                            hits count as any other
  logistic,
  // -log sum_j w_j sigmoid(t - s_j) + regularization sum_j w_j s_j^2,  w = softmax(s)    hits do not count
  bpr_max,
};
struct SampledRule {
  SampledKind kind;
  float beta;            // logistic
  float regularization;  // bpr_max
  float elu;             // bpr_max: scores pass through ELU of this alpha first; 0: they do not
};

// Negatives that all rows share. A row's target is a row of `table`, or, where that is null, its own column of `scores`
// (row r's is first + r), which must be marked as a hit by its id.
struct SharedCandidates {
  SampledRule rule;
  i64 rows, negatives, dim, first;
  const float* states;        // [rows, dim]
  const float* table;         // [items, dim], or null
  const float* offsets;       // [items] added to the target's score, or null
  const i64* targets;         // [rows]
  const i64* drawn;           // [negatives]
  const float* coefficients;  // [rows]
  float* scores;              // [rows, negatives] in: scores, out: coefficients times their gradients
  float* losses;              // [rows]
  float* target_gradients;    // [rows] coefficients times those of the target's score; not where table is null
  float* dstates;             // [rows, dim] what the target alone gives, or null
};

// Candidates of each row alone: its target, then its negatives.
//   s_rc = h_r w_c + b_c     g_rc = c_r dloss_r / ds_rc
//   dh_r = sum_c g_rc w_c    dw_c = sum over r with c among its candidates of g_rc h_r    db_c = sum g_rc
struct OwnCandidates {
  SampledRule rule;
  i64 rows, candidates, dim, items;
  const float* states;        // [rows, dim]
  const float* table;         // [items, dim]
  const float* offsets;       // [items] b, or null
  const i64* ids;             // [rows, candidates]
  const float* coefficients;  // [rows]
  float* gradients;           // [rows, candidates] g
  float* losses;              // [rows]
  float* dstates;             // [rows, dim], or null
  float* dtable;              // [items, dim], or null: only for tables of which eight copies are little memory
  float* dbias;               // [items], or null; with dtable only
};

}  // namespace lw
