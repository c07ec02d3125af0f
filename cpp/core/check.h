// Errors that name the operation, what is required and what came.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace lw {

struct TypeError : std::runtime_error {  // Python's TypeError
  using std::runtime_error::runtime_error;
};

template <typename... Parts>
std::string concat(const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  return text.str();
}

// expect(x.dim(-1) == in, "linear", "kernel takes ", in, " features, x has ", x.dim(-1)) -> Python's ValueError
template <typename... Parts>
void expect(bool condition, const char* operation, const Parts&... parts) {
  if (!condition) [[unlikely]]
    throw std::invalid_argument(concat(operation, ": ", parts...));
}

template <typename... Parts>
void expect_type(bool condition, const char* operation, const Parts&... parts) {
  if (!condition) [[unlikely]]
    throw TypeError(concat(operation, ": ", parts...));
}

}  // namespace lw
