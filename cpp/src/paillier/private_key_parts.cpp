#include "private_key_parts.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

#include "guard_ring.hpp"
#include "isthmus/core/error.hpp"

namespace isthmus::paillier {
namespace {

using bigint::FixedBaseTable;
using bigint::SquareModulus;

// One bit wider than the public key's: rows modulo p^2 are half as long, so both take about as much memory.
constexpr unsigned kOwnerWindow = 9;

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

// -other mod p.
Natural negated(const Natural& other, const Natural& p) { return p - bigint::remainder(other, p); }

// hs itself, or for standard keys x^n with a random x.
AlignedLimbs make_blinding_base(const PublicKey& key) {
  if (key.hs()) return element_of(key.n_squared(), *key.hs());
  AlignedLimbs base(key.n_squared().stride());
  key.random_residues(base.data(), 1);
  return base;
}

}  // namespace

LockedPages::LockedPages(const void* data, std::size_t size) noexcept {
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto address = reinterpret_cast<std::uintptr_t>(data);
  const std::uintptr_t first = address / page * page;
  start_ = reinterpret_cast<void*>(first);
  size_ = (address + size + page - 1) / page * page - first;
  // Limits on locked memory are small on some systems: a refusal is not an error.
  if (mlock(start_, size_) != 0) size_ = 0;
#ifdef MADV_DONTDUMP
  if (size_ != 0) (void)madvise(start_, size_, MADV_DONTDUMP);
#endif
}

LockedPages::~LockedPages() {
  if (size_ != 0) munlock(start_, size_);
}

PrimeHalf::PrimeHalf(const Natural& p, const Natural& other)
    : prime(p),
      prime_bits(p.bit_length()),
      exponent(p.limbs().begin(), p.limbs().end()),
      guard_exponent(GuardRing::reduce_exponent(p - Natural(1))),
      square(p),
      guarded(p * Natural(kGuardPrime)),
      log_of_one_plus_n(element_of(square.root(), negated(other, p))),
      plaintext_factor(element_of(square.root(), inverse_or_reject(negated(other, p), p))),
      locked_prime(prime.limbs().data(), prime.limbs().size_bytes()),
      locked_exponent(exponent.data(), exponent.size() * sizeof(Limb)),
      locked_digits(square.root().value().limbs().data(), square.root().value().limbs().size_bytes()) {
  exponent[0] -= 1;  // p is odd
}

PrivateKeyParts::PrivateKeyParts(const Natural& prime_p, const Natural& prime_q,
                                 const std::optional<Natural>& hs)
    : public_key(PublicKey::create(prime_p * prime_q, hs)),
      p(prime_p, prime_q),
      q(prime_q, prime_p),
      p_inverse(element_of(q.square.root(), inverse_or_reject(prime_p, prime_q))),
      p_squared_inverse(q.square.stride()),
      blinding_base(make_blinding_base(*public_key)) {
  const AlignedLimbs p_squared = element_of(q.square, prime_p * prime_p);
  q.square.invert(p_squared_inverse.data(), p_squared.data(), 1);
}

const OwnerTables& PrivateKeyParts::owner_tables() const {
  std::call_once(tables_once_, [this] {
    const std::size_t bits = public_key->key_bits() / 2;
    const AlignedLimbs base_p = element_of(p.square, *public_key->hs());
    const AlignedLimbs base_q = element_of(q.square, *public_key->hs());
    tables_ = std::make_unique<const OwnerTables>(
        OwnerTables{FixedBaseTable(p.square, base_p.data(), bits, kOwnerWindow),
                    FixedBaseTable(q.square, base_q.data(), bits, kOwnerWindow)});
  });
  return *tables_;
}

}  // namespace isthmus::paillier
