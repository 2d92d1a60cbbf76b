#include "isthmus/curve/weierstrass.hpp"

#include <algorithm>
#include <array>
#include <type_traits>

#include "backend/weierstrass_kernels.hpp"
#include "isthmus/core/error.hpp"
#include "isthmus/core/parallel.hpp"
#include "linear_combination.hpp"
#include "weierstrass_element.hpp"

namespace isthmus::weierstrass {
namespace {

template <class Curve>
struct Order {
  static constexpr const Words256& kModulus = Curve::kOrder;
};

template <class Curve>
using Integer = Fp256<Order<Curve>>;

template <class Curve>
Integer<Curve> load_integer(const std::uint8_t* bytes) noexcept {
  return Integer<Curve>::from_words(fp256::load_be(bytes));
}

template <class Curve>
void store_integer(const Integer<Curve>& a, std::uint8_t* bytes) noexcept {
  fp256::store_be(bytes, a.to_words());
}

// What linear_combination_vartime() needs.
template <class Curve>
struct PublicPoints {
  using Field = Element<Curve>;
  using Point = Projective<Field>;
  using Addend = Affine<Field>;

  static Point identity() noexcept { return {Field::zero(), Field::one(), Field::zero()}; }
  static Point to_point(const Addend& a) noexcept { return {a.x, a.y, Field::one()}; }
  static Addend negative(const Addend& a) noexcept { return {a.x, -a.y}; }
  static Point add(const Point& a, const Point& b) noexcept { return weierstrass::add(a, b); }
  static Point add(const Point& a, const Addend& b) noexcept { return weierstrass::add(a, to_point(b)); }
};

void encode(const Words256& x, const Words256& y, std::uint8_t* out) noexcept {
  out[0] = static_cast<std::uint8_t>(2 | (y[0] & 1));
  fp256::store_be(out + 1, x);
}

template <class Curve>
class WeierstrassGroup final : public Group {
 public:
  WeierstrassGroup() noexcept { encode(Curve::kGeneratorX, Curve::kGeneratorY, generator_.data()); }

  std::string_view name() const noexcept override { return std::is_same_v<Curve, P256> ? "P-256" : "SM2"; }
  std::size_t element_bytes() const noexcept override { return kElementBytes; }
  std::size_t scalar_bytes() const noexcept override { return kScalarBytes; }
  ByteSpan generator() const override { return generator_; }

 protected:
  void mult_tile(ByteSpan scalar, const std::uint8_t* points, std::size_t n, std::uint8_t* out,
                 Decoded* decoded) const override {
    kernels<Curve>().mult(SignedDigits(Curve::kOrder, scalar.data(), n, 0), points, n, out, decoded);
  }
  void mult_each_tile(const std::uint8_t* scalars, const std::uint8_t* points, std::size_t n,
                      std::uint8_t* out, Decoded* decoded) const override {
    kernels<Curve>().mult(SignedDigits(Curve::kOrder, scalars, n, kScalarBytes), points, n, out, decoded);
  }
  void combine_vartime(const std::uint8_t* scalars, const std::uint8_t* points, std::size_t n,
                       std::uint8_t* out, Decoded* decoded) const override;

  bool is_canonical_scalar(ByteSpan bytes) const override {
    Words256 difference;
    return fp256::subtract(fp256::load_be(bytes.data()), Curve::kOrder, difference) == 1;
  }
  void reduce_scalar(ByteSpan uniform, MutableByteSpan out) const override {
    const Words256 high = fp256::load_be(uniform.data());
    const Words256 low = fp256::load_be(uniform.data() + kScalarBytes);
    store_integer<Curve>(Integer<Curve>::from_wide(low, high), out.data());
  }
  void invert_scalar(ByteSpan scalar, MutableByteSpan out) const override {
    store_integer<Curve>(invert(load_integer<Curve>(scalar.data())), out.data());
  }
  void multiply_scalars(ByteSpan a, ByteSpan b, MutableByteSpan out) const override {
    store_integer<Curve>(load_integer<Curve>(a.data()) * load_integer<Curve>(b.data()), out.data());
  }
  void subtract_product(ByteSpan a, ByteSpan b, ByteSpan c, MutableByteSpan out) const override {
    const auto product = load_integer<Curve>(b.data()) * load_integer<Curve>(c.data());
    store_integer<Curve>(load_integer<Curve>(a.data()) - product, out.data());
  }

