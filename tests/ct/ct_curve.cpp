// Runs the curve code on secrets that valgrind's memcheck believes to be uninitialised, so that every branch
// and every address that depends on one is reported. Arguments: a group, and a mode. "mult" and "map" must be
// clean; "leaky-branch" and "leaky-lookup" do the same work the careless way and must be reported, which
// proves that the check can see. The backend is the best one that the CPU under valgrind has.

#include <valgrind/memcheck.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "isthmus/core/cpu.hpp"
#include "isthmus/curve/edwards25519.hpp"
#include "isthmus/hash_to_curve/suite.hpp"

using namespace isthmus;

namespace {

using Bytes = std::vector<std::uint8_t>;
using Point = edwards25519::Point<Fp25519>;

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
  Bytes message(20, 5), dst(16, 1), out(32), plain(32);
  poison(message);
  const Suite& suite = suite_of_group(scalar.group().name());
  hash_to_curve_mult(suite, OneMessage(message), dst, scalar, out);
  hash_to_curve(suite, OneMessage(message), dst, plain);
  reveal(plain);
  return out;
}

Point some_point() {
  Point p = Point::identity();
  return edwards25519::twice(p);
}

// Double and add, with a branch on every secret bit.
Bytes leaky_branch(const Scalar& scalar) {
  const Point p = some_point();
  Point sum = Point::identity();
  for (std::size_t bit = 256; bit-- > 0;) {
    sum = edwards25519::twice(sum);
    if ((scalar.bytes()[bit / 8] >> (bit % 8)) & 1) sum = edwards25519::add(sum, edwards25519::cache(p));
  }
  Bytes out(32);
  sum.y.to_bytes(out.data());
  return out;
}

// A table read at an address made of four secret bits.
Bytes leaky_lookup(const Scalar& scalar) {
  std::vector<Point> table(16, some_point());
  Bytes out(32);
  table[scalar.bytes()[0] & 15].y.to_bytes(out.data());
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::string mode = argv[2];
  const Scalar scalar = find_group(argv[1]).scalar(Bytes(32, 9));
  poison(scalar.bytes());
  Bytes out;
  if (mode == "mult") out = mult(scalar);
  if (mode == "map") out = map(scalar);
  if (mode == "leaky-branch") out = leaky_branch(scalar);
  if (mode == "leaky-lookup") out = leaky_lookup(scalar);
  reveal(out);
  std::printf("%s ", backend_name(active_backend()).c_str());
  for (const std::uint8_t byte : out) std::printf("%02x", byte);
  return out.empty() ? 2 : 0;
}
