#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <optional>
#include <string>
#include <tuple>

#include "cpp/backend/dispatch.h"
#include "cpp/bindings/bindings.h"
#include "cpp/data/cooccurrence.h"
#include "cpp/data/inverse.h"
#include "cpp/data/ranking.h"

namespace py = pybind11;
using namespace py::literals;

namespace lw {
namespace {

template <typename T>
using In = py::array_t<T, py::array::c_style>;

Lists histories_of(const In<i64>& indptr, const In<i32>& items, i64 n_items, bool distinct) {
  expect(indptr.ndim() == 1 && indptr.size() >= 1 && items.ndim() == 1, "histories", "pointers and items are vectors");
  const Lists lists{indptr.size() - 1, indptr.data(), items.size(), items.data()};
  check_lists("histories", lists, lists.queries, n_items, distinct);
  return lists;
}

// Calls body(occurrences) without the GIL.
template <typename Body>
void with_occurrences(const Lists& lists, i64 n_items, const Body& body) {
  py::gil_scoped_release released;
  const UsersOfItems users = transposed(lists.queries, n_items, lists.indptr, lists.items);
  body(Occurrences{lists.queries, n_items, lists.indptr, lists.items, users.indptr.data(), users.users.data()});
}

In<float> ease(const In<i64>& indptr, const In<i32>& items, i64 n_items, float l2) {
  const Lists lists = histories_of(indptr, items, n_items, true);
  In<float> weights({n_items, n_items});
  float* matrix = weights.mutable_data();
  with_occurrences(lists, n_items, [&](const Occurrences& x) {
    gram(x, l2, matrix);
    negative_inverse(matrix, n_items);
    ease_weights(matrix, n_items);
  });
  return weights;
}

std::tuple<In<i32>, In<float>> neighbours(const In<i64>& indptr, const In<i32>& items, i64 n_items,
                                          const std::string& similarity, float shrinkage, i64 k) {
  expect(similarity == "cosine" || similarity == "jaccard", "similarity", "takes cosine or jaccard, got ", similarity);
  expect(k >= 1, "neighbours", "must be positive, got ", k);
  const Lists lists = histories_of(indptr, items, n_items, true);
  In<i32> found({n_items, k});
  In<float> weights({n_items, k});
  i32* found_data = found.mutable_data();
  float* weights_data = weights.mutable_data();
  with_occurrences(lists, n_items, [&](const Occurrences& x) {
    item_neighbours(x, similarity == "cosine" ? Similarity::cosine : Similarity::jaccard, shrinkage, k, found_data,
                    weights_data);
  });
  return {found, weights};
}

In<float> row_sums(const In<float>& table, const In<i64>& indptr, const In<i32>& items) {
  expect(table.ndim() == 2, "table", "takes [rows, dim]");
  const Lists lists = histories_of(indptr, items, table.shape(0), false);
  In<float> out({lists.queries, static_cast<i64>(table.shape(1))});
  float* data = out.mutable_data();
  py::gil_scoped_release released;
  kernels(Device::cpu).spmm({lists.queries, table.shape(1), lists.indptr, lists.items, nullptr, table.data(), data});
  return out;
}

In<float> sparse_row_sums(const In<i64>& matrix_indptr, const In<i32>& columns, const In<float>& weights,
                          const In<i64>& indptr, const In<i32>& items) {
  const i64 n_items = matrix_indptr.size() - 1;
  histories_of(matrix_indptr, columns, n_items, false);
  expect(weights.size() == columns.size(), "weights", "has ", weights.size(), " values, there are ", columns.size());
  const Lists lists = histories_of(indptr, items, n_items, false);
  In<float> out({lists.queries, n_items});
  float* data = out.mutable_data();
  py::gil_scoped_release released;
  sum_sparse_rows({n_items, matrix_indptr.data(), columns.data(), weights.data()}, lists.queries, lists.indptr,
                  lists.items, data);
  return out;
}

}  // namespace

void bind_models(py::module_& module) {
  module.def("ease", &ease, "indptr"_a, "items"_a, "n_items"_a, "l2"_a);
  module.def("item_neighbours", &neighbours, "indptr"_a, "items"_a, "n_items"_a, "similarity"_a, "shrinkage"_a, "k"_a);
  module.def("row_sums", &row_sums, "table"_a, "indptr"_a, "items"_a);
  module.def("sparse_row_sums", &sparse_row_sums, "matrix_indptr"_a, "columns"_a, "weights"_a, "indptr"_a, "items"_a);
}

}  // namespace lw
