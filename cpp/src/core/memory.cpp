#include "isthmus/core/memory.hpp"

#ifdef __linux__
#include <sys/mman.h>

#include <cstdint>
#endif

namespace isthmus {

void prefer_huge_pages([[maybe_unused]] void* block, [[maybe_unused]] std::size_t bytes) noexcept {
#ifdef __linux__
  constexpr std::size_t kLarge = std::size_t{2} << 20;
  constexpr std::uintptr_t kPage = 4096;
  if (bytes < kLarge) return;
  const auto begin = (reinterpret_cast<std::uintptr_t>(block) + kPage - 1) / kPage * kPage;
  const auto end = (reinterpret_cast<std::uintptr_t>(block) + bytes) / kPage * kPage;
  madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);  // advice: a refusal changes nothing
#endif
}

}  // namespace isthmus
