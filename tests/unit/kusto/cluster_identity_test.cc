#include "core/kusto/cluster_identity.h"

#include <gmock/gmock.h>

#include "core/kusto/rest_kusto.h"
#include "tests/unit/azure/identity_machine.h"

namespace kc::kusto {
namespace {

using azure::IdentityMachine;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr const char* kCluster = "https://c.kusto.windows.net";
const std::string kApplication = ";Fed=True;AppClientId=app-1;AppKey=k3y;Authority Id=tenant-1";
constexpr const char* kPublic =
    R"({"AzureAD":{"LoginEndpoint":"https://login.microsoftonline.com","LoginMfaRequired":false,"KustoServiceResourceId":"https://kusto.kusto.windows.net"}})";
constexpr const char* kCursor =
    R"([{"FrameType":"DataSetHeader","Version":"v2.0"},{"TableName":"T","TableKind":"PrimaryResult","FrameType":"DataTable","TableId":0,"Columns":[{"ColumnName":"Cursor","ColumnType":"string"}],"Rows":[["7"]]},{"FrameType":"DataSetCompletion","HasErrors":false,"Cancelled":false}])";

struct ClusterIdentityTest : ::testing::Test {
  IdentityMachine machine;
  std::shared_ptr<Identities> identities = make({});

  std::shared_ptr<Identities> make(azure::TrustedHosts trusted) {
    auto all = std::make_shared<Identities>(machine.transport, machine.clock, std::move(trusted));
    all->surroundings.variable = machine.with.variable;
    all->surroundings.wait = machine.with.wait;
    all->surroundings.arc_agent = machine.with.arc_agent;
    return all;
  }
  Result<std::unique_ptr<Kusto>> open(const std::string& text) {
    auto where = ConnectionString::parse(text);
    if (!where) return fail(std::move(where).error());
    RestKustoOptions options;
    options.identities = identities;
    return connect(*where, machine.transport, machine.clock, options);
  }
  static Result<Answer> ask(Kusto& kusto) {
    return kusto.run(Read{ReadCursor{{"Db"}}},
                     {.request_id = "id", .deadline = Timespan::seconds(100)});
  }
  Result<Answer> ask(const std::string& text) {
    auto kusto = open(text);
    if (!kusto) return fail(std::move(kusto).error());
    return ask(**kusto);
  }
  std::string authorization(std::size_t call) const {
    return machine.header(call, "Authorization");
  }
};

TEST_F(ClusterIdentityTest, AsksTheClusterThenTheIssuerThenTheClusterAgain) {
  machine.transport.answer(200, kPublic);
  machine.answer_token("token-1");
  machine.transport.answer(200, kCursor);
  const auto answer = ask(kCluster + kApplication);
  ASSERT_TRUE(answer) << answer.error().message;
  ASSERT_THAT(machine.transport.calls, SizeIs(3));
  EXPECT_EQ(machine.transport.calls[0].url, "https://c.kusto.windows.net/v1/rest/auth/metadata");
  EXPECT_EQ(authorization(0), "");
  EXPECT_EQ(machine.transport.calls[1].url,
            "https://login.microsoftonline.com/tenant-1/oauth2/v2.0/token");
  EXPECT_EQ(machine.field(1, "client_secret"), "k3y");
  EXPECT_EQ(machine.field(1, "scope"), "https://kusto.kusto.windows.net/.default");
  EXPECT_EQ(machine.transport.calls[2].url, "https://c.kusto.windows.net/v2/rest/query");
  EXPECT_EQ(authorization(2), "Bearer token-1");
}

TEST_F(ClusterIdentityTest, KeepsTheTokenForAllClustersOfOneIdentity) {
  machine.transport.answer(200, kPublic);
  machine.answer_token("token-1");
  machine.transport.answer(200, kCursor);
  machine.transport.answer(200, kCursor);
  const auto kusto = std::move(open(kCluster + kApplication)).value();
  ASSERT_TRUE(ask(*kusto));
  ASSERT_TRUE(ask(*kusto));
  machine.transport.answer(200, kPublic);
  machine.transport.answer(200, kCursor);
  ASSERT_TRUE(ask("https://other.kusto.windows.net" + kApplication));
  EXPECT_THAT(machine.transport.calls, SizeIs(6));
  EXPECT_EQ(authorization(5), "Bearer token-1");
}

TEST_F(ClusterIdentityTest, SendsNoTokenWhereNobodySignsIn) {
  machine.transport.answer(200, kCursor);
  ASSERT_TRUE(ask(kCluster));
  EXPECT_THAT(machine.transport.calls, SizeIs(1));
  EXPECT_EQ(authorization(0), "");
}

TEST_F(ClusterIdentityTest, TriesOnceMoreWithANewTokenAfter401) {
  machine.transport.answer(200, kPublic);
  machine.answer_token("token-1");
  machine.transport.answer(401);
  machine.answer_token("token-2");
  machine.transport.answer(200, kCursor);
  ASSERT_TRUE(ask(kCluster + kApplication));
  EXPECT_EQ(authorization(2), "Bearer token-1");
  EXPECT_EQ(authorization(4), "Bearer token-2");
  EXPECT_EQ(machine.transport.calls[2].attempt, 1);
  EXPECT_EQ(machine.transport.calls[4].attempt, 2);
  EXPECT_EQ(std::count_if(machine.transport.calls[4].headers.begin(),
                          machine.transport.calls[4].headers.end(),
                          [](const auto& one) { return one.name == "Authorization"; }),
            1);

  IdentityMachine& again = machine;
  again.transport.calls.clear();
  again.transport.answer(200, kPublic);
  again.transport.answer(401);
  again.answer_token("token-3");
  again.transport.answer(401);
  const auto answer = ask(kCluster + kApplication);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::denied);
  EXPECT_THAT(again.transport.calls, SizeIs(4)) << "not a third time";
}

TEST_F(ClusterIdentityTest, AGivenTokenIsNotSentAgain) {
  machine.transport.answer(200, kPublic);
  machine.transport.answer(401);
  const auto answer = ask(std::string(kCluster) + ";Fed=True;UserToken=s3cret");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::denied);
  EXPECT_THAT(answer.error().message, Not(HasSubstr("s3cret")));
  EXPECT_THAT(machine.transport.calls, SizeIs(2));
  EXPECT_EQ(authorization(1), "Bearer s3cret");
}

