#pragma once
// The ristretto255 kernels that a backend provides. Each works through one tile of at most Group::kTile
// elements on the calling thread. A backend is one source file with its own compiler flags and one row in
// curve25519_select.cpp. Such a file must bring its own field type and call only templates over it and
// functions defined elsewhere: an inline function shared with other files could be linked from it and run
// where its ISA is missing.

#include "isthmus/core/cpu.hpp"
#include "isthmus/curve/edwards25519.hpp"
#include "isthmus/curve/group.hpp"

namespace isthmus::ristretto255 {

// `halves` stands for half the scalar of each row, as the batched encoding doubles.
struct Kernels {
  // Decodes points[n * 32], multiplies, encodes to out[n * 32]; decoded[i] says which are valid.
  void (*mult)(const edwards25519::ScalarDigits& halves, const std::uint8_t* points, std::size_t n,
               std::uint8_t* out, Decoded* decoded);
  // The one-way map of uniform[n * 64], encoded.
  void (*map)(const std::uint8_t* uniform, std::size_t n, std::uint8_t* out);
  // The one-way map, multiplied, encoded.
  void (*map_mult)(const edwards25519::ScalarDigits& halves, const std::uint8_t* uniform, std::size_t n,
                   std::uint8_t* out);
  // Decodes points[n * 32] to affine[n * 64], two canonical little-endian coordinates of edwards25519; of a
  // refused row, the identity's.
  void (*decode)(const std::uint8_t* points, std::size_t n, std::uint8_t* affine, Decoded* decoded);
};

extern const Kernels kPortableKernels;
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512IfmaKernels;

/// The kernels of this backend, or of the best one before it that has a row.
const Kernels& kernels_of(Backend backend);

/// The kernels of the active backend.
const Kernels& kernels();

/// True when bytes[32] are the canonical form of a non-negative field element: below p, and even.
bool is_canonical_encoding(const std::uint8_t* bytes) noexcept;

}  // namespace isthmus::ristretto255
