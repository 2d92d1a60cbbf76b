#include <type_traits>

#include "isthmus/core/cpu.hpp"
#include "weierstrass_kernels.hpp"

namespace isthmus::weierstrass {
namespace {

struct KernelRow {
  Backend backend;
  const CurveKernels* kernels;
};

// Slowest first; the first is the oracle the others are tested against.
constexpr KernelRow kRows[] = {
    {Backend::portable, &kPortableKernels},
};

const CurveKernels& choose() {
  const CurveKernels* best = nullptr;
  for (const KernelRow& row : kRows) {
    if (row.backend <= active_backend()) best = row.kernels;
  }
  return *best;
}

}  // namespace

template <class Curve>
const Kernels& kernels() {
  static const CurveKernels& chosen = choose();
  return std::is_same_v<Curve, P256> ? chosen.p256 : chosen.sm2;
}

template const Kernels& kernels<P256>();
template const Kernels& kernels<Sm2>();

}  // namespace isthmus::weierstrass
