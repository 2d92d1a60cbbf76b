#pragma once
// Arithmetic modulo m^2 for an odd m, in m-adic pairs.
//
// The element of x is the pair (X0, X1), 0 <= X0, X1 < m, with X0 + X1*m = x*R mod m^2: the base-m digits of
// the Montgomery form of x. With X0*Y0 = R*t - q*m, the reduction's own quotient q carries into the high
// digit:
//   Z0 = t mod m,   Z1 = (X0*Y1 + X1*Y0 - q) / R + [t >= m]   (mod m),
// so a product costs 5k^2 word products where a Montgomery product modulo m^2 costs 8k^2. Elements are
// canonical: equal residues have equal words. An element is stride() opaque words, one run; store bytes, not
// elements.

#include <cstddef>
#include <span>

#include "isthmus/bigint/modulus.hpp"

namespace isthmus::bigint {

/// The square of an odd modulus m of at most 4096 bits. Immutable and safe to share between threads.
/// Timing    Constant in every value, m included, but for its length; `_vartime` functions excepted.
class SquareModulus {
 public:
  explicit SquareModulus(const Natural& m);

  const Modulus& root() const noexcept { return root_; }    // arithmetic modulo m itself
  const Natural& value() const noexcept { return value_; }  // m^2
  /// Words per element.
  std::size_t stride() const noexcept { return 2 * root_.stride(); }
  /// Bytes of a canonical residue: those of m, twice.
  std::size_t residue_bytes() const noexcept { return residue_bytes_; }

  void set_one(Limb* out) const noexcept;
  /// All ones when a = b, else zero.
  Limb equal_mask(const Limb* a, const Limb* b) const noexcept;
  bool equal(const Limb* a, const Limb* b) const noexcept { return equal_mask(a, b) != 0; }

  /// out = a * b; out may be a or b.
  void mul(Limb* out, const Limb* a, const Limb* b) const noexcept;
  void sqr(Limb* out, const Limb* a) const noexcept;
  /// All tasks, which must be independent of one another; a vector backend fills its lanes from them, so hand
  /// it as many as there are.
  void mul(std::span<const MulTask> tasks) const noexcept;
  void sqr(std::span<const MulTask> tasks) const noexcept;

  void add(Limb* out, const Limb* a, const Limb* b) const noexcept;
  void sub(Limb* out, const Limb* a, const Limb* b) const noexcept;
  /// Products with a pair whose high digit is zero: b is the one digit b0. 4k^2 word products.
  void mul_digit(std::span<const MulTask> tasks) const noexcept;

  /// out = a * (1 + m*plaintext), for `plaintext` below m as an element of root().
  void mul_one_plus(Limb* out, const Limb* a, const Limb* plaintext) const;
  /// All tasks: out = a * (1 + m*b).
  void mul_one_plus(std::span<const MulTask> tasks) const;
  /// For a = 1 + m*L: out = L as an element of root() (the function L of Paillier's decryption). Returns all
  /// ones, or zero when a is not of that form.
  Limb log_one_plus(Limb* out, const Limb* a) const noexcept;

  /// out[i] = base[i]^exponent for `count` elements and one secret exponent of at most exponent_bits bits:
  /// fixed windows, whole-table scans.
  void pow(Limb* out, const Limb* base, std::size_t count, LimbSpan exponent,
           std::size_t exponent_bits) const;
  /// out = base^exponent for a public exponent.
  void pow_vartime(Limb* out, const Limb* base, LimbSpan exponent) const;
  /// out[i] = base[i]^exponent[i] for `count` elements and public exponents, equally long runs of
  /// `exponents`. out may be base.
  void pow_vartime(Limb* out, const Limb* base, std::size_t count, LimbSpan exponents) const;

  /// Inverts `count` elements with three products each and one inversion modulo m per block of them. out may
  /// not overlap in.
  /// Threads   parallel_for over blocks.
  /// Throws    CiphertextNotUnit with the row of the first element that shares a factor with m; out is then
  ///           unspecified.
  void invert(Limb* out, const Limb* in, std::size_t count) const;
  /// The first row whose element shares a factor with m, or count when all are units.
  std::size_t find_non_unit(const Limb* in, std::size_t count) const;

  /// 64-bit limbs of a residue: those of m, twice.
  std::size_t limbs() const noexcept { return 2 * root_.limbs(); }

  /// out = the element of value mod m^2, for a value of any length up to five times that of m. Its first
  /// root().stride() words alone are the element of value mod m in root().
  void import_limbs(Limb* out, LimbSpan value) const;
  void import_value(Limb* out, const Natural& value) const { import_limbs(out, value.limbs()); }
  /// The same for `count` values, equally long runs of `values`.
  void import_rows(Limb* out, LimbSpan values, std::size_t count) const;
  /// Writes limbs() limbs.
  void export_limbs(MutableLimbSpan out, const Limb* element) const;
  /// Writes limbs() limbs for each of `count` elements.
  void export_rows(MutableLimbSpan out, const Limb* elements, std::size_t count) const;
  Natural export_value(const Limb* element) const;

 private:
  bool invert_one(Limb* out, const Limb* in) const;
  bool invert_block(Limb* out, const Limb* in, std::size_t count) const;

  Modulus root_;
  Natural value_;
  std::size_t residue_bytes_;
  AlignedLimbs r_powers_;  // pairs that spell R, R^2, ..., R^6 modulo m^2: elements of 1, R, ..., R^5
};

}  // namespace isthmus::bigint
