#include "cpp/data/ranking.h"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <optional>
#include <tuple>
#include <vector>

#include "cpp/bindings/bindings.h"
#include "cpp/bindings/initialised.h"

namespace pybind11::detail {

template <>
class type_caster<lw::PackedItems> : public lw::InitialisedCaster<lw::PackedItems> {};

}  // namespace pybind11::detail

namespace py = pybind11;
using namespace py::literals;

namespace lw {
namespace {

template <typename T>
using In = py::array_t<T, py::array::c_style>;

template <typename T>
py::array_t<T> output(std::vector<py::ssize_t> shape) {
  return py::array_t<T>(std::move(shape));
}

// Checks happen with the GIL held: pointers of the arguments outlive the call.
Lists lists_of(const char* name, const In<i64>& indptr, const In<i32>& items, i64 queries, i64 n_items,
               bool ascending) {
  expect(indptr.ndim() == 1 && indptr.size() >= 1 && items.ndim() == 1, name, "pointers and items are vectors");
  const Lists lists{indptr.size() - 1, indptr.data(), items.size(), items.data()};
  check_lists(name, lists, queries, n_items, ascending);
  return lists;
}

Allowed allowed_of(const In<bool>& allowed, i64 n_items) {
  expect(allowed.ndim() == 1 && allowed.size() == n_items, "allowed", "has ", allowed.size(), " items, there are ",
         n_items);
  return allowed.data();
}

void check_queries(const PackedItems& table, const In<float>& queries) {
  expect(queries.ndim() == 2 && queries.shape(1) == table.dim(), "queries", "take ", table.dim(), " columns, got ",
         queries.ndim() == 2 ? queries.shape(1) : -1);
}

void check_matrix(const In<float>& scores) { expect(scores.ndim() == 2, "scores", "take [queries, items]"); }

using Top = std::tuple<py::array_t<i32>, py::array_t<float>>;

Top top(const ScoreSource& source, i64 k, const In<i64>& seen_indptr, const In<i32>& seen_items) {
  expect(k >= 1, "top", "k must be positive, got ", k);
  const Lists seen = lists_of("seen", seen_indptr, seen_items, source.queries, source.items, true);
  auto items = output<i32>({source.queries, k});
  auto scores = output<float>({source.queries, k});
  i32* items_data = items.mutable_data();
  float* scores_data = scores.mutable_data();
  {
    py::gil_scoped_release released;
    top_items(source, seen, k, items_data, scores_data);
  }
  return {items, scores};
}

using Positions = std::tuple<py::array_t<i64>, py::array_t<i64>, py::array_t<i64>>;

Positions positions(const ScoreSource& source, const In<i64>& wanted_indptr, const In<i32>& wanted_items,
                    const In<i64>& seen_indptr, const In<i32>& seen_items) {
  const Lists wanted = lists_of("wanted", wanted_indptr, wanted_items, source.queries, source.items, false);
  const Lists seen = lists_of("seen", seen_indptr, seen_items, source.queries, source.items, true);
  auto higher = output<i64>({wanted.count}), earlier = output<i64>({wanted.count}), equal = output<i64>({wanted.count});
  i64 *higher_data = higher.mutable_data(), *earlier_data = earlier.mutable_data(), *equal_data = equal.mutable_data();
  {
    py::gil_scoped_release released;
    item_positions(source, wanted, seen, higher_data, earlier_data, equal_data);
  }
  return {higher, earlier, equal};
}

}  // namespace

void bind_ranking(py::module_& module) {
  py::class_<PackedItems>(module, "PackedItems")
      .def(py::init([](const In<float>& vectors, const std::optional<In<float>>& biases) {
             expect(vectors.ndim() == 2, "items", "take [n_items, dim]");
             expect(!biases || (biases->ndim() == 1 && biases->size() == vectors.shape(0)), "biases",
                    "take one for each of ", vectors.shape(0), " items");
             return PackedItems(vectors.data(), biases ? biases->data() : nullptr, vectors.shape(0), vectors.shape(1));
           }),
           "vectors"_a, "biases"_a = py::none())
      .def(
          "top",
          [](const PackedItems& table, const In<float>& queries, i64 k, const In<bool>& allowed,
             const In<i64>& seen_indptr, const In<i32>& seen_items) {
            check_queries(table, queries);
            const Array bias = masked_biases(table.biases(), allowed_of(allowed, table.items()), table.items());
            return top(table.source(queries.data(), queries.shape(0), bias.floats()), k, seen_indptr, seen_items);
          },
          "queries"_a, "k"_a, "allowed"_a, "seen_indptr"_a, "seen_items"_a)
      .def(
          "positions",
          [](const PackedItems& table, const In<float>& queries, const In<i64>& wanted_indptr,
             const In<i32>& wanted_items, const In<bool>& allowed, const In<i64>& seen_indptr,
             const In<i32>& seen_items) {
            check_queries(table, queries);
            const Array bias = masked_biases(table.biases(), allowed_of(allowed, table.items()), table.items());
            return positions(table.source(queries.data(), queries.shape(0), bias.floats()), wanted_indptr, wanted_items,
                             seen_indptr, seen_items);
          },
          "queries"_a, "wanted_indptr"_a, "wanted_items"_a, "allowed"_a, "seen_indptr"_a, "seen_items"_a)
      .def(
          "pairs",
          [](const PackedItems& table, const In<float>& queries, const In<i64>& rows, const In<i32>& items) {
            check_queries(table, queries);
            expect(rows.ndim() == 1 && items.ndim() == 1 && rows.size() == items.size(), "pairs", rows.size(),
                   " rows, ", items.size(), " items");
            auto out = output<float>({rows.size()});
            pair_scores(table.source(queries.data(), queries.shape(0), table.biases()), rows.size(), rows.data(),
                        items.data(), out.mutable_data());
            return out;
          },
          "queries"_a, "rows"_a, "items"_a);
  module.def(
      "top_of_scores",
      [](const In<float>& scores, i64 k, const In<bool>& allowed, const In<i64>& seen_indptr,
         const In<i32>& seen_items) {
        check_matrix(scores);
        const Array bias = masked_biases(nullptr, allowed_of(allowed, scores.shape(1)), scores.shape(1));
        return top(matrix_source(scores.data(), scores.shape(0), scores.shape(1), bias.floats()), k, seen_indptr,
                   seen_items);
      },
      "scores"_a, "k"_a, "allowed"_a, "seen_indptr"_a, "seen_items"_a);
  module.def(
      "positions_in_scores",
      [](const In<float>& scores, const In<i64>& wanted_indptr, const In<i32>& wanted_items, const In<bool>& allowed,
         const In<i64>& seen_indptr, const In<i32>& seen_items) {
        check_matrix(scores);
        const Array bias = masked_biases(nullptr, allowed_of(allowed, scores.shape(1)), scores.shape(1));
        return positions(matrix_source(scores.data(), scores.shape(0), scores.shape(1), bias.floats()), wanted_indptr,
                         wanted_items, seen_indptr, seen_items);
      },
      "scores"_a, "wanted_indptr"_a, "wanted_items"_a, "allowed"_a, "seen_indptr"_a, "seen_items"_a);
}

}  // namespace lw
