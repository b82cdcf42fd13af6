// SPDX-License-Identifier: MIT
// Profiles as bytes: what is written and read, and what other producers write, who are free in much
// and wrong now and then.
#include <gtest/gtest.h>

#include <string>

#include "runtime/watch/pprof/gzip.h"
#include "runtime/watch/pprof/profile.h"
#include "tests/tools/raw_profile.h"
#include "tests/tools/small_profile.h"
#include "tools/pprof/field_reader.h"
#include "tools/pprof/profile_decode.h"

namespace greyhound::pprof {
namespace {

using testing::error_of;
using testing::folded;
using testing::gzip_member;
using testing::RawProfile;
using testing::small_profile;

TEST(ProfileFormat, WhatIsWrittenIsRead) {
  const Profile written = small_profile();
  const Profile read = decode(encode(written));
  EXPECT_EQ(read.sample_types, written.sample_types);
  EXPECT_EQ(read.default_sample_type, written.default_sample_type);
  EXPECT_EQ(read.period_type, written.period_type);
  EXPECT_EQ(read.period, written.period);
  EXPECT_EQ(read.time_ns, written.time_ns);
  EXPECT_EQ(read.comments, written.comments);
  ASSERT_EQ(read.locations.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(read.locations[i].address, written.locations[i].address);
    EXPECT_EQ(read.locations[i].frames, written.locations[i].frames);
  }
  ASSERT_EQ(read.samples.size(), 2u);
  EXPECT_EQ(read.samples[0].locations, (std::vector<size_t>{0, 1}));
  EXPECT_EQ(read.samples[0].values, (std::vector<int64_t>{2, 2048}));
  EXPECT_EQ(read.samples[0].labels, written.samples[0].labels);
  ASSERT_EQ(read.samples[0].numbers.size(), 1u);
  EXPECT_EQ(read.samples[0].numbers[0].value, 1024);
}

TEST(ProfileFormat, EveryTruncationIsAnErrorAndNothingWorse) {
  const std::string bytes = encode(small_profile());
  for (size_t length = 0; length < bytes.size(); ++length)
    EXPECT_THROW(decode(std::string_view(bytes).substr(0, length)), FormatError) << length;
}

TEST(ProfileFormat, NoDamagedByteIsWorseThanAnError) {
  // Unpacked: gzip's checksum would catch everything.
  const std::string unpacked = std::string("\x32\x00\x32\x01") + "a" + "\x32\x01" + "b" +
                               std::string("\x0a\x04\x08\x01\x10\x02", 6) +
                               std::string("\x2a\x04\x08\x01\x10\x01", 6) +
                               std::string("\x22\x08\x08\x01\x22\x04\x08\x01\x10\x05", 10) +
                               std::string("\x12\x06\x0a\x01\x01\x12\x01\x07", 8);
  const std::string whole = std::string("\x32\x00", 2) + unpacked.substr(1);
  for (size_t at = 0; at < whole.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      try {
        decode(damaged);
      } catch (const FormatError&) {
      }
    }
  }
}

TEST(ProfileFormat, WhatIsNoProfileIsSaidToBeNone) {
  EXPECT_THROW(decode(""), FormatError);
  EXPECT_THROW(decode("hello, world"), FormatError);
  EXPECT_THROW(decode(std::string("\x1f\x8b\x08nonsense")), FormatError);
}

TEST(ProfileFormat, AFileOfSeveralMembersIsWhole) {
  const std::string bytes = RawProfile("cpu", "nanoseconds").stack({"main", "f"}, {7}).unpacked();
  for (size_t at = 0; at <= bytes.size(); at += 7) {
    const std::string two = gzip_member(bytes.substr(0, at)) + gzip_member(bytes.substr(at));
    EXPECT_EQ(folded(two), "main;f 7\n") << at;
  }
  // The first of these is a whole profile by itself.
  RawProfile more("cpu", "nanoseconds");
  more.stack({"main", "f"}, {7});
  const std::string one = more.unpacked();
  const std::string second = testing::bytes_field(
      2, testing::bytes_field(1, testing::varint(1)) + testing::bytes_field(2, testing::varint(9)));
  EXPECT_EQ(folded(gzip_member(one) + gzip_member(second)), "f 9\nmain;f 7\n");
}

TEST(ProfileFormat, WhatFollowsTheLastMemberIsAnError) {
  const std::string packed = RawProfile("cpu", "nanoseconds").stack({"main"}, {7}).packed();
  for (const std::string& rest :
       {std::string("garbage"), std::string(512, '\0'), packed.substr(0, 1)})
    EXPECT_NE(error_of([&] { decode(packed + rest); }).find("none of it"), std::string::npos);
  for (size_t length = 2; length < packed.size(); ++length)
    EXPECT_THROW(decode(packed + packed.substr(0, length)), FormatError) << length;
}

TEST(ProfileFormat, WhatUnpacksWithoutEndIsAnError) {
  const std::string zeros = gzip_member(std::string(8 << 20, '\0'));
  EXPECT_EQ(gunzip(zeros + zeros, 16 << 20).size(), size_t{16} << 20);
  EXPECT_EQ(error_of([&] { gunzip(zeros + zeros, 15 << 20); }), "it unpacks to more than 15 MiB");
}

TEST(ProfileFormat, AnIdIsThereOnce) {
  const std::string types = "cpu";
  const auto error = [](auto change) {
    RawProfile raw("cpu", "nanoseconds");
    raw.mapping(3, "/bin/app").function(5, "f").location(9, {5}, 0, 3).sample({9}, {1});
    change(raw);
    return error_of([&] { decode(raw.unpacked()); });
  };
  EXPECT_EQ(error([](RawProfile&) {}), "");
  EXPECT_EQ(error([](RawProfile& raw) { raw.function(5, "g"); }), "it has two functions of id 5");
  EXPECT_EQ(error([](RawProfile& raw) { raw.location(9, {5}); }), "it has two locations of id 9");
  EXPECT_EQ(error([](RawProfile& raw) { raw.mapping(3, "b"); }), "it has two mappings of id 3");
  EXPECT_EQ(error([](RawProfile& raw) { raw.function(0, "g"); }),
            "it has a function of id 0, which stands for none");
  EXPECT_EQ(error([](RawProfile& raw) { raw.location(0, {5}); }),
            "it has a location of id 0, which stands for none");
  EXPECT_EQ(error([](RawProfile& raw) { raw.location(10, {6}); }),
            "it refers to function 6, which it does not have");
  EXPECT_EQ(error([](RawProfile& raw) { raw.location(10, {5}, 0, 77); }), "")
      << "of an unknown mapping there is no name, as with google/pprof";
}

TEST(ProfileFormat, SeveralInARowAreSaidToBeSeveral) {
  const std::string one = RawProfile("cpu", "nanoseconds").stack({"main"}, {1}).packed();
  EXPECT_NE(error_of([&] { decode(one + one); }).find("several profiles"), std::string::npos);
}

TEST(ProfileFormat, ProducersAreFree) {
  const uint64_t large = UINT64_MAX - 1;
  RawProfile raw("cpu", "nanoseconds");
  raw.sample({large, 2}, {5}, {}, false)
      .sample({2}, {1}, {}, true)
      .location(large, {large - 1}, large, large)
      .location(2, {7})
      .function(large - 1, "f")
      .function(7, "main")
      .mapping(large, "/bin/app")
      .add(200, "a field of some later day")
      .add_number(201, 1)
      .add_number(15, raw.text("https://example.org/what-it-is"));
  EXPECT_EQ(folded(raw.unpacked()), "main 1\nmain;f 5\n");
  EXPECT_EQ(folded(raw.packed()), "main 1\nmain;f 5\n");
}

TEST(ProfileFormat, ALabelIsATextOrANumber) {
  RawProfile raw("cpu", "nanoseconds");
  raw.stack({"main"}, {1},
            {raw.label("tenant", "a"), raw.label("tenant", "b"), raw.number_label("size", 0),
             raw.number_label("size", 0, "bytes"), raw.number_label("size", 7)});
  const Sample sample = decode(raw.unpacked()).samples.at(0);
  EXPECT_EQ(sample.labels,
            (std::vector<std::pair<std::string, std::string>>{{"tenant", "a"}, {"tenant", "b"}}));
  ASSERT_EQ(sample.numbers.size(), 2u) << "without text, number and unit it is none";
  EXPECT_EQ(sample.numbers[0].unit, "bytes");
  EXPECT_EQ(sample.numbers[1].value, 7);
}

TEST(ProfileFormat, OtherFormatsAreNamedWithWhatToDo) {
  const auto says = [](const std::string& bytes, const std::string& what) {
    const std::string error = error_of([&] { decode(bytes); });
    EXPECT_NE(error.find(what), std::string::npos) << error;
    EXPECT_NE(error.find("; "), std::string::npos) << error;
  };
  says("heap profile: 4: 80 [14: 8000] @ heap/1048576\n4: 80 [4: 80] @ 0x1 0x2\n",
       "heap profile as text");
  says("goroutine profile: total 3\n1 @ 0x1 0x2\n", "counts as text");
  says("goroutine 1 [running]:\nmain.main()\n", "goroutines as text");
  says("--- mutex:\ncycles/second=1\n", "mutex profile as text");
  std::string cpu(40, '\0');
  cpu[8] = 3;
  cpu[24] = 100;
  says(cpu + std::string(24, '\1'), "gperftools' CPU profile");
  std::string narrow(20, '\0');  // 32 bits, the other order
  narrow[7] = 3;
  narrow[15] = 100;
  says(narrow + std::string(24, '\1'), "gperftools' CPU profile");
  says("main;f 3\nmain;g 4\n", "folded stacks");
  says("<!doctype html><p>no", "HTML");
  says("{\"nodes\": []}", "JSON");
  says("PERFILE2........", "perf.data");
  says(gzip_member("heap profile: 4: 80 [14: 8000] @ heap/1048576\n"), "heap profile as text");
}

TEST(ProfileFormat, LargeThingsThatSmallFilesStandForAreRefused) {
  RawProfile raw("cpu", "nanoseconds");
  raw.function(1, std::string(1 << 20, 'x'));
  raw.location(1, std::vector<uint64_t>(1 << 14, 1));  // 16 GiB of names
  raw.sample({1}, {1});
  EXPECT_NE(error_of([&] { decode(raw.unpacked()); }).find("2 GiB"), std::string::npos);

  RawProfile inlined("cpu", "nanoseconds");
  inlined.function(1, "f").location(1, std::vector<uint64_t>(10'000, 1));
  inlined.sample(std::vector<uint64_t>(50'000, 1), {1});  // 500 million frames
  const Profile profile = decode(inlined.unpacked());
  EXPECT_NE(error_of([&] { view_of(profile, {}); }).find("frames"), std::string::npos);
}

// A byte each in the file, eight in memory.
TEST(ProfileFormat, PackedNumbersAreCountedBeforeTheyAreKept) {
  const std::string ids = testing::bytes_field(1, std::string(1000, '\1'));
  const std::string one_by_one = testing::number_field(1, 1) + testing::number_field(1, 1);
  const auto kept = [](const std::string& message, size_t budget) {
    Budget left(budget);
    std::vector<uint64_t> numbers;
    protozero::pbf_reader in(message);
    try {
      while (in.next()) append_numbers(&in, &numbers, &left);
    } catch (const FormatError& error) {
      EXPECT_NE(std::string(error.what()).find("2 GiB"), std::string::npos);
    }
    return numbers.size();
  };
  EXPECT_EQ(kept(ids, 8000), 1000u);
  EXPECT_EQ(kept(ids, 7999), 999u);
  EXPECT_EQ(kept(ids, 80), 10u);
  EXPECT_EQ(kept(one_by_one, 16), 2u);
  EXPECT_EQ(kept(one_by_one, 15), 1u);
}

TEST(ProfileFormat, SampleTypesAreNotWithoutNumber) {
  RawProfile most(RawProfile::Pairs(1000, {"cpu", "nanoseconds"}));
  most.stack({"main"}, std::vector<int64_t>(1000, 1));
  EXPECT_EQ(decode(most.unpacked()).sample_types.size(), 1000u);
  const RawProfile more(RawProfile::Pairs(100'000, {"cpu", "nanoseconds"}));
  EXPECT_EQ(error_of([&] { decode(more.unpacked()); }), "it names more than 1000 sample types");
}

TEST(ProfileFormat, FunctionsOfOneNameAreShownAsOne) {
  RawProfile raw("cpu", "nanoseconds");
  for (uint64_t id = 1; id <= 3; ++id)
    raw.function(id, id == 3 ? "" : "_ZN3app3runEv", "_ZN3app3runEv").location(id, {id});
  raw.sample({1}, {1}).sample({2}, {2}).sample({3}, {4});
  EXPECT_EQ(folded(raw.unpacked()), "app::run 7\n");
}

}  // namespace
}  // namespace greyhound::pprof
