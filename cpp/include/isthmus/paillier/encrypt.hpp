#pragma once
// Encryption under a public key.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "isthmus/paillier/ciphertext_array.hpp"
#include "isthmus/paillier/ops.hpp"

namespace isthmus::paillier {

/// out[i] = (1 + (m_i mod n) * n) * rho_i mod n^2, with rho_i drawn from `source`: a PublicKey, or the PrivateKey of
/// the same key, which draws from the same distribution faster.
/// Timing    Constant in m; see FixedBaseTable for the randomness.
/// Threads   parallel_for; the randomness is drawn per ciphertext.
/// Throws    PlaintextOverflow with the row, before anything is encrypted; Rng.
CiphertextArray encrypt(const ResidueSource& source, std::span<const std::int64_t> m);
CiphertextArray encrypt(const ResidueSource& source, std::span<const std::uint64_t> m);
CiphertextArray encrypt(const ResidueSource& source, const SignedBatch& m);

/// Several non-negative words per plaintext: m_i = sum_s columns[i * slots + s] << (s * slot_bits).
/// Throws    PlaintextOverflow with the row when a word is wider than its slot, or when the slots are wider than
///           the plaintext.
CiphertextArray encrypt_packed(const ResidueSource& source, std::span<const std::uint64_t> columns, std::size_t slots,
                               std::size_t slot_bits);

}  // namespace isthmus::paillier
