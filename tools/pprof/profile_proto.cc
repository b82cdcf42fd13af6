// SPDX-License-Identifier: MIT
// The file format: field numbers are those of google/pprof's proto/profile.proto.
#include <fmt/format.h>
#include <zlib.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <map>
#include <memory>
#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>
#include <unordered_map>

#include "tools/pprof/profile.h"

namespace greyhound::pprof {
namespace {

namespace profile_field {
enum : protozero::pbf_tag_type {
  kSampleType = 1,
  kSample = 2,
  kMapping = 3,
  kLocation = 4,
  kFunction = 5,
  kStringTable = 6,
  kTimeNanos = 9,
  kDurationNanos = 10,
  kPeriodType = 11,
  kPeriod = 12,
  kComment = 13,
  kDefaultSampleType = 14,
};
}
namespace value_type_field {
enum : protozero::pbf_tag_type { kType = 1, kUnit = 2 };
}
namespace sample_field {
enum : protozero::pbf_tag_type { kLocationId = 1, kValue = 2, kLabel = 3 };
}
namespace label_field {
enum : protozero::pbf_tag_type { kKey = 1, kStr = 2, kNum = 3, kNumUnit = 4 };
}
namespace mapping_field {
enum : protozero::pbf_tag_type {
  kId = 1,
  kMemoryStart = 2,
  kMemoryLimit = 3,
  kFilename = 5,
  kHasFunctions = 7,
  kHasFilenames = 8,
  kHasLineNumbers = 9,
  kHasInlineFrames = 10
};
}
namespace location_field {
enum : protozero::pbf_tag_type { kId = 1, kMappingId = 2, kAddress = 3, kLine = 4 };
}
namespace line_field {
enum : protozero::pbf_tag_type { kFunctionId = 1, kLine = 2 };
}
namespace function_field {
enum : protozero::pbf_tag_type { kId = 1, kName = 2, kSystemName = 3, kFilename = 4 };
}

// A file larger than this, unpacked, is no profile of ours or of Go's.
constexpr size_t kMostBytes = size_t{1} << 30;

// --- gzip ----------------------------------------------------------------------------------------

constexpr int kGzip = 15 + 16;
constexpr int kGzipOrZlib = 15 + 32;

std::string compress(const std::string& bytes) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY) !=
      Z_OK)
    throw std::bad_alloc();
  std::string packed(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  const int status = deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  if (status != Z_STREAM_END) throw std::bad_alloc();
  return packed;
}

std::string decompress(std::string_view packed) {
  z_stream stream{};
  if (inflateInit2(&stream, kGzipOrZlib) != Z_OK) throw std::bad_alloc();
  const std::unique_ptr<z_stream, int (*)(z_stream*)> ending(&stream, inflateEnd);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string bytes;
  std::array<char, 1 << 16> piece;
  int status = Z_OK;
  while (status == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = piece.size();
    status = inflate(&stream, Z_NO_FLUSH);
    bytes.append(piece.data(), piece.size() - stream.avail_out);
    if (bytes.size() > kMostBytes) throw FormatError("it unpacks to more than 1 GiB");
    if (status == Z_BUF_ERROR || (status == Z_OK && stream.avail_in == 0 && stream.avail_out != 0))
      throw FormatError("it is cut short");
  }
  if (status != Z_STREAM_END) throw FormatError("its compressed data is damaged");
  return bytes;
}

bool is_gzip(std::string_view bytes) { return bytes.starts_with("\x1f\x8b"); }

// --- writing -------------------------------------------------------------------------------------

// Messages with indices into the string table, which is complete, and written, at the end.
class Encoder {
 public:
  explicit Encoder(const Profile& profile) : profile_(profile) { string_index(""); }

  std::string operator()() {
    using namespace profile_field;
    for (const ValueType& type : profile_.sample_types) add_value_type(kSampleType, type);
    for (const Sample& sample : profile_.samples) add_sample(sample);
    add_mapping();
    for (size_t i = 0; i < profile_.locations.size(); ++i) add_location(i);
    out_.add_int64(kTimeNanos, profile_.time_ns);
    out_.add_int64(kDurationNanos, profile_.duration_ns);
    if (!profile_.period_type.type.empty()) add_value_type(kPeriodType, profile_.period_type);
    out_.add_int64(kPeriod, profile_.period);
    std::vector<int64_t> comments;
    for (const std::string& comment : profile_.comments) comments.push_back(string_index(comment));
    out_.add_packed_int64(kComment, comments.begin(), comments.end());
    if (!profile_.default_sample_type.empty())
      out_.add_int64(kDefaultSampleType, string_index(profile_.default_sample_type));
    for (const std::string* text : strings_) out_.add_string(kStringTable, *text);
    return std::move(bytes_);
  }

