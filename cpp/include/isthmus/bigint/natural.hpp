#pragma once
// Non-negative integers of any length, for key generation, key checks and conversions. Hot arithmetic lives
// in modulus.hpp and square_modulus.hpp.

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "isthmus/core/bytes.hpp"
#include "isthmus/core/secret.hpp"

namespace isthmus::bigint {

using Limb = std::uint64_t;
using LimbSpan = std::span<const Limb>;
using MutableLimbSpan = std::span<Limb>;

/// a += b over b.size() limbs, the carry running on to the end of a. Requires a.size() >= b.size().
/// Timing    Constant but for the lengths. Returns the carry out of a.
Limb add_limbs(MutableLimbSpan a, LimbSpan b) noexcept;
/// out = a * b. Requires out.size() == a.size() + b.size().
/// Timing    Constant but for the lengths.
void multiply_limbs(MutableLimbSpan out, LimbSpan a, LimbSpan b) noexcept;
/// The integer that `big_endian` spells; limbs beyond it are zero. Requires 8 * out.size() >=
/// big_endian.size().
void limbs_from_bytes(MutableLimbSpan out, ByteSpan big_endian) noexcept;
/// The low bytes of the integer, big-endian, zero-padded.
void limbs_to_bytes(MutableByteSpan big_endian, LimbSpan limbs) noexcept;

/// A non-negative integer: 64-bit limbs, least significant first, no leading zero limb; zero has no limb.
/// Memory is zeroised when released. Time depends on the lengths of the operands, and in functions that end
/// in
/// `_vartime` on their values.
class Natural {
 public:
  Natural() = default;
  explicit Natural(Limb value);
  explicit Natural(LimbSpan limbs);

  /// The integer that `big_endian` spells; leading zero bytes are accepted.
  static Natural from_bytes(ByteSpan big_endian);
  /// 2^exponent.
  static Natural power_of_two(std::size_t exponent);
  /// Uniform in [0, 2^bits). Throws Rng.
  static Natural random_bits(std::size_t bits);
  /// Uniform in [0, bound), by rejection; bound > 0. Throws Rng.
  static Natural random_below(const Natural& bound);

  /// Writes the integer big-endian, left-padded with zeros.
  /// Throws    InvalidArgument when it does not fit.
  void to_bytes(MutableByteSpan big_endian) const;

  LimbSpan limbs() const noexcept { return limbs_; }
  /// Limb i, zero beyond the end.
  Limb limb(std::size_t i) const noexcept { return i < limbs_.size() ? limbs_[i] : 0; }
  /// Copies the limbs, zero-padded. Throws InvalidArgument when they do not fit.
  void copy_to(MutableLimbSpan out) const;
  std::size_t bit_length() const noexcept;
  bool bit(std::size_t i) const noexcept { return (limb(i / 64) >> (i % 64) & 1) != 0; }
  bool is_zero() const noexcept { return limbs_.empty(); }
  bool is_odd() const noexcept { return bit(0); }

  bool operator==(const Natural&) const noexcept = default;
  std::strong_ordering operator<=>(const Natural& other) const noexcept;

 private:
  void trim() noexcept;
  SecretVector<Limb> limbs_;
};

Natural operator+(const Natural& a, const Natural& b);
/// Throws    InvalidArgument when b > a.
Natural operator-(const Natural& a, const Natural& b);
Natural operator*(const Natural& a, const Natural& b);
Natural operator<<(const Natural& a, std::size_t bits);
Natural operator>>(const Natural& a, std::size_t bits);

struct QuotientRemainder {
  Natural quotient;
  Natural remainder;
};
/// a = quotient * b + remainder, 0 <= remainder < b. Throws InvalidArgument when b is zero.
/// Ref       Knuth, TAOCP volume 2, section 4.3.1, Algorithm D.
QuotientRemainder divide_vartime(const Natural& a, const Natural& b);

/// a mod b, without a data-dependent branch: one masked subtraction per bit of a.
Natural remainder(const Natural& a, const Natural& b);
/// gcd(a, m) for odd m, in time that depends on the lengths only.
/// Ref       Bernstein and Yang, "Fast constant-time gcd computation and modular inversion", TCHES 2019(3).
Natural gcd_odd(const Natural& a, const Natural& m);
/// a^-1 mod m for odd m > 1, or nothing when gcd(a, m) != 1; time depends on the lengths only.
std::optional<Natural> inverse(const Natural& a, const Natural& m);

/// floor(sqrt(a)) by Newton's method; for public values.
Natural square_root_vartime(const Natural& a);

}  // namespace isthmus::bigint
