#include "isthmus/paillier/table_memory.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

#include "isthmus/bigint/fixed_base.hpp"
#include "isthmus/core/error.hpp"

namespace isthmus::paillier {
namespace {

std::atomic<std::size_t> max_bytes{bigint::FixedBaseTable::kDefaultBytes};
std::atomic<std::size_t> reserved{0};

}  // namespace

void set_table_bytes(std::size_t bytes) {
  require(bytes >= kLeastTableBytes, "a table needs at least 64 KiB");
  max_bytes.store(bytes);
}

std::size_t table_bytes() noexcept { return max_bytes.load(); }

std::size_t reserved_table_bytes() noexcept { return reserved.load(); }

TableReservation::TableReservation(std::size_t wanted, std::size_t replaced) {
  const std::size_t limit = kKeysWithTables * table_bytes();
  std::size_t others = reserved.load();
  do {
    const std::size_t used = others - std::min(others, replaced);
    bytes_ = std::min(wanted, std::max({kLeastTableBytes, replaced, limit - std::min(limit, used)}));
  } while (!reserved.compare_exchange_weak(others, others + bytes_));
}

TableReservation::~TableReservation() { reserved.fetch_sub(bytes_); }

TableReservation::TableReservation(TableReservation&& other) noexcept
    : bytes_(std::exchange(other.bytes_, 0)) {}

void TableReservation::shrink(std::size_t bytes) noexcept {
  if (bytes >= bytes_) return;
  reserved.fetch_sub(bytes_ - bytes);
  bytes_ = bytes;
}

}  // namespace isthmus::paillier