 private:
  int64_t string_index(const std::string& text) {
    const auto [entry, fresh] = indices_.try_emplace(text, static_cast<int64_t>(strings_.size()));
    if (fresh) strings_.push_back(&entry->first);
    return entry->second;
  }

  void add_value_type(protozero::pbf_tag_type field, const ValueType& type) {
    const int64_t name = string_index(type.type), unit = string_index(type.unit);
    protozero::pbf_writer message(out_, field);
    message.add_int64(value_type_field::kType, name);
    message.add_int64(value_type_field::kUnit, unit);
  }

  void add_sample(const Sample& sample) {
    protozero::pbf_writer message(out_, profile_field::kSample);
    std::vector<uint64_t> ids;
    for (const size_t index : sample.locations) ids.push_back(index + 1);
    message.add_packed_uint64(sample_field::kLocationId, ids.begin(), ids.end());
    message.add_packed_int64(sample_field::kValue, sample.values.begin(), sample.values.end());
    for (const auto& [key, value] : sample.labels) {
      protozero::pbf_writer label(message, sample_field::kLabel);
      label.add_int64(label_field::kKey, string_index(key));
      label.add_int64(label_field::kStr, string_index(value));
    }
    for (const NumberLabel& number : sample.numbers) {
      protozero::pbf_writer label(message, sample_field::kLabel);
      label.add_int64(label_field::kKey, string_index(number.key));
      label.add_int64(label_field::kNum, number.value);
      label.add_int64(label_field::kNumUnit, string_index(number.unit));
    }
  }

  // One for all: whoever reads the file is to believe the names in it and not to look for a binary.
  void add_mapping() {
    protozero::pbf_writer message(out_, profile_field::kMapping);
    message.add_uint64(mapping_field::kId, 1);
    message.add_uint64(mapping_field::kMemoryStart, 0);
    message.add_uint64(mapping_field::kMemoryLimit, UINT64_MAX);
    for (const auto field : {mapping_field::kHasFunctions, mapping_field::kHasFilenames,
                             mapping_field::kHasLineNumbers, mapping_field::kHasInlineFrames})
      message.add_bool(field, true);
  }

  void add_location(size_t index) {
    const Location& location = profile_.locations[index];
    std::vector<uint64_t> functions;
    for (const Frame& frame : location.frames) functions.push_back(function_id(frame));
    protozero::pbf_writer message(out_, profile_field::kLocation);
    message.add_uint64(location_field::kId, index + 1);
    message.add_uint64(location_field::kMappingId, 1);
    message.add_uint64(location_field::kAddress, location.address);
    for (size_t i = 0; i < functions.size(); ++i) {
      protozero::pbf_writer line(message, location_field::kLine);
      line.add_uint64(line_field::kFunctionId, functions[i]);
      line.add_int64(line_field::kLine, location.frames[i].line);
    }
  }

  // Writes the function where it is new.
  uint64_t function_id(const Frame& frame) {
    const auto [entry, fresh] =
        functions_.try_emplace({frame.name, frame.system_name, frame.file}, functions_.size() + 1);
    if (!fresh) return entry->second;
    const int64_t name = string_index(frame.name);
    const int64_t system_name = string_index(frame.system_name);
    const int64_t file = string_index(frame.file);
    protozero::pbf_writer message(out_, profile_field::kFunction);
    message.add_uint64(function_field::kId, entry->second);
    message.add_int64(function_field::kName, name);
    message.add_int64(function_field::kSystemName, system_name);
    message.add_int64(function_field::kFilename, file);
    return entry->second;
  }

  const Profile& profile_;
  std::string bytes_;
  protozero::pbf_writer out_{bytes_};
  std::unordered_map<std::string, int64_t> indices_;
  std::vector<const std::string*> strings_;
  std::map<std::array<std::string, 3>, uint64_t> functions_;
};

// --- reading -------------------------------------------------------------------------------------

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

std::string encode(const Profile& profile) { return compress(Encoder(profile)()); }

Profile decode(std::string_view bytes) try {
  if (bytes.empty()) throw FormatError("it is empty");
  const std::string unpacked = is_gzip(bytes) ? decompress(bytes) : std::string(bytes);
  return Decoder(unpacked)();
} catch (const protozero::exception&) {
  throw FormatError("it is no protocol buffer of a profile");
}

void write_file(const Profile& profile, const std::string& path) {
  write_whole_file(path, encode(profile));
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
