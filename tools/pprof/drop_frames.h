// SPDX-License-Identifier: MIT
// A profile can say which functions its readers are not to be shown: drop_frames, a regular
// expression, less what keep_frames matches. As google/pprof does it (profile/prune.go): from the
// outermost call inwards, the first frame that matches and all that it calls go, unless nothing
// else would be left. Any thread.
#pragma once

#include <string>

#include "runtime/watch/pprof/profile.h"

namespace greyhound::pprof {

// Empty expressions: nothing to drop, nothing to keep. One that is none, here or to google/pprof,
// or that costs too much drops nothing: Profile::all_frames says so, and a comment. A frame without
// a name matches nothing: name it afterwards.
void drop_frames(Profile* profile, const std::string& drop, const std::string& keep);

}  // namespace greyhound::pprof
