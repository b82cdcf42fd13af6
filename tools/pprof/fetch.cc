// SPDX-License-Identifier: MIT
#include "tools/pprof/fetch.h"

#include <fmt/format.h>
#include <httplib.h>

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <utility>

#include "tools/pprof/plain_text.h"
#include "tools/whole_file.h"

namespace greyhound::pprof {
namespace {

using std::chrono::milliseconds;

constexpr std::chrono::hours kLongest{24};
constexpr int kMostRedirections = 5;

struct Target {
  std::string server;  // "http://127.0.0.1:6060"
  std::string path;    // with its query
};

Target target_of(const std::string& url) {
  const size_t host = url.find("//") + 2;
  const size_t path = std::min(url.find_first_of("/?#", host), url.size());
  Target target{url.substr(0, path), url.substr(path, url.find('#', path) - path)};
  if (path == host) throw FileError(fmt::format("{}: names no server", url));
  if (target.path.empty() || target.path == "/")
    throw FileError(fmt::format("{}: names no profile; ask for one, as in {}/debug/pprof/heap", url,
                                target.server));
  if (target.path.starts_with('?')) target.path.insert(0, "/");
  return target;
}

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
  Deadline(httplib::Client* client, milliseconds time)
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

Answer get(const std::string& url, const Target& target, milliseconds patience, milliseconds time) {
  httplib::Client client(target.server);
  if (!client.is_valid()) throw FileError(fmt::format("{}: is no address of a server", url));
  client.set_connection_timeout(std::min<milliseconds>(patience, std::chrono::seconds(10)));
  client.set_read_timeout(time);
  Answer answer;
  bool too_large = false;
  Deadline deadline(&client, time);
  const httplib::Result result =
      client.Get(target.path, {{"Accept-Encoding", "identity"}, {"User-Agent", "greyhound-pprof"}},
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
  Target target = target_of(url);
  // Followed here: cpp-httplib would follow with a client of its own, which no deadline stops.
  for (int redirections = 0; redirections < kMostRedirections; ++redirections) {
    const milliseconds time = patience + measured(target.path) * 3 / 2;
    Answer answer = get(url, target, patience, time);
    if (answer.status == 200) return std::move(answer.body);
    const bool elsewhere = answer.status / 100 == 3 && !answer.location.empty();
    if (!elsewhere)
      throw FileError(fmt::format("{}: cannot be read: the server answers {}: {}", url,
                                  answer.status, first_line(answer.body)));
    const bool whole =
        answer.location.starts_with("http://") || answer.location.starts_with("https://");
    if (!whole && !answer.location.starts_with('/')) answer.location.insert(0, "/");
    target = target_of(whole ? answer.location : target.server + answer.location);
  }
  throw FileError(fmt::format("{}: cannot be read: it leads from one address to the next", url));
}

}  // namespace greyhound::pprof
