#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "check.hpp"
#include "isthmus/core/error.hpp"
#include "isthmus/core/parallel.hpp"
#include "isthmus/paillier/encrypt.hpp"
#include "isthmus/paillier/ops.hpp"
#include "isthmus/paillier/private_key.hpp"

using namespace isthmus;
using namespace isthmus::paillier;

namespace {

using Integers = std::vector<std::int64_t>;

std::span<const std::int64_t> batch(const Integers& values) { return values; }

Integers open(const PrivateKey& key, const CiphertextArray& ct) {
  const auto values = to_int64(*key.public_key(), key.decrypt(ct));
  return values ? *values : Integers{};
}

void test_round_trips(const PrivateKey& key) {
  const PublicKeyPtr public_key = key.public_key();
  const Integers values = {0, 1, -1, std::numeric_limits<std::int64_t>::min(), 42};
  const CiphertextArray a = encrypt(key, batch(values));
  CHECK(open(key, a) == values);
  const CiphertextArray parsed = CiphertextArray::from_bytes(public_key, a.to_bytes(), a.size());
  CHECK(parsed.to_bytes() == a.to_bytes());
  CHECK(open(key, rerandomize(key, parsed)) == values);
  CHECK(PublicKey::from_bytes(public_key->to_bytes())->fingerprint() == public_key->fingerprint());
  CHECK(open(*PrivateKey::deserialize(key.serialize()), a) == values);

  const CiphertextArray small = encrypt(key, batch({10, -20, 30}));
  const Integers k = {-3, 0, 7};
  CHECK(open(key, mul_plain(small, batch(k))) == (Integers{-30, 0, 210}));
  CHECK(open(key, add_plain(small, batch(k))) == (Integers{7, -20, 37}));
  CHECK(open(key, add(small, small)) == (Integers{20, -40, 60}));
  CHECK(open(key, subtract(small, add_plain(small, batch(k)))) == (Integers{3, 0, -7}));
  CHECK(open(key, sum(small, 1, 3, 1)) == Integers{20});
  const Integers index = {2, 0};
  const CiphertextArray picked = gather(small, index);
  const std::array<const CiphertextArray*, 2> parts = {&picked, &small};
  CHECK(open(key, concatenate(parts)) == (Integers{30, 10, 10, -20, 30}));
}

// Equal keys are one object while any of them is alive.
void test_sharing(const PrivateKey& key) {
  const PublicKeyPtr public_key = key.public_key();
  CHECK(PublicKey::from_bytes(public_key->to_bytes()) == public_key);
  CHECK(PrivateKey::deserialize(key.serialize())->public_key() == public_key);
  PublicKeyPtr other = PrivateKey::generate(2048, true)->public_key();
  const std::vector<std::uint8_t> bytes = other->to_bytes();
  const std::weak_ptr<const PublicKey> watched = other;
  CHECK(PublicKey::from_bytes(bytes) == other);
  other.reset();
  CHECK(watched.expired());
  CHECK(PublicKey::from_bytes(bytes)->to_bytes() == bytes);
}

void test_packing(const PrivateKey& key) {
  const std::vector<std::uint64_t> words = {1, 2, 3, (1 << 20) - 1, 0, 7};
  const CiphertextArray ct = encrypt(key, PackedBatch{words, 3, 20});
  const auto plaintexts = key.decrypt(ct);
  CHECK(to_words(*key.public_key(), plaintexts, 20, 3, 0) == words);
  require_at_most_bits(*key.public_key(), plaintexts, 60);
  CHECK_THROWS(require_at_most_bits(*key.public_key(), plaintexts, 42), ErrorCode::PlaintextOverflow);
  const std::vector<std::uint64_t> wide = {1, 1 << 20, 0};
  CHECK_THROWS(encrypt(key, PackedBatch{wide, 3, 20}), ErrorCode::PlaintextOverflow);
  CHECK_THROWS(to_words(*key.public_key(), plaintexts, 64, 33, 0), ErrorCode::InvalidArgument);
}

void test_refusals(const PrivateKey& key) {
  const PublicKeyPtr public_key = key.public_key();
  const std::size_t width = public_key->ciphertext_bytes();
  PlainVector<std::uint8_t> bytes = encrypt(key, batch({1, 2})).to_bytes();
  CHECK_THROWS(CiphertextArray::from_bytes(public_key, ByteSpan(bytes).first(width), 2), ErrorCode::Decode);
  std::fill(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(width), std::uint8_t{0});
  CHECK_THROWS(CiphertextArray::from_bytes(public_key, bytes, 2), ErrorCode::CiphertextRange);
  public_key->n().to_bytes(MutableByteSpan(bytes).first(width));
  CHECK_THROWS(CiphertextArray::from_bytes(public_key, bytes, 2), ErrorCode::CiphertextNotUnit);
  CHECK_THROWS(PrivateKey::generate(1024), ErrorCode::KeyRejected);
  CHECK_THROWS(PrivateKey::from_primes(public_key->n(), Natural(3)), ErrorCode::KeyRejected);
  CHECK_THROWS(PrivateKey::deserialize(ByteSpan(bytes)), ErrorCode::KeyCorrupt);
  const Integers one_index = {5};
  CHECK_THROWS(gather(encrypt(key, batch({1})), one_index), ErrorCode::InvalidArgument);
}

}  // namespace

int main() {
  set_thread_count(2);
  const auto key = PrivateKey::generate(2048);
  test_round_trips(*key);
  test_packing(*key);
  test_sharing(*key);
  test_refusals(*key);
  const auto other = PrivateKey::generate(2048);
  const CiphertextArray foreign = encrypt(*other->public_key(), batch({1}));
  CHECK_THROWS(key->decrypt(foreign), ErrorCode::KeyMismatch);
  CHECK_THROWS(add(foreign, encrypt(*key, batch({1}))), ErrorCode::KeyMismatch);
  return check::finish("paillier");
}
