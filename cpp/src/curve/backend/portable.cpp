// ristretto255 kernels, one element at a time.

#include <array>
#include <cstring>

#include "../ristretto255_formulas.hpp"
#include "isthmus/curve/scalar25519.hpp"
#include "kernels.hpp"

namespace isthmus::ristretto255 {
namespace {

using Element = Fp25519;
constexpr std::size_t kTile = Group::kTile;

// The points of a tile; they follow from identifiers and secret scalars.
struct Tile {
  std::array<Point<Element>, kTile> points;
  Tile() = default;
  ~Tile() { zeroise(points.data(), sizeof points); }
  Tile(const Tile&) = delete;
  Tile& operator=(const Tile&) = delete;
};

// Multiplies by half the scalar: the batched encoding doubles.
void mult_and_encode(const std::uint8_t* scalar, const Tile& tile, std::size_t n, std::uint8_t* out) {
  scalar25519::Bytes half;
  const ZeroiseGuard<scalar25519::Bytes> wipe_half(half);
  scalar25519::halve(scalar, half.data());
  const edwards25519::ScalarDigits digits(half.data());
  std::vector<DoubledEncoder<Element>, ZeroisingAllocator<DoubledEncoder<Element>>> encoders;
  encoders.reserve(n);
  std::array<Element, kTile> inverses;
  std::array<Element, kTile> scratch;
  const ZeroiseGuard<std::array<Element, kTile>> wipe_inverses(inverses);
  const ZeroiseGuard<std::array<Element, kTile>> wipe_scratch(scratch);
  for (std::size_t i = 0; i < n; ++i) {
    encoders.emplace_back(edwards25519::mult(digits, tile.points[i]));
    inverses[i] = encoders[i].to_invert();
  }
  batch_invert<Element>({inverses.data(), n}, {scratch.data(), n});
  for (std::size_t i = 0; i < n; ++i) encoders[i].encode(inverses[i]).to_bytes(out + i * kElementBytes);
}

// The sum of the maps of the two halves, each read as a field element with its top bit ignored.
Point<Element> map_uniform(const std::uint8_t* uniform) {
  const auto first = map_to_point(Element::from_bytes(uniform));
  const auto second = map_to_point(Element::from_bytes(uniform + 32));
  return edwards25519::add(first, edwards25519::cache(second));
}

void map_tile(const std::uint8_t* uniform, std::size_t n, std::uint8_t* out) {
  for (std::size_t i = 0; i < n; ++i) {
    encode(map_uniform(uniform + i * kUniformBytes)).to_bytes(out + i * kElementBytes);
  }
}

void map_mult_tile(const std::uint8_t* scalar, const std::uint8_t* uniform, std::size_t n,
                   std::uint8_t* out) {
  Tile tile;
  for (std::size_t i = 0; i < n; ++i) tile.points[i] = map_uniform(uniform + i * kUniformBytes);
  mult_and_encode(scalar, tile, n, out);
}

// Reads one encoding. A refused one leaves the identity, so that the tile's arithmetic goes on undisturbed.
Decoded decode_one(const std::uint8_t* bytes, Point<Element>& point) {
  const Element s = Element::from_bytes(bytes);
  std::uint8_t canonical[kElementBytes];
  s.to_bytes(canonical);
  point = Point<Element>::identity();
  if (std::memcmp(canonical, bytes, kElementBytes) != 0 || (bytes[0] & 1) != 0) return Decoded::non_canonical;
  const auto [decoded, valid] = decode(s);
  if (valid == 0) return Decoded::invalid;
  if (is_zero(s) != 0) return Decoded::identity;
  point = decoded;
  return Decoded::ok;
}

void mult_tile(const std::uint8_t* scalar, const std::uint8_t* points, std::size_t n, std::uint8_t* out,
               Decoded* decoded) {
  Tile tile;
  for (std::size_t i = 0; i < n; ++i) decoded[i] = decode_one(points + i * kElementBytes, tile.points[i]);
  mult_and_encode(scalar, tile, n, out);
}

}  // namespace

const Kernels kPortableKernels = {&mult_tile, &map_tile, &map_mult_tile};

}  // namespace isthmus::ristretto255
