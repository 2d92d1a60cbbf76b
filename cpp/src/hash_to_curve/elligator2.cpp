#include "elligator2.hpp"

#include "isthmus/curve/elligator2.hpp"

namespace isthmus::elligator2 {
namespace {

using Point = edwards25519::Point<Fp25519>;

Point image(const std::uint8_t* uniform) { return map_to_edwards(field_elements<Fp25519>(uniform, 0, 1)); }

Point nonuniform_point(const std::uint8_t* uniform) { return clear_cofactor(image(uniform)); }

Point random_oracle_point(const std::uint8_t* uniform) {
  const Point q1 = image(uniform + kFieldElementBytes);
  return clear_cofactor(edwards25519::add(image(uniform), edwards25519::cache(q1)));
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
void curve25519_nu(const std::uint8_t* uniform, std::size_t n, std::uint8_t* out) {
  map_tile<kFieldElementBytes>(uniform, n, out, &nonuniform_point, &write_montgomery);
}

}  // namespace isthmus::elligator2
