// Proxies of the environment, with a real one on loopback. A name under .invalid resolves nowhere,
// so that whatever is answered went through the proxy.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>

#include "core/net/curl_transport.h"
#include "tests/fakes/certificates.h"
#include "tests/fakes/proxy_server.h"
#include "tests/fakes/raw_server.h"

namespace kc::net {
namespace {

using fakes::ProxyServer;
using fakes::raw_answer;
using fakes::RawConnection;
using fakes::RawServer;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

constexpr const char* kName = "cluster.example.invalid";
constexpr std::initializer_list<const char*> kVariables = {
    "http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY",   "all_proxy",
    "ALL_PROXY",  "no_proxy",   "NO_PROXY",    "REQUEST_METHOD"};

struct CurlProxy : ::testing::Test {
  const fakes::TestCertificate own = fakes::make_certificate(kName);
  std::mutex mutex;
  std::vector<std::string> seen;  // heads that the servers behind got
  RawServer::Serve serve = [this](RawConnection& one) {
    while (const auto request = one.read_request()) {
      {
        std::lock_guard lock(mutex);
        seen.push_back(request->head);
      }
      one.send(raw_answer(200, "behind"));
    }
  };
  RawServer plain{serve};
  RawServer secret{serve, own.certificate, own.key};
  ProxyServer proxy{{{"impostor.example.invalid:443", secret.port()},
                     {std::string(kName) + ":80", plain.port()},
                     {std::string(kName) + ":443", secret.port()}}};
  std::filesystem::path ca = [] {
    std::string name = std::filesystem::temp_directory_path() / "kc-proxy-XXXXXX";
    return std::filesystem::path(::mkdtemp(name.data())) / "ca.pem";
  }();

