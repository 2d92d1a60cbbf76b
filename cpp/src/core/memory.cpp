#include "isthmus/core/memory.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <mutex>
#include <new>
#include <type_traits>

#include "isthmus/core/fork.hpp"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

namespace isthmus {
namespace {

constexpr std::align_val_t kAlignment{64};
constexpr std::size_t kHugePage = std::size_t{2} << 20;

// AddressSanitizer knows nothing of mappings: it is told what of them may be touched. There is always
// something after a block that may not.
#ifdef __SANITIZE_ADDRESS__
constexpr std::size_t kGuard = 64;
void forbid(void* begin, std::size_t bytes) noexcept { __asan_poison_memory_region(begin, bytes); }
void allow(void* begin, std::size_t bytes) noexcept { __asan_unpoison_memory_region(begin, bytes); }
#else
constexpr std::size_t kGuard = 0;
void forbid(void*, std::size_t) noexcept {}
void allow(void*, std::size_t) noexcept {}
#endif

struct Mapping {
  void* begin;
  std::size_t bytes;
};

// Sizes come in eight steps from one power of two to the next, so that blocks of about a size serve for one
// another: at most an eighth of a mapping is more than was asked for.
std::size_t mapping_bytes(std::size_t bytes) noexcept {
  const std::size_t step = std::bit_floor(bytes) / 8;
  return (bytes + kGuard + step - 1) / step * step;
}

// Huge pages need a mapping that begins with one.
Mapping map(std::size_t bytes) {
  const std::size_t slack = bytes < kHugePage ? 0 : kHugePage;
  const auto ask = [&] {
    return mmap(nullptr, bytes + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  };
  void* map = ask();
  if (map == MAP_FAILED) {
    drop_kept_blocks();
    map = ask();
  }
  if (map == MAP_FAILED) throw std::bad_alloc();
  auto* begin = static_cast<std::byte*>(map);
  if (slack > 0) {
    const std::size_t before = -reinterpret_cast<std::uintptr_t>(map) % kHugePage;
    if (before > 0) munmap(begin, before);
    begin += before;
    munmap(begin + bytes, slack - before);
    prefer_huge_pages(begin, bytes);
  }
  return {begin, bytes};
}

void unmap(Mapping mapping) noexcept {
  allow(mapping.begin, mapping.bytes);  // whatever lies there next is somebody else's
  munmap(mapping.begin, mapping.bytes);
}

// Freed mappings, in the order in which they were freed. Guarded by fork_safe_mutex(), so that a child of
// fork() finds it whole; what it holds is then the child's own copy.
class KeptMappings {
 public:
  // The one of this size that was freed last, whose pages are the likeliest to be in the processor's cache.
  void* take(std::size_t bytes) noexcept {
    for (std::size_t i = count_; i-- > 0;) {
      if (mappings_[i].bytes == bytes) return remove(i).begin;
    }
    return nullptr;
  }
  Mapping take_oldest() noexcept { return remove(0); }

  bool has_room_for(std::size_t bytes) const noexcept {
    return count_ < mappings_.size() && bytes <= kMostKeptBytes - bytes_;
  }
  void keep(Mapping mapping) noexcept {
    mappings_[count_++] = mapping;
    bytes_ += mapping.bytes;
  }

  std::size_t bytes() const noexcept { return bytes_; }

 private:
  Mapping remove(std::size_t i) noexcept {
    const Mapping removed = mappings_[i];
    std::copy(mappings_.begin() + static_cast<std::ptrdiff_t>(i) + 1,
              mappings_.begin() + static_cast<std::ptrdiff_t>(count_--),
              mappings_.begin() + static_cast<std::ptrdiff_t>(i));
    bytes_ -= removed.bytes;
    return removed;
  }

  std::array<Mapping, kMostKeptBytes / kLargeBlock> mappings_{};
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
};

// There from the start to the end of the process: static objects and the interpreter free their arrays late.
constinit KeptMappings kept;
static_assert(std::is_trivially_destructible_v<KeptMappings>);

// Unmaps the oldest until `is_enough()`, which is asked under the lock; the system is called without it,
// since that takes long.
template <class Enough>
void drop_oldest_until(const Enough& is_enough) noexcept {
  while (true) {
    std::unique_lock<std::mutex> lock(fork_safe_mutex());
    if (is_enough()) return;
    const Mapping oldest = kept.take_oldest();
    lock.unlock();
    unmap(oldest);
  }
}

}  // namespace

void prefer_huge_pages([[maybe_unused]] void* block, [[maybe_unused]] std::size_t bytes) noexcept {
#ifdef MADV_HUGEPAGE
  constexpr std::uintptr_t kPage = 4096;
  if (bytes < kHugePage) return;
  const auto begin = (reinterpret_cast<std::uintptr_t>(block) + kPage - 1) / kPage * kPage;
  const auto end = (reinterpret_cast<std::uintptr_t>(block) + bytes) / kPage * kPage;
  madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);  // advice: a refusal changes nothing
#endif
}

void* allocate_block(std::size_t bytes) {
  if (bytes < kLargeBlock) return ::operator new(bytes, kAlignment);
  const std::size_t mapped = mapping_bytes(bytes);
  void* block = nullptr;
  {
    const std::lock_guard<std::mutex> lock(fork_safe_mutex());
    block = kept.take(mapped);
  }
  if (block == nullptr) block = map(mapped).begin;
  forbid(block, mapped);
  allow(block, bytes);
  return block;
}

void free_block(void* block, std::size_t bytes) noexcept {
  if (bytes < kLargeBlock) return ::operator delete(block, kAlignment);
  const Mapping mapping{block, mapping_bytes(bytes)};
  if (mapping.bytes > kMostKeptBytes) return unmap(mapping);
  forbid(mapping.begin, mapping.bytes);
  drop_oldest_until([&] {
    const bool has_room = kept.has_room_for(mapping.bytes);
    if (has_room) kept.keep(mapping);
    return has_room;
  });
}

std::size_t kept_bytes() noexcept {
  const std::lock_guard<std::mutex> lock(fork_safe_mutex());
  return kept.bytes();
}

void drop_kept_blocks() noexcept {
  drop_oldest_until([] { return kept.bytes() == 0; });
}

}  // namespace isthmus
