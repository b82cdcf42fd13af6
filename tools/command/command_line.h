// SPDX-License-Identifier: MIT
// The greyhound command: reads the command line and hands over to the subcommand (lab_command.h,
// pprof_command.h and so on), whose work is in the rooms below. Messages for what is not understood
// are one line on stderr that names it and the nearest valid word; the exit status is then 2. It is
// 2, too, when a file or standard output cannot be written.
#pragma once

namespace greyhound {

// Gives the exit status; throws nothing.
int run_command_line(int argc, char** argv);

}  // namespace greyhound
