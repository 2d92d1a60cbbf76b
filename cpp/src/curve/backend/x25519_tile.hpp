#pragma once
// The X25519 kernels over any field type F, as in ristretto255_tile.hpp.

#include <algorithm>
#include <memory>
#include <span>

#include "../montgomery_ladder.hpp"
#include "isthmus/curve/x25519.hpp"
#include "lane_bytes.hpp"
#include "lane_pair.hpp"
#include "x25519_kernels.hpp"

namespace isthmus::x25519 {

template <class F>
class TileKernels {
 public:
  static void mult(const std::uint8_t* m, const std::uint8_t* points, std::size_t n, std::uint8_t* out,
                   Decoded* decoded) {
    const auto tile = std::make_unique<Tile>();
    for (std::size_t first = 0; first < n; first += 2 * kLanes) {
      decode_pair(points + first * kElementBytes, n - first, decoded + first, &tile->x[first / kLanes]);
    }
    ladder_and_encode(m, *tile, n, out);
  }

  static void map(const std::uint8_t* uniform, std::size_t n, std::uint8_t* out) {
    const auto tile = std::make_unique<Tile>();
    for (std::size_t first = 0; first < n; first += kLanes) {
      const auto p = elligator2::clear_cofactor(map_vector(uniform + first * kUniformBytes, n - first));
      set(*tile, first / kLanes, {p.z + p.y, p.z - p.y});
    }
    divide(*tile, n);
    store(*tile, n, out);
  }

  static void map_mult(const std::uint8_t* m, const std::uint8_t* uniform, std::size_t n, std::uint8_t* out) {
    const auto tile = std::make_unique<Tile>();
    for (std::size_t first = 0; first < n; first += kLanes) {
      const auto p = map_vector(uniform + first * kUniformBytes, n - first);
      set(*tile, first / kLanes, {p.z + p.y, p.z - p.y});
    }
    divide(*tile, n);
    ladder_and_encode(m, *tile, n, out);  // the ladder clears the cofactor
  }

 private:
  using Pair = LanePair<F>;
  static constexpr std::size_t kLanes = F::kLanes;
  static constexpr std::size_t kVectors = Group::kTile / kLanes;
  static_assert(Group::kTile % (2 * kLanes) == 0);

  // A tile at work; everything in it follows from identifiers and secret scalars.
  struct Tile {
    F x[kVectors];
    F z[kVectors];
    F scratch[kVectors];
    Tile() = default;
    ~Tile() { zeroise(this, sizeof *this); }
    Tile(const Tile&) = delete;
    Tile& operator=(const Tile&) = delete;
  };

  static std::size_t vectors(std::size_t n) { return (n + kLanes - 1) / kLanes; }

  static void set(Tile& tile, std::size_t v, const Projective<F>& p) {
    tile.x[v] = carry(p.x);
    tile.z[v] = carry(p.z);
  }

  // x becomes x/z, and zero for z = 0.
  static void divide(Tile& tile, std::size_t n) {
    batch_invert<F>({tile.z, vectors(n)}, {tile.scratch, vectors(n)});
    for (std::size_t v = 0; v < vectors(n); ++v) tile.x[v] = tile.x[v] * tile.z[v];
  }

  static void store(const Tile& tile, std::size_t n, std::uint8_t* out) {
    for (std::size_t v = 0; v < vectors(n); ++v) {
      store_lanes(tile.x[v], n - v * kLanes, out + v * kLanes * kElementBytes);
    }
  }

  static void ladder_and_encode(const std::uint8_t* m, Tile& tile, std::size_t n, std::uint8_t* out) {
    for (std::size_t v = 0; v < vectors(n); ++v) set(tile, v, eightfold_multiple(m, tile.x[v]));
    divide(tile, n);
    store(tile, n, out);
  }

  // The sum of the images of an item's two field elements.
  static edwards25519::Point<F> map_vector(const std::uint8_t* uniform, std::size_t n) {
    constexpr std::size_t kHalf = elligator2::kFieldElementBytes;
    const Pair elements = {elligator2::field_elements<F>(uniform, kUniformBytes, n),
                           elligator2::field_elements<F>(uniform + kHalf, kUniformBytes, n)};
    const auto images = elligator2::map_to_edwards(elements);
    return edwards25519::add(first_of(images), edwards25519::cache(second_of(images)));
  }

  // Reads up to 2 kLanes u-coordinates.
  static void decode_pair(const std::uint8_t* bytes, std::size_t n, Decoded* decoded, F* u) {
    const std::size_t rest = n - std::min(n, kLanes);
    const Pair pair = {load_lanes<F>(bytes, kElementBytes, n),
                       load_lanes<F>(bytes + (n - rest) * kElementBytes, kElementBytes, rest)};
    const auto [on_curve, small] = judge_coordinate(pair);
    u[0] = pair.a;
    u[1] = pair.b;
    judge(bytes, n - rest, F::bits(on_curve.a), F::bits(small.a), decoded);
    judge(bytes + (n - rest) * kElementBytes, rest, F::bits(on_curve.b), F::bits(small.b),
          decoded + (n - rest));
  }

  static void judge(const std::uint8_t* bytes, std::size_t n, unsigned on_curve, unsigned small,
                    Decoded* decoded) {
    for (std::size_t i = 0; i < n && i < kLanes; ++i) {
      if (!is_canonical_encoding(bytes + i * kElementBytes)) {
        decoded[i] = Decoded::non_canonical;
      } else if (((on_curve >> i) & 1) == 0) {
        decoded[i] = Decoded::invalid;
      } else {
        decoded[i] = ((small >> i) & 1) != 0 ? Decoded::identity : Decoded::ok;
      }
    }
  }
};

}  // namespace isthmus::x25519
