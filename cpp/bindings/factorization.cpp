// Training of matrix factorization, and the batches that pairwise models share.
#include "cpp/data/factorization.h"

#include <pybind11/numpy.h>

#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "cpp/bindings/arguments.h"
#include "cpp/bindings/bindings.h"
#include "cpp/data/batches.h"
#include "cpp/data/least_squares.h"
#include "cpp/data/negatives.h"
#include "cpp/data/ranking.h"

namespace pybind11::detail {

template <>
class type_caster<lw::Batches> : public lw::InitialisedCaster<lw::Batches> {};
template <>
class type_caster<lw::ItemDraws> : public lw::InitialisedCaster<lw::ItemDraws> {};
template <>
class type_caster<lw::FactorizationSettings> : public lw::InitialisedCaster<lw::FactorizationSettings> {};
template <>
class type_caster<lw::Factorization> : public lw::InitialisedCaster<lw::Factorization> {};

}  // namespace pybind11::detail

namespace py = pybind11;
using namespace py::literals;

namespace lw {
namespace {

template <typename T>
using In = py::array_t<T, py::array::c_style>;

template <typename Choice, std::size_t count>
Choice choose(const char* what, const std::string& name, const char* const (&names)[count]) {
  std::string known;
  for (std::size_t i = 0; i < count; ++i) {
    if (name == names[i]) return static_cast<Choice>(i);
    known += (i ? ", " : "") + std::string(names[i]);
  }
  throw std::invalid_argument(concat("factorization: ", what, " must be one of ", known, "; got ", name));
}
constexpr const char* const loss_names[] = {"bpr", "bce", "softmax", "squared"};
constexpr const char* const rule_names[] = {"sgd", "adagrad", "adam"};

template <typename T>
py::array_t<T> vector_array(const std::vector<T>& values, std::vector<py::ssize_t> shape) {
  py::array_t<T> result(std::move(shape));
  std::copy(values.begin(), values.end(), result.mutable_data());
  return result;
}

auto draw(const Batches& batches, i64 epoch, i64 step) {
  expect(step >= 0 && step < batches.steps(), "batches", "step must be in 0..", batches.steps() - 1, ", got ", step);
  Samples samples;
  batches.draw(epoch, step, samples);
  return std::make_tuple(vector_array(samples.rows, {samples.count}), vector_array(samples.users, {samples.count}),
                         vector_array(samples.items, {samples.count, 1 + batches.settings().negatives}));
}

const Array& array_of(const TensorArgument& argument) { return static_cast<const Tensor&>(argument).value(); }

// (values, first moments, second moments); None where there are none.
TrainedTable table_from(const py::handle& source) {
  if (source.is_none()) return {};
  const auto parts = py::cast<py::sequence>(source);
  const auto array = [](const py::object& part) {
    if (part.is_none()) return Array{};
    const Tensor* tensor = tensor_inside(part);
    expect_type(tensor != nullptr, "factorization", "tables must be Tensors, got ",
                std::string(py::str(py::type::of(part).attr("__name__"))));
    return tensor->value();
  };
  return {array(parts[0]), array(parts[1]), array(parts[2])};
}

py::array_t<i32> draw_items(const ItemDraws& draws, i64 epoch, const In<i64>& rows, i64 count,
                            const std::optional<In<i32>>& users) {
  const i64 n = rows.size();
  expect(count >= 0, "draws", "count must not be negative, got ", count);
  expect(rows.ndim() == 1, "draws", "rows must have one dimension, got ", rows.ndim());
  for (i64 b = 0; b < n; ++b) expect(rows.data()[b] >= 0, "draws", "rows must not be negative, got ", rows.data()[b]);
  if (users) {
    expect(users->size() == n, "draws", "there must be as many users as rows, got ", users->size(), " and ", n);
    for (i64 b = 0; b < n; ++b)
      expect(users->data()[b] >= 0 && users->data()[b] < draws.n_users(), "draws", "users must be in 0..",
             draws.n_users() - 1, ", got ", users->data()[b]);
  }
  py::array_t<i32> drawn({n, count});
  i32* to = drawn.mutable_data();
  const i64* from = rows.data();
  const i32* owners = users ? users->data() : nullptr;
  py::gil_scoped_release release;
  draws.draw(epoch, n, from, count, owners, to);
  return drawn;
}

}  // namespace

void bind_factorization(py::module_& module) {
  py::class_<Batches>(module, "Batches")
      .def(py::init([](const TensorArgument& indptr, const TensorArgument& items, const TensorArgument& ratings,
                       i64 n_items, i64 batch_size, i64 negatives, u64 seed, bool draw_seen) {
             return std::make_unique<Batches>(array_of(indptr), array_of(items), array_of(ratings), n_items,
                                              BatchSettings{batch_size, negatives, seed, draw_seen});
           }),
           "indptr"_a, "items"_a, "ratings"_a, py::kw_only(), "n_items"_a, "batch_size"_a, "negatives"_a, "seed"_a,
           "draw_seen"_a = false)
      .def_property_readonly("steps", &Batches::steps)
      .def("draw", &draw, "epoch"_a, "step"_a);

  py::class_<ItemDraws>(module, "ItemDraws")
      .def(py::init([](const In<i64>& indptr, const In<i32>& items, i64 n_items, u64 seed) {
             expect(indptr.size() >= 1, "draws", "indptr must not be empty");
             expect(n_items >= 1 && n_items < i64{1} << 31, "draws", "n_items must be in 1..2^31 - 1, got ", n_items);
             check_lists("items", {indptr.size() - 1, indptr.data(), items.size(), items.data()}, indptr.size() - 1,
                         n_items, false);
             return std::make_unique<ItemDraws>(indptr.data(), items.data(), indptr.size() - 1, n_items, seed);
           }),
           "indptr"_a, "items"_a, "n_items"_a, "seed"_a)
      .def("draw", &draw_items, "epoch"_a, "rows"_a, "count"_a, "users"_a = py::none());

  py::class_<FactorizationSettings>(module, "FactorizationSettings")
      .def(py::init([](const std::string& loss, const std::string& optimizer, float beta1, float beta2, float epsilon,
                       float l2, bool exact, float offset) {
             return FactorizationSettings{choose<FactorizationLoss>("loss", loss, loss_names),
                                          choose<RowRule>("optimizer", optimizer, rule_names),
                                          0,
                                          beta1,
                                          beta2,
                                          epsilon,
                                          l2,
                                          exact,
                                          offset};
           }),
           py::kw_only(), "loss"_a, "optimizer"_a, "beta1"_a = 0.9f, "beta2"_a = 0.999f, "epsilon"_a = 1e-8f,
           "l2"_a = 0.0f, "exact"_a = false, "offset"_a = 0.0f);

  py::class_<Factorization>(module, "Factorization")
      .def(py::init([](py::handle users, py::handle items, py::handle user_biases, py::handle item_biases,
                       const FactorizationSettings& settings) {
             return std::make_unique<Factorization>(table_from(users), table_from(items), table_from(user_biases),
                                                    table_from(item_biases), settings);
           }),
           "users"_a, "items"_a, "user_biases"_a, "item_biases"_a, "settings"_a)
      .def(
          "run",
          [](Factorization& factorization, const Batches& batches, i64 epoch, i64 first, i64 last, i64 steps_before,
             float learning_rate) {
            factorization.set_learning_rate(learning_rate);
            return factorization.run(batches, epoch, first, last, steps_before);
          },
          "batches"_a, "epoch"_a, "first"_a, "last"_a, py::kw_only(), "steps_before"_a, "learning_rate"_a,
          py::call_guard<py::gil_scoped_release>());

  module.def(
      "fit_new_users",
      [](const TensorArgument& indptr, const TensorArgument& items, const TensorArgument& ratings,
         const TensorArgument& item_vectors, const TensorArgument& item_biases, FactorizationSettings settings,
         i64 negatives, i64 steps, float learning_rate, u64 seed) {
        const py::gil_scoped_release released;
        settings.learning_rate = learning_rate;
        return Tensor(fit_new_users({array_of(indptr), array_of(items), array_of(ratings), negatives, steps, seed},
                                    array_of(item_vectors), array_of(item_biases), settings));
      },
      "indptr"_a, "items"_a, "ratings"_a, "item_vectors"_a, "item_biases"_a, "settings"_a, py::kw_only(), "negatives"_a,
      "steps"_a, "learning_rate"_a, "seed"_a);
  module.def(
      "scaled_gram",
      [](const TensorArgument& factors, float scale) { return Tensor(scaled_gram(array_of(factors), scale)); },
      "factors"_a, "scale"_a);
  module.def(
      "solve_rows",
      [](const TensorArgument& others, const TensorArgument& gram, const TensorArgument& begin,
         const TensorArgument& history, const TensorArgument& weights, const TensorArgument& ridge) {
        Array out = empty({array_of(ridge).count(), array_of(others).dim(1)});
        const py::gil_scoped_release released;
        const double explained = solve_rows(array_of(others), array_of(gram), array_of(begin), array_of(history),
                                            array_of(weights), array_of(ridge), out);
        return std::make_pair(Tensor(std::move(out)), explained);
      },
      "others"_a, "gram"_a, "begin"_a, "history"_a, "weights"_a, "ridge"_a);
  module.def(
      "improve_rows",
      [](const TensorArgument& rows, const TensorArgument& others, const TensorArgument& gram,
         const TensorArgument& begin, const TensorArgument& history, const TensorArgument& weights,
         const TensorArgument& ridge, i64 steps) {
        Array out = array_of(rows).copy();
        const py::gil_scoped_release released;
        const double explained = improve_rows(array_of(others), array_of(gram), array_of(begin), array_of(history),
                                              array_of(weights), array_of(ridge), out, steps);
        return std::make_pair(Tensor(std::move(out)), explained);
      },
      "rows"_a, "others"_a, "gram"_a, "begin"_a, "history"_a, "weights"_a, "ridge"_a, py::kw_only(), "steps"_a);
}

}  // namespace lw
