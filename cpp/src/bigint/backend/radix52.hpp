#pragma once
// What the vector backends share: 52-bit digits, the width of the multipliers they build on.
//
// Everything here is internal to the file that includes it: a copy compiled for a newer CPU must never be
// the one that other files are linked with.

#include <cstddef>

#include "kernels.hpp"

namespace isthmus::bigint {
namespace {

constexpr unsigned kDigitBits = 52;
constexpr Limb kDigitMask = (Limb{1} << kDigitBits) - 1;

/// Fewest digits with R = 2^(52 * digits) >= 4m. A backend may round up to a count it likes better.
constexpr std::size_t fewest_digits(std::size_t modulus_bits) {
  return (modulus_bits + 2 + kDigitBits - 1) / kDigitBits;
}

}  // namespace
}  // namespace isthmus::bigint
