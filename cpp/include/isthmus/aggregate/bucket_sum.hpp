#pragma once
// Encrypted histograms.

#include <cstddef>

#include "isthmus/aggregate/matrix_view.hpp"
#include "isthmus/aggregate/packing.hpp"
#include "isthmus/paillier/ciphertext_array.hpp"

namespace isthmus::aggregate {

/// Sums the ciphertexts that fall in the same bucket, for each column of buckets.
/// out[f * n_buckets + b] = prod { in[i] : i in rows, buckets(i, f) = b } mod n^2.
/// Shapes    in[n], buckets n x F; returns F * n_buckets.
/// Requires  T is uint8, uint16, int32 or int64; 0 <= buckets(i, f) < n_buckets for the rows that take part;
///           with a layout, at most layout->max_addends() of them, so that the sum of all buckets fits too.
/// Security  An empty bucket is the visible encryption 1 of 0, and every sum is a function of its inputs:
///           rerandomize() before the result leaves this party.
/// Timing    Variable in `buckets`, which this party knows.
/// Threads   Parallel; bit-identical for any thread count and any grouping of the columns.
/// Throws    InvalidArgument (with the row for a bucket out of range), PlaintextOverflow; `in` is unchanged.
/// Ref       SecureBoost, arXiv:1901.08755, Algorithm 1.
template <class T>
paillier::CiphertextArray bucket_sum(const paillier::CiphertextArray& in, const MatrixView<T>& buckets,
                                     std::size_t n_buckets, const RowSubset& rows, const PackLayout* layout);

}  // namespace isthmus::aggregate
