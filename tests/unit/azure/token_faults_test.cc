// What a token endpoint can do to a caller, over a real connection: each fault has its one outcome,
// for a login endpoint (https) and for a machine's (http) alike.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "core/azure/entra.h"
#include "core/azure/managed_identity.h"
#include "core/net/curl_transport.h"
#include "tests/fakes/certificates.h"
#include "tests/fakes/raw_server.h"

namespace kc::azure {
namespace {

using fakes::raw_answer;
using fakes::RawConnection;
using fakes::RawServer;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kToken = R"({"access_token":"t0ken","expires_in":3600})";

struct Fault {
  const char* name;
  std::function<void(RawConnection&)> serve;
  const char* code;
  ErrorKind kind;
  Timespan deadline = Timespan::seconds(60);
};

// The same answer to every request.
std::function<void(RawConnection&)> always(int status, const std::string& body,
                                           const std::string& headers = {}) {
  return [=](RawConnection& one) {
    while (one.read_request()) {
      if (!one.send(raw_answer(status, body, headers))) return;
    }
  };
}

void reset_after(RawConnection& one, std::size_t bytes) {
  if (!one.read_request()) return;
  one.send(raw_answer(200, kToken).substr(0, bytes));
  one.reset();
}

std::vector<Fault> faults() {
  const auto kUnavailable = ErrorKind::unavailable;
  return {
      {"reset before the answer", [](auto& one) { reset_after(one, 0); }, "identity.unavailable",
       kUnavailable},
      {"reset in the headers", [](auto& one) { reset_after(one, 20); }, "identity.unavailable",
       kUnavailable},
      {"reset in the body", [](auto& one) { reset_after(one, raw_answer(200, kToken).size() - 5); },
       "identity.unavailable", kUnavailable},
      {"black hole", [](auto& one) { one.wait_until_client_closes(); }, "identity.unavailable",
       kUnavailable, Timespan::milliseconds(200)},
      {"slow drip",
       [](auto& one) {
         if (!one.read_request()) return;
         const auto answer = raw_answer(200, kToken);
         for (const char& byte : answer) {
           if (one.client_closed_within(std::chrono::milliseconds(20)) || !one.send({&byte, 1}))
             return;
         }
       },
       "identity.unavailable", kUnavailable, Timespan::milliseconds(300)},
      {"truncated JSON", always(200, R"({"access_token":"t0ken","expi)"), "identity.bad_answer",
       ErrorKind::corrupt},
      {"another content type", always(200, "<html>t0ken</html>", "Content-Type: text/html\r\n"),
       "identity.bad_answer", ErrorKind::corrupt},
      {"nothing", always(200, ""), "identity.bad_answer", ErrorKind::corrupt},
      {"too much", always(200, std::string(std::size_t{2} << 20, ' ')), "identity.bad_answer",
       ErrorKind::corrupt},
      {"429", always(429, "{}"), "identity.throttled", ErrorKind::throttled},
      {"500", always(500, "{}"), "identity.unavailable", kUnavailable},
      {"503", always(503, "{}"), "identity.unavailable", kUnavailable},
      {"400", always(400, R"({"error":"invalid_scope"})"), "identity.refused", ErrorKind::denied},
      {"401", always(401, R"({"error":"invalid_client"})"), "identity.refused", ErrorKind::denied},
      {"an error in a 200", always(200, R"({"error":"invalid_client"})"), "identity.bad_answer",
       ErrorKind::corrupt},
      {"an expired token", always(200, R"({"access_token":"t0ken","expires_in":0})"),
       "identity.bad_answer", ErrorKind::corrupt},
  };
}

struct TokenFaults : ::testing::Test {
  const fakes::TestCertificate certificate = fakes::make_certificate("faults");
  std::filesystem::path ca = [this] {
    std::string name = std::filesystem::temp_directory_path() / "kc-faults-XXXXXX";
    const auto path = std::filesystem::path(::mkdtemp(name.data())) / "ca.pem";
    std::ofstream(path) << certificate.certificate;
    return path;
  }();
  net::CurlTransport transport{{.ca_file = ca.string()}};
  ManualClock clock{SystemClock().now()};
  std::string machine;
  Surroundings with{.transport = transport,
                    .clock = clock,
                    .variable = [this](const std::string& name) -> std::optional<std::string> {
                      if (name == "AZURE_POD_IDENTITY_AUTHORITY_HOST") return machine;
                      return std::nullopt;
                    },
                    .wait =
                        [this](Timespan span, const std::stop_token&) {
                          clock.advance(span);
                          return true;
                        },
                    .arc_agent = "none"};

