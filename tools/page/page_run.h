// SPDX-License-Identifier: MIT
// What the lab page shows beside the experiments, measured or played for it: the ledger, recordings
// of the stage, a cycle's timeline, and profiles of the same loops boxed and unboxed.
#pragma once

#include "tools/page/lab_page.h"

namespace greyhound::page {

// Everything but the report and the commands. `go` as measure_ledger takes it. On a thread that is
// attached to no runtime it still needs.
LabPage measure_page(const lab::Settings& settings, const lab::GoPeer* go,
                     const std::string& go_note, lab::Progress* progress);

}  // namespace greyhound::page
