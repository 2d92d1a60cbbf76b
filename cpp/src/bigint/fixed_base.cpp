#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "exponentiate.hpp"
#include "isthmus/bigint/square_modulus.hpp"
#include "isthmus/core/error.hpp"
#include "isthmus/core/parallel.hpp"

namespace isthmus::bigint {
namespace {

void prefetch(const Limb* words, std::size_t count) noexcept {
  for (std::size_t i = 0; i < count; i += 8) __builtin_prefetch(words + i);
}

/// Rows are read at random over tens of megabytes, where address translation costs as much as the reads.
void prefer_huge_pages([[maybe_unused]] void* data, [[maybe_unused]] std::size_t size) noexcept {
#ifdef MADV_HUGEPAGE
  constexpr std::uintptr_t kHugePage = std::uintptr_t{1} << 21;
  const auto begin = (reinterpret_cast<std::uintptr_t>(data) + kHugePage - 1) / kHugePage * kHugePage;
  const auto end = (reinterpret_cast<std::uintptr_t>(data) + size) / kHugePage * kHugePage;
  if (begin < end) (void)madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
#endif
}

}  // namespace

FixedBaseTable::FixedBaseTable(const SquareModulus& modulus, const Limb* base, std::size_t exponent_bits,
                               unsigned window)
    : modulus_(&modulus),
      exponent_bits_(exponent_bits),
      window_(window),
      windows_((exponent_bits + window - 1) / window) {
  require(exponent_bits > 0 && window >= 1 && window <= 12,
          "fixed-base tables need a window of 1 to 12 bits");
  const std::size_t stride = modulus.stride(), k = stride / 2;
  // Window bases base^(2^(w*i)) and the inverses of their low digits, one squaring after the other.
  AlignedLimbs bases(windows_ * stride), inverses(windows_ * stride);
  std::copy_n(base, stride, bases.data());
  modulus.invert(inverses.data(), base, 1);
  for (std::size_t i = 1; i < windows_; ++i) {
    for (AlignedLimbs* powers : {&bases, &inverses}) {
      Limb* const current = powers->data() + i * stride;
      modulus.sqr(current, current - stride);
      for (unsigned j = 1; j < window; ++j) modulus.sqr(current, current);
    }
  }
  const std::size_t entries = std::size_t{1} << window;
  rows_.reserve(windows_ * entries * 2 * k);
  prefer_huge_pages(rows_.data(), rows_.capacity() * sizeof(Limb));
  rows_.resize(windows_ * entries * 2 * k);
  parallel_for(windows_, [&](std::size_t i) {
    fill_window(rows_.data() + i * entries * 2 * k, bases.data() + i * stride, inverses.data() + i * stride);
  });
}

void FixedBaseTable::fill_window(Limb* rows, const Limb* base, const Limb* inverse_low) const {
  const Modulus& root = modulus_->root();
  const std::size_t stride = modulus_->stride(), k = stride / 2;
  AlignedLimbs power(stride), inverse_power(k);
  modulus_->set_one(power.data());
  root.set_one(inverse_power.data());
  for (std::size_t j = 0; j < std::size_t{1} << window_; ++j) {
    Limb* const entry = rows + j * stride;
    std::copy_n(power.data(), k, entry);
    // The pair (Y0, Y1) spells Y0 * (1 + m * Y1 / Y0), and inverse_power is 1 / Y0 times R.
    root.mul(entry + k, power.data() + k, inverse_power.data());
    modulus_->mul(power.data(), power.data(), base);
    root.mul(inverse_power.data(), inverse_power.data(), inverse_low);
  }
}

const Limb* FixedBaseTable::row(std::size_t window_index, std::size_t digit) const noexcept {
  return rows_.data() + ((window_index << window_) + digit) * modulus_->stride();
}

void FixedBaseTable::pow_vartime(Limb* out, const Limb* exponents, std::size_t count) const {
  const std::size_t stride = modulus_->stride(), k = stride / 2;
  const Modulus& root = modulus_->root();
  AlignedLimbs sums(count * k);
  std::vector<MulTask> tasks(count);
  const auto entry_of = [&](std::size_t b, std::size_t i) {
    const LimbSpan exponent(exponents + b * exponent_limbs(), exponent_limbs());
    const unsigned width =
        static_cast<unsigned>(std::min<std::size_t>(window_, exponent_bits_ - i * window_));
    return row(i, bits_at(exponent, i * window_, width));
  };
  for (std::size_t i = 0; i < windows_; ++i) {
    for (std::size_t b = 0; b < count; ++b) {
      const Limb* const entry = entry_of(b, i);
      // The table is far larger than the cache: ask for the next window's row while this one is multiplied.
      if (i + 1 < windows_) prefetch(entry_of(b, i + 1), stride);
      root.add(sums.data() + b * k, sums.data() + b * k, entry + k);
      tasks[b] = {out + b * stride, out + b * stride, entry};
      if (i == 0) std::fill_n(std::copy_n(entry, k, out + b * stride), k, Limb{0});
    }
    if (i > 0) modulus_->mul_digit(tasks);
  }
  for (std::size_t b = 0; b < count; ++b) {
    modulus_->mul_one_plus(out + b * stride, out + b * stride, sums.data() + b * k);
  }
}

}  // namespace isthmus::bigint
