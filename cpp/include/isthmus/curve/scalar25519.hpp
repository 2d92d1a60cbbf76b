#pragma once
// Integers modulo L = 2^252 + 27742317777372353535851937790883648493, the order of the prime-order group.
// Constant time; values are 32 little-endian bytes below L.

#include <array>
#include <cstdint>

#include "isthmus/core/bytes.hpp"

namespace isthmus::scalar25519 {

inline constexpr std::size_t kBytes = 32;
using Bytes = std::array<std::uint8_t, kBytes>;

/// The 512-bit little-endian integer in[64] modulo L.
void reduce_wide(const std::uint8_t* in, std::uint8_t* out) noexcept;

/// a b mod L.
void mul(const std::uint8_t* a, const std::uint8_t* b, std::uint8_t* out) noexcept;

/// a - b c mod L.
void subtract_product(const std::uint8_t* a, const std::uint8_t* b, const std::uint8_t* c,
                      std::uint8_t* out) noexcept;

/// 1/a mod L, and 0 for 0, as a^(L-2).
void invert(const std::uint8_t* a, std::uint8_t* out) noexcept;

/// a/2 mod L.
void halve(const std::uint8_t* a, std::uint8_t* out) noexcept;

/// True when in[32] is below L. The answer may be public; the time does not depend on `in`.
bool is_canonical(const std::uint8_t* in) noexcept;

}  // namespace isthmus::scalar25519
