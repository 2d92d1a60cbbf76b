#pragma once
// Several elements modulo the prime of P-256 or SM2, one per vector lane: the field type that a backend's
// vectors give weierstrass_formulas.hpp. Included only by backends; everything has internal linkage.
//
// An element a is held as a R modulo p, R = 2^260, in five limbs of 52 bits. Bounds:
//   element   limbs < 2^52, value < 1.08 p.
//   Sum       signed limbs below 2^60, value within 16 p of zero.
//   Wide      signed columns below 2^60, value within 16 p^2 of zero: what reduce() takes.
// A product of elements divided by R is below 0.08 p, and reduce() adds a multiple q p / R < p; so products
// are elements again. A column of a product is below 10 * 2^52, and no sum of the formulas has more than ten
// of them.
//
// Both primes are -1 modulo 2^52. So the quotient digit of Montgomery's reduction is the lowest limb itself,
// and q p cancels it and leaves q (p + 1) / 2^52, whose limbs are few.
//
// Machine brings the vectors: kLanes, Vector of unsigned words, Digit for limbs as the multiplier takes them,
// Mask, and the operations used below. What its multiply() and to_vector() put into columns and limbs may
// differ from the integers by known constants, kLowOffset and kHighOffset for the halves of a product and
// kLimbOffset. The types of sums and wide values keep account of those, modulo 2^64, so that one addition per
// column takes out all that came together. Where a machine has no signed shift, kLift makes what is shifted
// positive.

#include <array>
#include <cstddef>
#include <cstdint>

#include "weierstrass_tile.hpp"

#define ISTHMUS_LANES_INLINE inline __attribute__((always_inline))

namespace isthmus::weierstrass {
namespace {

constexpr std::uint64_t kMask52 = (std::uint64_t{1} << 52) - 1;

using Limbs52 = std::array<std::uint64_t, 5>;
using Columns = std::array<std::uint64_t, 10>;

constexpr Limbs52 split52(const Words256& w) noexcept {
  return {w[0] & kMask52, ((w[0] >> 52) | (w[1] << 12)) & kMask52, ((w[1] >> 40) | (w[2] << 24)) & kMask52,
          ((w[2] >> 28) | (w[3] << 36)) & kMask52, w[3] >> 16};
}

// factor_a * a + factor_b * b modulo 2^64, entry by entry.
template <std::size_t n>
constexpr std::array<std::uint64_t, n> combine(std::int64_t factor_a, const std::array<std::uint64_t, n>& a,
                                               std::int64_t factor_b,
                                               const std::array<std::uint64_t, n>& b) noexcept {
  std::array<std::uint64_t, n> r{};
  for (std::size_t i = 0; i < n; ++i) {
    r[i] = static_cast<std::uint64_t>(factor_a) * a[i] + static_cast<std::uint64_t>(factor_b) * b[i];
  }
  return r;
}

template <int kFactor, class Vector>
ISTHMUS_LANES_INLINE Vector scaled(Vector a) noexcept {
  if constexpr (kFactor == 2) return a + a;
  if constexpr (kFactor == 3) return a + a + a;
  if constexpr (kFactor == 4) return a << 2;
  if constexpr (kFactor == 8) return a << 3;
  if constexpr (kFactor == 9) return (a << 3) + a;
  if constexpr (kFactor == 10) return (a << 3) + a + a;
}

// a 2^shift for limb `limb`, cut into what stays below 2^52 and what goes to the next limb.
template <int kShift, class Vector>
ISTHMUS_LANES_INLINE void add_shifted(Vector& limb, Vector& next, Vector a) noexcept {
  limb += (a << kShift) & kMask52;
  next += a >> (52 - kShift);
}
template <int kShift, class Vector>
ISTHMUS_LANES_INLINE void subtract_shifted(Vector& limb, Vector& next, Vector a) noexcept {
  limb -= (a << kShift) & kMask52;
  next -= a >> (52 - kShift);
}

// The two primes. 2^48 - 2^16 is what both have in the top limb of (p + 1) / 2^52.
constexpr std::uint64_t kTopFactor = (std::uint64_t{1} << 48) - (std::uint64_t{1} << 16);

template <class Curve>
struct Prime;

template <>
struct Prime<P256> {
  // (p + 1) / 2^52 = 2^44 + 2^36 2^104 + (2^48 - 2^16) 2^156, for a machine that multiplies fast,
  static constexpr Limbs52 kFactor = {std::uint64_t{1} << 44, 0, std::uint64_t{1} << 36, kTopFactor, 0};
  static constexpr bool kMinusOne = false;
  // and but for the top limb for one that does not.
  template <class Vector>
  ISTHMUS_LANES_INLINE static void add_quotient(Vector* c, Vector q) noexcept {
    add_shifted<44>(c[0], c[1], q);
    add_shifted<36>(c[2], c[3], q);
  }
  // c += q (2^256 - p), 2^256 - p = 2^224 - 2^192 - 2^96 + 1, for small q of either sign.
  template <class Vector>
  ISTHMUS_LANES_INLINE static void add_complement(Vector* c, Vector q) noexcept {
    c[0] += q;
    c[1] -= q << 44;
    c[3] -= q << 36;
    c[4] += q << 16;
  }
};

template <>
struct Prime<Sm2> {
  // (p + 1) / 2^52 = 2^12 - 2^44 + (2^48 - 2^16) 2^156; in place of -2^44, 2^52 - 2^44 and then -1 in the
  // next limb.
  static constexpr Limbs52 kFactor = {
      (std::uint64_t{1} << 52) - (std::uint64_t{1} << 44) + (std::uint64_t{1} << 12), 0, 0, kTopFactor, 0};
  static constexpr bool kMinusOne = true;
  template <class Vector>
  ISTHMUS_LANES_INLINE static void add_quotient(Vector* c, Vector q) noexcept {
    add_shifted<12>(c[0], c[1], q);
    subtract_shifted<44>(c[0], c[1], q);
  }
  // 2^256 - p = 2^224 + 2^96 - 2^64 + 1.
  template <class Vector>
  ISTHMUS_LANES_INLINE static void add_complement(Vector* c, Vector q) noexcept {
    c[0] += q;
    c[1] += (q << 44) - (q << 12);
    c[4] += q << 16;
  }
};

template <class Machine, class C>
class Lanes {
 public:
  using Curve = C;
  using Vector = typename Machine::Vector;
  using Digit = typename Machine::Digit;
  using Mask = typename Machine::Mask;
  static constexpr std::size_t kLanes = Machine::kLanes;

