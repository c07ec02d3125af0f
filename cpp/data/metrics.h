// Ranking metrics of questions (a user, or a position of a session), from where their test items stand.
//
// Binary gains; n = number of a question's test items; r_1 < r_2 < ... the ranks, from 1, of those that were found.
#pragma once

#include <vector>

#include "cpp/core/types.h"

namespace lw {

enum class MetricKind : u8 { recall, precision, map, ndcg, hit, mrr };

struct Metric {
  MetricKind kind;
  i64 k;  // cut; 0: none
};

// The test items of questions: ranks[indptr[q]] to ranks[indptr[q + 1]], from 0, in any order; -1 was not found.
struct Ranks {
  i64 questions;
  const i64* indptr;  // [questions + 1]
  const i64* ranks;
};

// out [metrics, questions]:
//   recall@k = hits / n    precision@k = hits / k    hit@k = any hit    mrr@k = 1 / r_1
//   map@k = (sum_j j / r_j) / n    ndcg@k = (sum_j 1 / log2(1 + r_j)) / (sum_{j <= min(k, n)} 1 / log2(1 + j))
// over the ranks up to k.
void ranking_metrics(const Ranks& ranks, const std::vector<Metric>& metrics, double* out);

// out [questions]: the share of (test item, other candidate) pairs in the right order, equal scores one half.
//   higher, equal: candidates, other test items included, that score higher or the same; higher -1: was not found
//   candidates [questions]: candidates, found test items included
// NaN where there is no other candidate.
void area_under_curve(const Ranks& higher, const i64* equal, const i64* candidates, double* out);

// ranks [wanted items]: the place, from 0, of each wanted item in its question's list [questions, k], -1 if not there.
void ranks_in_lists(i64 questions, i64 k, const i32* lists, const i64* wanted_indptr, const i32* wanted, i64* ranks);

}  // namespace lw
