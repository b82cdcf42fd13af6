// SPDX-License-Identifier: MIT
// The list of experiments.
#include "tools/experiments/experiment.h"

namespace greyhound::lab {

const std::vector<Experiment>& all_experiments() {
  static const std::vector<Experiment> experiments = {
#define GREYHOUND_EXPERIMENT(function) function(),
#include "tools/experiments/experiments.def"
  };
  return experiments;
}

std::string_view count_name(Count count) {
  switch (count) {
    case Count::kAllocsPerOp:
      return "allocations per op";
    case Count::kBytesPerOp:
      return "bytes per op";
    case Count::kGcCycles:
      return "GC cycles";
    case Count::kGreyedPerOp:
      return "objects greyed per entry";
    case Count::kWordsPerOp:
      return "words scanned per entry";
    case Count::kBarrierHitsPerOp:
      return "barrier hits per op";
    case Count::kBarrierShadesPerOp:
      return "barrier shades per op";
    case Count::kFoundPerOp:
      return "found per op";
    case Count::kAllocCalls:
      return "calls that reach an allocation";
    case Count::kPointerCalls:
      return "calls through a pointer";
    case Count::kProfileObjects:
      return "objects in the profile per op";
    case Count::kRuntimeLeaf:
      return "share with a runtime frame innermost";
    case Count::kLabelled:
      return "share with labels";
    case Count::kMarkInBackground:
      return "share of marking in the background";
    case Count::kMarkInAssist:
      return "share of marking in assists";
    case Count::kMarkInMapaccess:
      return "share of marking below mapaccess";
  }
  return "";
}

std::string_view count_short_name(Count count) {
  switch (count) {
    case Count::kAllocsPerOp:
      return "allocs/op";
    case Count::kBytesPerOp:
      return "B/op";
    case Count::kGcCycles:
      return "cycles";
    case Count::kGreyedPerOp:
      return "greyed";
    case Count::kWordsPerOp:
      return "words";
    case Count::kBarrierHitsPerOp:
      return "hits/op";
    case Count::kBarrierShadesPerOp:
      return "shades/op";
    case Count::kFoundPerOp:
      return "found/op";
    case Count::kAllocCalls:
      return "allocating";
    case Count::kPointerCalls:
      return "pointer";
    case Count::kProfileObjects:
      return "objects";
    case Count::kRuntimeLeaf:
      return "runtime";
    case Count::kLabelled:
      return "labels";
    case Count::kMarkInBackground:
      return "backgr.";
    case Count::kMarkInAssist:
      return "assists";
    case Count::kMarkInMapaccess:
      return "mapaccess";
  }
  return "";
}

}  // namespace greyhound::lab
