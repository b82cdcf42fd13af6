// SPDX-License-Identifier: MIT
#include "tools/pprof/profile_decode.h"

// A profile from the file format, whatever the file says: what google/pprof refuses is refused (its
// profile.CheckValid), frames have the names that they are shown by, and those that the profile
// itself wants left out are.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <protozero/pbf_reader.hpp>
#include <unordered_map>

#include "runtime/watch/pprof/gzip.h"
#include "runtime/watch/pprof/names.h"
#include "runtime/watch/pprof/profile.h"
#include "runtime/watch/pprof/proto_fields.h"
#include "tools/pprof/drop_frames.h"
#include "tools/pprof/field_reader.h"
#include "tools/pprof/legacy_formats.h"

namespace greyhound::pprof {
namespace {

// Each sample has a value of each. Producers have less than ten.
constexpr size_t kMostSampleTypes = 1000;

size_t size_of(const Frame& frame) {
  return sizeof(Frame) + frame.name.size() + frame.system_name.size() + frame.file.size();
}

// Strings, and what is referred to, may come after what refers to it: one pass over the fields for
// each kind.
class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : bytes_(bytes) {}

  Profile operator()() {
    each_field([this](auto* in) { read_string(in); });
    if (strings_.empty()) throw FormatError("it has no string table");
    if (!strings_.front().empty()) throw FormatError("its string table does not begin with \"\"");
    each_field([this](auto* in) { read_scalar(in); });
    if (profile_.sample_types.empty()) throw FormatError("it names no sample types");
    each_field([this](auto* in) { read_mapping_or_function(in); });
    each_field([this](auto* in) { read_location(in); });
    each_field([this](auto* in) {
      if (in->tag() == profile_field::kSample)
        profile_.samples.push_back(read_sample(message_of(in)));
    });
    drop_frames(&profile_, drop_, keep_);
    name_frames();
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

  // An id, which 0 is not, and which nothing else of its kind has.
  template <class Map, class Value>
  void insert(Map* map, const char* kind, uint64_t id, Value value) const {
    if (id == 0) throw FormatError(fmt::format("it has a {} of id 0, which stands for none", kind));
    if (!map->emplace(id, std::move(value)).second)
      throw FormatError(fmt::format("it has two {}s of id {}{}", kind, id, joined()));
  }

  const std::string& text(int64_t index) const {
    if (index < 0 || static_cast<size_t>(index) >= strings_.size())
      throw FormatError(fmt::format("it refers to string {} of {}", index, strings_.size()));
    return strings_[static_cast<size_t>(index)];
  }

  void read_string(protozero::pbf_reader* in) {
    if (in->tag() != profile_field::kStringTable) return;
    strings_.push_back(string_of(in));
    budget_.spend(sizeof(std::string) + strings_.back().size());
  }

  void read_scalar(protozero::pbf_reader* in) {
    switch (in->tag()) {
      case profile_field::kSampleType:
        if (profile_.sample_types.size() == kMostSampleTypes)
          throw FormatError(fmt::format("it names more than {} sample types", kMostSampleTypes));
        profile_.sample_types.push_back(read_value_type(message_of(in)));
        budget_.spend(sizeof(ValueType));
        break;
      case profile_field::kDropFrames:
        drop_ = text(number(in));
        break;
      case profile_field::kKeepFrames:
        keep_ = text(number(in));
        break;
      case profile_field::kTimeNanos:
        if (profile_.time_ns != 0)
          throw FormatError(
              "it is several profiles, one after the other; `go tool pprof -proto A B "
              ">both.pb.gz` adds two up");
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
        append_numbers(in, &comments, &budget_);
        for (const int64_t comment : comments) {
          profile_.comments.push_back(text(comment));
          budget_.spend(sizeof(std::string) + profile_.comments.back().size());
        }
        break;
      }
      case profile_field::kDefaultSampleType:
        profile_.default_sample_type = text(number(in));
        break;
      default:
        break;
    }
  }

  void read_mapping_or_function(protozero::pbf_reader* in) {
    if (in->tag() == profile_field::kMapping) read_mapping(message_of(in));
    if (in->tag() == profile_field::kFunction) read_function(message_of(in));
  }

  void read_mapping(protozero::pbf_reader message) {
    uint64_t id = 0;
    std::string file;
    while (message.next()) {
      switch (message.tag()) {
        case mapping_field::kId:
          id = number<uint64_t>(&message);
          break;
        case mapping_field::kFilename:
          file = text(number(&message));
          break;
        default:
          message.skip();
      }
    }
    std::string shown = nameless_frame(file);
    budget_.spend(sizeof(Frame) + shown.size());
    insert(&nameless_, "mapping", id, std::move(shown));
  }

  void read_function(protozero::pbf_reader message) {
    uint64_t id = 0;
    int64_t name = 0, system_name = 0;
    Frame frame;
    while (message.next()) {
      switch (message.tag()) {
        case function_field::kId:
          id = number<uint64_t>(&message);
          break;
        case function_field::kName:
          name = number(&message);
          break;
        case function_field::kSystemName:
          system_name = number(&message);
          break;
        case function_field::kFilename:
          frame.file = text(number(&message));
          break;
        default:
          message.skip();
      }
    }
    frame.name = shown_once(name, system_name);
    frame.system_name = text(system_name);
    budget_.spend(size_of(frame));
    insert(&functions_, "function", id, std::move(frame));
  }

