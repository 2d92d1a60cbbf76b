#include "isthmus/psi/seed.hpp"

#include <string>

#include "isthmus/core/error.hpp"
#include "isthmus/core/random.hpp"
#include "isthmus/hash/expand_message.hpp"

namespace isthmus {
namespace {

constexpr std::string_view kDstPrefix = "isthmus-psi-seed-v1-";

}  // namespace

SecretSeed::SecretSeed() : bytes_(kBytes) { random_bytes(bytes_); }

SecretSeed::SecretSeed(ByteSpan bytes) : bytes_(bytes.begin(), bytes.end()) {
  require(bytes.size() == kBytes, "a seed has 32 bytes");
}

Scalar SecretSeed::scalar(const Group& group) const {
  SecretVector<std::uint8_t> uniform(2 * group.scalar_bytes());
  expand("scalar-" + std::string(group.name()), uniform);
  return group.scalar_from_uniform(uniform);
}

SipKey SecretSeed::sip_key(std::string_view label) const {
  std::array<std::uint8_t, 16> bytes;
  const ZeroiseGuard<decltype(bytes)> wipe(bytes);
  expand(label, bytes);
  return {load_le64(bytes.data()), load_le64(bytes.data() + 8)};
}

void SecretSeed::expand(std::string_view label, MutableByteSpan out) const {
  const std::string dst = std::string(kDstPrefix) + std::string(label);
  const XmdExpander<Sha512> expander({reinterpret_cast<const std::uint8_t*>(dst.data()), dst.size()});
  expander.expand(bytes_, out);
}

}  // namespace isthmus
