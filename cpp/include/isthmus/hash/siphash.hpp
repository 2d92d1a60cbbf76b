#pragma once
// SipHash-2-4: a short keyed hash for tables whose keys another party may have chosen.

#include <array>
#include <cstdint>

#include "isthmus/core/bytes.hpp"

namespace isthmus {

using SipKey = std::array<std::uint64_t, 2>;

/// The 64-bit SipHash-2-4 of `data`.
/// Ref       Aumasson, Bernstein, "SipHash: a fast short-input PRF" (INDOCRYPT 2012).
std::uint64_t siphash24(const SipKey& key, ByteSpan data) noexcept;

}  // namespace isthmus
