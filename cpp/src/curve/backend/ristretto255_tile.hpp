#pragma once
// The ristretto255 kernels over any field type F of fp25519.hpp: F::kLanes elements at a time, and two such
// vectors where square roots are taken. A backend instantiates TileKernels with a field type of its own, of
// internal linkage if it has compiler flags of its own.

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>

#include "../ristretto255_formulas.hpp"
#include "isthmus/curve/edwards25519.hpp"
#include "lane_bytes.hpp"
#include "lane_pair.hpp"
#include "ristretto255_kernels.hpp"

namespace isthmus::ristretto255 {

template <class F>
class TileKernels {
 public:
  static void mult(const edwards25519::ScalarDigits& halves, const std::uint8_t* points, std::size_t n,
                   std::uint8_t* out, Decoded* decoded) {
    const auto tile = std::make_unique<Tile>();
    for (std::size_t first = 0; first < n; first += 2 * kLanes) {
      decode_pair(points + first * kElementBytes, n - first, decoded + first, &tile->points[first / kLanes]);
    }
    mult_and_encode(halves, *tile, n, out);
  }

  static void map(const std::uint8_t* uniform, std::size_t n, std::uint8_t* out) {
    for (std::size_t first = 0; first < n; first += 2 * kLanes) {
      const auto a = map_vector(uniform + first * kUniformBytes, n - first);
      const std::size_t next = std::min(first + kLanes, n);
      const auto b = map_vector(uniform + next * kUniformBytes, n - next);
      const Pair s = encode(Point<Pair>{{a.x, b.x}, {a.y, b.y}, {a.z, b.z}, {a.t, b.t}});
      store_lanes(s.a, n - first, out + first * kElementBytes);
      store_lanes(s.b, n - next, out + next * kElementBytes);
    }
  }

  static void map_mult(const edwards25519::ScalarDigits& halves, const std::uint8_t* uniform, std::size_t n,
                       std::uint8_t* out) {
    const auto tile = std::make_unique<Tile>();
    for (std::size_t first = 0; first < n; first += kLanes) {
      tile->points[first / kLanes] = map_vector(uniform + first * kUniformBytes, n - first);
    }
    mult_and_encode(halves, *tile, n, out);
  }

  static void decode(const std::uint8_t* points, std::size_t n, std::uint8_t* affine, Decoded* decoded) {
    for (std::size_t first = 0; first < n; first += 2 * kLanes) {
      Point<F> pair[2];
      decode_pair(points + first * kElementBytes, n - first, decoded + first, pair);
      for (std::size_t v = first; v < n && v < first + 2 * kLanes; v += kLanes) {
        const Point<F>& p = pair[(v - first) / kLanes];
        std::uint8_t x[kLanes * 32], y[kLanes * 32];
        store_lanes(p.x, kLanes, x);
        store_lanes(p.y, kLanes, y);
        for (std::size_t lane = 0; lane < kLanes && v + lane < n; ++lane) {
          std::memcpy(affine + 64 * (v + lane), x + 32 * lane, 32);
          std::memcpy(affine + 64 * (v + lane) + 32, y + 32 * lane, 32);
        }
      }
    }
  }

 private:
  using Pair = LanePair<F>;
  static constexpr std::size_t kLanes = F::kLanes;
  static constexpr std::size_t kVectors = Group::kTile / kLanes;
  static_assert(Group::kTile % (2 * kLanes) == 0 && Group::kTile <= edwards25519::ScalarDigits::kRows);

  // A tile at work; everything in it follows from identifiers and secret scalars.
  struct Tile {
    Point<F> points[kVectors];
    DoubledEncoder<F> encoders[kVectors];
    F inverses[kVectors];
    F scratch[kVectors];
    Tile() = default;
    ~Tile() { zeroise(this, sizeof *this); }
    Tile(const Tile&) = delete;
    Tile& operator=(const Tile&) = delete;
  };

  // Multiplies by half the scalars, since the batched encoding doubles.
  static void mult_and_encode(const edwards25519::ScalarDigits& halves, Tile& tile, std::size_t n,
                              std::uint8_t* out) {
    const std::size_t vectors = (n + kLanes - 1) / kLanes;
    for (std::size_t v = 0; v < vectors; ++v) {
      tile.encoders[v] = DoubledEncoder<F>(edwards25519::mult(halves, v * kLanes, tile.points[v]));
      tile.inverses[v] = tile.encoders[v].to_invert();
    }
    batch_invert<F>({tile.inverses, vectors}, {tile.scratch, vectors});
    for (std::size_t v = 0; v < vectors; ++v) {
      store_lanes(tile.encoders[v].encode(tile.inverses[v]), n - v * kLanes,
                  out + v * kLanes * kElementBytes);
    }
  }

  // The sum of the maps of an item's two halves, each read as a field element with its top bit ignored.
  static Point<F> map_vector(const std::uint8_t* uniform, std::size_t n) {
    const Pair halves = {load_lanes<F>(uniform, kUniformBytes, n),
                         load_lanes<F>(uniform + kUniformBytes / 2, kUniformBytes, n)};
    const Point<Pair> images = map_to_point(halves);
    return edwards25519::add(first_of(images), edwards25519::cache(second_of(images)));
  }

  // Reads up to 2 kLanes encodings. A refused one leaves the identity.
  static void decode_pair(const std::uint8_t* bytes, std::size_t n, Decoded* decoded, Point<F>* points) {
    const std::size_t rest = n - std::min(n, kLanes);
    const Pair s = {load_lanes<F>(bytes, kElementBytes, n),
                    load_lanes<F>(bytes + (n - rest) * kElementBytes, kElementBytes, rest)};
    const auto [images, valid] = ristretto255::decode(s);
    const auto zero = is_zero(s);
    points[0] = refuse(valid.a & ~zero.a, first_of(images));
    points[1] = refuse(valid.b & ~zero.b, second_of(images));
    judge(bytes, n - rest, F::bits(valid.a), F::bits(zero.a), decoded);
    judge(bytes + (n - rest) * kElementBytes, rest, F::bits(valid.b), F::bits(zero.b), decoded + (n - rest));
  }

  static Point<F> refuse(const typename F::Mask& valid, const Point<F>& p) {
    const auto neutral = Point<F>::identity();
    return {ct_select(valid, p.x, neutral.x), ct_select(valid, p.y, neutral.y),
            ct_select(valid, p.z, neutral.z), ct_select(valid, p.t, neutral.t)};
  }

  static void judge(const std::uint8_t* bytes, std::size_t n, unsigned valid, unsigned zero,
                    Decoded* decoded) {
    for (std::size_t i = 0; i < n && i < kLanes; ++i) {
      if (!is_canonical_encoding(bytes + i * kElementBytes)) {
        decoded[i] = Decoded::non_canonical;
      } else if (((valid >> i) & 1) == 0) {
        decoded[i] = Decoded::invalid;
      } else {
        decoded[i] = ((zero >> i) & 1) != 0 ? Decoded::identity : Decoded::ok;
      }
    }
  }
};

}  // namespace isthmus::ristretto255
