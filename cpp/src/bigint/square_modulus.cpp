#include "isthmus/bigint/square_modulus.hpp"

#include <algorithm>
#include <array>

#include "backend/kernels.hpp"
#include "digits.hpp"
#include "exponentiate.hpp"
#include "isthmus/core/error.hpp"
#include "isthmus/core/parallel.hpp"
#include "lanes.hpp"

namespace isthmus::bigint {
namespace {

constexpr std::size_t kMaxRootBits = 4096;
constexpr std::size_t kInversionBlock = 256;  // elements that share one inversion
constexpr std::size_t kMaxChunks = 5;         // an import reads at most this many R-digits

/// (a0 + a1*m) + (b0 + b1*m) modulo m^2.
void add_pairs(const DigitContext& c, Limb* out, const Limb* a, const Limb* b) {
  const std::size_t k = c.layout.count;
  const Limb carry = add_modulo(c, out, a, b);
  add_modulo(c, out + k, a + k, b + k, carry);
}

}  // namespace

SquareModulus::SquareModulus(const Natural& m)
    : root_(m), value_(m * m), residue_bytes_(2 * ((m.bit_length() + 7) / 8)) {
  require(m.bit_length() <= kMaxRootBits, "the modulus is longer than 4096 bits");
  const DigitContext& c = root_.digits();
  const std::size_t r_bits = c.layout.width * c.layout.count;
  r_powers_.resize((kMaxChunks + 1) * stride());
  const auto power = [&](std::size_t i) { return r_powers_.data() + (i - 1) * stride(); };  // spells R^i
  limbs_to_digits(c.layout, power(1), Natural::power_of_two(m.bit_length() - 1).limbs());
  for (std::size_t i = m.bit_length() - 1; i < r_bits; ++i) add_pairs(c, power(1), power(1), power(1));
  std::copy_n(power(1), stride(), power(2));
  for (std::size_t bit = std::bit_width(r_bits); bit-- > 0;) {
    sqr(power(2), power(2));
    if ((r_bits >> bit & 1) != 0) add_pairs(c, power(2), power(2), power(2));
  }
  for (std::size_t i = 3; i <= kMaxChunks + 1; ++i) mul(power(i), power(i - 1), power(2));
}

void SquareModulus::set_one(Limb* out) const noexcept { std::copy_n(r_powers_.data(), stride(), out); }

Limb SquareModulus::equal_mask(const Limb* a, const Limb* b) const noexcept {
  return equal_words(a, b, stride());
}

void SquareModulus::mul(Limb* out, const Limb* a, const Limb* b) const noexcept {
  mul(std::array{MulTask{out, a, b}});
}
void SquareModulus::sqr(Limb* out, const Limb* a) const noexcept {
  sqr(std::array{MulTask{out, a, nullptr}});
}

void SquareModulus::mul(std::span<const MulTask> tasks) const noexcept {
  multiply(LaneRing{root_.digits(), stride(), &LaneKernels::pair}, tasks);
}
void SquareModulus::sqr(std::span<const MulTask> tasks) const noexcept {
  square(LaneRing{root_.digits(), stride(), &LaneKernels::pair}, tasks);
}
void SquareModulus::mul_digit(std::span<const MulTask> tasks) const noexcept {
  multiply_digit(root_.digits(), tasks);
}

void SquareModulus::mul_one_plus(Limb* out, const Limb* a, const Limb* plaintext) const noexcept {
  const std::size_t k = root_.stride();
  DigitScratch product;
  root_.mul(product.data(), a, plaintext);
  std::copy_n(a, k, out);
  root_.add(out + k, a + k, product.data());
}

Limb SquareModulus::log_one_plus(Limb* out, const Limb* a) const noexcept {
  const std::size_t k = root_.stride();
  const Limb low_is_one = equal_words(a, r_powers_.data(), k);
  root_.sub(out, a + k, r_powers_.data() + k);
  return low_is_one;
}

void SquareModulus::pow(Limb* out, const Limb* base, std::size_t count, LimbSpan exponent,
                        std::size_t exponent_bits) const {
  const LaneRing ring{root_.digits(), stride(), &LaneKernels::pair};
  power(ring, r_powers_.data(), out, base, count, exponent, exponent_bits);
}

void SquareModulus::pow_vartime(Limb* out, const Limb* base, LimbSpan exponent) const {
  pow_sliding_window(*this, out, base, exponent);
}

void SquareModulus::sub(Limb* out, const Limb* a, const Limb* b) const noexcept {
  const DigitContext& c = root_.digits();
  const std::size_t k = root_.stride();
  const Limb borrow = sub_modulo(c, out, a, b);
  sub_modulo(c, out + k, a + k, b + k, borrow);
}

void SquareModulus::import_limbs(Limb* out, LimbSpan value) const {
  const DigitContext& c = root_.digits();
  const std::size_t r_bits = c.layout.width * c.layout.count;
  const std::size_t chunks = std::max<std::size_t>(1, (64 * value.size() + r_bits - 1) / r_bits);
  require(chunks <= kMaxChunks, "the value is too long for this modulus");
  AlignedLimbs term(stride()), sum(stride());
  DigitScratch chunk;
  for (std::size_t i = 0; i < chunks; ++i) {
    limbs_to_digits(c.layout, chunk.data(), value, i * r_bits);
    mul_digit(std::array{MulTask{term.data(), r_powers_.data() + (i + 1) * stride(), chunk.data()}});
    add_pairs(c, sum.data(), sum.data(), term.data());
  }
  std::copy(sum.begin(), sum.end(), out);
}

void SquareModulus::export_limbs(MutableLimbSpan out, const Limb* element) const {
  const DigitContext& c = root_.digits();
  const DigitScratch unit{1};
  AlignedLimbs plain(stride()), low(root_.limbs()), high(root_.limbs());
  mul_digit(std::array{MulTask{plain.data(), element, unit.data()}});
  digits_to_limbs(c.layout, low, plain.data());
  digits_to_limbs(c.layout, high, plain.data() + root_.stride());
  multiply_limbs(out, high, root_.value().limbs());
  add_limbs(out, low);
}

Natural SquareModulus::export_value(const Limb* element) const {
  SecretVector<Limb> out(limbs());
  export_limbs(out, element);
  return Natural(out);
}

std::size_t SquareModulus::find_non_unit(const Limb* in, std::size_t count) const {
  const auto is_unit = [&](const Limb* x) {
    return gcd_odd(root_.export_value(x), root_.value()) == Natural(1);
  };
  AlignedLimbs product(root_.stride());
  root_.set_one(product.data());
  for (std::size_t i = 0; i < count; ++i) root_.mul(product.data(), product.data(), in + i * stride());
  if (is_unit(product.data())) return count;
  std::size_t row = 0;
  while (is_unit(in + row * stride())) ++row;
  return row;
}

bool SquareModulus::invert_block(Limb* out, const Limb* in, std::size_t count) const {
  // out[i] = in[0]...in[i]; then, from the last to the first, the inverse of that prefix loses one factor.
  AlignedLimbs inverse_of_prefix(stride());
  std::copy_n(in, stride(), out);
  for (std::size_t i = 1; i < count; ++i)
    mul(out + i * stride(), out + (i - 1) * stride(), in + i * stride());
  if (!invert_one(inverse_of_prefix.data(), out + (count - 1) * stride())) return false;
  for (std::size_t i = count - 1; i > 0; --i) {
    mul(out + i * stride(), inverse_of_prefix.data(), out + (i - 1) * stride());
    mul(inverse_of_prefix.data(), inverse_of_prefix.data(), in + i * stride());
  }
  std::copy_n(inverse_of_prefix.data(), stride(), out);
  return true;
}

bool SquareModulus::invert_one(Limb* out, const Limb* in) const {
  // One inversion modulo m, then the Newton step y <- y * (2 - x*y) lifts it to m^2: x*y = 1 + m*e there, so
  // y * (2 - x*y) = y * (1 - m*e).
  const std::size_t k = root_.stride();
  const std::optional<Natural> inverse_of_low = inverse(root_.export_value(in), root_.value());
  if (!inverse_of_low) return false;
  AlignedLimbs y(stride()), product(stride()), minus_e(k);
  const AlignedLimbs zero(k);
  import_value(y.data(), *inverse_of_low);
  mul(product.data(), in, y.data());
  log_one_plus(product.data(), product.data());
  root_.sub(minus_e.data(), zero.data(), product.data());
  mul_one_plus(out, y.data(), minus_e.data());
  return true;
}

void SquareModulus::invert(Limb* out, const Limb* in, std::size_t count) const {
  const std::size_t blocks = (count + kInversionBlock - 1) / kInversionBlock;
  parallel_for(blocks, [&](std::size_t block) {
    const std::size_t first = block * kInversionBlock;
    const std::size_t size = std::min(kInversionBlock, count - first);
    if (invert_block(out + first * stride(), in + first * stride(), size)) return;
    const std::size_t row = first + find_non_unit(in + first * stride(), size);
    throw Error(ErrorCode::CiphertextNotUnit, "an element has no inverse", row);
  });
}

}  // namespace isthmus::bigint
