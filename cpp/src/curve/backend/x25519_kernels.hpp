#pragma once
// The X25519 kernels that a backend provides, on the same terms as ristretto255_kernels.hpp.

#include "isthmus/core/cpu.hpp"
#include "isthmus/curve/group.hpp"

namespace isthmus::x25519 {

struct Kernels {
  // out[n * 32] = the u-coordinates of 8 m points[n * 32] for m[32] < 2^253, and zero for the point at
  // infinity. decoded[i] says which are valid; out holds what X25519 gives for the others, too.
  void (*mult)(const std::uint8_t* m, const std::uint8_t* points, std::size_t n, std::uint8_t* out,
               Decoded* decoded);
  // The u-coordinates of hash_to_curve of uniform[n * 96].
  void (*map)(const std::uint8_t* uniform, std::size_t n, std::uint8_t* out);
  // The same times m[32] < 2^253.
  void (*map_mult)(const std::uint8_t* m, const std::uint8_t* uniform, std::size_t n, std::uint8_t* out);
};

extern const Kernels kPortableKernels;
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512IfmaKernels;

/// The kernels of this backend, or of the best one before it that has a row.
const Kernels& kernels_of(Backend backend);

/// The kernels of the active backend.
const Kernels& kernels();

/// True when bytes[32] are an integer below p.
bool is_canonical_encoding(const std::uint8_t* bytes) noexcept;

}  // namespace isthmus::x25519
