#pragma once
// Field elements of a lane type F from and to 32-byte little-endian strings.

#include <cstddef>
#include <cstdint>

#include "isthmus/core/bytes.hpp"

namespace isthmus {

/// Lane i is the integer at bytes + i * stride for i < count, its top bit ignored, and zero above.
template <class F>
F load_lanes(const std::uint8_t* bytes, std::size_t stride, std::size_t count) noexcept {
  std::uint64_t words[4 * F::kLanes] = {};
  for (std::size_t lane = 0; lane < F::kLanes && lane < count; ++lane) {
    for (std::size_t j = 0; j < 4; ++j) {
      words[j * F::kLanes + lane] = load_le64(bytes + lane * stride + 8 * j);
    }
  }
  return F::from_lanes(words);
}

/// Writes the canonical 32 bytes of the first `count` lanes, one after the other.
template <class F>
void store_lanes(const F& a, std::size_t count, std::uint8_t* bytes) noexcept {
  std::uint64_t words[4 * F::kLanes];
  a.to_lanes(words);
  for (std::size_t lane = 0; lane < F::kLanes && lane < count; ++lane) {
    for (std::size_t j = 0; j < 4; ++j) store_le64(bytes + 32 * lane + 8 * j, words[j * F::kLanes + lane]);
  }
}

}  // namespace isthmus
