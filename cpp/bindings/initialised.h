// Objects that Python made but never initialised, by Class.__new__(Class), are refused: pybind11 would read memory that
// nobody has written.
#pragma once

#include <pybind11/pybind11.h>

#include "cpp/core/check.h"

namespace lw {

inline void expect_initialised(pybind11::handle object) {
  auto* instance = reinterpret_cast<pybind11::detail::instance*>(object.ptr());
  if (!instance->get_value_and_holder().holder_constructed())
    throw TypeError(concat("this ", Py_TYPE(object.ptr())->tp_name, " was never initialised"));
}

// What type_caster<T> of each of our classes derives from.
template <typename T>
class InitialisedCaster : public pybind11::detail::type_caster_base<T> {
 public:
  bool load(pybind11::handle source, bool convert) {
    if (!pybind11::detail::type_caster_base<T>::load(source, convert)) return false;
    if (!source.is_none()) expect_initialised(source);
    return true;
  }
};

}  // namespace lw
