// How Python arguments become those of operations. A tensor argument takes a likewise Tensor, a number, or anything
// NumPy makes an array of: float32 in C order is borrowed for the call, everything else is converted.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <array>
#include <utility>
#include <vector>

#include "cpp/autograd/tensor.h"
#include "cpp/bindings/initialised.h"
#include "cpp/ops/activation.h"

namespace lw {

// The C++ tensor inside a Python object, or null if it is not a Tensor.
Tensor* tensor_inside(pybind11::handle object);
// An array of the values of `source`. Where no conversion is needed it is borrowed from `keeper`, which then holds what
// must stay alive.
Array array_from(pybind11::handle source, pybind11::object& keeper);
// The same, never borrowed.
Array array_copy_from(pybind11::handle source);
// A read-only NumPy array over the memory of `array`, which it keeps alive.
pybind11::array view_of(const Array& array);
pybind11::dtype numpy_dtype(DType dtype);
Activation activation_from(pybind11::handle name);

// A tensor, or what was made of another object and what that keeps alive; undefined for None.
class TensorArgument {
 public:
  void load(pybind11::handle source) {
    tensor_ = tensor_inside(source);
    if (tensor_ == nullptr && !source.is_none()) made_ = Tensor(array_from(source, keeper_));
  }
  operator const Tensor&() const { return tensor_ != nullptr ? *tensor_ : made_; }
  bool given() const { return tensor_ != nullptr || made_.defined(); }
  i64 elements() const { return given() ? static_cast<const Tensor&>(*this).count() : 0; }

 private:
  const Tensor* tensor_ = nullptr;
  Tensor made_;
  pybind11::object keeper_;
};

class TensorsArgument {
 public:
  void load(pybind11::handle source);
  operator const std::vector<Tensor>&() const { return tensors_; }
  i64 elements() const {
    i64 total = 0;
    for (const Tensor& tensor : tensors_) total += tensor.count();
    return total;
  }

 private:
  std::vector<Tensor> tensors_;
  std::vector<TensorArgument> arguments_;
};

}  // namespace lw

namespace pybind11::detail {

template <>
class type_caster<lw::Tensor> : public lw::InitialisedCaster<lw::Tensor> {};
template <>
class type_caster<lw::RowSparse> : public lw::InitialisedCaster<lw::RowSparse> {};

template <>
class type_caster<lw::TensorArgument> {
 public:
  PYBIND11_TYPE_CASTER(lw::TensorArgument, const_name("likewise._core.Tensor | numpy.typing.ArrayLike | None"));
  bool load(handle source, bool) {
    value.load(source);
    return true;
  }
};

template <>
class type_caster<lw::TensorsArgument> {
 public:
  PYBIND11_TYPE_CASTER(lw::TensorsArgument,
                       const_name("collections.abc.Iterable[likewise._core.Tensor | numpy.typing.ArrayLike]"));
  bool load(handle source, bool) {
    value.load(source);
    return true;
  }
};

template <>
class type_caster<lw::Shape> {
 public:
  PYBIND11_TYPE_CASTER(lw::Shape, io_name("collections.abc.Sequence[int]", "tuple[int, ...]"));

  bool load(handle source, bool) {
    if (!PySequence_Check(source.ptr()) || PyUnicode_Check(source.ptr())) return false;
    lw::Shape shape;
    for (handle size : reinterpret_borrow<sequence>(source)) {
      make_caster<lw::i64> number;
      if (!number.load(size, true)) return false;
      shape.push_back(cast_op<lw::i64>(number));
    }
    value = shape;
    return true;
  }
  static handle cast(const lw::Shape& shape, return_value_policy, handle) {
    tuple result(static_cast<std::size_t>(shape.rank()));
    for (lw::i64 axis = 0; axis < shape.rank(); ++axis) result[static_cast<std::size_t>(axis)] = int_(shape[axis]);
    return result.release();
  }
};

template <>
class type_caster<lw::Activation> {
 public:
  PYBIND11_TYPE_CASTER(lw::Activation, const_name("str | None"));

  bool load(handle source, bool) {
    value = lw::activation_from(source);
    return true;
  }
};

}  // namespace pybind11::detail

namespace lw {

// The interpreter's lock, given up while an operation has much to do and taken back before Python is touched again.
class ReleasedLock {
 public:
  explicit ReleasedLock(i64 elements) : state_(elements >= worth_releasing ? PyEval_SaveThread() : nullptr) {}
  ~ReleasedLock() {
    if (state_ != nullptr) PyEval_RestoreThread(state_);
  }
  ReleasedLock(const ReleasedLock&) = delete;
  ReleasedLock& operator=(const ReleasedLock&) = delete;

 private:
  static constexpr i64 worth_releasing = 8192;  // some 50 us for the cheapest matrix product over so many elements
  PyThreadState* state_;
};

// What the binding takes for a parameter of an operation.
template <typename T>
struct Passed {
  using type = T;
};
template <>
struct Passed<const Tensor&> {
  using type = const TensorArgument&;
};
template <>
struct Passed<const std::vector<Tensor>&> {
  using type = const TensorsArgument&;
};

inline i64 elements_of(const TensorArgument& argument) { return argument.elements(); }
inline i64 elements_of(const TensorsArgument& argument) { return argument.elements(); }
template <typename T>
i64 elements_of(const T&) {
  return 0;
}

inline void expect_given(const char* operation, const char* name, const TensorArgument& argument) {
  expect_type(name == nullptr || argument.given(), operation, name, " must be an array, got None");
}
template <typename T>
void expect_given(const char*, const char*, const T&) {}

// op("linear", &ops::linear, "x"_a, "kernel"_a, "bias"_a = py::none()): a tensor without a default must be given.
class Operations {
 public:
  explicit Operations(pybind11::module_& module) : module_(module) {}

  template <typename Result, typename... Parameters, typename... Names>
  void operator()(const char* name, Result (*operation)(Parameters...), Names... names) const {
    static_assert(sizeof...(Parameters) == sizeof...(Names), "name every argument");
    const std::array<const char*, sizeof...(Names)> required{required_name(names)...};
    module_.def(
        name,
        [name, operation, required](typename Passed<Parameters>::type... arguments) -> Result {
          auto next = required.begin();
          (expect_given(name, *next++, arguments), ...);
          const ReleasedLock released((elements_of(arguments) + ... + 0));
          return operation(arguments...);
        },
        names...);
  }

 private:
  static const char* required_name(const pybind11::arg& name) { return name.name; }
  static const char* required_name(const pybind11::arg_v&) { return nullptr; }

  pybind11::module_& module_;
};

}  // namespace lw
