#pragma once
// The contract of a bigint backend: how it lays an odd modulus out in digits, and its products.

#include <array>
#include <cstddef>
#include <span>

#include "isthmus/bigint/modulus.hpp"

namespace isthmus::bigint {

inline constexpr std::size_t kMaxDigits = 160;  // of any backend, at 8192 bits
using DigitScratch = std::array<Limb, kMaxDigits>;

/// How a backend spells integers below R = 2^(width * count): `count` digits of `width` bits, one per word.
struct DigitLayout {
  std::size_t count;
  unsigned width;
};

/// One modulus m in a backend's digits. R >= 4m, so that sums of two reduced values never leave the digits.
struct DigitContext {
  const KernelTable* kernels;
  DigitLayout layout;
  Limb mask;         // 2^width - 1
  Limb neg_inverse;  // -1/m mod 2^width
  AlignedLimbs m;    // layout.count digits

  DigitContext(const Natural& modulus, const KernelTable& table);
};

/// Products on single elements ("mod", modulo m) and pairs ("pair", modulo m^2). Inputs and outputs are
/// reduced; `out` may alias an input; tasks of one call are independent. Time depends on the layout only.
struct KernelTable {
  DigitLayout (*layout)(std::size_t modulus_bits);
  void (*mod_mul)(const DigitContext& c, std::span<const MulTask> tasks);
  void (*mod_sqr)(const DigitContext& c, std::span<const MulTask> tasks);
  void (*pair_mul)(const DigitContext& c, std::span<const MulTask> tasks);
  void (*pair_sqr)(const DigitContext& c, std::span<const MulTask> tasks);
  /// b is a single element b0 < R (it need not be below m), standing for the pair (b0, 0).
  void (*pair_mul_digit)(const DigitContext& c, std::span<const MulTask> tasks);
};

extern const KernelTable kPortableKernels;

/// The table of active_backend().
const KernelTable& active_kernels();

}  // namespace isthmus::bigint
