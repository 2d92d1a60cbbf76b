#include "isthmus/bigint/square_modulus.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <vector>

#include "backend/kernels.hpp"
#include "digits.hpp"
#include "isthmus/core/error.hpp"
#include "lanes.hpp"

namespace isthmus::bigint {
namespace {

constexpr std::size_t kMaxRootBits = 4096;
constexpr std::size_t kMaxChunks = 5;  // an import reads at most this many R-digits

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

void SquareModulus::mul_one_plus(Limb* out, const Limb* a, const Limb* plaintext) const {
  mul_one_plus(std::array{MulTask{out, a, plaintext}});
}

void SquareModulus::mul_one_plus(std::span<const MulTask> tasks) const {
  const std::size_t k = root_.stride();
  AlignedLimbs products(tasks.size() * k);
  std::vector<MulTask> multiplications;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    multiplications.push_back({products.data() + i * k, tasks[i].a, tasks[i].b});
  }
  root_.mul(multiplications);
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const auto& [out, a, b] = tasks[i];
    if (out != a) std::copy_n(a, k, out);
    root_.add(out + k, a + k, products.data() + i * k);
  }
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
  pow_vartime(out, base, 1, exponent);
}

void SquareModulus::pow_vartime(Limb* out, const Limb* base, std::size_t count, LimbSpan exponents) const {
  const LaneRing ring{root_.digits(), stride(), &LaneKernels::pair};
  power_vartime(ring, r_powers_.data(), out, base, count, exponents);
}

void SquareModulus::add(Limb* out, const Limb* a, const Limb* b) const noexcept {
  add_pairs(root_.digits(), out, a, b);
}

void SquareModulus::sub(Limb* out, const Limb* a, const Limb* b) const noexcept {
  const DigitContext& c = root_.digits();
  const std::size_t k = root_.stride();
  const Limb borrow = sub_modulo(c, out, a, b);
  sub_modulo(c, out + k, a + k, b + k, borrow);
}

void SquareModulus::import_limbs(Limb* out, LimbSpan value) const { import_rows(out, value, 1); }

// With digits x_j of `value` base R, the element is the sum of the elements of x_j * R^j, each one product.
void SquareModulus::import_rows(Limb* out, LimbSpan values, std::size_t count) const {
  const DigitContext& c = root_.digits();
  const std::size_t width = count == 0 ? 0 : values.size() / count, k = root_.stride();
  const std::size_t r_bits = c.layout.width * c.layout.count;
  const std::size_t chunks = std::max<std::size_t>(1, (64 * width + r_bits - 1) / r_bits);
  require(chunks <= kMaxChunks, "the value is too long for this modulus");
  AlignedLimbs digits(count * k), terms(count * stride());
  std::vector<MulTask> tasks(count);
  for (std::size_t j = 0; j < chunks; ++j) {
    Limb* const to = j == 0 ? out : terms.data();
    for (std::size_t i = 0; i < count; ++i) {
      limbs_to_digits(c.layout, digits.data() + i * k, values.subspan(i * width, width), j * r_bits);
      tasks[i] = {to + i * stride(), r_powers_.data() + (j + 1) * stride(), digits.data() + i * k};
    }
    mul_digit(tasks);
    for (std::size_t i = 0; j > 0 && i < count; ++i) {
      add_pairs(c, out + i * stride(), out + i * stride(), terms.data() + i * stride());
    }
  }
}

void SquareModulus::export_limbs(MutableLimbSpan out, const Limb* element) const {
  export_rows(out, element, 1);
}

void SquareModulus::export_rows(MutableLimbSpan out, const Limb* elements, std::size_t count) const {
  const DigitContext& c = root_.digits();
  const DigitScratch unit{1};
  AlignedLimbs plain(count * stride()), low(root_.limbs()), high(root_.limbs());
  std::vector<MulTask> tasks;
  for (std::size_t i = 0; i < count; ++i) {
    tasks.push_back({plain.data() + i * stride(), elements + i * stride(), unit.data()});
  }
  mul_digit(tasks);
  for (std::size_t i = 0; i < count; ++i) {
    const MutableLimbSpan row = out.subspan(i * limbs(), limbs());
    digits_to_limbs(c.layout, low, tasks[i].out);
    digits_to_limbs(c.layout, high, tasks[i].out + root_.stride());
    multiply_limbs(row, high, root_.value().limbs());
    add_limbs(row, low);
  }
}

Natural SquareModulus::export_value(const Limb* element) const {
  SecretVector<Limb> out(limbs());
  export_limbs(out, element);
  return Natural(out);
}

}  // namespace isthmus::bigint
