#include "isthmus/paillier/table_memory.hpp"

#include <atomic>

#include "isthmus/bigint/fixed_base.hpp"
#include "isthmus/core/error.hpp"

namespace isthmus::paillier {
namespace {

std::atomic<std::size_t> max_bytes{bigint::FixedBaseTable::kDefaultBytes};

}  // namespace

void set_table_bytes(std::size_t bytes) {
  require(bytes >= kLeastTableBytes, "a table needs at least 64 KiB");
  max_bytes.store(bytes);
}

std::size_t table_bytes() noexcept { return max_bytes.load(); }

}  // namespace isthmus::paillier
