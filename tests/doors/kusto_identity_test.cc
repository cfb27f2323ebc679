// The client that ships, signed in: its tokens come from the identity server of the fakes over
// https, and the embedded engine takes no request without one.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "api/kusto_endpoint.h"
#include "core/engine/engine.h"
#include "core/kusto/rest_kusto.h"
#include "core/net/curl_transport.h"
#include "tests/fakes/identity_server.h"
#include "tests/fakes/sign_in_elsewhere.h"

namespace kc::doors {
namespace {

using kusto::ConnectionString;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

struct SignedIn : ::testing::Test {
  std::filesystem::path folder = [] {
    std::string name = std::filesystem::temp_directory_path() / "kc-signed-in-XXXXXX";
    return std::filesystem::path(::mkdtemp(name.data()));
  }();
  fakes::IdentityServer server;
  std::unique_ptr<engine::Engine> engine = std::move(engine::Engine::open(options())).value();
  std::unique_ptr<api::KustoEndpoint> endpoint =
      std::move(api::KustoEndpoint::start(*engine, {.threads = 2, .require_token = true})).value();
  net::CurlTransport curl{{.ca_file = ca()}};
  fakes::SignInElsewhere transport{curl, server.login_url()};
  ManualClock clock{SystemClock().now()};
  std::shared_ptr<kusto::Identities> identities =
      std::make_shared<kusto::Identities>(transport, clock);
  std::vector<double> waits;

  SignedIn() {
    EXPECT_TRUE(engine->command("NetDefaultDB", ".create database Db"));
    identities->surroundings.wait = [this](Timespan span, const std::stop_token&) {
      waits.push_back(span.to_seconds());
      clock.advance(span);
      return true;
    };
  }
  ~SignedIn() override {
    curl.close();
    endpoint->stop();
    engine->close();
    endpoint.reset();
    engine.reset();
    std::filesystem::remove_all(folder);
  }
  engine::EngineOptions options() const {
    engine::EngineOptions wish;
    wish.data_folder = folder / "engine";
    wish.threads = 1;
    wish.memory_limit_bytes = 256 << 20;
    return wish;
  }
  std::string ca() const {
    std::ofstream(folder / "ca.pem") << server.certificate().certificate;
    return (folder / "ca.pem").string();
  }

  std::unique_ptr<kusto::Kusto> open(const std::string& sign_in) {
    kusto::RestKustoOptions wish;
    wish.identities = identities;
    const auto where = ConnectionString::parse(endpoint->url() + "/Db" + sign_in);
    EXPECT_TRUE(where) << where.error().message;
    return std::move(kusto::connect(*where, transport, clock, wish)).value();
  }
  static Result<kusto::Answer> ask(kusto::Kusto& kusto) {
    return kusto.run(kusto::Read{kusto::ReadCursor{{"Db"}}},
                     {.request_id = "id", .deadline = Timespan::seconds(60)});
  }
  std::size_t tokens_asked() const { return server.seen().size(); }
};

const std::string kApplication = ";Fed=True;AppClientId=app;AppKey=k3y;Authority Id=tenant-1";

TEST_F(SignedIn, TheEngineTakesTheTokenOfTheIdentityServer) {
  const auto nobody = ask(*open(""));
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().kind, ErrorKind::denied);
  const auto kusto = open(kApplication);
  for (int i = 0; i < 3; ++i) {
    const auto answer = ask(*kusto);
    ASSERT_TRUE(answer) << answer.error().message;
  }
  ASSERT_THAT(server.seen(), SizeIs(1));
  EXPECT_EQ(server.seen()[0].path, "/tenant-1/oauth2/v2.0/token");
  EXPECT_TRUE(server.seen()[0].tls);
  EXPECT_EQ(server.seen()[0].form_value("client_secret"), "k3y");
}

TEST_F(SignedIn, ATokenIsRenewedBeforeItsEnd) {
  const auto kusto = open(kApplication);
  ASSERT_TRUE(ask(*kusto));
  clock.advance(Timespan::seconds(2900));
  ASSERT_TRUE(ask(*kusto));
  EXPECT_EQ(tokens_asked(), 1U);
  clock.advance(Timespan::seconds(200));
  ASSERT_TRUE(ask(*kusto));
  EXPECT_EQ(tokens_asked(), 2U);
  clock.step(Timespan::seconds(-100'000));
  clock.advance(Timespan::seconds(3700));
  ASSERT_TRUE(ask(*kusto));
  EXPECT_EQ(tokens_asked(), 3U);
}

TEST_F(SignedIn, GoesOnThroughTheTroublesOfTheLoginEndpoint) {
  server.answer_next("/oauth2/", {429, "{}", "Retry-After: 5\r\n"});
  server.answer_next("/oauth2/", {503, "<html>"});
  ASSERT_TRUE(ask(*open(kApplication)));
  EXPECT_THAT(waits, testing::ElementsAre(5, 2));
  EXPECT_EQ(tokens_asked(), 3U);
}

TEST_F(SignedIn, SaysWhatIsWrong) {
  const auto kusto = open(kApplication);
  server.answer_next(
      "/oauth2/", {401, R"({"error":"invalid_client","error_description":"AADSTS7000222: k3y"})"});
  const auto refused = ask(*kusto);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "identity.refused");
  EXPECT_THAT(refused.error().message, HasSubstr("expired"));
  EXPECT_THAT(refused.error().message, Not(HasSubstr("k3y")));
  ASSERT_FALSE(ask(*kusto));
  EXPECT_EQ(tokens_asked(), 1U) << "a refusal is not asked for again at once";
  clock.advance(Timespan::seconds(61));
  ASSERT_TRUE(ask(*kusto));
}

}  // namespace
}  // namespace kc::doors
