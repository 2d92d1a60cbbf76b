#pragma once
// Integer combinations of ciphertexts along the rows of a matrix, several rows to a plaintext: X [[w]].

#include <cstddef>
#include <cstdint>

#include "isthmus/aggregate/matrix_view.hpp"
#include "isthmus/paillier/ciphertext_array.hpp"

namespace isthmus::aggregate {

/// Multiplies a clear matrix by an encrypted vector and packs `slots` results into each ciphertext.
/// out[t] = Enc( sum_s 2^(s * slot_bits) * sum_j X(t * slots + s, j) * Dec(in[j]) ),
/// slots = floor((key_bits - 2) / slot_bits); rows beyond the last count as zero.
/// For each (j, s) a table holds the small multiples of in[j]^(2^(s * slot_bits)) at every digit position, so
/// an entry of X costs one product per non-zero digit and no squaring. Positive and negative digits are
/// gathered apart and joined by one batched inversion. Shapes    in[d], X n x d; returns ceil(n / slots).
/// Requires  |sum_j X(i, j) * m_j| < 2^(slot_bits - 1), which only the owner of the bound on m can check. The
///           slot sums are signed: adding 2^(slot_bits - 1) to each slot makes them readable.
/// Security  A function of `in` alone: rerandomize() and mask before the result leaves this party.
/// Memory    At most kTableBytes of tables at a time; wider matrices go through in blocks of columns.
/// Timing    Variable in X, which this party knows.
/// Threads   Parallel; bit-identical for any thread count.
/// Throws    InvalidArgument; PlaintextOverflow with the row when sum_j |X(i, j)| >= 2^(slot_bits - 1), which
/// no
///           non-zero plaintexts could satisfy, or when no slot fits; `in` is unchanged.
/// Ref       Brickell, Gordon, McCurley, Wilson, "Fast exponentiation with precomputation", EUROCRYPT 1992.
paillier::CiphertextArray packed_products(const paillier::CiphertextArray& in,
                                          const MatrixView<std::int64_t>& weights, std::size_t slot_bits);

}  // namespace isthmus::aggregate
