#pragma once
// Arithmetic modulo an odd m in Montgomery form.
//
// Elements are opaque runs of stride() words in the active backend's own radix; only import_value and
// export_value know it. Never mix elements of two Modulus objects, and never store elements: store bytes.

#include <cstddef>
#include <memory>
#include <span>

#include "isthmus/bigint/natural.hpp"

namespace isthmus::bigint {

struct DigitContext;  // the modulus in the kernel's radix, with its Montgomery constants
struct KernelTable;   // one backend's functions for one digit count (cpp/src/bigint/backend)

using AlignedLimbs = SecretVector<Limb>;  // 64-byte aligned, zeroised

/// One product of a batch: out = a * b. out may be a or b; a squaring ignores b.
struct MulTask {
  Limb* out;
  const Limb* a;
  const Limb* b;
};

/// An odd modulus of 2 to 8192 bits. Immutable and safe to share between threads.
/// Timing    Constant in every value, the modulus included, but for its length; `_vartime` functions
/// excepted.
class Modulus {
 public:
  /// Throws    InvalidArgument when m is even, below 3 or longer than 8192 bits.
  explicit Modulus(const Natural& m);
  ~Modulus();
  Modulus(Modulus&&) noexcept;
  Modulus& operator=(Modulus&&) noexcept;

  const Natural& value() const noexcept { return value_; }
  /// Words per element.
  std::size_t stride() const noexcept;

  /// 64-bit limbs of m.
  std::size_t limbs() const noexcept { return value_.limbs().size(); }

  /// out = the element of `value`, which must be below m.
  void import_limbs(Limb* out, LimbSpan value) const noexcept;
  void import_value(Limb* out, const Natural& value) const noexcept { import_limbs(out, value.limbs()); }
  /// The same for `count` values, equally long runs of `values`.
  void import_rows(Limb* out, LimbSpan values, std::size_t count) const;
  /// Writes limbs() limbs, zero-padded to the span.
  void export_limbs(MutableLimbSpan out, const Limb* element) const noexcept;
  /// Writes limbs() limbs for each of `count` elements.
  void export_rows(MutableLimbSpan out, const Limb* elements, std::size_t count) const;
  Natural export_value(const Limb* element) const;
  void set_one(Limb* out) const noexcept;
  /// The element of R, for a Montgomery form x * R of x.
  const Limb* r() const noexcept { return r2_.data(); }

  void mul(Limb* out, const Limb* a, const Limb* b) const noexcept;
  void mul(std::span<const MulTask> tasks) const noexcept;
  void sqr(std::span<const MulTask> tasks) const noexcept;
  void add(Limb* out, const Limb* a, const Limb* b) const noexcept;
  void sub(Limb* out, const Limb* a, const Limb* b) const noexcept;
  bool equal(const Limb* a, const Limb* b) const noexcept;

  /// out = base^exponent for a secret exponent of at most exponent_bits bits: fixed windows, whole-table
  /// scans.
  void pow(Limb* out, const Limb* base, LimbSpan exponent, std::size_t exponent_bits) const;

  /// For the layers above that share the modulus in the backend's form.
  const DigitContext& digits() const noexcept { return *digits_; }

 private:
  Natural value_;
  std::unique_ptr<const DigitContext> digits_;
  AlignedLimbs one_, r2_;
};

/// base^exponent mod m for odd m, constant time in base and exponent but for their lengths.
Natural mod_exp(const Natural& base, const Natural& exponent, const Natural& m);

}  // namespace isthmus::bigint
