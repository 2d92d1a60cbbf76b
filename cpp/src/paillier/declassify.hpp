#pragma once
// Marks a value that depends on a secret but may be known, for the constant-time test (tests/ct), which runs the
// code under valgrind with secrets marked as undefined. Nothing otherwise.

#include <cstddef>

#ifdef ISTHMUS_CT_CHECK
#include <valgrind/memcheck.h>
#endif

namespace isthmus {

inline void declassify([[maybe_unused]] const void* data, [[maybe_unused]] std::size_t size) noexcept {
#ifdef ISTHMUS_CT_CHECK
  (void)VALGRIND_MAKE_MEM_DEFINED(data, size);
#endif
}

}  // namespace isthmus
