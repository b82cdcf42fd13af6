// SPDX-License-Identifier: MIT
// The lab page as a server gives it: /lab is the page, /lab/stage the stage that it drives. Reading
// the stage is for anyone who can reach the server; commands are a control, by POST with the
// server's token. The stage is a runtime of its own in stepping mode: the observed ones are never
// touched.
//
// Thread rules: add_routes before the server starts; show from any thread. The server must have
// stopped when this ends.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "runtime/watch/debughttp/debug_server.h"
#include "tools/page/lab_page.h"
#include "tools/stage/stage.h"

namespace greyhound::page {

class LivePage {
 public:
  void add_routes(serve::DebugServer* server);
  // Until this is called, /lab has the stage and the live heap only.
  void show(const LabPage& page);

 private:
  serve::Response page();
  serve::Response snapshot();
  serve::Response command(const std::string& body);

  std::mutex mutex_;  // of what follows
  std::string html_;
  std::unique_ptr<stage::Stage> stage_;  // made when it is first asked for
};

}  // namespace greyhound::page