  // Everything is copied vector by vector: the compiler would copy the whole in smaller pieces, and loads
  // would wait for them.

  // The limbs hold kOffset beyond the integers they stand for, modulo 2^64; likewise the columns.
  template <Limbs52 kOffset>
  struct Sum {
    Vector limb[5];

    Sum() = default;
    ISTHMUS_LANES_INLINE Sum(const Sum& a) noexcept
        : limb{a.limb[0], a.limb[1], a.limb[2], a.limb[3], a.limb[4]} {}
  };
  template <Columns kOffset>
  struct Wide {
    Vector column[10];

    Wide() = default;
    ISTHMUS_LANES_INLINE Wide(const Wide& a) noexcept
        : column{a.column[0], a.column[1], a.column[2], a.column[3], a.column[4],
                 a.column[5], a.column[6], a.column[7], a.column[8], a.column[9]} {}
  };

  Lanes() = default;
  ISTHMUS_LANES_INLINE Lanes(const Lanes& a) noexcept
      : limb_{a.limb_[0], a.limb_[1], a.limb_[2], a.limb_[3], a.limb_[4]} {}
  ISTHMUS_LANES_INLINE Lanes& operator=(const Lanes& a) noexcept {
    limb_[0] = a.limb_[0], limb_[1] = a.limb_[1], limb_[2] = a.limb_[2];
    limb_[3] = a.limb_[3], limb_[4] = a.limb_[4];
    return *this;
  }

  template <Words256 kValue>
  ISTHMUS_LANES_INLINE static Lanes constant() noexcept {
    static constexpr Limbs52 kLimbs = split52(fp256::shift_left_mod(kValue, 260, C::kModulus));
    return broadcast(kLimbs);
  }
  ISTHMUS_LANES_INLINE static Lanes zero() noexcept { return broadcast({}); }
  ISTHMUS_LANES_INLINE static Lanes one() noexcept { return constant<Words256{1, 0, 0, 0}>(); }

