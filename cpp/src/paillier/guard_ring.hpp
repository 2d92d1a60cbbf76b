#pragma once
// The integers modulo t^2 for a small prime t, which watch over an exponentiation modulo (p*t)^2.

#include <bit>
#include <cstdint>

#include "isthmus/bigint/natural.hpp"
#include "isthmus/core/secret.hpp"

namespace isthmus::paillier {

/// t: the largest prime below 2^22. A random fault escapes with probability t^-2 < 2^-43. The spare bits of
/// the digits of p hold it, so that it costs no digit at the usual key sizes.
inline constexpr std::uint64_t kGuardPrime = 4194301;

/// Arithmetic modulo t^2, in constant time.
class GuardRing {
 public:
  /// value mod t^2, times a fixed constant: the Montgomery form, so that equal results mean equal residues.
  static std::uint64_t reduce(bigint::LimbSpan value) noexcept {
    // Limb by limb, h <- (h + limb) / 2^64 gives value / 2^(64 * limbs); the power is put back afterwards.
    std::uint64_t h = 0;
    for (const std::uint64_t limb : value) h = redc(Wide{h} + limb);
    return mul(mul(h, power_of_r(value.size())), kR2);
  }

  /// base^exponent for an exponent below 2^45.
  static std::uint64_t pow(std::uint64_t base, std::uint64_t exponent) noexcept {
    std::uint64_t out = kR;
    for (int bit = 44; bit >= 0; --bit) {
      out = mul(out, out);
      out = ct_select(ct_mask(exponent >> bit & 1), mul(out, base), out);
    }
    return out;
  }

  /// exponent mod phi(t^2), plus phi(t^2) so that multiples of t, too, vanish as they should.
  static std::uint64_t reduce_exponent(const bigint::Natural& exponent) {
    const bigint::Natural phi(kGuardPrime * (kGuardPrime - 1));
    return bigint::remainder(exponent, phi).limb(0) + phi.limb(0);
  }

 private:
  using Wide = unsigned __int128;
  static constexpr std::uint64_t kT2 = kGuardPrime * kGuardPrime;
  static constexpr std::uint64_t kR = static_cast<std::uint64_t>((Wide{1} << 64) % kT2);
  static constexpr std::uint64_t kR2 = static_cast<std::uint64_t>(Wide{kR} * kR % kT2);
  static constexpr std::uint64_t kNegInverse = [] {
    std::uint64_t x = kT2;
    for (int i = 0; i < 5; ++i) x *= 2 - kT2 * x;
    return 0 - x;
  }();

  // The Montgomery form of 2^(64 * n).
  static std::uint64_t power_of_r(std::size_t n) noexcept {
    std::uint64_t power = kR;
    for (int bit = std::bit_width(n); bit-- > 0;) {
      power = mul(power, power);
      if ((n >> bit & 1) != 0) power = mul(power, kR2);
    }
    return power;
  }

  // x / 2^64 mod t^2, reduced, for x < 2^64 * t^2.
  static std::uint64_t redc(Wide x) noexcept {
    const std::uint64_t q = static_cast<std::uint64_t>(x) * kNegInverse;
    const Wide multiple = Wide{q} * kT2;
    const std::uint64_t carry = static_cast<std::uint64_t>(x) != 0 ? 1 : 0;
    const std::uint64_t sum =
        static_cast<std::uint64_t>(x >> 64) + static_cast<std::uint64_t>(multiple >> 64) + carry;
    const std::uint64_t reduced = sum - kT2;
    return ct_select(ct_mask(reduced >> 63), sum, reduced);
  }
  static std::uint64_t mul(std::uint64_t a, std::uint64_t b) noexcept { return redc(Wide{a} * b); }
};

}  // namespace isthmus::paillier
