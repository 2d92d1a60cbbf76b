// Published vectors for what only C++ reaches: the portable field, and sums of products of points.

#include <map>
#include <sstream>
#include <string>

#include "check.hpp"
#include "isthmus/curve/weierstrass.hpp"
#include "vectors.hpp"

using namespace isthmus;

namespace {

using Fields = std::map<std::string, std::string>;

// A modulus without a reduction of its own.
struct Order {
  static constexpr Words256 kModulus = P256::kOrder;
};

Words256 words_of(const std::string& hex) { return fp256::load_be(vectors::from_hex(hex).data()); }

template <class Modulus>
Fp256<Modulus> element_of(const std::string& hex) {
  return Fp256<Modulus>::from_words(words_of(hex));
}

// Hands the fields of every test of a file to check(fields). Tests end with an empty line.
template <class Check>
void for_each_test(const std::string& path, const Check& check) {
  std::istringstream text(vectors::read(path) + "\n\n");
  Fields fields;
  for (std::string line; std::getline(text, line);) {
    const std::size_t equal = line.find(" = ");
    if (equal != std::string::npos && line[0] != '#') fields[line.substr(0, equal)] = line.substr(equal + 3);
    if (line.empty() && !fields.empty()) check(fields), fields.clear();
  }
}

// The vectors are integers in Montgomery form, which the field keeps to itself: a product there is A B /
// 2^256.
template <class Modulus>
bool is_montgomery_product(const Fields& test) {
  constexpr auto kRadix =
      Fp256<Modulus>::constant(fp256::shift_left_mod({1, 0, 0, 0}, 256, Modulus::kModulus));
  const auto product = element_of<Modulus>(test.at("A")) * element_of<Modulus>(test.at("B"));
  return product.to_words() == (element_of<Modulus>(test.at("Result")) * kRadix).to_words();
}

bool is_negative(const Fields& test) {
  return (-element_of<P256>(test.at("A"))).to_words() == words_of(test.at("B"));
}

bool is_conversion(Fields test) {
  test["B"] = std::string(63, '0') + "1";
  return is_montgomery_product<P256>(test);
}

void check_field() {
  std::map<std::string, int> counts;
  for_each_test("openssl/awslc_p256-nistz_tests.txt", [&counts](const Fields& test) {
    const std::string& name = test.at("Test");
    ++counts[name];
    if (name == "Negate") CHECK(is_negative(test));
    if (name == "MulMont") CHECK(is_montgomery_product<P256>(test));
    if (name == "OrdMulMont") CHECK(is_montgomery_product<Order>(test));
    if (name == "FromMont") CHECK(is_conversion(test));
  });
  CHECK(counts["Negate"] == 256 && counts["MulMont"] == 21);
  CHECK(counts["OrdMulMont"] == 26 && counts["FromMont"] == 10);
}

template <class Curve>
void check_sums(const std::string& curve) {
  const Group& group = weierstrass::group<Curve>();
  std::istringstream text(vectors::read("botan/ecc_var_point_mul2.vec"));
  std::string section;
  Fields fields;
  int count = 0;
  for (std::string line; std::getline(text, line);) {
    if (line[0] == '[') section = line;
    if (section != "[" + curve + "]" || line.size() < 5) continue;
    const std::string value = line.substr(4);
    fields[line.substr(0, 1)] = value.rfind("0x", 0) == 0 ? value.substr(2) : value;
    if (line[0] != 'Z') continue;
    vectors::Bytes sum(weierstrass::kElementBytes);
    group.linear_combination_vartime(vectors::from_hex(fields["x"] + fields["y"]),
                                     vectors::from_hex(fields["P"] + fields["Q"]), sum);
    CHECK(sum == vectors::from_hex(fields["Z"]));
    ++count;
  }
  CHECK(count == 63);
}

}  // namespace

int main() {
  check_field();
  check_sums<P256>("secp256r1");
  check_sums<Sm2>("sm2p256v1");
  return check::finish("weierstrass_vectors");
}
