#pragma once
// What the vector field types of P-256 and SM2 share: vectors of unsigned 64-bit words, one lane per element.
// Included only by backends; everything has internal linkage.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "weierstrass_tile.hpp"

#ifdef __SANITIZE_ADDRESS__
#define ISTHMUS_LANES_INLINE inline  // g++ needs many minutes to watch everything in one function
#else
#define ISTHMUS_LANES_INLINE inline __attribute__((always_inline))
#endif

namespace isthmus::weierstrass {
namespace {

template <int kFactor, class Vector>
ISTHMUS_LANES_INLINE Vector scaled(Vector a) noexcept {
  if constexpr (kFactor == 2) return a + a;
  if constexpr (kFactor == 3) return a + a + a;
  if constexpr (kFactor == 4) return a << 2;
  if constexpr (kFactor == 8) return a << 3;
  if constexpr (kFactor == 9) return (a << 3) + a;
  if constexpr (kFactor == 10) return (a << 3) + a + a;
}

/// Vector j gets word j of every lane.
template <class F>
ISTHMUS_LANES_INLINE void load_words(const Words256* words, typename F::Vector* w) noexcept {
  alignas(64) std::uint64_t by_word[4][F::kLanes];
  for (std::size_t lane = 0; lane < F::kLanes; ++lane) {
    for (std::size_t j = 0; j < 4; ++j) by_word[j][lane] = words[lane][j];
  }
  for (std::size_t j = 0; j < 4; ++j) std::memcpy(&w[j], by_word[j], sizeof w[j]);
}

/// The inverse of load_words.
template <class F>
ISTHMUS_LANES_INLINE void store_words(const typename F::Vector* w, Words256* words) noexcept {
  alignas(64) std::uint64_t by_word[4][F::kLanes];
  for (std::size_t j = 0; j < 4; ++j) std::memcpy(by_word[j], &w[j], sizeof w[j]);
  for (std::size_t lane = 0; lane < F::kLanes; ++lane) {
    for (std::size_t j = 0; j < 4; ++j) words[lane][j] = by_word[j][lane];
  }
}

}  // namespace
}  // namespace isthmus::weierstrass
