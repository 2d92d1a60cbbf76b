#include "growing_table.hpp"

#include <atomic>

#include "isthmus/core/error.hpp"
#include "isthmus/paillier/table_memory.hpp"

namespace isthmus::paillier {
namespace {

using bigint::FixedBaseTable;
using bigint::WindowPlan;

constexpr std::size_t kGrowth = 4;
constexpr std::size_t kMany = std::size_t{1} << 40;  // more exponents than will ever come: the plan stays

std::atomic<std::size_t> max_bytes{FixedBaseTable::kDefaultBytes};

}  // namespace

void set_table_bytes(std::size_t bytes) {
  require(bytes >= kLeastTableBytes, "a table needs at least 64 KiB");
  max_bytes.store(bytes);
}

std::size_t table_bytes() noexcept { return max_bytes.load(); }

GrowingTable::GrowingTable(const bigint::SquareModulus& modulus, const bigint::Natural& base,
                           std::size_t exponent_bits)
    : modulus_(modulus), base_(modulus.stride()), exponent_bits_(exponent_bits) {
  modulus.import_value(base_.data(), base);
}

std::shared_ptr<const FixedBaseTable> GrowingTable::announce(std::size_t count) {
  const std::lock_guard<std::mutex> lock(mutex_);
  seen_ = count < kMany - seen_ ? seen_ + count : kMany;
  if (table_ && seen_ < kGrowth * planned_for_) return table_;
  planned_for_ = seen_;
  const WindowPlan plan = FixedBaseTable::best_plan(modulus_, exponent_bits_, table_bytes(), seen_);
  if (!table_ || plan != table_->plan()) {
    table_ = std::make_shared<const FixedBaseTable>(modulus_, base_.data(), exponent_bits_, plan);
  }
  return table_;
}

std::shared_ptr<const FixedBaseTable> GrowingTable::table_for(std::size_t count) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (table_) return table_;
  }
  return announce(count);
}

}  // namespace isthmus::paillier
