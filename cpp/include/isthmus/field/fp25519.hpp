#pragma once
// The field of p = 2^255 - 19 elements, portable: one element, radix 2^51, five 64-bit limbs.
//
// Everything here is constant time. Bounds are part of the contract, in place of a carry after every
// addition:
//   tight   limbs < 2^51 + 2^15: what products, squares, carry() and from_bytes() return.
//   loose   limbs < 2^54: what the sum or difference of two tight elements, or a chain of those up to 2^54,
//   is.
// Products take loose operands. The subtrahend of a - b and the operand of -a may reach 2^53 - 76 per limb.
// The algorithms below the class are templates, so that a backend with several elements per vector reuses
// them. Such a type F brings kLanes, Mask, the members and functions of Fp25519 that the templates name, and
// those that let it put off work:
//   sum_operand, difference_operand, negative_operand of tight elements: one operand of a product, the other
//   one being tight; and wide_product, wide_square, wide_scaled, whose results may be added and subtracted as
//   long as at most three are taken from at most one before reduce() makes an element of them.

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>

#include "isthmus/core/bytes.hpp"
#include "isthmus/core/secret.hpp"

namespace isthmus {

struct Fp25519 {
  static constexpr std::size_t kLanes = 1;

  /// All ones or zero: the answer to a question about one element.
  using Mask = std::uint64_t;
  static Mask broadcast(std::uint64_t mask) noexcept { return mask; }
  /// Whether the byte of each lane is `wanted`.
  static Mask bytes_equal(const std::uint8_t* bytes, std::uint8_t wanted) noexcept {
    return isthmus::ct_equal(*bytes, wanted);
  }
  /// One bit per lane.
  static unsigned bits(Mask mask) noexcept { return static_cast<unsigned>(mask & 1); }

  std::array<std::uint64_t, 5> limb{};

  static constexpr std::uint64_t kLimbMask = (std::uint64_t{1} << 51) - 1;

  /// The element whose canonical value is the sum of w[i] * 2^(64 i).
  static constexpr Fp25519 from_words(const std::array<std::uint64_t, 4>& w) noexcept {
    return {{w[0] & kLimbMask, ((w[0] >> 51) | (w[1] << 13)) & kLimbMask,
             ((w[1] >> 38) | (w[2] << 26)) & kLimbMask, ((w[2] >> 25) | (w[3] << 39)) & kLimbMask,
             (w[3] >> 12) & kLimbMask}};
  }
  static constexpr Fp25519 zero() noexcept { return {}; }
  static constexpr Fp25519 one() noexcept { return {{1, 0, 0, 0, 0}}; }

  /// Reads 32 little-endian bytes modulo p; the top bit is ignored.
  static Fp25519 from_bytes(const std::uint8_t* bytes) noexcept {
    return from_words({load_le64(bytes), load_le64(bytes + 8), load_le64(bytes + 16), load_le64(bytes + 24)});
  }

  /// Reads the integers whose 64-bit words are words[j * kLanes + lane], modulo p; their top bits are
  /// ignored.
  static Fp25519 from_lanes(const std::uint64_t* words) noexcept {
    return from_words({words[0], words[1], words[2], words[3]});
  }
  /// Writes the canonical values in the same order.
  void to_lanes(std::uint64_t* words) const noexcept;

  /// Writes the canonical value, 32 little-endian bytes.
  void to_bytes(std::uint8_t* bytes) const noexcept;

