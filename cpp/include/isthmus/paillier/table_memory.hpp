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

/// The tables of all living keys of the process together take the memory of this many keys, and the least for
/// each table beyond.
inline constexpr std::size_t kKeysWithTables = 8;

/// Memory that is set aside for one table as long as this lives.
/// Threads   Safe.
class TableReservation {
 public:
  /// As much of `wanted` bytes as the process has left once `replaced`, bytes of a table that is about to go,
  /// are free again; but no less than those, or than kLeastTableBytes.
  TableReservation(std::size_t wanted, std::size_t replaced);
  ~TableReservation();
  TableReservation(TableReservation&& other) noexcept;
  TableReservation& operator=(TableReservation&&) = delete;

  std::size_t bytes() const noexcept { return bytes_; }
  /// Gives back what is above `bytes`.
  void shrink(std::size_t bytes) noexcept;

 private:
  std::size_t bytes_;
};

/// Bytes set aside at present.
std::size_t reserved_table_bytes() noexcept;

}  // namespace isthmus::paillier
