// SPDX-License-Identifier: MIT
// The debug server of a process that forks: docs/embedding.md, "fork".
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <iterator>
#include <string>

#include "tests/tools/serve_http.h"

namespace greyhound::serve {
namespace {

class ServeFork : public testing::ServeTest {
 protected:
  // The process that answers.
  static Response answering(const Request&) { return {.body = std::to_string(getpid())}; }
};

TEST_F(ServeFork, TheParentAnswersAndTheChildHasNoServer) {
  make_server().get("/pid", answering);
  start();
  int until_closed[2];
  ASSERT_EQ(pipe(until_closed), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    close(until_closed[1]);
    char none = 0;
    _exit(read(until_closed[0], &none, 1) == 0 ? 0 : 1);  // until the parent is done
  }
  for (int i = 0; i < 3; ++i) EXPECT_EQ(get("/pid").body, std::to_string(getpid()));
  const std::filesystem::directory_iterator tasks("/proc/" + std::to_string(child) + "/task");
  EXPECT_EQ(std::distance(begin(tasks), end(tasks)), 1) << "threads of the child";
  close(until_closed[0]);
  close(until_closed[1]);
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace greyhound::serve
