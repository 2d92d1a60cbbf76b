#pragma once
// Shared by the binding files: one bind_<layer>() each, and the borrow / release-the-GIL conventions.

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstdint>
#include <span>
#include <string>

#include "isthmus/core/error.hpp"

namespace isthmus::bindings {

namespace py = pybind11;

// C-contiguous NumPy arrays of exactly this dtype; noconvert() at the argument refuses silent copies.
template <class T>
using Array = py::array_t<T, py::array::c_style>;

template <class T>
std::span<const T> view(const Array<T>& array) {
  return {array.data(), static_cast<std::size_t>(array.size())};
}
template <class T>
std::span<T> mutable_view(Array<T>& array) {
  return {array.mutable_data(), static_cast<std::size_t>(array.size())};
}

void bind_system(py::module_& m);
void bind_errors(py::module_& m);
void bind_bigint(py::module_& m);
void bind_paillier(py::module_& m);
void bind_hash(py::module_& m);
void bind_aggregate(py::module_& m);

}  // namespace isthmus::bindings
