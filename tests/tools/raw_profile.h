// SPDX-License-Identifier: MIT
// Profiles in pprof's format, field by field, for what no encoder of ours writes: a producer may
// leave out what it likes, repeat it, and order and pack it as it likes. Knows nothing of
// tools/pprof; the numbers are those of google/pprof's profile.proto.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace greyhound::testing {

inline std::string varint(uint64_t value) {
  std::string bytes;
  for (; value > 0x7f; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}
inline std::string number_field(unsigned field, uint64_t value) {
  return varint(field << 3) + varint(value);
}
inline std::string bytes_field(unsigned field, const std::string& bytes) {
  return varint(field << 3 | 2) + varint(bytes.size()) + bytes;
}
// One member of a gzip file.
inline std::string gzip_member(const std::string& bytes) {
  z_stream stream{};
  deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, bytes.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

class RawProfile {
 public:
  using Pairs = std::vector<std::pair<std::string, std::string>>;

  // Each {type, unit}.
  explicit RawProfile(const Pairs& types) {
    for (const auto& [type, unit] : types)
      add(1, number_field(1, text(type)) + number_field(2, text(unit)));
  }

  RawProfile(const std::string& type, const std::string& unit) : RawProfile(Pairs{{type, unit}}) {}

  uint64_t text(const std::string& value) {
    const auto [entry, fresh] = indices_.try_emplace(value, strings_.size());
    if (fresh) strings_.push_back(value);
    return entry->second;
  }
  RawProfile& add(unsigned field, const std::string& message) {
    bytes_ += bytes_field(field, message);
    return *this;
  }
  RawProfile& add_number(unsigned field, uint64_t value) {
    bytes_ += number_field(field, value);
    return *this;
  }
  RawProfile& mapping(uint64_t id, const std::string& file, const std::string& more = "") {
    return add(3, number_field(1, id) + number_field(5, text(file)) + more);
  }
  RawProfile& function(uint64_t id, const std::string& name, const std::string& symbol = "") {
    return add(5, number_field(1, id) + number_field(2, text(name)) +
                      (symbol.empty() ? "" : number_field(3, text(symbol))));
  }
  // Of functions, the innermost first; the others have it inlined.
  RawProfile& location(uint64_t id, const std::vector<uint64_t>& functions, uint64_t address = 0,
                       uint64_t mapping = 0) {
    std::string message = number_field(1, id);
    if (mapping != 0) message += number_field(2, mapping);
    if (address != 0) message += number_field(3, address);
    for (const uint64_t each : functions)
      message += bytes_field(4, number_field(1, each) + number_field(2, 7));
    return add(4, message);
  }
  // `labels`: whole label messages (label(), number_label()). Packed, as proto3 has it, or not.
  RawProfile& sample(const std::vector<uint64_t>& locations, const std::vector<int64_t>& values,
                     const std::vector<std::string>& labels = {}, bool packed = true) {
    std::string message, ids, counts;
    for (const uint64_t id : locations) ids += packed ? varint(id) : number_field(1, id);
    for (const int64_t value : values) {
      const auto bits = static_cast<uint64_t>(value);
      counts += packed ? varint(bits) : number_field(2, bits);
    }
    message = packed ? bytes_field(1, ids) + bytes_field(2, counts) : ids + counts;
    for (const std::string& each : labels) message += bytes_field(3, each);
    return add(2, message);
  }
  std::string label(const std::string& key, const std::string& value) {
    return number_field(1, text(key)) + number_field(2, text(value));
  }
  std::string number_label(const std::string& key, int64_t value, const std::string& unit = "") {
    return number_field(1, text(key)) + number_field(3, static_cast<uint64_t>(value)) +
           (unit.empty() ? "" : number_field(4, text(unit)));
  }
  // A stack of functions, the outermost first: "main", "f". Each name is a function and a location.
  RawProfile& stack(const std::vector<std::string>& names, const std::vector<int64_t>& values,
                    const std::vector<std::string>& labels = {}) {
    std::vector<uint64_t> locations;
    for (auto name = names.rbegin(); name != names.rend(); ++name) {
      const auto [entry, fresh] = ids_.try_emplace(*name, ids_.size() + 1);
      if (fresh) {
        function(entry->second, *name);
        location(entry->second, {entry->second});
      }
      locations.push_back(entry->second);
    }
    return sample(locations, values, labels);
  }

  // Strings last, as encoders may have it.
  std::string unpacked() const {
    std::string all = bytes_;
    for (const std::string& each : strings_) all += bytes_field(6, each);
    return all;
  }
  std::string packed() const { return gzip_member(unpacked()); }

 private:
  std::string bytes_;
  std::vector<std::string> strings_ = {""};
  std::map<std::string, uint64_t> indices_ = {{"", 0}};
  std::map<std::string, uint64_t> ids_;
};

}  // namespace greyhound::testing
