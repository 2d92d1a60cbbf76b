#include "isthmus/bigint/natural.hpp"

#include <algorithm>
#include <bit>

#include "isthmus/core/error.hpp"
#include "isthmus/core/random.hpp"

namespace isthmus::bigint {
namespace {

using Wide = unsigned __int128;

// out -= a * w over a.size() limbs; returns the limb that is still to be subtracted above them.
Limb subtract_product(MutableLimbSpan out, LimbSpan a, Limb w) {
  Limb owed = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const Wide product = Wide{a[i]} * w + owed;
    const Limb low = static_cast<Limb>(product);
    owed = static_cast<Limb>(product >> 64) + (out[i] < low);
    out[i] -= low;
  }
  return owed;
}

// Quotient of (high, low) by d for high < d.
Limb divide_wide(Limb high, Limb low, Limb d) { return static_cast<Limb>((Wide{high} << 64 | low) / d); }

QuotientRemainder divide_by_word(const Natural& a, Limb d) {
  SecretVector<Limb> quotient(a.limbs().size());
  Limb rest = 0;
  for (std::size_t i = quotient.size(); i-- > 0;) {
    const Limb low = a.limb(i);
    quotient[i] = divide_wide(rest, low, d);
    rest = low - quotient[i] * d;
  }
  return {Natural(quotient), Natural(rest)};
}

// One digit of Algorithm D: the quotient of the n+1 top limbs u by v, which it subtracts from u.
Limb divide_step(MutableLimbSpan u, LimbSpan v) {
  const std::size_t n = v.size();
  const Wide top = Wide{u[n]} << 64 | u[n - 1];
  Wide guess = top / v[n - 1];
  Wide rest = top % v[n - 1];
  while (guess >> 64 != 0 || Wide{static_cast<Limb>(guess)} * v[n - 2] > (rest << 64 | u[n - 2])) {
    --guess;
    rest += v[n - 1];
    if (rest >> 64 != 0) break;
  }
  Limb digit = static_cast<Limb>(guess);
  const Limb owed = subtract_product(u.first(n), v, digit);
  const bool too_large = u[n] < owed;
  u[n] -= owed;
  if (too_large) {
    --digit;
    u[n] += add_limbs(u.first(n), v);
  }
  return digit;
}

}  // namespace

Limb add_limbs(MutableLimbSpan a, LimbSpan b) noexcept {
  Limb carry = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const Wide sum = Wide{a[i]} + (i < b.size() ? b[i] : 0) + carry;
    a[i] = static_cast<Limb>(sum);
    carry = static_cast<Limb>(sum >> 64);
  }
  return carry;
}

void multiply_limbs(MutableLimbSpan out, LimbSpan a, LimbSpan b) noexcept {
  std::fill(out.begin(), out.end(), Limb{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    Limb carry = 0;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const Wide t = Wide{a[i]} * b[j] + out[i + j] + carry;
      out[i + j] = static_cast<Limb>(t);
      carry = static_cast<Limb>(t >> 64);
    }
    out[i + b.size()] = carry;
  }
}

void limbs_from_bytes(MutableLimbSpan out, ByteSpan big_endian) noexcept {
  std::fill(out.begin(), out.end(), Limb{0});
  for (std::size_t i = 0; 8 * i < big_endian.size(); ++i) {
    const std::size_t end = big_endian.size() - 8 * i, begin = end < 8 ? 0 : end - 8;
    Limb w = 0;
    for (std::size_t j = begin; j < end; ++j) w = w << 8 | big_endian[j];
    out[i] = w;
  }
}

void limbs_to_bytes(MutableByteSpan big_endian, LimbSpan limbs) noexcept {
  for (std::size_t i = 0; 8 * i < big_endian.size(); ++i) {
    const std::size_t end = big_endian.size() - 8 * i, begin = end < 8 ? 0 : end - 8;
    Limb w = i < limbs.size() ? limbs[i] : 0;
    for (std::size_t j = end; j-- > begin; w >>= 8) big_endian[j] = static_cast<std::uint8_t>(w);
  }
}

Natural::Natural(Limb value) {
  if (value != 0) limbs_.push_back(value);
}

Natural::Natural(LimbSpan limbs) : limbs_(limbs.begin(), limbs.end()) { trim(); }

void Natural::trim() noexcept {
  while (!limbs_.empty() && limbs_.back() == 0) limbs_.pop_back();
}

Natural Natural::from_bytes(ByteSpan big_endian) {
  Natural out;
  out.limbs_.resize((big_endian.size() + 7) / 8);
  limbs_from_bytes(out.limbs_, big_endian);
  out.trim();
  return out;
}

Natural Natural::power_of_two(std::size_t exponent) { return Natural(1) << exponent; }

Natural Natural::random_bits(std::size_t bits) {
  SecretVector<Limb> limbs((bits + 63) / 64);
  random_bytes({reinterpret_cast<std::uint8_t*>(limbs.data()), limbs.size() * sizeof(Limb)});
  if (bits % 64 != 0) limbs.back() &= (Limb{1} << (bits % 64)) - 1;
  return Natural(limbs);
}

Natural Natural::random_below(const Natural& bound) {
  require(!bound.is_zero(), "bound must be positive");
  for (;;) {
    Natural candidate = random_bits(bound.bit_length());
    if (candidate < bound) return candidate;
  }
}

