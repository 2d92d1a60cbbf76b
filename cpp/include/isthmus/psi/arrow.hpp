#pragma once
// The Arrow C data interface, and a read-only view of the column types that identifiers come in.
//
// Any library that exports Arrow (pyarrow, pandas, polars, DuckDB, the Arrow C++ and Rust libraries) hands
// over its own memory through these two structures; nothing is copied. Ref:
// https://arrow.apache.org/docs/format/CDataInterface.html

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "isthmus/core/bytes.hpp"

#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

extern "C" {
struct ArrowSchema {
  const char* format;
  const char* name;
  const char* metadata;
  std::int64_t flags;
  std::int64_t n_children;
  struct ArrowSchema** children;
  struct ArrowSchema* dictionary;
  void (*release)(struct ArrowSchema*);
  void* private_data;
};

struct ArrowArray {
  std::int64_t length;
  std::int64_t null_count;
  std::int64_t offset;
  std::int64_t n_buffers;
  std::int64_t n_children;
  const void** buffers;
  struct ArrowArray** children;
  struct ArrowArray* dictionary;
  void (*release)(struct ArrowArray*);
  void* private_data;
};
}

#endif  // ARROW_C_DATA_INTERFACE

namespace isthmus {

/// One contiguous piece of a column, borrowed from its owner.
class ArrowChunk {
 public:
  enum class Kind : std::uint8_t { signed_integer, unsigned_integer, text, binary };

  /// Views an exported array.
  /// Requires  `array` outlives the view.
  /// Throws    InvalidArgument for a type that is not an 8- to 64-bit integer, text or binary, or a malformed
  /// array.
  ArrowChunk(const ArrowSchema& schema, const ArrowArray& array);

  Kind kind() const noexcept { return kind_; }
  std::size_t size() const noexcept { return size_; }
  bool is_null(std::size_t i) const noexcept;

  /// The bytes of text or binary value i; a malformed array gives a view with no data and size SIZE_MAX.
  ByteSpan bytes(std::size_t i) const noexcept;
  std::int64_t signed_value(std::size_t i) const noexcept;
  std::uint64_t unsigned_value(std::size_t i) const noexcept;

 private:
  Kind kind_;
  std::uint8_t width_;  // bytes of an integer, or of an offset
  std::size_t size_;
  std::size_t offset_;
  const std::uint8_t* validity_;  // null when nothing is null
  const std::uint8_t* fixed_;     // integers, or offsets
  const std::uint8_t* values_;    // text or binary content
};

}  // namespace isthmus
