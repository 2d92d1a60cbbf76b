// Which 32 bytes are canonical; out of line, because backends with other compiler flags call it.

#include "backend/ristretto255_kernels.hpp"
#include "backend/x25519_kernels.hpp"
#include "isthmus/core/secret.hpp"
#include "isthmus/field/fp25519.hpp"

namespace isthmus {
namespace {

bool is_below_p(const std::uint8_t* bytes) noexcept {
  std::uint8_t canonical[32];
  Fp25519::from_bytes(bytes).to_bytes(canonical);
  return ct_equal_bytes(canonical, {bytes, sizeof canonical});
}

}  // namespace

bool ristretto255::is_canonical_encoding(const std::uint8_t* bytes) noexcept {
  return is_below_p(bytes) && (bytes[0] & 1) == 0;
}

bool x25519::is_canonical_encoding(const std::uint8_t* bytes) noexcept { return is_below_p(bytes); }

}  // namespace isthmus
