// SPDX-License-Identifier: MIT
// `lab --serve`: a debug server that shows the runtimes of the experiments while they run, and
// their sums afterwards.
//
// An interrupt while they run ends the process with 128 + the signal's number, as no verdict was
// reached; afterwards it ends the serving, and the status is the experiments'.
//
// Thread rules: the thread that runs the experiments.
#pragma once

#include <atomic>
#include <string>

#include "runtime/base/os_thread.h"
#include "runtime/watch/debughttp/debug_server.h"
#include "runtime/watch/debughttp/observed_runtimes.h"
#include "tools/command/interrupt.h"
#include "tools/experiments/observed_scope.h"
#include "tools/page/live.h"

namespace greyhound::lab {

class LabServer {
 public:
  // Says on stderr where it listens. Throws serve::AddressError and serve::OptionError, and
  // std::system_error when there is no thread to be had.
  LabServer(const std::string& address, const std::string& metrics_compat);
  ~LabServer();
  LabServer(const LabServer&) = delete;
  LabServer& operator=(const LabServer&) = delete;

  // On /lab from now on.
  void show(const page::LabPage& page) { live_.show(page); }
  void serve_until_interrupted();

 private:
  void wait_for_interrupt();

  serve::Interrupt interrupt_;  // before any thread
  serve::ObservedRuntimes observed_;
  const serve::ObserveAll observe_all_{&observed_};
  page::LivePage live_;
  serve::DebugServer server_;
  std::atomic<bool> experiments_run_{true};
  OsThread waiter_;
};

}  // namespace greyhound::lab
