// SPDX-License-Identifier: MIT
// Addresses of profiles, and what redirections make of them.
#include "tools/pprof/url.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/tools/small_profile.h"

namespace greyhound::pprof {
namespace {

using testing::error_of;

std::string parts_of(const Url& url) {
  return url.host + " " + std::to_string(url.port) + " " + url.path;
}

TEST(Urls, HaveAServerAPortAndAPath) {
  EXPECT_EQ(parts_of(parse_url("http://127.0.0.1:6060/debug/pprof/heap?gc=1#part")),
            "127.0.0.1 6060 /debug/pprof/heap?gc=1");
  EXPECT_EQ(parts_of(parse_url("http://host")), "host 80 /");
  EXPECT_EQ(parts_of(parse_url("http://host:/x")), "host 80 /x");
  EXPECT_EQ(parts_of(parse_url("https://host?seconds=5")), "host 443 /?seconds=5");
  EXPECT_EQ(parts_of(parse_url("HTTP://host:65535/a:b//c")), "host 65535 /a:b//c");
  EXPECT_EQ(parts_of(parse_url("http://[fd00::1]:6060/x")), "fd00::1 6060 /x");
  EXPECT_EQ(parts_of(parse_url("http://[::1]/x")), "::1 80 /x");
  EXPECT_EQ(parse_url("http://[::1]:7/x").server(), "http://[::1]:7");
  EXPECT_EQ(parse_url("https://host/x").server(), "https://host");
  EXPECT_TRUE(parse_url("https://host/x").secure);
}

TEST(Urls, WhatIsNoneIsASentence) {
  const auto says = [](const std::string& url, const std::string& what) {
    EXPECT_EQ(error_of([&] { parse_url(url); }), url + ": " + what);
  };
  const std::string port = "its port is no number from 1 to 65535";
  says("http://127.0.0.1:99999999999/x", port);
  says("http://127.0.0.1:65536/x", port);
  says("http://127.0.0.1:0/x", port);
  says("http://127.0.0.1:-1/x", port);
  says("http://127.0.0.1:80a/x", port);
  says("http://fd00::1/x", port);
  says("http:///x", "names no server");
  says("http://:80/x", "names no server");
  says("http://[]/x", "names no server");
  says("http://[::1/x", "names no server: a ']' is missing");
  const std::string none = "names no server that can be asked";
  says("http://[::1]80/x", none);
  says("http://user@host/x", none);
  says("http://a\r\nX: y/x", none);
  says("http://" + std::string(256, 'a') + "/x", none);
  says("http://" + std::string(100'000, 'a') + "/x", none);
  const std::string scheme = "is no address that begins with http:// or https://";
  says("ftp://host/x", scheme);
  says("http:/host/x", scheme);
  says("host/x", scheme);
}

TEST(Urls, RedirectionsLeadWhereABrowserGoes) {
  const Url base = parse_url("http://one:6060/debug/pprof/heap?gc=1");
  const auto to = [&](const std::string& location) { return parts_of(redirected(base, location)); };
  EXPECT_EQ(to("allocs"), "one 6060 /debug/pprof/allocs");
  EXPECT_EQ(to("allocs?seconds=1#x"), "one 6060 /debug/pprof/allocs?seconds=1");
  EXPECT_EQ(to("./allocs"), "one 6060 /debug/pprof/allocs");
  EXPECT_EQ(to("../x/./y"), "one 6060 /debug/x/y");
  EXPECT_EQ(to("../../../../x"), "one 6060 /x");
  EXPECT_EQ(to(".."), "one 6060 /debug/");
  EXPECT_EQ(to("a/?x=../b"), "one 6060 /debug/pprof/a/?x=../b");
  EXPECT_EQ(to("/x/y"), "one 6060 /x/y");
  EXPECT_EQ(to("?gc=2"), "one 6060 /debug/pprof/heap?gc=2");
  EXPECT_EQ(to("#x"), "one 6060 /debug/pprof/heap?gc=1");
  EXPECT_EQ(to("//other:1/x"), "other 1 /x");
  EXPECT_EQ(to("https://other/x"), "other 443 /x");
  EXPECT_TRUE(redirected(parse_url("https://a/b"), "//c/d").secure);
  EXPECT_NE(error_of([&] { to("ftp://other/x"); }), "");
  EXPECT_NE(error_of([&] { to("http://other:99999999999/x"); }), "");
}

}  // namespace
}  // namespace greyhound::pprof
