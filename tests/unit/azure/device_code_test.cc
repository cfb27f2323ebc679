#include "core/azure/device_code.h"

#include <gmock/gmock.h>

#include "tests/unit/azure/identity_machine.h"

namespace kc::azure {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr const char* kCode =
    R"({"user_code":"ABC-123","device_code":"device-1","verification_uri":"https://microsoft.com/devicelogin","expires_in":900,"interval":5,"message":"Go\u0007 there"})";
constexpr const char* kToken =
    R"({"access_token":"token-1","expires_in":3600,"refresh_token":"refresh-1"})";

struct DeviceCodeTest : ::testing::Test {
  IdentityMachine machine;
  std::vector<DeviceCodePrompt> prompts;
  std::unique_ptr<TokenCredential> credential =
      std::move(device_code(machine.with, {.tenant = "organizations"},
                            [this](const DeviceCodePrompt& one) { prompts.push_back(one); }))
          .value();
  TokenRequest request{.scope = kScope, .tenant = {}, .deadline = Timespan::seconds(900)};
};

TEST_F(DeviceCodeTest, WaitsForThePersonAtTheGivenPace) {
  machine.transport.answer(200, kCode);
  machine.answer_error(400, "authorization_pending");
  machine.answer_error(400, "slow_down");
  machine.answer_error(400, "authorization_pending");
  machine.transport.answer(200, kToken);
  const auto token = credential->token(request);
  ASSERT_TRUE(token) << token.error().message;
  EXPECT_EQ(token->secret, "token-1");
  EXPECT_THAT(machine.waits, ElementsAre(5, 5, 10, 10));
  ASSERT_THAT(prompts, SizeIs(1));
  EXPECT_EQ(prompts[0].user_code, "ABC-123");
  EXPECT_EQ(prompts[0].message, "Go  there");
  EXPECT_THAT(machine.transport.calls[0].url, HasSubstr("/organizations/oauth2/v2.0/devicecode"));
  EXPECT_EQ(machine.field(0, "client_id"), kKustoClientId);
  EXPECT_EQ(machine.field(0, "scope"), std::string(kScope) + " openid profile offline_access");
  EXPECT_EQ(machine.field(1, "grant_type"), "urn:ietf:params:oauth:grant-type:device_code");
  EXPECT_EQ(machine.field(1, "device_code"), "device-1");
}

TEST_F(DeviceCodeTest, RefreshesWithoutThePerson) {
  machine.transport.answer(200, kCode);
  machine.transport.answer(200, kToken);
  ASSERT_TRUE(credential->token(request));
  machine.transport.answer(200, kToken);
  ASSERT_TRUE(credential->token(request));
  EXPECT_EQ(machine.field(2, "grant_type"), "refresh_token");
  EXPECT_EQ(machine.field(2, "refresh_token"), "refresh-1");
  EXPECT_THAT(prompts, SizeIs(1));
  // The sign-in no longer counts: the person is asked again.
  machine.answer_error(400, "invalid_grant");
  machine.transport.answer(200, kCode);
  machine.transport.answer(200, kToken);
  ASSERT_TRUE(credential->token(request));
  EXPECT_THAT(prompts, SizeIs(2));
}

TEST_F(DeviceCodeTest, EndsWhereThePersonSaysNoOrNothing) {
  for (const char* word : {"expired_token", "access_denied", "bad_verification_code"}) {
    machine.transport.answer(200, kCode);
    machine.answer_error(400, word);
    const auto token = credential->token(request);
    ASSERT_FALSE(token);
    EXPECT_EQ(token.error().kind, ErrorKind::denied);
    EXPECT_EQ(token.error().service_code, word);
  }
  machine.transport.answer(200, kCode);
  for (int i = 0; i < 20; ++i) machine.answer_error(400, "authorization_pending");
  request.deadline = Timespan::seconds(30);
  const auto token = credential->token(request);
  ASSERT_FALSE(token);
  EXPECT_THAT(token.error().message, HasSubstr("nobody has entered the code"));
}

TEST_F(DeviceCodeTest, ShowsNobodyACodeThatIsNone) {
  for (const char* body : {"[]", "{}", R"({"user_code":"a"})", R"({"device_code":"a"})"}) {
    machine.transport.answer(200, body);
    EXPECT_EQ(credential->token(request).error().code, "identity.bad_answer");
  }
  EXPECT_THAT(prompts, IsEmpty());
  EXPECT_FALSE(device_code(machine.with, {.tenant = "t"}, {}));
}

}  // namespace
}  // namespace kc::azure
