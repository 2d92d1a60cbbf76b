#pragma once
// Records as uint64 arrays of shape (n, words).

#include <cstring>

#include "bindings.hpp"
#include "isthmus/psi/record.hpp"

namespace isthmus::bindings {

template <std::size_t Words>
Array<std::uint64_t> record_matrix(std::size_t rows) {
  return Array<std::uint64_t>({static_cast<py::ssize_t>(rows), static_cast<py::ssize_t>(Words)});
}

template <std::size_t Words>
std::span<const Record<Words>> record_view(const Array<std::uint64_t>& array) {
  require(array.ndim() == 2 && array.shape(1) == static_cast<py::ssize_t>(Words),
          "records must be a uint64 array of shape (n, words)");
  const auto words = view(array);
  return {reinterpret_cast<const Record<Words>*>(words.data()), words.size() / Words};
}

template <std::size_t Words>
std::span<Record<Words>> mutable_record_view(Array<std::uint64_t>& array) {
  const auto words = mutable_view(array);
  return {reinterpret_cast<Record<Words>*>(words.data()), words.size() / Words};
}

}  // namespace isthmus::bindings
