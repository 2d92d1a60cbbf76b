#include "private_key_parts.hpp"

#include <algorithm>
#include <bit>

#include "../bigint/backend/kernels.hpp"
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

// draw_below(order), with those lowest bits.
SecretVector<Limb> draw_exponents(LimbSpan order, LimbSpan parities) {
  SecretVector<Limb> out = draw_below(order, parities.size());
  for (std::size_t i = 0; i < parities.size(); ++i) {
    Limb& lowest = out[i * order.size()];
    lowest = (lowest & ~Limb{1}) | parities[i];
  }
  return out;
}

std::size_t drawn_bits(const RandomizerBase& base, const PrimeHalf& half) {
  return base.kind == KeyKind::fast ? half.exponent_bits : base.exponent_bits;
}

// Also of the sum, which is below three times the order.
std::size_t owner_exponent_bits(const RandomizerBase& base, const PrimeHalf& half) {
  return std::max(drawn_bits(base, half), half.exponent_bits) + 2;
}

void shift_right_by_one(MutableLimbSpan x) {
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = x[i] >> 1 | (i + 1 < x.size() ? x[i + 1] << 63 : 0);
}

// a -= b unless b > a, for as many limbs.
void subtract_if_it_can_be(MutableLimbSpan a, LimbSpan b) {
  SecretVector<Limb> difference(a.size());
  Limb borrow = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const unsigned __int128 d = static_cast<unsigned __int128>(a[i]) - b[i] - borrow;
    difference[i] = static_cast<Limb>(d);
    borrow = static_cast<Limb>(d >> 127);
  }
  const Limb keep = ct_mask(borrow);
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = ct_select(keep, a[i], difference[i]);
}

// sum mod order, in place, for a sum of at most sum_bits bits and an order of exactly order_bits.
void reduce(MutableLimbSpan sum, std::size_t sum_bits, LimbSpan order, std::size_t order_bits) {
  const std::size_t shift = sum_bits < order_bits ? 0 : sum_bits - order_bits + 1;
  SecretVector<Limb> multiple(sum.size() + 1);  // order * 2^shift
  for (std::size_t i = 0; i < order.size() && i + shift / 64 < sum.size(); ++i) {
    multiple[i + shift / 64] |= order[i] << (shift % 64);
    if (shift % 64 != 0) multiple[i + shift / 64 + 1] |= order[i] >> (64 - shift % 64);
  }
  for (std::size_t i = 0; i <= shift; ++i) {
    subtract_if_it_can_be(sum, LimbSpan(multiple).first(sum.size()));
    shift_right_by_one(multiple);
  }
}

// The drawn exponents in the width of the tables, and the one of the check.
SecretVector<Limb> with_sum(LimbSpan drawn, std::size_t count, const RandomizerBase& base,
                            const PrimeHalf& half) {
  const std::size_t from = drawn.size() / count, width = (owner_exponent_bits(base, half) + 63) / 64;
  SecretVector<Limb> out((count + 1) * width), sum(width + 1);
  for (std::size_t i = 0; i < count; ++i) {
    const LimbSpan row = drawn.subspan(i * from, from);
    std::copy(row.begin(), row.end(), out.begin() + static_cast<std::ptrdiff_t>(i * width));
    bigint::add_limbs(sum, row);
  }
  reduce(sum, drawn_bits(base, half) + std::bit_width(count), half.exponent, half.exponent_bits);
  for (int i = 0; i < 2; ++i) bigint::add_limbs(sum, half.exponent);
  std::copy_n(sum.begin(), width, out.end() - static_cast<std::ptrdiff_t>(width));
  return out;
}

}  // namespace

// With a uniform x of w bits, floor(x * bound / 2^w) is uniform; there is no rejection, whose count would
// tell of the bound.
SecretVector<Limb> draw_below(LimbSpan bound, std::size_t count) {
  const std::size_t limbs = bound.size(), wide = limbs + 2;
  const SecretVector<Limb> random = random_exponents(64 * wide, count);
  SecretVector<Limb> out(count * limbs), product(wide + limbs);
  for (std::size_t i = 0; i < count; ++i) {
    bigint::multiply_limbs(product, LimbSpan(random).subspan(i * wide, wide), bound);
    for (std::size_t j = 0; j < limbs; ++j) out[i * limbs + j] = product[wide + j];
  }
  return out;
}

PrimeHalf::PrimeHalf(const Natural& p, const Natural& other, const Natural& order)
    : prime(p),
      prime_bits(p.bit_length()),
      exponent(order.limbs().begin(), order.limbs().end()),
      exponent_bits(order.bit_length()),
      guard_exponent(GuardRing::reduce_exponent(order)),
      square(p),
      guarded(p * Natural(kGuardPrime)),
      log_of_one_plus_n(element_of(square.root(), bigint::remainder(order * other, p))),
      plaintext_factor(element_of(square.root(), inverse_or_reject(bigint::remainder(order * other, p), p))) {
  const auto lock = [this](LimbSpan limbs) { locked.emplace_back(limbs.data(), limbs.size_bytes()); };
  lock(prime.limbs());
  lock(exponent);
  for (const SquareModulus* const ring : {&square, &guarded}) {
    lock(ring->value().limbs());
    lock(ring->root().value().limbs());
    lock(ring->root().digits().m);
    lock(ring->root().digits().constants);
  }
  lock({&guard_exponent, 1});
}

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
  const RandomizerBase& base = *public_key->base();
  if (base.kind != KeyKind::fast) {
    const SecretVector<Limb> r = random_exponents(base.exponent_bits, count);
    return {with_sum(r, count, base, p), with_sum(r, count, base, q)};
  }
  const SecretVector<Limb> parities = random_exponents(1, count);
  return {with_sum(draw_exponents(p.exponent, parities), count, base, p),
          with_sum(draw_exponents(q.exponent, parities), count, base, q)};
}

}  // namespace isthmus::paillier
