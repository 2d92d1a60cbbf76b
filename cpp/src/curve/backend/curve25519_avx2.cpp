// Kernels on four elements per vector, AVX2 + FMA.

#include "fp25519x4.hpp"
#include "ristretto255_tile.hpp"
#include "x25519_tile.hpp"

namespace isthmus {

namespace ristretto255 {
using Avx2 = TileKernels<Fp25519x4>;
const Kernels kAvx2Kernels = {&Avx2::mult, &Avx2::map, &Avx2::map_mult, &Avx2::decode};
}  // namespace ristretto255

namespace x25519 {
using Avx2 = TileKernels<Fp25519x4>;
const Kernels kAvx2Kernels = {&Avx2::mult, &Avx2::map, &Avx2::map_mult};
}  // namespace x25519

}  // namespace isthmus
