#include "cpp/ops/layout.h"

#include <string>

#include "cpp/bindings/arguments.h"
#include "cpp/bindings/bindings.h"

namespace py = pybind11;
using namespace py::literals;

namespace lw {
namespace {

// One pass over NumPy's basic indices: integers, slices, None and one Ellipsis.
class Index {
 public:
  Index(const Shape& shape, const py::tuple& keys) : shape_(shape) {
    i64 named = 0;
    bool has_ellipsis = false;
    for (py::handle key : keys) {
      named += !key.is_none() && key.ptr() != Py_Ellipsis;
      has_ellipsis = has_ellipsis || key.ptr() == Py_Ellipsis;
    }
    if (named > shape.rank())
      throw py::index_error(concat("index: ", named, " indices for a tensor of ", shape.rank(), " dimensions"));
    for (py::handle key : keys) {
      if (key.ptr() == Py_Ellipsis)
        while (shape.rank() - axis_ > named) take_all();
      else
        named -= add(key);
    }
    while (axis_ < shape.rank()) take_all();
  }

  std::vector<ops::Slice> slices;
  Shape result;

 private:
  void take_all() {
    slices.push_back({0, 1, shape_[axis_]});
    result.push_back(shape_[axis_++]);
  }

  i64 add(py::handle key) {  // how many axes the key named
    if (key.is_none()) {
      result.push_back(1);
      return 0;
    }
    if (py::isinstance<py::slice>(key)) {
      py::ssize_t begin = 0, end = 0, step = 0, count = 0;
      if (!py::reinterpret_borrow<py::slice>(key).compute(shape_[axis_], &begin, &end, &step, &count))
        throw py::error_already_set();
      slices.push_back({begin, step, count});
      result.push_back(count);
    } else {
      const i64 size = shape_[axis_], given = integer(key), place = given < 0 ? given + size : given;
      if (place < 0 || place >= size)
        throw py::index_error(concat("index: ", given, " is out of range for axis ", axis_, " of size ", size));
      slices.push_back({place, 1, 1});
    }
    ++axis_;
    return 1;
  }

  static i64 integer(py::handle key) {
    const Py_ssize_t value = PyIndex_Check(key.ptr()) ? PyNumber_AsSsize_t(key.ptr(), PyExc_IndexError) : 0;
    if (PyErr_Occurred()) throw py::error_already_set();
    expect_type(PyIndex_Check(key.ptr()) && !PyBool_Check(key.ptr()), "index",
                "must be integers, slices, None or ..., got ", Py_TYPE(key.ptr())->tp_name);
    return value;
  }

  const Shape& shape_;
  i64 axis_ = 0;
};

Tensor item(const Tensor& x, const py::object& key) {
  const py::tuple keys = py::isinstance<py::tuple>(key) ? py::tuple(key) : py::make_tuple(key);
  const Index index(x.shape(), keys);
  return ops::slice(x, index.slices, index.result);
}

}  // namespace

void bind_layout(py::module_& module) {
  const Operations op(module);
  op("reshape", &ops::reshape, "x"_a, "shape"_a);
  op("transpose", &ops::transpose, "x"_a, "axes"_a = py::none());
  op("broadcast_to", &ops::broadcast_to, "x"_a, "shape"_a);
  op("concatenate", &ops::concatenate, "tensors"_a, "axis"_a);
  module.attr("Tensor").attr("__getitem__") =
      py::cpp_function(&item, py::is_method(module.attr("Tensor")), py::name("__getitem__"), "key"_a);
}

}  // namespace lw
