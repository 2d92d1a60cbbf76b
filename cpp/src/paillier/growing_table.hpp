#pragma once
// The table of one base, made when and as large as its use pays for.

#include <unistd.h>

#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>

#include "isthmus/bigint/fixed_base.hpp"
#include "isthmus/core/fork.hpp"
#include "isthmus/paillier/table_memory.hpp"

namespace isthmus::paillier {

/// A FixedBaseTable or MaskedBaseTable of one base.
///
/// How many exponents will come is not known. The first table is planned for those at hand, so that a handful
/// costs what plain exponentiation costs; whenever the number seen has grown fourfold, a new one is planned
/// for as many again as have been seen. All tables together cost a small part of the powers they served.
/// Threads   Safe; a table in use stays alive while it is. Tables are built without a lock: meanwhile other
///           threads use the last one, or before the first one build one for themselves, and a process forked
///           meanwhile plans its own.
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
    std::size_t uses = count;
    bool grows = false;
    {
      const std::lock_guard<std::mutex> lock(fork_safe_mutex());
      seen_ = count < kMany - seen_ ? seen_ + count : kMany;
      grows = grower_ != getpid();
      if (table_ && (!grows || seen_ < kGrowth * planned_for_)) return table_;
      if (grows) {
        grower_ = getpid();
        uses = seen_;
      }
    }
    try {
      return put_in_place(build(uses), uses, grows);
    } catch (...) {
      put_in_place(nullptr, 0, grows);
      throw;
    }
  }

  /// The table of the last announcement; announces `count` if there was none.
  std::shared_ptr<const Table> table_for(std::size_t count) {
    {
      const std::lock_guard<std::mutex> lock(fork_safe_mutex());
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

  using TablePtr = std::shared_ptr<const Table>;

  /// The last table, if it has the plan for so many uses; else a new one.
  TablePtr build(std::size_t uses) {
    TablePtr last;
    {
      const std::lock_guard<std::mutex> lock(fork_safe_mutex());
      last = table_;
    }
    TableReservation memory(table_bytes() / share_, last ? last->bytes() : 0);
    const auto plan = Table::best_plan(modulus_, exponent_bits_, memory.bytes(), uses);
    if (last && plan == last->plan()) return last;
    const auto reserved =
        std::make_shared<Reserved>(std::move(memory), Table(modulus_, base_.data(), exponent_bits_, plan));
    reserved->memory.shrink(reserved->table.bytes());
    return TablePtr(reserved, &reserved->table);
  }

  /// Replaces the table of fewer uses, and returns `made`.
  TablePtr put_in_place(TablePtr made, std::size_t uses, bool grows) {
    TablePtr replaced;  // released after the lock
    const std::lock_guard<std::mutex> lock(fork_safe_mutex());
    if (grows) grower_ = 0;
    if (uses > planned_for_) {
      replaced = std::exchange(table_, made);
      planned_for_ = uses;
    }
    return made;
  }

  const bigint::SquareModulus& modulus_;
  bigint::AlignedLimbs base_;
  std::size_t exponent_bits_;
  std::size_t share_;
  // Guarded by fork_safe_mutex():
  std::size_t seen_ = 0;
  std::size_t planned_for_ = 0;
  pid_t grower_ = 0;  // the process that has a thread building a larger table
  TablePtr table_;
};

}  // namespace isthmus::paillier
