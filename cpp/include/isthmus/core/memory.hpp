#pragma once
// Large blocks of memory.

#include <cstddef>
#include <memory>
#include <new>

namespace isthmus {

/// Asks for huge pages under a large block, where the system has them: element after element of a big table
/// then costs no miss in the address cache, and the block far fewer page faults. Does nothing to small ones.
void prefer_huge_pages(void* block, std::size_t bytes) noexcept;

/// An uninitialised run of T, aligned to 64 bytes, that grows without keeping its contents and is reused by
/// its owner. For values that are no secret: it is not wiped.
template <class T>
class Scratch {
 public:
  T* reserve(std::size_t count) {
    if (count > capacity_) {
      data_.reset();
      data_.reset(static_cast<T*>(::operator new(count * sizeof(T), std::align_val_t{64})));
      capacity_ = count;
      prefer_huge_pages(data_.get(), count * sizeof(T));
    }
    return data_.get();
  }
  T* data() noexcept { return data_.get(); }
  const T* data() const noexcept { return data_.get(); }

 private:
  struct Free {
    void operator()(T* block) const noexcept { ::operator delete(block, std::align_val_t{64}); }
  };
  std::unique_ptr<T, Free> data_;
  std::size_t capacity_ = 0;
};

}  // namespace isthmus
