#include "core/azure/entra.h"

#include <gmock/gmock.h>

#include "core/azure/token_call.h"
#include "core/base/base64.h"
#include "tests/fakes/certificates.h"
#include "tests/unit/azure/identity_machine.h"

namespace kc::azure {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

const Application kWho{.tenant = "contoso.example", .client_id = "app-1"};
constexpr const char* kSecret = "s3cr3t+/ =&%";

std::unique_ptr<TokenCredential> secret_of(IdentityMachine& machine, Application who = kWho) {
  return std::move(client_secret(machine.with, std::move(who), kSecret)).value();
}

TEST(ClientSecret, AsksAsDocumented) {
  IdentityMachine machine;
  machine.answer_token();
  const auto token = secret_of(machine)->token(asking());
  ASSERT_TRUE(token) << token.error().message;
  EXPECT_EQ(token->secret, "token-1");
  EXPECT_EQ(token->expires, kStart + Timespan::seconds(3600));
  EXPECT_FALSE(token->refresh);
  ASSERT_THAT(machine.transport.calls, SizeIs(1));
  const auto& call = machine.transport.calls[0];
  EXPECT_EQ(call.method, net::Method::post);
  EXPECT_EQ(call.url, "https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token");
  EXPECT_EQ(machine.header(0, "Content-Type"), "application/x-www-form-urlencoded");
  EXPECT_EQ(machine.field(0, "client_id"), "app-1");
  EXPECT_EQ(machine.field(0, "grant_type"), "client_credentials");
  EXPECT_EQ(machine.field(0, "scope"), kScope);
  EXPECT_EQ(machine.field(0, "client_secret"), kSecret);
}

TEST(ClientSecret, ReadsEveryWayOfSayingWhenATokenEnds) {
  const std::string head = R"({"access_token":"t",)";
  const std::vector<std::pair<std::string, std::int64_t>> cases = {
      {R"("expires_in":100})", 100},
      {R"("expires_in":"100"})", 100},
      {R"("expires_in":"100","expires_on":"9"})", 100},
      {R"("expires_on":1795000200})", 200},
      {R"("expires_on":"1795000200"})", 200},
      {R"("expires_on":"2026-11-18T11:10:00Z"})", 200},
      {R"("expires_on":"Wed, 18 Nov 2026 11:10:00 GMT"})", 200},
      {R"("expires_on":"11/18/2026 11:10:00 +00:00"})", 200},
      {R"("expires_on":"11/18/2026 11:10:00 AM +00:00"})", 200},
  };
  for (const auto& [rest, seconds] : cases) {
    const auto token = read_token({200, {}, head + rest}, kStart, "test");
    ASSERT_TRUE(token) << rest << ": " << token.error().message;
    EXPECT_EQ((token->expires - kStart).ticks / kTicksPerSecond, seconds) << rest;
  }
}

TEST(ClientSecret, TakesNoAnswerThatIsNoToken) {
  for (const char* body :
       {"", "null", "[]", "<html>", R"({"access_token":""})",
        R"({"access_token":7,"expires_in":9})", R"({"access_token":"t"})",
        R"({"access_token":"t","expires_in":-1})", R"({"access_token":"t","expires_in":0})",
        R"({"access_token":"t","expires_in":1e300})", R"({"access_token":"t","expires_in":"soon"})",
        R"({"access_token":"t","expires_on":"7"})", R"({"access_token":"a b","expires_in":9})",
        R"({"access_token":"a\r\nX: y","expires_in":9})",
        R"({"access_token":"t","expires_in":9,"token_type":"pop"})"}) {
    const auto token = read_token({200, {}, body}, kStart, "test");
    ASSERT_FALSE(token) << body;
    EXPECT_EQ(token.error().code, "identity.bad_answer") << body;
    EXPECT_EQ(token.error().kind, ErrorKind::corrupt) << body;
  }
}

TEST(ClientSecret, WaitsAsToldAndGivesUpAfterThreeRetries) {
  IdentityMachine machine;
  machine.transport.answer(429, "{}", {{"retry-after", "7"}});
  machine.transport.answer(503);
  machine.transport.broken("net.timeout");
  machine.answer_token();
  ASSERT_TRUE(secret_of(machine)->token(asking()));
  EXPECT_THAT(machine.waits, ElementsAre(7, 2, 4));

  IdentityMachine failing;
  for (int i = 0; i < 4; ++i) failing.transport.answer(500);
  const auto token = secret_of(failing)->token(asking());
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(token.error().code, "identity.unavailable");
  EXPECT_THAT(failing.waits, ElementsAre(1, 2, 4));
}

TEST(ClientSecret, IsThrottledWhereTheWaitIsLongerThanTheDeadline) {
  IdentityMachine machine;
  machine.transport.answer(429, "{}", {{"retry-after", "600"}});
  const auto token = secret_of(machine)->token(asking());
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().kind, ErrorKind::throttled);
  EXPECT_EQ(token.error().retry_after, std::chrono::seconds(600));
  EXPECT_THAT(machine.waits, IsEmpty());
}

