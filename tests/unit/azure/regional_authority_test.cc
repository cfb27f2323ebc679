#include "core/azure/regional_authority.h"

#include <gmock/gmock.h>

#include "core/azure/device_code.h"
#include "core/azure/entra.h"
#include "tests/unit/azure/identity_machine.h"

namespace kc::azure {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

constexpr const char* kPublic = "https://login.microsoftonline.com";
constexpr const char* kRegion = "AZURE_REGIONAL_AUTHORITY_NAME";

TEST(RegionalAuthority, StandsInFrontOfTheHost) {
  for (const auto& [authority, expected] : std::map<std::string, std::string>{
           {kPublic, "https://westus2.login.microsoft.com"},
           {"https://login.windows.net", "https://westus2.login.microsoft.com"},
           {"https://login.microsoft.com", "https://westus2.login.microsoft.com"},
           {"https://login.microsoftonline.us", "https://westus2.login.microsoftonline.us"},
           {"https://localhost:8443", "https://westus2.localhost:8443"}}) {
    IdentityMachine machine;
    EXPECT_EQ(regional_authority(machine.with, authority, asking()).value(), authority);
    machine.variables[kRegion] = " WestUS2";
    EXPECT_EQ(regional_authority(machine.with, authority, asking()).value(), expected);
    EXPECT_THAT(machine.transport.calls, SizeIs(0));
  }
}

TEST(RegionalAuthority, IsForcedWhereNothingElseIsSaid) {
  IdentityMachine machine;
  machine.variables["MSAL_FORCE_REGION"] = "forced";
  const auto region = [&] { return regional_authority(machine.with, kPublic, asking()).value(); };
  EXPECT_EQ(region(), "https://forced.login.microsoft.com");
  machine.variables[kRegion] = "named";
  EXPECT_EQ(region(), "https://named.login.microsoft.com");
  machine.variables[kRegion] = "DisableMsalForceRegion";
  EXPECT_EQ(region(), kPublic);
  // Says nothing by itself.
  machine.variables = {{"REGION_NAME", "westus2"}};
  EXPECT_EQ(region(), kPublic);
}

TEST(RegionalAuthority, IsFoundInTheVariableOrOnTheMachine) {
  for (const char* how : {"TryAutoDetect", "AutoDiscoverRegion"}) {
    IdentityMachine machine;
    machine.variables = {{kRegion, how}, {"REGION_NAME", "WestEurope"}};
    const auto region = [&] { return regional_authority(machine.with, kPublic, asking()).value(); };
    EXPECT_EQ(region(), "https://westeurope.login.microsoft.com");
    EXPECT_THAT(machine.transport.calls, SizeIs(0));
    machine.variables.erase("REGION_NAME");
    machine.transport.answer(200, R"({"location":"northeurope","name":"vm"})");
    EXPECT_EQ(region(), "https://northeurope.login.microsoft.com");
    ASSERT_THAT(machine.transport.calls, SizeIs(1));
    EXPECT_EQ(machine.transport.calls[0].url,
              "http://169.254.169.254/metadata/instance/compute?api-version=2021-02-01");
    EXPECT_EQ(machine.header(0, "Metadata"), "true");
    EXPECT_EQ(machine.transport.calls[0].deadline, Timespan::seconds(2));
  }
}

// Then the endpoint of the cloud is asked: a region would only have been nearer.
TEST(RegionalAuthority, IsNoneWhereTheMachineDoesNotSay) {
  for (const auto& [status, body] :
       std::vector<std::pair<int, std::string>>{{404, ""},
                                                {400, R"({"newest-versions":["2099-01-01"]})"},
                                                {200, ""},
                                                {200, "[]"},
                                                {200, R"({"location":7})"},
                                                {200, R"({"location":""})"},
                                                {200, R"({"location":"evil.example/"})"},
                                                {200, R"({"location":"a.b"})"}}) {
    IdentityMachine machine;
    machine.variables[kRegion] = "TryAutoDetect";
    machine.transport.answer(status, body);
    EXPECT_EQ(regional_authority(machine.with, kPublic, asking()).value(), kPublic) << body;
    EXPECT_THAT(machine.transport.calls, SizeIs(1)) << "asked once";
  }
  IdentityMachine machine;  // nothing answers at all
  machine.variables[kRegion] = "TryAutoDetect";
  EXPECT_EQ(regional_authority(machine.with, kPublic, asking()).value(), kPublic);
}

TEST(RegionalAuthority, RefusesWhatWouldBeAnotherHost) {
  for (const char* region :
       {"evil.example/", "a.b", "west us", "a@b", "a:1", "a/b", "a#", "\xc3\xa4", "a_b",
        "0123456789012345678901234567890123456789012345678901234567890123"}) {
    for (const char* variable : {kRegion, "MSAL_FORCE_REGION", "REGION_NAME"}) {
      IdentityMachine machine;
      machine.variables[kRegion] = variable == std::string("REGION_NAME") ? "TryAutoDetect" : "";
      machine.variables[variable] = region;
      const auto authority = regional_authority(machine.with, kPublic, asking());
      ASSERT_FALSE(authority) << region;
      EXPECT_EQ(authority.error().code, "identity.invalid");
      EXPECT_THAT(authority.error().message, HasSubstr(variable));
      EXPECT_THAT(authority.error().message, Not(HasSubstr(region)));
    }
  }
}

TEST(RegionalAuthority, IsForApplicationsAlone) {
  IdentityMachine machine;
  machine.variables[kRegion] = "westus2";
  const Application who{.tenant = "contoso.example", .client_id = "app-1"};
  const auto asked = [&](CredentialResult credential) {
    machine.transport.calls.clear();
    (void)(*credential)->token(asking());
    return machine.transport.calls.empty() ? std::string() : machine.transport.calls.front().url;
  };
  const std::string path = "/contoso.example/oauth2/v2.0/";
  const std::string regional = "https://westus2.login.microsoft.com" + path + "token";
  EXPECT_EQ(asked(client_secret(machine.with, who, "s")), regional);
  EXPECT_EQ(asked(workload_identity(machine.with, who, machine.write("token", "jwt"))), regional);
  EXPECT_EQ(asked(device_code(machine.with, who, [](const DeviceCodePrompt&) {})),
            kPublic + path + "devicecode");
}

TEST(RegionalAuthority, IsNamedByARefusal) {
  IdentityMachine machine;
  machine.variables[kRegion] = "westus2";
  machine.answer_error(400, "invalid_request");
  const Application who{.tenant = "contoso.example", .client_id = "app-1"};
  const auto token = (*client_secret(machine.with, who, "s"))->token(asking());
  ASSERT_FALSE(token);
  EXPECT_THAT(token.error().message, HasSubstr("https://westus2.login.microsoft.com answered 400"));
}

}  // namespace
}  // namespace kc::azure
