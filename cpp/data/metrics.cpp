#include "cpp/data/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "cpp/core/parallel.h"

namespace lw {
namespace {

double discount(i64 rank) { return 1.0 / std::log2(static_cast<double>(rank) + 1.0); }  // rank from 1

// `found`: ranks from 1, ascending. `ideal[j]`: DCG of j test items at the first j places.
double metric_of(const Metric& metric, const std::vector<i64>& found, i64 n, const std::vector<double>& ideal) {
  const i64 cut = metric.k > 0 ? metric.k : std::numeric_limits<i64>::max();
  const i64 hits = std::upper_bound(found.begin(), found.end(), cut) - found.begin();
  switch (metric.kind) {
    case MetricKind::recall: return static_cast<double>(hits) / static_cast<double>(n);
    case MetricKind::precision: return static_cast<double>(hits) / static_cast<double>(metric.k);
    case MetricKind::hit: return hits > 0 ? 1.0 : 0.0;
    case MetricKind::mrr: return hits > 0 ? 1.0 / static_cast<double>(found[0]) : 0.0;
    case MetricKind::map: {
      double total = 0;
      for (i64 j = 0; j < hits; ++j) total += static_cast<double>(j + 1) / static_cast<double>(found[j]);
      return total / static_cast<double>(n);
    }
    case MetricKind::ndcg: {
      double total = 0;
      for (i64 j = 0; j < hits; ++j) total += discount(found[j]);
      return total / ideal[std::min(cut, n)];
    }
  }
  return 0;
}

i64 longest(const Ranks& ranks) {
  i64 most = 0;
  for (i64 q = 0; q < ranks.questions; ++q) most = std::max(most, ranks.indptr[q + 1] - ranks.indptr[q]);
  return most;
}

}  // namespace

void ranking_metrics(const Ranks& ranks, const std::vector<Metric>& metrics, double* out) {
  std::vector<double> ideal(static_cast<std::size_t>(longest(ranks)) + 1, 0.0);
  for (std::size_t j = 1; j < ideal.size(); ++j) ideal[j] = ideal[j - 1] + discount(static_cast<i64>(j));
  parallel_for(ranks.questions, 256, [&](i64 begin, i64 end) {
    std::vector<i64> found;
    for (i64 q = begin; q < end; ++q) {
      found.clear();
      for (i64 at = ranks.indptr[q]; at < ranks.indptr[q + 1]; ++at)
        if (ranks.ranks[at] >= 0) found.push_back(ranks.ranks[at] + 1);
      std::sort(found.begin(), found.end());
      const i64 n = ranks.indptr[q + 1] - ranks.indptr[q];
      for (std::size_t m = 0; m < metrics.size(); ++m)
        out[static_cast<i64>(m) * ranks.questions + q] = metric_of(metrics[m], found, n, ideal);
    }
  });
}

void area_under_curve(const Ranks& higher, const i64* equal, const i64* candidates, double* out) {
  parallel_for(higher.questions, 256, [&](i64 begin, i64 end) {
    std::vector<std::pair<i64, i64>> found;  // higher, equal
    for (i64 q = begin; q < end; ++q) {
      found.clear();
      for (i64 at = higher.indptr[q]; at < higher.indptr[q + 1]; ++at)
        if (higher.ranks[at] >= 0) found.emplace_back(higher.ranks[at], equal[at]);
      std::sort(found.begin(), found.end());
      const i64 n = higher.indptr[q + 1] - higher.indptr[q], own = static_cast<i64>(found.size());
      const double others = static_cast<double>(candidates[q] - own);
      double total = 0;
      for (i64 j = 0; j < own;) {  // test items with one score: j to next
        i64 next = j;
        while (next < own && found[next].first == found[j].first) ++next;
        const double above = static_cast<double>(found[j].first - j);
        const double level = static_cast<double>(found[j].second - (next - j - 1));
        total += static_cast<double>(next - j) * (others - above - 0.5 * level);
        j = next;
      }
      out[q] = others > 0 && n > 0 ? total / (others * static_cast<double>(n)) : std::nan("");
    }
  });
}

void ranks_in_lists(i64 questions, i64 k, const i32* lists, const i64* wanted_indptr, const i32* wanted, i64* ranks) {
  parallel_for(questions, 256, [&](i64 begin, i64 end) {
    for (i64 q = begin; q < end; ++q)
      for (i64 at = wanted_indptr[q]; at < wanted_indptr[q + 1]; ++at) {
        const i32* list = lists + q * k;
        const i32* place = std::find(list, list + k, wanted[at]);
        ranks[at] = place == list + k ? -1 : place - list;
      }
  });
}

}  // namespace lw
