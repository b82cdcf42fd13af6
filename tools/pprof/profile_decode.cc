// SPDX-License-Identifier: MIT
// A profile from the file format, whatever the file says.
#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <protozero/pbf_reader.hpp>
#include <unordered_map>

#include "tools/pprof/gzip.h"
#include "tools/pprof/profile.h"
#include "tools/pprof/proto_fields.h"

namespace greyhound::pprof {
namespace {

// protozero asserts that a field has the type that is asked for; a file may say anything.
void expect_type(protozero::pbf_reader* in, protozero::pbf_wire_type type) {
  if (in->wire_type() != type) throw FormatError("a field of it has the wrong type");
}
template <class Number = int64_t>
Number number(protozero::pbf_reader* in) {
  expect_type(in, protozero::pbf_wire_type::varint);
  return static_cast<Number>(in->get_uint64());
}
protozero::pbf_reader message_of(protozero::pbf_reader* in) {
  expect_type(in, protozero::pbf_wire_type::length_delimited);
  return in->get_message();
}
std::string string_of(protozero::pbf_reader* in) {
  expect_type(in, protozero::pbf_wire_type::length_delimited);
  return in->get_string();
}

// Numbers of a repeated field, packed or one by one: both are allowed.
template <class Number>
void append_numbers(protozero::pbf_reader* in, std::vector<Number>* numbers) {
  if (in->wire_type() != protozero::pbf_wire_type::length_delimited) {
    numbers->push_back(number<Number>(in));
    return;
  }
  for (const uint64_t packed : in->get_packed_uint64()) {
    numbers->push_back(static_cast<Number>(packed));
  }
}

// Strings may come last in the file: messages are read in a second pass, when all are known.
class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : bytes_(bytes) {}

  Profile operator()() {
    read_strings();
    if (strings_.empty()) throw FormatError("it has no string table");
    if (!strings_.front().empty()) throw FormatError("its string table does not begin with \"\"");
    each_field([this](auto* in) { read_function(in); });
    each_field([this](auto* in) { read_location(in); });
    each_field([this](auto* in) { read_rest(in); });
    if (profile_.sample_types.empty()) throw FormatError("it names no sample types");
    for (const Sample& sample : profile_.samples) {
      if (sample.values.size() != profile_.sample_types.size())
        throw FormatError(fmt::format("a sample has {} values for {} sample types",
                                      sample.values.size(), profile_.sample_types.size()));
    }
    return std::move(profile_);
  }

 private:
  template <class Visit>
  void each_field(Visit visit) {
    protozero::pbf_reader in(bytes_.data(), bytes_.size());
    while (in.next()) {
      protozero::pbf_reader before = in;
      visit(&before);
      in.skip();
    }
  }

  const std::string& text(int64_t index) const {
    if (index < 0 || static_cast<size_t>(index) >= strings_.size())
      throw FormatError(fmt::format("it refers to string {} of {}", index, strings_.size()));
    return strings_[static_cast<size_t>(index)];
  }

  void read_strings() {
    each_field([this](protozero::pbf_reader* in) {
      if (in->tag() == profile_field::kStringTable) strings_.push_back(string_of(in));
    });
  }

  void read_function(protozero::pbf_reader* in) {
    if (in->tag() != profile_field::kFunction) return;
    protozero::pbf_reader message = message_of(in);
    uint64_t id = 0;
    Frame frame;
    while (message.next()) {
      switch (message.tag()) {
        case function_field::kId:
          id = number<uint64_t>(&message);
          break;
        case function_field::kName:
          frame.name = text(number(&message));
          break;
        case function_field::kSystemName:
          frame.system_name = text(number(&message));
          break;
        case function_field::kFilename:
          frame.file = text(number(&message));
          break;
        default:
          message.skip();
      }
    }
    functions_[id] = std::move(frame);
  }

  void read_location(protozero::pbf_reader* in) {
    if (in->tag() != profile_field::kLocation) return;
    protozero::pbf_reader message = message_of(in);
    uint64_t id = 0;
    Location location;
    while (message.next()) {
      switch (message.tag()) {
        case location_field::kId:
          id = number<uint64_t>(&message);
          break;
        case location_field::kAddress:
          location.address = number<uint64_t>(&message);
          break;
        case location_field::kLine:
          location.frames.push_back(read_line(message_of(&message)));
          break;
        default:
          message.skip();
      }
    }
    locations_[id] = profile_.locations.size();
    profile_.locations.push_back(std::move(location));
  }

