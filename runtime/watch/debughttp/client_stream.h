// SPDX-License-Identifier: MIT
// A client's socket as cpp-httplib reads and writes it, with an end to everything: the request must
// be here by a deadline and within a size, each write must go on within a time, and the server's
// stop ends whatever waits. A client that sends a byte now and then, or reads none, so costs a
// thread for a bounded time.
//
// Thread rules: the one thread that answers the client.
#pragma once

#include <httplib.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace greyhound::serve {

class ClientStream : public httplib::Stream {
 public:
  using Clock = std::chrono::steady_clock;

  // `stop` is an eventfd that becomes readable, and stays so, when the server stops. Neither
  // descriptor is owned.
  ClientStream(int socket, int stop, std::chrono::milliseconds request_timeout,
               std::chrono::milliseconds write_timeout);

  bool is_readable() const override { return used_ < filled_ || wait_readable(); }
  bool is_writable() const override { return wait_writable(); }
  // As read(2), and as write(2) of everything; -1 when it takes too long or the server stops.
  ssize_t read(char* out, size_t size) override;
  ssize_t write(const char* bytes, size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return socket_; }

  // The answer is a stream without an end: only each write has a limit then, not all of them.
  void streaming() { streaming_ = true; }
  // Sleeps so long; false at once when the server stops or the client goes away.
  bool sleep(std::chrono::nanoseconds time) const;

  // Bytes of a request, line and headers included, beyond which the connection ends.
  static constexpr size_t kMostRequestBytes = size_t{160} << 10;
  // Within which an answer must have been read whole.
  static constexpr std::chrono::seconds kMostAnswerTime{120};

 private:
  bool wait_readable() const;
  bool wait_writable() const;
  ssize_t write_some(const char* bytes, size_t size);

  const int socket_;
  const int stop_;
  const Clock::time_point request_deadline_;
  const std::chrono::milliseconds write_timeout_;
  bool streaming_ = false;
  std::optional<Clock::time_point> answer_deadline_;  // from the first write on
  size_t received_ = 0;
  size_t used_ = 0, filled_ = 0;  // of buffer_
  char buffer_[4096];
};

}  // namespace greyhound::serve
