#include "isthmus/psi/arrow.hpp"

#include <cstring>
#include <string>

#include "isthmus/core/error.hpp"

namespace isthmus {
namespace {

using Kind = ArrowChunk::Kind;

// Format strings of the Arrow C data interface; the width is that of an integer, or of a text or binary
// offset.
struct FormatRow {
  std::string_view format;
  Kind kind;
  std::uint8_t width;
};
constexpr FormatRow kFormats[] = {
    {"c", Kind::signed_integer, 1}, {"C", Kind::unsigned_integer, 1},
    {"s", Kind::signed_integer, 2}, {"S", Kind::unsigned_integer, 2},
    {"i", Kind::signed_integer, 4}, {"I", Kind::unsigned_integer, 4},
    {"l", Kind::signed_integer, 8}, {"L", Kind::unsigned_integer, 8},
    {"u", Kind::text, 4},           {"U", Kind::text, 8},
    {"z", Kind::binary, 4},         {"Z", Kind::binary, 8},
};

const FormatRow& find_format(const char* format) {
  require(format != nullptr, "an Arrow column has no format");
  for (const FormatRow& row : kFormats) {
    if (row.format == format) return row;
  }
  throw Error(ErrorCode::InvalidArgument,
              "an identifier column must hold integers, text or binary, not Arrow format '" +
                  std::string(format) + "'");
}

template <class T>
T load(const std::uint8_t* base, std::size_t i) noexcept {
  T value;
  std::memcpy(&value, base + i * sizeof(T), sizeof(T));
  return value;
}

}  // namespace

ArrowChunk::ArrowChunk(const ArrowSchema& schema, const ArrowArray& array) {
  const FormatRow& row = find_format(schema.format);
  const bool is_integer = row.kind == Kind::signed_integer || row.kind == Kind::unsigned_integer;
  require(schema.dictionary == nullptr, "an identifier column must not be dictionary-encoded");
  require(array.release != nullptr, "an Arrow array was already released");
  require(array.length >= 0 && array.offset >= 0, "an Arrow array has a negative length or offset");
  require(array.n_buffers == (is_integer ? 2 : 3), "an Arrow array has the wrong number of buffers");
  require(array.buffers != nullptr && (array.length == 0 || array.buffers[1] != nullptr),
          "an Arrow array lacks a buffer");
  kind_ = row.kind;
  width_ = row.width;
  size_ = static_cast<std::size_t>(array.length);
  offset_ = static_cast<std::size_t>(array.offset);
  validity_ = array.null_count == 0 ? nullptr : static_cast<const std::uint8_t*>(array.buffers[0]);
  fixed_ = static_cast<const std::uint8_t*>(array.buffers[1]);
  values_ = is_integer ? nullptr : static_cast<const std::uint8_t*>(array.buffers[2]);
}

bool ArrowChunk::is_null(std::size_t i) const noexcept {
  if (validity_ == nullptr) return false;
  const std::size_t at = offset_ + i;
  return ((validity_[at / 8] >> (at % 8)) & 1) == 0;
}

ByteSpan ArrowChunk::bytes(std::size_t i) const noexcept {
  const std::size_t at = offset_ + i;
  std::int64_t begin, end;
  if (width_ == 4) {
    begin = load<std::int32_t>(fixed_, at);
    end = load<std::int32_t>(fixed_, at + 1);
  } else {
    begin = load<std::int64_t>(fixed_, at);
    end = load<std::int64_t>(fixed_, at + 1);
  }
  if (begin < 0 || end < begin || (end > begin && values_ == nullptr))
    return {static_cast<const std::uint8_t*>(nullptr), SIZE_MAX};
  if (begin == end) return {};
  return {values_ + begin, static_cast<std::size_t>(end - begin)};
}

std::int64_t ArrowChunk::signed_value(std::size_t i) const noexcept {
  const std::size_t at = offset_ + i;
  switch (width_) {
    case 1:
      return load<std::int8_t>(fixed_, at);
    case 2:
      return load<std::int16_t>(fixed_, at);
    case 4:
      return load<std::int32_t>(fixed_, at);
    default:
      return load<std::int64_t>(fixed_, at);
  }
}

std::uint64_t ArrowChunk::unsigned_value(std::size_t i) const noexcept {
  const std::size_t at = offset_ + i;
  switch (width_) {
    case 1:
      return load<std::uint8_t>(fixed_, at);
    case 2:
      return load<std::uint16_t>(fixed_, at);
    case 4:
      return load<std::uint32_t>(fixed_, at);
    default:
      return load<std::uint64_t>(fixed_, at);
  }
}

}  // namespace isthmus
