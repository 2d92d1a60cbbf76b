#include "isthmus/bigint/prime.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "isthmus/bigint/modulus.hpp"
#include "isthmus/core/error.hpp"

namespace isthmus::bigint {
namespace {

using Wide = unsigned __int128;

constexpr std::uint32_t kTrialBound = 1 << 11;
constexpr std::uint32_t kSmallFactorBound = 1 << 20;

std::vector<std::uint32_t> odd_primes_below(std::uint32_t bound) {
  std::vector<bool> composite(bound);
  std::vector<std::uint32_t> primes;
  for (std::uint32_t i = 3; i < bound; i += 2) {
    if (composite[i]) continue;
    primes.push_back(i);
    for (std::uint64_t j = std::uint64_t{i} * i; j < bound; j += 2 * i) composite[j] = true;
  }
  return primes;
}

// A run of odd primes whose product fits 32 bits, and a reduction modulo that product without a division.
class PrimeGroup {
 public:
  PrimeGroup(std::vector<std::uint32_t> primes, std::uint32_t product)
      : primes_(std::move(primes)), product_(product), reciprocal_(~std::uint64_t{0} / product) {}

  /// Some prime of the group divides x. Time does not depend on x when none does.
  bool divides(const Natural& x) const {
    std::uint64_t rest = 0;
    for (std::size_t i = x.limbs().size(); i-- > 0;) {
      rest = reduce(rest << 32 | x.limb(i) >> 32);
      rest = reduce(rest << 32 | (x.limb(i) & 0xffffffff));
    }
    return std::any_of(primes_.begin(), primes_.end(),
                       [rest](std::uint32_t p) { return divisible(rest, p); });
  }

 private:
  std::uint64_t reduce(std::uint64_t x) const {
    const auto quotient = static_cast<std::uint64_t>((Wide{x} * reciprocal_) >> 64);
    std::uint64_t rest = x - quotient * product_;  // below 2 * product
    const std::uint64_t borrow = (rest - product_) >> 63;
    rest -= product_ & ~ct_mask(borrow);
    return rest;
  }
  // x is a multiple of the odd p exactly when x / p modulo 2^64 is small.
  static bool divisible(std::uint64_t x, std::uint32_t p) {
    std::uint64_t inverse_of_p = p;
    for (int i = 0; i < 5; ++i) inverse_of_p *= 2 - p * inverse_of_p;
    return x * inverse_of_p <= ~std::uint64_t{0} / p;
  }

  std::vector<std::uint32_t> primes_;
  std::uint64_t product_;
  std::uint64_t reciprocal_;
};

std::vector<PrimeGroup> group_primes(std::uint32_t bound) {
  std::vector<PrimeGroup> groups;
  std::vector<std::uint32_t> run;
  std::uint64_t product = 1;
  const auto flush = [&] {
    groups.emplace_back(std::exchange(run, {}), static_cast<std::uint32_t>(product));
  };
  for (const std::uint32_t p : odd_primes_below(bound)) {
    if (product * p >> 32 != 0) {
      flush();
      product = 1;
    }
    product *= p;
    run.push_back(p);
  }
  flush();
  return groups;
}

bool small_prime(std::uint64_t x) {
  if (x < 4) return x >= 2;
  if (x % 2 == 0) return false;
  for (std::uint64_t d = 3; d * d <= x; d += 2) {
    if (x % d == 0) return false;
  }
  return true;
}

bool survives_trial_division(const Natural& x) {
  static const std::vector<PrimeGroup> groups = group_primes(kTrialBound);
  return x.is_odd() &&
         std::none_of(groups.begin(), groups.end(), [&](const auto& g) { return g.divides(x); });
}

class MillerRabin {
 public:
  explicit MillerRabin(const Natural& candidate)
      : candidate_(candidate), modulus_(candidate), one_(modulus_.stride()), minus_one_(modulus_.stride()) {
    const Natural even = candidate - Natural(1);
    while (!even.bit(twos_)) ++twos_;
    odd_part_ = even >> twos_;
    const AlignedLimbs zero(modulus_.stride());
    modulus_.set_one(one_.data());
    modulus_.sub(minus_one_.data(), zero.data(), one_.data());
  }

  bool passes(const Natural& base) const {
    AlignedLimbs x(modulus_.stride());
    modulus_.import_value(x.data(), base);
    modulus_.pow(x.data(), x.data(), odd_part_.limbs(), candidate_.bit_length());
    bool witness = !modulus_.equal(x.data(), one_.data()) && !modulus_.equal(x.data(), minus_one_.data());
    for (std::size_t i = 1; i < twos_; ++i) {
      modulus_.mul(x.data(), x.data(), x.data());
      witness = witness && !modulus_.equal(x.data(), minus_one_.data());
    }
    return !witness;
  }

 private:
  Natural candidate_;
  Modulus modulus_;
  Natural odd_part_;
  std::size_t twos_ = 0;
  AlignedLimbs one_, minus_one_;
};

}  // namespace

int miller_rabin_rounds(std::size_t bits) {
  require(bits >= 512, "the error bound holds from 512 bits on");
  const double k = static_cast<double>(bits);
  for (int t = 2;; ++t) {
    const double log2_error = 1.5 * std::log2(k) + t - 0.5 * std::log2(t) + 2 * (2 - std::sqrt(t * k));
    if (log2_error < -144) return t;
  }
}

bool passes_miller_rabin(const Natural& candidate, const Natural& base) {
  require(candidate.is_odd() && candidate > Natural(4) && !base.is_zero() && base < candidate,
          "Miller-Rabin needs an odd candidate above 4 and a base below it");
  return MillerRabin(candidate).passes(base);
}

bool is_probable_prime(const Natural& candidate, int rounds) {
  if (candidate.bit_length() <= 32) return small_prime(candidate.limb(0));
  if (!survives_trial_division(candidate)) return false;
  const MillerRabin test(candidate);
  for (int i = 0; i < rounds; ++i) {
    const Natural base = Natural::random_below(candidate - Natural(3)) + Natural(2);
    if (!test.passes(base)) return false;
  }
  return true;
}

bool has_small_factor(const Natural& candidate) {
  static const std::vector<PrimeGroup> groups = group_primes(kSmallFactorBound);
  require(candidate.bit_length() > 20, "the number itself is small");
  return !candidate.is_odd() ||
         std::any_of(groups.begin(), groups.end(), [&](const auto& g) { return g.divides(candidate); });
}

Natural random_prime_3_mod_4(std::size_t bits, const std::function<bool(const Natural&)>& accept) {
  const int rounds = miller_rabin_rounds(bits);
  for (;;) {
    const Natural random = Natural::random_bits(bits);
    SecretVector<Limb> limbs((bits + 63) / 64);
    random.copy_to(limbs);
    limbs[0] |= 3;
    for (const std::size_t top : {bits - 1, bits - 2}) limbs[top / 64] |= Limb{1} << (top % 64);
    Natural candidate(limbs);
    if (survives_trial_division(candidate) && accept(candidate) && is_probable_prime(candidate, rounds)) {
      return candidate;
    }
  }
}

}  // namespace isthmus::bigint
