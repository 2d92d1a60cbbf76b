#include "isthmus/psi/item.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <string_view>

#include "isthmus/core/error.hpp"
#include "isthmus/core/parallel.hpp"
#include "text.hpp"

namespace isthmus {
namespace {

using Kind = ArrowChunk::Kind;

constexpr std::uint8_t kIntegerTag = 1;
constexpr std::uint8_t kBytesTag = 2;
constexpr std::size_t kHeaderBytes = 5;
constexpr std::size_t kRowsPerBlock = 1024;
constexpr std::string_view kDstPrefix = "isthmus-item-v2-";

[[noreturn]] void refuse(const char* fault, std::size_t column, std::size_t row) {
  throw Error(ErrorCode::IdEncoding, "the identifier in key column " + std::to_string(column) + " " + fault,
              row);
}

void append_field(std::uint8_t tag, ByteSpan content, SecretVector<std::uint8_t>& out) {
  std::array<std::uint8_t, kHeaderBytes> header = {tag};
  store_be32(header.data() + 1, static_cast<std::uint32_t>(content.size()));
  out.insert(out.end(), header.begin(), header.end());
  out.insert(out.end(), content.begin(), content.end());
}

template <class Integer>
void append_integer(Integer value, SecretVector<std::uint8_t>& out) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  append_field(kIntegerTag,
               {reinterpret_cast<const std::uint8_t*>(digits), static_cast<std::size_t>(end - digits)}, out);
}

// Null when value i of the chunk can be part of an item.
const char* field_fault(const ArrowChunk& chunk, std::size_t i) {
  if (chunk.is_null(i)) return "is missing (null); drop such rows first";
  if (chunk.kind() != Kind::text && chunk.kind() != Kind::binary) return nullptr;
  const ByteSpan content = chunk.bytes(i);
  if (content.size() > kMaxFieldBytes) return "is longer than 65535 bytes; is this the right column?";
  return chunk.kind() == Kind::text ? text_fault(content) : nullptr;
}

void append_value(const ArrowChunk& chunk, std::size_t i, SecretVector<std::uint8_t>& out) {
  switch (chunk.kind()) {
    case Kind::signed_integer:
      return append_integer(chunk.signed_value(i), out);
    case Kind::unsigned_integer:
      return append_integer(chunk.unsigned_value(i), out);
    default:
      return append_field(kBytesTag, chunk.bytes(i), out);
  }
}

class DigestBatch final : public MessageBatch {
 public:
  explicit DigestBatch(ByteSpan digests) : digests_(digests) {}
  std::size_t size() const noexcept override { return digests_.size() / kItemDigestBytes; }
  ByteSpan message(std::size_t i, SecretVector<std::uint8_t>&) const override {
    return digests_.subspan(i * kItemDigestBytes, kItemDigestBytes);
  }

 private:
  ByteSpan digests_;
};

}  // namespace

ItemColumns::ItemColumns(std::vector<Column> columns) : size_(0) {
  require(!columns.empty(), "an identifier needs at least one key column");
  for (Column& chunks : columns) {
    std::vector<std::size_t> starts;
    std::size_t rows = 0;
    for (const ArrowChunk& chunk : chunks) {
      starts.push_back(rows);
      rows += chunk.size();
    }
    require(columns_.empty() || rows == size_, "the key columns differ in length");
    size_ = rows;
    columns_.push_back({std::move(chunks), std::move(starts)});
  }
}

void ItemColumns::encode(std::size_t row, SecretVector<std::uint8_t>& out) const {
  require(row < size_, "a row is not in the columns");
  out.clear();
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    const std::vector<std::size_t>& starts = columns_[c].starts;
    // The last chunk that starts at or before the row; empty chunks share their start with the next one.
    const auto which =
        static_cast<std::size_t>(std::upper_bound(starts.begin(), starts.end(), row) - starts.begin()) - 1;
    const ArrowChunk& chunk = columns_[c].chunks[which];
    const std::size_t i = row - starts[which];
    if (const char* fault = field_fault(chunk, i)) refuse(fault, c, row);
    append_value(chunk, i, out);
  }
  if (out.size() == columns_.size() * kHeaderBytes) refuse("is empty; drop such rows first", 0, row);
}

void ItemColumns::check() const {
  parallel_for((size_ + kRowsPerBlock - 1) / kRowsPerBlock, [&](std::size_t block) {
    SecretVector<std::uint8_t> scratch;
    const std::size_t end = std::min(size_, (block + 1) * kRowsPerBlock);
    for (std::size_t row = block * kRowsPerBlock; row < end; ++row) encode(row, scratch);
  });
}

std::vector<std::uint8_t> item_dst(const Suite& suite, ByteSpan domain) {
  require(!domain.empty(), "the hash domain is empty; it must name this run");
  const std::string prefix = std::string(kDstPrefix) + std::string(suite.name) + "-";
  std::vector<std::uint8_t> dst(prefix.begin(), prefix.end());
  dst.insert(dst.end(), domain.begin(), domain.end());
  return dst;
}

void mask_digests(ByteSpan digests, ByteSpan domain, const Scalar& scalar, MutableByteSpan out) {
  require(digests.size() % kItemDigestBytes == 0, "digests must have 32 bytes each");
  const Suite& suite = suite_of_group(scalar.group().name());
  hash_to_curve_mult(suite, DigestBatch(digests), item_dst(suite, domain), scalar, out);
}

}  // namespace isthmus
