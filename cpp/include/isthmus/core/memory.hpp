#pragma once
// Large blocks of memory.

#include <cstddef>
#include <new>
#include <vector>

namespace isthmus {

/// Asks for huge pages under a large block, where the system has them: element after element of a big table
/// then costs no miss in the address cache, and the block far fewer page faults. Does nothing to small ones.
void prefer_huge_pages(void* block, std::size_t bytes) noexcept;

/// Blocks of this size and more are kept when they are freed, and handed out again: what the system gives are
/// pages that must be found and zeroed first, which for a sum of ciphertexts can take as long as its
/// arithmetic.
inline constexpr std::size_t kLargeBlock = std::size_t{128} << 10;
/// How much is kept at most in a process; what was freed first makes room. A larger block goes straight back
/// to the system.
inline constexpr std::size_t kMostKeptBytes = std::size_t{64} << 20;

/// Uninitialised memory, aligned to 64 bytes, for what is no secret: it is not wiped, and its contents may
/// stay for long. Any number of threads may allocate and free.
/// Throws    std::bad_alloc.
void* allocate_block(std::size_t bytes);
/// Takes back what allocate_block(bytes) returned.
void free_block(void* block, std::size_t bytes) noexcept;

/// How much is kept now.
std::size_t kept_bytes() noexcept;
/// Gives it all back to the system.
void drop_kept_blocks() noexcept;

/// Allocator of arrays that are no secret: aligned to 64 bytes, not wiped, and not initialised where no value
/// is given.
template <class T>
struct PlainAllocator {
  using value_type = T;
  PlainAllocator() = default;
  template <class U>
  PlainAllocator(const PlainAllocator<U>&) noexcept {}
  T* allocate(std::size_t n) { return static_cast<T*>(allocate_block(n * sizeof(T))); }
  void deallocate(T* p, std::size_t n) noexcept { free_block(p, n * sizeof(T)); }
  template <class U>
  void construct(U* p) noexcept {
    ::new (static_cast<void*>(p)) U;
  }
  template <class U>
  bool operator==(const PlainAllocator<U>&) const noexcept {
    return true;
  }
};

template <class T>
using PlainVector = std::vector<T, PlainAllocator<T>>;

/// A run of T that grows without keeping its contents, and is reused by its owner.
template <class T>
class Scratch {
 public:
  /// At least `count` elements, uninitialised.
  T* reserve(std::size_t count) {
    if (count > data_.size()) {
      data_ = {};
      data_.resize(count);
    }
    return data_.data();
  }

 private:
  PlainVector<T> data_;
};

}  // namespace isthmus
