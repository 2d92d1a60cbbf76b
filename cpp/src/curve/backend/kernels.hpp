#pragma once
// The kernels that a backend provides. Each works through one tile of at most Group::kTile elements on the
// calling thread. A backend is one source file with its own compiler flags and one row in select.cpp. Such a
// file must bring its own field type: an inline function shared with other files could be linked from it and
// run where its ISA is missing.

#include "isthmus/curve/group.hpp"

namespace isthmus::ristretto255 {

struct Kernels {
  // Decodes points[n * 32], multiplies by scalar[32], encodes to out[n * 32]; decoded[i] says which are
  // valid.
  void (*mult)(const std::uint8_t* scalar, const std::uint8_t* points, std::size_t n, std::uint8_t* out,
               Decoded* decoded);
  // The one-way map of uniform[n * 64], encoded.
  void (*map)(const std::uint8_t* uniform, std::size_t n, std::uint8_t* out);
  // scalar times the one-way map, encoded.
  void (*map_mult)(const std::uint8_t* scalar, const std::uint8_t* uniform, std::size_t n, std::uint8_t* out);
};

extern const Kernels kPortableKernels;

/// The kernels of the active backend.
const Kernels& kernels();

}  // namespace isthmus::ristretto255
