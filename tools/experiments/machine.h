// SPDX-License-Identifier: MIT
// What the figures were measured on, and with what.
#pragma once

#include <string>

namespace greyhound::lab {

struct Machine {
  std::string cpu_model;
  unsigned cores = 0;  // that this process may use
  std::string kernel;
  std::string compiler;
};

Machine this_machine();

}  // namespace greyhound::lab
