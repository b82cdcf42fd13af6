// SPDX-License-Identifier: MIT
#include "runtime/watch/debughttp/client_stream.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace greyhound::serve {
namespace {

using Clock = ClientStream::Clock;

enum class Awaited { kReady, kTimeout, kStopped };

// Until `socket` has one of `events`, `stop` is readable, or it is `deadline`.
Awaited await(int socket, short events, int stop, Clock::time_point deadline) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    pollfd waits[] = {{socket, events, 0}, {stop, POLLIN, 0}};
    const int ready =
        poll(waits, 2, static_cast<int>(std::clamp<int64_t>(left.count(), 0, 1 << 30)));
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return Awaited::kTimeout;  // as if nothing came: the client is let go
    if (waits[1].revents != 0) return Awaited::kStopped;
    if (waits[0].revents != 0) return Awaited::kReady;
    if (Clock::now() >= deadline) return Awaited::kTimeout;
  }
}

}  // namespace

ClientStream::ClientStream(int socket, int stop, std::chrono::milliseconds request_timeout,
                           std::chrono::milliseconds write_timeout)
    : socket_(socket),
      stop_(stop),
      request_deadline_(Clock::now() + request_timeout),
      write_timeout_(write_timeout) {}

bool ClientStream::wait_readable() const {
  return await(socket_, POLLIN, stop_, request_deadline_) == Awaited::kReady;
}

bool ClientStream::wait_writable() const {
  return await(socket_, POLLOUT, stop_, Clock::now() + write_timeout_) == Awaited::kReady;
}

ssize_t ClientStream::read(char* out, size_t size) {
  if (used_ == filled_) {
    ssize_t got = -1;
    do {
      if (received_ >= kMostRequestBytes || !wait_readable()) return -1;
      got = recv(socket_, buffer_, sizeof buffer_, MSG_DONTWAIT);
    } while (got < 0 && (errno == EAGAIN || errno == EINTR));
    if (got <= 0) return got;
    used_ = 0;
    filled_ = static_cast<size_t>(got);
    received_ += filled_;
  }
  const size_t count = std::min(size, filled_ - used_);
  std::memcpy(out, buffer_ + used_, count);
  used_ += count;
  return static_cast<ssize_t>(count);
}

ssize_t ClientStream::write_some(const char* bytes, size_t size) {
  while (true) {
    if (!wait_writable()) return -1;
    const ssize_t sent = send(socket_, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) return sent;
    if (errno != EAGAIN && errno != EINTR) return -1;
  }
}

ssize_t ClientStream::write(const char* bytes, size_t size) {
  if (!answer_deadline_) answer_deadline_ = Clock::now() + kMostAnswerTime;
  for (size_t written = 0; written < size;) {
    if (!streaming_ && Clock::now() >= *answer_deadline_) return -1;
    const ssize_t sent = write_some(bytes + written, size - written);
    if (sent < 0) return -1;
    written += static_cast<size_t>(sent);
  }
  return static_cast<ssize_t>(size);
}

// Of no use here: every client is on this machine.
void ClientStream::get_remote_ip_and_port(std::string& ip, int& port) const {
  ip = "loopback";
  port = 0;
}
void ClientStream::get_local_ip_and_port(std::string& ip, int& port) const {
  get_remote_ip_and_port(ip, port);
}

bool ClientStream::sleep(std::chrono::nanoseconds time) const {
  // POLLRDHUP: the client has closed its side. As Go does, that is taken for its leaving.
  return await(socket_, POLLRDHUP, stop_, Clock::now() + time) == Awaited::kTimeout;
}

}  // namespace greyhound::serve
