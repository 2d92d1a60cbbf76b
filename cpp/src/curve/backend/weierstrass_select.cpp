#include <type_traits>

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
#if defined(__x86_64__)
    {Backend::avx2, &kAvx2Kernels},
    {Backend::avx512ifma, &kAvx512IfmaKernels},
#endif
};

}  // namespace

const CurveKernels& kernels_of(Backend backend) {
  const CurveKernels* best = nullptr;
  for (const KernelRow& row : kRows) {
    if (row.backend <= backend) best = row.kernels;
  }
  return *best;
}

template <class Curve>
const Kernels& kernels() {
  static const CurveKernels& chosen = kernels_of(active_backend());
  return std::is_same_v<Curve, P256> ? chosen.p256 : chosen.sm2;
}

template const Kernels& kernels<P256>();
template const Kernels& kernels<Sm2>();

}  // namespace isthmus::weierstrass
