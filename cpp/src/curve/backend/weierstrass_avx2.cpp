// P-256 and SM2 kernels on four elements per vector, AVX2 + FMA.

#include "fp256x4.hpp"

namespace isthmus::weierstrass {

const CurveKernels kAvx2Kernels = {kTileKernels<Fp256x4<P256>>, kTileKernels<Fp256x4<Sm2>>};

}  // namespace isthmus::weierstrass
