#pragma once
// Large blocks of memory.

#include <cstddef>
#include <new>
#include <vector>

namespace isthmus {

/// Asks for huge pages under a large block, where the system has them: element after element of a big table
/// then costs no miss in the address cache, and the block far fewer page faults. Does nothing to small ones.
void prefer_huge_pages(void* block, std::size_t bytes) noexcept;

/// Allocator of large arrays that are no secret: aligned to 64 bytes, not wiped, and not initialised where no
/// value is given.
template <class T>
struct PlainAllocator {
  using value_type = T;
  PlainAllocator() = default;
  template <class U>
  PlainAllocator(const PlainAllocator<U>&) noexcept {}
  T* allocate(std::size_t n) {
    void* const block = ::operator new(n * sizeof(T), std::align_val_t{64});
    prefer_huge_pages(block, n * sizeof(T));
    return static_cast<T*>(block);
  }
  void deallocate(T* p, std::size_t) noexcept { ::operator delete(p, std::align_val_t{64}); }
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
