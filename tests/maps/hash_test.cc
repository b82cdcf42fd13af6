// SPDX-License-Identifier: MIT
// The hash functions: equal keys hash equal, seeds matter, and the parts of a hash that maps use
// (low bits for the bucket, top byte for tophash) are spread for keys as programs have them.
#include "maps/hash.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "maps/bmap.h"
#include "tests/maps/fixture.h"

namespace greyhound::maps {
namespace {

class HashTest : public MapsTest {
 protected:
  static constexpr size_t kBuckets = 4096;
  static constexpr size_t kKeys = kBuckets * 13 / 2;

  // What hashing costs a map at its highest load: overflow buckets per bucket, and how often a
  // tophash byte matches a key that is another.
  struct Cost {
    double overflow = 0;
    double false_match = 0;
  };
  template <class Hash>
  static Cost cost(Hash hash) {
    std::vector<size_t> buckets(kBuckets), tops(256);
    for (size_t i = 0; i < kKeys; ++i) {
      const uint64_t h = hash(i);
      ++buckets[h % kBuckets];
      ++tops[h >> 56];
    }
    Cost cost;
    for (size_t keys : buckets)
      cost.overflow += keys > 8 ? static_cast<double>((keys - 1) / 8) / kBuckets : 0;
    for (size_t keys : tops) cost.false_match += static_cast<double>(keys * keys) / (kKeys * kKeys);
    return cost;
  }

