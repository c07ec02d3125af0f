#include <cstring>
#include <string>

#include "cpp/autograd/deferral.h"
#include "cpp/autograd/tape.h"
#include "cpp/bindings/arguments.h"
#include "cpp/bindings/bindings.h"
#include "cpp/ops/elementwise.h"
#include "cpp/ops/matmul.h"

namespace py = pybind11;
using namespace py::literals;

namespace lw {
namespace {

py::object numpy_function(const char* name) { return py::module_::import("numpy").attr(name); }

// NumPy's protocol: __array__(dtype=None, copy=None).
py::array as_numpy(const Array& array, const py::object& dtype, const py::object& copy) {
  py::array view = view_of(array);
  if (!dtype.is_none() && !view.dtype().equal(py::dtype::from_args(dtype))) return view.attr("astype")(dtype);
  return !copy.is_none() && py::cast<bool>(copy) ? py::array(view.attr("copy")()) : view;
}

py::object grad_of(const Tensor& tensor) {
  const Grad grad = tensor.grad();
  if (grad.dense()) return py::cast(Tensor(*grad.dense()));
  if (grad.sparse()) return py::cast(*grad.sparse());
  return py::none();
}

void set_grad(const Tensor& tensor, const py::object& grad) {
  expect(tensor.requires_grad(), "grad", "this tensor does not require a gradient");
  if (grad.is_none()) {
    tensor.set_grad({});
  } else if (py::isinstance<RowSparse>(grad)) {
    const auto& sparse = py::cast<const RowSparse&>(grad);
    expect(sparse.table_shape == tensor.shape(), "grad", "must be of shape ", tensor.shape(), ", got ",
           sparse.table_shape);
    tensor.set_grad(sparse);
  } else {
    const Tensor* given = tensor_inside(grad);  // shared: whoever adds to a gradient copies it first
    const Array dense = given != nullptr ? given->value() : array_copy_from(grad);
    expect(dense.shape() == tensor.shape(), "grad", "must have shape ", tensor.shape(), ", got ", dense.shape());
    expect_type(dense.dtype() == DType::float32, "grad", "must be float32, got ", name_of(dense.dtype()));
    tensor.set_grad(Grad(dense));
  }
}

void assign(const Tensor& tensor, const py::object& values) {
  py::object keeper;
  const Tensor* other = tensor_inside(values);
  const Array from = other ? other->value() : array_from(values, keeper);
  expect(from.shape() == tensor.shape(), "assign", "values must have shape ", tensor.shape(), ", got ", from.shape());
  expect_type(from.dtype() == tensor.dtype(), "assign", "values must be ", name_of(tensor.dtype()), ", got ",
              name_of(from.dtype()));
  finish_deferred();
  if (from.bytes() > 0) std::memmove(tensor.value().raw(), from.raw(), static_cast<std::size_t>(from.bytes()));
  tensor.value().storage()->bump_version();
}

py::object item_of(const Tensor& tensor) {
  expect(tensor.count() == 1, "item", "only a tensor of one element is a number, this one has shape ", tensor.shape());
  return view_of(tensor.value()).attr("item")();
}

void backward(const Tensor& tensor, const py::object& gradient) {
  if (gradient.is_none()) {
    const py::gil_scoped_release released;
    return tensor.backward();
  }
  const Tensor* given = tensor_inside(gradient);
  const Array start = given != nullptr ? given->value() : array_copy_from(gradient);
  expect_type(start.dtype() == DType::float32, "backward", "gradient must be float32, got ", name_of(start.dtype()));
  const py::gil_scoped_release released;
  tensor.backward(start);
}

std::string text_of(const Tensor& tensor) {
  const py::object values =
      numpy_function("array2string")(view_of(tensor.value()), "separator"_a = ", ", "prefix"_a = "Tensor(");
  return concat("Tensor(", std::string(py::str(values)), ", shape=", tensor.shape(),
                ", dtype=", name_of(tensor.dtype()), tensor.requires_grad() ? ", requires_grad=True)" : ")");
}

void bind_operators(py::class_<Tensor>& tensor) {
  const auto both = [&](const char* name, const char* reflected, Tensor (*operation)(const Tensor&, const Tensor&)) {
    tensor.def(name, [name, operation](const Tensor& self, const TensorArgument& other) {
      expect_given(name, "the other side", other);
      const ReleasedLock released(self.count() + other.elements());
      return operation(self, other);
    });
    tensor.def(reflected, [reflected, operation](const Tensor& self, const TensorArgument& other) {
      expect_given(reflected, "the other side", other);
      const ReleasedLock released(self.count() + other.elements());
      return operation(other, self);
    });
  };
  both("__add__", "__radd__", &ops::add);
  both("__sub__", "__rsub__", &ops::subtract);
  both("__mul__", "__rmul__", &ops::multiply);
  both("__truediv__", "__rtruediv__", &ops::divide);
  both("__pow__", "__rpow__", &ops::power);
  both("__matmul__", "__rmatmul__", &ops::matmul);
  both("__lt__", "__gt__", &ops::less);  // a > b is b < a
  both("__le__", "__ge__", &ops::less_equal);
  tensor.def("__neg__", &ops::negate).def("__abs__", &ops::absolute);
}

void bind_row_sparse(py::module_& module) {
  py::class_<RowSparse>(
      module, "RowSparse",
      "The gradient of a table of which few rows were used: table[ids[r]] gets rows[r]; ids may repeat.")
      .def(py::init([](const py::object& ids, const py::object& rows, const Shape& shape) {
             RowSparse sparse{array_copy_from(ids), array_copy_from(rows), shape};
             expect(shape.rank() == 2 && sparse.ids.rank() == 1 && sparse.rows.rank() == 2 &&
                        sparse.rows.dim(0) == sparse.ids.dim(0) && sparse.rows.dim(1) == shape[1],
                    "row_sparse", "ids [n] and rows [n, dim] must fit a table [rows, dim], got ", sparse.ids.shape(),
                    ", ", sparse.rows.shape(), " and ", shape);
             expect_type(sparse.ids.dtype() == DType::int64 && sparse.rows.dtype() == DType::float32, "row_sparse",
                         "ids must be int64 and rows float32, got ", name_of(sparse.ids.dtype()), " and ",
                         name_of(sparse.rows.dtype()));
             for (i64 r = 0; r < sparse.ids.count(); ++r) {
               const i64 id = sparse.ids.data<i64>()[r];
               expect(id >= 0 && id < shape[0], "row_sparse", "ids must be in 0..", shape[0] - 1, ", got ", id);
             }
             return sparse;
           }),
           "ids"_a, "rows"_a, "shape"_a)
      .def_property_readonly("ids", [](const RowSparse& sparse) { return view_of(sparse.ids); })
      .def_property_readonly("rows", [](const RowSparse& sparse) { return view_of(sparse.rows); })
      .def_property_readonly("shape", [](const RowSparse& sparse) { return sparse.table_shape; })
      .def("to_dense", [](const RowSparse& sparse) { return Tensor(Grad(sparse).to_dense(sparse.table_shape)); })
      .def(
          "__array__",
          [](const RowSparse& sparse, const py::object& dtype, const py::object& copy) {
            return as_numpy(Grad(sparse).to_dense(sparse.table_shape), dtype, copy);
          },
          "dtype"_a = py::none(), "copy"_a = py::none())
      .def("__repr__", [](const RowSparse& sparse) {
        return concat("RowSparse(", sparse.ids.count(), " rows of a table of shape ", sparse.table_shape, ")");
      });
}

}  // namespace

void bind_tensor(py::module_& module) {
  py::class_<Tensor> tensor(module, "Tensor",
                            R"(An array with a place in the graph of operations.

Args:
    array: Anything NumPy makes an array of; it is copied. float64 becomes float32; int32, int64, uint8 and bool stay.
    requires_grad: Should ``backward`` leave a gradient in ``.grad``? float32 only.

``a == b`` is true of one and the same tensor; functional.equal compares elements.)");
  tensor.def(py::init([](const py::object& array, bool requires_grad) {
               return Tensor(array_copy_from(array), requires_grad);
             }),
             "array"_a, "requires_grad"_a = false);
  bind_row_sparse(module);
  bind_operators(tensor);
  tensor.def_property_readonly("shape", &Tensor::shape)
      .def_property_readonly("ndim", &Tensor::rank)
      .def_property_readonly("size", &Tensor::count)
      .def_property_readonly("dtype", [](const Tensor& self) -> py::object { return numpy_dtype(self.dtype()); })
      .def_property("requires_grad", &Tensor::requires_grad, &Tensor::set_requires_grad,
                    "Does `backward` leave a gradient here? It can be set on leaves.")
      .def_property_readonly("is_leaf", &Tensor::is_leaf, "Was it made by hand, not by a recorded operation?")
      .def_property("grad", &grad_of, &set_grad,
                    "None, a Tensor, or RowSparse for a table of which few rows were used.")
      .def("backward", &backward, "gradient"_a = py::none(),
           "Add the gradients of this tensor to `.grad` of every leaf it depends on. The graph can be used once.")
      .def("detach", &Tensor::detach, "The same values, outside the graph.")
      .def("assign", &assign, "values"_a, "Overwrite the values in place.")
      .def(
          "numpy", [](const Tensor& self) { return view_of(self.value()); }, "A read-only view of the values.")
      .def("item", &item_of, "The only element, as a Python number.")
      .def(
          "__array__",
          [](const Tensor& self, const py::object& dtype, const py::object& copy) {
            return as_numpy(self.value(), dtype, copy);
          },
          "dtype"_a = py::none(), "copy"_a = py::none())
      .def("__float__", [](const Tensor& self) { return py::float_(item_of(self)); })
      .def("__int__", [](const Tensor& self) { return py::int_(item_of(self)); })
      .def("__bool__", [](const Tensor& self) { return py::cast<bool>(py::bool_(item_of(self))); })
      .def("__len__",
           [](const Tensor& self) {
             expect_type(self.rank() > 0, "len", "a tensor of no dimensions has no length");
             return self.dim(0);
           })
      .def("__repr__", &text_of);
  // NumPy's operators leave `array * tensor` to the tensor.
  tensor.attr("__array_priority__") = 1000;

  module.def("grad_enabled", &grad_enabled);
  module.def("set_grad_enabled", &set_grad_enabled, "enabled"_a,
             "Record operations on this thread or not; returns what was set before.");
  module.def(
      "set_deferring", &set_deferring, "deferring"_a,
      "May operations on this thread put off work until somebody looks at the result? Returns what was set before.");
}

}  // namespace lw