  ~TokenFaults() override { std::filesystem::remove_all(ca.parent_path()); }

  Result<AccessToken> ask_login(const std::string& url, Timespan deadline) {
    auto one = client_secret(with, {url, "tenant", "app", {}}, "s3cret");
    return (*one)->token({.scope = "https://x/.default", .tenant = {}, .deadline = deadline});
  }
  Result<AccessToken> ask_machine(const std::string& url, Timespan deadline) {
    machine = url;
    auto one = managed_identity(with, {});
    return (*one)->token({.scope = "https://x/.default", .tenant = {}, .deadline = deadline});
  }
  static void expect(const Result<AccessToken>& token, const char* code, ErrorKind kind) {
    ASSERT_FALSE(token);
    EXPECT_EQ(token.error().code, code) << token.error().message;
    EXPECT_EQ(token.error().kind, kind) << token.error().message;
    EXPECT_THAT(token.error().message, Not(HasSubstr("s3cret")));
    EXPECT_THAT(token.error().message, Not(HasSubstr("t0ken")));
  }
};

TEST_F(TokenFaults, EachHasOneOutcomeAtALoginEndpoint) {
  for (const auto& fault : faults()) {
    SCOPED_TRACE(fault.name);
    RawServer server(fault.serve, certificate.certificate, certificate.key);
    expect(ask_login(server.url(""), fault.deadline), fault.code, fault.kind);
  }
}

TEST_F(TokenFaults, EachHasOneOutcomeAtAMachine) {
  for (const auto& fault : faults()) {
    SCOPED_TRACE(fault.name);
    RawServer server(fault.serve);
    expect(ask_machine(server.url(""), fault.deadline), fault.code, fault.kind);
  }
}

TEST_F(TokenFaults, NobodyIsThere) {
  const auto port = std::to_string(fakes::refused_port());
  expect(ask_login("https://127.0.0.1:" + port, Timespan::seconds(60)), "identity.unavailable",
         ErrorKind::unavailable);
  expect(ask_machine("http://127.0.0.1:" + port, Timespan::seconds(60)), "identity.unavailable",
         ErrorKind::unavailable);
}

TEST_F(TokenFaults, ACertificateOfSomebodyElse) {
  const auto other = fakes::make_certificate("other");
  RawServer server(always(200, kToken), other.certificate, other.key);
  expect(ask_login(server.url(""), Timespan::seconds(60)), "net.tls_untrusted", ErrorKind::invalid);
}

TEST_F(TokenFaults, ARedirectIsNotFollowed) {
  RawServer thief(always(200, kToken), certificate.certificate, certificate.key);
  for (const int status : {301, 302, 303, 307, 308}) {
    const auto there = "Location: " + thief.url("/tenant/oauth2/v2.0/token") + "\r\n";
    RawServer login(always(status, "", there), certificate.certificate, certificate.key);
    expect(ask_login(login.url(""), Timespan::seconds(60)), "identity.bad_answer",
           ErrorKind::corrupt);
    RawServer own(always(status, "", there));
    expect(ask_machine(own.url(""), Timespan::seconds(60)), "identity.bad_answer",
           ErrorKind::corrupt);
  }
  EXPECT_EQ(thief.connections(), 0);
}

TEST_F(TokenFaults, GoesOnAfterAFaultThatPasses) {
  RawServer server(
      [](RawConnection& one) {
        if (one.number() < 3) return reset_after(one, 10);
        always(200, kToken)(one);
      },
      certificate.certificate, certificate.key);
  const auto token = ask_login(server.url(""), Timespan::seconds(60));
  ASSERT_TRUE(token) << token.error().message;
  EXPECT_EQ(token->secret, "t0ken");
}

}  // namespace
}  // namespace kc::azure