  // Reads kLanes integers, any below 2^256.
  static Lanes load(const Words256* words) noexcept {
    alignas(64) std::uint64_t by_word[4][kLanes];
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      for (std::size_t j = 0; j < 4; ++j) by_word[j][lane] = words[lane][j];
    }
    const Vector w[4] = {Machine::load(by_word[0]), Machine::load(by_word[1]), Machine::load(by_word[2]),
                         Machine::load(by_word[3])};
    Lanes r;
    r.limb_[0] = Machine::to_digit(w[0] & kMask52);
    r.limb_[1] = Machine::to_digit(((w[0] >> 52) | (w[1] << 12)) & kMask52);
    r.limb_[2] = Machine::to_digit(((w[1] >> 40) | (w[2] << 24)) & kMask52);
    r.limb_[3] = Machine::to_digit(((w[2] >> 28) | (w[3] << 36)) & kMask52);
    r.limb_[4] = Machine::to_digit(w[3] >> 16);
    constexpr Words256 kRadix = fp256::shift_left_mod({1, 0, 0, 0}, 260, C::kModulus);
    return r * constant<kRadix>();
  }

  // Writes the canonical values.
  void store(Words256* words) const noexcept {
    const Lanes value = canonical();
    Vector v[5];
    for (std::size_t i = 0; i < 5; ++i) v[i] = value.integer(i);
    const Vector w[4] = {v[0] | (v[1] << 52), (v[1] >> 12) | (v[2] << 40), (v[2] >> 24) | (v[3] << 28),
                         (v[3] >> 36) | (v[4] << 16)};
    alignas(64) std::uint64_t by_word[4][kLanes];
    for (std::size_t j = 0; j < 4; ++j) Machine::store(by_word[j], w[j]);
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      for (std::size_t j = 0; j < 4; ++j) words[lane][j] = by_word[j][lane];
    }
  }

  ISTHMUS_LANES_INLINE static Mask bytes_equal(const std::uint8_t* bytes, std::uint8_t wanted) noexcept {
    return Machine::equal(Machine::load_bytes(bytes), Vector{} + wanted);
  }

  // --- sums ---

  ISTHMUS_LANES_INLINE friend auto to_sum(const Lanes& a) noexcept {
    constexpr std::uint64_t kOffset = Machine::kLimbOffset;
    Sum<Limbs52{kOffset, kOffset, kOffset, kOffset, kOffset}> r;
    for (std::size_t i = 0; i < 5; ++i) r.limb[i] = Machine::to_vector(a.limb_[i]);
    return r;
  }
  template <int kFactor, Limbs52 m>
  ISTHMUS_LANES_INLINE friend auto scale(const Sum<m>& a) noexcept {
    Sum<combine(kFactor, m, 0, m)> r;
    for (std::size_t i = 0; i < 5; ++i) r.limb[i] = scaled<kFactor>(a.limb[i]);
    return r;
  }
  template <Limbs52 m, Limbs52 n>
  ISTHMUS_LANES_INLINE friend auto operator+(const Sum<m>& a, const Sum<n>& b) noexcept {
    Sum<combine(1, m, 1, n)> r;
    for (std::size_t i = 0; i < 5; ++i) r.limb[i] = a.limb[i] + b.limb[i];
    return r;
  }
  template <Limbs52 m, Limbs52 n>
  ISTHMUS_LANES_INLINE friend auto operator-(const Sum<m>& a, const Sum<n>& b) noexcept {
    Sum<combine(1, m, -1, n)> r;
    for (std::size_t i = 0; i < 5; ++i) r.limb[i] = a.limb[i] - b.limb[i];
    return r;
  }
  template <Limbs52 m>
  ISTHMUS_LANES_INLINE friend auto operator-(const Sum<m>& a) noexcept {
    Sum<combine(-1, m, 0, m)> r;
    for (std::size_t i = 0; i < 5; ++i) r.limb[i] = Vector{} - a.limb[i];
    return r;
  }
  template <Limbs52 m>
  ISTHMUS_LANES_INLINE friend auto operator+(const Sum<m>& a, const Lanes& b) noexcept {
    return a + to_sum(b);
  }
  template <Limbs52 m>
  ISTHMUS_LANES_INLINE friend auto operator-(const Sum<m>& a, const Lanes& b) noexcept {
    return a - to_sum(b);
  }
  template <Limbs52 n>
  ISTHMUS_LANES_INLINE friend auto operator-(const Lanes& a, const Sum<n>& b) noexcept {
    return to_sum(a) - b;
  }
  ISTHMUS_LANES_INLINE friend auto operator+(const Lanes& a, const Lanes& b) noexcept {
    return to_sum(a) + to_sum(b);
  }
  ISTHMUS_LANES_INLINE friend auto operator-(const Lanes& a, const Lanes& b) noexcept {
    return to_sum(a) - to_sum(b);
  }
  ISTHMUS_LANES_INLINE friend auto operator-(const Lanes& a) noexcept { return -to_sum(a); }

