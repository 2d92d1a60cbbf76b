// Threads, CPU, backend, memory and randomness.

#include "bindings.hpp"
#include "isthmus/core/cpu.hpp"
#include "isthmus/core/memory.hpp"
#include "isthmus/core/parallel.hpp"
#include "isthmus/core/random.hpp"

namespace isthmus::bindings {

void bind_system(py::module_& m) {
  py::module_ system = m.def_submodule("system", "Threads, CPU features, backend, memory, randomness.");
  system.def("thread_count", &thread_count);
  system.def("set_thread_count", &set_thread_count, py::arg("threads"));
  system.def("available_backends", &available_backends);
  system.def("active_backend", [] { return backend_name(active_backend()); });
  system.def("cpu_features", [] {
    const CpuFeatures& f = cpu_features();
    py::dict features;
    features["avx2"] = f.avx2;
    features["fma"] = f.fma;
    features["avx512"] = f.avx512;
    features["avx512ifma"] = f.avx512ifma;
    return features;
  });
  system.def("drop_kept_blocks", &drop_kept_blocks);
  system.def("random_permutation", [](std::size_t n) {
    Array<std::int64_t> out(static_cast<py::ssize_t>(n));
    const auto span = mutable_view(out);
    {
      const py::gil_scoped_release release;
      random_permutation(span);
    }
    return out;
  });
  system.def("random_u64", [](std::size_t n) {
    Array<std::uint64_t> out(static_cast<py::ssize_t>(n));
    const auto span = mutable_view(out);
    const py::gil_scoped_release release;
    random_bytes({reinterpret_cast<std::uint8_t*>(span.data()), span.size_bytes()});
    return out;
  });
  // For the tests of what follows when the operating system gives no randomness; it can only make calls fail.
  system.def("_fail_entropy_for_testing", [](bool fail) {
    set_entropy_source_for_testing(fail ? +[](MutableByteSpan) { return false; } : nullptr);
  });
}

}  // namespace isthmus::bindings
