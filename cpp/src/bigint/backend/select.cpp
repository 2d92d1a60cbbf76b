#include <algorithm>

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
    {Backend::avx512ifma, &kAvx512IfmaKernels},
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

std::vector<const KernelTable*> runnable_kernels() {
  const std::vector<std::string> names = available_backends();
  std::vector<const KernelTable*> tables;
  for (const Row& row : kRows) {
    if (std::find(names.begin(), names.end(), backend_name(row.backend)) != names.end()) {
      tables.push_back(row.table);
    }
  }
  return tables;
}

}  // namespace isthmus::bigint
