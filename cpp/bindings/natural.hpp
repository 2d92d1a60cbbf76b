#pragma once
// Python integers to and from Natural. Secrets never pass here: private keys stay in C++.

#include <pybind11/pybind11.h>

#include <string>

#include "isthmus/bigint/natural.hpp"
#include "isthmus/core/error.hpp"

namespace isthmus::bindings {

inline bigint::Natural to_natural(const pybind11::int_& value) {
  const auto bits = value.attr("bit_length")().cast<std::size_t>();
  require(value >= pybind11::int_(0), "a non-negative integer is needed");
  const std::string bytes = value.attr("to_bytes")((bits + 7) / 8, "big").cast<std::string>();
  return bigint::Natural::from_bytes({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

inline pybind11::int_ to_python(const bigint::Natural& value) {
  SecretVector<std::uint8_t> bytes((value.bit_length() + 7) / 8);
  value.to_bytes(bytes);
  const pybind11::bytes packed(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return pybind11::module_::import("builtins").attr("int").attr("from_bytes")(packed, "big");
}

}  // namespace isthmus::bindings
