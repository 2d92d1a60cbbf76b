#pragma once
// Plaintexts on their way in: integers in the centred range (-n/2, n/2), as 64-bit words, as numbers of any
// width or as packed slots.

#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>

#include "isthmus/bigint/natural.hpp"
#include "isthmus/core/bytes.hpp"

namespace isthmus::paillier {

/// Signed integers of any width: magnitudes big-endian in `width` bytes each, and a flag per negative one.
struct SignedBatch {
  ByteSpan magnitudes;                     // size() * width bytes
  std::span<const std::uint8_t> negative;  // 0 or 1
  std::size_t width;
  std::size_t size() const noexcept { return negative.size(); }
};

/// Words in slots: value i is sum_s words[i * slots + s] << (s * slot_bits). Non-negative.
struct PackedBatch {
  std::span<const std::uint64_t> words;  // size() * slots
  std::size_t slots;
  std::size_t slot_bits;
  std::size_t size() const noexcept { return slots == 0 ? 0 : words.size() / slots; }
};

/// A borrowed batch of integers.
using IntegerBatch =
    std::variant<std::span<const std::int64_t>, std::span<const std::uint64_t>, SignedBatch, PackedBatch>;

std::size_t batch_size(const IntegerBatch& batch) noexcept;

/// Limbs that hold the magnitude of every value of the batch.
std::size_t magnitude_limbs(const IntegerBatch& batch) noexcept;

/// Writes |value i| into `magnitude` and returns 1 when it is negative, else 0.
/// Requires  magnitude.size() >= magnitude_limbs(batch).
/// Timing    Constant in the value.
std::uint64_t read_integer(const IntegerBatch& batch, std::size_t i,
                           bigint::MutableLimbSpan magnitude) noexcept;

/// Throws    PlaintextOverflow with the first row that lies outside (-n/2, n/2) or, packed, overflows its
/// slot;
///           InvalidArgument for a malformed batch.
void require_in_range(const IntegerBatch& batch, const bigint::Natural& n);

}  // namespace isthmus::paillier
