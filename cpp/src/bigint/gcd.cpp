// Division steps in batches of 62, each batch a 2x2 matrix applied to the full-length numbers.
// Ref       Bernstein and Yang, "Fast constant-time gcd computation and modular inversion", TCHES 2019(3),
//           sections 8 to 11 (the number of steps is theorem 11.2).

#include <algorithm>
#include <array>

#include "isthmus/bigint/natural.hpp"
#include "isthmus/core/error.hpp"

namespace isthmus::bigint {
namespace {

using SignedWide = __int128;
using Word = std::int64_t;

constexpr int kBatch = 62;
constexpr Limb kMask = (Limb{1} << kBatch) - 1;

// A signed integer: sum of w[i] * 2^(62*i), all words but the last in [0, 2^62), the last one signed.
using Signed62 = SecretVector<Word>;

Signed62 to_signed62(const Natural& a, std::size_t words) {
  Signed62 out(words);
  for (std::size_t i = 0; i < words; ++i) {
    const std::size_t bit = kBatch * i;
    Limb w = a.limb(bit / 64) >> (bit % 64);
    if (bit % 64 != 0) w |= a.limb(bit / 64 + 1) << (64 - bit % 64);
    out[i] = static_cast<Word>(w & kMask);
  }
  return out;
}

// The magnitude of a, and its sign as a mask.
std::pair<Natural, Limb> from_signed62(const Signed62& a) {
  const Limb negative = static_cast<Limb>(a.back() >> 63);
  SecretVector<Limb> limbs((kBatch * a.size() + 63) / 64 + 1);
  Limb carry = negative & 1;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const Limb flipped = ((static_cast<Limb>(a[i]) ^ negative) & kMask) + carry;
    carry = flipped >> kBatch;
    const Limb w = flipped & kMask;
    const std::size_t bit = kBatch * i;
    limbs[bit / 64] |= w << (bit % 64);
    if (bit % 64 > 64 - kBatch) limbs[bit / 64 + 1] |= w >> (64 - bit % 64);
  }
  return {Natural(limbs), negative};
}

// (f', g') = (u f + v g, q f + r g) / 2^62 after one batch.
struct Transition {
  Word u, v, q, r;
};

Word divide_steps(Word delta, Limb f, Limb g, Transition& t) {
  Limb u = 1, v = 0, q = 0, r = 1;
  for (int i = 0; i < kBatch; ++i) {
    const Limb odd = ct_mask(g & 1);
    const Limb positive = ct_mask(static_cast<Limb>(-delta) >> 63);
    const Limb swap = odd & positive;
    // When swapping, (f, g) becomes (g, g - f); otherwise g becomes g + f if it is odd. Both: add +-f to g.
    const Limb addend = (f ^ swap) - swap, au = (u ^ swap) - swap, av = (v ^ swap) - swap;
    const Limb g_old = g, q_old = q, r_old = r;
    g += addend & odd;
    q += au & odd;
    r += av & odd;
    f = ct_select(swap, g_old, f);
    u = ct_select(swap, q_old, u);
    v = ct_select(swap, r_old, v);
    delta = static_cast<Word>((static_cast<Limb>(delta) ^ swap) - swap) + 1;
    g >>= 1;
    u <<= 1;
    v <<= 1;
  }
  t = {static_cast<Word>(u), static_cast<Word>(v), static_cast<Word>(q), static_cast<Word>(r)};
  return delta;
}

void update_fg(Signed62& f, Signed62& g, const Transition& t) {
  const std::size_t n = f.size();
  SignedWide cf = SignedWide{t.u} * f[0] + SignedWide{t.v} * g[0];
  SignedWide cg = SignedWide{t.q} * f[0] + SignedWide{t.r} * g[0];
  cf >>= kBatch;
  cg >>= kBatch;
  for (std::size_t i = 1; i < n; ++i) {
    cf += SignedWide{t.u} * f[i] + SignedWide{t.v} * g[i];
    cg += SignedWide{t.q} * f[i] + SignedWide{t.r} * g[i];
    f[i - 1] = static_cast<Word>(static_cast<Limb>(cf) & kMask);
    g[i - 1] = static_cast<Word>(static_cast<Limb>(cg) & kMask);
    cf >>= kBatch;
    cg >>= kBatch;
  }
  f[n - 1] = static_cast<Word>(cf);
  g[n - 1] = static_cast<Word>(cg);
}

// One row of (d', e') = (u d + v e, q d + r e) / 2^62 modulo m, for d and e in (-2m, m); so are the results.
class RowUpdate {
 public:
  RowUpdate(Word x, Word y, const Signed62& d, const Signed62& e, Limb m_inverse, Word m0) : x_(x), y_(y) {
    multiple_ = (x & (d.back() >> 63)) + (y & (e.back() >> 63));
    carry_ = SignedWide{x} * d[0] + SignedWide{y} * e[0];
    const Limb low = m_inverse * static_cast<Limb>(carry_) + static_cast<Limb>(multiple_);
    multiple_ -= static_cast<Word>(low & kMask);
    carry_ += SignedWide{m0} * multiple_;
    carry_ >>= kBatch;
  }
  Word next(Word d, Word e, Word m) {
    carry_ += SignedWide{x_} * d + SignedWide{y_} * e + SignedWide{m} * multiple_;
    const Word out = static_cast<Word>(static_cast<Limb>(carry_) & kMask);
    carry_ >>= kBatch;
    return out;
  }
  Word top() const { return static_cast<Word>(carry_); }

