#pragma once
// Integers modulo a 256-bit prime, portable: one element, four 64-bit words, in Montgomery form a * 2^256.
//
// Everything here is constant time. Elements are always fully reduced. Modulus is a type with a member
// `static constexpr Words256 kModulus`, the prime m, above 2^255. When m = -1 modulo 2^64 it may have
// `static void add_multiple(q, t)`, which adds q (m + 1) to the six words t but for the lowest, taken to be
// q.

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "isthmus/core/bytes.hpp"
#include "isthmus/core/secret.hpp"

namespace isthmus {

/// The integer w[0] + 2^64 w[1] + 2^128 w[2] + 2^192 w[3].
using Words256 = std::array<std::uint64_t, 4>;

namespace fp256 {

// The runtime helpers are inlined always: files with instruction set flags use them too, and must not leave
// copies that the linker could pick for everyone.
using Wide = unsigned __int128;

#if defined(__x86_64__) && defined(__GNUC__)
#define ISTHMUS_CARRY_CHAIN 1  // compilers do not find these instructions in the portable form
#endif

// Adds or subtracts a carry or borrow of 0 or 1 along with b, and returns the next one.
[[gnu::always_inline]] constexpr std::uint64_t add_with_carry(std::uint64_t a, std::uint64_t b,
                                                              std::uint64_t carry,
                                                              std::uint64_t& sum) noexcept {
#ifdef ISTHMUS_CARRY_CHAIN
  if (!std::is_constant_evaluated()) {
    unsigned long long out;
    const auto next = __builtin_ia32_addcarryx_u64(static_cast<unsigned char>(carry), a, b, &out);
    sum = out;
    return next;
  }
#endif
  const Wide s = static_cast<Wide>(a) + b + carry;
  sum = static_cast<std::uint64_t>(s);
  return static_cast<std::uint64_t>(s >> 64);
}

[[gnu::always_inline]] constexpr std::uint64_t subtract_with_borrow(std::uint64_t a, std::uint64_t b,
                                                                    std::uint64_t borrow,
                                                                    std::uint64_t& difference) noexcept {
#ifdef ISTHMUS_CARRY_CHAIN
  if (!std::is_constant_evaluated()) {
    unsigned long long out;
    const auto next = __builtin_ia32_sbb_u64(static_cast<unsigned char>(borrow), a, b, &out);
    difference = out;
    return next;
  }
#endif
  const Wide d = static_cast<Wide>(a) - b - borrow;
  difference = static_cast<std::uint64_t>(d);
  return static_cast<std::uint64_t>(d >> 64) & 1;
}

/// difference = a - b modulo 2^256; returns 1 when a < b, else 0.
[[gnu::always_inline]] constexpr std::uint64_t subtract(const Words256& a, const Words256& b,
                                                        Words256& difference) noexcept {
  std::uint64_t borrow = 0;
  for (std::size_t i = 0; i < 4; ++i) borrow = subtract_with_borrow(a[i], b[i], borrow, difference[i]);
  return borrow;
}

/// sum = a + b modulo 2^256; returns the carry.
[[gnu::always_inline]] constexpr std::uint64_t add(const Words256& a, const Words256& b,
                                                   Words256& sum) noexcept {
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i < 4; ++i) carry = add_with_carry(a[i], b[i], carry, sum[i]);
  return carry;
}

/// a, in a general register, so that the compiler does not make vectors of neighbouring words.
[[gnu::always_inline]] inline std::uint64_t opaque(std::uint64_t a) noexcept {
  __asm__("" : "+r"(a));
  return a;
}

[[gnu::always_inline]] constexpr void copy(const Words256& from, Words256& to) noexcept {
  for (std::size_t i = 0; i < 4; ++i) to[i] = std::is_constant_evaluated() ? from[i] : opaque(from[i]);
}

/// mask ? a : b.
[[gnu::always_inline]] inline Words256 select(std::uint64_t mask, const Words256& a,
                                              const Words256& b) noexcept {
  Words256 r;
  for (std::size_t i = 0; i < 4; ++i) r[i] = opaque(ct_select(mask, a[i], b[i]));
  return r;
}

/// t[0..4] += factor * row[0..3]; returns the carry.
[[gnu::always_inline]] inline std::uint64_t add_product(std::uint64_t factor, const std::uint64_t* row,
                                                        std::uint64_t* t) noexcept {
  std::uint64_t low[4], high[4];
#pragma GCC unroll 4
  for (std::size_t j = 0; j < 4; ++j) {
    const Wide product = static_cast<Wide>(factor) * row[j];
    low[j] = static_cast<std::uint64_t>(product);
    high[j] = static_cast<std::uint64_t>(product >> 64);
  }
  // low + 2^64 high first, which is below 2^320.
  std::uint64_t carry = 0;
#pragma GCC unroll 3
  for (std::size_t j = 0; j < 3; ++j) carry = add_with_carry(low[j + 1], high[j], carry, low[j + 1]);
  high[3] += carry;
  carry = 0;
#pragma GCC unroll 4
  for (std::size_t j = 0; j < 4; ++j) carry = add_with_carry(t[j], low[j], carry, t[j]);
  return add_with_carry(t[4], high[3], carry, t[4]);
}

/// a 2^bits modulo m, for public a < m: makes constants at compile time.
constexpr Words256 shift_left_mod(Words256 a, int bits, const Words256& m) noexcept {
  for (int i = 0; i < bits; ++i) {
    Words256 doubled{}, reduced{};
    const std::uint64_t carry = add(a, a, doubled);
    const std::uint64_t borrow = subtract(doubled, m, reduced);
    a = carry == 0 && borrow == 1 ? doubled : reduced;
  }
  return a;
}

/// -1/m modulo 2^64 for odd m, by Newton's iteration.
constexpr std::uint64_t minus_inverse(std::uint64_t m) noexcept {
  std::uint64_t x = m;  // right modulo 8; every step doubles the number of right bits
  for (int i = 0; i < 5; ++i) x *= 2 - m * x;
  return std::uint64_t{0} - x;
}

[[gnu::always_inline]] inline Words256 load_be(const std::uint8_t* p) noexcept {
  return {load_be64(p + 24), load_be64(p + 16), load_be64(p + 8), load_be64(p)};
}

[[gnu::always_inline]] inline void store_be(std::uint8_t* p, const Words256& a) noexcept {
  for (std::size_t i = 0; i < 4; ++i) store_be64(p + 8 * i, a[3 - i]);
}

}  // namespace fp256