TEST_F(ClusterIdentityTest, AsksNothingOfAnUntrustedHost) {
  for (const char* host : {"https://evil.example", "https://c.kusto.windows.net.evil.example",
                           "https://evilkusto.windows.net", "https://kusto.windows.net"}) {
    for (const std::string& way :
         {kApplication, std::string(";Fed=True"), std::string(";Fed=True;UserToken=s3cret")}) {
      const auto kusto = open(host + way);
      ASSERT_FALSE(kusto) << host;
      EXPECT_EQ(kusto.error().code, "identity.untrusted_host") << host;
      EXPECT_EQ(kusto.error().kind, ErrorKind::denied) << host;
    }
  }
  EXPECT_THAT(machine.transport.calls, IsEmpty());
}

TEST_F(ClusterIdentityTest, TakesAnAllowedHost) {
  identities = make(std::move(azure::TrustedHosts::allowing({"adx.contoso.example"})).value());
  machine.transport.answer(200, kPublic);
  machine.answer_token("token-1");
  machine.transport.answer(200, kCursor);
  EXPECT_TRUE(ask("https://adx.contoso.example" + kApplication));
}

// What a cluster says is checked before anything secret leaves.
TEST_F(ClusterIdentityTest, BelievesNoClusterThatNamesAnotherLoginOrResource) {
  for (const char* says :
       {R"({"AzureAD":{"LoginEndpoint":"https://evil.example"}})",
        R"({"AzureAD":{"LoginEndpoint":"http://login.microsoftonline.com"}})",
        R"({"AzureAD":{"LoginEndpoint":"https://login.microsoftonline.com.evil.example"}})",
        R"({"AzureAD":{"LoginEndpoint":"https://login.microsoftonline.us"}})",
        R"({"AzureAD":{"KustoServiceResourceId":"https://management.azure.com"}})",
        R"({"AzureAD":{"KustoServiceResourceId":"https://graph.microsoft.com"}})",
        R"({"AzureAD":{"KustoServiceResourceId":"https://evilkusto.windows.net"}})",
        R"({"AzureAD":{"KustoServiceResourceId":"x y"}})"}) {
    machine.transport.calls.clear();
    machine.transport.answer(200, says);
    const auto answer = ask(kCluster + kApplication);
    ASSERT_FALSE(answer) << says;
    EXPECT_EQ(answer.error().code, "identity.untrusted_host") << says;
    EXPECT_THAT(machine.transport.calls, SizeIs(1)) << says;
  }
}

