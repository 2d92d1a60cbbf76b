#pragma once
// Arithmetic modulo m^2 for an odd m, in m-adic pairs.
//
// The element of x is the pair (X0, X1), 0 <= X0, X1 < m, with X0 + X1*m = x*R mod m^2: the base-m digits of
// the Montgomery form of x. With X0*Y0 = R*t - q*m, the reduction's own quotient q carries into the high digit:
//   Z0 = t mod m,   Z1 = (X0*Y1 + X1*Y0 - q) / R + [t >= m]   (mod m),
// so a product costs 5k^2 word products where a Montgomery product modulo m^2 costs 8k^2. Elements are canonical:
// equal residues have equal words. An element is stride() opaque words, one run; store bytes, not elements.

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "isthmus/bigint/modulus.hpp"

namespace isthmus::bigint {

/// The square of an odd modulus m of at most 4096 bits. Immutable and safe to share between threads.
/// Timing    Constant in every value, m included, but for its length; `_vartime` functions excepted.
class SquareModulus {
 public:
  explicit SquareModulus(const Natural& m);

  const Modulus& root() const noexcept { return root_; }  // arithmetic modulo m itself
  const Natural& value() const noexcept { return value_; }  // m^2
  /// Words per element.
  std::size_t stride() const noexcept { return 2 * root_.stride(); }
  /// Bytes of a canonical residue: those of m, twice.
  std::size_t residue_bytes() const noexcept { return residue_bytes_; }

  void set_one(Limb* out) const noexcept;
  bool is_one(const Limb* a) const noexcept;
  bool equal(const Limb* a, const Limb* b) const noexcept;

  /// out = a * b; out may be a or b.
  void mul(Limb* out, const Limb* a, const Limb* b) const noexcept;
  void sqr(Limb* out, const Limb* a) const noexcept;
  /// All tasks, which must be independent of one another; a vector backend fills its lanes from them, so hand it
  /// as many as there are.
  void mul(std::span<const MulTask> tasks) const noexcept;
  void sqr(std::span<const MulTask> tasks) const noexcept;

  /// out = a * (1 + m*plaintext), for `plaintext` below m as an element of root().
  void mul_one_plus(Limb* out, const Limb* a, const Limb* plaintext) const noexcept;
  /// For a = 1 + m*L: out = L as an element of root() (the function L of Paillier's decryption).
  void log_one_plus(Limb* out, const Limb* a) const noexcept;

  /// out = base^exponent for a secret exponent of at most exponent_bits bits.
  void pow(Limb* out, const Limb* base, LimbSpan exponent, std::size_t exponent_bits) const;
  /// out = base^exponent for a public exponent.
  void pow_vartime(Limb* out, const Limb* base, LimbSpan exponent) const;

  /// Inverts `count` elements with one inversion modulo m and three products each.
  /// Throws    CiphertextNotUnit with the row of the first element that shares a factor with m; out is then
  ///           unspecified.
  void invert(Limb* out, const Limb* in, std::size_t count) const;
  /// The first row whose element shares a factor with m, or count when all are units.
  std::size_t find_non_unit(const Limb* in, std::size_t count) const;

  /// out = the element of the big-endian residue.
  /// Throws    InvalidArgument when it is not below m^2.
  void import_bytes(Limb* out, ByteSpan big_endian) const;
  void export_bytes(MutableByteSpan big_endian, const Limb* element) const;
  void import_value(Limb* out, const Natural& value) const;
  Natural export_value(const Limb* element) const;

 private:
  Modulus root_;
  Natural value_;
  std::size_t residue_bytes_;
  AlignedLimbs one_, r2_, r3_;  // elements whose pairs spell R, R^2 and R^3 modulo m^2
};

/// Powers of one base, for exponents of up to exponent_bits bits.
/// base^e = prod_i T[i][digit_i(e)], T[i][j] = base^(j * 2^(w*i)): ceil(exponent_bits / w) short products.
/// A row is kept as y0 * (1 + m*u), so that a step multiplies by the one digit y0 and adds u: 4k^2, not 5k^2.
/// Memory    ceil(exponent_bits / w) * 2^w elements: at w = 8, 21 MB for 2048-bit m and 1024-bit exponents.
/// Timing    Reads rows by the exponent's digits: a local observer of the cache could learn the exponent, so
///           use it where the exponent's owner is alone on the machine with it (docs/security.md). The
///           values of base and m do not affect time.
class FixedBaseTable {
 public:
  FixedBaseTable(const SquareModulus& modulus, const Limb* base, std::size_t exponent_bits, unsigned window = 8);

  void pow_vartime(Limb* out, LimbSpan exponent) const;
  std::size_t exponent_bits() const noexcept { return exponent_bits_; }
  std::size_t memory_bytes() const noexcept { return rows_.size() * sizeof(Limb); }

 private:
  const SquareModulus* modulus_;
  std::size_t exponent_bits_;
  unsigned window_;
  AlignedLimbs rows_;
};

}  // namespace isthmus::bigint