  // Random numbers cost 0.22 and 1/256. On the average of maps, that is of seeds, no pattern of
  // keys costs noticeably more. For one map it may: there is a seed in some thousands under which
  // an arithmetic progression crowds, and then it must stay harmless. The seeds are the same in
  // every run, evenly over all that there are: under some patterns maps cost either nothing or
  // twice the average, so that the average of a few random seeds says little.
  template <class Hash>  // uint64_t(size_t key, uint64_t seed)
  static void expect_spread(const std::string& what, uint32_t seeds, Hash hash) {
    Cost sum;
    for (uint32_t i = 0; i < seeds; ++i) {
      const uint64_t seed = i * 0x9e3779b9u;
      const Cost found = cost([&](size_t key) { return hash(key, seed); });
      EXPECT_LT(found.overflow, 0.4) << what << ", seed " << seed;
      EXPECT_LT(found.false_match, 3.0 / 256) << what << ", seed " << seed;
      sum.overflow += found.overflow;
      sum.false_match += found.false_match;
    }
    EXPECT_LT(sum.overflow / seeds, 0.25) << what;
    EXPECT_LT(sum.false_match / seeds, 1.1 / 256) << what;
  }
};

TEST_F(HashTest, IntegersOfEveryStrideSpread) {
  const auto expect = [](const std::string& what, auto hash) { expect_spread(what, 64, hash); };
  for (unsigned shift = 0; shift < 49; ++shift) {
    expect("i << " + std::to_string(shift),
           [=](size_t i, uint64_t seed) { return hash_int64(i << shift, seed); });
  }
  for (uint64_t stride : {3u, 10u, 25u, 100u, 1000u, 7919u, 10000u, 65537u, 1000000007u}) {
    expect("i * " + std::to_string(stride),
           [=](size_t i, uint64_t seed) { return hash_int64(i * stride, seed); });
  }
  expect("doubles",
         [](size_t i, uint64_t seed) { return hash_float64(static_cast<double>(i), seed); });
  expect("two halves",
         [](size_t i, uint64_t seed) { return hash_int64((i & 0xff) << 32 | i >> 8, seed); });
}

// Two mixings: one seed is like another.
TEST_F(HashTest, StringsOfEveryLengthSpread) {
  const auto expect = [](const char* what, auto text) {
    std::vector<std::string> texts;
    for (size_t i = 0; i < kKeys; ++i) texts.push_back(text(i));
    expect_spread(what, 16, [&](size_t i, uint64_t seed) {
      return hash_string(texts[i].data(), texts[i].size(), seed);
    });
  };
  const auto padded = [](size_t i, size_t to) {
    const std::string digits = std::to_string(i);
    return std::string(to - std::min(to, digits.size()), '0') + digits;
  };
  for (size_t width = 5; width < 100; width += 5) {
    expect("zero-padded numbers", [&](size_t i) { return padded(i, width); });
    expect("numbers first", [&](size_t i) { return padded(i, 5) + std::string(width, '0'); });
  }
}

TEST_F(HashTest, FlippingAnyBitFlipsAboutHalfOfTheHash) {
  constexpr int kTrials = 2000;
  for (unsigned bit = 0; bit < 64; ++bit) {
    int flipped = 0;
    int low = 0;  // of the 16 lowest
    for (int i = 0; i < kTrials; ++i) {
      const uint64_t key = random_();
      const uint64_t difference = hash_int64(key, 7) ^ hash_int64(key ^ uint64_t{1} << bit, 7);
      flipped += __builtin_popcountll(difference);
      low += __builtin_popcountll(difference & 0xffff);
    }
    EXPECT_NEAR(static_cast<double>(flipped) / kTrials, 32, 4) << bit;
    EXPECT_NEAR(static_cast<double>(low) / kTrials, 8, 2.5) << bit;
  }
}

TEST_F(HashTest, EqualBytesAtAnyAddressHashEqualAndNothingElseIsRead) {
  for (size_t size = 0; size < 200; ++size) {
    // Exactly `size` bytes: AddressSanitizer sees one too many.
    std::unique_ptr<char[]> exact(new char[size]);
    std::vector<char> shifted(size + 1);
    for (size_t i = 0; i < size; ++i) exact[i] = shifted[i + 1] = static_cast<char>(random_());
    ASSERT_EQ(hash_bytes(exact.get(), size, 5), hash_bytes(shifted.data() + 1, size, 5)) << size;
  }
}

TEST_F(HashTest, EveryByteOfAStringCounts) {
  for (size_t size = 1; size < 200; ++size) {
    std::string text(size, 'a');
    const uint64_t hash = hash_string(text.data(), size, 5);
    for (size_t i = 0; i < size; ++i) {
      text[i] = 'b';
      ASSERT_NE(hash_string(text.data(), size, 5), hash) << size << " " << i;
      text[i] = 'a';
    }
    ASSERT_NE(hash_string(text.data(), size - 1, 5), hash);
  }
}

TEST_F(HashTest, SeedsGiveDifferentHashes) {
  std::set<uint64_t> ints, strings;
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    ints.insert(hash_int64(42, seed));
    strings.insert(hash_string("greyhound", 9, seed));
  }
  EXPECT_EQ(ints.size(), 1000u);
  EXPECT_EQ(strings.size(), 1000u);
}

// With an unseeded factor, a block equal to it would zero the product and hide the rest.
TEST_F(HashTest, NoBlockEqualToAConstantHidesTheOthers) {
  for (uint64_t constant : {kMix0, kMix1, kMix2, uint64_t{0}}) {
    for (size_t words : {2, 3, 4, 5, 8, 9, 16}) {
      for (size_t at = 0; at < words; ++at) {
        std::set<uint64_t> hashes;
        for (uint64_t i = 0; i < 64; ++i) {
          std::vector<uint64_t> text(words, i);
          text[at] = constant;
          hashes.insert(hash_bytes(text.data(), words * 8, 12345));
        }
        ASSERT_EQ(hashes.size(), 64u) << words << " words, constant at " << at;
      }
    }
  }
}

TEST_F(HashTest, PlusAndMinusZeroHashEqual) {
  EXPECT_EQ(hash_float64(0.0, 3), hash_float64(-0.0, 3));
  EXPECT_EQ(hash_float32(0.0f, 3), hash_float32(-0.0f, 3));
}

TEST_F(HashTest, NaNHashesAtRandom) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  std::set<uint64_t> hashes;
  for (int i = 0; i < 100; ++i) hashes.insert(hash_float64(nan, 3));
  EXPECT_GT(hashes.size(), 90u);
}

TEST_F(HashTest, TophashIsNeverAMarker) {
  for (uint64_t top = 0; top < 256; ++top) EXPECT_GE(tophash_of(top << 56), kMinTopHash);
}

TEST_F(HashTest, GroupMasksAgreeWithALoop) {
  for (int trial = 0; trial < 10000; ++trial) {
    bmap bucket;
    for (uint8_t& top : bucket.tophash)
      top = static_cast<uint8_t>(random_() % (trial % 2 ? 8 : 256));
    unsigned match = 0, empty = 0, entries = 0, not_empty = 0;
    for (unsigned i = 0; i < 8; ++i) {
      const uint8_t top = bucket.tophash[i];
      match |= (top == 5) << i;
      empty |= (top <= kEmptyOne) << i;
      entries |= (top >= kMinTopHash) << i;
      not_empty |= (top > kEmptyOne && top != kEvacuatedEmpty) << i;
    }
    const TopGroup group(&bucket);
    ASSERT_EQ(group.match(5), match);
    ASSERT_EQ(group.match_empty(), empty);
    ASSERT_EQ(group.match_entries(), entries);
    ASSERT_EQ(group.match_not_empty(), not_empty);
    ASSERT_EQ(group.ends_chain(), bucket.tophash[7] == kEmptyRest);
  }
}

}  // namespace
}  // namespace greyhound::maps