TEST(ClientSecret, NeverRepeatsARefusal) {
  for (const char* word : {"invalid_client", "unauthorized_client", "invalid_grant",
                           "invalid_scope", "interaction_required"}) {
    for (const int status : {400, 401}) {
      IdentityMachine machine;
      machine.answer_error(status, word);
      const auto token = secret_of(machine)->token(asking());
      ASSERT_FALSE(token);
      EXPECT_EQ(token.error().kind, ErrorKind::denied);
      EXPECT_EQ(token.error().service_code, word);
      EXPECT_THAT(machine.transport.calls, SizeIs(1));
    }
  }
}

TEST(ClientSecret, SaysWhatTheCodesOfEntraMean) {
  for (const auto& [code, hint] :
       std::vector<std::pair<std::string, std::string>>{{"AADSTS7000215", "secret's value"},
                                                        {"AADSTS7000222", "expired"},
                                                        {"AADSTS700027", "not registered"},
                                                        {"AADSTS700024", "clock"},
                                                        {"AADSTS70021", "federated credential"},
                                                        {"AADSTS700211", "issuer"},
                                                        {"AADSTS700213", "subject"},
                                                        {"AADSTS700016", "not in this tenant"},
                                                        {"AADSTS90002", "no such tenant"},
                                                        {"AADSTS500011", "resource"},
                                                        {"AADSTS65001", "consented"},
                                                        {"AADSTS50196", "loop"}}) {
    IdentityMachine machine;
    machine.answer_error(401, "invalid_client", code + ": words with s3cr3t in them. Trace ID: 1");
    const auto token = secret_of(machine)->token(asking());
    ASSERT_FALSE(token);
    EXPECT_EQ(token.error().service_code, code);
    EXPECT_EQ(token.error().request_id, "0000-c0");
    EXPECT_THAT(token.error().message, HasSubstr(code));
    EXPECT_THAT(token.error().message, HasSubstr(hint));
    EXPECT_THAT(token.error().message, Not(HasSubstr("s3cr3t")));
  }
}

TEST(ClientSecret, FollowsNoRedirect) {
  IdentityMachine machine;
  machine.transport.answer(302, "", {{"location", "https://evil.example/token"}});
  const auto token = secret_of(machine)->token(asking());
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().code, "identity.bad_answer");
  EXPECT_THAT(machine.transport.calls, SizeIs(1));
}

TEST(ClientSecret, AsksAnotherTenantOnlyWhereThatIsAllowed) {
  IdentityMachine machine;
  auto request = asking();
  request.tenant = "other.example";
  const auto refused = secret_of(machine)->token(request);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::invalid);
  EXPECT_THAT(machine.transport.calls, IsEmpty());
  for (const char* allowed : {"OTHER.example", "*"}) {
    auto who = kWho;
    who.other_tenants = {allowed};
    machine.answer_token();
    ASSERT_TRUE(secret_of(machine, who)->token(request));
    EXPECT_THAT(machine.transport.calls.back().url, HasSubstr("/other.example/"));
  }
}

TEST(ClientSecret, StopsWhenAskedTo) {
  IdentityMachine machine;
  std::stop_source stop;
  machine.transport.answer(503);
  auto request = asking();
  request.cancel = stop.get_token();
  machine.with.wait = [&](Timespan, const std::stop_token& token) {
    stop.request_stop();
    return !token.stop_requested();
  };
  const auto token = secret_of(machine)->token(request);
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().kind, ErrorKind::cancelled);
}

TEST(Application, IsCheckedBeforeAnythingIsAsked) {
  IdentityMachine machine;
  for (const char* authority :
       {"http://login.microsoftonline.com", "login.microsoftonline.com", "https://",
        "https://a@b.example", "https://login.example/tenant", "https://login.example?x",
        "https://login.example#x", "https://login.example\\x", "https://login .example"}) {
    auto who = kWho;
    who.authority = authority;
    EXPECT_FALSE(client_secret(machine.with, who, "x")) << authority;
  }
  for (const char* tenant : {"", "a/b", "a?b", "../x", "a b", "a%2fb", "ä"}) {
    auto who = kWho;
    who.tenant = tenant;
    EXPECT_FALSE(client_secret(machine.with, who, "x")) << tenant;
  }
  EXPECT_FALSE(client_secret(machine.with, kWho, ""));
  EXPECT_FALSE(client_secret(machine.with, {.tenant = "t"}, "x"));
  EXPECT_FALSE(secret_of(machine)->token(asking("https://x/.default openid")));
  EXPECT_FALSE(secret_of(machine)->token(asking("")));
  EXPECT_THAT(machine.transport.calls, IsEmpty());
}

