// SPDX-License-Identifier: MIT
#include "tools/command/lab_server.h"

#include <cstdio>
#include <cstdlib>
#include <system_error>

#include "runtime/watch/pprof/whole_file.h"
#include "tools/command/serve_command.h"
#include "tools/common/standard_streams.h"

namespace greyhound::lab {
namespace {

serve::ServerOptions server_options(const std::string& address, const std::string& compat) {
  serve::ServerOptions options;
  options.address = address;
  options.go_metrics = serve::wants_go_metrics(compat);
  return options;
}

}  // namespace

LabServer::LabServer(const std::string& address, const std::string& metrics_compat)
    : server_(&observed_, server_options(address, metrics_compat)) {
  live_.add_routes(&server_);
  server_.start();
  say("greyhound lab: serving on {}/\n", server_.url());
  say("greyhound lab: the page, with its controls: {}\n", server_.url_with_token("/lab"));
  const int error = waiter_.start<&LabServer::wait_for_interrupt>("gh-interrupt", this);
  if (error != 0)
    throw std::system_error(error, std::generic_category(), "a thread that waits for an interrupt");
}

LabServer::~LabServer() {
  interrupt_.cancel();
  waiter_.join();
}

void LabServer::wait_for_interrupt() {
  const int signal = interrupt_.wait();
  // acq_rel: whoever is second, this thread or the experiments' end, sees that it is.
  if (signal == 0 || !experiments_run_.exchange(false, std::memory_order_acq_rel)) return;
  say("\ngreyhound lab: interrupted before the experiments were over\n");
  std::fflush(stdout);
  exit_between_files(128 + signal);
}

void LabServer::serve_until_interrupted() {
  // False: the waiter is about to end the process.
  if (experiments_run_.exchange(false, std::memory_order_acq_rel)) {
    say("greyhound lab: the experiments are over; serving on {}/ until interrupted (Ctrl-C)\n",
        server_.url());
  }
  waiter_.join();
  server_.stop();
}

}  // namespace greyhound::lab