template <class Modulus>
class Fp256 {
 public:
  /// All ones or zero: the answer to a question about one element.
  using Mask = std::uint64_t;

  /// The element a, reduced at compile time.
  static consteval Fp256 constant(const Words256& a) noexcept {
    return Fp256(fp256::shift_left_mod(a, 256, kModulus));
  }
  static constexpr Fp256 zero() noexcept { return {}; }
  static constexpr Fp256 one() noexcept { return constant({1, 0, 0, 0}); }

  constexpr Fp256() noexcept = default;

  // Word by word: the compiler would copy in vectors, which wait until the words just written have left the
  // core.
  [[gnu::always_inline]] constexpr Fp256(const Fp256& a) noexcept { fp256::copy(a.word_, word_); }
  [[gnu::always_inline]] constexpr Fp256& operator=(const Fp256& a) noexcept {
    fp256::copy(a.word_, word_);
    return *this;
  }

  /// a modulo the prime, for any a.
  static Fp256 from_words(const Words256& a) noexcept {
    constexpr Words256 kRadixSquared = fp256::shift_left_mod({1, 0, 0, 0}, 512, kModulus);
    return multiply(a, kRadixSquared);
  }

  /// low + 2^256 high modulo the prime, for any two.
  static Fp256 from_wide(const Words256& low, const Words256& high) noexcept {
    constexpr Words256 kRadixCubed = fp256::shift_left_mod({1, 0, 0, 0}, 768, kModulus);
    return from_words(low) + multiply(high, kRadixCubed);
  }

