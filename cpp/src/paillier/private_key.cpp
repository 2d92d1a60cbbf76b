#include "isthmus/paillier/private_key.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "block_decryptor.hpp"
#include "blocks.hpp"
#include "interned.hpp"
#include "isthmus/core/error.hpp"
#include "isthmus/core/parallel.hpp"
#include "isthmus/paillier/encrypt.hpp"
#include "key_format.hpp"
#include "key_generation.hpp"
#include "owner_residues.hpp"
#include "private_key_parts.hpp"

namespace isthmus::paillier {
namespace {

// hs^order = 1 mod p^2: hs is an n-th residue there and, under a fast key, in the subgroup.
bool is_residue(const PrimeHalf& half, const Natural& hs) {
  AlignedLimbs x(half.square.stride()), one(half.square.stride());
  half.square.import_value(x.data(), hs);
  half.square.pow(x.data(), x.data(), 1, half.exponent, half.exponent_bits);
  half.square.set_one(one.data());
  return half.square.equal(x.data(), one.data());
}

void self_test(const PrivateKey& key, const PrivateKeyParts& parts) {
  const auto& base = parts.public_key->base();
  bool good = !base || (is_residue(parts.p, base->hs) && is_residue(parts.q, base->hs));
  const std::array<std::int64_t, 2> values = {-1, 0x0123456789abcdef};
  const CiphertextArray encrypted = encrypt(key, IntegerBatch(std::span<const std::int64_t>(values)));
  const auto decrypted = to_int64(*parts.public_key, key.decrypt(encrypted));
  good = good && decrypted && std::equal(values.begin(), values.end(), decrypted->begin());
  if (!good) throw Error(ErrorCode::KeyCorrupt, "the private key fails its self-test");
}

[[noreturn]] void reject(const char* rule) { throw Error(ErrorCode::KeyRejected, rule); }

// A key of these parts, or of equal ones that are alive.
std::shared_ptr<const PrivateKey> share(const std::shared_ptr<const PrivateKeyParts>& parts) {
  return std::make_shared<const PrivateKey>(
      interned<PrivateKeyParts>().find_or_make(parts->public_key->fingerprint(), [&] { return parts; }));
}

std::shared_ptr<const PrivateKey> make_key(const KeySecrets& secrets) {
  return share(std::make_shared<const PrivateKeyParts>(secrets));
}

// Bytes of p' and of q'.
std::size_t order_bytes(std::size_t exponent_bits) { return (exponent_bits / 2 + 7) / 8; }

std::shared_ptr<const PrivateKey> parse(ByteSpan bytes) {
  KeyReader reader(bytes, kPrivateKeyMagic);
  require_key_size(reader.key_bits());
  KeySecrets secrets{reader.number(reader.n_bytes()), reader.number(reader.n_bytes()), reader.base(), {}};
  const auto& [p, q, base, orders] = secrets;
  if (reader.kind() == KeyKind::fast) {
    if (base->exponent_bits < fast_exponent_bits(reader.key_bits()) ||
        base->exponent_bits > reader.key_bits() / 2)
      reject("the exponents of a fast key have a length that no peer accepts");
    const std::size_t width = order_bytes(base->exponent_bits);
    secrets.orders = SubgroupOrders{reader.number(width), reader.number(width)};
  }
  reader.finish();
  if ((p * q).bit_length() != reader.key_bits()) reject("p*q has another length than announced");
  validate_primes(p, q);
  if (base && (base->hs <= Natural(1) || base->hs >= p * p * q * q)) reject("hs lies outside 1 < hs < n^2");
  if (orders) validate_orders(secrets);
  const auto parts = std::make_shared<const PrivateKeyParts>(secrets);
  self_test(PrivateKey(parts), *parts);
  return share(parts);
}

}  // namespace

PrivateKey::PrivateKey(std::shared_ptr<const PrivateKeyParts> parts) : parts_(std::move(parts)) {}
PrivateKey::~PrivateKey() = default;

std::shared_ptr<const PrivateKey> PrivateKey::generate(std::size_t key_bits, bool fast) {
  require_key_size(key_bits);
  if (key_bits % 64 != 0) reject("the key size must be a multiple of 64 bits");
  return make_key(fast ? generate_fast(key_bits) : generate_djn(key_bits));
}

std::shared_ptr<const PrivateKey> PrivateKey::from_primes(const Natural& p, const Natural& q) {
  validate_primes(p, q);
  return make_key({p, q, std::nullopt, std::nullopt});
}

std::shared_ptr<const PrivateKey> PrivateKey::deserialize(ByteSpan bytes) {
  try {
    return parse(bytes);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::Rng || error.code() == ErrorCode::KeyCorrupt) throw;
    throw Error(ErrorCode::KeyCorrupt, std::string("the private key is damaged: ") + error.what());
  }
}

SecretVector<std::uint8_t> PrivateKey::serialize() const {
  const PublicKey& key = *parts_->public_key;
  KeyWriter writer(kPrivateKeyMagic, key.kind(), key.key_bits());
  for (const PrimeHalf* half : {&parts_->p, &parts_->q}) writer.number(half->prime, key.n_bytes());
  writer.base(key);
  if (key.kind() == KeyKind::fast) {
    const std::size_t width = order_bytes(key.base()->exponent_bits);
    for (const PrimeHalf* half : {&parts_->p, &parts_->q}) writer.number(Natural(half->exponent) >> 1, width);
  }
  return writer.bytes();
}

SecretVector<std::uint8_t> PrivateKey::decrypt(const CiphertextArray& ciphertexts) const {
  ciphertexts.require_key(*parts_->public_key);
  const std::size_t n_bytes = parts_->public_key->n_bytes();
  SecretVector<std::uint8_t> out(ciphertexts.size() * n_bytes);  // zeroised should a check throw
  if (ciphertexts.size() == 0) return out;
  const std::size_t size = block_size(ciphertexts.size(), BlockDecryptor::kBlock);
  const BlindingBases blinding(*parts_, (ciphertexts.size() + size - 1) / size);
  parallel_for((ciphertexts.size() + size - 1) / size, [&](std::size_t block) {
    const std::size_t first = block * size, count = std::min(size, ciphertexts.size() - first);
    const MutableByteSpan rows = MutableByteSpan(out).subspan(first * n_bytes, count * n_bytes);
    const std::vector<Limb> valid =
        BlockDecryptor(*parts_).run(ciphertexts, first, count, blinding.base(block), rows);
    const auto failed = std::find(valid.begin(), valid.end(), Limb{0});
    if (failed != valid.end()) {
      throw Error(ErrorCode::FaultDetected, "a decryption failed its check; its output was destroyed",
                  first + static_cast<std::size_t>(failed - valid.begin()));
    }
  });
  return out;
}

PublicKeyPtr PrivateKey::public_key() const { return parts_->public_key; }

void PrivateKey::prepare(std::size_t count) const {
  if (!parts_->tables) return;
  parts_->tables->p.announce(count);
  parts_->tables->q.announce(count);
}

void PrivateKey::random_residues(Limb* out, std::size_t count) const {
  const Limb valid = OwnerResidues(*parts_).draw(out, count);
  if (valid != 0) return;
  zeroise(out, count * parts_->public_key->n_squared().stride() * sizeof(Limb));
  throw Error(ErrorCode::FaultDetected, "the randomness of a ciphertext failed its check and was destroyed");
}

}  // namespace isthmus::paillier
