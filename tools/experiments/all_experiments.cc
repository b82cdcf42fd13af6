// SPDX-License-Identifier: MIT
// The list of experiments, and of the counts that their verdicts rest on.
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
#define GREYHOUND_COUNT(name, what, in_table, value) \
  case Count::name:                                  \
    return what;
#include "tools/experiments/counts.def"
  }
  return "";
}

std::string_view count_short_name(Count count) {
  switch (count) {
#define GREYHOUND_COUNT(name, what, in_table, value) \
  case Count::name:                                  \
    return in_table;
#include "tools/experiments/counts.def"
  }
  return "";
}

}  // namespace greyhound::lab
