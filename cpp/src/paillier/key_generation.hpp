#pragma once
// New keys, and the rules for primes.

#include <optional>

#include "isthmus/paillier/keys.hpp"

namespace isthmus::paillier {

/// The primes p', q' that divide (p - 1)/2 and (q - 1)/2 of a fast key.
struct SubgroupOrders {
  Natural p, q;
};

/// What a private key is made of.
struct KeySecrets {
  Natural p, q;
  std::optional<RandomizerBase> base;
  std::optional<SubgroupOrders> orders;  // of fast keys only
};

/// Requires  key_bits a multiple of 64 in kMinKeyBits..kMaxKeyBits. Throws Rng.
KeySecrets generate_djn(std::size_t key_bits);
KeySecrets generate_fast(std::size_t key_bits);

/// Throws    KeyRejected unless kMinKeyBits <= key_bits <= kMaxKeyBits.
void require_key_size(std::size_t key_bits);
/// Rules for the primes of a key that comes from outside.
/// Throws    KeyRejected, naming the rule.
void validate_primes(const Natural& p, const Natural& q);
/// Throws    KeyRejected unless the orders are distinct primes of half the exponent's bits that divide p - 1
/// and
///           q - 1.
void validate_orders(const KeySecrets& secrets);

}  // namespace isthmus::paillier
