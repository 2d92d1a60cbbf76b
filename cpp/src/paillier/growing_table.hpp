#pragma once
// The table of one base, made when and as large as its use pays for.

#include <cstddef>
#include <memory>
#include <mutex>

#include "isthmus/bigint/fixed_base.hpp"

namespace isthmus::paillier {

/// Powers of one public base for exponents that may be read as addresses (FixedBaseTable).
///
/// How many exponents will come is not known. The first table is planned for those at hand, so that a handful
/// costs what plain exponentiation costs; whenever the number seen has grown fourfold, a new one is planned
/// for as many again as have been seen. All tables together cost a small part of the powers they served.
/// Threads   Safe; a table in use stays alive while it is.
class GrowingTable {
 public:
  /// `modulus` must outlive this.
  GrowingTable(const bigint::SquareModulus& modulus, const bigint::Natural& base, std::size_t exponent_bits);

  /// Announces `count` exponents and returns the table for them.
  std::shared_ptr<const bigint::FixedBaseTable> announce(std::size_t count);
  /// The table of the last announcement; announces `count` if there was none.
  std::shared_ptr<const bigint::FixedBaseTable> table_for(std::size_t count);

 private:
  const bigint::SquareModulus& modulus_;
  bigint::AlignedLimbs base_;
  std::size_t exponent_bits_;
  std::mutex mutex_;  // guards what follows
  std::size_t seen_ = 0;
  std::size_t planned_for_ = 0;
  std::shared_ptr<const bigint::FixedBaseTable> table_;
};

}  // namespace isthmus::paillier
