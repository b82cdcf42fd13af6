// SPDX-License-Identifier: MIT
#include "tools/page/page_run.h"

#include "tools/page/cycle_timeline.h"
#include "tools/page/profile_run.h"
#include "tools/stage/recording.h"

namespace greyhound::page {

LabPage measure_page(const lab::Settings& settings, const lab::GoPeer* go,
                     const std::string& go_note, lab::Progress* progress) {
  LabPage page;
  page.ledger = lab::measure_ledger(settings, go, go_note, progress);
  progress->show("lab: the timeline of a cycle");
  page.timeline = cycle_timeline();
  progress->show("lab: profiles");
  page.profiles = profile_loops(settings.quick);
  progress->show("lab: recording the stage");
  page.recordings = stage::recordings();
  progress->clear();
  return page;
}

}  // namespace greyhound::page
