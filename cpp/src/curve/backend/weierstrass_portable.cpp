// P-256 and SM2 kernels, one element at a time.

#include "../weierstrass_element.hpp"
#include "weierstrass_tile.hpp"

namespace isthmus::weierstrass {
const CurveKernels kPortableKernels = {kTileKernels<Element<P256>>, kTileKernels<Element<Sm2>>};

}  // namespace isthmus::weierstrass
