#include "key_generation.hpp"

#include <algorithm>
#include <functional>

#include "isthmus/bigint/prime.hpp"
#include "isthmus/core/error.hpp"
#include "isthmus/paillier/private_key.hpp"

namespace isthmus::paillier {
namespace {

using bigint::AlignedLimbs;
using bigint::is_probable_prime;
using bigint::kAdversarialRounds;
using bigint::SquareModulus;

[[noreturn]] void reject(const char* rule) { throw Error(ErrorCode::KeyRejected, rule); }

// |p - q| > 2^(bits - 100), against Fermat's factorisation (FIPS 186-5, appendix A.1.3).
bool far_apart(const Natural& p, const Natural& q) {
  const Natural distance = p > q ? p - q : q - p;
  return distance.bit_length() > p.bit_length() - 100;
}

// gcd(p - 1, q - 1) = 2, for p = q = 3 mod 4.
bool share_only_two(const Natural& p, const Natural& q) {
  return bigint::gcd_odd(p >> 1, q >> 1) == Natural(1);
}

bool two_top_bits(const Natural& x, std::size_t bits) { return x.bit_length() == bits && x.bit(bits - 2); }

// A prime p = 2 * order * cofactor + 1 of exactly the wanted bits, 3 modulo 4, with a prime order.
struct SubgroupPrime {
  Natural prime, order, cofactor;
};

// A random prime whose two top bits are set. The average-case bounds on Miller-Rabin's error begin at longer
// numbers, so every one passes as many rounds as a number that someone else chose.
Natural random_order(std::size_t bits) {
  for (;;) {
    const Natural candidate = Natural::random_bits(bits);
    if (!candidate.is_odd() || !two_top_bits(candidate, bits)) continue;
    if (is_probable_prime(candidate, kAdversarialRounds)) return candidate;
  }
}

SubgroupPrime random_subgroup_prime(std::size_t bits, std::size_t order_bits,
                                    const std::function<bool(const Natural&)>& accept) {
  const Natural order = random_order(order_bits);
  for (;;) {
    const Natural cofactor = Natural::random_bits(bits - order_bits);
    if (!cofactor.is_odd()) continue;
    const Natural candidate = ((order * cofactor) << 1) + Natural(1);
    if (!two_top_bits(candidate, bits) || !accept(candidate)) continue;
    if (is_probable_prime(candidate, kAdversarialRounds)) return {candidate, order, cofactor};
  }
}

// (-x^exponent)^n mod n^2 for a random x and a secret even exponent.
Natural make_hs(const Natural& n, const Natural& exponent) {
  const SquareModulus modulus(n);
  AlignedLimbs x(modulus.stride()), minus_one(modulus.stride());
  modulus.import_value(x.data(), Natural::random_below(n - Natural(1)) + Natural(1));
  modulus.import_value(minus_one.data(), modulus.value() - Natural(1));
  modulus.pow(x.data(), x.data(), 1, exponent.limbs(), exponent.bit_length());
  modulus.mul(x.data(), x.data(), minus_one.data());
  modulus.pow_vartime(x.data(), x.data(), n.limbs());
  return modulus.export_value(x.data());
}

}  // namespace

KeySecrets generate_djn(std::size_t key_bits) {
  const Natural p = bigint::random_prime_3_mod_4(key_bits / 2, [](const Natural&) { return true; });
  const Natural q = bigint::random_prime_3_mod_4(key_bits / 2, [&](const Natural& candidate) {
    return far_apart(p, candidate) && share_only_two(p, candidate);
  });
  return {p, q, RandomizerBase{KeyKind::djn, make_hs(p * q, Natural(2)), key_bits / 2}, std::nullopt};
}

KeySecrets generate_fast(std::size_t key_bits) {
  const std::size_t exponent_bits = fast_exponent_bits(key_bits);
  const auto draw = [&](const std::function<bool(const Natural&)>& accept) {
    return random_subgroup_prime(key_bits / 2, exponent_bits / 2, accept);
  };
  const SubgroupPrime p = draw([](const Natural&) { return true; });
  const SubgroupPrime q = draw([&](const Natural& candidate) {
    return far_apart(p.prime, candidate) && share_only_two(p.prime, candidate);
  });
  const Natural two_beta = (p.cofactor * q.cofactor) << 1;
  return {p.prime, q.prime,
          RandomizerBase{KeyKind::fast, make_hs(p.prime * q.prime, two_beta), exponent_bits},
          SubgroupOrders{p.order, q.order}};
}

void require_key_size(std::size_t key_bits) {
  if (key_bits < kMinKeyBits) reject("n is shorter than 2048 bits");
  if (key_bits > kMaxKeyBits) reject("n is longer than 4096 bits");
}

void validate_primes(const Natural& p, const Natural& q) {
  require_key_size((p * q).bit_length());
  const auto [shorter, longer] = std::minmax({p.bit_length(), q.bit_length()});
  if (longer - shorter > PrivateKey::kMaxPrimeImbalance) reject("p and q differ too much in length");
  if (p == q) reject("p equals q");
  if (!far_apart(p, q)) reject("p and q are too close to each other");
  for (const Natural* prime : {&p, &q}) {
    if (!is_probable_prime(*prime, kAdversarialRounds)) reject("p or q is not prime");
  }
  const Natural phi = (p - Natural(1)) * (q - Natural(1));
  if (bigint::gcd_odd(phi, p * q) != Natural(1)) reject("n shares a factor with (p-1)(q-1)");
}

void validate_orders(const KeySecrets& secrets) {
  const SubgroupOrders& orders = *secrets.orders;
  if (orders.p == orders.q) reject("p' equals q'");
  for (const auto& [order, prime] : {std::pair{&orders.p, &secrets.p}, std::pair{&orders.q, &secrets.q}}) {
    if (2 * order->bit_length() != secrets.base->exponent_bits)
      reject("p' or q' has another length than agreed");
    if (!is_probable_prime(*order, kAdversarialRounds)) reject("p' or q' is not prime");
    if (!bigint::remainder(*prime - Natural(1), *order).is_zero())
      reject("p' or q' does not divide p-1 or q-1");
  }
}

}  // namespace isthmus::paillier
