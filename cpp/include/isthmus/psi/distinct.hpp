#pragma once
// Exact deduplication of items.

#include <cstdint>
#include <span>

#include "isthmus/psi/item.hpp"

namespace isthmus {

/// For each row, the first row that holds the same item.
/// first[i] = min { j : item(j) = item(i) }, compared byte for byte; the hashing behind it is keyed afresh.
/// Shapes    first[columns.size()].
/// Threads   parallel_for; the same result for any thread count.
/// Throws    IdEncoding as ItemColumns::encode(), for the first bad row; Rng.
void first_occurrences(const ItemColumns& columns, std::span<std::int64_t> first);

}  // namespace isthmus
