#pragma once
// How much memory the tables of public keys may take.

#include <cstddef>

namespace isthmus::paillier {

/// Most bytes of one key's table of powers of hs, from now on: 32 MiB unless set. Larger tables save
/// products; a key's table grows towards the limit with the number of its encryptions. Throws InvalidArgument
/// below kLeastTableBytes.
void set_table_bytes(std::size_t bytes);
std::size_t table_bytes() noexcept;
inline constexpr std::size_t kLeastTableBytes = std::size_t{1} << 16;

}  // namespace isthmus::paillier
