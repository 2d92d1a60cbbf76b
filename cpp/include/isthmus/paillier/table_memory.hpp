#pragma once
// How much memory the tables of keys may take.

#include <cstddef>

namespace isthmus::paillier {

/// Most bytes of the tables of powers of hs that one key keeps, for those built from now on: 32 MiB unless
/// set. A public key's table grows towards it with the number of encryptions; an owner's stay at a few MiB.
/// Throws    InvalidArgument below kLeastTableBytes.
void set_table_bytes(std::size_t bytes);
std::size_t table_bytes() noexcept;
inline constexpr std::size_t kLeastTableBytes = std::size_t{1} << 16;

}  // namespace isthmus::paillier
