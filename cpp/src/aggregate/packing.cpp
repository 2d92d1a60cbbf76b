#include "isthmus/aggregate/packing.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "isthmus/core/error.hpp"

namespace isthmus::aggregate {
namespace {

// Far above any supported key, low enough that slots * slot_bits cannot wrap.
constexpr std::size_t kMaxValueBits = 1 << 16;

std::size_t widest_field(const std::vector<std::size_t>& value_bits) {
  require(!value_bits.empty(), "a packing layout needs at least one field");
  const auto [narrowest, widest] = std::minmax_element(value_bits.begin(), value_bits.end());
  require(*narrowest > 0 && *widest <= kMaxValueBits, "a packed field must have 1 to 65536 bits");
  return *widest;
}

std::size_t ceil_log2(std::uint64_t x) {
  require(x > 0, "max_addends must be positive");
  return static_cast<std::size_t>(std::bit_width(x - 1));
}

}  // namespace

std::size_t slots_per_plaintext(std::size_t key_bits, std::size_t slot_bits) {
  require(slot_bits > 0, "slot_bits must be positive");
  const std::size_t slots = key_bits > 2 ? (key_bits - 2) / slot_bits : 0;
  if (slots == 0) {
    throw Error(ErrorCode::PlaintextOverflow, "a slot of " + std::to_string(slot_bits) +
                                                  " bits does not fit under a key of " +
                                                  std::to_string(key_bits) + " bits");
  }
  return slots;
}

PackLayout::PackLayout(std::size_t key_bits, std::vector<std::size_t> value_bits, std::uint64_t max_addends)
    : key_bits_(key_bits),
      value_bits_(std::move(value_bits)),
      max_addends_(max_addends),
      headroom_bits_(ceil_log2(max_addends)),
      slot_bits_(widest_field(value_bits_) + headroom_bits_) {
  if (slots_per_plaintext(key_bits_, slot_bits_) < slots()) {
    throw Error(ErrorCode::PlaintextOverflow, std::to_string(slots()) + " slots of " +
                                                  std::to_string(slot_bits_) + " bits do not fit in the " +
                                                  std::to_string(key_bits_ - 2) + " bits of a plaintext");
  }
}

PackLayout PackLayout::uniform(std::size_t key_bits, std::size_t slot_bits) {
  return PackLayout(key_bits, std::vector<std::size_t>(slots_per_plaintext(key_bits, slot_bits), slot_bits),
                    1);
}

void PackLayout::require_addends(std::uint64_t addends) const {
  if (addends > max_addends_) {
    throw Error(ErrorCode::PlaintextOverflow, "the packing layout covers " + std::to_string(max_addends_) +
                                                  " addends, not " + std::to_string(addends));
  }
}

}  // namespace isthmus::aggregate
