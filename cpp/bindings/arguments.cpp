#include "cpp/bindings/arguments.h"

#include <array>
#include <cstring>
#include <limits>
#include <string>

namespace py = pybind11;

namespace lw {
namespace {

// The element type of arrays by NumPy's type number; nothing for types that must be converted first.
const DType* kept_type(int number) {
  static constexpr DType float32 = DType::float32, int32 = DType::int32, int64 = DType::int64, uint8 = DType::uint8,
                         boolean = DType::boolean;
  switch (number) {
    case py::detail::npy_api::NPY_FLOAT_: return &float32;
    case py::detail::npy_api::NPY_INT_: return &int32;
    case py::detail::npy_api::NPY_LONG_:
    case py::detail::npy_api::NPY_LONGLONG_: return &int64;
    case py::detail::npy_api::NPY_UBYTE_: return &uint8;
    case py::detail::npy_api::NPY_BOOL_: return &boolean;
    default: return nullptr;
  }
}

template <typename T>
Array scalar(T value) {
  Array array = empty({}, Device::cpu, dtype_of<T>());
  *array.data<T>() = value;
  return array;
}

bool is_native(const py::dtype& dtype) { return dtype.byteorder() == '=' || dtype.byteorder() == '|'; }

// float64 and float16 become float32, other integers int64; C order, native bytes, aligned.
py::array converted(const py::array& array) {
  const py::dtype dtype = array.dtype();
  const char* to = nullptr;
  if (const DType* kept = kept_type(dtype.num()))
    to = name_of(*kept);
  else if (dtype.kind() == 'f')
    to = "float32";
  else if (dtype.kind() == 'i' || dtype.kind() == 'u')
    to = "int64";
  expect_type(to != nullptr, "tensor", "values must be numbers or booleans, got an array of dtype ",
              std::string(py::str(dtype)));
  const py::array result = py::module_::import("numpy").attr("array")(array, py::dtype(to), py::arg("order") = "C");
  if (dtype.kind() == 'u' && dtype.itemsize() == 8 && array.size() > 0)
    expect(py::cast<bool>(array.attr("max")().attr("__le__")(py::int_(std::numeric_limits<i64>::max()))), "tensor",
           "integers must be below 2^63, got ", std::string(py::str(array.attr("max")())));
  return result;
}

Array borrowed(const py::array& array, DType dtype) {
  const Shape shape(reinterpret_cast<const i64*>(array.shape()), static_cast<std::size_t>(array.ndim()));
  auto* data = static_cast<std::byte*>(const_cast<void*>(array.data()));
  return Array(std::make_shared<Storage>(data, shape.count() * size_of(dtype)), shape, dtype);
}

}  // namespace

Tensor* tensor_inside(py::handle object) {
  static PyTypeObject* const type = py::detail::get_type_info(typeid(Tensor), true)->type;
  if (!PyObject_TypeCheck(object.ptr(), type)) return nullptr;
  expect_initialised(object);
  return static_cast<Tensor*>(reinterpret_cast<py::detail::instance*>(object.ptr())->simple_value_holder[0]);
}

Array array_from(py::handle source, py::object& keeper) {
  if (PyFloat_CheckExact(source.ptr())) return scalar(static_cast<float>(PyFloat_AS_DOUBLE(source.ptr())));
  if (PyBool_Check(source.ptr())) return scalar(source.ptr() == Py_True);
  if (PyLong_CheckExact(source.ptr())) {
    int overflow = 0;
    const i64 value = PyLong_AsLongLongAndOverflow(source.ptr(), &overflow);
    expect(overflow == 0, "tensor", "integers must be within 2^63, got ", std::string(py::str(source)));
    return scalar(value);
  }
  py::array array(py::reinterpret_borrow<py::object>(source));
  constexpr int wanted = py::detail::npy_api::NPY_ARRAY_C_CONTIGUOUS_ | py::detail::npy_api::NPY_ARRAY_ALIGNED_;
  const py::dtype dtype = array.dtype();
  const DType* kept = kept_type(dtype.num());
  if (kept == nullptr || (array.flags() & wanted) != wanted || !is_native(dtype)) {
    array = converted(array);
    kept = kept_type(array.dtype().num());
  }
  keeper = array;
  return borrowed(array, *kept);
}

Array array_copy_from(py::handle source) {
  if (const Tensor* tensor = tensor_inside(source)) return tensor->value().copy();
  py::object keeper;
  const Array array = array_from(source, keeper);
  return array.storage()->borrowed() ? array.copy() : array;
}

py::dtype numpy_dtype(DType dtype) {
  switch (dtype) {
    case DType::float32: return py::dtype::of<float>();
    case DType::int32: return py::dtype::of<i32>();
    case DType::int64: return py::dtype::of<i64>();
    case DType::boolean: return py::dtype::of<bool>();
    case DType::uint8: return py::dtype::of<u8>();
  }
  throw TypeError("unknown dtype");
}

py::array view_of(const Array& array) {
  const py::capsule keeper(new std::shared_ptr<Storage>(array.storage()),
                           [](void* storage) { delete static_cast<std::shared_ptr<Storage>*>(storage); });
  py::array view(numpy_dtype(array.dtype()), std::vector<py::ssize_t>(array.shape().begin(), array.shape().end()),
                 array.raw(), keeper);
  py::detail::array_proxy(view.ptr())->flags &= ~py::detail::npy_api::NPY_ARRAY_WRITEABLE_;
  return view;
}

void TensorsArgument::load(py::handle source) {
  for (py::handle one : py::reinterpret_borrow<py::iterable>(source)) {
    expect_type(!one.is_none(), "tensors", "must be arrays, one of them is None");
    arguments_.emplace_back().load(one);
    tensors_.push_back(arguments_.back());
  }
}

Activation activation_from(py::handle name) {
  if (name.is_none()) return Activation::linear;
  expect_type(PyUnicode_Check(name.ptr()), "activation", "must be a name, got ", std::string(py::repr(name)));
  const std::string text = py::cast<std::string>(name);
  std::string names;
  for (int i = 0; i <= static_cast<int>(Activation::mish); ++i) {
    const auto activation = static_cast<Activation>(i);
    if (text == name_of(activation)) return activation;
    names += (i ? ", " : "") + std::string(name_of(activation));
  }
  throw std::invalid_argument(concat("activation: must be one of ", names, "; got ", text));
}

}  // namespace lw