void Natural::to_bytes(MutableByteSpan big_endian) const {
  require((bit_length() + 7) / 8 <= big_endian.size(), "the integer does not fit the given number of bytes");
  limbs_to_bytes(big_endian, limbs_);
}

void Natural::copy_to(MutableLimbSpan out) const {
  require(limbs_.size() <= out.size(), "the integer does not fit the given number of limbs");
  std::fill(std::copy(limbs_.begin(), limbs_.end(), out.begin()), out.end(), Limb{0});
}

std::size_t Natural::bit_length() const noexcept {
  return limbs_.empty() ? 0 : 64 * limbs_.size() - static_cast<std::size_t>(std::countl_zero(limbs_.back()));
}

std::strong_ordering Natural::operator<=>(const Natural& other) const noexcept {
  // From the bottom up, so that time depends on the lengths only.
  std::uint64_t less = 0;
  std::uint64_t greater = 0;
  for (std::size_t i = 0; i < std::max(limbs_.size(), other.limbs_.size()); ++i) {
    const Limb a = limb(i), b = other.limb(i);
    const std::uint64_t lt = static_cast<std::uint64_t>((Wide{a} - b) >> 127);
    const std::uint64_t gt = static_cast<std::uint64_t>((Wide{b} - a) >> 127);
    less = lt | (less & ~gt & 1);
    greater = gt | (greater & ~lt & 1);
  }
  return static_cast<int>(greater) - static_cast<int>(less) <=> 0;
}

Natural operator+(const Natural& a, const Natural& b) {
  SecretVector<Limb> sum(std::max(a.limbs().size(), b.limbs().size()) + 1);
  a.copy_to(sum);
  add_limbs(sum, b.limbs());
  return Natural(sum);
}

Natural operator-(const Natural& a, const Natural& b) {
  require(a >= b, "the difference would be negative");
  SecretVector<Limb> difference(a.limbs().begin(), a.limbs().end());
  Limb borrow = 0;
  for (std::size_t i = 0; i < difference.size(); ++i) {
    const Wide d = Wide{difference[i]} - b.limb(i) - borrow;
    difference[i] = static_cast<Limb>(d);
    borrow = static_cast<Limb>(d >> 127);
  }
  return Natural(difference);
}

Natural operator*(const Natural& a, const Natural& b) {
  SecretVector<Limb> product(a.limbs().size() + b.limbs().size());
  multiply_limbs(product, a.limbs(), b.limbs());
  return Natural(product);
}

Natural operator<<(const Natural& a, std::size_t bits) {
  const std::size_t words = bits / 64, shift = bits % 64;
  SecretVector<Limb> out(a.limbs().size() + words + 1);
  for (std::size_t i = 0; i < a.limbs().size(); ++i) {
    const Wide moved = Wide{a.limb(i)} << shift;
    out[i + words] |= static_cast<Limb>(moved);
    out[i + words + 1] = static_cast<Limb>(moved >> 64);
  }
  return Natural(out);
}

Natural operator>>(const Natural& a, std::size_t bits) {
  const std::size_t words = bits / 64, shift = bits % 64;
  if (words >= a.limbs().size()) return {};
  SecretVector<Limb> out(a.limbs().size() - words);
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<Limb>((Wide{a.limb(i + words + 1)} << 64 | a.limb(i + words)) >> shift);
  }
  return Natural(out);
}

QuotientRemainder divide_vartime(const Natural& a, const Natural& b) {
  require(!b.is_zero(), "division by zero");
  if (a < b) return {Natural(), a};
  if (b.limbs().size() == 1) return divide_by_word(a, b.limb(0));
  const std::size_t shift = static_cast<std::size_t>(std::countl_zero(b.limbs().back()));
  const Natural divisor = b << shift;
  const std::size_t n = divisor.limbs().size();
  SecretVector<Limb> u(a.limbs().size() + 1);
  (a << shift).copy_to(u);
  SecretVector<Limb> quotient(u.size() - n);
  for (std::size_t j = quotient.size(); j-- > 0;) {
    quotient[j] = divide_step(MutableLimbSpan(u).subspan(j, n + 1), divisor.limbs());
  }
  return {Natural(quotient), Natural(u) >> shift};
}

Natural remainder(const Natural& a, const Natural& b) {
  require(!b.is_zero(), "division by zero");
  const std::size_t n = b.limbs().size() + 1;
  SecretVector<Limb> rest(n), reduced(n);
  for (std::size_t i = 64 * a.limbs().size(); i-- > 0;) {
    Limb carry = a.limb(i / 64) >> (i % 64) & 1;
    Limb borrow = 0;
    for (std::size_t j = 0; j < n; ++j) {
      const Limb doubled = rest[j] << 1 | carry;
      carry = rest[j] >> 63;
      rest[j] = doubled;
      const Wide d = Wide{doubled} - b.limb(j) - borrow;
      reduced[j] = static_cast<Limb>(d);
      borrow = static_cast<Limb>(d >> 127);
    }
    const Limb keep = ct_mask(borrow);
    for (std::size_t j = 0; j < n; ++j) rest[j] = ct_select(keep, rest[j], reduced[j]);
  }
  return Natural(rest);
}

Natural square_root_vartime(const Natural& a) {
  if (a.is_zero()) return {};
  Natural root = Natural::power_of_two((a.bit_length() + 1) / 2);  // not below the root
  for (;;) {
    Natural next = (root + divide_vartime(a, root).quotient) >> 1;
    if (next >= root) return root;
    root = std::move(next);
  }
}

}  // namespace isthmus::bigint
