// Private set intersection in one process: hash two lists to ristretto255, mask each twice, compare.
#include <iostream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "isthmus/hash_to_curve/suite.hpp"

using Bytes = std::vector<std::uint8_t>;

isthmus::ByteSpan bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

struct Names final : isthmus::MessageBatch {
  std::vector<std::string> list;
  explicit Names(std::vector<std::string> names) : list(std::move(names)) {}
  std::size_t size() const noexcept override { return list.size(); }
  isthmus::ByteSpan message(std::size_t i, isthmus::SecretVector<std::uint8_t>&) const override {
    return bytes_of(list[i]);
  }
};

// A party masks its own names and sends the points; the other party masks them again.
std::vector<Bytes> mask_twice(const Names& names, const isthmus::Scalar& own, const isthmus::Scalar& other) {
  const std::size_t width = own.group().element_bytes();
  Bytes once(names.size() * width), twice(once.size());
  hash_to_curve_mult(isthmus::suite_of_group("ristretto255"), names, bytes_of("example-v1"), own, once);
  other.group().mult(other, once, twice);
  std::vector<Bytes> points;
  for (auto p = twice.begin(); p != twice.end(); p += width) points.emplace_back(p, p + width);
  return points;
}

int main() {
  const Names bank({"alice", "bob", "carol", "dave"}), fund({"erin", "carol", "alice"});
  const isthmus::Group& group = isthmus::find_group("ristretto255");
  const isthmus::Scalar a = group.random_scalar(), b = group.random_scalar();
  const std::vector<Bytes> ours = mask_twice(bank, a, b), theirs = mask_twice(fund, b, a);
  const std::set<Bytes> shared(theirs.begin(), theirs.end());
  for (std::size_t i = 0; i < ours.size(); ++i) {
    if (shared.count(ours[i]) > 0) std::cout << bank.list[i] << "\n";
  }
}
