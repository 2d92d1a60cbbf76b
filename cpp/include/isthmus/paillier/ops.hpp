#pragma once
// Homomorphic operations on batches. None needs a secret; all are bit-identical for any thread count.

#include <cstddef>
#include <cstdint>
#include <span>

#include "isthmus/paillier/ciphertext_array.hpp"
#include "isthmus/paillier/plaintext.hpp"

namespace isthmus::paillier {

/// out[i] = Enc(a_i + b_i). Throws KeyMismatch; InvalidArgument for unequal sizes.
CiphertextArray add(const CiphertextArray& a, const CiphertextArray& b);
/// out[i] = Enc(a_i - b_i), with batched inversion.
CiphertextArray subtract(const CiphertextArray& a, const CiphertextArray& b);
/// out[i] = Enc(-a_i), with batched inversion.
CiphertextArray negate(const CiphertextArray& a);

/// out[i] = Enc(a_i * k_i).
/// Requires  |a_i * k_i| < n/2 for the product to read back; |a_i| is known to the key's owner only.
/// Timing    Variable in k, which this party knows.
/// Throws    PlaintextOverflow with the row for k outside (-n/2, n/2); InvalidArgument for unequal sizes.
CiphertextArray mul_plain(const CiphertextArray& a, const IntegerBatch& k);
/// out[i] = Enc(a_i + m_i), without new randomness: rerandomize() before it leaves this party.
/// Timing    Constant in m.
/// Throws    as mul_plain.
CiphertextArray add_plain(const CiphertextArray& a, const IntegerBatch& m);

/// Sums over the middle axis of an (outer, axis, inner) array.
/// Shapes    a[outer * axis * inner]; returns outer * inner. An empty axis gives the neutral ciphertext.
CiphertextArray sum(const CiphertextArray& a, std::size_t outer, std::size_t axis, std::size_t inner);

/// out[i] = a[index[i]]. Throws InvalidArgument with the row for an index out of range.
CiphertextArray gather(const CiphertextArray& a, std::span<const std::int64_t> index);
/// All parts, one after the other. Throws KeyMismatch; InvalidArgument when there is no part.
CiphertextArray concatenate(std::span<const CiphertextArray* const> parts);

}  // namespace isthmus::paillier
