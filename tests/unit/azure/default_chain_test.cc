#include "core/azure/default_chain.h"

#include <gmock/gmock.h>

#include <chrono>

#include "core/net/curl_transport.h"
#include "tests/fakes/full_backlog.h"
#include "tests/unit/azure/identity_machine.h"

namespace kc::azure {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

ChainOptions without_az() {
  ChainOptions options;
  options.cli.program = "no-such-program-az";
  return options;
}

std::unique_ptr<TokenCredential> chain_of(IdentityMachine& machine) {
  return std::move(default_chain(machine.with, without_az())).value();
}

void set_application(IdentityMachine& machine) {
  machine.variables["AZURE_TENANT_ID"] = "tenant-1";
  machine.variables["AZURE_CLIENT_ID"] = "app-1";
}

TEST(DefaultChain, SaysOfEachLinkWhyNot) {
  IdentityMachine machine;
  const auto token = chain_of(machine)->token(asking());
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().kind, ErrorKind::not_found);
  EXPECT_EQ(token.error().code, "identity.not_configured");
  const auto& text = token.error().message;
  EXPECT_THAT(text, HasSubstr("environment: AZURE_TENANT_ID and AZURE_CLIENT_ID are not set"));
  EXPECT_THAT(text, HasSubstr("workload identity: AZURE_TENANT_ID, AZURE_CLIENT_ID and "
                              "AZURE_FEDERATED_TOKEN_FILE are not set"));
  EXPECT_THAT(text, HasSubstr("managed identity: no identity endpoint answers at "
                              "http://169.254.169.254"));
  EXPECT_THAT(text, HasSubstr("Azure CLI: no-such-program-az is not installed"));
  EXPECT_THAT(token.error().fix, HasSubstr("az login"));
  ASSERT_THAT(machine.transport.calls, SizeIs(1));
  EXPECT_LE(machine.transport.calls[0].deadline, Timespan::seconds(1));
  EXPECT_THAT(machine.waits, IsEmpty()) << "a probe is not repeated";
}

// On the machine that runs this, with nothing but its own network.
TEST(DefaultChain, EndsSoonWhereNothingIsConfigured) {
  IdentityMachine machine;
  net::CurlTransport real;
  Surroundings with = machine.with;
  Surroundings here{.transport = real, .clock = with.clock, .variable = with.variable};
  here.arc_agent = with.arc_agent;
  const auto credential = std::move(default_chain(here, without_az())).value();
  const auto start = std::chrono::steady_clock::now();
  const auto token = credential->token(asking());
  const auto took = std::chrono::steady_clock::now() - start;
  ASSERT_FALSE(token);
  EXPECT_LE(took, std::chrono::seconds(3));
}

// What every exchange is allowed to take, as it is handed to the transport behind.
struct Allowed final : net::Transport {
  explicit Allowed(net::Transport& behind) : behind_(behind) {}
  Result<net::HttpAnswer> exchange(const net::HttpCall& call) override {
    total = total + call.deadline;
    ++calls;
    return behind_.exchange(call);
  }
  void close() override { behind_.close(); }

  Timespan total;
  int calls = 0;

 private:
  net::Transport& behind_;
};

// Where nothing refuses: a network that throws away what goes to the metadata's address.
TEST(DefaultChain, EndsWhereTheMetadataAddressSwallowsWhatIsSent) {
  const fakes::FullBacklog hole;
  IdentityMachine machine;
  machine.variables["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = hole.url();
  net::CurlTransport real;
  Allowed allowed(real);
  Surroundings here{
      .transport = allowed, .clock = machine.clock, .variable = machine.with.variable};
  here.wait = machine.with.wait;
  here.arc_agent = machine.with.arc_agent;
  const auto token = std::move(default_chain(here, without_az())).value()->token(asking());
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().code, "identity.not_configured");
  const auto& text = token.error().message;
  EXPECT_THAT(text, HasSubstr("environment: AZURE_TENANT_ID and AZURE_CLIENT_ID are not set; "));
  EXPECT_THAT(text, HasSubstr("workload identity: "));
  EXPECT_THAT(text, HasSubstr("managed identity: no identity endpoint answers at " + hole.url()));
  EXPECT_THAT(text, HasSubstr("Azure CLI: no-such-program-az is not installed"));
  EXPECT_EQ(allowed.calls, 1) << "a probe is not repeated";
  EXPECT_LE(allowed.total, Timespan::seconds(3));
  EXPECT_THAT(machine.waits, IsEmpty());
}

