#include "isthmus/oprf/equality_proof.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "isthmus/core/error.hpp"
#include "isthmus/core/parallel.hpp"

namespace isthmus::oprf {
namespace {

ByteSpan view(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

EqualityProof::EqualityProof(const Group& group, std::string context)
    : hash_(group), seed_dst_("Seed-" + context), scalar_dst_("HashToScalar-" + std::move(context)) {}

void EqualityProof::require_batch(ByteSpan public_key, ByteSpan points, ByteSpan multiples) const {
  const std::size_t width = group().element_bytes();
  require(public_key.size() == width, "a public key has the wrong length");
  require(points.size() == multiples.size() && points.size() % width == 0,
          "there must be as many multiples as points");
  require(!points.empty() && points.size() / width <= kMaxProofBatch,
          "a proof covers between 1 and 65535 elements");
}

void EqualityProof::check_public_key(ByteSpan public_key) const {
  if (public_key.size() != group().element_bytes()) {
    throw Error(ErrorCode::PointEncoding, "a public key has the wrong length");
  }
  // Any combination decodes it first.
  Bytes any(group().element_bytes());
  group().linear_combination_vartime(Bytes(group().scalar_bytes()), public_key, any);
}

// The d[i] of RFC 9497, section 2.2.1: nobody can choose the batch so that errors cancel under them.
EqualityProof::Bytes EqualityProof::weights(ByteSpan public_key, ByteSpan points, ByteSpan multiples) const {
  constexpr std::size_t kTile = Group::kTile;
  const std::size_t width = group().element_bytes();
  const std::size_t n = points.size() / width;
  Bytes seed(hash_.digest_bytes());
  hash_.digest({Transcript().prefixed(public_key).prefixed(view(seed_dst_)).bytes()}, seed.data());
  Bytes weights(n * group().scalar_bytes());
  parallel_for((n + kTile - 1) / kTile, [&](std::size_t tile) {
    const std::size_t first = tile * kTile;
    const std::size_t count = std::min(kTile, n - first);
    std::array<Transcript, kTile> transcripts;
    std::array<ByteSpan, kTile> messages;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t row = first + i;
      transcripts[i]
          .prefixed(seed)
          .number(row)
          .prefixed(points.subspan(row * width, width))
          .prefixed(multiples.subspan(row * width, width))
          .raw("Composite");
      messages[i] = transcripts[i].bytes();
    }
    const std::size_t scalar = group().scalar_bytes();
    hash_.to_scalars({messages.data(), count}, view(scalar_dst_),
                     MutableByteSpan(weights).subspan(first * scalar, count * scalar));
  });
  return weights;
}

void EqualityProof::challenge(ByteSpan public_key, ByteSpan point, ByteSpan multiple, ByteSpan key_commitment,
                              ByteSpan commitment, MutableByteSpan out) const {
  Transcript transcript;
  for (const ByteSpan part : {public_key, point, multiple, key_commitment, commitment}) {
    transcript.prefixed(part);
  }
  const ByteSpan message = transcript.raw("Challenge").bytes();
  hash_.to_scalars({&message, 1}, view(scalar_dst_), out);
}

void EqualityProof::prove(const Scalar& key, const Scalar& nonce, ByteSpan public_key, ByteSpan points,
                          ByteSpan multiples, MutableByteSpan out) const {
  require_batch(public_key, points, multiples);
  require(out.size() == proof_bytes(), "out must hold one proof");
  const Group& g = group();
  Bytes point(g.element_bytes()), multiple(point), key_commitment(point), commitment(point);
  g.linear_combination_vartime(weights(public_key, points, multiples), points, point);
  g.mult(key, point, multiple);
  g.mult(nonce, g.generator(), key_commitment);
  g.mult(nonce, point, commitment);
  const MutableByteSpan c = out.first(g.scalar_bytes());
  challenge(public_key, point, multiple, key_commitment, commitment, c);
  g.proof_response(nonce, c, key, out.subspan(g.scalar_bytes()));
}

void EqualityProof::verify_vartime(ByteSpan public_key, ByteSpan points, ByteSpan multiples,
                                   ByteSpan proof) const {
  require_batch(public_key, points, multiples);
  const Group& g = group();
  const std::size_t scalar = g.scalar_bytes();
  const auto refuse = [](const char* why) { throw Error(ErrorCode::Decode, why); };
  if (proof.size() != proof_bytes()) refuse("a proof has the wrong length");
  const Bytes c(proof.begin(), proof.begin() + static_cast<std::ptrdiff_t>(scalar));
  if (!g.is_scalar(c) || !g.is_scalar(proof.subspan(scalar))) refuse("a proof holds no canonical scalars");
  Bytes point(g.element_bytes()), multiple(point), key_commitment(point), commitment(point);
  const Bytes d = weights(public_key, points, multiples);
  g.linear_combination_vartime(d, points, point);
  g.linear_combination_vartime(d, multiples, multiple);
  // response A + challenge B, for (A, B) the generator and the key, then the two sums.
  const auto commit = [&](ByteSpan a, ByteSpan b, MutableByteSpan to) {
    Bytes factors(proof.begin() + static_cast<std::ptrdiff_t>(scalar), proof.end());
    factors.insert(factors.end(), c.begin(), c.end());
    Bytes pair(a.begin(), a.end());
    pair.insert(pair.end(), b.begin(), b.end());
    g.linear_combination_vartime(factors, pair, to);
  };
  commit(g.generator(), public_key, key_commitment);
  commit(point, multiple, commitment);
  Bytes expected(scalar);
  challenge(public_key, point, multiple, key_commitment, commitment, expected);
  if (!ct_equal_bytes(expected, c)) {
    throw Error(ErrorCode::ProofInvalid,
                "the proof does not hold: not every element was multiplied by the key");
  }
}

}  // namespace isthmus::oprf
