#include "isthmus/core/cpu.hpp"

#include <cstdlib>

#include "isthmus/core/error.hpp"

namespace isthmus {
namespace {

struct BackendRow {
  Backend backend;
  const char* name;
  bool (*runs_on)(const CpuFeatures&);
};

// Best last.
constexpr BackendRow kBackends[] = {
    {Backend::portable, "portable", [](const CpuFeatures&) { return true; }},
    {Backend::avx2, "avx2", [](const CpuFeatures& cpu) { return cpu.avx2 && cpu.fma; }},
    {Backend::avx512ifma, "avx512ifma", [](const CpuFeatures& cpu) { return cpu.avx512 && cpu.avx512ifma; }},
};

CpuFeatures detect() noexcept {
  CpuFeatures features;
#if defined(__x86_64__) && defined(__GNUC__)
  __builtin_cpu_init();
  features.avx2 = __builtin_cpu_supports("avx2") != 0;
  features.fma = __builtin_cpu_supports("fma") != 0;
  features.avx512 = __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
                    __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512bw") != 0;
  features.avx512ifma = __builtin_cpu_supports("avx512ifma") != 0;
#endif
  return features;
}

Backend choose() {
  const char* forced = std::getenv("ISTHMUS_BACKEND");
  Backend best = Backend::portable;
  std::string names;
  for (const BackendRow& row : kBackends) {
    if (!row.runs_on(cpu_features())) continue;
    if (forced != nullptr && std::string(forced) == row.name) return row.backend;
    names += names.empty() ? row.name : std::string(", ") + row.name;
    best = row.backend;
  }
  if (forced != nullptr && *forced != '\0') {
    throw Error(ErrorCode::InvalidArgument,
                "ISTHMUS_BACKEND=" + std::string(forced) + " cannot run here; available: " + names);
  }
  return best;
}

}  // namespace

const CpuFeatures& cpu_features() noexcept {
  static const CpuFeatures features = detect();
  return features;
}

std::vector<std::string> available_backends() {
  std::vector<std::string> names;
  for (const BackendRow& row : kBackends) {
    if (row.runs_on(cpu_features())) names.emplace_back(row.name);
  }
  return names;
}

Backend active_backend() {
  static const Backend backend = choose();
  return backend;
}

std::string backend_name(Backend backend) {
  for (const BackendRow& row : kBackends) {
    if (row.backend == backend) return row.name;
  }
  return "unknown";
}

}  // namespace isthmus
