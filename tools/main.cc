// SPDX-License-Identifier: MIT
#include "tools/command_line.h"

int main(int argc, char** argv) { return greyhound::run_command_line(argc, argv); }
