#pragma once
// Homomorphic operations on batches. None needs a secret; all are bit-identical for any thread count.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "isthmus/paillier/ciphertext_array.hpp"

namespace isthmus::paillier {

/// Signed integers of any width: sign-and-magnitude, magnitudes big-endian in `width` bytes each.
struct SignedBatch {
  ByteSpan magnitudes;                        // size * width bytes
  std::span<const std::uint8_t> negative;     // size flags, 0 or 1
  std::size_t width;
  std::size_t size() const noexcept { return negative.size(); }
};

/// out[i] = Enc(a_i + b_i). Throws KeyMismatch; InvalidArgument for unequal sizes.
CiphertextArray add(const CiphertextArray& a, const CiphertextArray& b);
/// out[i] = Enc(a_i - b_i), with one inversion for the whole batch.
CiphertextArray subtract(const CiphertextArray& a, const CiphertextArray& b);
/// out[i] = Enc(-a_i), with one inversion for the whole batch.
CiphertextArray negate(const CiphertextArray& a);

/// out[i] = Enc(a_i * k_i). Variable time in k, which this party knows.
CiphertextArray mul_plain(const CiphertextArray& a, std::span<const std::int64_t> k);
CiphertextArray mul_plain(const CiphertextArray& a, const SignedBatch& k);
/// out[i] = Enc(a_i + m_i): adds plaintexts without new randomness.
CiphertextArray add_plain(const CiphertextArray& a, std::span<const std::int64_t> m);
CiphertextArray add_plain(const CiphertextArray& a, const SignedBatch& m);

/// Sums over the middle axis of an (outer, axis, inner) array. Returns (outer, inner).
CiphertextArray sum(const CiphertextArray& a, std::size_t outer, std::size_t axis, std::size_t inner);

/// out[i] = a_i * fresh n-th residue: the same plaintexts, unlinkable ciphertexts.
CiphertextArray rerandomize(const CiphertextArray& a);

/// out[i] = a[index[i]]. Throws InvalidArgument for an index out of range.
CiphertextArray gather(const CiphertextArray& a, std::span<const std::int64_t> index);
/// All parts, one after the other. Throws KeyMismatch; InvalidArgument when there is no part.
CiphertextArray concatenate(std::span<const CiphertextArray* const> parts);

}  // namespace isthmus::paillier