TEST(WorkloadIdentity, ReadsItsFileAtEveryRequest) {
  IdentityMachine machine;
  const auto file = machine.write("token", "first.jwt\n");
  const auto credential = std::move(workload_identity(machine.with, kWho, file)).value();
  machine.answer_token();
  ASSERT_TRUE(credential->token(asking()));
  EXPECT_EQ(machine.field(0, "client_assertion"), "first.jwt");
  EXPECT_EQ(machine.field(0, "client_assertion_type"),
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
  machine.write("token", "second.jwt");
  machine.answer_token();
  ASSERT_TRUE(credential->token(asking()));
  EXPECT_EQ(machine.field(1, "client_assertion"), "second.jwt");
  machine.write("token", " \n");
  EXPECT_FALSE(credential->token(asking()));
  std::filesystem::remove(file);
  const auto token = credential->token(asking());
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().kind, ErrorKind::invalid);
  EXPECT_THAT(token.error().message, HasSubstr(file));
  EXPECT_THAT(machine.transport.calls, SizeIs(2));
}

TEST(ClientCertificate, SignsAnAssertionForThisEndpointOnly) {
  IdentityMachine machine;
  const auto own = fakes::make_certificate("app");
  const auto file = machine.write("app.pem", own.key + own.certificate);
  const auto credential = std::move(client_certificate(machine.with, kWho, {.path = file})).value();
  machine.answer_token();
  ASSERT_TRUE(credential->token(asking()));
  const auto assertion = machine.field(0, "client_assertion");
  EXPECT_EQ(expiry_of_token(assertion), kStart + Timespan::seconds(600));
  EXPECT_EQ(std::count(assertion.begin(), assertion.end(), '.'), 2);
  EXPECT_EQ(machine.field(0, "client_secret"), "");
  EXPECT_THAT(credential->identity(), Not(HasSubstr("PRIVATE")));
}

TEST(ClientCertificate, SeesARenewedFile) {
  IdentityMachine machine;
  const auto first = fakes::make_certificate("app"), second = fakes::make_certificate("app");
  const auto file = machine.write("app.pem", first.certificate + first.key);
  const auto credential = std::move(client_certificate(machine.with, kWho, {.path = file})).value();
  machine.answer_token();
  ASSERT_TRUE(credential->token(asking()));
  machine.write("app.pem", second.certificate + second.key);
  machine.answer_token();
  ASSERT_TRUE(credential->token(asking()));
  const auto header = [&](std::size_t call) {
    const auto text = machine.field(call, "client_assertion");
    return text.substr(0, text.find('.'));
  };
  EXPECT_NE(header(0), header(1));
}

TEST(ClientCertificate, SaysWhatIsWrongWithTheFile) {
  const auto own = fakes::make_certificate("app"), other = fakes::make_certificate("other");
  const auto curve = fakes::make_curve_certificate("curve");
  const auto refused = [](const std::string& bytes, const std::string& password) {
    const auto one = SigningCertificate::read(bytes, password);
    EXPECT_FALSE(one);
    return one ? std::string() : one.error().message;
  };
  EXPECT_THAT(refused("", ""), HasSubstr("no private key"));
  EXPECT_THAT(refused("hello", ""), HasSubstr("no private key"));
  EXPECT_THAT(refused(own.certificate, ""), HasSubstr("no private key"));
  EXPECT_THAT(refused(own.key, ""), HasSubstr("no certificate"));
  EXPECT_THAT(refused(own.key + other.certificate, ""), HasSubstr("no certificate"));
  EXPECT_THAT(refused(curve.key + curve.certificate, ""), HasSubstr("not RSA"));
  EXPECT_THAT(refused(fakes::make_pfx(own, "right"), "wrong-pass"), HasSubstr("password"));
  EXPECT_THAT(refused(fakes::make_pfx(own, "right"), "wrong-pass"), Not(HasSubstr("wrong-pass")));
  const auto locked = fakes::encrypted_key(own, "right") + own.certificate;
  EXPECT_THAT(refused(locked, "wrong-pass"), HasSubstr("password"));
  EXPECT_TRUE(SigningCertificate::read(locked, "right"));
  EXPECT_TRUE(SigningCertificate::read(fakes::make_pfx(own, "right"), "right"));
  EXPECT_TRUE(SigningCertificate::read(fakes::make_pfx(own, ""), ""));
  EXPECT_TRUE(SigningCertificate::read(other.certificate + own.certificate + own.key, ""));
}

TEST(StaticToken, EndsWhenItSays) {
  IdentityMachine machine;
  const auto seconds = (kStart.value - kTicksAtUnixEpoch) / kTicksPerSecond + 60;
  const auto jwt = "e30." + base64_url(R"({"exp":)" + std::to_string(seconds) + "}") + ".s";
  const auto credential = static_token(machine.with, jwt);
  ASSERT_TRUE(credential->token(asking()));
  EXPECT_EQ(credential->token(asking())->secret, jwt);
  machine.clock.advance(Timespan::seconds(60));
  const auto token = credential->token(asking());
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().kind, ErrorKind::denied);
  EXPECT_THAT(credential->identity(), Not(HasSubstr(jwt)));
  EXPECT_EQ(static_token(machine.with, "opaque")->token(asking())->expires, kTicksMax);
}

}  // namespace
}  // namespace kc::azure
