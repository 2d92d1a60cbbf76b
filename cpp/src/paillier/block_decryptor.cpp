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

#include <algorithm>

#include "fault_injection.hpp"
#include "guard_ring.hpp"
#include "random_exponents.hpp"

namespace isthmus::paillier {

using bigint::MulTask;
using bigint::SquareModulus;

std::atomic<InjectedFault> injected_fault{InjectedFault::none};

namespace {

constexpr std::size_t kBlindingBits = 128;

void inject_if(bool is_p, InjectedFault here, Limb* word) {
  if (is_p) maybe_inject(here, word);
}

LimbSpan row(const AlignedLimbs& rows, std::size_t i, std::size_t width) {
  return LimbSpan(rows).subspan(i * width, width);
}

// factors[i] = base^(2i + 1) for i < count: odd powers, so that those of b^(2^j) for all j are all different.
AlignedLimbs odd_powers(const SquareModulus& ring, const Limb* base, std::size_t count) {
  const std::size_t stride = ring.stride();
  AlignedLimbs factors(count * stride), step(stride);
  std::copy_n(base, stride, factors.data());
  ring.sqr(step.data(), base);
  for (std::size_t done = 1; done < count; done *= 2) {  // step = base^(2 * done)
    std::vector<MulTask> tasks;
    for (std::size_t i = 0; i < std::min(done, count - done); ++i) {
      tasks.push_back({factors.data() + (done + i) * stride, factors.data() + i * stride, step.data()});
    }
    ring.mul(tasks);
    ring.sqr(step.data(), step.data());
  }
  return factors;
}

// rows[i] * factor modulo the root, for elements that begin `stride` words apart.
void multiply_each(const bigint::Modulus& root, Limb* rows, std::size_t stride, std::size_t count,
                   const AlignedLimbs& factor) {
  std::vector<MulTask> tasks;
  for (std::size_t i = 0; i < count; ++i)
    tasks.push_back({rows + i * stride, rows + i * stride, factor.data()});
  root.mul(tasks);
}

}  // namespace

BlindingBases::BlindingBases(const PrivateKeyParts& parts, std::size_t batches)
    : stride_(parts.public_key->n_squared().stride()), bases_(batches * stride_) {
  const SquareModulus& ring = parts.public_key->n_squared();
  const SecretVector<Limb> exponent = random_exponents(kBlindingBits, 1);
  ring.pow(bases_.data(), parts.blinding_base.data(), 1, exponent, kBlindingBits);
  for (std::size_t i = 1; i < batches; ++i) ring.sqr(bases_.data() + i * stride_, base(i - 1));
}

BlockDecryptor::BlockDecryptor(const PrivateKeyParts& parts)
    : parts_(parts), n_squared_(parts.public_key->n_squared()) {}

std::vector<Limb> BlockDecryptor::run(const CiphertextArray& in, std::size_t first, std::size_t count,
                                      const Limb* blinding, MutableByteSpan out) {
  count_ = count;
  blind(in, first, blinding);
  const HalfResult p = half(parts_.p);
  maybe_inject(InjectedFault::ciphertext, blinded_.data());
  const HalfResult q = half(parts_.q);
  AlignedLimbs plaintexts = join(p, q);
  maybe_inject(InjectedFault::plaintext, plaintexts.data());
  const std::vector<Limb> p_agrees = agree(parts_.p, p, plaintexts),
                          q_agrees = agree(parts_.q, q, plaintexts);
  const std::size_t n_bytes = parts_.public_key->n_bytes(), limbs = plaintexts.size() / count;
  std::vector<Limb> valid(count);
  for (std::size_t i = 0; i < count; ++i) {
    valid[i] = p.valid[i] & q.valid[i] & p_agrees[i] & q_agrees[i];
    bigint::limbs_to_bytes(out.subspan(i * n_bytes, n_bytes), row(plaintexts, i, limbs));
  }
  return valid;
}

// Row i of blinded_ is c_i times an odd power of the blinding factor; guards_[i] is the same modulo t^2.
void BlockDecryptor::blind(const CiphertextArray& in, std::size_t first, const Limb* blinding) {
  AlignedLimbs products = odd_powers(n_squared_, blinding, count_);
  std::vector<MulTask> tasks;
  for (std::size_t i = 0; i < count_; ++i) {
    Limb* const factor = products.data() + i * n_squared_.stride();
    tasks.push_back({factor, in.at(first + i), factor});
  }
  n_squared_.mul(tasks);
  blinded_.resize(count_ * n_squared_.limbs());
  n_squared_.export_rows(blinded_, products.data(), count_);
  guards_.resize(count_);
  for (std::size_t i = 0; i < count_; ++i)
    guards_[i] = GuardRing::reduce(row(blinded_, i, n_squared_.limbs()));
}

HalfResult BlockDecryptor::half(const PrimeHalf& h) const {
  const SquareModulus& ring = h.guarded;
  const bigint::Modulus& root = h.square.root();
  const bool is_p = &h == &parts_.p;
  HalfResult r{AlignedLimbs(count_ * ring.limbs()), AlignedLimbs(count_ * root.limbs()),
               std::vector<Limb>(count_)};
  AlignedLimbs z(count_ * ring.stride());
  ring.import_rows(z.data(), blinded_, count_);
  inject_if(is_p, InjectedFault::reduction, z.data());
  ring.pow(z.data(), z.data(), count_, h.exponent, h.exponent_bits);
  inject_if(is_p, InjectedFault::exponentiation_low, z.data());
  inject_if(is_p, InjectedFault::exponentiation_high, z.data() + ring.root().stride());
  ring.export_rows(r.powers, z.data(), count_);
  AlignedLimbs pairs(count_ * h.square.stride()), logarithms(count_ * root.stride());
  h.square.import_rows(pairs.data(), r.powers, count_);
  for (std::size_t i = 0; i < count_; ++i) {
    const std::uint64_t expected = GuardRing::pow(guards_[i], h.guard_exponent);
    const std::uint64_t found = GuardRing::reduce(row(r.powers, i, ring.limbs()));
    const Limb* const pair = pairs.data() + i * h.square.stride();
    r.valid[i] =
        ct_equal(found, expected) & h.square.log_one_plus(logarithms.data() + i * root.stride(), pair);
  }
  inject_if(is_p, InjectedFault::logarithm, logarithms.data());
  multiply_each(root, logarithms.data(), root.stride(), count_, h.plaintext_factor);
  root.export_rows(r.plaintexts, logarithms.data(), count_);
  return r;
}

// m = m_p + p * ((m_q - m_p) / p mod q), as rows of limbs.
AlignedLimbs BlockDecryptor::join(const HalfResult& p, const HalfResult& q) const {
  const SquareModulus& square = parts_.q.square;
  const bigint::Modulus& root = square.root();
  const LimbSpan prime = parts_.p.prime.limbs();
  AlignedLimbs pairs(count_ * square.stride()), differences(count_ * root.stride());
  AlignedLimbs multiples(count_ * root.limbs());
  square.import_rows(pairs.data(), p.plaintexts, count_);  // their low digits are m_p mod q
  root.import_rows(differences.data(), q.plaintexts, count_);
  for (std::size_t i = 0; i < count_; ++i) {
    Limb* const difference = differences.data() + i * root.stride();
    root.sub(difference, difference, pairs.data() + i * square.stride());
  }
  multiply_each(root, differences.data(), root.stride(), count_, parts_.p_inverse);
  root.export_rows(multiples, differences.data(), count_);
  const std::size_t width = root.limbs() + prime.size();
  AlignedLimbs m(count_ * width);
  for (std::size_t i = 0; i < count_; ++i) {
    const MutableLimbSpan sum = MutableLimbSpan(m).subspan(i * width, width);
    bigint::multiply_limbs(sum, row(multiples, i, root.limbs()), prime);
    bigint::add_limbs(sum, row(p.plaintexts, i, prime.size()));
  }
  return m;
}

// Check 3 of one half.
std::vector<Limb> BlockDecryptor::agree(const PrimeHalf& h, const HalfResult& r, LimbSpan plaintexts) const {
  const SquareModulus& square = h.square;
  const std::size_t stride = square.stride();
  AlignedLimbs pairs(count_ * stride), expected(count_ * stride), one(stride);
  square.import_rows(pairs.data(), plaintexts, count_);  // their low digits are m mod p
  multiply_each(square.root(), pairs.data(), stride, count_, h.log_of_one_plus_n);
  square.set_one(one.data());
  std::vector<MulTask> tasks;
  for (std::size_t i = 0; i < count_; ++i) {
    tasks.push_back({expected.data() + i * stride, one.data(), pairs.data() + i * stride});
  }
  square.mul_one_plus(tasks);
  square.import_rows(pairs.data(), r.powers, count_);
  std::vector<Limb> agrees(count_);
  for (std::size_t i = 0; i < count_; ++i) {
    agrees[i] = square.equal_mask(pairs.data() + i * stride, expected.data() + i * stride);
  }
  return agrees;
}

}  // namespace isthmus::paillier
