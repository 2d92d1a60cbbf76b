// RFC 9497: oblivious pseudorandom functions and proofs that one key was used. Every call runs without the
// GIL on arrays that it borrows; keys and blinds are opaque objects.

#include "group_batches.hpp"
#include "isthmus/oprf/oprf.hpp"

namespace isthmus::bindings {
namespace {

using oprf::EqualityProof;
using oprf::Oprf;

Array<std::uint8_t> blind(const Oprf& suite, const py::list& inputs, const Scalars& blinds) {
  const BytesList batch(inputs);
  auto out = matrix(batch.size(), suite.group().element_bytes());
  const auto span = mutable_view(out);
  const py::gil_scoped_release release;
  suite.blind(batch, blinds, span);
  return out;
}

Array<std::uint8_t> finalize(const Oprf& suite, const py::list& inputs, const Scalars& blinds,
                             const Array<std::uint8_t>& evaluated) {
  const BytesList batch(inputs);
  count_elements(suite.group(), evaluated);
  auto out = matrix(batch.size(), suite.output_bytes());
  const auto in_span = view(evaluated);
  const auto span = mutable_view(out);
  const py::gil_scoped_release release;
  suite.finalize(batch, blinds, in_span, span);
  return out;
}

Array<std::uint8_t> evaluate_directly(const Oprf& suite, const py::list& inputs, const Scalar& key) {
  const BytesList batch(inputs);
  auto out = matrix(batch.size(), suite.output_bytes());
  const auto span = mutable_view(out);
  const py::gil_scoped_release release;
  suite.evaluate_directly(batch, key, span);
  return out;
}

py::bytes prove(const EqualityProof& proof, const Scalar& key, const py::bytes& public_key,
                const Array<std::uint8_t>& points, const Array<std::uint8_t>& multiples,
                const Scalar* nonce) {
  count_elements(proof.group(), points);
  count_elements(proof.group(), multiples);
  std::vector<std::uint8_t> out(proof.proof_bytes());
  const auto key_span = bytes_view(public_key);
  const auto points_span = view(points);
  const auto multiples_span = view(multiples);
  {
    const py::gil_scoped_release release;
    const Scalar used = nonce != nullptr ? *nonce : proof.group().random_scalar();
    proof.prove(key, used, key_span, points_span, multiples_span, out);
  }
  return to_bytes(out);
}

void verify(const EqualityProof& proof, const py::bytes& public_key, const Array<std::uint8_t>& points,
            const Array<std::uint8_t>& multiples, const py::bytes& claimed) {
  count_elements(proof.group(), points);
  count_elements(proof.group(), multiples);
  const auto key_span = bytes_view(public_key);
  const auto points_span = view(points);
  const auto multiples_span = view(multiples);
  const auto claimed_span = bytes_view(claimed);
  const py::gil_scoped_release release;
  proof.verify_vartime(key_span, points_span, multiples_span, claimed_span);
}

}  // namespace

void bind_oprf(py::module_& m) {
  py::module_ module = m.def_submodule("oprf", "Oblivious pseudorandom functions (RFC 9497).");
  module.attr("MAX_PROOF_BATCH") = oprf::kMaxProofBatch;
  module.def("suite_identifiers", [] { return to_strings(oprf::suite_identifiers()); });
  py::class_<EqualityProof>(module, "EqualityProof")
      .def(py::init([](const Group& group, const py::bytes& context) {
             return EqualityProof(group, std::string(context));
           }),
           py::arg("group"), py::arg("context"))
      .def_property_readonly("proof_bytes", &EqualityProof::proof_bytes)
      .def("check_public_key",
           [](const EqualityProof& proof, const py::bytes& key) { proof.check_public_key(bytes_view(key)); })
      .def("prove", &prove, py::arg("key"), py::arg("public_key"), py::arg("points").noconvert(),
           py::arg("multiples").noconvert(), py::arg("nonce") = nullptr)
      .def("verify", &verify, py::arg("public_key"), py::arg("points").noconvert(),
           py::arg("multiples").noconvert(), py::arg("proof"));
  py::class_<Oprf>(module, "Oprf")
      .def(py::init([](const std::string& identifier, bool verifiable) {
             return Oprf(identifier, verifiable ? oprf::Mode::voprf : oprf::Mode::oprf);
           }),
           py::arg("identifier"), py::arg("verifiable"))
      .def_property_readonly("group", [](const Oprf& suite) { return std::string(suite.group().name()); })
      .def_property_readonly("output_bytes", &Oprf::output_bytes)
      .def_property_readonly("proof", &Oprf::proof, py::return_value_policy::reference_internal)
      .def("derive_key",
           [](const Oprf& suite, const py::bytes& seed, const py::bytes& info) {
             return suite.derive_key(bytes_view(seed), bytes_view(info));
           })
      .def("blind", &blind, py::arg("inputs"), py::arg("blinds"))
      .def("finalize", &finalize, py::arg("inputs"), py::arg("blinds"), py::arg("evaluated").noconvert())
      .def("evaluate_directly", &evaluate_directly, py::arg("inputs"), py::arg("key"));
}

}  // namespace isthmus::bindings
