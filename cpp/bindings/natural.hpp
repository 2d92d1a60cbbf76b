#pragma once
// Python integers to and from Natural. Private keys stay in C++, but for primes that a user brings in: their
// bytes are wiped on the way, the user's own integers cannot be.

#include <pybind11/pybind11.h>

#include <string_view>

#include "isthmus/bigint/natural.hpp"
#include "isthmus/core/error.hpp"

namespace isthmus::bindings {

inline bigint::Natural to_natural(const pybind11::int_& value) {
  const auto bits = value.attr("bit_length")().cast<std::size_t>();
  require(value >= pybind11::int_(0), "a non-negative integer is needed");
  const pybind11::bytes bytes = value.attr("to_bytes")((bits + 7) / 8, "big");
  const std::string_view text(bytes);
  const auto* const data = reinterpret_cast<const std::uint8_t*>(text.data());
  bigint::Natural natural = bigint::Natural::from_bytes({data, text.size()});
  // Nobody else has this object, unless it is one of those that Python keeps for single bytes.
  if (text.size() > 1) zeroise(PyBytes_AS_STRING(bytes.ptr()), text.size());
  return natural;
}

inline pybind11::int_ to_python(const bigint::Natural& value) {
  SecretVector<std::uint8_t> bytes((value.bit_length() + 7) / 8);
  value.to_bytes(bytes);
  const pybind11::bytes packed(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return pybind11::module_::import("builtins").attr("int").attr("from_bytes")(packed, "big");
}

}  // namespace isthmus::bindings
