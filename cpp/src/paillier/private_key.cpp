#include "isthmus/paillier/private_key.hpp"

#include <algorithm>
#include <array>

#include "block_decryptor.hpp"
#include "isthmus/bigint/prime.hpp"
#include "isthmus/core/error.hpp"
#include "isthmus/core/parallel.hpp"
#include "isthmus/paillier/encrypt.hpp"
#include "key_format.hpp"
#include "private_key_parts.hpp"
#include "random_exponents.hpp"

namespace isthmus::paillier {
namespace {

using bigint::SquareModulus;

[[noreturn]] void reject(const char* rule) { throw Error(ErrorCode::KeyRejected, rule); }

void require_key_size(std::size_t key_bits) {
  if (key_bits < kMinKeyBits) reject("n is shorter than 2048 bits");
  if (key_bits > kMaxKeyBits) reject("n is longer than 4096 bits");
}

// |p - q| > 2^(bits - 100), against Fermat's factorisation (FIPS 186-5, appendix A.1.3).
bool far_apart(const Natural& p, const Natural& q) {
  const Natural distance = p > q ? p - q : q - p;
  return distance.bit_length() > p.bit_length() - 100;
}

// (-x^2)^n mod n^2 for a random x.
Natural make_hs(const Natural& n) {
  const SquareModulus modulus(n);
  AlignedLimbs x(modulus.stride()), minus_one(modulus.stride());
  modulus.import_value(x.data(), Natural::random_below(n - Natural(1)) + Natural(1));
  modulus.import_value(minus_one.data(), modulus.value() - Natural(1));
  modulus.sqr(x.data(), x.data());
  modulus.mul(x.data(), x.data(), minus_one.data());
  modulus.pow_vartime(x.data(), x.data(), n.limbs());
  return modulus.export_value(x.data());
}

// Rules for primes that this library did not generate.
void validate_primes(const Natural& p, const Natural& q) {
  require_key_size((p * q).bit_length());
  const auto [shorter, longer] = std::minmax({p.bit_length(), q.bit_length()});
  if (longer - shorter > PrivateKey::kMaxPrimeImbalance) reject("p and q differ too much in length");
  if (p == q) reject("p equals q");
  if (!far_apart(p, q)) reject("p and q are too close to each other");
  for (const Natural* prime : {&p, &q}) {
    if (!bigint::is_probable_prime(*prime, bigint::kAdversarialRounds)) reject("p or q is not prime");
  }
  const Natural phi = (p - Natural(1)) * (q - Natural(1));
  if (bigint::gcd_odd(phi, p * q) != Natural(1)) reject("n shares a factor with (p-1)(q-1)");
}

// hs^(p-1) = 1 mod p^2: hs is an n-th residue there.
bool is_residue(const PrimeHalf& half, const Natural& hs) {
  AlignedLimbs x(half.square.stride()), one(half.square.stride());
  half.square.import_value(x.data(), hs);
  half.square.pow(x.data(), x.data(), 1, half.exponent, half.prime_bits);
  half.square.set_one(one.data());
  return half.square.equal(x.data(), one.data());
}

void self_test(const PrivateKey& key, const PrivateKeyParts& parts) {
  const auto& hs = parts.public_key->hs();
  bool good = !hs || (is_residue(parts.p, *hs) && is_residue(parts.q, *hs));
  const std::array<std::int64_t, 2> values = {-1, 0x0123456789abcdef};
  const CiphertextArray encrypted = encrypt(key, IntegerBatch(std::span<const std::int64_t>(values)));
  const auto decrypted = to_int64(*parts.public_key, key.decrypt(encrypted));
  good = good && decrypted && std::equal(values.begin(), values.end(), decrypted->begin());
  if (!good) throw Error(ErrorCode::KeyCorrupt, "the private key fails its self-test");
}

std::shared_ptr<const PrivateKey> parse(ByteSpan bytes) {
  KeyReader reader(bytes, kPrivateKeyMagic);
  require_key_size(reader.key_bits());
  const Natural p = reader.number(reader.n_bytes());
  const Natural q = reader.number(reader.n_bytes());
  std::optional<Natural> hs;
  if (reader.kind() == KeyKind::djn) hs = reader.number(2 * reader.n_bytes());
  reader.finish();
  if ((p * q).bit_length() != reader.key_bits()) reject("p*q has another length than announced");
  validate_primes(p, q);
  if (hs && (*hs <= Natural(1) || *hs >= p * p * q * q)) reject("hs lies outside 1 < hs < n^2");
  auto parts = std::make_unique<const PrivateKeyParts>(p, q, hs);
  const PrivateKeyParts& borrowed = *parts;
  auto key = std::make_shared<const PrivateKey>(std::move(parts));
  self_test(*key, borrowed);
  return key;
}

}  // namespace

PrivateKey::PrivateKey(std::unique_ptr<const PrivateKeyParts> parts) : parts_(std::move(parts)) {}
PrivateKey::~PrivateKey() = default;

std::shared_ptr<const PrivateKey> PrivateKey::generate(std::size_t key_bits) {
  require_key_size(key_bits);
  if (key_bits % 64 != 0) reject("the key size must be a multiple of 64 bits");
  const Natural p = bigint::random_prime_3_mod_4(key_bits / 2, [](const Natural&) { return true; });
  const Natural half_p = p >> 1;  // (p - 1) / 2, odd
  const Natural q = bigint::random_prime_3_mod_4(key_bits / 2, [&](const Natural& candidate) {
    return far_apart(p, candidate) && bigint::gcd_odd(candidate >> 1, half_p) == Natural(1);
  });
  return std::make_shared<const PrivateKey>(std::make_unique<const PrivateKeyParts>(p, q, make_hs(p * q)));
}

std::shared_ptr<const PrivateKey> PrivateKey::from_primes(const Natural& p, const Natural& q) {
  validate_primes(p, q);
  return std::make_shared<const PrivateKey>(std::make_unique<const PrivateKeyParts>(p, q, std::nullopt));
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
  KeyWriter writer(kPrivateKeyMagic, key.hs() ? KeyKind::djn : KeyKind::standard, key.key_bits());
  writer.number(parts_->p.prime, key.n_bytes());
  writer.number(parts_->q.prime, key.n_bytes());
  if (key.hs()) writer.number(*key.hs(), key.ciphertext_bytes());
  return writer.bytes();
}

SecretVector<std::uint8_t> PrivateKey::decrypt(const CiphertextArray& ciphertexts) const {
  ciphertexts.require_key(*parts_->public_key);
  const std::size_t n_bytes = parts_->public_key->n_bytes();
  SecretVector<std::uint8_t> out(ciphertexts.size() * n_bytes);  // zeroised should a check throw
  constexpr std::size_t kBlock = BlockDecryptor::kBlock;
  parallel_for((ciphertexts.size() + kBlock - 1) / kBlock, [&](std::size_t block) {
    const std::size_t first = block * kBlock;
    const std::size_t count = std::min(kBlock, ciphertexts.size() - first);
    const MutableByteSpan rows = MutableByteSpan(out).subspan(first * n_bytes, count * n_bytes);
    const std::vector<Limb> valid = BlockDecryptor(*parts_).run(ciphertexts, first, count, rows);
    const auto failed = std::find(valid.begin(), valid.end(), Limb{0});
    if (failed != valid.end()) {
      throw Error(ErrorCode::FaultDetected, "a decryption failed its check; its output was destroyed",
                  first + static_cast<std::size_t>(failed - valid.begin()));
    }
  });
  return out;
}

PublicKeyPtr PrivateKey::public_key() const { return parts_->public_key; }

void PrivateKey::prepare() const {
  if (parts_->public_key->hs()) parts_->owner_tables();
}

void PrivateKey::random_residues(Limb* out, std::size_t count) const {
  const PrimeHalf &p = parts_->p, &q = parts_->q;
  const SquareModulus& n_squared = parts_->public_key->n_squared();
  AlignedLimbs rho_p(count * p.square.stride()), rho_q(count * q.square.stride());
  draw_residues(rho_p.data(), rho_q.data(), count);
  // rho = rho_p + p^2 * ((rho_q - rho_p) / p^2 mod q^2).
  AlignedLimbs low(p.square.limbs()), difference(q.square.stride()), high(q.square.limbs());
  AlignedLimbs joined(low.size() + high.size());
  for (std::size_t i = 0; i < count; ++i) {
    p.square.export_limbs(low, rho_p.data() + i * p.square.stride());
    q.square.import_limbs(difference.data(), low);
    q.square.sub(difference.data(), rho_q.data() + i * q.square.stride(), difference.data());
    q.square.mul(difference.data(), difference.data(), parts_->p_squared_inverse.data());
    q.square.export_limbs(high, difference.data());
    bigint::multiply_limbs(joined, high, p.square.value().limbs());
    bigint::add_limbs(joined, low);
    n_squared.import_limbs(out + i * n_squared.stride(), joined);
  }
}

void PrivateKey::draw_residues(Limb* rho_p, Limb* rho_q, std::size_t count) const {
  if (parts_->public_key->hs()) {
    const OwnerTables& tables = parts_->owner_tables();
    const SecretVector<Limb> r = random_exponents(tables.p.exponent_bits(), count);
    tables.p.pow_vartime(rho_p, r.data(), count);
    tables.q.pow_vartime(rho_q, r.data(), count);
    return;
  }
  // The n-th residues modulo p^2 are the p-th powers of the units, one for each unit modulo p.
  const auto draw = [count](const PrimeHalf& h, Limb* out) {
    for (std::size_t i = 0; i < count; ++i) {
      const Natural y = Natural::random_below(h.prime - Natural(1)) + Natural(1);
      h.square.import_value(out + i * h.square.stride(), y);
    }
    h.square.pow(out, out, count, h.prime.limbs(), h.prime_bits);
  };
  draw(parts_->p, rho_p);
  draw(parts_->q, rho_q);
}

}  // namespace isthmus::paillier
