#include "isthmus/oprf/oprf.hpp"

#include <algorithm>
#include <array>

#include "isthmus/core/error.hpp"
#include "isthmus/core/parallel.hpp"

namespace isthmus::oprf {
namespace {

// One row per ciphersuite (RFC 9497, section 4).
struct SuiteRow {
  std::string_view identifier;
  std::string_view group;
};
constexpr SuiteRow kSuites[] = {
    {"ristretto255-SHA512", "ristretto255"},
    {"P256-SHA256", "P-256"},
};

constexpr std::size_t kSeedBytes = 32;

const Group& group_of(std::string_view identifier) {
  std::string known;
  for (const SuiteRow& row : kSuites) {
    if (row.identifier == identifier) return find_group(row.group);
    known += (known.empty() ? "" : ", ") + std::string(row.identifier);
  }
  throw Error(ErrorCode::InvalidArgument,
              "unknown OPRF suite '" + std::string(identifier) + "'; there is: " + known);
}

// Section 3.1.
std::string context_of(std::string_view identifier, Mode mode) {
  std::string context = "OPRFV1-";
  context.push_back(static_cast<char>(mode));
  return context + "-" + std::string(identifier);
}

ByteSpan view(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::array<std::uint8_t, 2> two_bytes(std::size_t value) {
  return {static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
}

// A batch in which an input that is too long is refused.
class BoundedInputs final : public MessageBatch {
 public:
  explicit BoundedInputs(const MessageBatch& inputs) : inputs_(inputs) {}
  std::size_t size() const noexcept override { return inputs_.size(); }
  ByteSpan message(std::size_t i, SecretVector<std::uint8_t>& scratch) const override {
    const ByteSpan input = inputs_.message(i, scratch);
    if (input.size() > kMaxInputBytes) {
      throw Error(ErrorCode::InvalidArgument, "an input is longer than 65535 bytes", i);
    }
    return input;
  }

 private:
  const MessageBatch& inputs_;
};

// hash_to_curve() writes the identity as zeros, which no group has as the encoding of another element.
void refuse_identity(ByteSpan elements, std::size_t width) {
  for (std::size_t row = 0; row * width < elements.size(); ++row) {
    std::uint8_t any = 0;
    for (const std::uint8_t byte : elements.subspan(row * width, width)) any |= byte;
    if (any == 0) throw Error(ErrorCode::PointInvalid, "an input hashes to the identity", row);
  }
}

}  // namespace

Oprf::Oprf(std::string_view identifier, Mode mode)
    : identifier_(identifier),
      mode_(mode),
      context_(context_of(identifier, mode)),
      group_dst_("HashToGroup-" + context_),
      proof_(group_of(identifier), context_) {}

ByteSpan Oprf::group_dst() const noexcept { return view(group_dst_); }

Scalar Oprf::derive_key(ByteSpan seed, ByteSpan info) const {
  require(seed.size() == kSeedBytes, "a seed has 32 bytes");
  const std::string dst = "DeriveKeyPair" + context_;
  SecretVector<std::uint8_t> key(group().scalar_bytes());
  for (unsigned counter = 0; counter < 256; ++counter) {
    const auto last = static_cast<std::uint8_t>(counter);
    Transcript transcript;
    transcript.raw(seed).prefixed(info).raw(ByteSpan(&last, 1));
    const ByteSpan message = transcript.bytes();
    proof_.hash().to_scalars({&message, 1}, view(dst), key);
    if (std::any_of(key.begin(), key.end(), [](std::uint8_t byte) { return byte != 0; })) break;
  }
  return group().scalar(key);  // which refuses zero
}

void Oprf::blind(const MessageBatch& inputs, const Scalars& blinds, MutableByteSpan out) const {
  hash_to_curve_mult_each(suite_of_group(group().name()), BoundedInputs(inputs), group_dst(), blinds, out);
  refuse_identity(out, group().element_bytes());
}

void Oprf::finalize(const MessageBatch& inputs, const Scalars& blinds, ByteSpan evaluated,
                    MutableByteSpan out) const {
  require(blinds.size() == inputs.size(), "there must be as many blinds as inputs");
  require(evaluated.size() == inputs.size() * group().element_bytes(),
          "there must be as many evaluated elements as inputs");
  SecretVector<std::uint8_t> unblinded(evaluated.size());
  group().mult_each(blinds.inverses(), evaluated, unblinded);
  hash_outputs(inputs, unblinded, out);
}

void Oprf::evaluate_directly(const MessageBatch& inputs, const Scalar& key, MutableByteSpan out) const {
  SecretVector<std::uint8_t> elements(inputs.size() * group().element_bytes());
  hash_to_curve_mult(suite_of_group(group().name()), BoundedInputs(inputs), group_dst(), key, elements);
  refuse_identity(elements, group().element_bytes());
  hash_outputs(inputs, elements, out);
}

void Oprf::hash_outputs(const MessageBatch& inputs, ByteSpan elements, MutableByteSpan out) const {
  constexpr std::size_t kGrain = 64;
  const std::size_t width = group().element_bytes();
  const std::size_t n = inputs.size();
  require(out.size() == n * output_bytes(), "out must hold one output per input");
  const BoundedInputs bounded(inputs);
  const auto element_length = two_bytes(width);
  parallel_for((n + kGrain - 1) / kGrain, [&](std::size_t block) {
    SecretVector<std::uint8_t> scratch;
    for (std::size_t i = block * kGrain; i < std::min(n, (block + 1) * kGrain); ++i) {
      const ByteSpan input = bounded.message(i, scratch);
      const auto input_length = two_bytes(input.size());
      proof_.hash().digest(
          {input_length, input, element_length, elements.subspan(i * width, width), view("Finalize")},
          out.data() + i * output_bytes());
    }
  });
}

std::vector<std::string_view> suite_identifiers() {
  std::vector<std::string_view> identifiers;
  for (const SuiteRow& row : kSuites) identifiers.push_back(row.identifier);
  return identifiers;
}

}  // namespace isthmus::oprf