  // The element of a sum. Its multiple of 2^256 comes from the top limb, to which lower ones can carry no
  // more than 2^12; taking a little less, 2^21 of the limb's units, leaves what remains positive, and below
  // 2^256 + 2^230, after the multiple times 2^256 - p < 2^225 was added in return.
  template <Limbs52 kOffset>
  ISTHMUS_LANES_INLINE friend Lanes carry(const Sum<kOffset>& a) noexcept {
    constexpr std::uint64_t kLess = std::uint64_t{1} << 21;
    const Vector top = Machine::template add<Machine::kLift - kLess - kOffset[4]>(a.limb[4]);
    const Vector q =
        Machine::template add<0 - (Machine::kLift >> 48)>(Machine::template shift_right<48>(top));
    Sum<kOffset> r = a;
    r.limb[4] -= q << 48;
    Prime<C>::add_complement(r.limb, q);
    return pass_carries(r);
  }

  // --- products ---

  template <Columns m, Columns n>
  ISTHMUS_LANES_INLINE friend auto operator+(const Wide<m>& a, const Wide<n>& b) noexcept {
    Wide<combine(1, m, 1, n)> r;
    for (std::size_t k = 0; k < 10; ++k) r.column[k] = a.column[k] + b.column[k];
    return r;
  }
  template <Columns m, Columns n>
  ISTHMUS_LANES_INLINE friend auto operator-(const Wide<m>& a, const Wide<n>& b) noexcept {
    Wide<combine(1, m, -1, n)> r;
    for (std::size_t k = 0; k < 10; ++k) r.column[k] = a.column[k] - b.column[k];
    return r;
  }
  template <int kFactor, Columns m>
  ISTHMUS_LANES_INLINE friend auto scale(const Wide<m>& a) noexcept {
    Wide<combine(kFactor, m, 0, m)> r;
    for (std::size_t k = 0; k < 10; ++k) r.column[k] = scaled<kFactor>(a.column[k]);
    return r;
  }

  // Column by column, so that few are open at a time.
  ISTHMUS_LANES_INLINE friend auto wide_product(const Lanes& a, const Lanes& b) noexcept {
    Wide<kProductOffset> r;
    Machine::template multiply<true, true>(r.column[0], r.column[1], a.limb_[0], b.limb_[0]);
#pragma GCC unroll 8
    for (std::size_t k = 1; k < 9; ++k) {
      const std::size_t first = k < 5 ? 0 : k - 4;
      Machine::template multiply<false, true>(r.column[k], r.column[k + 1], a.limb_[first],
                                              b.limb_[k - first]);
#pragma GCC unroll 4
      for (std::size_t i = first + 1; i < 5 && i <= k; ++i) {
        Machine::template multiply<false, false>(r.column[k], r.column[k + 1], a.limb_[i], b.limb_[k - i]);
      }
    }
    return r;
  }

