#include "isthmus/core/cpu.hpp"
#include "kernels.hpp"

namespace isthmus::bigint {
namespace {

struct Row {
  Backend backend;
  const KernelTable* table;
};

// Slowest first; the first is the oracle the others are tested against.
constexpr Row kRows[] = {
    {Backend::portable, &kPortableKernels},
#if defined(__x86_64__)
    {Backend::avx2, &kAvx2Kernels},
#endif
};

const KernelTable& choose() {
  const KernelTable* best = nullptr;
  for (const Row& row : kRows) {
    if (row.backend <= active_backend()) best = row.table;
  }
  return *best;
}

}  // namespace

const KernelTable& active_kernels() {
  static const KernelTable& chosen = choose();
  return chosen;
}

}  // namespace isthmus::bigint
