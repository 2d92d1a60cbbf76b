#include <algorithm>

#include "growing_table.hpp"
#include "interned.hpp"
#include "isthmus/bigint/prime.hpp"
#include "isthmus/core/error.hpp"
#include "isthmus/hash/sha2.hpp"
#include "isthmus/paillier/keys.hpp"
#include "key_format.hpp"
#include "random_exponents.hpp"

namespace isthmus::paillier {
namespace {

Fingerprint digest_of(const Natural& n, const std::optional<RandomizerBase>& base) {
  const std::size_t n_bytes = (n.bit_length() + 7) / 8;
  std::vector<std::uint8_t> bytes(n_bytes * (base ? 3 : 1));
  n.to_bytes(MutableByteSpan(bytes).first(n_bytes));
  if (base) base->hs.to_bytes(MutableByteSpan(bytes).subspan(n_bytes));
  if (base && base->kind == KeyKind::fast) {
    bytes.push_back(static_cast<std::uint8_t>(base->exponent_bits >> 8));
    bytes.push_back(static_cast<std::uint8_t>(base->exponent_bits));
  }
  return sha256(bytes);
}

[[noreturn]] void reject(const char* rule) { throw Error(ErrorCode::KeyRejected, rule); }

void validate(const Natural& n, const std::optional<RandomizerBase>& base) {
  if (n.bit_length() < kMinKeyBits) reject("n is shorter than 2048 bits");
  if (n.bit_length() > kMaxKeyBits) reject("n is longer than 4096 bits");
  if (!n.is_odd()) reject("n is even");
  if (bigint::has_small_factor(n)) reject("n has a prime factor below 2^20");
  const Natural root = bigint::square_root_vartime(n);
  if (root * root == n) reject("n is a perfect square");
  if (bigint::is_probable_prime(n, bigint::kAdversarialRounds)) reject("n is prime");
  if (!base) return;
  if (base->hs <= Natural(1) || base->hs >= n * n) reject("hs lies outside 1 < hs < n^2");
  if (bigint::gcd_odd(base->hs, n) != Natural(1)) reject("hs shares a factor with n");
  if (base->kind != KeyKind::fast) return;
  if (base->exponent_bits < fast_exponent_bits(n.bit_length()))
    reject("the exponents of a fast key are too short");
  if (base->exponent_bits > n.bit_length() / 2)
    reject("the exponents of a fast key are longer than half of n");
}

}  // namespace

struct PublicKey::Powers {
  Powers(const bigint::SquareModulus& modulus, const RandomizerBase& base)
      : table(modulus, base.hs, base.exponent_bits, 1) {}
  GrowingTable<bigint::FixedBaseTable> table;
};

PublicKey::PublicKey(const Natural& n, const std::optional<RandomizerBase>& base)
    : n_(n), base_(base), key_bits_(n.bit_length()), n_squared_(n), fingerprint_(digest_of(n, base)) {
  if (base) powers_ = std::make_unique<Powers>(n_squared_, *base);
}

PublicKey::~PublicKey() = default;

PublicKeyPtr PublicKey::create(const Natural& n, const std::optional<RandomizerBase>& base) {
  return interned<PublicKey>().find_or_make(digest_of(n, base),
                                            [&] { return std::make_shared<const PublicKey>(n, base); });
}

PublicKeyPtr PublicKey::from_bytes(ByteSpan bytes) {
  KeyReader reader(bytes, kPublicKeyMagic);
  const Natural n = reader.number(reader.n_bytes());
  const std::optional<RandomizerBase> base = reader.base();
  reader.finish();
  if (n.bit_length() != reader.key_bits())
    throw Error(ErrorCode::Decode, "n has another length than announced");
  validate(n, base);
  return create(n, base);
}

std::vector<std::uint8_t> PublicKey::to_bytes() const {
  KeyWriter writer(kPublicKeyMagic, kind(), key_bits_);
  writer.number(n_, n_bytes());
  writer.base(*this);
  const auto& bytes = writer.bytes();
  return {bytes.begin(), bytes.end()};
}

void PublicKey::prepare(std::size_t count) const {
  if (powers_) powers_->table.announce(count);
}

void PublicKey::random_residues(Limb* out, std::size_t count) const {
  if (powers_) {
    const SecretVector<Limb> exponents = random_exponents(base_->exponent_bits, count);
    powers_->table.table_for(count)->pow_vartime(out, exponents.data(), count);
    return;
  }
  SecretVector<Limb> units(count * n_.limbs().size());
  for (std::size_t i = 0; i < count; ++i) {
    const Natural unit = Natural::random_below(n_ - Natural(1)) + Natural(1);
    unit.copy_to(bigint::MutableLimbSpan(units).subspan(i * n_.limbs().size(), n_.limbs().size()));
  }
  n_squared_.import_rows(out, units, count);
  n_squared_.pow(out, out, count, n_.limbs(), key_bits_);
}

}  // namespace isthmus::paillier
