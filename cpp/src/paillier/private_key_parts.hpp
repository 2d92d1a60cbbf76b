#pragma once
// What a private key consists of. Internal: tests/ct marks these as secret.

#include <memory>
#include <mutex>
#include <optional>

#include "isthmus/bigint/square_modulus.hpp"
#include "isthmus/paillier/keys.hpp"

namespace isthmus::paillier {

using bigint::AlignedLimbs;
using bigint::LimbSpan;
using bigint::MutableLimbSpan;

/// Best-effort mlock, and exclusion from core dumps, of the pages that hold a secret.
class LockedPages {
 public:
  LockedPages(const void* data, std::size_t size) noexcept;
  ~LockedPages();
  LockedPages(const LockedPages&) = delete;
  LockedPages& operator=(const LockedPages&) = delete;

 private:
  void* start_;
  std::size_t size_;
};

/// One prime p of n = p * other.
struct PrimeHalf {
  PrimeHalf(const Natural& p, const Natural& other);

  Natural prime;
  std::size_t prime_bits;          // public, unlike what Natural would compute it from
  SecretVector<Limb> exponent;     // p - 1
  std::uint64_t guard_exponent;    // the same modulo phi(t^2)
  bigint::SquareModulus square;    // p^2
  bigint::SquareModulus guarded;   // (p*t)^2
  AlignedLimbs log_of_one_plus_n;  // L((1+n)^(p-1)) = -other mod p, an element of square.root()
  AlignedLimbs plaintext_factor;   // its inverse
  LockedPages locked_prime, locked_exponent, locked_digits;
};

/// Tables of hs modulo p^2 and q^2, for the owner's encryption.
struct OwnerTables {
  bigint::FixedBaseTable p, q;
};

struct PrivateKeyParts {
  PrivateKeyParts(const Natural& prime_p, const Natural& prime_q, const std::optional<Natural>& hs);

  PublicKeyPtr public_key;
  PrimeHalf p, q;
  AlignedLimbs p_inverse;          // p^-1 mod q, an element of q.square.root()
  AlignedLimbs p_squared_inverse;  // p^-2 mod q^2, an element of q.square
  AlignedLimbs blinding_base;      // an n-th residue, an element of public_key->n_squared()

  const OwnerTables& owner_tables() const;

 private:
  mutable std::once_flag tables_once_;
  mutable std::unique_ptr<const OwnerTables> tables_;
};

}  // namespace isthmus::paillier
