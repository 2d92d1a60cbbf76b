#pragma once
// Reads the published vectors that are flat enough for a search by key.

#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace vectors {

using Bytes = std::vector<std::uint8_t>;

inline Bytes from_hex(const std::string& hex) {
  Bytes bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<std::uint8_t>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

inline std::string read(const std::string& path) {
  std::ifstream file(std::string(ISTHMUS_VECTORS) + "/" + path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The string values of `key`, in order.
inline std::vector<std::string> values_of(const std::string& json, const std::string& key) {
  std::vector<std::string> values;
  const std::string label = "\"" + key + "\"";
  for (std::size_t at = json.find(label); at != std::string::npos; at = json.find(label, at + 1)) {
    const std::size_t colon = json.find_first_not_of(" :", at + label.size());
    if (json[colon] != '"') continue;
    values.push_back(json.substr(colon + 1, json.find('"', colon + 1) - colon - 1));
  }
  return values;
}

}  // namespace vectors
