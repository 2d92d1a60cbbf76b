#pragma once
// What this CPU can run, and which backend the kernels use.

#include <string>
#include <vector>

namespace isthmus {

/// A family of kernels, each a superset in speed of those before it. Each layer's backend/select.cpp has one
/// row per backend it implements, and takes its best row that is not beyond active_backend().
enum class Backend { portable, avx2, avx512ifma };

struct CpuFeatures {
  bool avx2 = false;
  bool fma = false;
  bool avx512 = false;  // F, VL, DQ and BW
  bool avx512ifma = false;
};

/// Detected once, by CPUID with the operating system's register-state check.
const CpuFeatures& cpu_features() noexcept;

/// Names of the backends that this build has and this CPU can run, best last; always holds "portable".
std::vector<std::string> available_backends();

/// The backend in use: the best available one, or the one the environment variable ISTHMUS_BACKEND names.
/// Throws    InvalidArgument when ISTHMUS_BACKEND names one that is unknown or cannot run here; there is no
///           silent fall-back.
Backend active_backend();
std::string backend_name(Backend backend);

}  // namespace isthmus
