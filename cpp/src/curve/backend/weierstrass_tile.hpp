#pragma once
// One tile of points through a whole operation, in the lanes of a field type F. Constant time but for the
// count of points and for which encodings are refused.
//
// Besides arithmetic F has kLanes, load() and store() between words and lanes, and bytes_equal(), which asks
// a question about one byte per lane; lane_of(mask, i) is its answer for lane i, all ones or zero.

#include <array>
#include <cstring>
#include <vector>

#include "../weierstrass_digits.hpp"
#include "../weierstrass_formulas.hpp"
#include "isthmus/core/secret.hpp"
#include "weierstrass_kernels.hpp"

namespace isthmus::weierstrass {

inline constexpr std::size_t kTile = Group::kTile;

// Vectors that n rows take; the rows that fill up the last one hold the generator.
template <class F>
constexpr std::size_t vector_count(std::size_t n) noexcept {
  return (n + F::kLanes - 1) / F::kLanes;
}

// The odd multiples p, 3p, ..., 31p of a vector of points, affine in the end.
template <class F>
class OddMultiples {
 public:
  static constexpr std::size_t kSize = SignedDigits::kTableSize;

  // Fills the table and returns the Z of its last entry, which normalise() wants inverted. Every entry shares
  // its Z with a copy of 2p, so that the next costs 5 products and 2 squares. Ref: Meloni, "New point
  // addition formulae for ECC applications" (WAIFI 2007). 2p and (2i+1)p differ: the order is prime and
  // above 64.
  F fill(const Jacobian<F>& p) noexcept {
    const Jacobian<F> doubled = twice(p);
    const F gamma = square(p.y);
    multiple_[0] = {carry(small_multiple<4>(p.x * gamma)), carry(small_multiple<8>(square(gamma)))};
    F x2 = doubled.x, y2 = doubled.y, z = doubled.z;
    for (std::size_t i = 1; i < kSize; ++i) {
      const Affine<F>& q = multiple_[i - 1];
      const F h = carry(q.x - x2);
      const F r = carry(q.y - y2);
      const F hh = square(h);
      const F qx = q.x * hh;
      x2 = x2 * hh;
      const F x = carry(reduce(wide_square(r)) - x2 - qx);
      y2 = y2 * carry(qx - x2);
      multiple_[i] = {x, carry(reduce(wide_product(r, carry(x2 - x))) - y2)};
      z_ratio_[i] = h;
      z = z * h;
    }
    return z;
  }

  void normalise(F z_inverse) noexcept {
    for (std::size_t i = kSize; i-- > 0;) {
      multiple_[i] = to_affine<F>({multiple_[i].x, multiple_[i].y, z_inverse}, z_inverse);
      if (i > 0) z_inverse = z_inverse * z_ratio_[i];
    }
  }

  const Affine<F>& first() const noexcept { return multiple_[0]; }

  // Digit i of the rows from `row` on, times their points. Every entry is read, whatever the digit.
  Affine<F> lookup(const SignedDigits& digits, std::size_t i, std::size_t row) const noexcept {
    const std::uint8_t* index = digits.index(i) + row;
    Affine<F> r = multiple_[0];
    for (std::size_t k = 1; k < kSize; ++k) {
      const auto hit = F::bytes_equal(index, static_cast<std::uint8_t>(k));
      r = {ct_select(hit, multiple_[k].x, r.x), ct_select(hit, multiple_[k].y, r.y)};
    }
    return {r.x, negate_if(F::bytes_equal(digits.negative(i) + row, 1), r.y)};
  }

 private:
  std::array<Affine<F>, kSize> multiple_;
  std::array<F, kSize> z_ratio_;  // Z of entry i over Z of entry i - 1
};

template <class F>
Jacobian<F> mult(const OddMultiples<F>& table, const SignedDigits& digits, std::size_t row) noexcept {
  Jacobian<F> sum = {table.first().x, table.first().y, F::one()};
  for (std::size_t i = SignedDigits::kCount; i-- > 0;) {
    for (std::size_t bit = 0; bit < SignedDigits::kWindowBits; ++bit) sum = twice(sum);
    const Affine<F> addend = table.lookup(digits, i, row);
    sum = i > 0 ? add_different(sum, addend) : add_or_double(sum, addend);
  }
  return sum;
}

// The points of a tile; they follow from identifiers and secret scalars.
template <class F>
class Tile {
 public:
  static constexpr std::size_t kVectors = kTile / F::kLanes;

  Tile() = default;
  ~Tile() { zeroise(points_.data(), sizeof points_); }
  Tile(const Tile&) = delete;
  Tile& operator=(const Tile&) = delete;

  Jacobian<F>& operator[](std::size_t vector) noexcept { return points_[vector]; }

