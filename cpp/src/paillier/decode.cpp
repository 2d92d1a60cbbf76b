// Plaintexts on their way out: centred integers, reals and slots.

#include <cmath>

#include "isthmus/bigint/natural.hpp"
#include "isthmus/core/error.hpp"
#include "isthmus/core/parallel.hpp"
#include "isthmus/paillier/private_key.hpp"

namespace isthmus::paillier {
namespace {

struct Centred {
  Natural magnitude;
  bool negative;
};

Centred centre(const PublicKey& key, const Natural& half, ByteSpan bytes) {
  const Natural m = Natural::from_bytes(bytes);
  if (m <= half) return {m, false};
  return {key.n() - m, true};
}

// The nearest double to x / 2^scale_bits, ties to even.
double scaled_to_double(const Natural& x, std::size_t scale_bits) {
  const std::size_t bits = x.bit_length();
  const std::size_t dropped = bits > 64 ? bits - 64 : 0;
  const Natural top = x >> dropped;
  // The last of 64 bits stands for everything dropped, so that the one rounding, to 53 bits, is right.
  const bool sticky = top << dropped != x;
  const double mantissa = static_cast<double>(top.limb(0) | (sticky ? 1 : 0));
  return std::ldexp(mantissa, static_cast<int>(dropped) - static_cast<int>(scale_bits));
}

std::size_t rows_of(const PublicKey& key, ByteSpan plaintexts) { return plaintexts.size() / key.n_bytes(); }

ByteSpan row_of(const PublicKey& key, ByteSpan plaintexts, std::size_t i) {
  return plaintexts.subspan(i * key.n_bytes(), key.n_bytes());
}

}  // namespace

std::optional<std::vector<std::int64_t>> to_int64(const PublicKey& key, ByteSpan plaintexts) {
  const Natural half = key.n() >> 1;
  std::vector<std::int64_t> out(rows_of(key, plaintexts));
  std::vector<std::uint8_t> wide(out.size());
  parallel_for(
      out.size(),
      [&](std::size_t i) {
        const auto [magnitude, negative] = centre(key, half, row_of(key, plaintexts, i));
        const std::uint64_t x = magnitude.limb(0);
        const std::uint64_t limit = (std::uint64_t{1} << 63) - (negative ? 0 : 1);
        wide[i] = magnitude.bit_length() > 64 || x > limit;
        out[i] = static_cast<std::int64_t>(negative ? 0 - x : x);
      },
      256);
  for (const std::uint8_t w : wide) {
    if (w != 0) return std::nullopt;
  }
  return out;
}

std::vector<double> to_double(const PublicKey& key, ByteSpan plaintexts, std::size_t scale_bits) {
  const Natural half = key.n() >> 1;
  std::vector<double> out(rows_of(key, plaintexts));
  parallel_for(
      out.size(),
      [&](std::size_t i) {
        const auto [magnitude, negative] = centre(key, half, row_of(key, plaintexts, i));
        const double value = scaled_to_double(magnitude, scale_bits);
        out[i] = negative ? -value : value;
      },
      256);
  return out;
}

void require_at_most_bits(const PublicKey& key, ByteSpan plaintexts, std::size_t bits) {
  for (std::size_t i = 0; i < rows_of(key, plaintexts); ++i) {
    if (Natural::from_bytes(row_of(key, plaintexts, i)).bit_length() > bits) {
      throw Error(ErrorCode::PlaintextOverflow, "a plaintext is wider than its slots", i);
    }
  }
}

std::vector<std::uint64_t> to_words(const PublicKey& key, ByteSpan plaintexts, std::size_t slot_bits,
                                    std::size_t slots, std::size_t shift) {
  require(slot_bits > 0 && slots > 0 && slots <= key.key_bits() / slot_bits,
          "the slots reach beyond the plaintext");
  require(shift < slot_bits, "the shift leaves nothing of the slot");
  const std::size_t kept = slot_bits - shift;
  const std::uint64_t mask = kept >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << kept) - 1;
  std::vector<std::uint64_t> out(rows_of(key, plaintexts) * slots);
  parallel_for(
      rows_of(key, plaintexts),
      [&](std::size_t i) {
        SecretVector<Limb> limbs((key.n_bytes() + 7) / 8 + 1);
        bigint::limbs_from_bytes(limbs, row_of(key, plaintexts, i));
        for (std::size_t s = 0; s < slots; ++s) {
          const std::size_t bit = s * slot_bits + shift;
          std::uint64_t word = limbs[bit / 64] >> (bit % 64);
          if (bit % 64 != 0) word |= limbs[bit / 64 + 1] << (64 - bit % 64);
          out[i * slots + s] = word & mask;
        }
      },
      64);
  return out;
}

}  // namespace isthmus::paillier
