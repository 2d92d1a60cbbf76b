// Runs Paillier's private operations on secrets that valgrind's memcheck believes to be uninitialised, so
// that every branch and every address that depends on one is reported. Arguments: a mode, p and q, and for a
// fast key p', q' and hs. "decrypt", "power", "masked-lookup", "encrypt" and "draw" must be clean;
// "leaky-window" and "leaky-lookup" use the functions for public exponents on a secret one, "leaky-draw"
// rejects instead of multiplying, and these must be reported, which proves that the check can see.

#include <valgrind/memcheck.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "../../cpp/src/bigint/backend/kernels.hpp"
#include "../../cpp/src/paillier/block_decryptor.hpp"
#include "../../cpp/src/paillier/random_exponents.hpp"
#include "isthmus/core/random.hpp"
#include "isthmus/paillier/encrypt.hpp"

using namespace isthmus;
using namespace isthmus::paillier;

namespace {

// The primes of TEST = 1 in tests/vectors/paillier/milagro_keygen.txt come in as arguments: making keys under
// valgrind would take long.
Natural parse(const char* hex) {
  std::vector<std::uint8_t> bytes;
  for (; hex[0] != 0 && hex[1] != 0; hex += 2) {
    bytes.push_back(static_cast<std::uint8_t>(std::stoul(std::string(hex, 2), nullptr, 16)));
  }
  return Natural::from_bytes(bytes);
}

template <class T>
void poison(std::span<const T> secret) {
  VALGRIND_MAKE_MEM_UNDEFINED(secret.data(), secret.size_bytes());
}
template <class Vector>
void poison(const Vector& secret) {
  poison(std::span<const typename Vector::value_type>(secret));
}
void poison(const bigint::SquareModulus& modulus) {
  const bigint::DigitContext& digits = modulus.root().digits();
  poison(digits.m);
  poison(digits.constants);
  VALGRIND_MAKE_MEM_UNDEFINED(&digits.neg_inverse, sizeof digits.neg_inverse);
  poison(modulus.root().value().limbs());
  poison(modulus.value().limbs());
}
void poison(const PrimeHalf& half) {
  poison(half.prime.limbs());
  poison(half.exponent);
  VALGRIND_MAKE_MEM_UNDEFINED(&half.guard_exponent, sizeof half.guard_exponent);
  poison(half.square);
  poison(half.guarded);
  poison(half.log_of_one_plus_n);
  poison(half.plaintext_factor);
}
template <class Vector>
void reveal(Vector& result) {
  VALGRIND_MAKE_MEM_DEFINED(result.data(), result.size() * sizeof result[0]);
}

// Blinding factors are secret, too.
bool poisoned_entropy(MutableByteSpan out) {
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(i * 37 + 11);
  VALGRIND_MAKE_MEM_UNDEFINED(out.data(), out.size());
  return true;
}

std::vector<std::uint8_t> decrypt(const PrivateKeyParts& parts) {
  const std::vector<std::int64_t> values = {-5, 7};
  const CiphertextArray ciphertexts = encrypt(*parts.public_key, std::span<const std::int64_t>(values));
  poison(parts.p);
  poison(parts.q);
  poison(parts.p_inverse);
  set_entropy_source_for_testing(poisoned_entropy);
  std::vector<std::uint8_t> out(2 * parts.public_key->n_bytes());
  const BlindingBases blinding(parts, 1);
  std::vector<Limb> valid = BlockDecryptor(parts).run(ciphertexts, 0, 2, blinding.base(0), out);
  reveal(valid);
  reveal(out);
  if (valid[0] == 0 || valid[1] == 0) out.clear();
  return out;
}

// base^exponent mod n^2 for a poisoned exponent, in the way that `mode` names.
std::vector<std::uint8_t> power(const PrivateKeyParts& parts, const std::string& mode) {
  const bigint::SquareModulus& modulus = parts.public_key->n_squared();
  AlignedLimbs base(modulus.stride()), out(modulus.stride());
  modulus.import_value(base.data(), Natural(65537));
  SecretVector<Limb> exponent = {0x0123456789abcdef, 0x7edcba9876543210};
  poison(exponent);
  if (mode == "power") modulus.pow(out.data(), base.data(), 1, exponent, 128);
  if (mode == "leaky-window") modulus.pow_vartime(out.data(), base.data(), exponent);
  if (mode == "masked-lookup") {
    const bigint::MaskedBaseTable table(modulus, base.data(), 128, bigint::WindowPlan{4, 32, 2});
    table.pow(out.data(), exponent.data(), 1);
  }
  if (mode == "leaky-lookup") {
    const bigint::FixedBaseTable table(modulus, base.data(), 128, bigint::WindowPlan{4, 32, 1});
    table.pow_vartime(out.data(), exponent.data(), 1);
  }
  reveal(out);
  std::vector<std::uint8_t> bytes(modulus.residue_bytes());
  modulus.export_value(out.data()).to_bytes(bytes);
  return bytes;
}

// Secret plaintexts; the randomness of a public encryption is looked up in tables, so it is not poisoned
// here.
std::vector<std::uint8_t> encrypt_secret(const PrivateKeyParts& parts) {
  std::vector<std::int64_t> values = {-1, 1234567890123};
  poison(values);
  CiphertextArray out = encrypt(*parts.public_key, std::span<const std::int64_t>(values));
  VALGRIND_MAKE_MEM_DEFINED(out.at(0), out.size() * out.stride() * sizeof(Limb));
  const auto bytes = out.to_bytes();
  return {bytes.begin(), bytes.end()};
}

// The owner's exponents under a fast key, whose orders are secret; the leaky twin draws again while the
// number is not below the order.
std::vector<std::uint8_t> draw(const PrivateKeyParts& parts, const std::string& mode) {
  poison(parts.p.exponent);
  poison(parts.q.exponent);
  SecretVector<Limb> exponents;
  if (mode == "draw") exponents = parts.owner_exponents(2).q;
  if (mode == "leaky-draw") {
    do exponents = random_exponents(parts.q.exponent_bits, 1);
    while (exponents.back() > parts.q.exponent.back());
  }
  reveal(exponents);
  std::vector<std::uint8_t> bytes(8 * exponents.size());
  bigint::limbs_to_bytes(bytes, exponents);
  return bytes;
}

KeySecrets secrets_of(int argc, char** argv) {
  KeySecrets secrets{parse(argv[2]), parse(argv[3]), std::nullopt, std::nullopt};
  if (argc == 4) return secrets;
  secrets.orders = SubgroupOrders{parse(argv[4]), parse(argv[5])};
  secrets.base = RandomizerBase{KeyKind::fast, parse(argv[6]), 2 * secrets.orders->p.bit_length()};
  return secrets;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4 && argc != 7) return 2;
  const std::string mode = argv[1];
  const PrivateKeyParts parts(secrets_of(argc, argv));
  const std::vector<std::uint8_t> out = mode == "decrypt"                        ? decrypt(parts)
                                        : mode == "encrypt"                      ? encrypt_secret(parts)
                                        : mode == "draw" || mode == "leaky-draw" ? draw(parts, mode)
                                                                                 : power(parts, mode);
  for (const std::uint8_t byte : out) std::printf("%02x", byte);
  return out.empty() ? 2 : 0;
}
