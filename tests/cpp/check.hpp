#pragma once
// The smallest test harness: CHECK counts, a failing run exits 1 and prints a line ctest can read.

#include <cstdio>
#include <cstdlib>

namespace check {
inline int failures = 0;
inline int checks = 0;
inline int finish(const char* name) {
  std::printf("%s: %d checks, %d failures\n", name, checks, failures);
  return failures == 0 && checks > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
}  // namespace check

#define CHECK(condition)                                                   \
  do {                                                                     \
    ++check::checks;                                                       \
    if (!(condition)) {                                                    \
      ++check::failures;                                                   \
      std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
    }                                                                      \
  } while (0)

#define CHECK_THROWS(expression, expected)                                                              \
  do {                                                                                                  \
    ++check::checks;                                                                                    \
    bool caught = false;                                                                                \
    try {                                                                                               \
      (void)(expression);                                                                               \
    } catch (const isthmus::Error& error) {                                                             \
      caught = error.code() == (expected);                                                              \
    }                                                                                                   \
    if (!caught) {                                                                                      \
      ++check::failures;                                                                                \
      std::fprintf(stderr, "%s:%d: %s did not throw %s\n", __FILE__, __LINE__, #expression, #expected); \
    }                                                                                                   \
  } while (0)
