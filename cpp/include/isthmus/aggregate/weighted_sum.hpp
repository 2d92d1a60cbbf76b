#pragma once
// Integer combinations of ciphertexts down the columns of a matrix: X^T [[d]].

#include "isthmus/aggregate/matrix_view.hpp"
#include "isthmus/paillier/ciphertext_array.hpp"

namespace isthmus::aggregate {

/// Sums the ciphertexts weighted by each column of X.
/// out[f] = prod_{i in rows} in[i]^X(i, f) mod n^2, so Dec(out[f]) = sum_i X(i, f) * Dec(in[i]).
/// A column with few values is summed per value, jointly with others like it (joint_sums.hpp), and the sums
/// are weighed: about one product per non-zero entry, or less. In other columns each weight is cut into
/// signed digits; a digit selects a bucket of its (column, digit position), the buckets of all positions are
/// summed jointly, and running sums weigh them. Negative digits are summed apart and inverted together at the
/// end. Zero digits cost nothing. Shapes    in[n], X n x F; returns F. Requires  |sum_i X(i, f) * m_i| < n /
/// 2, which only the owner of the plaintexts' bound can check. Security  A column of zeros gives the visible
/// encryption 1 of 0: rerandomize() before the result leaves. Timing    Variable in X, which this party
/// knows. Threads   Parallel; bit-identical for any thread count. Throws    InvalidArgument; `in` is
/// unchanged. Ref       Pippenger, "On the evaluation of powers and monomials", SIAM J. Comput. 9(2), 1980.
paillier::CiphertextArray weighted_sum(const paillier::CiphertextArray& in,
                                       const MatrixView<std::int64_t>& weights, const RowSubset& rows);

/// The same for a sparse X; entry i weighs ciphertext rows[X.rows[i]], or X.rows[i] when there is no subset.
paillier::CiphertextArray weighted_sum(const paillier::CiphertextArray& in, const SparseView& weights,
                                       const RowSubset& rows);

}  // namespace isthmus::aggregate
