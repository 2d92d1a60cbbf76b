// The extension module isthmus._core: one submodule per layer, each bound in its own file.

#include "bindings.hpp"

PYBIND11_MODULE(_core, m) {
  using namespace isthmus::bindings;
  m.doc() = "Native core of isthmus. Use the typed classes of the isthmus package instead.";
  m.attr("__version__") = ISTHMUS_VERSION;
  bind_errors(m);
  bind_system(m);
  bind_bigint(m);
  bind_paillier(m);
  bind_hash(m);
  bind_group(m);
  bind_oprf(m);
  bind_records(m);
  bind_items(m);
  bind_aggregate(m);
  hide_arguments_in_errors(m);
}
