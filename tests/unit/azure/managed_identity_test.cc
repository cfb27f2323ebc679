#include "core/azure/managed_identity.h"

#include <gmock/gmock.h>

#include "tests/unit/azure/identity_machine.h"

namespace kc::azure {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using Selector = ManagedIdentityOptions::Selector;

std::unique_ptr<TokenCredential> identity_of(IdentityMachine& machine,
                                             ManagedIdentityOptions options = {}) {
  return std::move(managed_identity(machine.with, std::move(options))).value();
}

constexpr const char* kImdsQuestion =
    "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&"
    "resource=https%3A%2F%2Fkusto.kusto.windows.net";

TEST(ManagedIdentity, AsksImdsWhereNothingElseIsNamed) {
  IdentityMachine machine;
  machine.answer_token();
  ASSERT_TRUE(identity_of(machine)->token(asking()));
  EXPECT_EQ(machine.transport.calls[0].url, kImdsQuestion);
  EXPECT_EQ(machine.transport.calls[0].method, net::Method::get);
  EXPECT_EQ(machine.header(0, "Metadata"), "true");
}

TEST(ManagedIdentity, NamesAUserAssignedIdentityAsEachEndpointWantsIt) {
  struct Case {
    std::map<std::string, std::string> variables;
    std::vector<std::string> names;  // client, object, resource; empty: refused
  };
  const std::map<std::string, std::string> app = {{"IDENTITY_ENDPOINT", "http://127.0.0.1:41/msi"},
                                                  {"IDENTITY_HEADER", "h"}};
  auto fabric = app;
  fabric["IDENTITY_SERVER_THUMBPRINT"] = "AB";
  fabric["IDENTITY_ENDPOINT"] = "https://10.0.0.4:2377/metadata";
  const std::vector<Case> cases = {
      {{}, {"client_id", "object_id", "msi_res_id"}},
      {app, {"client_id", "object_id", "mi_res_id"}},
      {fabric, {"", "", ""}},
      {{{"MSI_ENDPOINT", "http://127.0.0.1:41/msi"}, {"MSI_SECRET", "s"}}, {"clientid", "", ""}},
      {{{"MSI_ENDPOINT", "http://localhost:50342/oauth2/token"}}, {"", "", ""}},
  };
  const std::array selectors = {Selector::client_id, Selector::object_id, Selector::resource_id};
  for (const auto& one : cases) {
    for (std::size_t i = 0; i < selectors.size(); ++i) {
      IdentityMachine machine;
      machine.variables = one.variables;
      machine.answer_token();
      const auto token = identity_of(machine, {selectors[i], "id-1"})->token(asking());
      if (one.names[i].empty()) {
        ASSERT_FALSE(token);
        EXPECT_EQ(token.error().kind, ErrorKind::invalid);
        EXPECT_THAT(machine.transport.calls, IsEmpty());
        machine.variables = one.variables;
        const auto in_chain = identity_of(machine, {selectors[i], "id-1", true})->token(asking());
        EXPECT_EQ(in_chain.error().code, "identity.not_configured");
      } else {
        ASSERT_TRUE(token) << token.error().message;
        EXPECT_THAT(machine.transport.calls[0].url, HasSubstr("&" + one.names[i] + "=id-1"));
      }
    }
  }
  IdentityMachine machine;
  EXPECT_FALSE(managed_identity(machine.with, {Selector::client_id, ""}));
  EXPECT_FALSE(managed_identity(machine.with, {Selector::system, "x"}));
}

TEST(ManagedIdentity, ImdsIsRepeatedAsDocumented) {
  for (const int status : {404, 408, 429, 500, 502, 503, 504}) {
    IdentityMachine machine;
    for (int i = 0; i < 3; ++i) machine.transport.answer(status);
    machine.answer_token();
    EXPECT_TRUE(identity_of(machine)->token(asking())) << status;
    EXPECT_THAT(machine.waits, ElementsAre(1, 2, 4)) << status;
  }
  for (const int status : {400, 401, 403}) {
    IdentityMachine machine;
    machine.answer_error(status, "invalid_request");
    const auto token = identity_of(machine)->token(asking());
    ASSERT_FALSE(token);
    EXPECT_EQ(token.error().kind, ErrorKind::denied) << status;
    EXPECT_THAT(machine.waits, IsEmpty()) << status;
  }
}

TEST(ManagedIdentity, ImdsThatIsBeingUpdatedHasSeventySeconds) {
  IdentityMachine machine;
  for (int i = 0; i < 7; ++i) machine.transport.answer(410);
  machine.answer_token();
  EXPECT_TRUE(identity_of(machine)->token(asking()));
  EXPECT_THAT(machine.waits, SizeIs(7));
  EXPECT_THAT(machine.waits, Each(10));

  IdentityMachine gone;
  for (int i = 0; i < 8; ++i) gone.transport.answer(410);
  const auto token = identity_of(gone)->token(asking());
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().kind, ErrorKind::unavailable);
  EXPECT_THAT(gone.transport.calls, SizeIs(8));

