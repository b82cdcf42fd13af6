// SPDX-License-Identifier: MIT
#include "tools/pprof/fetch.h"

#include <fmt/format.h>
#include <httplib.h>

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "runtime/watch/pprof/whole_file.h"
#include "tools/common/plain_text.h"
#include "tools/pprof/url.h"

namespace greyhound::pprof {
namespace {

using std::chrono::milliseconds;

constexpr std::chrono::hours kLongest{24};
constexpr int kMostRedirections = 5;

// What the server is asked to measure, by "seconds=".
milliseconds measured(const std::string& path) {
  const size_t query = path.find('?');
  for (size_t at = query; at != std::string::npos; at = path.find('&', at + 1)) {
    if (path.compare(at + 1, 8, "seconds=") != 0) continue;
    const double seconds = std::strtod(path.c_str() + at + 9, nullptr);
    const double most = std::chrono::duration<double>(kLongest).count();
    if (seconds > 0) return milliseconds(static_cast<int64_t>(1000 * std::min(seconds, most)));
  }
  return {};
}

// Breaks a request off when its time is over. cpp-httplib's own limits are for each read, which a
// server that sends a byte now and then never exceeds.
class Deadline {
 public:
  Deadline(httplib::ClientImpl* client, milliseconds time)
      : thread_([this, client, time] {
          std::unique_lock lock(mutex_);
          if (condition_.wait_for(lock, time, [this] { return done_; })) return;
          passed_ = true;
          client->stop();
        }) {}
  ~Deadline() {
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
    }
    condition_.notify_all();
    thread_.join();
  }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  bool passed() {
    const std::lock_guard lock(mutex_);
    return passed_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable condition_;
  bool done_ = false;
  bool passed_ = false;
  std::thread thread_;  // last: it uses the others
};

const char* reason(httplib::Error error) {
  switch (error) {
    case httplib::Error::Connection:
    case httplib::Error::ConnectionTimeout:
      return "nobody answers there";
    case httplib::Error::SSLConnection:
    case httplib::Error::SSLLoadingCerts:
    case httplib::Error::SSLServerVerification:
      return "its certificate is not to be trusted, or it does not speak TLS";
    default:
      return "the answer broke off";
  }
}

// A server says in the first line what it lacks.
std::string first_line(const std::string& body) {
  return plain_text(std::string_view(body).substr(0, std::min<size_t>(body.find('\n'), 200)));
}

struct Answer {
  int status = 0;
  std::string body;
  std::string location;  // of a redirection
};

// By parts: of a whole address cpp-httplib makes these by a regular expression, which recurses.
std::unique_ptr<httplib::ClientImpl> client_of(const Url& target) {
#ifdef CPPHTTPLIB_OPENSSL_SUPPORT
  if (target.secure) return std::make_unique<httplib::SSLClient>(target.host, target.port);
#else
  if (target.secure) throw FileError(fmt::format("{}: cannot be asked: no TLS", target.server()));
#endif
  return std::make_unique<httplib::ClientImpl>(target.host, target.port);
}

Answer get(const std::string& url, const Url& target, milliseconds patience, milliseconds time) {
  const std::unique_ptr<httplib::ClientImpl> client = client_of(target);
  if (!client->is_valid()) throw FileError(fmt::format("{}: cannot be asked", url));
  client->set_connection_timeout(std::min<milliseconds>(patience, std::chrono::seconds(10)));
  client->set_read_timeout(time);
  Answer answer;
  bool too_large = false;
  Deadline deadline(client.get(), time);
  const httplib::Result result =
      client->Get(target.path, {{"Accept-Encoding", "identity"}, {"User-Agent", "greyhound-pprof"}},
                  [&](const char* piece, size_t size) {
                    too_large = answer.body.size() + size > kMostSourceBytes;
                    if (!too_large) answer.body.append(piece, size);
                    return !too_large;
                  });
  if (too_large)
    throw FileError(
        fmt::format("{}: is larger than {} MiB: no profile is", url, kMostSourceBytes >> 20));
  if (deadline.passed())
    throw FileError(fmt::format("{}: cannot be read: it took more than {} s", url,
                                static_cast<double>(time.count()) / 1000));
  if (!result) throw FileError(fmt::format("{}: cannot be read: {}", url, reason(result.error())));
  answer.status = result->status;
  answer.location = result->get_header_value("Location");
  return answer;
}

}  // namespace

std::string fetch(const std::string& url, milliseconds patience) {
  Url target = parse_url(url);
  if (target.path == "/")
    throw FileError(fmt::format("{}: names no profile; ask for one, as in {}/debug/pprof/heap", url,
                                target.server()));
  // Followed here: cpp-httplib would follow with a client of its own, which no deadline stops.
  for (int redirections = 0; redirections < kMostRedirections; ++redirections) {
    const milliseconds time = patience + measured(target.path) * 3 / 2;
    Answer answer = get(url, target, patience, time);
    if (answer.status == 200) return std::move(answer.body);
    const bool elsewhere = answer.status / 100 == 3 && !answer.location.empty();
    if (!elsewhere)
      throw FileError(fmt::format("{}: cannot be read: the server answers {}: {}", url,
                                  answer.status, first_line(answer.body)));
    try {
      target = redirected(target, answer.location);
    } catch (const FileError& error) {
      throw FileError(fmt::format("{}: cannot be read: it leads to {}", url, error.what()));
    }
  }
  throw FileError(fmt::format("{}: cannot be read: it leads from one address to the next", url));
}

}  // namespace greyhound::pprof
