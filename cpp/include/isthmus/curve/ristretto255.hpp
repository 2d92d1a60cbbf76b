#pragma once
// ristretto255 (RFC 9496): the prime-order group built on edwards25519.

#include "isthmus/curve/group.hpp"

namespace isthmus::ristretto255 {

inline constexpr std::size_t kElementBytes = 32;
inline constexpr std::size_t kScalarBytes = 32;
inline constexpr std::size_t kUniformBytes = 64;

/// The group; one object for the whole process.
const Group& group() noexcept;

/// out[i] = the one-way map of uniform[i] (RFC 9496, section 4.3.4).
/// Shapes    uniform[n * 64], out[n * 32]. One thread: callers run tiles in parallel.
/// Timing    Constant in `uniform`.
void map(const std::uint8_t* uniform, std::size_t n, std::uint8_t* out);

/// out[i] = scalar * map(uniform[i]), without the encoding and decoding in between.
/// Shapes    scalar[32] canonical; as map().
/// Timing    Constant in `scalar` and `uniform`.
void map_mult(const std::uint8_t* scalar, const std::uint8_t* uniform, std::size_t n, std::uint8_t* out);

/// As map_mult(), with a scalar for every row: scalars[n * 32].
void map_mult_each(const std::uint8_t* scalars, const std::uint8_t* uniform, std::size_t n,
                   std::uint8_t* out);

}  // namespace isthmus::ristretto255
