#include "private_key_parts.hpp"

#include <algorithm>

#include "guard_ring.hpp"
#include "isthmus/core/error.hpp"
#include "random_exponents.hpp"

namespace isthmus::paillier {
namespace {

using bigint::SquareModulus;

AlignedLimbs element_of(const bigint::Modulus& modulus, const Natural& value) {
  AlignedLimbs out(modulus.stride());
  modulus.import_value(out.data(), value);
  return out;
}

AlignedLimbs element_of(const SquareModulus& modulus, const Natural& value) {
  AlignedLimbs out(modulus.stride());
  modulus.import_value(out.data(), value);
  return out;
}

Natural inverse_or_reject(const Natural& a, const Natural& m) {
  const auto result = bigint::inverse(a, m);
  if (!result) throw Error(ErrorCode::KeyRejected, "p and q are not distinct primes");
  return *result;
}

// A multiple of the order of the randomizers modulo the square of `prime`.
Natural randomizer_order(const Natural& prime, const Natural* subgroup_order) {
  return subgroup_order != nullptr ? *subgroup_order << 1 : prime - Natural(1);
}

// hs itself, or for standard keys x^n with a random x.
AlignedLimbs make_blinding_base(const PublicKey& key) {
  if (key.base()) return element_of(key.n_squared(), key.base()->hs);
  AlignedLimbs base(key.n_squared().stride());
  key.random_residues(base.data(), 1);
  return base;
}

// One integer in [0, order) for each parity, uniform but for 2^-128 and with that lowest bit. With a uniform
// x of w bits, floor(x * order / 2^w) is uniform; there is no rejection, whose count would tell of the order.
// Timing    Constant in the order and the results.
SecretVector<Limb> draw_exponents(LimbSpan order, LimbSpan parities) {
  const std::size_t limbs = order.size(), wide = limbs + 2;
  const SecretVector<Limb> random = random_exponents(64 * wide, parities.size());
  SecretVector<Limb> out(parities.size() * limbs), product(wide + limbs);
  for (std::size_t i = 0; i < parities.size(); ++i) {
    bigint::multiply_limbs(product, LimbSpan(random).subspan(i * wide, wide), order);
    Limb* const exponent = out.data() + i * limbs;
    for (std::size_t j = 0; j < limbs; ++j) exponent[j] = product[wide + j];
    exponent[0] = (exponent[0] & ~Limb{1}) | parities[i];
  }
  return out;
}

std::size_t owner_exponent_bits(const RandomizerBase& base, const PrimeHalf& half) {
  return base.kind == KeyKind::fast ? half.exponent_bits : base.exponent_bits;
}

}  // namespace

PrimeHalf::PrimeHalf(const Natural& p, const Natural& other, const Natural& order)
    : prime(p),
      prime_bits(p.bit_length()),
      exponent(order.limbs().begin(), order.limbs().end()),
      exponent_bits(order.bit_length()),
      guard_exponent(GuardRing::reduce_exponent(order)),
      square(p),
      guarded(p * Natural(kGuardPrime)),
      log_of_one_plus_n(element_of(square.root(), bigint::remainder(order * other, p))),
      plaintext_factor(element_of(square.root(), inverse_or_reject(bigint::remainder(order * other, p), p))),
      locked_prime(prime.limbs().data(), prime.limbs().size_bytes()),
      locked_exponent(exponent.data(), exponent.size() * sizeof(Limb)),
      locked_digits(square.root().value().limbs().data(), square.root().value().limbs().size_bytes()) {}

PrivateKeyParts::PrivateKeyParts(const KeySecrets& secrets)
    : public_key(PublicKey::create(secrets.p * secrets.q, secrets.base)),
      p(secrets.p, secrets.q, randomizer_order(secrets.p, secrets.orders ? &secrets.orders->p : nullptr)),
      q(secrets.q, secrets.p, randomizer_order(secrets.q, secrets.orders ? &secrets.orders->q : nullptr)),
      p_inverse(element_of(q.square.root(), inverse_or_reject(secrets.p, secrets.q))),
      p_squared(element_of(public_key->n_squared(), secrets.p * secrets.p)),
      p_squared_inverse(q.square.stride()),
      blinding_base(make_blinding_base(*public_key)) {
  const AlignedLimbs modulo_q = element_of(q.square, secrets.p * secrets.p);
  q.square.invert(p_squared_inverse.data(), modulo_q.data(), 1);
  if (public_key->base()) tables = std::make_unique<OwnerTables>(*this, *public_key->base());
}

OwnerTables::OwnerTables(const PrivateKeyParts& parts, const RandomizerBase& base)
    : p(parts.p.square, base.hs, owner_exponent_bits(base, parts.p), 2),
      q(parts.q.square, base.hs, owner_exponent_bits(base, parts.q), 2) {}

// Under a fast key hs has the order 2*p' modulo p^2 and 2*q' modulo q^2, so that an exponent uniform modulo
// 2*p'*q' is a pair of the same parity. That is closer to uniform on the subgroup than the public key's draw
// of exponent_bits, and half as long.
OwnerExponents PrivateKeyParts::owner_exponents(std::size_t count) const {
  if (public_key->kind() != KeyKind::fast) {
    const SecretVector<Limb> r = random_exponents(public_key->base()->exponent_bits, count);
    return {r, r};
  }
  const SecretVector<Limb> parities = random_exponents(1, count);
  return {draw_exponents(p.exponent, parities), draw_exponents(q.exponent, parities)};
}

}  // namespace isthmus::paillier
