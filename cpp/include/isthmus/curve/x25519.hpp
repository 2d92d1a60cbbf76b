#pragma once
// The prime-order subgroup of curve25519 up to sign: elements are u-coordinates, as in RFC 7748.
//
// A scalar k acts as the multiple 8 (k/8 mod L), which is k on the subgroup and undoes any component of small
// order. So every u of a point on the curve that is not of small order is accepted; those of the points that
// differ by one of small order stand for the same element, and multiplication by 1 gives the usual one.

#include "isthmus/curve/group.hpp"

namespace isthmus::x25519 {

inline constexpr std::size_t kElementBytes = 32;
inline constexpr std::size_t kScalarBytes = 32;
inline constexpr std::size_t kUniformBytes = 96;  // two field elements of 48 bytes

/// The group; one object for the whole process.
const Group& group() noexcept;

/// out[i] = the u-coordinate of the sum of the Elligator 2 images of uniform[i]'s two halves, times 8.
/// Shapes    uniform[n * 96], out[n * 32], n <= Group::kTile. One thread: callers run tiles in parallel.
/// Timing    Constant in `uniform`.
/// Ref       RFC 9380, sections 5.2, 6.7.1 and 8.5.
void map(const std::uint8_t* uniform, std::size_t n, std::uint8_t* out);

/// out[i] = scalar * map(uniform[i]), without the encoding and decoding in between.
/// Shapes    scalar[32] canonical; as map().
/// Timing    Constant in `scalar` and `uniform`.
void map_mult(const std::uint8_t* scalar, const std::uint8_t* uniform, std::size_t n, std::uint8_t* out);

}  // namespace isthmus::x25519