 private:
  Word x_, y_;
  Word multiple_;
  SignedWide carry_;
};

void update_de(Signed62& d, Signed62& e, const Transition& t, const Signed62& m, Limb m_inverse) {
  RowUpdate first(t.u, t.v, d, e, m_inverse, m[0]);
  RowUpdate second(t.q, t.r, d, e, m_inverse, m[0]);
  const std::size_t n = d.size();
  for (std::size_t i = 1; i < n; ++i) {
    const Word di = d[i], ei = e[i];
    d[i - 1] = first.next(di, ei, m[i]);
    e[i - 1] = second.next(di, ei, m[i]);
  }
  d[n - 1] = first.top();
  e[n - 1] = second.top();
}

Limb inverse_word(Limb m) {
  Limb x = m;  // right to 3 bits; every step doubles them
  for (int i = 0; i < 5; ++i) x *= 2 - m * x;
  return x;
}

// d += m where the mask is set.
void add_masked(Signed62& d, const Signed62& m, Limb mask) {
  Word carry = 0;
  for (std::size_t i = 0; i + 1 < d.size(); ++i) {
    const Word sum = d[i] + (m[i] & static_cast<Word>(mask)) + carry;
    d[i] = static_cast<Word>(static_cast<Limb>(sum) & kMask);
    carry = sum >> kBatch;
  }
  d.back() += (m.back() & static_cast<Word>(mask)) + carry;
}

// d = -d where the mask is set.
void negate_masked(Signed62& d, Limb mask) {
  Word carry = 0;
  for (std::size_t i = 0; i + 1 < d.size(); ++i) {
    const Word sum = ((d[i] ^ static_cast<Word>(mask)) - static_cast<Word>(mask)) + carry;
    d[i] = static_cast<Word>(static_cast<Limb>(sum) & kMask);
    carry = sum >> kBatch;
  }
  d.back() = ((d.back() ^ static_cast<Word>(mask)) - static_cast<Word>(mask)) + carry;
}

std::size_t batches(std::size_t bits) {
  const std::size_t steps = (49 * std::max<std::size_t>(bits, 46) + 57) / 17;
  return (steps + kBatch - 1) / kBatch;
}

}  // namespace

Natural gcd_odd(const Natural& a, const Natural& m) {
  require(m.is_odd(), "the modulus must be odd");
  const std::size_t bits = std::max(a.bit_length(), m.bit_length());
  const std::size_t words = bits / kBatch + 2;
  Signed62 f = to_signed62(m, words), g = to_signed62(a, words);
  Word delta = 1;
  for (std::size_t i = batches(bits); i > 0; --i) {
    Transition t{};
    delta = divide_steps(delta, static_cast<Limb>(f[0]) | static_cast<Limb>(f[1]) << kBatch,
                         static_cast<Limb>(g[0]) | static_cast<Limb>(g[1]) << kBatch, t);
    update_fg(f, g, t);
  }
  return from_signed62(f).first;
}

std::optional<Natural> inverse(const Natural& a, const Natural& m) {
  require(m.is_odd() && m > Natural(1), "the modulus must be odd and above 1");
  const std::size_t bits = m.bit_length();
  const std::size_t words = bits / kBatch + 2;
  const Signed62 modulus = to_signed62(m, words);
  const Limb m_inverse = inverse_word(m.limb(0));
  Signed62 f = modulus, g = to_signed62(a < m ? a : remainder(a, m), words);
  Signed62 d(words), e(words);
  e[0] = 1;
  Word delta = 1;
  for (std::size_t i = batches(bits); i > 0; --i) {
    Transition t{};
    delta = divide_steps(delta, static_cast<Limb>(f[0]) | static_cast<Limb>(f[1]) << kBatch,
                         static_cast<Limb>(g[0]) | static_cast<Limb>(g[1]) << kBatch, t);
    update_de(d, e, t, modulus, m_inverse);
    update_fg(f, g, t);
  }
  const auto [gcd, f_negative] = from_signed62(f);
  if (gcd != Natural(1)) return std::nullopt;
  // a^-1 = sign(f) * d, and d lies in (-2m, m).
  add_masked(d, modulus, static_cast<Limb>(d.back() >> 63));
  negate_masked(d, f_negative);
  add_masked(d, modulus, static_cast<Limb>(d.back() >> 63));
  return from_signed62(d).first;
}

}  // namespace isthmus::bigint