  IdentityMachine hurried;
  for (int i = 0; i < 8; ++i) hurried.transport.answer(410);
  EXPECT_FALSE(identity_of(hurried)->token(
      {.scope = kScope, .tenant = {}, .deadline = Timespan::seconds(25)}));
  EXPECT_THAT(hurried.waits, ElementsAre(10, 10));
}

TEST(ManagedIdentity, ImdsElsewhereByItsVariable) {
  IdentityMachine machine;
  machine.variables["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = "http://127.0.0.1:7000/";
  machine.answer_token();
  ASSERT_TRUE(identity_of(machine)->token(asking()));
  EXPECT_THAT(machine.transport.calls[0].url,
              HasSubstr("http://127.0.0.1:7000/metadata/identity/oauth2/token?"));
}

TEST(ManagedIdentity, AnAddressThatWasSetNeedsToAnswerOnly) {
  IdentityMachine machine;
  machine.variables["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = "http://127.0.0.1:7000";
  machine.transport.answer(404);
  machine.answer_token();
  ASSERT_TRUE(identity_of(machine, {.in_chain = true})->token(asking()));
  EXPECT_EQ(machine.transport.calls[0].url, "http://127.0.0.1:7000/metadata/identity/oauth2/token");
  EXPECT_EQ(machine.header(0, "Metadata"), "") << "asked in earnest only once it is known";
  EXPECT_EQ(machine.header(1, "Metadata"), "true");
}

TEST(ManagedIdentity, AppServiceHasItsHeader) {
  IdentityMachine machine;
  machine.variables = {{"IDENTITY_ENDPOINT", "http://127.0.0.1:41741/msi/token"},
                       {"IDENTITY_HEADER", "h-1"},
                       {"MSI_ENDPOINT", "http://127.0.0.1:1/old"},
                       {"MSI_SECRET", "old"}};
  machine.transport.answer(503);
  machine.answer_token();
  ASSERT_TRUE(identity_of(machine)->token(asking()));
  EXPECT_THAT(machine.transport.calls[1].url,
              HasSubstr("41741/msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fkusto."));
  EXPECT_EQ(machine.header(1, "X-IDENTITY-HEADER"), "h-1");
  EXPECT_EQ(machine.header(1, "Metadata"), "");
  EXPECT_THAT(machine.waits, ElementsAre(1));
}

TEST(ManagedIdentity, ServiceFabricIsKnownByItsCertificateAlone) {
  IdentityMachine machine;
  machine.variables = {
      {"IDENTITY_ENDPOINT", "https://10.0.0.4:2377/metadata/identity/oauth2/token"},
      {"IDENTITY_HEADER", "h-1"},
      {"IDENTITY_SERVER_THUMBPRINT", "ABCDEF"}};
  machine.answer_token();
  ASSERT_TRUE(identity_of(machine)->token(asking()));
  EXPECT_EQ(machine.transport.calls[0].certificate_sha1, "ABCDEF");
  EXPECT_EQ(machine.header(0, "secret"), "h-1");
  EXPECT_THAT(machine.transport.calls[0].url, HasSubstr("api-version=2019-07-01-preview"));
  machine.variables["IDENTITY_ENDPOINT"] = "http://127.0.0.1:2377/x";
  EXPECT_FALSE(identity_of(machine)->token(asking()));
  EXPECT_THAT(machine.transport.calls, SizeIs(1));
}

TEST(ManagedIdentity, CloudShellIsAskedByPost) {
  IdentityMachine machine;
  machine.variables = {{"MSI_ENDPOINT", "http://localhost:50342/oauth2/token"}};
  machine.answer_token();
  ASSERT_TRUE(identity_of(machine)->token(asking()));
  EXPECT_EQ(machine.transport.calls[0].method, net::Method::post);
  EXPECT_EQ(machine.transport.calls[0].body, "resource=https%3A%2F%2Fkusto.kusto.windows.net");
  EXPECT_EQ(machine.header(0, "Metadata"), "true");
}

TEST(ManagedIdentity, MachineLearningHasItsDefault) {
  IdentityMachine machine;
  machine.variables = {{"MSI_ENDPOINT", "http://127.0.0.1:46808/MSI/auth"},
                       {"MSI_SECRET", "s-1"},
                       {"DEFAULT_IDENTITY_CLIENT_ID", "default-1"}};
  machine.answer_token();
  ASSERT_TRUE(identity_of(machine)->token(asking()));
  EXPECT_THAT(machine.transport.calls[0].url, HasSubstr("api-version=2017-09-01"));
  EXPECT_THAT(machine.transport.calls[0].url, HasSubstr("clientid=default-1"));
  EXPECT_EQ(machine.header(0, "secret"), "s-1");
}

TEST(ManagedIdentity, NoPlainHttpToAnotherMachine) {
  for (const char* url :
       {"http://10.0.0.4/msi", "http://evil.example/msi", "ftp://127.0.0.1/x", "127.0.0.1/x",
        "http://127.0.0.1@evil.example/", "http://", "http://169.254.1.1.evil.example/"}) {
    IdentityMachine machine;
    machine.variables = {{"IDENTITY_ENDPOINT", url}, {"IDENTITY_HEADER", "h"}};
    machine.answer_token();
    const auto token = identity_of(machine)->token(asking());
    ASSERT_FALSE(token) << url;
    EXPECT_EQ(token.error().kind, ErrorKind::invalid) << url;
    EXPECT_THAT(token.error().message, HasSubstr("IDENTITY_ENDPOINT")) << url;
    EXPECT_THAT(machine.transport.calls, IsEmpty()) << url;
  }
  IdentityMachine machine;
  machine.variables = {{"IDENTITY_ENDPOINT", "http://169.254.129.3:8081/msi/token"},
                       {"IDENTITY_HEADER", "h"}};
  machine.answer_token();
  EXPECT_TRUE(identity_of(machine)->token(asking()));
}

struct Arc : IdentityMachine {
  Arc() {
    variables = {{"IDENTITY_ENDPOINT", "http://127.0.0.1:40342/metadata/identity/oauth2/token"},
                 {"IMDS_ENDPOINT", "http://127.0.0.1:40342"}};
  }
  void challenge(const std::string& file) {
    transport.answer(401, "", {{"www-authenticate", "Basic realm=" + file}});
  }
};

TEST(AzureArc, ProvesItselfByTheFileOfTheChallenge) {
  Arc machine;
  machine.challenge(machine.write("tokens/one.key", "proof-1\n"));
  machine.answer_token();
  const auto token = identity_of(machine)->token(asking());
  ASSERT_TRUE(token) << token.error().message;
  ASSERT_THAT(machine.transport.calls, SizeIs(2));
  EXPECT_EQ(machine.header(0, "Authorization"), "");
  EXPECT_EQ(machine.header(1, "Authorization"), "Basic proof-1");
  EXPECT_EQ(machine.header(1, "Metadata"), "true");
  EXPECT_EQ(machine.transport.calls[0].url, machine.transport.calls[1].url);
  EXPECT_THAT(machine.transport.calls[0].url, HasSubstr("api-version=2020-06-01"));
}

TEST(AzureArc, IsFoundByItsAgent) {
  IdentityMachine machine;
  machine.with.arc_agent = machine.write("himds", "");
  machine.answer_token();
  ASSERT_TRUE(identity_of(machine)->token(asking()));
  EXPECT_THAT(machine.transport.calls[0].url,
              HasSubstr("http://127.0.0.1:40342/metadata/identity/oauth2/token?"));
}

TEST(AzureArc, ReadsNoOtherFile) {
  Arc machine;
  const auto folder = machine.folder / "tokens";
  machine.write("tokens/good.key", "x");
  machine.write("other/good.key", "x");
  machine.write("tokens/long.key", std::string(4097, 'x'));
  machine.write("tokens/plain.txt", "x");
  std::filesystem::create_directory(folder / "folder.key");
  std::filesystem::create_symlink(folder / "good.key", folder / "link.key");
  for (const auto& path :
       {(machine.folder / "other/good.key").string(), (folder / "long.key").string(),
        (folder / "plain.txt").string(), (folder / "folder.key").string(),
        (folder / "link.key").string(), (folder / "none.key").string(), (folder / ".key").string(),
        (folder / "../tokens/good.key").string(), (folder / "../other/good.key").string(),
        folder.string() + "//good.key", std::string("good.key"), std::string("/etc/passwd"),
        (folder / "sub/good.key").string(), "\"" + (folder / "good.key").string() + "\""}) {
    const auto secret = read_arc_secret("Basic realm=" + path, folder.string());
    ASSERT_FALSE(secret) << path;
    EXPECT_EQ(secret.error().kind, ErrorKind::denied) << path;
  }
  EXPECT_FALSE(read_arc_secret("Bearer x", folder.string()));
  EXPECT_FALSE(read_arc_secret("", folder.string()));
  machine.write("tokens/full.key", std::string(4096, 'x'));
  EXPECT_TRUE(read_arc_secret("Basic realm=" + (folder / "full.key").string(), folder.string()));
}

TEST(AzureArc, AsksOnceMoreOnlyOnce) {
  Arc machine;
  const auto file = machine.write("tokens/one.key", "stale");
  machine.challenge(file);
  machine.challenge(file);
  const auto token = identity_of(machine)->token(asking());
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().code, "identity.refused");
  EXPECT_THAT(token.error().message, Not(HasSubstr("stale")));
  EXPECT_THAT(machine.transport.calls, SizeIs(2));

  Arc silent;
  silent.transport.answer(401);
  EXPECT_EQ(identity_of(silent)->token(asking()).error().code, "identity.refused");
}

TEST(AzureArc, AUserAssignedIdentityMustBeConfirmed) {
  const std::string good = R"({"access_token":"t","expires_in":3600,"msi_res_id":"/SUB/one"})";
  const std::string silent = R"({"access_token":"t","expires_in":3600})";
  Arc machine;
  const auto credential = identity_of(machine, {Selector::resource_id, "/sub/One"});
  machine.transport.answer(200, good);
  EXPECT_TRUE(credential->token(asking()));
  machine.transport.answer(200, silent);
  const auto token = credential->token(asking());
  ASSERT_FALSE(token);
  EXPECT_THAT(token.error().message, HasSubstr("too old"));
}

}  // namespace
}  // namespace kc::azure
