// native_tests [level]: exits with 77 (skipped) where the processor does not have the level.
#include <algorithm>
#include <cstring>

#include "cpp/backend/dispatch.h"
#include "tests/native/check.h"

#if defined(__SANITIZE_THREAD__)
// The fork test starts threads in a child, which ThreadSanitizer refuses unless told otherwise.
extern "C" __attribute__((visibility("default"))) const char* __tsan_default_options() { return "die_after_fork=0"; }
#endif

int main(int argc, char** argv) {
  if (argc > 1) {
    const auto levels = lw::usable_levels();
    if (std::find(levels.begin(), levels.end(), argv[1]) == levels.end()) {
      std::printf("this processor does not have level %s\n", argv[1]);
      return 77;
    }
  }
  std::printf("level %s\n", lw::kernels(lw::Device::cpu).name);
  return test::run_all();
}
