#include "elligator2.hpp"

#include <algorithm>
#include <array>

#include "isthmus/curve/edwards25519.hpp"

namespace isthmus::elligator2 {
namespace {

using edwards25519::add;
using edwards25519::cache;
using edwards25519::twice;
using Point = edwards25519::Point<Fp25519>;

constexpr Fp25519 kJ = Fp25519::from_words({486662, 0, 0, 0});  // v^2 = u^3 + J u^2 + u
// The non-negative square root of -486664 = -(J + 2): the factor of the birational map, RFC 9380, appendix
// D.1.
constexpr Fp25519 kMapFactor =
    Fp25519::from_words({0xcc6e04aaff457e06, 0xc5a1d3d14b7d1a82, 0xd27b08dc03fc4f7e, 0x0f26edf460a006bb});
// 1 - i, a square root of -2i, where i is kSqrtMinusOne.
constexpr Fp25519 kOneMinusI =
    Fp25519::from_words({0x3b11e4d8b5f15f3e, 0xd0bce7f952d01b87, 0xd4b2ff66c2042858, 0x547cdb7fb03e20f4});

// A 48-byte big-endian integer modulo p (hash_to_field, RFC 9380, section 5.2).
Fp25519 field_element(const std::uint8_t* bytes) {
  std::array<std::uint8_t, 64> little{};
  std::reverse_copy(bytes, bytes + kFieldElementBytes, little.begin());
  const Fp25519 top_bit = Fp25519::from_words({static_cast<std::uint64_t>(little[31] >> 7), 0, 0, 0});
  const Fp25519 high = Fp25519::from_bytes(little.data() + 32);  // times 2^256, which is 38
  const Fp25519 nineteen = Fp25519::from_words({19, 0, 0, 0});
  return carry(Fp25519::from_bytes(little.data()) + top_bit * nineteen + high * (nineteen + nineteen));
}

// map_to_curve_elligator2 for curve25519 (section 6.7.1 with Z = 2), then its image on edwards25519
// (section 6.8.2). The candidates for u are n/d = -J/(1 + 2r^2) and 2r^2 n/d; d is never zero because -1/2 is
// not a square. When g(n/d) is not a square, root^2 = i g(n/d), so the other candidate's g, 2r^2 g(n/d), has
// the root r root (1 - i).
Point map_to_edwards(const Fp25519& r) {
  const Fp25519 one = Fp25519::one();
  const Fp25519 rr = square(r);
  const Fp25519 two_rr = carry(rr + rr);
  const Fp25519 d = carry(one + two_rr);
  const Fp25519 n1 = carry(-kJ);
  const Fp25519 dd = square(d);
  const Fp25519 g = n1 * carry(carry(square(n1) + kJ * (n1 * d)) + dd);  // d^3 g(n1/d)
  const auto [first, root] = sqrt_ratio_m1(g, dd * d);
  // sgn0(v) is 1 for the first candidate and 0 for the second; `root` has sgn0 0.
  const Fp25519 v = ct_select(first, carry(-root), absolute(r * root * kOneMinusI));
  const Fp25519 n = ct_select(first, n1, n1 * two_rr);
  // x = factor u/v, y = (u - 1)/(u + 1) with u = n/d; the exceptional points go to the identity.
  const Fp25519 plus = n + d;
  const Fp25519 minus = n - d;
  const Fp25519 dv = d * v;
  const Fp25519 factor_n = kMapFactor * n;
  const Point image = {factor_n * plus, minus * dv, dv * plus, factor_n * minus};
  const auto exceptional = is_zero(image.z);
  const Point neutral = Point::identity();
  return {ct_select(exceptional, neutral.x, image.x), ct_select(exceptional, neutral.y, image.y),
          ct_select(exceptional, neutral.z, image.z), ct_select(exceptional, neutral.t, image.t)};
}

Point clear_cofactor(const Point& p) { return twice(twice(twice(p))); }

Point nonuniform_point(const std::uint8_t* uniform) {
  return clear_cofactor(map_to_edwards(field_element(uniform)));
}

Point random_oracle_point(const std::uint8_t* uniform) {
  const Point q0 = map_to_edwards(field_element(uniform));
  const Point q1 = map_to_edwards(field_element(uniform + kFieldElementBytes));
  return clear_cofactor(add(q0, cache(q1)));
}

void write_edwards(const Point& p, std::uint8_t* out) {
  const Fp25519 z_inverse = invert(p.z);
  (p.x * z_inverse).to_bytes(out);
  (p.y * z_inverse).to_bytes(out + 32);
}

// The inverse of the birational map: u = (1 + y)/(1 - y), v = factor u/x. The identity, which has no affine
// image, gives (0, 0).
void write_montgomery(const Point& p, std::uint8_t* out) {
  const Fp25519 plus = p.z + p.y;
  const Fp25519 minus = p.z - p.y;
  const Fp25519 inverse = invert(minus * p.x);
  (plus * p.x * inverse).to_bytes(out);
  (kMapFactor * plus * p.z * inverse).to_bytes(out + 32);
}

template <std::size_t kUniformBytes>
void map_tile(const std::uint8_t* uniform, std::size_t n, std::uint8_t* out,
              Point (*point)(const std::uint8_t*), void (*write)(const Point&, std::uint8_t*)) {
  for (std::size_t i = 0; i < n; ++i) write(point(uniform + i * kUniformBytes), out + i * kAffineBytes);
}

}  // namespace

void edwards25519_ro(const std::uint8_t* uniform, std::size_t n, std::uint8_t* out) {
  map_tile<2 * kFieldElementBytes>(uniform, n, out, &random_oracle_point, &write_edwards);
}
void edwards25519_nu(const std::uint8_t* uniform, std::size_t n, std::uint8_t* out) {
  map_tile<kFieldElementBytes>(uniform, n, out, &nonuniform_point, &write_edwards);
}
void curve25519_ro(const std::uint8_t* uniform, std::size_t n, std::uint8_t* out) {
  map_tile<2 * kFieldElementBytes>(uniform, n, out, &random_oracle_point, &write_montgomery);
}
void curve25519_nu(const std::uint8_t* uniform, std::size_t n, std::uint8_t* out) {
  map_tile<kFieldElementBytes>(uniform, n, out, &nonuniform_point, &write_montgomery);
}

}  // namespace isthmus::elligator2
