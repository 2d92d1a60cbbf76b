#include "locked_pages.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <map>
#include <mutex>
#include <new>

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

struct Registry {
  std::mutex mutex;
  std::map<std::uintptr_t, std::size_t> holders;  // objects that cover a part of the page
};

// Never destroyed: keys with static storage duration release their pages late.
Registry& registry() {
  static Registry* const instance = new Registry;
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
    Registry& pages = registry();
    const std::lock_guard<std::mutex> lock(pages.mutex);
    for (; end_ < address + size; end_ += page) {
      if (pages.holders[end_]++ == 0) protect(reinterpret_cast<void*>(end_), page);
    }
  } catch (const std::bad_alloc&) {
    // The pages counted so far stay protected, the others are not.
  }
}

LockedPages::~LockedPages() {
  const std::uintptr_t page = page_size();
  if (first_ == end_) return;
  Registry& pages = registry();
  const std::lock_guard<std::mutex> lock(pages.mutex);
  for (std::uintptr_t at = first_; at < end_; at += page) {
    const auto entry = pages.holders.find(at);
    if (--entry->second != 0) continue;
    unprotect(reinterpret_cast<void*>(at), page);
    pages.holders.erase(entry);
  }
}

}  // namespace isthmus::paillier
