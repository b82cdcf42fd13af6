// SPDX-License-Identifier: MIT
#include "runtime/watch/debughttp/connections.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

#include "runtime/watch/debughttp/debug_server.h"

namespace greyhound::serve {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMostRefused = 64;
constexpr std::chrono::seconds kRefusedFor{1};
// What there is to accept waits here when a burst comes.
constexpr int kBacklog = 128;

constexpr std::string_view kTooMany =
    "HTTP/1.1 503 Service Unavailable\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n"
    "Retry-After: 1\r\n"
    "Connection: close\r\n"
    "Content-Length: 57\r\n"
    "\r\n"
    "this server has as many connections as it takes at a time";

socklen_t fill_in(const ListenAddress& address, sockaddr_storage* storage) {
  *storage = {};
  if (address.host == "::1") {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(storage);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(address.port);
    v6->sin6_addr = in6addr_loopback;
    return sizeof *v6;
  }
  auto* v4 = reinterpret_cast<sockaddr_in*>(storage);
  v4->sin_family = AF_INET;
  v4->sin_port = htons(address.port);
  inet_pton(AF_INET, address.host.c_str(), &v4->sin_addr);
  return sizeof *v4;
}

// 0 when the system does not say.
uint16_t port_of(int socket) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return 0;
  return ntohs(storage.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&storage)->sin6_port
                                             : reinterpret_cast<sockaddr_in*>(&storage)->sin_port);
}

[[noreturn]] void cannot_listen(const ListenAddress& address, int error) {
  const char* what = error == EADDRINUSE
                         ? "another program listens there; take another port, or 0 for a free one"
                         : std::strerror(error);
  throw AddressError(fmt::format("cannot listen on {}: {}", address.to_string(), what));
}

Descriptor listen_on(const ListenAddress& address) {
  sockaddr_storage storage;
  const socklen_t length = fill_in(address, &storage);
  Descriptor socket(::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket.get() < 0) cannot_listen(address, errno);
  const int on = 1;
  // A port that an earlier run has just left can be had again; one that is in use cannot. Refused,
  // bind() says whether it matters.
  setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(socket.get(), reinterpret_cast<sockaddr*>(&storage), length) != 0 ||
      listen(socket.get(), kBacklog) != 0) {
    cannot_listen(address, errno);
  }
  return socket;
}

void refuse(int socket) {
  [[maybe_unused]] const ssize_t sent =
      send(socket, kTooMany.data(), kTooMany.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  shutdown(socket, SHUT_WR);
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) close(fd_);
    fd_ = other.release();
  }
  return *this;
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

ListenAddress Connections::start(const ListenAddress& address) {
  listening_ = listen_on(address);
  stop_event_ = Descriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (stop_event_.get() < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  const ListenAddress got{address.host, port_of(listening_.get())};
  if (got.port == 0) cannot_listen(address, errno);
  if (const int error = acceptor_.start<&Connections::accept_loop>("gh-accept", this); error != 0)
    throw std::system_error(error, std::generic_category(), "a thread for the debug server");
  return got;
}

void Connections::stop() {
  if (!acceptor_.running()) return;
  const uint64_t one = 1;
  {
    std::lock_guard lock(mutex_);
    no_more_ = true;
  }
  // Either ends the acceptor's wait; it then finds that there are to be no more.
  if (write(stop_event_.get(), &one, sizeof one) != static_cast<ssize_t>(sizeof one))
    shutdown(listening_.get(), SHUT_RDWR);
  acceptor_.join();
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    active_ -= waiting_.size();
    waiting_.clear();
  }
  changed_.notify_all();
  for (const auto& worker : workers_) worker->join();
  workers_.clear();
  listening_ = Descriptor();
}

void Connections::accept_loop() {
  std::vector<Refused> refused;
  std::vector<pollfd> polls;
  while (true) {
    polls.assign({{stop_event_.get(), POLLIN, 0}, {listening_.get(), POLLIN, 0}});
    for (const Refused& one : refused) polls.push_back({one.socket.get(), POLLIN, 0});
    const int ready = poll(polls.data(), polls.size(), refused.empty() ? -1 : 100);
    if (polls[0].revents != 0) return;
    {
      std::lock_guard lock(mutex_);
      if (no_more_) return;
    }
    if (ready < 0) {
      if (errno != EINTR) usleep(10'000);  // out of memory, say
      continue;
    }
    linger(&refused, polls.size() - 2, polls.data() + 2);
    if (polls[1].revents != 0) accept_one(&refused);
  }
}

void Connections::accept_one(std::vector<Refused>* refused) {
  Descriptor socket(accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (socket.get() < 0) {
    // Out of descriptors, say: the connection stays in the backlog, and others may leave.
    if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) usleep(10'000);
    return;
  }
  const int on = 1;
  setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (hand_over(&socket)) return;
  refuse(socket.get());
  if (refused->size() < kMostRefused)
    refused->push_back({std::move(socket), Clock::now() + kRefusedFor});
}

// Closed while something of the client's is unread, a socket is reset, and the 503 may be lost: so
// what it sent is read first, and its end waited for.
void Connections::linger(std::vector<Refused>* refused, size_t polled, const pollfd* polls) {
  const Clock::time_point now = Clock::now();
  std::vector<bool> done(refused->size(), false);
  for (size_t i = 0; i < polled; ++i) {
    char scratch[4096];
    if (polls[i].revents != 0)
      done[i] = recv((*refused)[i].socket.get(), scratch, sizeof scratch, MSG_DONTWAIT) <= 0;
    if (now >= (*refused)[i].until) done[i] = true;
  }
  size_t i = 0;
  std::erase_if(*refused, [&](const Refused&) { return done[i++]; });
}

// False, and nothing taken, at the limit.
bool Connections::hand_over(Descriptor* socket) {
  std::lock_guard lock(mutex_);
  if (active_ >= limit_) return false;
  ++active_;
  waiting_.push_back(std::move(*socket));
  if (idle_ < waiting_.size() && workers_.size() < limit_ && !spawn_worker() && workers_.empty()) {
    --active_;
    *socket = std::move(waiting_.back());
    waiting_.pop_back();
    return false;
  }
  changed_.notify_one();
  return true;
}

// False when the system gives no thread: those that are there do its work, too.
bool Connections::spawn_worker() {
  auto worker = std::make_unique<OsThread>();
  const std::string name = "gh-serve-" + std::to_string(workers_.size() + 1);
  if (worker->start<&Connections::worker_loop>(name.c_str(), this) != 0) return false;
  workers_.push_back(std::move(worker));
  return true;
}

void Connections::worker_loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    --idle_;
    if (waiting_.empty()) return;
    Descriptor socket = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    serve_(socket.get(), stop_event_.get());
    socket = Descriptor();
    lock.lock();
    --active_;
  }
}

}  // namespace greyhound::serve
