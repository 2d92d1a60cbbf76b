#pragma once
// Encrypted histograms.

#include <cstddef>

#include "isthmus/aggregate/matrix_view.hpp"
#include "isthmus/aggregate/packing.hpp"
#include "isthmus/paillier/ciphertext_array.hpp"

namespace isthmus::aggregate {

/// Sums the ciphertexts that fall in the same bucket, for each column of buckets.
/// out[(p * F + f) * n_buckets + b] = prod { in[i * planes + p] : i in rows, buckets(i, f) = b } mod n^2.
/// Columns are summed jointly in groups (joint_sums.hpp) that a cost model chooses (grouping.hpp). Where it
/// pays, the fullest bucket of a column is not summed but left over by the others from the sum of all rows,
/// which one group gives for nothing.
/// Shapes    in[n * planes], buckets n x F; returns planes * F * n_buckets.
/// Requires  T is uint8, uint16, int32 or int64; 0 <= buckets(i, f) < n_buckets for the rows that take part;
///           with a layout, at most layout->max_addends() of them, so that the sum of all buckets fits too.
/// Security  An empty bucket is the visible encryption 1 of 0, and every sum is a function of its inputs:
///           rerandomize() before the result leaves this party.
/// Timing    Variable in `buckets`, which this party knows.
/// Memory    Tables and row numbers of kTableBytes, or of one group of columns if that takes more; `in` is
///           read in place, also for a subset of the rows.
/// Threads   Parallel; bit-identical for any thread count and any grouping of the columns.
/// Throws    InvalidArgument (with the row for a bucket out of range), PlaintextOverflow; `in` is unchanged.
/// Ref       SecureBoost, arXiv:1901.08755, Algorithm 1.
template <class T>
paillier::CiphertextArray bucket_sum(const paillier::CiphertextArray& in, std::size_t planes,
                                     const MatrixView<T>& buckets, std::size_t n_buckets,
                                     const RowSubset& rows, const PackLayout* layout);

/// The same for sparse buckets: a row that a column does not store is in its bucket 0, whose sum is left over
/// from the sum of all rows. One product per row, then one per stored value or fewer.
/// Row r of `buckets` belongs to ciphertext rows[r], or r when there is no subset.
paillier::CiphertextArray bucket_sum(const paillier::CiphertextArray& in, std::size_t planes,
                                     const SparseView& buckets, std::size_t n_buckets, const RowSubset& rows,
                                     const PackLayout* layout);

}  // namespace isthmus::aggregate
