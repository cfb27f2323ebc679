#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "core/base/text.h"
#include "core/net/curl_transport.h"
#include "tests/fakes/certificates.h"
#include "tests/fakes/raw_server.h"

namespace kc::net {
namespace {

using fakes::raw_answer;
using fakes::RawConnection;
using fakes::RawServer;

struct CurlTls : ::testing::Test {
  const fakes::TestCertificate own = fakes::make_certificate("test");
  const fakes::TestCertificate other = fakes::make_certificate("other");
  std::string first_line;  // of the last request; read once it is answered
  RawServer server{[this](RawConnection& one) {
                     while (const auto request = one.read_request()) {
                       first_line = request->head.substr(0, request->head.find('\r'));
                       one.send(raw_answer(200, "fine"));
                     }
                   },
                   own.certificate, own.key};
  std::filesystem::path ca = [] {
    std::string name = std::filesystem::temp_directory_path() / "kc-tls-XXXXXX";
    return std::filesystem::path(::mkdtemp(name.data())) / "ca.pem";
  }();
  ~CurlTls() override { std::filesystem::remove_all(ca.parent_path()); }

  HttpCall get(const std::string& sha1 = {}) {
    HttpCall call{.url = server.url("/x")};
    call.certificate_sha1 = sha1;
    return call;
  }
};

TEST_F(CurlTls, TrustsWhatItIsToldToTrust) {
  std::ofstream(ca) << own.certificate;
  CurlTransport stranger, friendly({.ca_file = ca.string()});
  const auto refused = stranger.exchange(get());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "net.tls_untrusted");
  EXPECT_TRUE(friendly.exchange(get()));
}

// The server would take HTTP/2, and read its preface as a request.
TEST_F(CurlTls, SpeaksHttp11) {
  std::ofstream(ca) << own.certificate;
  CurlTransport transport({.ca_file = ca.string()});
  ASSERT_TRUE(transport.exchange(get()));
  EXPECT_EQ(first_line, "GET /x HTTP/1.1");
}

TEST_F(CurlTls, ANamedCertificateIsTheOnlyOne) {
  std::ofstream(ca) << own.certificate;
  CurlTransport transport;
  const auto answer = transport.exchange(get(own.sha1));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body, "fine");
  EXPECT_TRUE(transport.exchange(get(lower(own.sha1))));
  for (const auto& wrong : {other.sha1, own.sha1.substr(2), own.sha1 + "00", std::string("x")}) {
    const auto refused = transport.exchange(get(wrong));
    ASSERT_FALSE(refused) << wrong;
    EXPECT_EQ(refused.error().code, "net.tls_untrusted") << refused.error().message;
  }
  // Not even where the usual verification would hold.
  CurlTransport friendly({.ca_file = ca.string()});
  EXPECT_TRUE(friendly.exchange(get()));
  EXPECT_FALSE(friendly.exchange(get(other.sha1)));
}

TEST_F(CurlTls, WhatANamedCertificateProvedServesNoOtherCall) {
  CurlTransport transport;
  ASSERT_TRUE(transport.exchange(get(own.sha1)));
  EXPECT_FALSE(transport.exchange(get()));
  EXPECT_FALSE(transport.exchange(get(other.sha1)));
  EXPECT_TRUE(transport.exchange(get(own.sha1)));
}

}  // namespace
}  // namespace kc::net
