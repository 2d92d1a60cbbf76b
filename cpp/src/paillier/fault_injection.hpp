#pragma once
// For tests of the fault checks only. Not installed; the one way in is a private hook for tests,
// isthmus._core.paillier._inject_fault_for_testing.

#include <atomic>

#include "isthmus/bigint/natural.hpp"

namespace isthmus::paillier {

/// Where the next decryptions have one bit flipped: in the half of p, or in the ciphertext between the
/// halves. The last three: where the owner's next encryptions have, in the half of p or when it is joined.
enum class InjectedFault {
  none,
  reduction,
  exponentiation_low,
  exponentiation_high,
  logarithm,
  plaintext,
  ciphertext,
  randomizer_exponent,
  randomizer,
  joined_randomizer
};

extern std::atomic<InjectedFault> injected_fault;

inline void maybe_inject(InjectedFault here, bigint::Limb* word) {
  if (injected_fault.load(std::memory_order_relaxed) == here) *word ^= 1;
}

}  // namespace isthmus::paillier
