#pragma once
// What a private key consists of. Internal: tests/ct marks these as secret.

#include <deque>
#include <memory>
#include <optional>

#include "growing_table.hpp"
#include "isthmus/paillier/keys.hpp"
#include "key_generation.hpp"
#include "locked_pages.hpp"

namespace isthmus::paillier {

using bigint::AlignedLimbs;
using bigint::LimbSpan;
using bigint::MutableLimbSpan;

/// One prime p of n = p * other.
struct PrimeHalf {
  /// `order` is a multiple of the order of all randomizers modulo p^2: p - 1, or 2*p' for a fast key.
  PrimeHalf(const Natural& p, const Natural& other, const Natural& order);
  ~PrimeHalf() { zeroise(&guard_exponent, sizeof guard_exponent); }
  PrimeHalf(const PrimeHalf&) = delete;
  PrimeHalf& operator=(const PrimeHalf&) = delete;

  Natural prime;
  std::size_t prime_bits;          // public, unlike what Natural would compute it from
  SecretVector<Limb> exponent;     // the order
  std::size_t exponent_bits;       // public
  std::uint64_t guard_exponent;    // the same modulo phi(t^2)
  bigint::SquareModulus square;    // p^2
  bigint::SquareModulus guarded;   // (p*t)^2
  AlignedLimbs log_of_one_plus_n;  // L((1+n)^order) = order * other mod p, an element of square.root()
  AlignedLimbs plaintext_factor;   // its inverse
  std::deque<LockedPages> locked;  // every copy of the prime, its multiple and their squares in the above
};

struct PrivateKeyParts;

/// Tables of hs modulo p^2 and q^2, for the owner's encryption.
struct OwnerTables {
  OwnerTables(const PrivateKeyParts& parts, const RandomizerBase& base);
  GrowingTable<bigint::MaskedBaseTable> p, q;
};

/// Exponents of hs modulo p^2 and modulo q^2, as equally long runs of limbs, for as many randomizers and one
/// more: the last is the sum of the others modulo the order, plus twice the order, so that its digits have
/// nothing to do with theirs.
struct OwnerExponents {
  SecretVector<Limb> p, q;
};

/// `count` integers in [0, bound), as runs of as many limbs, uniform but for 2^-128.
/// Timing    Constant in the bound and the results. Throws    Rng.
SecretVector<Limb> draw_below(LimbSpan bound, std::size_t count);

struct PrivateKeyParts {
  explicit PrivateKeyParts(const KeySecrets& secrets);

  PublicKeyPtr public_key;
  PrimeHalf p, q;
  AlignedLimbs p_inverse;               // p^-1 mod q, an element of q.square.root()
  AlignedLimbs p_squared;               // an element of public_key->n_squared()
  AlignedLimbs p_squared_inverse;       // p^-2 mod q^2, an element of q.square
  AlignedLimbs blinding_base;           // an n-th residue, an element of public_key->n_squared()
  std::unique_ptr<OwnerTables> tables;  // absent for standard keys

  /// Throws Rng.
  OwnerExponents owner_exponents(std::size_t count) const;
};

}  // namespace isthmus::paillier
