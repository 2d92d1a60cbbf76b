#pragma once
// Encryption, and fresh randomness for ciphertexts.

#include "isthmus/paillier/ciphertext_array.hpp"
#include "isthmus/paillier/plaintext.hpp"

namespace isthmus::paillier {

/// out[i] = (1 + (m_i mod n) * n) * rho_i mod n^2, with rho_i drawn from `source`: a PublicKey, or the
/// PrivateKey of the same key, which draws from the same distribution faster. Timing    Constant in m; see
/// FixedBaseTable for the randomness. Throws    PlaintextOverflow with the row, before anything is encrypted;
/// Rng.
CiphertextArray encrypt(const ResidueSource& source, const IntegerBatch& plaintexts);

/// out[i] = a_i * rho_i: the same plaintexts in unlinkable ciphertexts.
/// Throws    KeyMismatch when `source` draws for another key; Rng.
CiphertextArray rerandomize(const ResidueSource& source, const CiphertextArray& a);

}  // namespace isthmus::paillier
