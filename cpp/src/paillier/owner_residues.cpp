// The owner's randomness, and its fault check.
//
// rho_p and rho_q are made apart and joined. A fault in one half alone would give a ciphertext that decrypts
// to m' with gcd(m' - m, n) a prime factor, or one whose rho_p somebody can guess. So, for each batch:
//  1. in each half, the product of all rho is compared with one more power, whose exponent is the sum of
//     theirs in another form (for randomizers that are powers of units: with the power of their product);
//  2. joining is linear: the sum of the joined rows is compared with the joined sums of the halves;
//  3. no exponent, or unit, is below 2^64.
// A fault in an exponent before they are added up only makes it another one.

#include "owner_residues.hpp"

#include <algorithm>
#include <vector>

#include "fault_injection.hpp"

namespace isthmus::paillier {
namespace {

using bigint::MulTask;
using bigint::SquareModulus;

// All ones when each of `count` rows reaches beyond its first limb: others have probability 2^-128 or less.
Limb none_is_small(LimbSpan rows, std::size_t count) {
  const std::size_t width = rows.size() / count;
  Limb any_small = 0;
  for (std::size_t i = 0; i < count; ++i) {
    Limb beyond = 0;
    for (std::size_t j = 1; j < width; ++j) beyond |= rows[i * width + j];
    any_small |= ct_equal(beyond, 0);
  }
  return ~any_small;
}

// The product of `count` elements, by halves, so that the lanes of a vector backend are full.
AlignedLimbs product_of(const SquareModulus& ring, const AlignedLimbs& rows, std::size_t count) {
  const std::size_t stride = ring.stride();
  AlignedLimbs products(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(count * stride));
  std::vector<MulTask> tasks;
  while (count > 1) {
    const std::size_t upper = (count + 1) / 2;
    tasks.clear();
    for (std::size_t i = 0; upper + i < count; ++i) {
      Limb* const low = products.data() + i * stride;
      tasks.push_back({low, low, low + upper * stride});
    }
    ring.mul(tasks);
    count = upper;
  }
  products.resize(stride);
  return products;
}

AlignedLimbs sum_of(const SquareModulus& ring, const AlignedLimbs& rows, std::size_t count) {
  AlignedLimbs sum(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(ring.stride()));
  for (std::size_t i = 1; i < count; ++i) ring.add(sum.data(), sum.data(), rows.data() + i * ring.stride());
  return sum;
}

Limb last_is(const SquareModulus& ring, const AlignedLimbs& rows, std::size_t count,
             const AlignedLimbs& expected) {
  return ring.equal_mask(rows.data() + count * ring.stride(), expected.data());
}

void set_last(AlignedLimbs& rows, const AlignedLimbs& row) {
  std::copy(row.begin(), row.end(), rows.end() - static_cast<std::ptrdiff_t>(row.size()));
}

}  // namespace

Limb OwnerResidues::draw(Limb* out, std::size_t count) const {
  if (count == 0) return ~Limb{0};
  const SquareModulus &p = parts_.p.square, &q = parts_.q.square;
  const SquareModulus& n_squared = parts_.public_key->n_squared();
  Halves rows{AlignedLimbs((count + 1) * p.stride()), AlignedLimbs((count + 1) * q.stride())};
  Limb valid = parts_.tables
                   ? powers_of_hs(rows, count)
                   : powers_of_units(parts_.p, rows.p, count) & powers_of_units(parts_.q, rows.q, count);
  maybe_inject(InjectedFault::randomizer, rows.p.data());
  valid &= last_is(p, rows.p, count, product_of(p, rows.p, count)) &
           last_is(q, rows.q, count, product_of(q, rows.q, count));
  set_last(rows.p, sum_of(p, rows.p, count));
  set_last(rows.q, sum_of(q, rows.q, count));
  AlignedLimbs joined = join(rows, count + 1);
  maybe_inject(InjectedFault::joined_randomizer, joined.data());
  std::copy_n(joined.data(), count * n_squared.stride(), out);
  return valid & last_is(n_squared, joined, count, sum_of(n_squared, joined, count));
}

Limb OwnerResidues::powers_of_hs(Halves& rows, std::size_t count) const {
  OwnerExponents r = parts_.owner_exponents(count);
  maybe_inject(InjectedFault::randomizer_exponent, r.p.data());
  parts_.tables->p.table_for(count)->pow(rows.p.data(), r.p.data(), count + 1);
  parts_.tables->q.table_for(count)->pow(rows.q.data(), r.q.data(), count + 1);
  return none_is_small(r.p, count + 1) & none_is_small(r.q, count + 1);
}

// The n-th residues modulo p^2 are the p-th powers of the units, one for each unit modulo p.
Limb OwnerResidues::powers_of_units(const PrimeHalf& half, AlignedLimbs& rows, std::size_t count) const {
  const SquareModulus& ring = half.square;
  const SecretVector<Limb> units = draw_below(half.prime.limbs(), count);
  ring.import_rows(rows.data(), units, count);
  set_last(rows, product_of(ring, rows, count));
  ring.pow(rows.data(), rows.data(), count + 1, half.prime.limbs(), half.prime_bits);
  return none_is_small(units, count);
}

// rho = rho_p + p^2 * ((rho_q - rho_p) / p^2 mod q^2).
AlignedLimbs OwnerResidues::join(const Halves& rows, std::size_t count) const {
  const SquareModulus &p = parts_.p.square, &q = parts_.q.square;
  const SquareModulus& n_squared = parts_.public_key->n_squared();
  AlignedLimbs low(count * p.limbs()), high(count * q.limbs()), differences(count * q.stride());
  AlignedLimbs multiples(count * n_squared.stride()), out(count * n_squared.stride());
  p.export_rows(low, rows.p.data(), count);
  q.import_rows(differences.data(), low, count);
  std::vector<MulTask> divisions, multiplications;
  for (std::size_t i = 0; i < count; ++i) {
    Limb* const difference = differences.data() + i * q.stride();
    Limb* const multiple = multiples.data() + i * n_squared.stride();
    q.sub(difference, rows.q.data() + i * q.stride(), difference);
    divisions.push_back({difference, difference, parts_.p_squared_inverse.data()});
    multiplications.push_back({multiple, multiple, parts_.p_squared.data()});
  }
  q.mul(divisions);
  q.export_rows(high, differences.data(), count);
  n_squared.import_rows(multiples.data(), high, count);
  n_squared.mul(multiplications);
  n_squared.import_rows(out.data(), low, count);
  for (std::size_t i = 0; i < count; ++i) {
    Limb* const element = out.data() + i * n_squared.stride();
    n_squared.add(element, element, multiples.data() + i * n_squared.stride());
  }
  return out;
}

}  // namespace isthmus::paillier
