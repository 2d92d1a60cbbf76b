#pragma once

#include <cstddef>
#include <cstdint>

namespace isthmus::paillier {

/// Best-effort mlock, and exclusion from core dumps, of the pages that hold a secret. The kernel's locks do
/// not nest; these do: a page stays locked until the last object that covers a part of it is gone. Threads
/// Safe.
class LockedPages {
 public:
  LockedPages(const void* data, std::size_t size) noexcept;
  ~LockedPages();
  LockedPages(const LockedPages&) = delete;
  LockedPages& operator=(const LockedPages&) = delete;

 private:
  std::uintptr_t first_;
  std::uintptr_t end_;  // of the pages counted for this object
};

}  // namespace isthmus::paillier
