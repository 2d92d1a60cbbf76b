#include "isthmus/curve/ristretto255.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "backend/ristretto255_kernels.hpp"
#include "isthmus/core/parallel.hpp"
#include "isthmus/curve/scalar25519.hpp"
#include "linear_combination.hpp"
#include "ristretto255_formulas.hpp"

namespace isthmus::ristretto255 {
namespace {

// The digits of half the scalars; stride as in ScalarDigits.
class HalfDigits {
 public:
  HalfDigits(const std::uint8_t* scalars, std::size_t n, std::size_t stride)
      : digits_(halve(scalars, stride == 0 ? 1 : n).data(), n, stride) {
    zeroise(halves_.data(), sizeof halves_);
  }
  const edwards25519::ScalarDigits& get() const noexcept { return digits_; }

 private:
  using Halves = std::array<std::uint8_t, Group::kTile * kScalarBytes>;

  const Halves& halve(const std::uint8_t* scalars, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
      scalar25519::halve(scalars + i * kScalarBytes, halves_.data() + i * kScalarBytes);
    }
    return halves_;
  }
  Halves halves_;
  edwards25519::ScalarDigits digits_;
};

// What linear_combination_vartime() needs.
struct PublicPoints {
  using Point = edwards25519::Point<Fp25519>;
  using Addend = edwards25519::Cached<Fp25519>;

  static Point identity() noexcept { return Point::identity(); }
  static Point to_point(const Addend& a) noexcept { return edwards25519::add(identity(), a); }
  static Addend negative(const Addend& a) noexcept { return {a.y_plus_x, a.y_minus_x, a.z2, carry(-a.t2d)}; }
  static Point add(const Point& a, const Addend& b) noexcept { return edwards25519::add(a, b); }
  static Point add(const Point& a, const Point& b) noexcept {
    return edwards25519::add(a, edwards25519::cache(b));
  }
};

// The point of basepoint 1 (RFC 9496, appendix A.1).
constexpr std::array<std::uint8_t, kElementBytes> kGenerator = {
    0xe2, 0xf2, 0xae, 0x0a, 0x6a, 0xbc, 0x4e, 0x71, 0xa8, 0x84, 0xa9, 0x61, 0xc5, 0x00, 0x51, 0x5f,
    0x58, 0xe3, 0x0b, 0x6a, 0xa5, 0x82, 0xdd, 0x8d, 0xb6, 0xa6, 0x59, 0x45, 0xe0, 0x8d, 0x2d, 0x76};

Words256 load_words(const std::uint8_t* p) noexcept {
  return {load_le64(p), load_le64(p + 8), load_le64(p + 16), load_le64(p + 24)};
}

class Ristretto255 final : public Group {
 public:
  std::string_view name() const noexcept override { return "ristretto255"; }
  std::size_t element_bytes() const noexcept override { return kElementBytes; }
  std::size_t scalar_bytes() const noexcept override { return kScalarBytes; }
  ByteSpan generator() const override { return kGenerator; }

 protected:
  void mult_tile(ByteSpan scalar, const std::uint8_t* points, std::size_t n, std::uint8_t* out,
                 Decoded* decoded) const override {
    kernels().mult(HalfDigits(scalar.data(), n, 0).get(), points, n, out, decoded);
  }
  void mult_each_tile(const std::uint8_t* scalars, const std::uint8_t* points, std::size_t n,
                      std::uint8_t* out, Decoded* decoded) const override {
    kernels().mult(HalfDigits(scalars, n, kScalarBytes).get(), points, n, out, decoded);
  }
  void combine_vartime(const std::uint8_t* scalars, const std::uint8_t* points, std::size_t n,
                       std::uint8_t* out, Decoded* decoded) const override;

  bool is_canonical_scalar(ByteSpan bytes) const override { return scalar25519::is_canonical(bytes.data()); }
  void reduce_scalar(ByteSpan uniform, MutableByteSpan out) const override {
    scalar25519::reduce_wide(uniform.data(), out.data());
  }
  void invert_scalar(ByteSpan scalar, MutableByteSpan out) const override {
    scalar25519::invert(scalar.data(), out.data());
  }
  void multiply_scalars(ByteSpan a, ByteSpan b, MutableByteSpan out) const override {
    scalar25519::mul(a.data(), b.data(), out.data());
  }
  void subtract_product(ByteSpan a, ByteSpan b, ByteSpan c, MutableByteSpan out) const override {
    scalar25519::subtract_product(a.data(), b.data(), c.data(), out.data());
  }
};

void Ristretto255::combine_vartime(const std::uint8_t* scalars, const std::uint8_t* points, std::size_t n,
                                   std::uint8_t* out, Decoded* decoded) const {
  std::vector<PublicPoints::Addend> addends(n);
  std::vector<Words256> factors(n);
  parallel_for((n + kTile - 1) / kTile, [&](std::size_t tile) {
    const std::size_t first = tile * kTile;
    const std::size_t count = std::min(kTile, n - first);
    std::array<std::uint8_t, kTile * 2 * kElementBytes> affine;
    kernels().decode(points + first * kElementBytes, count, affine.data(), decoded + first);
    for (std::size_t i = 0; i < count; ++i) {
      const Fp25519 x = Fp25519::from_bytes(affine.data() + 64 * i);
      const Fp25519 y = Fp25519::from_bytes(affine.data() + 64 * i + 32);
      addends[first + i] = edwards25519::cache(PublicPoints::Point{x, y, Fp25519::one(), x * y});
      factors[first + i] = load_words(scalars + (first + i) * kScalarBytes);
    }
  });
  encode(isthmus::linear_combination_vartime<PublicPoints>(factors, addends)).to_bytes(out);
}

}  // namespace

const Group& group() noexcept {
  static const Ristretto255 instance;
  return instance;
}

void map(const std::uint8_t* uniform, std::size_t n, std::uint8_t* out) { kernels().map(uniform, n, out); }

void map_mult(const std::uint8_t* scalar, const std::uint8_t* uniform, std::size_t n, std::uint8_t* out) {
  kernels().map_mult(HalfDigits(scalar, n, 0).get(), uniform, n, out);
}

void map_mult_each(const std::uint8_t* scalars, const std::uint8_t* uniform, std::size_t n,
                   std::uint8_t* out) {
  kernels().map_mult(HalfDigits(scalars, n, kScalarBytes).get(), uniform, n, out);
}

}  // namespace isthmus::ristretto255