  // Multiplies the first `vectors` by the scalars behind `digits`. No point may be the identity.
  void mult(const SignedDigits& digits, std::size_t vectors) {
    std::vector<OddMultiples<F>, ZeroisingAllocator<OddMultiples<F>>> tables(vectors);
    std::array<F, kVectors> z;
    const ZeroiseGuard<std::array<F, kVectors>> wipe_z(z);
    for (std::size_t v = 0; v < vectors; ++v) z[v] = tables[v].fill(points_[v]);
    invert_all(z, vectors);
    for (std::size_t v = 0; v < vectors; ++v) {
      tables[v].normalise(z[v]);
      points_[v] = weierstrass::mult(tables[v], digits, v * F::kLanes);
    }
  }

  // Writes the affine coordinates of the first n rows to store(row, x, y); (0, 0) for the identity.
  template <class Store>
  void write(std::size_t n, const Store& store) {
    const std::size_t vectors = vector_count<F>(n);
    std::array<F, kVectors> z;
    const ZeroiseGuard<std::array<F, kVectors>> wipe_z(z);
    for (std::size_t v = 0; v < vectors; ++v) z[v] = points_[v].z;
    invert_all(z, vectors);
    for (std::size_t v = 0; v < vectors; ++v) {
      const Affine<F> p = to_affine(points_[v], z[v]);
      std::array<Words256, F::kLanes> x, y;
      p.x.store(x.data());
      p.y.store(y.data());
      for (std::size_t lane = 0; lane < F::kLanes && v * F::kLanes + lane < n; ++lane) {
        store(v * F::kLanes + lane, x[lane], y[lane]);
      }
    }
  }

 private:
  static void invert_all(std::array<F, kVectors>& values, std::size_t n) noexcept {
    std::array<F, kVectors> scratch;
    const ZeroiseGuard<std::array<F, kVectors>> wipe_scratch(scratch);
    batch_invert(values.data(), scratch.data(), n);
  }