  Frame read_line(protozero::pbf_reader message) const {
    uint64_t function = 0;
    int64_t line = 0;
    while (message.next()) {
      switch (message.tag()) {
        case line_field::kFunctionId:
          function = number<uint64_t>(&message);
          break;
        case line_field::kLine:
          line = number(&message);
          break;
        default:
          message.skip();
      }
    }
    const auto found = functions_.find(function);
    if (found == functions_.end())
      throw FormatError(fmt::format("it refers to function {}, which it does not have", function));
    Frame frame = found->second;
    frame.line = line;
    return frame;
  }

  void read_rest(protozero::pbf_reader* in) {
    switch (in->tag()) {
      case profile_field::kSampleType:
        profile_.sample_types.push_back(read_value_type(message_of(in)));
        break;
      case profile_field::kSample:
        profile_.samples.push_back(read_sample(message_of(in)));
        break;
      case profile_field::kTimeNanos:
        profile_.time_ns = number(in);
        break;
      case profile_field::kDurationNanos:
        profile_.duration_ns = number(in);
        break;
      case profile_field::kPeriodType:
        profile_.period_type = read_value_type(message_of(in));
        break;
      case profile_field::kPeriod:
        profile_.period = number(in);
        break;
      case profile_field::kComment: {
        std::vector<int64_t> comments;
        append_numbers(in, &comments);
        for (const int64_t comment : comments) profile_.comments.push_back(text(comment));
        break;
      }
      case profile_field::kDefaultSampleType:
        profile_.default_sample_type = text(number(in));
        break;
      default:
        break;
    }
  }

  ValueType read_value_type(protozero::pbf_reader message) const {
    ValueType type;
    while (message.next()) {
      switch (message.tag()) {
        case value_type_field::kType:
          type.type = text(number(&message));
          break;
        case value_type_field::kUnit:
          type.unit = text(number(&message));
          break;
        default:
          message.skip();
      }
    }
    return type;
  }

  Sample read_sample(protozero::pbf_reader message) const {
    Sample sample;
    std::vector<uint64_t> ids;
    while (message.next()) {
      switch (message.tag()) {
        case sample_field::kLocationId:
          append_numbers(&message, &ids);
          break;
        case sample_field::kValue:
          append_numbers(&message, &sample.values);
          break;
        case sample_field::kLabel:
          read_label(message_of(&message), &sample);
          break;
        default:
          message.skip();
      }
    }
    for (const uint64_t id : ids) {
      const auto found = locations_.find(id);
      if (found == locations_.end())
        throw FormatError(fmt::format("it refers to location {}, which it does not have", id));
      sample.locations.push_back(found->second);
    }
    return sample;
  }

  void read_label(protozero::pbf_reader message, Sample* sample) const {
    std::string key, value, unit;
    int64_t count = 0;
    while (message.next()) {
      switch (message.tag()) {
        case label_field::kKey:
          key = text(number(&message));
          break;
        case label_field::kStr:
          value = text(number(&message));
          break;
        case label_field::kNum:
          count = number(&message);
          break;
        case label_field::kNumUnit:
          unit = text(number(&message));
          break;
        default:
          message.skip();
      }
    }
    if (!value.empty()) {
      sample->labels.emplace_back(std::move(key), std::move(value));
    } else {
      sample->numbers.push_back({std::move(key), count, std::move(unit)});
    }
  }

  const std::string_view bytes_;
  Profile profile_;
  std::vector<std::string> strings_;
  std::unordered_map<uint64_t, Frame> functions_;
  std::unordered_map<uint64_t, size_t> locations_;
};

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

}  // namespace

Profile decode(std::string_view bytes) try {
  if (bytes.empty()) throw FormatError("it is empty");
  const std::string unpacked = is_gzip(bytes) ? gunzip(bytes) : std::string(bytes);
  return Decoder(unpacked)();
} catch (const protozero::exception&) {
  throw FormatError("it is no protocol buffer of a profile");
}

Profile read_file(const std::string& path) try {
  const File file(std::fopen(path.c_str(), "rb"));
  if (file == nullptr) throw file_error(path, "cannot be read", errno);
  std::string bytes;
  std::array<char, 1 << 16> piece;
  while (const size_t count = std::fread(piece.data(), 1, piece.size(), file.get()))
    bytes.append(piece.data(), count);
  if (std::ferror(file.get()) != 0) throw file_error(path, "cannot be read", errno);
  return decode(bytes);
} catch (const FormatError& error) {
  throw FileError(fmt::format(
      "{}: not a profile: {}; greyhound pprof reads what --heapprofile, --cpuprofile or Go wrote",
      path, error.what()));
}

}  // namespace greyhound::pprof
