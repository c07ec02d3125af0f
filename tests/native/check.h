// A test is a function; CHECK says what failed and goes on; main returns the number of failures.
#pragma once

#include <cmath>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

namespace test {

struct Case {
  std::string name;
  std::function<void()> body;
};
inline std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}
inline int& failures() {
  static int count = 0;
  return count;
}
struct Register {
  Register(const char* name, std::function<void()> body) { cases().push_back({name, std::move(body)}); }
};

inline void check(bool condition, const char* text, const char* file, int line) {
  if (condition) return;
  ++failures();
  std::printf("%s:%d: failed: %s\n", file, line, text);
}
inline void check_close(double got, double want, double tolerance, const char* text, const char* file, int line) {
  if (std::abs(got - want) <= tolerance * std::max(1.0, std::abs(want))) return;
  ++failures();
  std::printf("%s:%d: %s: got %.9g, want %.9g\n", file, line, text, got, want);
}

inline int run_all() {
  for (const Case& one : cases()) {
    const int before = failures();
    one.body();
    std::printf("%s %s\n", failures() == before ? "ok  " : "FAIL", one.name.c_str());
  }
  std::printf("%zu tests, %d failures\n", cases().size(), failures());
  return failures() == 0 ? 0 : 1;
}

}  // namespace test

#define TEST(name)                                          \
  static void name();                                       \
  static const test::Register register_##name(#name, name); \
  static void name()
#define CHECK(condition) test::check((condition), #condition, __FILE__, __LINE__)
#define CHECK_CLOSE(got, want, tolerance) test::check_close((got), (want), (tolerance), #got, __FILE__, __LINE__)
