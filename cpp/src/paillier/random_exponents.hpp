#pragma once

#include <cstdint>

#include "isthmus/bigint/natural.hpp"
#include "isthmus/core/random.hpp"
#include "isthmus/core/secret.hpp"

namespace isthmus::paillier {

/// `count` uniform integers below 2^bits, ceil(bits / 64) limbs each. Throws Rng.
inline SecretVector<bigint::Limb> random_exponents(std::size_t bits, std::size_t count) {
  const std::size_t limbs = (bits + 63) / 64;
  SecretVector<bigint::Limb> out(count * limbs);
  random_bytes({reinterpret_cast<std::uint8_t*>(out.data()), out.size() * sizeof(bigint::Limb)});
  for (std::size_t i = 0; i < count && bits % 64 != 0; ++i) {
    out[(i + 1) * limbs - 1] &= (bigint::Limb{1} << (bits % 64)) - 1;
  }
  return out;
}

}  // namespace isthmus::paillier
