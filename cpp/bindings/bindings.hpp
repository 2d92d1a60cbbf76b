#pragma once
// Shared by the binding files: one bind_<layer>() each, and the borrow / release-the-GIL conventions.

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "isthmus/core/bytes.hpp"
#include "isthmus/core/error.hpp"

namespace isthmus::bindings {

namespace py = pybind11;

// C-contiguous NumPy arrays of exactly this dtype; noconvert() at the argument refuses silent copies.
template <class T>
using Array = py::array_t<T, py::array::c_style>;

// Throws when the data are not aligned for T, as in views of byte buffers; NumPy allows that, C++ does not.
template <class T>
const T* aligned_data(const py::array& array) {
  require(reinterpret_cast<std::uintptr_t>(array.data()) % alignof(T) == 0, "expected an aligned array");
  return static_cast<const T*>(array.data());
}

template <class T>
std::span<const T> view(const Array<T>& array) {
  return {aligned_data<T>(array), static_cast<std::size_t>(array.size())};
}
template <class T>
std::span<T> mutable_view(Array<T>& array) {
  return {array.mutable_data(), static_cast<std::size_t>(array.size())};
}

// The bytes of a Python bytes object, borrowed.
inline ByteSpan bytes_view(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// A new Python bytes object.
inline py::bytes to_bytes(ByteSpan data) { return {reinterpret_cast<const char*>(data.data()), data.size()}; }

// A new uint8 array of shape (rows, columns).
inline Array<std::uint8_t> matrix(std::size_t rows, std::size_t columns) {
  return Array<std::uint8_t>({static_cast<py::ssize_t>(rows), static_cast<py::ssize_t>(columns)});
}

inline std::vector<std::string> to_strings(const std::vector<std::string_view>& names) {
  return {names.begin(), names.end()};
}

void bind_system(py::module_& m);
void bind_errors(py::module_& m);
void bind_bigint(py::module_& m);
void bind_paillier(py::module_& m);
void bind_hash(py::module_& m);
void bind_group(py::module_& m);
void bind_oprf(py::module_& m);
void bind_items(py::module_& m);
void bind_records(py::module_& m);
void bind_aggregate(py::module_& m);

/// Makes every function of the module and its submodules leave its arguments out of TypeErrors.
void hide_arguments_in_errors(const py::module_& m);

}  // namespace isthmus::bindings
