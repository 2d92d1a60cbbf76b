// Prime-order groups, secret scalars and hash-to-curve suites.
//
// Encoded elements cross as uint8 arrays (n, element_bytes), borrowed for the length of a call that runs
// without the GIL. Scalars cross as opaque objects: their bytes stay in zeroised memory on the native side.

#include <string_view>

#include "group_batches.hpp"
#include "isthmus/curve/group.hpp"
#include "isthmus/hash_to_curve/suite.hpp"

namespace isthmus::bindings {
namespace {

Array<std::uint8_t> hash_messages(const Suite& suite, const py::list& messages, std::string_view dst) {
  const BytesList batch(messages);
  auto out = matrix(batch.size(), suite.element_bytes);
  const auto span = mutable_view(out);
  const py::gil_scoped_release release;
  hash_to_curve(suite, batch, bytes_view(dst), span);
  return out;
}

Array<std::uint8_t> scalar_mult(const Group& group, const Scalar& scalar, const Array<std::uint8_t>& points) {
  auto out = matrix(count_elements(group, points), group.element_bytes());
  const auto in_span = view(points);
  const auto out_span = mutable_view(out);
  const py::gil_scoped_release release;
  group.mult(scalar, in_span, out_span);
  return out;
}

}  // namespace

void bind_group(py::module_& m) {
  py::module_ groups = m.def_submodule("group", "Prime-order groups and hash-to-curve suites.");
  py::class_<Scalar>(groups, "Scalar")
      .def_property_readonly("group", [](const Scalar& s) { return std::string(s.group().name()); })
      .def("inverse", &Scalar::inverse)
      .def("__repr__",
           [](const Scalar& s) { return "<Scalar of " + std::string(s.group().name()) + ", secret>"; });
  py::class_<Scalars>(groups, "Scalars").def("__len__", &Scalars::size).def("__repr__", [](const Scalars& s) {
    return "<" + std::to_string(s.size()) + " Scalars of " + std::string(s.group().name()) + ", secret>";
  });
  py::class_<Group>(groups, "Group")
      .def_property_readonly("name", [](const Group& g) { return std::string(g.name()); })
      .def_property_readonly("suite",
                             [](const Group& g) { return std::string(suite_of_group(g.name()).name); })
      .def_property_readonly("element_bytes", &Group::element_bytes)
      .def_property_readonly("scalar_bytes", &Group::scalar_bytes)
      .def("random_scalar", &Group::random_scalar)
      .def("random_scalars", &Group::random_scalars, py::arg("n"))
      .def("scalars", [](const Group& g, const py::bytes& data) { return g.scalars(bytes_view(data)); })
      .def_property_readonly("generator", [](const Group& g) { return to_bytes(g.generator()); })
      .def("scalar", [](const Group& g, const py::bytes& data) { return g.scalar(bytes_view(data)); })
      .def("scalar_mult", &scalar_mult, py::arg("scalar"), py::arg("points").noconvert())
      .def(
          "hash_to_group",
          [](const Group& g, const py::list& messages, const py::bytes& dst) {
            return hash_messages(suite_of_group(g.name()), messages, dst);
          },
          py::arg("messages"), py::arg("dst"));
  groups.def("find_group", &find_group, py::return_value_policy::reference);
  groups.def("group_names", [] { return to_strings(group_names()); });
  groups.def("suite_names", [] { return to_strings(suite_names()); });
  groups.def("hash_to_curve", [](const std::string& suite, const py::list& messages, const py::bytes& dst) {
    return hash_messages(find_suite(suite), messages, dst);
  });
}

}  // namespace isthmus::bindings
