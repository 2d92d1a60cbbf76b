// P-256 and SM2 kernels, one element at a time.

#include "../weierstrass_element.hpp"
#include "../weierstrass_tile.hpp"
#include "weierstrass_kernels.hpp"

namespace isthmus::weierstrass {
namespace {

template <class C>
constexpr Kernels kKernels = {&mult_tile<Element<C>>, &map_tile<Element<C>, 2>, &map_tile<Element<C>, 1>,
                              &map_mult_tile<Element<C>>, &decode_tile<Element<C>>};

}  // namespace

const CurveKernels kPortableKernels = {kKernels<P256>, kKernels<Sm2>};

}  // namespace isthmus::weierstrass
