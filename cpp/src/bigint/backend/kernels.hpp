#pragma once
// The contract of a bigint backend: how it lays an odd modulus out in digits, and its products.

#include <array>
#include <cstddef>
#include <vector>

#include "isthmus/bigint/modulus.hpp"
#include "lines.hpp"

namespace isthmus::bigint {

using DigitScratch = std::array<Limb, kMaxDigits>;

/// How a backend spells integers below R = 2^(width * count): `count` digits of `width` bits, one per word.
struct DigitLayout {
  std::size_t count;
  unsigned width;
};

/// One modulus m in a backend's digits. R >= 4m, so that sums of two reduced values never leave the digits.
struct DigitContext {
  const KernelTable* kernels;
  DigitLayout layout;
  Limb mask;               // 2^width - 1
  Limb neg_inverse;        // -1/m mod 2^width
  AlignedLimbs m;          // layout.count digits
  AlignedLimbs constants;  // what KernelTable::prepare makes of m

  DigitContext(const Natural& modulus, const KernelTable& table);
};

/// Products of one ring on blocks. Inputs and outputs are reduced; `out` may be an input.
struct RingKernels {
  void (*mul)(const DigitContext& c, Limb* out, const Limb* a, const Limb* b);
  void (*sqr)(const DigitContext& c, Limb* out, const Limb* a);
};

/// A look-up in a table of `entries` blocks of `words` words per lane: out = block `index`, every one read.
struct Selection {
  Limb* out;
  const Limb* table;
  std::size_t entries;
  std::size_t words;
  std::size_t index;
};

/// Products of pairs by a single number b that is known long before. With floor(b * R / m) at hand, the
/// quotient of a product by m is half a product, and what it leaves is two more halves: 3k^2 word products,
/// where RingKernels take 4k^2. Pairs stay in whatever form they have, and in between are not reduced.
struct ConstantKernels {
  /// out = a * (-1/m) mod R for single elements; out may be a. For a = R * b mod m that is floor(b * R / m).
  void (*quotient)(const DigitContext& c, Limb* out, const Limb* a);
  /// out = x * b modulo m^2, for a block of b < m and then one of floor(b * R / m), fetching `ahead`
  /// meanwhile. x and out are different blocks of pairs below (3/2 m, 7/2 m).
  void (*pair_mul)(const DigitContext& c, Limb* out, const Limb* x, const Limb* b, Lines& ahead);
  /// Reduces such pairs.
  void (*settle)(const DigitContext& c, Limb* x);
};

/// KernelTable::constant_words and prepare for such kernels: -1/m mod R, then R - m.
std::size_t words_for_constants(std::size_t count);
void prepare_for_constants(DigitContext& c);

/// Kernels that work on `lanes` elements at once, in blocks: digit i of the element in lane l is word
/// i * lanes + l, and blocks are aligned to 64 bytes. Time depends on the layout only.
struct LaneKernels {
  std::size_t lanes;
  /// Between blocks and `lanes` elements of `words` words, which are one run each and aligned to 8 bytes.
  void (*gather)(Limb* block, const Limb* const* elements, std::size_t words);
  void (*scatter)(Limb* const* elements, const Limb* block, std::size_t words);
  /// For `blocks` blocks, 1 or 2, one after the other: in lane l of block b, out = entry index[b * lanes + l]
  /// of a table that all share, every entry of it read. Word i of entry e is word i * entries + e of the
  /// table, which is aligned to 64 bytes, as is index; entries is 16, 32, 64 or 128.
  void (*pick)(Limb* out, const Limb* table, std::size_t entries, std::size_t words, const Limb* index,
               std::size_t blocks);
  double pick_cost;  // about, per element and word of the table, in word products
  void (*select)(const Selection& selection);
  /// out = a + b modulo m, for single elements; out may be a or b.
  void (*add)(const DigitContext& c, Limb* out, const Limb* a, const Limb* b);
  RingKernels mod;   // single elements, modulo m
  RingKernels pair;  // pairs, modulo m^2
  /// pair.mul, fetching `ahead` meanwhile.
  void (*pair_mul_ahead)(const DigitContext& c, Limb* out, const Limb* a, const Limb* b, Lines& ahead);
  /// The same where b is a block of single elements b0 < R (they need not be below m), standing for the pairs
  /// (b0, 0).
  void (*pair_mul_digit)(const DigitContext& c, Limb* out, const Limb* a, const Limb* b, Lines& ahead);
  /// x = x^(2^times) for pairs, and the selection, overlapped; null where that is no faster than doing the
  /// one after the other.
  void (*pair_sqr_select)(const DigitContext& c, Limb* x, std::size_t times, const Selection& selection);
  /// Null where they are no faster than pair_mul_digit.
  const ConstantKernels* constant;
};

/// A backend. cpp/src/bigint/lanes.hpp runs any number of elements through it.
struct KernelTable {
  DigitLayout (*layout)(std::size_t modulus_bits);
  /// Words of DigitContext::constants, for `count` digits.
  std::size_t (*constant_words)(std::size_t count);
  /// Fills c.constants, whose size is constant_words(), from the rest of c. In constant time.
  void (*prepare)(DigitContext& c);
  LaneKernels wide;    // for full batches
  LaneKernels narrow;  // for what is left, at most wide.lanes - 1 elements; may be the same as `wide`
};

extern const KernelTable kPortableKernels;
#if defined(__x86_64__)
extern const KernelTable kAvx2Kernels;
extern const KernelTable kAvx512IfmaKernels;
#endif

/// The table of active_backend().
const KernelTable& active_kernels();
/// Every table that this CPU can run, the portable one first.
std::vector<const KernelTable*> runnable_kernels();

}  // namespace isthmus::bigint
