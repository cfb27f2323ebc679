#include "core/azure/storage_identity.h"

#include <gmock/gmock.h>

#include "tests/unit/azure/identity_machine.h"

namespace kc::azure {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr const char* kAccount = "https://account.blob.core.windows.net";

struct StorageIdentityTest : ::testing::Test {
  IdentityMachine machine;
  TokenCache tokens{machine.clock};
  TrustedHosts trusted;
  StorageIdentity identity{machine.with, tokens, trusted, [] {
                             ChainOptions options;
                             options.cli.program = "no-such-program-az";
                             return options;
                           }()};
};

TEST_F(StorageIdentityTest, AsksTheChainOnceForAllAccounts) {
  machine.variables["AZURE_TENANT_ID"] = "tenant-1";
  machine.variables["AZURE_CLIENT_ID"] = "app-1";
  machine.variables["AZURE_CLIENT_SECRET"] = "secret-1";
  machine.answer_token("token-1");
  EXPECT_EQ(identity.token(kAccount, {}, {}).value(), "token-1");
  EXPECT_EQ(identity.token("https://other.dfs.core.windows.net", {}, {}).value(), "token-1");
  ASSERT_THAT(machine.transport.calls, SizeIs(1));
  EXPECT_EQ(machine.field(0, "scope"), "https://storage.azure.com/.default");
}

TEST_F(StorageIdentityTest, SendsNoTokenToAHostThatIsNotTrusted) {
  machine.variables["AZURE_CLIENT_SECRET"] = "secret-1";
  for (const auto* host :
       {"https://account.blob.core.windows.net.evil.example",
        "http://account.blob.core.windows.net", "https://blob.core.windows.net.example"}) {
    const auto token = identity.token(host, {}, {});
    ASSERT_FALSE(token) << host;
    EXPECT_EQ(token.error().code, "identity.untrusted_host");
  }
  EXPECT_THAT(machine.transport.calls, IsEmpty());
}

// A lake that cannot be signed in to must not look like an empty one.
TEST_F(StorageIdentityTest, AMissingIdentityIsNoMissingFile) {
  const auto token = identity.token(kAccount, {}, {});
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().kind, ErrorKind::denied);
  EXPECT_EQ(token.error().code, "identity.not_configured");
  EXPECT_THAT(token.error().message, HasSubstr(kAccount));
}

}  // namespace
}  // namespace kc::azure
