#pragma once
// For tests of the fault check only. Not installed, and no public function reaches it.

#include <atomic>

namespace isthmus::paillier {

/// Where the next decryptions have one bit flipped: in the half of p, or in the ciphertext between the
/// halves.
enum class InjectedFault {
  none,
  reduction,
  exponentiation_low,
  exponentiation_high,
  logarithm,
  plaintext,
  ciphertext
};

extern std::atomic<InjectedFault> injected_fault;

}  // namespace isthmus::paillier
