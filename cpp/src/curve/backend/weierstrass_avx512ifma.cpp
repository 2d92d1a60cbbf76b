// P-256 and SM2 kernels on eight elements per vector, AVX-512 IFMA.

#include "fp256x8.hpp"

namespace isthmus::weierstrass {

const CurveKernels kAvx512IfmaKernels = {kTileKernels<Fp256x8<P256>>, kTileKernels<Fp256x8<Sm2>>};

}  // namespace isthmus::weierstrass
