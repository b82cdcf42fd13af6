// SPDX-License-Identifier: MIT
#include "tools/stage/map_view.h"

#include <fmt/format.h>

#include "maps/inspect.h"
#include "maps/lookup_inl.h"
#include "maps/map.h"
#include "runtime/iface.h"

namespace greyhound::stage {
namespace {

using Json = nlohmann::ordered_json;
using maps::bmap;
using maps::MapType;
using maps::Slot;

const MapType& type() { return *maps::Map<String, eface>::type(); }

Json flags_json(const maps::hmap& h) {
  constexpr std::pair<maps::HmapFlags, const char*> kFlags[] = {
      {maps::kIterator, "iterator"},
      {maps::kOldIterator, "oldIterator"},
      {maps::kHashWriting, "hashWriting"},
      {maps::kSameSizeGrow, "sameSizeGrow"}};
  Json names = Json::array();
  for (const auto& [flag, name] : kFlags) {
    if (h.has(flag)) names.push_back(name);
  }
  return names;
}

// A slot of a chain that is not evacuated: [key, value], or null when it is empty.
Json entry_json(Slot slot) {
  if (slot.bucket->tophash[slot.index] < maps::kMinTopHash) return nullptr;
  const auto* key = static_cast<const String*>(key_of(type(), slot));
  const auto* elem = static_cast<const eface*>(elem_of(type(), slot));
  const auto* value = elem->as<int64_t>();
  return Json::array({std::string(key->view()), value == nullptr ? Json(nullptr) : Json(*value)});
}

Json bucket_json(bmap* bucket, bool evacuated) {
  Json tophash = Json::array();
  Json entries = Json::array();
  for (unsigned i = 0; i < maps::kBucketSlots; ++i) {
    tophash.push_back(bucket->tophash[i]);
    entries.push_back(evacuated ? Json(nullptr) : entry_json({bucket, i}));
  }
  return {{"tophash", std::move(tophash)}, {"entries", std::move(entries)}};
}

// The first bucket and its overflow buckets.
Json chain_json(bmap* first) {
  const bool evacuated = first->evacuated();
  Json chain = Json::array();
  for (bmap* b = first; b != nullptr; b = overflow_of(type(), b))
    chain.push_back(bucket_json(b, evacuated));
  return {{"evacuated", evacuated}, {"chain", std::move(chain)}};
}

Json table_json(bmap* buckets, size_t count) {
  Json table = Json::array();
  for (size_t i = 0; i < count; ++i) table.push_back(chain_json(bucket_at(type(), buckets, i)));
  return table;
}

}  // namespace

Json map_json(const maps::hmap* h) {
  if (h == nullptr) return nullptr;
  const maps::MapShape shape = maps::inspect(&type(), h);
  return {{"count", h->count},
          {"B", h->B},
          {"flags", flags_json(*h)},
          {"hash0", fmt::format("{:04x}", h->hash0 & 0xffffu)},  // the low half: enough to compare
          {"noverflow", h->noverflow},
          {"nevacuate", h->nevacuate},
          {"growing", shape.growing},
          {"same_size", shape.same_size_grow},
          {"load", shape.load},
          {"overflow_buckets", shape.overflow_buckets},
          {"evacuated", shape.evacuated_old_buckets},
          {"buckets", table_json(h->buckets, shape.buckets)},
          {"oldbuckets", table_json(h->oldbuckets, shape.old_buckets)}};
}

}  // namespace greyhound::stage
