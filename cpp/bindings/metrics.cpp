#include "cpp/data/metrics.h"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "cpp/bindings/bindings.h"
#include "cpp/core/check.h"
#include "cpp/data/lists.h"
#include "cpp/data/ranking.h"
#include "cpp/data/sampling.h"

namespace py = pybind11;
using namespace py::literals;

namespace lw {
namespace {

template <typename T>
using In = py::array_t<T, py::array::c_style>;

Ranks ranks_of(const In<i64>& indptr, const In<i64>& ranks) {
  expect(indptr.ndim() == 1 && indptr.size() >= 1 && ranks.ndim() == 1, "metrics", "pointers and ranks are vectors");
  const Ranks all{indptr.size() - 1, indptr.data(), ranks.data()};
  expect(all.indptr[0] == 0 && all.indptr[all.questions] == ranks.size(), "metrics", "pointers end at ",
         all.indptr[all.questions], ", there are ", ranks.size(), " ranks");
  for (i64 q = 0; q < all.questions; ++q)
    expect(all.indptr[q] <= all.indptr[q + 1], "metrics", "pointers must ascend, they do not at ", q);
  return all;
}

Metric metric_of(const std::pair<std::string, i64>& named) {
  static const std::map<std::string, MetricKind> kinds = {
      {"recall", MetricKind::recall}, {"precision", MetricKind::precision},
      {"map", MetricKind::map},       {"ndcg", MetricKind::ndcg},
      {"hit", MetricKind::hit},       {"mrr", MetricKind::mrr}};
  const auto kind = kinds.find(named.first);
  expect(kind != kinds.end(), "metrics", "there is no ranking metric ", named.first);
  expect(named.second >= 0, "metrics", "k must not be negative, got ", named.second);
  return {kind->second, named.second};
}

}  // namespace

void bind_metrics(py::module_& module) {
  module.def(
      "ranking_metrics",
      [](const In<i64>& indptr, const In<i64>& ranks, const std::vector<std::pair<std::string, i64>>& metrics) {
        const Ranks all = ranks_of(indptr, ranks);
        std::vector<Metric> wanted;
        for (const auto& named : metrics) wanted.push_back(metric_of(named));
        py::array_t<double> out({static_cast<py::ssize_t>(wanted.size()), static_cast<py::ssize_t>(all.questions)});
        ranking_metrics(all, wanted, out.mutable_data());
        return out;
      },
      "indptr"_a, "ranks"_a, "metrics"_a);
  module.def(
      "area_under_curve",
      [](const In<i64>& indptr, const In<i64>& higher, const In<i64>& equal, const In<i64>& candidates) {
        const Ranks all = ranks_of(indptr, higher);
        expect(equal.size() == higher.size() && candidates.size() == all.questions, "auc", "takes ", higher.size(),
               " ties and ", all.questions, " numbers of candidates, got ", equal.size(), " and ", candidates.size());
        py::array_t<double> out(all.questions);
        area_under_curve(all, equal.data(), candidates.data(), out.mutable_data());
        return out;
      },
      "indptr"_a, "higher"_a, "equal"_a, "candidates"_a);
  module.def(
      "ranks_in_lists",
      [](const In<i32>& lists, const In<i64>& wanted_indptr, const In<i32>& wanted) {
        expect(lists.ndim() == 2 && wanted_indptr.size() == lists.shape(0) + 1, "ranks", "takes one list a question");
        py::array_t<i64> ranks(wanted.size());
        expect(wanted_indptr.at(0) == 0 && wanted_indptr.at(lists.shape(0)) == wanted.size(), "ranks",
               "pointers must run from 0 to ", wanted.size());
        for (py::ssize_t q = 0; q < lists.shape(0); ++q)
          expect(wanted_indptr.at(q) <= wanted_indptr.at(q + 1), "ranks", "pointers must ascend, they do not at ", q);
        ranks_in_lists(lists.shape(0), lists.shape(1), lists.data(), wanted_indptr.data(), wanted.data(),
                       ranks.mutable_data());
        return ranks;
      },
      "lists"_a, "wanted_indptr"_a, "wanted"_a);
  module.def(
      "distinct_lists",
      [](const In<i64>& indptr, const In<i32>& items) {
        expect(indptr.ndim() == 1 && indptr.size() >= 1 && items.ndim() == 1, "lists", "take pointers and items");
        check_lists("lists", {indptr.size() - 1, indptr.data(), items.size(), items.data()}, indptr.size() - 1,
                    i64{1} << 31, false);
        const ItemSets sets = distinct_lists(indptr.size() - 1, indptr.data(), items.data());
        return std::make_tuple(py::array_t<i64>(static_cast<py::ssize_t>(sets.indptr.size()), sets.indptr.data()),
                               py::array_t<i32>(static_cast<py::ssize_t>(sets.items.size()), sets.items.data()));
      },
      "indptr"_a, "items"_a);
  module.def(
      "sample_items",
      [](i64 items, i64 count, u64 seed, const In<i64>& keys, const In<i64>& indptr, const In<i32>& taken) {
        expect(items >= 0 && count >= 0 && indptr.size() >= 1, "sample", "items and count must not be negative, got ",
               items, " and ", count);
        check_lists("taken", {indptr.size() - 1, indptr.data(), taken.size(), taken.data()}, keys.size(), items, true);
        const SampledItems sampled =
            sample_items(items, count, seed, keys.size(), keys.data(), indptr.data(), taken.data());
        return std::make_tuple(py::array_t<i64>(static_cast<py::ssize_t>(sampled.indptr.size()), sampled.indptr.data()),
                               py::array_t<i32>(static_cast<py::ssize_t>(sampled.items.size()), sampled.items.data()));
      },
      "items"_a, "count"_a, "seed"_a, "keys"_a, "indptr"_a, "taken"_a);
}

}  // namespace lw
