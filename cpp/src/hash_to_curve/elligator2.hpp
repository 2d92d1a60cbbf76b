#pragma once
// The tile functions of the edwards25519 and curve25519 suites (Elligator 2) that give affine points.

#include <cstddef>
#include <cstdint>

namespace isthmus::elligator2 {

inline constexpr std::size_t kAffineBytes = 64;  // two coordinates, little-endian

// uniform[n * 96] (random oracle) or [n * 48] (non-uniform) to affine points out[n * 64].
void edwards25519_ro(const std::uint8_t* uniform, std::size_t n, std::uint8_t* out);
void edwards25519_nu(const std::uint8_t* uniform, std::size_t n, std::uint8_t* out);
void curve25519_nu(const std::uint8_t* uniform, std::size_t n, std::uint8_t* out);

}  // namespace isthmus::elligator2
