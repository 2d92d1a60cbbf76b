#include "isthmus/paillier/plaintext.hpp"

#include <algorithm>
#include <functional>
#include <numeric>

#include "isthmus/core/error.hpp"
#include "isthmus/core/parallel.hpp"
#include "isthmus/core/secret.hpp"

namespace isthmus::paillier {
namespace {

using bigint::Limb;
using bigint::MutableLimbSpan;
using bigint::Natural;

struct BatchSize {
  std::size_t operator()(const auto& batch) const noexcept { return batch.size(); }
};

struct MagnitudeLimbs {
  std::size_t operator()(std::span<const std::int64_t>) const noexcept { return 1; }
  std::size_t operator()(std::span<const std::uint64_t>) const noexcept { return 1; }
  std::size_t operator()(const SignedBatch& b) const noexcept { return (b.width + 7) / 8; }
  std::size_t operator()(const PackedBatch& b) const noexcept { return (b.slots * b.slot_bits + 63) / 64; }
};

struct ReadInteger {
  std::size_t i;
  MutableLimbSpan out;

  Limb operator()(std::span<const std::int64_t> values) const noexcept {
    const auto x = static_cast<Limb>(values[i]);
    const Limb negative = x >> 63;
    const Limb flip = ct_mask(negative);
    out[0] = (x ^ flip) - flip;
    return negative;
  }
  Limb operator()(std::span<const std::uint64_t> values) const noexcept {
    out[0] = values[i];
    return 0;
  }
  Limb operator()(const SignedBatch& b) const noexcept {
    bigint::limbs_from_bytes(out, b.magnitudes.subspan(i * b.width, b.width));
    return b.negative[i];
  }
  Limb operator()(const PackedBatch& b) const noexcept {
    for (std::size_t s = 0; s < b.slots; ++s) {
      const Limb word = b.words[i * b.slots + s];
      const std::size_t bit = s * b.slot_bits;
      out[bit / 64] |= word << (bit % 64);
      // A word reaches past its limb only as far as its slot does: in_range() has bounded it.
      if (bit % 64 != 0 && bit / 64 + 1 < out.size()) out[bit / 64 + 1] |= word >> (64 - bit % 64);
    }
    return 0;
  }
};

// Whether every slot of row i holds its word.
bool slots_fit(const PackedBatch& b, std::size_t i) {
  if (b.slot_bits >= 64) return true;
  const auto row = b.words.subspan(i * b.slots, b.slots);
  const std::uint64_t all = std::accumulate(row.begin(), row.end(), std::uint64_t{0}, std::bit_or<>());
  return all >> b.slot_bits == 0;
}

void require_well_formed(const IntegerBatch& batch, std::size_t bits_of_n) {
  if (const auto* b = std::get_if<SignedBatch>(&batch)) {
    require(b->magnitudes.size() == b->size() * b->width, "magnitudes and signs differ in number");
    const bool flags = std::all_of(b->negative.begin(), b->negative.end(), [](auto f) { return f <= 1; });
    require(flags, "a sign must be 0 or 1");
  }
  if (const auto* b = std::get_if<PackedBatch>(&batch)) {
    require(b->slots > 0 && b->slot_bits > 0, "a packed plaintext needs slots of at least one bit");
    require(b->words.size() % b->slots == 0, "the number of words is not a multiple of the slots");
    if (b->slots > (bits_of_n - 2) / b->slot_bits) {
      throw Error(ErrorCode::PlaintextOverflow, "the slots are wider than the plaintext");
    }
  }
}

}  // namespace

std::size_t batch_size(const IntegerBatch& batch) noexcept { return std::visit(BatchSize{}, batch); }

std::size_t magnitude_limbs(const IntegerBatch& batch) noexcept {
  return std::visit(MagnitudeLimbs{}, batch);
}

std::uint64_t read_integer(const IntegerBatch& batch, std::size_t i, MutableLimbSpan magnitude) noexcept {
  std::fill(magnitude.begin(), magnitude.end(), Limb{0});
  return std::visit(ReadInteger{i, magnitude}, batch);
}

void require_in_range(const IntegerBatch& batch, const Natural& n) {
  require_well_formed(batch, n.bit_length());
  const char* const message = "a plaintext lies outside the range of this key or of its slot";
  if (const auto* packed = std::get_if<PackedBatch>(&batch)) {
    parallel_for(
        packed->size(),
        [&](std::size_t i) {
          if (!slots_fit(*packed, i)) throw Error(ErrorCode::PlaintextOverflow, message, i);
        },
        1024);
  }
  if (const auto* wide = std::get_if<SignedBatch>(&batch)) {
    const Natural half = n >> 1;  // (n - 1) / 2, the largest magnitude
    parallel_for(
        wide->size(),
        [&](std::size_t i) {
          const ByteSpan bytes = wide->magnitudes.subspan(i * wide->width, wide->width);
          if (Natural::from_bytes(bytes) > half) throw Error(ErrorCode::PlaintextOverflow, message, i);
        },
        64);
  }
}

}  // namespace isthmus::paillier
