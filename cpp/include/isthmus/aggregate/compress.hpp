#pragma once
// Folding of aggregated ciphertexts before they are sent and decrypted.

#include <cstddef>

#include "isthmus/paillier/ciphertext_array.hpp"

namespace isthmus::aggregate {

/// Folds each group of floor((key_bits - 2) / slot_bits) consecutive ciphertexts into one.
/// out[g] = Enc( sum_k m_(g * slots + k) * 2^(k * slot_bits) ), by Horner's rule: slot_bits squarings and one
/// product per ciphertext.
/// Shapes    in[n]; returns ceil(n / slots).
/// Requires  0 <= m < 2^slot_bits for every plaintext, or |m| < 2^(slot_bits - 1) and an offset added later.
/// Security  A function of `in` alone: rerandomize() before the result leaves this party.
/// Threads   Parallel over groups; bit-identical for any thread count.
/// Throws    InvalidArgument for slot_bits = 0, PlaintextOverflow when no slot fits.
/// Ref       SecureBoost+, arXiv:2110.10927, cipher compression.
paillier::CiphertextArray compress(const paillier::CiphertextArray& in, std::size_t slot_bits);

}  // namespace isthmus::aggregate
