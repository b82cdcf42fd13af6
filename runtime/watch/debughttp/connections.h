// SPDX-License-Identifier: MIT
// The listening socket and the threads behind it. One thread accepts; each connection is served on
// a worker, of which there are as many as there were connections at a time and never more than the
// limit. A connection beyond it gets a 503 from the accepting thread, which waits for nothing: it
// has the answer in the socket's buffer, and keeps the socket a moment so that the client can read
// it.
//
// Thread rules: start and stop from one thread at a time; serve() runs on the workers.
#pragma once

#include <poll.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "runtime/base/os_thread.h"
#include "runtime/watch/debughttp/address.h"

namespace greyhound::serve {

// A descriptor, closed at the end.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  int get() const { return fd_; }
  int release() {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }

 private:
  int fd_ = -1;
};

class Connections {
 public:
  // serve(socket, stop): answers the client; `stop` is an eventfd, readable once the server stops.
  // The socket is closed when it returns.
  using Serve = std::function<void(int socket, int stop)>;

  Connections(size_t limit, Serve serve) : limit_(limit), serve_(std::move(serve)) {}
  ~Connections() { stop(); }
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  // Binds, listens and starts to accept. Gives the address with the port that it got. Throws
  // AddressError, and std::system_error where the system gives no descriptor or thread.
  ListenAddress start(const ListenAddress& address);
  // Readable from here on is what serve() got as `stop`; returns when every worker is through.
  void stop();

 private:
  // A refused client, whose socket is kept until it has read why, or until then.
  struct Refused {
    Descriptor socket;
    std::chrono::steady_clock::time_point until;
  };

  void accept_loop();
  void accept_one(std::vector<Refused>* refused);
  static void linger(std::vector<Refused>* refused, size_t polled, const pollfd* polls);
  bool hand_over(Descriptor* socket);
  bool spawn_worker();  // REQUIRES: mutex_ held
  void worker_loop();

  const size_t limit_;
  const Serve serve_;
  Descriptor listening_;
  Descriptor stop_event_;
  OsThread acceptor_;

  std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  bool no_more_ = false;  // connections are accepted
  bool stopping_ = false;
  size_t active_ = 0;  // connections that wait for a worker or have one
  size_t idle_ = 0;    // workers without a connection
  std::deque<Descriptor> waiting_;
  std::vector<std::unique_ptr<OsThread>> workers_;
};

}  // namespace greyhound::serve
