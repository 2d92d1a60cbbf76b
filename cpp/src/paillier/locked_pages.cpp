#include "locked_pages.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <map>
#include <mutex>
#include <new>

#include "isthmus/core/fork.hpp"

namespace isthmus::paillier {
namespace {

// Neither call's refusal is an error: limits on locked memory are small on some systems.
void protect(void* page, std::size_t size) noexcept {
  (void)mlock(page, size);
#ifdef MADV_DONTDUMP
  (void)madvise(page, size, MADV_DONTDUMP);
#endif
}

void unprotect(void* page, std::size_t size) noexcept {
  (void)munlock(page, size);
#ifdef MADV_DODUMP
  (void)madvise(page, size, MADV_DODUMP);
#endif
}

// How many objects cover a part of each page; guarded by fork_safe_mutex().
using Holders = std::map<std::uintptr_t, std::size_t>;

// Never destroyed: keys with static storage duration release their pages late.
Holders& registry() {
  static Holders* const instance = new Holders;
  return *instance;
}

std::uintptr_t page_size() noexcept { return static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE)); }

}  // namespace

LockedPages::LockedPages(const void* data, std::size_t size) noexcept {
  const std::uintptr_t page = page_size();
  const auto address = reinterpret_cast<std::uintptr_t>(data);
  first_ = end_ = address / page * page;
  if (size == 0) return;
  try {
    Holders& holders = registry();
    const std::lock_guard<std::mutex> lock(fork_safe_mutex());
    for (; end_ < address + size; end_ += page) {
      if (holders[end_]++ == 0) protect(reinterpret_cast<void*>(end_), page);
    }
  } catch (const std::bad_alloc&) {
    // The pages counted so far stay protected, the others are not.
  }
}

LockedPages::~LockedPages() {
  const std::uintptr_t page = page_size();
  if (first_ == end_) return;
  Holders& holders = registry();
  const std::lock_guard<std::mutex> lock(fork_safe_mutex());
  for (std::uintptr_t at = first_; at < end_; at += page) {
    const auto entry = holders.find(at);
    if (--entry->second != 0) continue;
    unprotect(reinterpret_cast<void*>(at), page);
    holders.erase(entry);
  }
}

}  // namespace isthmus::paillier
