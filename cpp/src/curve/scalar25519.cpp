#include "isthmus/curve/scalar25519.hpp"

#include "isthmus/core/secret.hpp"

namespace isthmus::scalar25519 {
namespace {

using Wide = unsigned __int128;
using Words = std::array<std::uint64_t, 4>;

constexpr Words kOrder = {0x5812631a5cf5d3ed, 0x14def9dea2f79cd6, 0, 0x1000000000000000};
constexpr std::uint64_t kMinusOrderInverse = 0xd2b51da312547e1b;  // -1/L mod 2^64
constexpr Words kRadixSquared = {0xa40611e3449c0f01, 0xd00e1ba768859347, 0xceec73d217f5be65,
                                 0x0399411b7c309a3d};  // 2^512 mod L
constexpr Words kOne = {1, 0, 0, 0};

Words load(const std::uint8_t* p) noexcept {
  return {load_le64(p), load_le64(p + 8), load_le64(p + 16), load_le64(p + 24)};
}

void store(std::uint8_t* p, const Words& a) noexcept {
  for (std::size_t i = 0; i < 4; ++i) store_le64(p + 8 * i, a[i]);
}

// a - L when that is not negative, else a; `high` is the word above a.
Words subtract_order_once(const Words& a, std::uint64_t high) noexcept {
  Words difference;
  std::uint64_t borrow = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const Wide d = static_cast<Wide>(a[i]) - kOrder[i] - borrow;
    difference[i] = static_cast<std::uint64_t>(d);
    borrow = static_cast<std::uint64_t>(d >> 64) & 1;
  }
  const std::uint64_t keep = ct_mask(borrow & (high ^ 1));
  Words r;
  for (std::size_t i = 0; i < 4; ++i) r[i] = ct_select(keep, a[i], difference[i]);
  return r;
}

// Montgomery's a b / 2^256 mod L for any a < 2^256 and b < L.
Words montgomery(const Words& a, const Words& b) noexcept {
  std::array<std::uint64_t, 6> t{};
  const auto add_row = [&t](std::uint64_t factor, const Words& row) {
    std::uint64_t carry = 0;
    for (std::size_t j = 0; j < 4; ++j) {
      const Wide s = static_cast<Wide>(factor) * row[j] + t[j] + carry;
      t[j] = static_cast<std::uint64_t>(s);
      carry = static_cast<std::uint64_t>(s >> 64);
    }
    const Wide s = static_cast<Wide>(t[4]) + carry;
    t[4] = static_cast<std::uint64_t>(s);
    t[5] += static_cast<std::uint64_t>(s >> 64);
  };
  for (std::size_t i = 0; i < 4; ++i) {
    add_row(a[i], b);
    add_row(t[0] * kMinusOrderInverse, kOrder);
    for (std::size_t j = 0; j < 5; ++j) t[j] = t[j + 1];  // the lowest word is zero now
    t[5] = 0;
  }
  // t < (2^256 L + 2^256 L) / 2^256 = 2L.
  return subtract_order_once({t[0], t[1], t[2], t[3]}, t[4]);
}

}  // namespace

void reduce_wide(const std::uint8_t* in, std::uint8_t* out) noexcept {
  // low + 2^256 high: montgomery(x, 2^512) = 2^256 x, and montgomery(2^256 x, 1) = x.
  Words low = montgomery(montgomery(load(in), kRadixSquared), kOne);
  Words high = montgomery(load(in + 32), kRadixSquared);
  const ZeroiseGuard<Words> wipe_low(low);
  const ZeroiseGuard<Words> wipe_high(high);
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const Wide s = static_cast<Wide>(low[i]) + high[i] + carry;
    low[i] = static_cast<std::uint64_t>(s);
    carry = static_cast<std::uint64_t>(s >> 64);
  }
  store(out, subtract_order_once(low, carry));
}

void mul(const std::uint8_t* a, const std::uint8_t* b, std::uint8_t* out) noexcept {
  store(out, montgomery(montgomery(load(a), load(b)), kRadixSquared));
}

void subtract_product(const std::uint8_t* a, const std::uint8_t* b, const std::uint8_t* c,
                      std::uint8_t* out) noexcept {
  const Words x = load(a);
  const Words product = montgomery(montgomery(load(b), load(c)), kRadixSquared);
  Words difference;
  std::uint64_t borrow = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const Wide d = static_cast<Wide>(x[i]) - product[i] - borrow;
    difference[i] = static_cast<std::uint64_t>(d);
    borrow = static_cast<std::uint64_t>(d >> 64) & 1;
  }
  const std::uint64_t below = ct_mask(borrow);
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const Wide s = static_cast<Wide>(difference[i]) + (kOrder[i] & below) + carry;
    store_le64(out + 8 * i, static_cast<std::uint64_t>(s));
    carry = static_cast<std::uint64_t>(s >> 64);
  }
}

void invert(const std::uint8_t* a, std::uint8_t* out) noexcept {
  // The exponent L - 2 is public, so branching on its bits reveals nothing.
  Words base = montgomery(load(a), kRadixSquared);
  Words r = montgomery(kOne, kRadixSquared);
  const ZeroiseGuard<Words> wipe_base(base);
  const ZeroiseGuard<Words> wipe_r(r);
  for (int i = 252; i >= 0; --i) {
    r = montgomery(r, r);
    const std::uint64_t word = kOrder[static_cast<std::size_t>(i / 64)] - (i < 64 ? 2 : 0);
    if ((word >> (i % 64)) & 1) r = montgomery(r, base);
  }
  store(out, montgomery(r, kOne));
}

void halve(const std::uint8_t* a, std::uint8_t* out) noexcept {
  // (a + L) / 2 for odd a.
  const Words x = load(a);
  const std::uint64_t odd = ct_mask(x[0] & 1);
  Words sum;
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const Wide s = static_cast<Wide>(x[i]) + (kOrder[i] & odd) + carry;
    sum[i] = static_cast<std::uint64_t>(s);
    carry = static_cast<std::uint64_t>(s >> 64);
  }
  for (std::size_t i = 0; i < 4; ++i) {
    const std::uint64_t above = i < 3 ? sum[i + 1] : carry;
    store_le64(out + 8 * i, (sum[i] >> 1) | (above << 63));
  }
}

bool is_canonical(const std::uint8_t* in) noexcept {
  const Words a = load(in);
  std::uint64_t borrow = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const Wide d = static_cast<Wide>(a[i]) - kOrder[i] - borrow;
    borrow = static_cast<std::uint64_t>(d >> 64) & 1;
  }
  return borrow == 1;
}

}  // namespace isthmus::scalar25519
