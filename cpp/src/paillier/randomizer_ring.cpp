#include "randomizer_ring.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <new>

#include "isthmus/core/secret.hpp"

namespace isthmus::paillier {
namespace {

using bigint::Limb;

constexpr Limb kUnwiped = 1;

std::size_t mapping_bytes(std::size_t capacity, std::size_t words, std::size_t marker) {
  if (capacity > (std::numeric_limits<std::size_t>::max() / sizeof(Limb) - marker) / words)
    throw std::bad_alloc();
  return (marker + capacity * words) * sizeof(Limb);
}

}  // namespace

RandomizerRing::RandomizerRing(std::size_t capacity, std::size_t words)
    : capacity_(capacity),
      words_(words),
      bytes_(mapping_bytes(capacity, words, kMarkerWords)),
      process_(getpid()) {
  void* const map = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED) throw std::bad_alloc();
  memory_ = static_cast<Limb*>(map);
  // Where these are refused, is_own() still tells a child by its process number.
#ifdef MADV_WIPEONFORK
  (void)madvise(map, bytes_, MADV_WIPEONFORK);
#endif
#ifdef MADV_DONTDUMP
  (void)madvise(map, bytes_, MADV_DONTDUMP);
#endif
  memory_[0] = kUnwiped;
}

RandomizerRing::~RandomizerRing() {
  wipe();
  munmap(memory_, bytes_);
}

void RandomizerRing::push(const Limb* elements, std::size_t count) noexcept {
  for (std::size_t i = 0; i < count; ++i) std::copy_n(elements + i * words_, words_, at(first_ + size_++));
}

void RandomizerRing::pop(Limb* out, std::size_t count) noexcept {
  for (std::size_t i = 0; i < count; ++i) {
    Limb* const element = at(first_);
    std::copy_n(element, words_, out + i * words_);
    zeroise(element, words_ * sizeof(Limb));
    first_ = (first_ + 1) % capacity_;
    --size_;
  }
}

void RandomizerRing::wipe() noexcept {
  zeroise(memory_ + kMarkerWords, capacity_ * words_ * sizeof(Limb));
  first_ = size_ = 0;
}

bool RandomizerRing::is_own() const noexcept { return memory_[0] == kUnwiped && getpid() == process_; }

bool RandomizerRing::is_blank() const noexcept {
  const Limb* const begin = memory_ + kMarkerWords;
  return std::all_of(begin, begin + capacity_ * words_, [](Limb word) { return word == 0; });
}

}  // namespace isthmus::paillier
