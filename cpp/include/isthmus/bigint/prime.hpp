#pragma once
// Primality tests and prime generation.

#include <cstddef>
#include <functional>

#include "isthmus/bigint/natural.hpp"

namespace isthmus::bigint {

/// Rounds for numbers that someone else chose: a composite passes with probability at most 4^-64.
inline constexpr int kAdversarialRounds = 64;

/// Fewest rounds for which a random `bits`-bit odd number that passes is composite with probability below
/// 2^-144, by p(k, t) < k^(3/2) * 2^t / sqrt(t) * 4^(2 - sqrt(t*k)): 7 at 1024 bits, 5 at 1536, 4 at 2048. No
/// row of FIPS 186-5, Table B.1 asks for more (5 at 2^-112, 4 at 2^-128, 4 at 2^-144). Requires  bits >= 512.
/// Ref       Damgard, Landrock and Pomerance, "Average case error estimates for the strong probable prime
/// test",
///           Math. Comp. 61 (1993), theorem 2.
int miller_rabin_rounds(std::size_t bits);

/// One round of Miller-Rabin: whether `base` fails to prove the odd `candidate` composite.
/// Requires  1 <= base < candidate, candidate > 4.
bool passes_miller_rabin(const Natural& candidate, const Natural& base);

/// Trial division by the primes below 2^11, then Miller-Rabin with `rounds` random bases.
/// Timing    Constant in the value of a prime, its 2-adic valuation of p - 1 excepted; composites may be told
/// early. Throws    Rng. Ref       FIPS 186-5, appendix B.3.1.
bool is_probable_prime(const Natural& candidate, int rounds);

/// Whether a prime below 2^20 divides `candidate` (and is not all of it).
bool has_small_factor(const Natural& candidate);

/// A random prime of exactly `bits` bits, its two top bits set (so that products of two have 2*bits bits),
/// congruent to 3 modulo 4, that `accept` takes. Candidates are independent uniform draws, not a walk.
/// Throws    Rng; InvalidArgument below 512 bits.
/// Ref       FIPS 186-5, appendix A.1.3.
Natural random_prime_3_mod_4(std::size_t bits, const std::function<bool(const Natural&)>& accept);

}  // namespace isthmus::bigint