TEST(DefaultChain, TakesTheEnvironmentFirst) {
  IdentityMachine machine;
  set_application(machine);
  machine.variables["AZURE_CLIENT_SECRET"] = "secret";
  machine.variables["AZURE_FEDERATED_TOKEN_FILE"] = machine.write("token", "jwt");
  machine.answer_token();
  ASSERT_TRUE(chain_of(machine)->token(asking()));
  EXPECT_EQ(machine.field(0, "client_secret"), "secret");
}

TEST(DefaultChain, GoesOnToWorkloadIdentity) {
  IdentityMachine machine;
  set_application(machine);
  machine.variables["AZURE_FEDERATED_TOKEN_FILE"] = machine.write("token", "jwt");
  machine.variables["AZURE_AUTHORITY_HOST"] = "https://login.microsoftonline.us/";
  machine.answer_token();
  ASSERT_TRUE(chain_of(machine)->token(asking()));
  EXPECT_EQ(machine.field(0, "client_assertion"), "jwt");
  EXPECT_THAT(machine.transport.calls[0].url,
              HasSubstr("https://login.microsoftonline.us/tenant-1/"));
}

TEST(DefaultChain, GoesOnToManagedIdentityAndStaysWithIt) {
  IdentityMachine machine;
  machine.transport.answer(400, R"({"error":"invalid_request"})");  // the probe
  machine.answer_token();
  const auto credential = chain_of(machine);
  ASSERT_TRUE(credential->token(asking()));
  // Chosen once: what comes later does not send it to another identity.
  machine.transport.answer(400);
  machine.answer_error(500, "x");
  for (int i = 0; i < 3; ++i) machine.transport.answer(500);
  const auto token = credential->token(asking());
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().code, "identity.unavailable");
}

TEST(DefaultChain, PassesByAMachineWithoutAnIdentity) {
  IdentityMachine machine;
  machine.transport.answer(400, R"({"error":"invalid_request"})");
  machine.transport.answer(
      400, R"({"error":"invalid_request","error_description":"Identity not found"})");
  const auto token = chain_of(machine)->token(asking());
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().code, "identity.not_configured");
  EXPECT_THAT(token.error().message, HasSubstr("Azure CLI"));
}

TEST(DefaultChain, PassesByTheMetadataOfAnotherCloud) {
  for (const int status : {401, 403, 404, 405, 200}) {
    IdentityMachine machine;
    machine.transport.answer(status, "<html>");
    const auto token = chain_of(machine)->token(asking());
    ASSERT_FALSE(token);
    EXPECT_EQ(token.error().code, "identity.not_configured");
    EXPECT_THAT(token.error().message, HasSubstr("is no identity endpoint"));
    EXPECT_THAT(machine.transport.calls, SizeIs(1));
  }
}

TEST(DefaultChain, StopsWhereALinkWasAskedAndRefused) {
  IdentityMachine machine;
  set_application(machine);
  machine.variables["AZURE_CLIENT_SECRET"] = "wrong";
  machine.answer_error(401, "invalid_client", "AADSTS7000215: no");
  const auto token = chain_of(machine)->token(asking());
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().code, "identity.refused");
  EXPECT_THAT(machine.transport.calls, SizeIs(1));
}

TEST(DefaultChain, StopsWhereTheLoginEndpointDoesNotAnswer) {
  IdentityMachine machine;
  set_application(machine);
  machine.variables["AZURE_CLIENT_SECRET"] = "right";
  const auto token = chain_of(machine)->token(asking());
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().code, "identity.unavailable");
}

