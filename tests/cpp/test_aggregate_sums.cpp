// The aggregate operations on real ciphertexts, small: what the sanitizers see. The Python tests are the wide
// ones.

#include <cstdint>
#include <limits>
#include <vector>

#include "check.hpp"
#include "isthmus/aggregate/bucket_sum.hpp"
#include "isthmus/aggregate/compress.hpp"
#include "isthmus/aggregate/packed_products.hpp"
#include "isthmus/aggregate/weighted_sum.hpp"
#include "isthmus/core/error.hpp"
#include "isthmus/core/parallel.hpp"
#include "isthmus/paillier/encrypt.hpp"
#include "isthmus/paillier/private_key.hpp"

using namespace isthmus;
using namespace isthmus::aggregate;
using paillier::CiphertextArray;

namespace {

using Integers = std::vector<std::int64_t>;

constexpr std::size_t kRows = 12, kColumns = 5;

struct Fixture {
  std::shared_ptr<const paillier::PrivateKey> key = paillier::PrivateKey::generate(2048);
  Integers plain = {0, 1, -1, 5, 1 << 20, -(1 << 20), 77, -78, 79, 3, 3, 3};
  CiphertextArray ct = paillier::encrypt(*key, std::span<const std::int64_t>(plain));

  Integers decrypt(const CiphertextArray& array) const {
    return paillier::to_int64(*key->public_key(), key->decrypt(array)).value();
  }
};

Integers matrix(std::int64_t modulus, std::int64_t offset) {
  Integers values;
  for (std::size_t i = 0; i < kRows * kColumns; ++i) {
    values.push_back(static_cast<std::int64_t>(i * i * 31 + i) % modulus + offset);
  }
  return values;
}

MatrixView<std::int64_t> row_major(const Integers& values, std::size_t columns) {
  const auto stride = static_cast<std::ptrdiff_t>(columns);
  return {values.data(), values.size() / columns, columns, stride, 1};
}

void test_bucket_sum(const Fixture& f) {
  constexpr std::size_t kBuckets = 3;
  Integers buckets = matrix(kBuckets, 0);
  Integers expected(kColumns * kBuckets);
  for (std::size_t i = 0; i < kRows; ++i) {
    for (std::size_t c = 0; c < kColumns; ++c) {
      expected[c * kBuckets + static_cast<std::size_t>(buckets[i * kColumns + c])] += f.plain[i];
    }
  }
  const auto view = row_major(buckets, kColumns);
  CHECK(f.decrypt(bucket_sum(f.ct, 1, view, kBuckets, std::nullopt, nullptr)) == expected);
  // Two ciphertexts per row, and the same buckets stored sparsely.
  const MatrixView<std::int64_t> half{view.data, kRows / 2, kColumns, view.row_stride, 1};
  const CiphertextArray pairs = bucket_sum(f.ct, 2, half, kBuckets, std::nullopt, nullptr);
  Integers starts{0}, places, values;
  for (std::size_t c = 0; c < kColumns; ++c) {
    for (std::size_t i = 0; i < kRows / 2; ++i) {
      if (buckets[i * kColumns + c] == 0) continue;
      places.push_back(static_cast<std::int64_t>(i));
      values.push_back(buckets[i * kColumns + c]);
    }
    starts.push_back(static_cast<std::int64_t>(values.size()));
  }
  const SparseView sparse{kRows / 2, starts, places, values};
  CHECK(f.decrypt(bucket_sum(f.ct, 2, sparse, kBuckets, std::nullopt, nullptr)) == f.decrypt(pairs));
  std::swap(places[0], places[1]);
  CHECK_THROWS(bucket_sum(f.ct, 2, sparse, kBuckets, std::nullopt, nullptr), ErrorCode::InvalidArgument);
  const PackLayout layout(2048, {32}, kRows - 1);
  CHECK_THROWS(bucket_sum(f.ct, 1, view, kBuckets, std::nullopt, &layout), ErrorCode::PlaintextOverflow);
  const Integers rows{4, 4, 5};
  CHECK(f.decrypt(bucket_sum(f.ct, 1, view, kBuckets, RowSubset(rows), &layout)).size() == expected.size());
  buckets[7] = kBuckets;
  CHECK_THROWS(bucket_sum(f.ct, 1, view, kBuckets, std::nullopt, nullptr), ErrorCode::InvalidArgument);
  const Integers outside{static_cast<std::int64_t>(kRows)};
  CHECK_THROWS(bucket_sum(f.ct, 1, view, kBuckets, RowSubset(outside), nullptr), ErrorCode::InvalidArgument);
}

void test_weighted_sum(const Fixture& f) {
  const Integers weights = matrix(2001, -1000);
  Integers expected(kColumns), starts{0}, rows, values;
  for (std::size_t c = 0; c < kColumns; ++c) {
    for (std::size_t i = 0; i < kRows; ++i) {
      expected[c] += weights[i * kColumns + c] * f.plain[i];
      rows.push_back(static_cast<std::int64_t>(i));
      values.push_back(weights[i * kColumns + c]);
    }
    starts.push_back(static_cast<std::int64_t>(values.size()));
  }
  CHECK(f.decrypt(weighted_sum(f.ct, row_major(weights, kColumns), std::nullopt)) == expected);
  CHECK(f.decrypt(weighted_sum(f.ct, SparseView{kRows, starts, rows, values}, std::nullopt)) == expected);
  rows[3] = kRows;
  CHECK_THROWS(weighted_sum(f.ct, SparseView{kRows, starts, rows, values}, std::nullopt),
               ErrorCode::InvalidArgument);
}

void test_packed_products(const Fixture& f) {
  // One slot per ciphertext shows the products themselves.
  const Integers weights = matrix(2001, -1000);
  const MatrixView<std::int64_t> view = row_major(weights, kRows);
  Integers expected(kColumns);
  for (std::size_t i = 0; i < kColumns; ++i) {
    for (std::size_t j = 0; j < kRows; ++j) expected[i] += weights[i * kRows + j] * f.plain[j];
  }
  CHECK(f.decrypt(packed_products(f.ct, view, 2046)) == expected);
  // Two slots, with positive products so that no offset is needed to read them.
  const Integers positive(kRows, 9);
  const CiphertextArray nines = paillier::encrypt(*f.key, std::span<const std::int64_t>(positive));
  const Integers counts = matrix(50, 0);
  std::vector<std::uint64_t> sums(kColumns + 1);  // the last plaintext has one empty slot
  for (std::size_t i = 0; i < kRows * kColumns; ++i)
    sums[i / kRows] += 9 * static_cast<std::uint64_t>(counts[i]);
  const CiphertextArray packed = packed_products(nines, row_major(counts, kRows), 1023);
  CHECK(paillier::to_words(*f.key->public_key(), f.key->decrypt(packed), 1023, 2, 0) == sums);
  const Integers extreme(kRows, std::numeric_limits<std::int64_t>::min());
  CHECK_THROWS(packed_products(f.ct, row_major(extreme, kRows), 64), ErrorCode::PlaintextOverflow);
  CHECK_THROWS(packed_products(f.ct, row_major(extreme, 1), 64), ErrorCode::InvalidArgument);
}

void test_compress(const Fixture& f) {
  const Integers plain{3, 4, 5, 6, 7};
  const CiphertextArray ct = paillier::encrypt(*f.key, std::span<const std::int64_t>(plain));
  const CiphertextArray folded = compress(ct, 682);  // three to a plaintext
  CHECK(folded.size() == 2);
  const auto words = paillier::to_words(*f.key->public_key(), f.key->decrypt(folded), 682, 3, 0);
  CHECK((words == std::vector<std::uint64_t>{3, 4, 5, 6, 7, 0}));
}

}  // namespace

int main() {
  const Fixture fixture;
  for (const int threads : {1, 2}) {
    set_thread_count(threads);
    test_bucket_sum(fixture);
    test_weighted_sum(fixture);
    test_packed_products(fixture);
    test_compress(fixture);
  }
  return check::finish("aggregate_sums");
}
