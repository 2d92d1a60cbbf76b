#pragma once
// Secret memory: zeroise on release, constant-time selection and comparison.

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#include "isthmus/core/bytes.hpp"
#include "isthmus/core/memory.hpp"

namespace isthmus {

/// Overwrites `size` bytes with zeros; the compiler may not remove it.
void zeroise(void* data, std::size_t size) noexcept;

/// All ones when `bit` is 1, zero when it is 0, without a branch.
inline std::uint64_t ct_mask(std::uint64_t bit) noexcept {
  std::uint64_t mask = std::uint64_t{0} - bit;
  __asm__("" : "+r"(mask));  // keeps the optimiser from turning the mask back into a branch
  return mask;
}

/// mask ? a : b for mask in {0, ~0}.
inline std::uint64_t ct_select(std::uint64_t mask, std::uint64_t a, std::uint64_t b) noexcept {
  return b ^ (mask & (a ^ b));
}

/// All ones when x == y, else zero.
inline std::uint64_t ct_equal(std::uint64_t x, std::uint64_t y) noexcept {
  const std::uint64_t d = x ^ y;
  return ct_mask(((d | (std::uint64_t{0} - d)) >> 63) ^ 1);
}

/// True when two equally long byte strings are the same; time depends on the length only.
bool ct_equal_bytes(ByteSpan a, ByteSpan b) noexcept;

/// Allocator that zeroises on deallocation, so that growing or destroying a vector leaves no copy behind.
template <class T>
struct ZeroisingAllocator {
  using value_type = T;
  ZeroisingAllocator() = default;
  template <class U>
  ZeroisingAllocator(const ZeroisingAllocator<U>&) noexcept {}
  T* allocate(std::size_t n) {
    void* const block = ::operator new(n * sizeof(T), std::align_val_t{64});
    prefer_huge_pages(block, n * sizeof(T));
    return static_cast<T*>(block);
  }
  void deallocate(T* p, std::size_t n) noexcept {
    zeroise(p, n * sizeof(T));
    ::operator delete(p, std::align_val_t{64});
  }
  template <class U>
  bool operator==(const ZeroisingAllocator<U>&) const noexcept {
    return true;
  }
};

template <class T>
using SecretVector = std::vector<T, ZeroisingAllocator<T>>;

/// Zeroises a stack object, whose bytes are all it owns, when the scope ends.
template <class T>
class ZeroiseGuard {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  explicit ZeroiseGuard(T& object) noexcept : object_(object) {}
  ~ZeroiseGuard() { zeroise(&object_, sizeof(T)); }
  ZeroiseGuard(const ZeroiseGuard&) = delete;
  ZeroiseGuard& operator=(const ZeroiseGuard&) = delete;

 private:
  T& object_;
};

}  // namespace isthmus
