// Kernels on eight elements per vector, AVX-512 IFMA.

#include "fp25519x8.hpp"
#include "ristretto255_tile.hpp"
#include "x25519_tile.hpp"

namespace isthmus {

namespace ristretto255 {
using Avx512Ifma = TileKernels<Fp25519x8>;
const Kernels kAvx512IfmaKernels = {&Avx512Ifma::mult, &Avx512Ifma::map, &Avx512Ifma::map_mult,
                                    &Avx512Ifma::decode};
}  // namespace ristretto255

namespace x25519 {
using Avx512Ifma = TileKernels<Fp25519x8>;
const Kernels kAvx512IfmaKernels = {&Avx512Ifma::mult, &Avx512Ifma::map, &Avx512Ifma::map_mult};
}  // namespace x25519

}  // namespace isthmus