  /// The canonical value.
  Words256 to_words() const noexcept { return multiply(word_, {1, 0, 0, 0}).word_; }

  [[gnu::always_inline]] friend Fp256 operator*(const Fp256& a, const Fp256& b) noexcept {
    return multiply(a.word_, b.word_);
  }

  [[gnu::always_inline]] friend Fp256 operator+(const Fp256& a, const Fp256& b) noexcept {
    Words256 sum;
    const std::uint64_t carry = fp256::add(a.word_, b.word_, sum);
    return subtract_modulus_once(sum, carry);
  }

  [[gnu::always_inline]] friend Fp256 operator-(const Fp256& a, const Fp256& b) noexcept {
    Fp256 r;
    const std::uint64_t below = ct_mask(fp256::subtract(a.word_, b.word_, r.word_));
    fp256::add(r.word_, fp256::select(below, kModulus, {}), r.word_);
    return r;
  }

  [[gnu::always_inline]] friend Fp256 operator-(const Fp256& a) noexcept { return zero() - a; }

  /// All ones when a is zero.
  friend Mask is_zero(const Fp256& a) noexcept {
    return isthmus::ct_equal(a.word_[0] | a.word_[1] | a.word_[2] | a.word_[3], 0);
  }

  /// mask ? a : b.
  friend Fp256 ct_select(Mask mask, const Fp256& a, const Fp256& b) noexcept {
    return Fp256(fp256::select(mask, a.word_, b.word_));
  }

 private:
  static constexpr const Words256& kModulus = Modulus::kModulus;
  static constexpr std::uint64_t kMinusInverse = fp256::minus_inverse(kModulus[0]);

  [[gnu::always_inline]] explicit constexpr Fp256(const Words256& word) noexcept { fp256::copy(word, word_); }

  // a minus the modulus when that is not negative, else a; `high` is the word above a.
  static Fp256 subtract_modulus_once(const Words256& a, std::uint64_t high) noexcept {
    Words256 difference;
    const std::uint64_t borrow = fp256::subtract(a, kModulus, difference);
    const std::uint64_t keep = ct_mask(borrow & (high ^ 1));
    return Fp256(fp256::select(keep, a, difference));
  }

  // Montgomery's a b / 2^256 for any a < 2^256 and b below the modulus: a b + q m < 2^256 * 2m.
  [[gnu::always_inline]] static Fp256 multiply(const Words256& a, const Words256& b) noexcept {
    std::uint64_t t[6] = {};
#pragma GCC unroll 4
    for (std::size_t i = 0; i < 4; ++i) {
      t[5] = fp256::add_product(a[i], b.data(), t);
      // The q that clears the lowest word, times m.
      const std::uint64_t q = t[0] * kMinusInverse;
      if constexpr (requires { Modulus::add_multiple(q, t); }) {
        Modulus::add_multiple(q, t);
      } else {
        t[5] += fp256::add_product(q, kModulus.data(), t);
      }
      for (std::size_t j = 0; j < 5; ++j) t[j] = t[j + 1];
    }
    return subtract_modulus_once({t[0], t[1], t[2], t[3]}, t[4]);
  }

  Words256 word_{};
};

template <class Modulus>
Fp256<Modulus> square(const Fp256<Modulus>& a) noexcept {
  return a * a;
}

/// 1/a, and 0 for 0, as a^(m-2); the exponent is public.
template <class Modulus>
Fp256<Modulus> invert(const Fp256<Modulus>& a) noexcept {
  Words256 exponent{};
  fp256::subtract(Modulus::kModulus, {2, 0, 0, 0}, exponent);
  Fp256<Modulus> r = Fp256<Modulus>::one();
  for (std::size_t bit = 256; bit-- > 0;) {
    r = square(r);
    if ((exponent[bit / 64] >> (bit % 64)) & 1) r = r * a;
  }
  return r;
}

}  // namespace isthmus