  std::array<Jacobian<F>, kVectors> points_;
};

// --- encodings
// -----------------------------------------------------------------------------------------------

[[gnu::always_inline]] inline bool is_below(const Words256& a, const Words256& bound) noexcept {
  Words256 difference;
  return fp256::subtract(a, bound, difference) == 1;
}

// Reads one vector of encodings, of which the first `count` exist. A refused one leaves the generator, so
// that the tile's arithmetic goes on undisturbed.
template <class F>
Affine<F> decode(const std::uint8_t* encodings, std::size_t count, Decoded* decoded) noexcept {
  using Curve = typename F::Curve;
  std::array<Words256, F::kLanes> x;
  std::array<std::uint8_t, F::kLanes> parity{};
  x.fill(Curve::kGeneratorX);
  for (std::size_t lane = 0; lane < count; ++lane) {
    const std::uint8_t* encoding = encodings + lane * kElementBytes;
    const Words256 value = fp256::load_be(encoding + 1);
    const bool canonical = (encoding[0] & 0xfe) == 2 && is_below(value, Curve::kModulus);
    decoded[lane] = canonical ? Decoded::ok : Decoded::non_canonical;
    if (!canonical) continue;
    x[lane] = value;
    parity[lane] = encoding[0] & 1;
  }
  const auto [point, valid] = decompress(F::load(x.data()), F::bytes_equal(parity.data(), 1));
  for (std::size_t lane = 0; lane < count; ++lane) {
    if (!lane_of(valid, lane) && decoded[lane] == Decoded::ok) decoded[lane] = Decoded::invalid;
  }
  const Affine<F> stand_in = generator<F>();
  return {ct_select(valid, point.x, stand_in.x), ct_select(valid, point.y, stand_in.y)};
}

[[gnu::always_inline]] inline void encode(const Words256& x, std::uint64_t parity,
                                          std::uint8_t* out) noexcept {
  out[0] = static_cast<std::uint8_t>(2 | parity);
  fp256::store_be(out + 1, x);
}

// Overwrites an encoding with zeros where the mask is set.
[[gnu::always_inline]] inline void clear_if(std::uint64_t mask, std::uint8_t* encoding) noexcept {
  for (std::size_t i = 0; i < kElementBytes; ++i) encoding[i] &= static_cast<std::uint8_t>(~mask);
}

// Writes the rows of a tile that was multiplied. Negating y flips its parity, because the prime is odd and no
// point has y = 0.
template <class F>
void encode_products(Tile<F>& tile, const SignedDigits& digits, std::size_t n, std::uint8_t* out) {
  tile.write(n, [&](std::size_t row, const Words256& x, const Words256& y) {
    encode(x, (y[0] ^ digits.opposite()[row]) & 1, out + row * kElementBytes);
  });
}

// --- hashing
// -------------------------------------------------------------------------------------------------

// The field elements at uniform + lane * stride, 48 big-endian bytes each (hash_to_field, RFC 9380,
// section 5.2). Lanes from `count` on repeat the first.
template <class F>
F field_elements(const std::uint8_t* uniform, std::size_t stride, std::size_t count) noexcept {
  std::array<Words256, F::kLanes> low, high;
  for (std::size_t lane = 0; lane < F::kLanes; ++lane) {
    const std::uint8_t* bytes = uniform + (lane < count ? lane : 0) * stride;
    low[lane] = fp256::load_be(bytes + 16);
    high[lane] = {load_be64(bytes + 8), load_be64(bytes), 0, 0};
  }
  constexpr Words256 kTwo256 = fp256::shift_left_mod({1, 0, 0, 0}, 256, F::Curve::kModulus);
  const F above = F::load(high.data()) * F::template constant<kTwo256>();
  return carry(F::load(low.data()) + above);
}

// One vector of map_to_curve sums: kMaps field elements per row.
template <class F, std::size_t kMaps>
Projective<F> map_uniform(const std::uint8_t* uniform, std::size_t count) noexcept {
  constexpr std::size_t kStride = kMaps * kUniformBytes;
  const auto first = map_to_curve(field_elements<F>(uniform, kStride, count));
  if constexpr (kMaps == 1) {
    return first;
  } else {
    return add(first, map_to_curve(field_elements<F>(uniform + kUniformBytes, kStride, count)));
  }
}

// --- the kernels
// ---------------------------------------------------------------------------------------------

// How many of n rows vector v holds.
template <class F>
std::size_t rows_in(std::size_t v, std::size_t n) noexcept {
  const std::size_t left = n - v * F::kLanes;
  return left < F::kLanes ? left : F::kLanes;
}

template <class F>
void mult_tile(const SignedDigits& digits, const std::uint8_t* points, std::size_t n, std::uint8_t* out,
               Decoded* decoded) {
  Tile<F> tile;
  const std::size_t vectors = vector_count<F>(n);
  for (std::size_t v = 0; v < vectors; ++v) {
    const std::size_t row = v * F::kLanes;
    const auto point = decode<F>(points + row * kElementBytes, rows_in<F>(v, n), decoded + row);
    tile[v] = {point.x, point.y, F::one()};
  }
  tile.mult(digits, vectors);
  encode_products(tile, digits, n, out);
}

template <class F, std::size_t kMaps>
void map_tile(const std::uint8_t* uniform, std::size_t n, std::uint8_t* out) {
  Tile<F> tile;
  for (std::size_t v = 0; v < vector_count<F>(n); ++v) {
    const std::uint8_t* bytes = uniform + v * F::kLanes * kMaps * kUniformBytes;
    tile[v] = to_jacobian(map_uniform<F, kMaps>(bytes, rows_in<F>(v, n)));
  }
  tile.write(n, [out](std::size_t row, const Words256& x, const Words256& y) {
    encode(x, y[0] & 1, out + row * kElementBytes);
    // Only the identity has y = 0.
    clear_if(ct_equal(y[0] | y[1] | y[2] | y[3], 0), out + row * kElementBytes);
  });
}

template <class F>
void map_mult_tile(const SignedDigits& digits, const std::uint8_t* uniform, std::size_t n,
                   std::uint8_t* out) {
  Tile<F> tile;
  std::array<typename F::Mask, Tile<F>::kVectors> identity;
  const std::size_t vectors = vector_count<F>(n);
  const Affine<F> stand_in = generator<F>();
  for (std::size_t v = 0; v < vectors; ++v) {
    const std::uint8_t* bytes = uniform + v * F::kLanes * 2 * kUniformBytes;
    const auto p = to_jacobian(map_uniform<F, 2>(bytes, rows_in<F>(v, n)));
    identity[v] = is_zero(p.z);
    tile[v] = {ct_select(identity[v], stand_in.x, p.x), ct_select(identity[v], stand_in.y, p.y),
               ct_select(identity[v], F::one(), p.z)};
  }
  tile.mult(digits, vectors);
  encode_products(tile, digits, n, out);
  for (std::size_t row = 0; row < n; ++row) {
    clear_if(lane_of(identity[row / F::kLanes], row % F::kLanes), out + row * kElementBytes);
  }
}

// Affine coordinates, two 32-byte big-endian integers per row; of refused rows, the generator's.
template <class F>
void decode_tile(const std::uint8_t* points, std::size_t n, std::uint8_t* affine, Decoded* decoded) {
  for (std::size_t v = 0; v < vector_count<F>(n); ++v) {
    const std::size_t row = v * F::kLanes;
    const std::size_t count = rows_in<F>(v, n);
    const auto point = decode<F>(points + row * kElementBytes, count, decoded + row);
    std::array<Words256, F::kLanes> x, y;
    point.x.store(x.data());
    point.y.store(y.data());
    for (std::size_t lane = 0; lane < count; ++lane) {
      fp256::store_be(affine + (row + lane) * 64, x[lane]);
      fp256::store_be(affine + (row + lane) * 64 + 32, y[lane]);
    }
  }
}

template <class F>
constexpr Kernels kTileKernels = {&mult_tile<F>, &map_tile<F, 2>, &map_tile<F, 1>, &map_mult_tile<F>,
                                  &decode_tile<F>};

}  // namespace isthmus::weierstrass