TEST_F(ClusterIdentityTest, SignsInWhereAnotherCloudSays) {
  machine.transport.answer(
      200,
      R"({"AzureAD":{"LoginEndpoint":"https://login.microsoftonline.us/","LoginMfaRequired":true,"KustoServiceResourceId":"https://kusto.kusto.usgovcloudapi.net"}})");
  machine.answer_token("token-1");
  machine.transport.answer(200, kCursor);
  ASSERT_TRUE(ask("https://c.kusto.usgovcloudapi.net" + kApplication));
  EXPECT_THAT(machine.transport.calls[1].url,
              HasSubstr("https://login.microsoftonline.us/tenant-1/"));
  EXPECT_EQ(machine.field(1, "scope"), "https://kusto.kustomfa.usgovcloudapi.net/.default");
}

TEST_F(ClusterIdentityTest, LeavesTheIdentityToTheEnvironment) {
  machine.variables = {
      {"AZURE_TENANT_ID", "t"}, {"AZURE_CLIENT_ID", "env-app"}, {"AZURE_CLIENT_SECRET", "env-key"}};
  machine.transport.answer(404);  // a cluster without the page: the public cloud's
  machine.answer_token("token-1");
  machine.transport.answer(200, kCursor);
  ASSERT_TRUE(ask(std::string(kCluster) + ";Fed=True"));
  EXPECT_EQ(machine.field(1, "client_id"), "env-app");
  EXPECT_EQ(machine.field(1, "scope"), "https://kusto.kusto.windows.net/.default");
}

TEST_F(ClusterIdentityTest, AsksAgainHowToSignInOnlyWhereThatMayPass) {
  machine.transport.answer(503);
  machine.transport.broken("net.unreachable");
  machine.transport.answer(200, kPublic);
  machine.answer_token("token-1");
  machine.transport.answer(200, kCursor);
  ASSERT_TRUE(ask(kCluster + kApplication));
  for (const char* body :
       {"", "[]", "<html>", R"({"AzureAD":7})", R"({"AzureAD":{"LoginEndpoint":7}})",
        R"({"AzureAD":{"KustoServiceResourceId":""}})"}) {
    machine.transport.calls.clear();
    machine.transport.answer(200, body);
    const auto answer = ask(kCluster + kApplication);
    ASSERT_FALSE(answer) << body;
    EXPECT_EQ(answer.error().code, "kusto.auth_metadata") << body;
    EXPECT_THAT(machine.transport.calls, SizeIs(1)) << body;
  }
  machine.transport.calls.clear();
  machine.transport.answer(302, "", {{"location", "https://evil.example"}});
  EXPECT_FALSE(ask(kCluster + kApplication));
  EXPECT_THAT(machine.transport.calls, SizeIs(1));
}

// To the callers of the door, not_found means that a table is gone, and corrupt that data is.
TEST_F(ClusterIdentityTest, AFailureToSignInSaysNothingAboutTheData) {
  machine.variables["AZURE_TOKEN_CREDENTIALS"] = "EnvironmentCredential";
  machine.transport.answer(200, kPublic);
  const auto nobody = ask(std::string(kCluster) + ";Fed=True");
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().kind, ErrorKind::denied);
  EXPECT_EQ(nobody.error().code, "identity.not_configured");

  machine.transport.answer(200, kPublic);
  machine.transport.answer(200, "<html>");
  const auto nonsense = ask(kCluster + kApplication);
  ASSERT_FALSE(nonsense);
  EXPECT_EQ(nonsense.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(nonsense.error().code, "identity.bad_answer");

  machine.transport.answer(200, "<html>");
  const auto no_page = ask("https://other.kusto.windows.net" + kApplication);
  ASSERT_FALSE(no_page);
  EXPECT_EQ(no_page.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(no_page.error().code, "kusto.auth_metadata");
}

TEST_F(ClusterIdentityTest, SaysWhereSigningInFailed) {
  machine.transport.answer(200, kPublic);
  machine.answer_error(401, "invalid_client", "AADSTS7000215: k3y");
  const auto answer = ask(kCluster + kApplication);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, "identity.refused");
  EXPECT_THAT(answer.error().message, HasSubstr("signing in to https://c.kusto.windows.net"));
  EXPECT_THAT(answer.error().message, Not(HasSubstr("k3y")));
}

// No prefix tells such a text from any other: only who sent the token knows it.
TEST_F(ClusterIdentityTest, ATokenThatTheClusterRepeatsIsNotShown) {
  const auto kusto =
      std::move(open(std::string(kCluster) + ";Fed=True;UserToken=MARK-0123456789")).value();
  machine.transport.answer(200, kPublic);
  for (const int status : {400, 403, 500}) {
    machine.transport.answer(
        status,
        R"({"error":{"code":"x","message":"m","@type":"t","@message":"MARK-0123456789 is no good","@permanent":true}})");
    const auto asked = ask(*kusto);
    ASSERT_FALSE(asked) << status;
    EXPECT_THAT(asked.error().message, HasSubstr("*** is no good")) << status;
    EXPECT_THAT(asked.error().message, Not(HasSubstr("MARK"))) << status;
  }
}

// --- a person ---

constexpr const char* kDeviceCode =
    R"({"user_code":"ABC-123","device_code":"device-1","verification_uri":"https://microsoft.com/devicelogin","expires_in":900,"interval":5,"message":"Go there"})";
constexpr const char* kPersonsToken =
    R"({"token_type":"Bearer","access_token":"token-1","expires_in":3600,"refresh_token":"refresh-1"})";

TEST_F(ClusterIdentityTest, APersonSignsInOnceForAllClusters) {
  std::vector<azure::DeviceCodePrompt> prompts;
  identities->prompt = [&](const azure::DeviceCodePrompt& one) { prompts.push_back(one); };
  const auto first = ConnectionString::parse(std::string(kCluster) + ";Fed=True").value();
  const auto other = ConnectionString::parse("https://d.kusto.windows.net;Fed=True").value();
  machine.transport.answer(200, kPublic);
  machine.transport.answer(200, kDeviceCode);
  machine.answer_error(400, "authorization_pending");
  machine.transport.answer(200, kPersonsToken);
  const auto signed_in = sign_in(first, identities, Timespan::seconds(900), {});
  ASSERT_TRUE(signed_in) << signed_in.error().message;
  machine.transport.answer(200, kPublic);
  ASSERT_TRUE(sign_in(other, identities, Timespan::seconds(900), {}));
  ASSERT_THAT(prompts, SizeIs(1));
  EXPECT_EQ(prompts[0].user_code, "ABC-123");
  EXPECT_EQ(machine.transport.calls[1].url,
            "https://login.microsoftonline.com/organizations/oauth2/v2.0/devicecode");
  // The work then finds the token, and a new one comes without the person.
  const auto kusto = std::move(open(std::string(kCluster) + ";Fed=True")).value();
  machine.transport.answer(200, kPublic);
  machine.transport.answer(200, kCursor);
  ASSERT_TRUE(ask(*kusto));
  EXPECT_EQ(authorization(machine.transport.calls.size() - 1), "Bearer token-1");
  machine.clock.advance(Timespan::seconds(3700));
  const auto before = machine.transport.calls.size();
  machine.answer_token("token-2");
  machine.transport.answer(200, kCursor);
  ASSERT_TRUE(ask(*kusto));
  EXPECT_EQ(machine.field(before, "refresh_token"), "refresh-1");
  EXPECT_EQ(authorization(before + 1), "Bearer token-2");
  EXPECT_THAT(prompts, SizeIs(1));
}

TEST_F(ClusterIdentityTest, AnApplicationIsNoPerson) {
  identities->prompt = [](const azure::DeviceCodePrompt&) { FAIL() << "a person is asked"; };
  machine.transport.answer(200, kPublic);
  machine.answer_token("token-1");
  EXPECT_TRUE(sign_in(ConnectionString::parse(kCluster + kApplication).value(), identities,
                      Timespan::seconds(10), {}));
  EXPECT_TRUE(
      sign_in(ConnectionString::parse(kCluster).value(), identities, Timespan::seconds(10), {}));
  EXPECT_THAT(machine.transport.calls, SizeIs(2));
}

// --- secrets by reference ---

constexpr const char* kByVariable =
    ";Fed=True;AppClientId=app-1;AppKey=env:APP_KEY;Authority Id=tenant-1";

TEST_F(ClusterIdentityTest, AKeyByReferenceIsReadWhenATokenIsAskedFor) {
  const auto kusto = std::move(open(std::string(kCluster) + kByVariable)).value();
  machine.variables["APP_KEY"] = "k3y-1\n";
  machine.transport.answer(200, kPublic);
  machine.answer_token("token-1", 3600);
  machine.transport.answer(200, kCursor);
  ASSERT_TRUE(ask(*kusto));
  EXPECT_EQ(machine.field(1, "client_secret"), "k3y-1");
  // Another key stands there by the time that the next token is due.
  machine.variables["APP_KEY"] = "k3y-2";
  machine.clock.advance(Timespan::seconds(3700));
  machine.answer_token("token-2");
  machine.transport.answer(200, kCursor);
  ASSERT_TRUE(ask(*kusto));
  EXPECT_EQ(machine.field(3, "client_secret"), "k3y-2");
  EXPECT_EQ(authorization(4), "Bearer token-2");
}

TEST_F(ClusterIdentityTest, ATokenInAFileIsReadAgainAfterItIsRefused) {
  const auto file = machine.write("token", "MARK-1\n");
  const auto kusto =
      std::move(open(std::string(kCluster) + ";Fed=True;UserToken=file:" + file)).value();
  machine.transport.answer(200, kPublic);
  machine.transport.answer(200, kCursor);
  ASSERT_TRUE(ask(*kusto));
  EXPECT_EQ(authorization(1), "Bearer MARK-1");
  machine.write("token", "MARK-2\n");
  machine.transport.answer(401, "");
  machine.transport.answer(200, kCursor);
  ASSERT_TRUE(ask(*kusto));
  EXPECT_EQ(authorization(3), "Bearer MARK-2");
}

TEST_F(ClusterIdentityTest, AMissingSecretNamesKeywordAndReference) {
  const auto file = machine.write("empty", "\n");
  identities->surroundings.secret_references = {"env:", "file:" + machine.folder.string() + "/"};
  struct Case {
    std::string reference, code, says;
  };
  const std::vector<Case> cases = {
      {"env:NOT_SET", "secret.not_found", "NOT_SET: the variable is not set"},
      {"file:" + file, "secret.not_found", "is empty"},
      {"file:" + file + "2", "secret.not_found", "cannot be read"},
      {"file:/etc/hostname", "secret.not_allowed", "file:/etc/hostname may not be read"},
  };
  for (const auto& [reference, code, says] : cases) {
    machine.transport.answer(200, kPublic);
    const auto asked = ask(std::string(kCluster) + ";Fed=True;Application Token=" + reference);
    ASSERT_FALSE(asked) << reference;
    EXPECT_EQ(asked.error().code, code) << reference;
    EXPECT_EQ(asked.error().kind, ErrorKind::invalid) << reference;
    EXPECT_THAT(asked.error().message, HasSubstr("'Application Token'")) << reference;
    EXPECT_THAT(asked.error().message, HasSubstr(says)) << reference;
  }
}

TEST_F(ClusterIdentityTest, WhatCannotBeUsedIsNotRepeated) {
  machine.variables["CERT"] = "MARK that is no certificate";
  machine.transport.answer(200, kPublic);
  const auto asked = ask(std::string(kCluster) +
                         ";Fed=True;AppClientId=a;tid=t;Application Certificate Blob=env:CERT");
  ASSERT_FALSE(asked);
  EXPECT_THAT(asked.error().message,
              HasSubstr("'Application Certificate Blob', which is env:CERT"));
  EXPECT_THAT(asked.error().message, Not(HasSubstr("MARK")));
}

}  // namespace
}  // namespace kc::kusto
