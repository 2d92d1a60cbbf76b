// Runs the curve code on secrets that valgrind's memcheck believes to be uninitialised, so that every branch
// and every address that depends on one is reported. Arguments: a group, and a mode. "mult", "map", "invert"
// and "each" must be clean; "leaky-branch" and "leaky-lookup" do the same work the careless way, on an
// Edwards curve or, for P-256 and SM2, on theirs, and must be reported, which proves that the check can see.
// The backend is the best one that the CPU under valgrind has.

#include <valgrind/memcheck.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "../../cpp/src/curve/weierstrass_element.hpp"
#include "isthmus/core/cpu.hpp"
#include "isthmus/curve/edwards25519.hpp"
#include "isthmus/hash_to_curve/suite.hpp"

using namespace isthmus;

namespace {

using Bytes = std::vector<std::uint8_t>;

void poison(ByteSpan secret) { VALGRIND_MAKE_MEM_UNDEFINED(secret.data(), secret.size()); }
void reveal(ByteSpan result) { VALGRIND_MAKE_MEM_DEFINED(result.data(), result.size()); }

class OneMessage final : public MessageBatch {
 public:
  explicit OneMessage(ByteSpan message) : message_(message) {}
  std::size_t size() const noexcept override { return 1; }
  ByteSpan message(std::size_t, SecretVector<std::uint8_t>&) const override { return message_; }

 private:
  ByteSpan message_;
};

// Peers' points times a secret scalar, enough for two vectors of any backend and one left over.
Bytes mult(const Scalar& scalar) {
  const Suite& suite = suite_of_group(scalar.group().name());
  const std::size_t n = 17;
  Bytes uniform(n * suite.uniform_bytes, 7), points(n * suite.element_bytes), out(n * suite.element_bytes);
  suite.map(uniform.data(), n, points.data());
  scalar.group().mult(scalar, points, out);
  return out;
}

// A secret identifier hashed to the group, times a secret scalar; and the same without the scalar.
Bytes map(const Scalar& scalar) {
  const Suite& suite = suite_of_group(scalar.group().name());
  Bytes message(20, 5), dst(16, 1), out(suite.element_bytes), plain(suite.element_bytes);
  poison(message);
  hash_to_curve_mult(suite, OneMessage(message), dst, scalar, out);
  hash_to_curve(suite, OneMessage(message), dst, plain);
  reveal(plain);
  return out;
}

// A secret scalar for every row, as in an oblivious function: blinding, unblinding, and a proof's response.
Bytes each(const Scalar& scalar) {
  const Group& group = scalar.group();
  const Suite& suite = suite_of_group(group.name());
  const std::size_t n = 17;
  Bytes dst(16, 1), message(20, 5), blinded(suite.element_bytes), uniform(n * suite.uniform_bytes, 7),
      points(n * suite.element_bytes), out(n * suite.element_bytes);
  const Scalars one = group.scalars(Bytes(32, 8)), many = group.scalars(Bytes(32 * n, 7));
  poison(one.bytes());
  poison(many.bytes());
  poison(message);
  hash_to_curve_mult_each(suite, OneMessage(message), dst, one, blinded);
  reveal(blinded);
  suite.map(uniform.data(), n, points.data());
  group.mult_each(many.inverses(), points, out);
  reveal(out);
  Bytes response(group.scalar_bytes());
  group.proof_response(scalar, Bytes(32, 3), scalar, response);
  return response;
}

// What the leaky twins need of a curve.
struct Edwards {
  using Point = edwards25519::Point<Fp25519>;
  static Point some_point() { return edwards25519::twice(Point::identity()); }
  static Point twice(const Point& p) { return edwards25519::twice(p); }
  static Point add(const Point& p, const Point& q) { return edwards25519::add(p, edwards25519::cache(q)); }
  static void store(const Point& p, std::uint8_t* out) { p.y.to_bytes(out); }
};

template <class Curve>
struct Weierstrass {
  using Field = weierstrass::Element<Curve>;
  using Point = weierstrass::Projective<Field>;
  static Point some_point() {
    const auto p = weierstrass::generator<Field>();
    return {p.x, p.y, Field::one()};
  }
  static Point twice(const Point& p) { return weierstrass::add(p, p); }
  static Point add(const Point& p, const Point& q) { return weierstrass::add(p, q); }
  static void store(const Point& p, std::uint8_t* out) { fp256::store_be(out, p.y.value.to_words()); }
};

// Double and add, with a branch on every secret bit.
template <class Curve>
Bytes leaky_branch(const Scalar& scalar) {
  const auto p = Curve::some_point();
  auto sum = p;
  for (std::size_t bit = 256; bit-- > 0;) {
    sum = Curve::twice(sum);
    if ((scalar.bytes()[bit / 8] >> (bit % 8)) & 1) sum = Curve::add(sum, p);
  }
  Bytes out(32);
  Curve::store(sum, out.data());
  return out;
}

// A table read at an address made of four secret bits.
template <class Curve>
Bytes leaky_lookup(const Scalar& scalar) {
  std::vector<typename Curve::Point> table(16, Curve::some_point());
  Bytes out(32);
  Curve::store(table[scalar.bytes()[0] & 15], out.data());
  return out;
}

template <class Curve>
Bytes leaky(const Scalar& scalar, const std::string& mode) {
  if (mode == "leaky-branch") return leaky_branch<Curve>(scalar);
  if (mode == "leaky-lookup") return leaky_lookup<Curve>(scalar);
  return {};
}

// The inverse that takes a mask off.
Bytes invert(const Scalar& scalar) {
  const Scalar inverse = scalar.inverse();
  return Bytes(inverse.bytes().begin(), inverse.bytes().end());
}

Bytes run(const Scalar& scalar, const std::string& mode) {
  if (mode == "invert") return invert(scalar);
  if (mode == "mult") return mult(scalar);
  if (mode == "map") return map(scalar);
  if (mode == "each") return each(scalar);
  if (scalar.group().name() == "P-256") return leaky<Weierstrass<P256>>(scalar, mode);
  if (scalar.group().name() == "SM2") return leaky<Weierstrass<Sm2>>(scalar, mode);
  return leaky<Edwards>(scalar, mode);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::string mode = argv[2];
  const Scalar scalar = find_group(argv[1]).scalar(Bytes(32, 9));
  poison(scalar.bytes());
  const Bytes out = run(scalar, mode);
  reveal(out);
  std::printf("%s ", backend_name(active_backend()).c_str());
  for (const std::uint8_t byte : out) std::printf("%02x", byte);
  return out.empty() ? 2 : 0;
}