  CurlProxy() {
    clear();
    std::ofstream(ca) << own.certificate;
  }
  ~CurlProxy() override {
    clear();
    std::filesystem::remove_all(ca.parent_path());
  }
  static void clear() {
    for (const char* name : kVariables) ::unsetenv(name);
  }
  Result<HttpAnswer> get(const std::string& url) {
    CurlTransport transport({.ca_file = ca.string()});
    HttpCall call{.url = url, .headers = {{"Authorization", "Bearer token"}}};
    return transport.exchange(call);
  }
  std::string https() const { return std::string("https://") + kName + "/v1?sig=secret"; }
  std::string http() const { return std::string("http://") + kName + "/v1?x=1"; }
};

TEST_F(CurlProxy, HttpsGoesThroughATunnelThatSeesNoMoreThanTheName) {
  for (const char* variable : {"HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"}) {
    clear();
    ::setenv(variable, proxy.url("user:word").c_str(), 1);
    const auto before = proxy.heads().size();
    const auto answer = get(https());
    ASSERT_TRUE(answer) << variable << answer.error().message;
    EXPECT_EQ(answer->body, "behind");
    ASSERT_THAT(proxy.heads(), SizeIs(before + 1)) << variable;
    EXPECT_THAT(proxy.heads().back(),
                AllOf(StartsWith("CONNECT cluster.example.invalid:443 HTTP/1.1\r\n"),
                      HasSubstr("Proxy-Authorization: Basic dXNlcjp3b3Jk"),
                      Not(HasSubstr("Bearer")), Not(HasSubstr("sig="))));
    // What is for the proxy stays with it.
    EXPECT_THAT(seen.back(), AllOf(HasSubstr("Authorization: Bearer token"),
                                   Not(HasSubstr("Proxy-Authorization"))));
  }
}

// Whoever makes the tunnel chooses its end: only the certificate says who is there.
TEST_F(CurlProxy, TheNameCountsThroughATunnelToo) {
  ::setenv("HTTPS_PROXY", proxy.url().c_str(), 1);
  const auto answer = get("https://impostor.example.invalid/");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, "net.tls_untrusted");
  EXPECT_THAT(proxy.heads(), SizeIs(1));
  EXPECT_THAT(seen, IsEmpty());
}

TEST_F(CurlProxy, HttpGoesInAbsoluteForm) {
  for (const char* variable : {"HTTP_PROXY", "http_proxy", "ALL_PROXY"}) {
    clear();
    ::setenv(variable, proxy.url().c_str(), 1);
    const auto before = proxy.heads().size();
    const auto answer = get(http());
    ASSERT_TRUE(answer) << variable << answer.error().message;
    EXPECT_EQ(answer->body, "behind");
    ASSERT_THAT(proxy.heads(), SizeIs(before + 1)) << variable;
    EXPECT_THAT(proxy.heads().back(), StartsWith("GET http://cluster.example.invalid/v1?x=1 HTTP"));
  }
}

TEST_F(CurlProxy, EachSchemeHasItsOwn) {
  ::setenv("HTTPS_PROXY", "http://127.0.0.1:1", 1);
  ::setenv("HTTP_PROXY", proxy.url().c_str(), 1);
  EXPECT_TRUE(get(http()));
  EXPECT_EQ(get(https()).error().code, "net.unreachable");
  // As a CGI program, HTTP_PROXY would be the header `Proxy` of whoever asks.
  ::setenv("REQUEST_METHOD", "GET", 1);
  EXPECT_EQ(get(http()).error().code, "net.unreachable");
}

TEST_F(CurlProxy, NoProxyNamesWhatIsReachedWithout) {
  ::setenv("HTTPS_PROXY", proxy.url().c_str(), 1);
  ::setenv("HTTP_PROXY", proxy.url().c_str(), 1);
  for (const char* without :
       {"cluster.example.invalid", ".example.invalid", "a.b,example.invalid", "*"}) {
    for (const char* variable : {"NO_PROXY", "no_proxy"}) {
      ::unsetenv("NO_PROXY");
      ::unsetenv("no_proxy");
      ::setenv(variable, without, 1);
      for (const auto& url : {http(), https()}) {
        const auto answer = get(url);
        ASSERT_FALSE(answer) << without;
        EXPECT_EQ(answer.error().code, "net.unreachable");
      }
    }
  }
  EXPECT_THAT(proxy.heads(), IsEmpty());
  ::setenv("no_proxy", "other.invalid", 1);
  EXPECT_TRUE(get(https()));
}

TEST_F(CurlProxy, IsNeverAskedForThisMachine) {
  for (const char* variable : {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"})
    ::setenv(variable, proxy.url().c_str(), 1);
  EXPECT_TRUE(get(plain.url("/x")));
  EXPECT_TRUE(get("http://localhost:" + std::to_string(plain.port()) + "/x"));
  EXPECT_THAT(proxy.heads(), IsEmpty());
}

TEST_F(CurlProxy, ARefusalIsTheProxysAndSaysThatNothingWasSent) {
  for (const int status : {403, 407, 502}) {
    ProxyServer refusing({}, status);
    ::setenv("HTTPS_PROXY", refusing.url("user:word").c_str(), 1);
    const auto answer = get(https());
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, status == 502 ? "net.unreachable" : "net.proxy_refused");
    EXPECT_EQ(answer.error().kind, status == 502 ? ErrorKind::unavailable : ErrorKind::invalid);
    EXPECT_THAT(answer.error().message,
                AllOf(HasSubstr(std::to_string(status)), HasSubstr("nothing was sent"),
                      Not(HasSubstr("word")), Not(HasSubstr("sig="))));
  }
  EXPECT_THAT(seen, IsEmpty());
}

TEST_F(CurlProxy, OneThatIsNotThereIsUnreachable) {
  ::setenv("HTTPS_PROXY",
           ("http://user:word@127.0.0.1:" + std::to_string(fakes::refused_port())).c_str(), 1);
  const auto answer = get(https());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, "net.unreachable");
  EXPECT_THAT(answer.error().message, Not(HasSubstr("word")));
}

}  // namespace
}  // namespace kc::net