  // Once for all functions that have both, as demangling is work.
  const std::string& shown_once(int64_t name, int64_t system_name) {
    const auto [entry, fresh] = shown_.try_emplace({name, system_name});
    if (fresh) {
      entry->second = shown_name(text(name), text(system_name));
      budget_.spend(sizeof(*entry) + entry->second.size());
    }
    return entry->second;
  }

  void read_location(protozero::pbf_reader* in) {
    if (in->tag() != profile_field::kLocation) return;
    protozero::pbf_reader message = message_of(in);
    uint64_t id = 0, mapping = 0;
    Location location;
    while (message.next()) {
      switch (message.tag()) {
        case location_field::kId:
          id = number<uint64_t>(&message);
          break;
        case location_field::kMappingId:
          mapping = number<uint64_t>(&message);
          break;
        case location_field::kAddress:
          location.address = number<uint64_t>(&message);
          break;
        case location_field::kLine:
          location.frames.push_back(read_line(message_of(&message)));
          budget_.spend(size_of(location.frames.back()));
          break;
        default:
          message.skip();
      }
    }
    budget_.spend(sizeof(Location) + sizeof(uint64_t));
    insert(&locations_, "location", id, profile_.locations.size());
    profile_.locations.push_back(std::move(location));
    mappings_.push_back(mapping);
  }

  // A frame without a name is one of the file that is mapped there; addresses are other ones in the
  // next run.
  void name_frames() {
    for (size_t at = 0; at < mappings_.size(); ++at) {
      Location& location = profile_.locations[at];
      const auto found = nameless_.find(mappings_[at]);
      const std::string name = found == nameless_.end() ? nameless_frame("") : found->second;
      if (location.frames.empty()) location.frames.emplace_back();
      for (Frame& frame : location.frames) {
        if (!frame.name.empty()) continue;
        frame.name = name;
        budget_.spend(sizeof(Frame) + name.size());
      }
    }
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

  Sample read_sample(protozero::pbf_reader message) {
    Sample sample;
    while (message.next()) {
      switch (message.tag()) {
        case sample_field::kLocationId:
          append_numbers(&message, &sample.locations, &budget_);
          break;
        case sample_field::kValue:
          append_numbers(&message, &sample.values, &budget_);
          break;
        case sample_field::kLabel:
          read_label(message_of(&message), &sample);
          break;
        default:
          message.skip();
      }
    }
    if (sample.values.size() != profile_.sample_types.size()) wrong_values(sample.values.size());
    budget_.spend(sizeof(Sample));
    for (size_t& location : sample.locations) {
      const auto found = locations_.find(location);
      if (found == locations_.end())
        throw FormatError(
            fmt::format("it refers to location {}, which it does not have", location));
      location = found->second;
    }
    return sample;
  }

  [[noreturn]] void wrong_values(size_t count) const {
    throw FormatError(fmt::format("a sample has {} values for {} sample types{}", count,
                                  profile_.sample_types.size(), joined()));
  }

  // Each table of strings begins with an empty one, and no other is.
  std::string joined() const {
    const bool several = std::ranges::count(strings_, "") > 1;
    return several ? ": it may be several profiles, one after the other" : "";
  }

  // A text, or a number: as google/pprof, one that is 0 and has no unit is none.
  void read_label(protozero::pbf_reader message, Sample* sample) {
    int64_t key = 0, value = 0, count = 0, unit = 0;
    while (message.next()) {
      switch (message.tag()) {
        case label_field::kKey:
          key = number(&message);
          break;
        case label_field::kStr:
          value = number(&message);
          break;
        case label_field::kNum:
          count = number(&message);
          break;
        case label_field::kNumUnit:
          unit = number(&message);
          break;
        default:
          message.skip();
      }
    }
    budget_.spend(sizeof(NumberLabel) + text(key).size() + text(value).size() + text(unit).size());
    if (value != 0) {
      sample->labels.emplace_back(text(key), text(value));
    } else if (count != 0 || unit != 0) {
      sample->numbers.push_back({text(key), count, text(unit)});
    }
  }

  const std::string_view bytes_;
  Budget budget_;
  Profile profile_;
  std::string drop_, keep_;
  std::vector<std::string> strings_;
  std::unordered_map<uint64_t, std::string> nameless_;  // by mapping: what its frames are called
  std::map<std::pair<int64_t, int64_t>, std::string> shown_;  // by name and system name
  std::unordered_map<uint64_t, Frame> functions_;
  std::unordered_map<uint64_t, size_t> locations_;
  std::vector<uint64_t> mappings_;  // by location
};

Profile decode_unpacked(std::string_view bytes) try {
  if (bytes.empty()) throw FormatError("it is empty");
  return Decoder(bytes)();
} catch (const protozero::exception&) {
  refuse_other_formats(bytes);
  throw FormatError("it is no protocol buffer of a profile");
} catch (const FormatError&) {
  refuse_other_formats(bytes);
  throw;
}

}  // namespace

Profile decode(std::string_view bytes) {
  return is_gzip(bytes) ? decode_unpacked(gunzip(bytes)) : decode_unpacked(bytes);
}

}  // namespace greyhound::pprof