  /// The same element with every limb below 2^51: its only canonical form.
  Fp25519 canonical() const noexcept;
};

/// A square root of -1: 2^((p-1)/4).
inline constexpr Fp25519 kSqrtMinusOne =
    Fp25519::from_words({0xc4ee1b274a0ea0b0, 0x2f431806ad2fe478, 0x2b4d00993dfbd7a7, 0x2b8324804fc1df0b});

/// Carries every limb once: loose to tight.
inline Fp25519 carry(const Fp25519& a) noexcept {
  constexpr std::uint64_t kMask = Fp25519::kLimbMask;
  const auto& v = a.limb;
  return {{(v[0] & kMask) + 19 * (v[4] >> 51), (v[1] & kMask) + (v[0] >> 51), (v[2] & kMask) + (v[1] >> 51),
           (v[3] & kMask) + (v[2] >> 51), (v[4] & kMask) + (v[3] >> 51)}};
}

inline Fp25519 operator+(const Fp25519& a, const Fp25519& b) noexcept {
  Fp25519 sum;
  for (std::size_t i = 0; i < 5; ++i) sum.limb[i] = a.limb[i] + b.limb[i];
  return sum;
}

inline Fp25519 operator-(const Fp25519& a, const Fp25519& b) noexcept {
  // 4p keeps every limb non-negative while b's limbs stay at or below 4 (2^51 - 19).
  constexpr std::uint64_t k4p0 = 4 * (Fp25519::kLimbMask - 18);
  constexpr std::uint64_t k4p = 4 * Fp25519::kLimbMask;
  Fp25519 difference{{a.limb[0] + k4p0 - b.limb[0]}};
  for (std::size_t i = 1; i < 5; ++i) difference.limb[i] = a.limb[i] + k4p - b.limb[i];
  return difference;
}

inline Fp25519 operator-(const Fp25519& a) noexcept { return Fp25519::zero() - a; }

namespace detail {

using Wide = unsigned __int128;

inline bool is_loose(const Fp25519& a) noexcept {
  std::uint64_t bits = 0;
  for (const std::uint64_t limb : a.limb) bits |= limb;
  return (bits >> 54) == 0;
}

// Reduces the five column sums of a product of loose elements to a tight element. Every column is below
// 77 * 2^108 and the last, which holds no factor 19, below 5 * 2^108 + 2^64.
inline Fp25519 reduce_columns(Wide c0, Wide c1, Wide c2, Wide c3, Wide c4) noexcept {
  constexpr std::uint64_t kMask = Fp25519::kLimbMask;
  c1 += static_cast<std::uint64_t>(c0 >> 51);
  c2 += static_cast<std::uint64_t>(c1 >> 51);
  c3 += static_cast<std::uint64_t>(c2 >> 51);
  c4 += static_cast<std::uint64_t>(c3 >> 51);
  // The carry out of c4 is below 5 * 2^57 + 2^13, so nineteen times it stays below 2^63.6.
  const std::uint64_t r0 =
      (static_cast<std::uint64_t>(c0) & kMask) + 19 * static_cast<std::uint64_t>(c4 >> 51);
  return {{r0 & kMask, (static_cast<std::uint64_t>(c1) & kMask) + (r0 >> 51),
           static_cast<std::uint64_t>(c2) & kMask, static_cast<std::uint64_t>(c3) & kMask,
           static_cast<std::uint64_t>(c4) & kMask}};
}

}  // namespace detail

inline Fp25519 operator*(const Fp25519& a, const Fp25519& b) noexcept {
  using detail::Wide;
  assert(detail::is_loose(a) && detail::is_loose(b));
  const auto& x = a.limb;
  const auto& y = b.limb;
  const auto m = [](std::uint64_t s, std::uint64_t t) noexcept { return static_cast<Wide>(s) * t; };
  const std::uint64_t y1 = 19 * y[1], y2 = 19 * y[2], y3 = 19 * y[3], y4 = 19 * y[4];
  return detail::reduce_columns(
      m(x[0], y[0]) + m(x[1], y4) + m(x[2], y3) + m(x[3], y2) + m(x[4], y1),
      m(x[0], y[1]) + m(x[1], y[0]) + m(x[2], y4) + m(x[3], y3) + m(x[4], y2),
      m(x[0], y[2]) + m(x[1], y[1]) + m(x[2], y[0]) + m(x[3], y4) + m(x[4], y3),
      m(x[0], y[3]) + m(x[1], y[2]) + m(x[2], y[1]) + m(x[3], y[0]) + m(x[4], y4),
      m(x[0], y[4]) + m(x[1], y[3]) + m(x[2], y[2]) + m(x[3], y[1]) + m(x[4], y[0]));
}

inline Fp25519 square(const Fp25519& a) noexcept {
  using detail::Wide;
  assert(detail::is_loose(a));
  const auto& x = a.limb;
  const auto m = [](std::uint64_t s, std::uint64_t t) noexcept { return static_cast<Wide>(s) * t; };
  const std::uint64_t d0 = 2 * x[0], d1 = 2 * x[1], d2 = 2 * x[2];
  const std::uint64_t n3 = 19 * x[3], n4 = 19 * x[4];
  return detail::reduce_columns(m(x[0], x[0]) + m(d1, n4) + m(d2, n3), m(d0, x[1]) + m(d2, n4) + m(x[3], n3),
                                m(d0, x[2]) + m(x[1], x[1]) + m(2 * x[3], n4),
                                m(d0, x[3]) + m(d1, x[2]) + m(x[4], n4),
                                m(d0, x[4]) + m(d1, x[3]) + m(x[2], x[2]));
}

// One element has room for sums, and nothing to gain from putting off a reduction.
inline Fp25519 sum_operand(const Fp25519& a, const Fp25519& b) noexcept { return a + b; }
inline Fp25519 difference_operand(const Fp25519& a, const Fp25519& b) noexcept { return a - b; }
inline Fp25519 negative_operand(const Fp25519& a) noexcept { return -a; }
inline Fp25519 wide_product(const Fp25519& a, const Fp25519& b) noexcept { return a * b; }
inline Fp25519 wide_square(const Fp25519& a) noexcept { return square(a); }
inline Fp25519 reduce(const Fp25519& a) noexcept { return a; }

/// a times a factor below 2^17.
inline Fp25519 wide_scaled(const Fp25519& a, std::uint32_t factor) noexcept {
  using detail::Wide;
  assert(detail::is_loose(a));
  const auto m = [factor](std::uint64_t s) noexcept { return static_cast<Wide>(s) * factor; };
  return detail::reduce_columns(m(a.limb[0]), m(a.limb[1]), m(a.limb[2]), m(a.limb[3]), m(a.limb[4]));
}

inline Fp25519 Fp25519::canonical() const noexcept {
  Fp25519 t = carry(carry(*this));
  // t < 2p now, so the quotient by p is the carry out of t + 19.
  std::uint64_t quotient = (t.limb[0] + 19) >> 51;
  for (std::size_t i = 1; i < 5; ++i) quotient = (t.limb[i] + quotient) >> 51;
  t.limb[0] += 19 * quotient;
  for (std::size_t i = 0; i < 4; ++i) {
    t.limb[i + 1] += t.limb[i] >> 51;
    t.limb[i] &= kLimbMask;
  }
  t.limb[4] &= kLimbMask;
  return t;
}

inline void Fp25519::to_lanes(std::uint64_t* words) const noexcept {
  const Fp25519 t = canonical();
  words[0] = t.limb[0] | (t.limb[1] << 51);
  words[1] = (t.limb[1] >> 13) | (t.limb[2] << 38);
  words[2] = (t.limb[2] >> 26) | (t.limb[3] << 25);
  words[3] = (t.limb[3] >> 39) | (t.limb[4] << 12);
}

inline void Fp25519::to_bytes(std::uint8_t* bytes) const noexcept {
  std::uint64_t words[4];
  to_lanes(words);
  for (std::size_t j = 0; j < 4; ++j) store_le64(bytes + 8 * j, words[j]);
}

/// All ones when a is zero modulo p, else zero.
inline std::uint64_t is_zero(const Fp25519& a) noexcept {
  const Fp25519 t = a.canonical();
  return ct_equal(t.limb[0] | t.limb[1] | t.limb[2] | t.limb[3] | t.limb[4], 0);
}

/// All ones when the canonical value is odd, which RFC 9496 calls negative, else zero.
inline std::uint64_t is_negative(const Fp25519& a) noexcept { return ct_mask(a.canonical().limb[0] & 1); }

/// mask ? a : b.
inline Fp25519 ct_select(std::uint64_t mask, const Fp25519& a, const Fp25519& b) noexcept {
  Fp25519 r;
  for (std::size_t i = 0; i < 5; ++i) r.limb[i] = ct_select(mask, a.limb[i], b.limb[i]);
  return r;
}

// --- algorithms over any such field type F
// ------------------------------------------------------------------

/// All ones when a equals b modulo p. Requires b tight.
template <class F>
typename F::Mask ct_equal(const F& a, const F& b) noexcept {
  return is_zero(a - b);
}

/// mask ? -a : a. Requires a tight; the result is tight again.
template <class F>
F negate_if(typename F::Mask mask, const F& a) noexcept {
  return ct_select(mask, carry(-a), a);
}

/// The non-negative one of a and -a. Requires a tight.
template <class F>
F absolute(const F& a) noexcept {
  return negate_if(is_negative(a), a);
}

/// a^(2^count).
template <class F>
F square_times(F a, int count) noexcept {
  for (int i = 0; i < count; ++i) a = square(a);
  return a;
}

/// a^(2^250 - 1) and a^11, the common part of the two exponentiations below.
template <class F>
struct PowerPrefix {
  F ones250;
  F eleven;
  explicit PowerPrefix(const F& a) noexcept {
    const F two = square(a);
    const F nine = square_times(two, 2) * a;
    eleven = nine * two;
    const F ones5 = square(eleven) * nine;
    const F ones10 = square_times(ones5, 5) * ones5;
    const F ones20 = square_times(ones10, 10) * ones10;
    const F ones40 = square_times(ones20, 20) * ones20;
    const F ones50 = square_times(ones40, 10) * ones10;
    const F ones100 = square_times(ones50, 50) * ones50;
    const F ones200 = square_times(ones100, 100) * ones100;
    ones250 = square_times(ones200, 50) * ones50;
  }
};

/// a^(p-2): the inverse of a, and 0 for 0.
template <class F>
F invert(const F& a) noexcept {
  const PowerPrefix<F> prefix(a);
  return square_times(prefix.ones250, 5) * prefix.eleven;  // p - 2 = (2^250 - 1) 2^5 + 11
}

/// a^((p-5)/8).
template <class F>
F power_p58(const F& a) noexcept {
  return square_times(PowerPrefix<F>(a).ones250, 2) * a;  // (p - 5) / 8 = (2^250 - 1) 2^2 + 1
}

template <class F>
struct SquareRoot {
  typename F::Mask was_square;
  F root;
};

/// SQRT_RATIO_M1: the non-negative root of u/v, or of i u/v when u/v is not a square, with i = kSqrtMinusOne.
/// (0, v) gives (true, 0) and (u, 0) with u != 0 gives (false, 0). Requires u tight.
/// Ref       RFC 9496, section 4.2.
template <class F>
SquareRoot<F> sqrt_ratio_m1(const F& u, const F& v) noexcept {
  const F v3 = square(v) * v;
  const F r = u * v3 * power_p58(u * square(v3) * v);
  const F check = v * square(r);
  const F i = F(kSqrtMinusOne);
  const auto correct = ct_equal(check, u);
  const auto flipped = is_zero(check + u);
  const auto flipped_i = is_zero(check + u * i);
  const F root = ct_select(flipped | flipped_i, r * i, r);
  return {correct | flipped, absolute(root)};
}

/// Inverts every element in place with one inversion (Montgomery's trick); 0 stays 0.
/// Shapes    values[n], scratch[n].
/// Requires  values tight.
/// Timing    Depends on n only.
template <class F>
void batch_invert(std::span<F> values, std::span<F> scratch) noexcept {
  assert(scratch.size() >= values.size());
  F product = F::one();
  for (std::size_t i = 0; i < values.size(); ++i) {
    scratch[i] = product;
    product = product * ct_select(is_zero(values[i]), F::one(), values[i]);
  }
  F inverse = invert(product);
  for (std::size_t i = values.size(); i-- > 0;) {
    const auto zero = is_zero(values[i]);
    const F value = ct_select(zero, F::one(), values[i]);
    values[i] = ct_select(zero, F::zero(), inverse * scratch[i]);
    inverse = inverse * value;
  }
}

}  // namespace isthmus
