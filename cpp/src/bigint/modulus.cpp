#include "isthmus/bigint/modulus.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "backend/kernels.hpp"
#include "digits.hpp"
#include "isthmus/core/error.hpp"
#include "lanes.hpp"

namespace isthmus::bigint {
namespace {

constexpr std::size_t kMaxBits = 8192;

Limb negated_inverse(Limb m, Limb mask) {
  Limb x = m;  // inverse of m to 3 bits; every step doubles them
  for (int i = 0; i < 5; ++i) x *= 2 - m * x;
  return (0 - x) & mask;
}

}  // namespace

DigitContext::DigitContext(const Natural& modulus, const KernelTable& table)
    : kernels(&table), layout(table.layout(modulus.bit_length())), m(layout.count) {
  mask = (Limb{1} << layout.width) - 1;
  neg_inverse = negated_inverse(modulus.limb(0), mask);
  limbs_to_digits(layout, m.data(), modulus.limbs());
  constants.resize(table.constant_words(layout.count));
  table.prepare(*this);
}

std::size_t words_for_constants(std::size_t count) { return 2 * count; }

void prepare_for_constants(DigitContext& c) {
  const std::size_t k = c.layout.count;
  Limb *const negated = c.constants.data(), *const complement = negated + k;
  AlignedLimbs rest(k);  // of 1 + q*m, whose digits vanish one by one with those of q = -1/m
  rest[0] = 1;
  for (std::size_t i = 0; i < k; ++i) {
    negated[i] = rest[i] * c.neg_inverse & c.mask;
    unsigned __int128 carry = 0;
    for (std::size_t j = i; j < k; ++j) {
      carry += static_cast<unsigned __int128>(negated[i]) * c.m[j - i] + rest[j];
      rest[j] = static_cast<Limb>(carry) & c.mask;
      carry >>= c.layout.width;
    }
  }
  Limb carry = 1;
  for (std::size_t i = 0; i < k; ++i) {
    const Limb digit = (c.m[i] ^ c.mask) + carry;
    complement[i] = digit & c.mask;
    carry = digit >> c.layout.width;
  }
}

Modulus::Modulus(const Natural& m) : value_(m) {
  require(m.is_odd() && m > Natural(1), "the modulus must be odd and above 1");
  require(m.bit_length() <= kMaxBits, "the modulus is longer than 8192 bits");
  digits_ = std::make_unique<const DigitContext>(m, active_kernels());
  one_.resize(stride());
  r2_.resize(stride());
  // R mod m by doubling 2^(bits-1) < m; then, as the Montgomery form of 1, on to that of R = 2^(width *
  // count).
  const std::size_t r_bits = digits_->layout.width * digits_->layout.count;
  limbs_to_digits(digits_->layout, one_.data(), Natural::power_of_two(m.bit_length() - 1).limbs());
  for (std::size_t i = m.bit_length() - 1; i < r_bits; ++i) add(one_.data(), one_.data(), one_.data());
  r2_ = one_;
  for (std::size_t bit = std::bit_width(r_bits); bit-- > 0;) {
    sqr(std::array{MulTask{r2_.data(), r2_.data(), nullptr}});
    if ((r_bits >> bit & 1) != 0) add(r2_.data(), r2_.data(), r2_.data());
  }
}

Modulus::~Modulus() = default;
Modulus::Modulus(Modulus&&) noexcept = default;
Modulus& Modulus::operator=(Modulus&&) noexcept = default;

std::size_t Modulus::stride() const noexcept { return digits_->layout.count; }

void Modulus::import_limbs(Limb* out, LimbSpan value) const noexcept {
  DigitScratch digits;
  limbs_to_digits(digits_->layout, digits.data(), value);
  mul(out, digits.data(), r2_.data());
}

void Modulus::export_limbs(MutableLimbSpan out, const Limb* element) const noexcept {
  const DigitScratch unit{1};
  DigitScratch plain;
  mul(plain.data(), element, unit.data());
  digits_to_limbs(digits_->layout, out, plain.data());
}

void Modulus::import_rows(Limb* out, LimbSpan values, std::size_t count) const {
  const std::size_t k = stride(), width = count == 0 ? 0 : values.size() / count;
  std::vector<MulTask> tasks;
  for (std::size_t i = 0; i < count; ++i) {
    limbs_to_digits(digits_->layout, out + i * k, values.subspan(i * width, width));
    tasks.push_back({out + i * k, out + i * k, r2_.data()});
  }
  mul(tasks);
}

void Modulus::export_rows(MutableLimbSpan out, const Limb* elements, std::size_t count) const {
  const std::size_t k = stride();
  const DigitScratch unit{1};
  AlignedLimbs plain(count * k);
  std::vector<MulTask> tasks;
  for (std::size_t i = 0; i < count; ++i)
    tasks.push_back({plain.data() + i * k, elements + i * k, unit.data()});
  mul(tasks);
  for (std::size_t i = 0; i < count; ++i) {
    digits_to_limbs(digits_->layout, out.subspan(i * limbs(), limbs()), plain.data() + i * k);
  }
}

Natural Modulus::export_value(const Limb* element) const {
  SecretVector<Limb> out(limbs());
  export_limbs(out, element);
  return Natural(out);
}

void Modulus::set_one(Limb* out) const noexcept { std::copy(one_.begin(), one_.end(), out); }

void Modulus::mul(Limb* out, const Limb* a, const Limb* b) const noexcept {
  mul(std::array{MulTask{out, a, b}});
}
void Modulus::mul(std::span<const MulTask> tasks) const noexcept {
  multiply(LaneRing{*digits_, stride(), &LaneKernels::mod}, tasks);
}
void Modulus::sqr(std::span<const MulTask> tasks) const noexcept {
  square(LaneRing{*digits_, stride(), &LaneKernels::mod}, tasks);
}

void Modulus::add(Limb* out, const Limb* a, const Limb* b) const noexcept { add_modulo(*digits_, out, a, b); }
void Modulus::sub(Limb* out, const Limb* a, const Limb* b) const noexcept { sub_modulo(*digits_, out, a, b); }
bool Modulus::equal(const Limb* a, const Limb* b) const noexcept { return equal_words(a, b, stride()) != 0; }

void Modulus::pow(Limb* out, const Limb* base, LimbSpan exponent, std::size_t exponent_bits) const {
  power(LaneRing{*digits_, stride(), &LaneKernels::mod}, one_.data(), out, base, 1, exponent, exponent_bits);
}

Natural mod_exp(const Natural& base, const Natural& exponent, const Natural& m) {
  if (m == Natural(1)) return {};
  const Modulus modulus(m);
  AlignedLimbs x(modulus.stride());
  modulus.import_value(x.data(), base < m ? base : remainder(base, m));
  modulus.pow(x.data(), x.data(), exponent.limbs(), exponent.bit_length());
  return modulus.export_value(x.data());
}

}  // namespace isthmus::bigint
