// SHA-2 and message expansion.

#include <string_view>

#include "bindings.hpp"
#include "isthmus/hash/sha2.hpp"

namespace isthmus::bindings {
namespace {

ByteSpan bytes_view(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

template <class Digest>
py::bytes to_bytes(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace

void bind_hash(py::module_& m) {
  py::module_ hash = m.def_submodule("hash", "SHA-2 (FIPS 180-4) and expand_message_xmd (RFC 9380).");
  hash.def("sha256", [](const py::bytes& data) { return to_bytes(sha256(bytes_view(data))); });
  hash.def("sha512", [](const py::bytes& data) { return to_bytes(sha512(bytes_view(data))); });
}

}  // namespace isthmus::bindings