 private:
  std::array<std::uint8_t, kElementBytes> generator_;
};

template <class Curve>
void WeierstrassGroup<Curve>::combine_vartime(const std::uint8_t* scalars, const std::uint8_t* points,
                                              std::size_t n, std::uint8_t* out, Decoded* decoded) const {
  using Points = PublicPoints<Curve>;
  using Field = typename Points::Field;
  std::vector<typename Points::Addend> addends(n);
  std::vector<Words256> factors(n);
  parallel_for((n + kTile - 1) / kTile, [&](std::size_t tile) {
    const std::size_t first = tile * kTile;
    const std::size_t count = std::min(kTile, n - first);
    std::array<std::uint8_t, kTile * 2 * kScalarBytes> affine;
    kernels<Curve>().decode(points + first * kElementBytes, count, affine.data(), decoded + first);
    for (std::size_t i = 0; i < count; ++i) {
      const Words256 x = fp256::load_be(affine.data() + 64 * i);
      const Words256 y = fp256::load_be(affine.data() + 64 * i + 32);
      addends[first + i] = {Field::load(&x), Field::load(&y)};
      factors[first + i] = fp256::load_be(scalars + (first + i) * kScalarBytes);
    }
  });
  const auto sum = isthmus::linear_combination_vartime<Points>(factors, addends);
  if (lane_of(is_zero(sum.z), 0) != 0) {
    std::fill_n(out, kElementBytes, std::uint8_t{0});
    return;
  }
  const Field z_inverse = inverse(sum.z);
  Words256 x, y;
  (sum.x * z_inverse).store(&x);
  (sum.y * z_inverse).store(&y);
  encode(x, y, out);
}

}  // namespace

template <class Curve>
const Group& group() noexcept {
  static const WeierstrassGroup<Curve> instance;
  return instance;
}

template <class Curve>
void map(const std::uint8_t* uniform, std::size_t n, std::uint8_t* out) {
  kernels<Curve>().map(uniform, n, out);
}

template <class Curve>
void map_nonuniform(const std::uint8_t* uniform, std::size_t n, std::uint8_t* out) {
  kernels<Curve>().map_nonuniform(uniform, n, out);
}

template <class Curve>
void map_mult(const std::uint8_t* scalar, const std::uint8_t* uniform, std::size_t n, std::uint8_t* out) {
  kernels<Curve>().map_mult(SignedDigits(Curve::kOrder, scalar, n, 0), uniform, n, out);
}

template <class Curve>
void map_mult_each(const std::uint8_t* scalars, const std::uint8_t* uniform, std::size_t n,
                   std::uint8_t* out) {
  kernels<Curve>().map_mult(SignedDigits(Curve::kOrder, scalars, n, kScalarBytes), uniform, n, out);
}

#define ISTHMUS_INSTANTIATE(Curve)                                                                     \
  template const Group& group<Curve>() noexcept;                                                       \
  template void map<Curve>(const std::uint8_t*, std::size_t, std::uint8_t*);                           \
  template void map_nonuniform<Curve>(const std::uint8_t*, std::size_t, std::uint8_t*);                \
  template void map_mult<Curve>(const std::uint8_t*, const std::uint8_t*, std::size_t, std::uint8_t*); \
  template void map_mult_each<Curve>(const std::uint8_t*, const std::uint8_t*, std::size_t, std::uint8_t*);
ISTHMUS_INSTANTIATE(P256)
ISTHMUS_INSTANTIATE(Sm2)
#undef ISTHMUS_INSTANTIATE

}  // namespace isthmus::weierstrass
