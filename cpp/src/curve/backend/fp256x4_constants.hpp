#pragma once
// Bit patterns, limbs of constants, and the two primes of fp256x4.hpp. For *avx2.cpp only; everything has
// internal linkage.

#include "fp256_lanes.hpp"

namespace isthmus::weierstrass {
namespace {

constexpr std::uint64_t kMask51 = (std::uint64_t{1} << 51) - 1;
constexpr std::uint64_t kHalf = std::uint64_t{1} << 50;
constexpr std::uint64_t kLift = std::uint64_t{1} << 62;
constexpr std::uint64_t kPassed = kLift >> 51;  // what a lifted column passes on beyond its carry
// The bit patterns of 2^52, 1.5 * 2^52 and C.
constexpr std::uint64_t kTwo52Pattern = std::uint64_t{1023 + 52} << 52;
constexpr std::uint64_t kIntegerPattern = kTwo52Pattern | (std::uint64_t{1} << 51);
constexpr std::uint64_t kHighPattern = (std::uint64_t{1023 + 103} << 52) | (std::uint64_t{1} << 51);

using Vector4 = std::uint64_t __attribute__((vector_size(32)));
using Limbs51 = std::array<std::uint64_t, 5>;
using Columns = std::array<std::uint64_t, 10>;

constexpr Limbs51 split51(const Words256& w) noexcept {
  return {w[0] & kMask51, ((w[0] >> 51) | (w[1] << 13)) & kMask51, ((w[1] >> 38) | (w[2] << 26)) & kMask51,
          ((w[2] >> 25) | (w[3] << 39)) & kMask51, w[3] >> 12};
}

// The limbs of a or a - p, whichever is nearer to zero; lower ones within 2^50.
constexpr std::array<double, 5> balanced_limbs(const Words256& a, const Words256& p) noexcept {
  Words256 opposite{}, unused{};
  fp256::subtract(p, a, opposite);
  const bool negative = fp256::subtract(opposite, a, unused) == 1;
  Limbs51 limbs = split51(negative ? opposite : a);
  std::array<double, 5> r{};
  for (std::size_t i = 0; i < 5; ++i) {
    const bool above = i < 4 && limbs[i] > kHalf;
    if (above) ++limbs[i + 1];
    const double limb = static_cast<double>(limbs[i]) - (above ? 0x1p51 : 0);
    r[i] = negative ? -limb : limb;
  }
  return r;
}

// factor_a * a + factor_b * b modulo 2^64, entry by entry.
template <std::size_t n>
constexpr std::array<std::uint64_t, n> combine(std::int64_t factor_a, const std::array<std::uint64_t, n>& a,
                                               std::int64_t factor_b,
                                               const std::array<std::uint64_t, n>& b) noexcept {
  std::array<std::uint64_t, n> r{};
  for (std::size_t i = 0; i < n; ++i) {
    r[i] = static_cast<std::uint64_t>(factor_a) * a[i] + static_cast<std::uint64_t>(factor_b) * b[i];
  }
  return r;
}

// sign 2^bits in limb `limb`.
struct Power {
  std::size_t limb;
  int bits;
  int sign;
};
using Powers = std::array<Power, 4>;

// c += a times the sum of the powers. Split: what reaches 2^51 goes to the next limb, but for twice a.
template <const Powers& kPowers, bool kSplit, std::size_t i = 0>
ISTHMUS_LANES_INLINE void add_multiple(Vector4* c, Vector4 a) noexcept {
  constexpr Power kPower = kPowers[i];
  if constexpr (kSplit && kPower.bits > 1) {
    const Vector4 low = (a << kPower.bits) & kMask51, high = a >> (51 - kPower.bits);
    c[kPower.limb] = kPower.sign > 0 ? c[kPower.limb] + low : c[kPower.limb] - low;
    c[kPower.limb + 1] = kPower.sign > 0 ? c[kPower.limb + 1] + high : c[kPower.limb + 1] - high;
  } else {
    const Vector4 shifted = kPower.bits == 0 ? a : a << kPower.bits;
    c[kPower.limb] = kPower.sign > 0 ? c[kPower.limb] + shifted : c[kPower.limb] - shifted;
  }
  if constexpr (i + 1 < kPowers.size()) add_multiple<kPowers, kSplit, i + 1>(c, a);
}

template <class Curve>
struct Prime;

template <>
struct Prime<P256> {
  // (p + 1) / 2^51 = 2^205 - 2^173 + 2^141 + 2^45.
  static constexpr Powers kFactor = {{{0, 45, 1}, {2, 39, 1}, {3, 20, -1}, {4, 1, 1}}};
  // 2^256 - p = 2^224 - 2^192 - 2^96 + 1.
  static constexpr Powers kComplement = {{{0, 0, 1}, {1, 45, -1}, {3, 39, -1}, {4, 20, 1}}};
};

template <>
struct Prime<Sm2> {
  // (p + 1) / 2^51 = 2^205 - 2^173 - 2^45 + 2^13.
  static constexpr Powers kFactor = {{{0, 13, 1}, {0, 45, -1}, {3, 20, -1}, {4, 1, 1}}};
  // 2^256 - p = 2^224 + 2^96 - 2^64 + 1.
  static constexpr Powers kComplement = {{{0, 0, 1}, {1, 13, -1}, {1, 45, 1}, {4, 20, 1}}};
};

}  // namespace
}  // namespace isthmus::weierstrass
