// Decryption modulo p^2 and q^2, and its fault check.
//
// In each half z = c^(p-1) = 1 + p*L mod p^2 and m = L / -q mod p; Garner's formula joins the halves. A fault
// in one half alone would give m' with gcd(m' - m, n) a prime factor, so nothing leaves before these checks:
//  1. z is computed modulo (p*t)^2 for a small prime t, and compared modulo t^2 with (c mod t^2)^(p-1), whose
//     base and exponent were reduced separately (Shamir's trick), the base before either half began: covers
//     the reduction of c, the exponentiation, and c itself, which the halves must share;
//  2. z = 1 modulo p;
//  3. from the joined plaintext m, 1 + p*(-q*m mod p) is compared with z modulo p^2, reduced once more: this
//     covers L, the division and Garner's formula, in both halves.
// The blinding factor is one number modulo n^2 for both halves, so a fault in it cannot tell them apart.
// Ref       Boneh, DeMillo and Lipton, EUROCRYPT 1997 (attack); Shamir, US patent 5,991,415 (1999, expired).

#include "block_decryptor.hpp"

#include "fault_injection.hpp"
#include "guard_ring.hpp"
#include "random_exponents.hpp"

namespace isthmus::paillier {

using bigint::SquareModulus;

std::atomic<InjectedFault> injected_fault{InjectedFault::none};

namespace {

constexpr std::size_t kBlindingBits = 128;

void maybe_inject(InjectedFault here, bool is_p, Limb* word) {
  if (is_p && injected_fault.load(std::memory_order_relaxed) == here) *word ^= 1;
}

MutableLimbSpan row(AlignedLimbs& rows, std::size_t i, std::size_t width) {
  return MutableLimbSpan(rows).subspan(i * width, width);
}
LimbSpan row(const AlignedLimbs& rows, std::size_t i, std::size_t width) {
  return LimbSpan(rows).subspan(i * width, width);
}

}  // namespace

BlockDecryptor::BlockDecryptor(const PrivateKeyParts& parts)
    : parts_(parts), n_squared_(parts.public_key->n_squared()), c_limbs_(n_squared_.limbs()) {}

std::vector<Limb> BlockDecryptor::run(const CiphertextArray& in, std::size_t first, std::size_t count,
                                      MutableByteSpan out) {
  blind(in, first, count);
  const HalfResult p = half(parts_.p, count);
  maybe_inject(InjectedFault::ciphertext, true, blinded_.data());
  const HalfResult q = half(parts_.q, count);
  const std::size_t n_bytes = parts_.public_key->n_bytes();
  std::vector<Limb> valid(count);
  for (std::size_t i = 0; i < count; ++i) {
    AlignedLimbs m = join(p, q, i);
    maybe_inject(InjectedFault::plaintext, true, m.data());
    valid[i] = p.valid[i] & q.valid[i] & agrees(parts_.p, p, i, m) & agrees(parts_.q, q, i, m);
    bigint::limbs_to_bytes(out.subspan(i * n_bytes, n_bytes), m);
  }
  return valid;
}

// blinded(i) = c_i * b^(2^i) as limbs, for one random n-th residue b; guards_[i] = blinded(i) modulo t^2.
void BlockDecryptor::blind(const CiphertextArray& in, std::size_t first, std::size_t count) {
  AlignedLimbs factor(n_squared_.stride()), product(n_squared_.stride());
  const SecretVector<Limb> exponent = random_exponents(kBlindingBits, 1);
  n_squared_.pow(factor.data(), parts_.blinding_base.data(), 1, exponent, kBlindingBits);
  blinded_.resize(count * c_limbs_);
  guards_.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    n_squared_.mul(product.data(), in.at(first + i), factor.data());
    n_squared_.export_limbs(blinded(i), product.data());
    guards_[i] = GuardRing::reduce(blinded(i));
    n_squared_.sqr(factor.data(), factor.data());
  }
}

HalfResult BlockDecryptor::half(const PrimeHalf& h, std::size_t count) {
  const SquareModulus& ring = h.guarded;
  const bool is_p = &h == &parts_.p;
  HalfResult r{AlignedLimbs(count * ring.limbs()), AlignedLimbs(count * h.square.root().limbs()),
               std::vector<Limb>(count)};
  AlignedLimbs z(count * ring.stride());
  for (std::size_t i = 0; i < count; ++i) ring.import_limbs(z.data() + i * ring.stride(), blinded(i));
  maybe_inject(InjectedFault::reduction, is_p, z.data());
  ring.pow(z.data(), z.data(), count, h.exponent, h.exponent_bits);
  maybe_inject(InjectedFault::exponentiation_low, is_p, z.data());
  maybe_inject(InjectedFault::exponentiation_high, is_p, z.data() + ring.root().stride());
  AlignedLimbs pair(h.square.stride());
  for (std::size_t i = 0; i < count; ++i) {
    const MutableLimbSpan power = row(r.powers, i, ring.limbs());
    ring.export_limbs(power, z.data() + i * ring.stride());
    const std::uint64_t expected = GuardRing::pow(guards_[i], h.guard_exponent);
    h.square.import_limbs(pair.data(), power);
    r.valid[i] =
        ct_equal(GuardRing::reduce(power), expected) & h.square.log_one_plus(pair.data(), pair.data());
    maybe_inject(InjectedFault::logarithm, is_p, pair.data());
    h.square.root().mul(pair.data(), pair.data(), h.plaintext_factor.data());
    h.square.root().export_limbs(row(r.plaintexts, i, h.square.root().limbs()), pair.data());
  }
  return r;
}

// m = m_p + p * ((m_q - m_p) / p mod q).
AlignedLimbs BlockDecryptor::join(const HalfResult& p, const HalfResult& q, std::size_t i) const {
  const bigint::Modulus& root_q = parts_.q.square.root();
  const LimbSpan m_p = row(p.plaintexts, i, parts_.p.square.root().limbs());
  AlignedLimbs pair(parts_.q.square.stride()), difference(root_q.stride()), limbs(root_q.limbs());
  parts_.q.square.import_limbs(pair.data(), m_p);  // its low digit is m_p mod q
  root_q.import_limbs(difference.data(), row(q.plaintexts, i, root_q.limbs()));
  root_q.sub(difference.data(), difference.data(), pair.data());
  root_q.mul(difference.data(), difference.data(), parts_.p_inverse.data());
  root_q.export_limbs(limbs, difference.data());
  AlignedLimbs m(limbs.size() + parts_.p.prime.limbs().size());
  bigint::multiply_limbs(m, limbs, parts_.p.prime.limbs());
  bigint::add_limbs(m, m_p);
  return m;
}

// Check 3 of one half.
Limb BlockDecryptor::agrees(const PrimeHalf& h, const HalfResult& r, std::size_t i, LimbSpan m) const {
  AlignedLimbs pair(h.square.stride()), expected(h.square.stride());
  h.square.import_limbs(pair.data(), m);
  h.square.root().mul(pair.data(), pair.data(), h.log_of_one_plus_n.data());
  h.square.set_one(expected.data());
  h.square.mul_one_plus(expected.data(), expected.data(), pair.data());
  h.square.import_limbs(pair.data(), row(r.powers, i, h.guarded.limbs()));
  return h.square.equal_mask(pair.data(), expected.data());
}

}  // namespace isthmus::paillier
