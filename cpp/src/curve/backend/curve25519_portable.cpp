// Kernels on the portable field, one element per lane.

#include "ristretto255_tile.hpp"
#include "x25519_tile.hpp"

namespace isthmus {

namespace ristretto255 {
using Portable = TileKernels<Fp25519>;
const Kernels kPortableKernels = {&Portable::mult, &Portable::map, &Portable::map_mult, &Portable::decode};
}  // namespace ristretto255

namespace x25519 {
using Portable = TileKernels<Fp25519>;
const Kernels kPortableKernels = {&Portable::mult, &Portable::map, &Portable::map_mult};
}  // namespace x25519

}  // namespace isthmus
