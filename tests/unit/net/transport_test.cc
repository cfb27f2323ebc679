#include "core/net/transport.h"

#include <gtest/gtest.h>

namespace kc::net {
namespace {

TEST(Url, OriginShowsSchemeHostAndPortOnly) {
  EXPECT_EQ(origin_of("https://c.kusto.windows.net/db?sig=secret"), "https://c.kusto.windows.net");
  EXPECT_EQ(origin_of("http://127.0.0.1:8080/v1/rest/mgmt"), "http://127.0.0.1:8080");
  EXPECT_EQ(origin_of("https://user:secret@host:1/x"), "https://host:1");
  EXPECT_EQ(origin_of("https://host?sig=secret"), "https://host");
  EXPECT_EQ(origin_of("https://host#secret"), "https://host");
  EXPECT_EQ(origin_of("https://host;AppKey=secret"), "https://host");
}

TEST(Url, HostIsWithoutPortAndBrackets) {
  EXPECT_EQ(host_of("http://localhost:80/x"), "localhost");
  EXPECT_EQ(host_of("http://[::1]:80/x"), "::1");
  EXPECT_EQ(host_of("https://a@b/"), "b");
  EXPECT_EQ(host_of("https://localhost@evil.example/"), "evil.example");
  EXPECT_EQ(host_of("http:///x"), "");
  EXPECT_EQ(host_of("http://[::1"), "");
}

TEST(Url, LoopbackIsRecognisedAndLookAlikesAreNot) {
  for (const char* host : {"localhost", "LOCALHOST", "127.0.0.1", "127.8.9.10", "::1"}) {
    EXPECT_TRUE(is_loopback_host(host)) << host;
  }
  for (const char* host :
       {"localhost.example.com", "127.0.0.1.example.com", "127.0.0", "127.0.0.256", "127.evil",
        "128.0.0.1", "::2", "", "127.0.0.1x", "127.", "127.0.0.1."}) {
    EXPECT_FALSE(is_loopback_host(host)) << host;
  }
}

TEST(Url, LinkLocalIsRecognisedAndLookAlikesAreNot) {
  EXPECT_TRUE(is_link_local_host("169.254.169.254"));
  EXPECT_TRUE(is_link_local_host("169.254.0.1"));
  for (const char* host : {"169.254.169.254.example.com", "169.254.1", "169.255.0.1", "169.254.1.",
                           "169.254.evil.example", "localhost", ""}) {
    EXPECT_FALSE(is_link_local_host(host)) << host;
  }
}

}  // namespace
}  // namespace kc::net
