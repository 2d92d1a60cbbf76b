// SHA-2, SM3 and message expansion.

#include <algorithm>
#include <vector>

#include "bindings.hpp"
#include "isthmus/hash/expand_message.hpp"
#include "isthmus/hash/sha2.hpp"
#include "isthmus/hash/sm3.hpp"

namespace isthmus::bindings {
namespace {

template <class Digest>
py::bytes to_bytes(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

template <class Hash>
py::bytes expand(const py::bytes& message, const py::bytes& dst, std::size_t length) {
  // Bounds the allocation before expand() judges the length.
  std::vector<std::uint8_t> out(std::min<std::size_t>(length, 65536));
  XmdExpander<Hash>(bytes_view(dst)).expand(bytes_view(message), out);
  return to_bytes(out);
}

}  // namespace

void bind_hash(py::module_& m) {
  py::module_ hash =
      m.def_submodule("hash", "SHA-2 (FIPS 180-4), SM3 (GB/T 32905) and expand_message_xmd (RFC 9380).");
  hash.def("sha256", [](const py::bytes& data) { return to_bytes(sha256(bytes_view(data))); });
  hash.def("sha512", [](const py::bytes& data) { return to_bytes(sha512(bytes_view(data))); });
  hash.def("sm3", [](const py::bytes& data) { return to_bytes(sm3(bytes_view(data))); });
  hash.def("expand_message_xmd_sha256", &expand<Sha256>, py::arg("message"), py::arg("dst"),
           py::arg("length"));
  hash.def("expand_message_xmd_sha512", &expand<Sha512>, py::arg("message"), py::arg("dst"),
           py::arg("length"));
  hash.def("expand_message_xmd_sm3", &expand<Sm3>, py::arg("message"), py::arg("dst"), py::arg("length"));
}

}  // namespace isthmus::bindings
