#pragma once
// The table of one base, made when and as large as its use pays for.

#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>

#include "isthmus/bigint/fixed_base.hpp"
#include "isthmus/paillier/table_memory.hpp"

namespace isthmus::paillier {

/// A FixedBaseTable or MaskedBaseTable of one base.
///
/// How many exponents will come is not known. The first table is planned for those at hand, so that a handful
/// costs what plain exponentiation costs; whenever the number seen has grown fourfold, a new one is planned
/// for as many again as have been seen. All tables together cost a small part of the powers they served.
/// Threads   Safe; a table in use stays alive while it is.
template <class Table>
class GrowingTable {
 public:
  /// `modulus` must outlive this. `share`: tables that divide table_bytes() among them.
  GrowingTable(const bigint::SquareModulus& modulus, const bigint::Natural& base, std::size_t exponent_bits,
               std::size_t share)
      : modulus_(modulus), base_(modulus.stride()), exponent_bits_(exponent_bits), share_(share) {
    modulus.import_value(base_.data(), base);
  }

  /// Announces `count` exponents and returns the table for them.
  std::shared_ptr<const Table> announce(std::size_t count) {
    const std::lock_guard<std::mutex> lock(mutex_);
    seen_ = count < kMany - seen_ ? seen_ + count : kMany;
    if (table_ && seen_ < kGrowth * planned_for_) return table_;
    planned_for_ = seen_;
    TableReservation memory(table_bytes() / share_, table_ ? table_->bytes() : 0);
    const auto plan = Table::best_plan(modulus_, exponent_bits_, memory.bytes(), seen_);
    if (!table_ || plan != table_->plan()) {
      const auto reserved =
          std::make_shared<Reserved>(std::move(memory), Table(modulus_, base_.data(), exponent_bits_, plan));
      reserved->memory.shrink(reserved->table.bytes());
      table_ = std::shared_ptr<const Table>(reserved, &reserved->table);
    }
    return table_;
  }

  /// The table of the last announcement; announces `count` if there was none.
  std::shared_ptr<const Table> table_for(std::size_t count) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (table_) return table_;
    }
    return announce(count);
  }

 private:
  struct Reserved {
    Reserved(TableReservation&& m, Table&& t) : memory(std::move(m)), table(std::move(t)) {}
    TableReservation memory;
    Table table;
  };

  static constexpr std::size_t kGrowth = 4;
  static constexpr std::size_t kMany = std::size_t{1} << 40;  // more than will ever come: the plan stays

  const bigint::SquareModulus& modulus_;
  bigint::AlignedLimbs base_;
  std::size_t exponent_bits_;
  std::size_t share_;
  std::mutex mutex_;  // guards what follows
  std::size_t seen_ = 0;
  std::size_t planned_for_ = 0;
  std::shared_ptr<const Table> table_;
};

}  // namespace isthmus::paillier