TEST(DefaultChain, StopsAtACertificateThatCannotBeRead) {
  IdentityMachine machine;
  set_application(machine);
  machine.variables["AZURE_CLIENT_CERTIFICATE_PATH"] = (machine.folder / "none.pem").string();
  const auto token = chain_of(machine)->token(asking());
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().kind, ErrorKind::invalid);
  EXPECT_THAT(token.error().message, HasSubstr("none.pem"));
}

TEST(DefaultChain, TakesTheLinksThatAreNamed) {
  const auto reasons = [](const std::string& value) {
    IdentityMachine machine;
    machine.variables["AZURE_TOKEN_CREDENTIALS"] = value;
    const auto credential = default_chain(machine.with, without_az());
    if (!credential) return credential.error().message;
    return (*credential)->token(asking()).error().message;
  };
  EXPECT_THAT(reasons(" PROD "), Not(HasSubstr("Azure CLI")));
  EXPECT_THAT(reasons("prod"), HasSubstr("managed identity"));
  EXPECT_THAT(reasons("dev"), Not(HasSubstr("managed identity")));
  EXPECT_THAT(reasons("dev"), HasSubstr("Azure CLI"));
  EXPECT_THAT(reasons("azureclicredential"), Not(HasSubstr("environment")));
  EXPECT_THAT(reasons("EnvironmentCredential"), Not(HasSubstr("workload")));
  EXPECT_THAT(reasons("WorkloadIdentityCredential"), Not(HasSubstr("environment:")));
  for (const char* wrong : {"AzurePowerShellCredential", "production", "prod,dev"}) {
    EXPECT_THAT(reasons(wrong),
                HasSubstr("AZURE_TOKEN_CREDENTIALS has none of the values prod, dev"));
    EXPECT_THAT(reasons(wrong), HasSubstr("ManagedIdentityCredential"));
  }
}

TEST(DefaultChain, AManagedIdentityAloneIsNotProbedAndHasItsPatience) {
  IdentityMachine machine;
  machine.variables["AZURE_TOKEN_CREDENTIALS"] = "ManagedIdentityCredential";
  machine.variables["AZURE_CLIENT_ID"] = "mine";
  machine.transport.broken("net.unreachable");
  machine.answer_token();
  ASSERT_TRUE(chain_of(machine)->token(asking()));
  EXPECT_THAT(machine.waits, SizeIs(1));
  EXPECT_THAT(machine.transport.calls[0].url, HasSubstr("client_id=mine"));
}

TEST(DefaultChain, RefusesVariablesThatMeanNothing) {
  const auto refused = [](const std::string& name, const std::string& value) {
    IdentityMachine machine;
    set_application(machine);
    machine.variables["AZURE_CLIENT_CERTIFICATE_PATH"] = "x";
    machine.variables[name] = value;
    const auto credential = default_chain(machine.with, without_az());
    return credential ? std::string() : credential.error().message;
  };
  EXPECT_THAT(refused("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN", "perhaps"),
              HasSubstr("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN"));
  EXPECT_THAT(refused("AZURE_AUTHORITY_HOST", "http://x"), HasSubstr("https"));
  EXPECT_THAT(refused("AZURE_TENANT_ID", "a/b"), HasSubstr("tenant"));
  EXPECT_EQ(refused("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN", "1"), "");
}

TEST(DefaultChain, AsksOtherTenantsOnlyAsAllowed) {
  const auto asked = [](const std::string& allowed, bool disabled) {
    IdentityMachine machine;
    set_application(machine);
    machine.variables["AZURE_CLIENT_SECRET"] = "secret";
    machine.variables["AZURE_ADDITIONALLY_ALLOWED_TENANTS"] = allowed;
    if (disabled) machine.variables["AZURE_IDENTITY_DISABLE_MULTITENANTAUTH"] = "1";
    machine.answer_token();
    return chain_of(machine)->token({.scope = kScope, .tenant = "tenant-2"}).has_value();
  };
  EXPECT_FALSE(asked("", false));
  EXPECT_FALSE(asked("tenant-3", false));
  EXPECT_TRUE(asked("tenant-3; tenant-2", false));
  EXPECT_TRUE(asked("*", false));
  EXPECT_FALSE(asked("*", true));
}

}  // namespace
}  // namespace kc::azure