  // Products of different limbs occur twice.
  ISTHMUS_LANES_INLINE friend auto wide_square(const Lanes& a) noexcept {
    Wide<kProductOffset> r;
    const Digit* x = a.limb_;
    auto& c = r.column;
    Machine::template multiply<true, true>(c[1], c[2], x[0], x[1]);
    Machine::template multiply<false, true>(c[2], c[3], x[0], x[2]);
    Machine::template multiply<false, true>(c[3], c[4], x[0], x[3]);
    Machine::template multiply<false, false>(c[3], c[4], x[1], x[2]);
    Machine::template multiply<false, true>(c[4], c[5], x[0], x[4]);
    Machine::template multiply<false, false>(c[4], c[5], x[1], x[3]);
    Machine::template multiply<false, true>(c[5], c[6], x[1], x[4]);
    Machine::template multiply<false, false>(c[5], c[6], x[2], x[3]);
    Machine::template multiply<false, true>(c[6], c[7], x[2], x[4]);
    Machine::template multiply<false, true>(c[7], c[8], x[3], x[4]);
#pragma GCC unroll 8
    for (std::size_t k = 1; k < 9; ++k) c[k] += c[k];
    Machine::template multiply<true, false>(c[0], c[1], x[0], x[0]);
#pragma GCC unroll 3
    for (std::size_t i = 1; i < 4; ++i) {
      Machine::template multiply<false, false>(c[2 * i], c[2 * i + 1], x[i], x[i]);
    }
    Machine::template multiply<false, true>(c[8], c[9], x[4], x[4]);
    return r;
  }

  // Montgomery's reduction.
  template <Columns kOffset>
  ISTHMUS_LANES_INLINE friend auto reduce(const Wide<kOffset>& a) noexcept {
    using P = Prime<C>;
    constexpr Columns kStart = combine(1, kRowLift, -1, combine(1, kOffset, 1, kRowOffset));
    Vector c[10];
    c[0] = Machine::template add<kStart[0]>(a.column[0]);
    c[1] = Machine::template add<kStart[1]>(a.column[1]);
    c[2] = Machine::template add<kStart[2]>(a.column[2]);
    c[3] = Machine::template add<kStart[3]>(a.column[3]);
    c[4] = Machine::template add<kStart[4]>(a.column[4]);
    c[5] = a.column[5], c[6] = a.column[6], c[7] = a.column[7], c[8] = a.column[8], c[9] = a.column[9];
#pragma GCC unroll 5
    for (std::size_t row = 0; row < 5; ++row) {
      const Vector q = c[row] & kMask52;
      const Digit digit = Machine::to_digit(q);
      c[row + 1] += Machine::template shift_right<52>(c[row]);
      if constexpr (Machine::kShiftsQuotients) P::add_quotient(c + row + 1, q);
#pragma GCC unroll 4
      for (std::size_t k = 0; k < 4; ++k) {
        if (!multiplies(k)) continue;
        Machine::template multiply<false, false>(c[row + k + 1], c[row + k + 2], digit,
                                                 Machine::digit(P::kFactor[k]));
      }
      if constexpr (!Machine::kShiftsQuotients && P::kMinusOne) c[row + 2] -= q;
    }
    Sum<upper(combine(-1, kStart, 0, kStart))> r;
    r.limb[0] = c[5], r.limb[1] = c[6], r.limb[2] = c[7], r.limb[3] = c[8], r.limb[4] = c[9];
    return r;
  }

  ISTHMUS_LANES_INLINE friend Lanes operator*(const Lanes& a, const Lanes& b) noexcept {
    return pass_carries(reduce(wide_product(a, b)));
  }
  ISTHMUS_LANES_INLINE friend Lanes square(const Lanes& a) noexcept {
    return pass_carries(reduce(wide_square(a)));
  }

  // --- questions ---

  ISTHMUS_LANES_INLINE friend Mask is_zero(const Lanes& a) noexcept {
    Vector zero{}, prime{};
    for (std::size_t i = 0; i < 5; ++i) {
      const Vector limb = a.integer(i);
      zero |= limb;
      prime |= limb ^ kPrime[i];
    }
    return Machine::equal(zero, Vector{}) | Machine::equal(prime, Vector{});
  }
  friend Mask is_odd(const Lanes& a) noexcept {
    return Machine::equal(a.canonical().integer(0) & 1, Vector{} + 1);
  }
  ISTHMUS_LANES_INLINE friend Lanes ct_select(Mask mask, const Lanes& a, const Lanes& b) noexcept {
    Lanes r;
    for (std::size_t i = 0; i < 5; ++i) r.limb_[i] = Machine::select(mask, a.limb_[i], b.limb_[i]);
    return r;
  }

 private:
  static constexpr Limbs52 kPrime = split52(C::kModulus);

