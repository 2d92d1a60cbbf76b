#pragma once
// What batches of group operations borrow from Python: arrays of elements, lists of messages.

#include <vector>

#include "bindings.hpp"
#include "isthmus/curve/group.hpp"
#include "isthmus/hash_to_curve/suite.hpp"

namespace isthmus::bindings {

// The rows of an array of encoded elements.
inline std::size_t count_elements(const Group& group, const Array<std::uint8_t>& points) {
  if (points.ndim() != 2 || static_cast<std::size_t>(points.shape(1)) != group.element_bytes()) {
    throw Error(ErrorCode::PointEncoding,
                "points must be a uint8 array of shape (n, " + std::to_string(group.element_bytes()) + ")");
  }
  return static_cast<std::size_t>(points.shape(0));
}

// The list must be the caller's own: nobody may change it while the GIL is released.
class BytesList final : public MessageBatch {
 public:
  explicit BytesList(const py::list& messages) {
    views_.reserve(messages.size());
    for (const py::handle item : messages) {
      if (!py::isinstance<py::bytes>(item)) throw py::type_error("messages must be bytes objects");
      views_.push_back(bytes_view(py::reinterpret_borrow<py::bytes>(item)));
    }
  }
  std::size_t size() const noexcept override { return views_.size(); }
  ByteSpan message(std::size_t i, SecretVector<std::uint8_t>&) const override { return views_[i]; }

 private:
  std::vector<ByteSpan> views_;
};

}  // namespace isthmus::bindings
