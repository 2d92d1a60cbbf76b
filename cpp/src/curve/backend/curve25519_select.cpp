#include "ristretto255_kernels.hpp"

namespace isthmus::ristretto255 {
namespace {

struct KernelRow {
  Backend backend;
  const Kernels* kernels;
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

const Kernels& kernels_of(Backend backend) {
  const Kernels* best = nullptr;
  for (const KernelRow& row : kRows) {
    if (row.backend <= backend) best = row.kernels;
  }
  return *best;
}

const Kernels& kernels() {
  static const Kernels& chosen = kernels_of(active_backend());
  return chosen;
}

}  // namespace isthmus::ristretto255
