#pragma once
// Memory of a randomizer pool.

#include <cstddef>

#include "isthmus/bigint/natural.hpp"

namespace isthmus::paillier {

/// A bounded queue of elements in pages of their own, which a child process finds wiped where the kernel can
/// do that (Linux 4.14). Every element leaves once and is overwritten then. Not synchronised.
class RandomizerRing {
 public:
  /// Throws    std::bad_alloc.
  RandomizerRing(std::size_t capacity, std::size_t words);
  ~RandomizerRing();
  RandomizerRing(const RandomizerRing&) = delete;
  RandomizerRing& operator=(const RandomizerRing&) = delete;

  std::size_t capacity() const noexcept { return capacity_; }
  std::size_t size() const noexcept { return size_; }

  /// Requires  size() + count <= capacity().
  void push(const bigint::Limb* elements, std::size_t count) noexcept;
  /// Moves the `count` oldest elements out. Requires  count <= size().
  void pop(bigint::Limb* out, std::size_t count) noexcept;
  /// Forgets all elements.
  void wipe() noexcept;

  /// False in a child of the process that made the ring: its elements are the parent's, never to be used.
  bool is_own() const noexcept;

  /// For tests: whether no element of any kind is left in the memory.
  bool is_blank() const noexcept;

 private:
  bigint::Limb* at(std::size_t position) const noexcept {
    return memory_ + kMarkerWords + position % capacity_ * words_;
  }

  static constexpr std::size_t kMarkerWords = 8;  // the first tells whether the pages were wiped
  std::size_t capacity_;
  std::size_t words_;  // of an element
  std::size_t bytes_;  // of the mapping
  std::size_t first_ = 0;
  std::size_t size_ = 0;
  long process_;
  bigint::Limb* memory_;
};

}  // namespace isthmus::paillier