  ISTHMUS_LANES_INLINE static Lanes broadcast(const Limbs52& limbs) noexcept {
    Lanes r;
    for (std::size_t i = 0; i < 5; ++i) r.limb_[i] = Machine::digit(limbs[i]);
    return r;
  }

  // The offsets of one product, or of one square, half of whose products are doubled.
  static constexpr Columns kProductOffset = [] {
    Columns c{};
    for (std::size_t i = 0; i < 5; ++i) {
      for (std::size_t j = 0; j < 5; ++j)
        c[i + j] += Machine::kLowOffset, c[i + j + 1] += Machine::kHighOffset;
    }
    return c;
  }();

  // Whether reduce() multiplies the quotient digit by factor k.
  static constexpr bool multiplies(std::size_t k) noexcept {
    return Machine::kShiftsQuotients ? k == 3 : Prime<C>::kFactor[k] != 0;
  }
  // The offsets of those products.
  static constexpr Columns kRowOffset = [] {
    Columns c{};
    for (std::size_t row = 0; row < 5; ++row) {
      for (std::size_t k = 0; k < 4; ++k) {
        if (multiplies(k)) c[row + k + 1] += Machine::kLowOffset, c[row + k + 2] += Machine::kHighOffset;
      }
    }
    return c;
  }();

  // A lifted limb passes this on beyond its carry.
  static constexpr std::uint64_t kPassed = Machine::kLift >> 52;
  // The lift of the five columns that reduce() shifts; each takes back what the one below passes on.
  static constexpr Columns kRowLift = [] {
    Columns c{};
    for (std::size_t row = 0; row < 5; ++row) c[row] += Machine::kLift, c[row + 1] -= kPassed;
    return c;
  }();

  static constexpr Limbs52 upper(const Columns& c) noexcept { return {c[5], c[6], c[7], c[8], c[9]}; }

  // The element of a value in [0, 2^260): carries go up to the top limb.
  template <Limbs52 kOffset>
  ISTHMUS_LANES_INLINE static Lanes pass_carries(const Sum<kOffset>& a) noexcept {
    constexpr std::uint64_t kLift = Machine::kLift;
    const Vector lifted[5] = {Machine::template add<kLift - kOffset[0]>(a.limb[0]),
                              Machine::template add<kLift - kPassed - kOffset[1]>(a.limb[1]),
                              Machine::template add<kLift - kPassed - kOffset[2]>(a.limb[2]),
                              Machine::template add<kLift - kPassed - kOffset[3]>(a.limb[3]),
                              Machine::template add<0 - kPassed - kOffset[4]>(a.limb[4])};
    Lanes r;
    Vector v = lifted[0];
#pragma GCC unroll 4
    for (std::size_t i = 0; i < 4; ++i) {
      r.limb_[i] = Machine::to_digit(v & kMask52);
      v = lifted[i + 1] + Machine::template shift_right<52>(v);
    }
    r.limb_[4] = Machine::to_digit(v);
    return r;
  }

  // The value itself: reducing the limbs as an integer gives at most p, and p only for zero.
  Lanes canonical() const noexcept {
    const auto limbs = to_sum(*this);
    Wide<Columns{kLimbOffset, kLimbOffset, kLimbOffset, kLimbOffset, kLimbOffset}> wide;
    for (std::size_t i = 0; i < 5; ++i) wide.column[i] = limbs.limb[i], wide.column[i + 5] = Vector{};
    const Lanes value = pass_carries(reduce(wide));
    return ct_select(is_zero(value), zero(), value);
  }
  static constexpr std::uint64_t kLimbOffset = Machine::kLimbOffset;

  // Limb i as an integer.
  ISTHMUS_LANES_INLINE Vector integer(std::size_t i) const noexcept {
    return Machine::template add<0 - kLimbOffset>(Machine::to_vector(limb_[i]));
  }

  Digit limb_[5];
};

template <int kFactor, class S>
ISTHMUS_LANES_INLINE auto small_multiple(const S& a) noexcept {
  return scale<kFactor>(a);
}
template <int kFactor, class Machine, class C>
ISTHMUS_LANES_INLINE auto small_multiple(const Lanes<Machine, C>& a) noexcept {
  return scale<kFactor>(to_sum(a));
}

}  // namespace
}  // namespace isthmus::weierstrass
