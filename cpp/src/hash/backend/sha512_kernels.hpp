#pragma once
// SHA-512's compression function on several independent messages, one per vector lane. A backend is one
// source file with its own compiler flags and one row in sha512_select.cpp; it shares no inline function with
// others.

#include <cstddef>
#include <cstdint>

#include "isthmus/core/cpu.hpp"

namespace isthmus {

struct Sha512Lanes {
  static constexpr std::size_t kMostLanes = 8;

  std::size_t lanes;
  // Compresses one 128-byte block per lane; word i of lane l's state is state[i * lanes + l].
  void (*compress)(std::uint64_t* state, const std::uint8_t* const* blocks);
};

extern const Sha512Lanes kSha512Portable;
extern const Sha512Lanes kSha512Avx2;
extern const Sha512Lanes kSha512Avx512Ifma;

/// The lanes of this backend, or of the best one before it that has a row.
const Sha512Lanes& sha512_lanes_of(Backend backend);

/// The lanes of the active backend.
const Sha512Lanes& sha512_lanes();

/// The 80 round constants of FIPS 180-4, section 4.2.3.
extern const std::uint64_t* const kSha512Round;

}  // namespace isthmus
