#pragma once
// Several non-negative values in one plaintext, with a bound that no sum can cross.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace isthmus::aggregate {

/// Equal slots of one plaintext, wide enough for the sum of max_addends packed plaintexts.
/// plaintext = sum_s value[s] * 2^(s * slot_bits),  slot_bits = max_s value_bits[s] +
/// ceil(log2(max_addends)).
///
/// Bound. Let N = max_addends, w = slot_bits and 0 <= value[s] < 2^value_bits[s]. The sum of at most N such
/// values is <= N * (2^value_bits[s] - 1) < 2^(value_bits[s] + ceil(log2 N)) <= 2^w, so no slot carries into
/// the next. The whole sum is < 2^(slots * w) <= 2^(key_bits - 2) < n / 2, because n >= 2^(key_bits - 1): it
/// never wraps mod n and never reads as negative. See docs/adr/0020-packing-bound.md.
///
/// Throws    InvalidArgument for no field, an empty field or max_addends = 0; PlaintextOverflow when the
///           fields do not fit in key_bits - 2 bits.
class PackLayout {
 public:
  PackLayout(std::size_t key_bits, std::vector<std::size_t> value_bits, std::uint64_t max_addends);

  /// As many slots of `slot_bits` bits as a plaintext holds; one addend, so the whole slot is the value.
  static PackLayout uniform(std::size_t key_bits, std::size_t slot_bits);

  std::size_t key_bits() const noexcept { return key_bits_; }
  std::size_t slots() const noexcept { return value_bits_.size(); }
  std::size_t slot_bits() const noexcept { return slot_bits_; }
  std::size_t headroom_bits() const noexcept { return headroom_bits_; }
  std::uint64_t max_addends() const noexcept { return max_addends_; }
  const std::vector<std::size_t>& value_bits() const noexcept { return value_bits_; }

  /// Throws    PlaintextOverflow when a sum of `addends` packed plaintexts is not covered by the bound.
  void require_addends(std::uint64_t addends) const;

  bool operator==(const PackLayout&) const = default;

 private:
  std::size_t key_bits_;
  std::vector<std::size_t> value_bits_;
  std::uint64_t max_addends_;
  std::size_t headroom_bits_;
  std::size_t slot_bits_;
};

/// Slots of `slot_bits` bits that fit under the bound above: floor((key_bits - 2) / slot_bits).
/// Throws    InvalidArgument for slot_bits = 0; PlaintextOverflow when not even one slot fits.
std::size_t slots_per_plaintext(std::size_t key_bits, std::size_t slot_bits);

}  // namespace isthmus::aggregate
