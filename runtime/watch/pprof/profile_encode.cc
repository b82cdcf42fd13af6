// SPDX-License-Identifier: MIT
// A profile as the file format has it.
#include <array>
#include <map>
#include <protozero/pbf_writer.hpp>
#include <unordered_map>

#include "runtime/watch/pprof/gzip.h"
#include "runtime/watch/pprof/profile.h"
#include "runtime/watch/pprof/proto_fields.h"

namespace greyhound::pprof {
namespace {

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

}  // namespace

std::string encode(const Profile& profile) { return gzip(Encoder(profile)()); }

void write_file(const Profile& profile, const std::string& path) {
  write_whole_file(path, encode(profile));
}

}  // namespace greyhound::pprof
