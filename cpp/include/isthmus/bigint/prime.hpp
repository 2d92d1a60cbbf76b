#pragma once
// Primality tests and prime generation.

#include <cstddef>
#include <functional>

#include "isthmus/bigint/natural.hpp"

namespace isthmus::bigint {

/// Rounds for numbers that someone else chose: error at most 4^-64 for any input.
inline constexpr int kAdversarialRounds = 64;

/// Miller-Rabin with `rounds` random bases after trial division; exact below 2^32.
/// Timing    Constant in the value of a prime; a composite may be told early.
/// Throws    Rng.
/// Ref       FIPS 186-5, appendix B.3.1.
bool is_probable_prime(const Natural& candidate, int rounds);

/// Rounds that hold the error of a random candidate below 2^-bits/2-style bounds of FIPS 186-5, Table B.1.
int miller_rabin_rounds(std::size_t bits);

/// A random prime with exactly `bits` bits, its two top bits set, congruent to 3 modulo 4, for which `accept`
/// holds. `accept` sees candidates before the expensive tests.
/// Throws    Rng.
Natural random_prime_3_mod_4(std::size_t bits, const std::function<bool(const Natural&)>& accept);

}  // namespace isthmus::bigint
