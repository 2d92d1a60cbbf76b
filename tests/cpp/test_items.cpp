// Arrow memory laid out by hand: slices, validity bits, malformed arrays; then records, masks and
// matches made of it.

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <vector>

#include "check.hpp"
#include "isthmus/core/error.hpp"
#include "isthmus/hash/siphash.hpp"
#include "isthmus/psi/item.hpp"
#include "isthmus/psi/record.hpp"
#include "isthmus/psi/seed.hpp"

using namespace isthmus;

namespace {

using Bytes = std::vector<std::uint8_t>;

// What an exporter hands over. `release` only has to be set: nothing is released here.
struct Exported {
  ArrowSchema schema{};
  ArrowArray array{};
  std::array<const void*, 3> buffers{};

  Exported(const char* format, std::int64_t length, std::int64_t offset, std::vector<const void*> parts) {
    schema.format = format;
    std::copy(parts.begin(), parts.end(), buffers.begin());
    array.length = length;
    array.offset = offset;
    array.null_count = -1;  // not counted
    array.n_buffers = static_cast<std::int64_t>(parts.size());
    array.buffers = buffers.data();
    array.release = [](ArrowArray*) {};
  }
  ArrowChunk chunk() const { return {schema, array}; }
};

Bytes encode(const ItemColumns& columns, std::size_t row) {
  SecretVector<std::uint8_t> out;
  columns.encode(row, out);
  return {out.begin(), out.end()};
}

Bytes field(std::uint8_t tag, const std::string& content) {
  Bytes bytes = {tag, 0, 0, 0, static_cast<std::uint8_t>(content.size())};
  bytes.insert(bytes.end(), content.begin(), content.end());
  return bytes;
}

const std::string kText = "annabobcarol";
const std::array<std::int32_t, 5> kOffsets = {0, 4, 7, 7, 12};  // anna bob "" carol

ErrorCode code_of_row(const ItemColumns& columns, std::size_t row) {
  try {
    encode(columns, row);
  } catch (const Error& error) {
    return error.row() == row ? error.code() : ErrorCode::InvalidArgument;
  }
  return ErrorCode::InvalidArgument;
}

void check_text() {
  const Exported whole("u", 4, 0, {nullptr, kOffsets.data(), kText.data()});
  const Exported slice("u", 2, 1, {nullptr, kOffsets.data(), kText.data()});
  const ItemColumns columns({{whole.chunk(), slice.chunk()}});
  CHECK(columns.size() == 6);
  CHECK(encode(columns, 0) == field(2, "anna"));
  CHECK(encode(columns, 3) == field(2, "carol"));
  CHECK(encode(columns, 4) == field(2, "bob"));
  CHECK(code_of_row(columns, 2) == ErrorCode::IdEncoding);
  CHECK(code_of_row(columns, 5) == ErrorCode::IdEncoding);
}

void check_validity_bits() {
  const std::array<std::int16_t, 12> values = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  const std::array<std::uint8_t, 2> bits = {0b11111111, 0b00000101};  // 9 is null
  const Exported exported("s", 4, 7, {bits.data(), values.data()});
  const ItemColumns columns({{exported.chunk()}});
  CHECK(encode(columns, 0) == field(1, "7"));
  CHECK(encode(columns, 1) == field(1, "8"));
  CHECK(code_of_row(columns, 2) == ErrorCode::IdEncoding);
  CHECK(encode(columns, 3) == field(1, "10"));
}

void check_integer_limits() {
  const std::array<std::int64_t, 2> wide = {std::numeric_limits<std::int64_t>::min(), -1};
  const std::array<std::uint64_t, 2> unsigned_wide = {std::numeric_limits<std::uint64_t>::max(), 0};
  const Exported a("l", 2, 0, {nullptr, wide.data()}), b("L", 2, 0, {nullptr, unsigned_wide.data()});
  Bytes expected = field(1, "-9223372036854775808");
  const Bytes second = field(1, "18446744073709551615");
  expected.insert(expected.end(), second.begin(), second.end());
  CHECK(encode(ItemColumns({{a.chunk()}, {b.chunk()}}), 0) == expected);
}

void check_malformed() {
  const auto refused = [](Exported exported, const auto& damage) {
    damage(exported);
    CHECK_THROWS(exported.chunk(), ErrorCode::InvalidArgument);
  };
  const Exported good("u", 4, 0, {nullptr, kOffsets.data(), kText.data()});
  refused(good, [](Exported& e) { e.schema.format = "g"; });
  refused(good, [](Exported& e) { e.schema.format = nullptr; });
  refused(good, [](Exported& e) { e.schema.dictionary = &e.schema; });
  refused(good, [](Exported& e) { e.array.length = -1; });
  refused(good, [](Exported& e) { e.array.offset = -1; });
  refused(good, [](Exported& e) { e.array.n_buffers = 2; });
  refused(good, [](Exported& e) { e.array.release = nullptr; });
  refused(good, [](Exported& e) { e.array.buffers = nullptr; });
  const std::array<std::int32_t, 3> backwards = {4, 2, -1};
  const Exported damaged("z", 2, 0, {nullptr, backwards.data(), kText.data()});
  const ItemColumns columns({{damaged.chunk()}});
  CHECK(code_of_row(columns, 0) == ErrorCode::IdEncoding);
  CHECK(code_of_row(columns, 1) == ErrorCode::IdEncoding);
}

void check_shapes() {
  const Exported four("u", 4, 0, {nullptr, kOffsets.data(), kText.data()});
  const Exported three("u", 3, 0, {nullptr, kOffsets.data(), kText.data()});
  CHECK_THROWS(ItemColumns(std::vector<ItemColumns::Column>{}), ErrorCode::InvalidArgument);
  const std::vector<ItemColumns::Column> unequal = {{four.chunk()}, {three.chunk()}};
  CHECK_THROWS(ItemColumns(unequal), ErrorCode::InvalidArgument);
  const ItemColumns nothing(std::vector<ItemColumns::Column>(1));
  CHECK(nothing.size() == 0);
  nothing.check();
}

void check_records_and_masks() {
  const std::array<std::uint8_t, 6> values = {5, 9, 5, 0, 9, 5};
  const Exported exported("C", 6, 0, {nullptr, values.data()});
  const ItemColumns columns({{exported.chunk()}});
  const SecretSeed seed(Bytes(SecretSeed::kBytes, 7));
  const SipKey order = seed.sip_key("order");
  std::vector<ItemRecord> records(6), parts(6), sorted(6);
  make_item_records(columns, order, seed.sip_key("print"), 100, records);
  std::array<std::uint64_t, kPartitions + 1> starts;
  partition_records<6>(records, parts, starts);
  CHECK(starts[kPartitions] == 6);
  for (std::size_t p = 0; p < kPartitions; ++p) {
    const std::size_t n = starts[p + 1] - starts[p];
    sort_records<6>({parts.data() + starts[p], n}, {sorted.data() + starts[p], n});
  }
  CHECK(std::is_sorted(sorted.begin(), sorted.end()));
  Bytes digests(6 * kItemDigestBytes);
  std::vector<std::uint64_t> rows(6);
  const std::size_t items = split_items(sorted, digests, rows);
  CHECK(items == 3);
  std::vector<std::vector<std::uint64_t>> groups;
  for (const std::uint64_t row : rows) {
    if ((row & kRepeated) == 0) groups.emplace_back();
    groups.back().push_back(row & ~kRepeated);
  }
  std::sort(groups.begin(), groups.end());
  CHECK((groups == std::vector<std::vector<std::uint64_t>>{{100, 102, 105}, {101, 104}, {103}}));
  const Scalar scalar = seed.scalar(find_group("ristretto255"));
  const Bytes domain = {1};
  Bytes masked(96);
  digests.resize(96);
  mask_digests(digests, domain, scalar, masked);
  CHECK(!std::equal(masked.begin(), masked.begin() + 32, masked.begin() + 32));
  CHECK_THROWS(mask_digests(digests, {}, scalar, masked), ErrorCode::InvalidArgument);
  CHECK_THROWS(SecretSeed(Bytes(31)), ErrorCode::InvalidArgument);
}

// Enough records for several buckets, in an order that is far from ascending.
template <std::size_t Words>
void check_sorting() {
  std::vector<Record<Words>> records(5000), parts(5000), sorted(5000);
  for (std::size_t i = 0; i < records.size(); ++i) {
    records[i].fill(i);
    records[i][0] = (i / 2) * 0x9e3779b97f4a7c15;  // in pairs that later words tell apart
  }
  std::array<std::uint64_t, kPartitions + 1> starts;
  partition_records<Words>(records, parts, starts);
  for (std::size_t p = 0; p < kPartitions; ++p) {
    for (std::size_t i = starts[p]; i < starts[p + 1]; ++i) CHECK(parts[i][0] >> 56 == p);
  }
  sort_records<Words>(parts, sorted);
  std::sort(records.begin(), records.end());
  CHECK(sorted == records);
}

void check_matching() {
  // Four tags of two bytes on one side; on the other three of them, told apart by later bytes.
  const Bytes own_rows = {0x10, 0x01, 0x10, 0x02, 0x10, 0x03, 0x10, 0x04};
  std::vector<TagRecord> own(4);
  make_tag_records(own_rows, 2, 0, 2, 50, own);
  std::vector<TagRecord> peer = {
      {0x1001aaaaaaaaaaaa, 0, 0}, {0x1001bbbbbbbbbbbb, 0, 1}, {0x1003cccccccccccc, 5, 2}};
  std::vector<std::uint64_t> positions(4);
  TagMatch found = match_tags(own, peer, 2, positions);
  CHECK(found.count == 2 && positions[0] == 50 && positions[1] == 52);
  CHECK(!found.own_repeats && !found.peer_repeats);
  CHECK(match_tags(own, peer, 3, positions).count == 0);
  own[1] = own[0];
  peer[1] = peer[0];
  found = match_tags(own, peer, 2, positions);
  CHECK(found.own_repeats && found.peer_repeats);
  CHECK_THROWS(make_tag_records(own_rows, 2, 1, 2, 0, own), ErrorCode::InvalidArgument);
}

// The example of the SipHash paper's appendix A.
void check_siphash() {
  Bytes message(15);
  for (std::size_t i = 0; i < message.size(); ++i) message[i] = static_cast<std::uint8_t>(i);
  CHECK(siphash24({0x0706050403020100, 0x0f0e0d0c0b0a0908}, message) == 0xa129ca6149be45e5);
}

}  // namespace

int main() {
  check_text();
  check_validity_bits();
  check_integer_limits();
  check_malformed();
  check_shapes();
  check_records_and_masks();
  check_sorting<3>();
  check_sorting<4>();
  check_sorting<5>();
  check_sorting<6>();
  check_matching();
  check_siphash();
  return check::finish("items");
}
