#include "core/azure/token_cache.h"

#include <gmock/gmock.h>

#include <atomic>
#include <functional>
#include <latch>
#include <thread>

#include "tests/unit/azure/identity_machine.h"

namespace kc::azure {
namespace {

using ::testing::HasSubstr;

// Gives `token-1`, `token-2`, …, or what the test says.
class Counting final : public TokenCredential {
 public:
  explicit Counting(const Clock& clock, std::string identity = "one")
      : clock_(clock), identity_(std::move(identity)) {}

  Result<AccessToken> token(const TokenRequest& request) override {
    const int number = ++asked;
    last_deadline = request.deadline;
    if (before) before();
    if (failure) return fail(*failure);
    return AccessToken{"token-" + std::to_string(number), clock_.now() + life, refresh};
  }
  std::string name() const override { return "counting"; }
  std::string identity() const override { return identity_; }

  std::atomic<int> asked = 0;
  std::function<void()> before;
  std::optional<Error> failure;
  Timespan life = Timespan::seconds(3600);
  std::optional<Ticks> refresh;
  Timespan last_deadline;

 private:
  const Clock& clock_;
  const std::string identity_;
};

struct TokenCacheTest : ::testing::Test {
  ManualClock clock{kStart};
  TokenCache cache{clock};
  Counting credential{clock};
  std::string ask(const TokenRequest& request = asking()) {
    const auto token = cache.token(credential, request);
    return token ? token->secret : token.error().code;
  }
};

Error error_of(ErrorKind kind, const char* code) {
  return {.kind = kind, .code = code, .message = "no"};
}

TEST_F(TokenCacheTest, KeepsATokenUntilItsTime) {
  EXPECT_EQ(ask(), "token-1");
  clock.advance(Timespan::seconds(2999));
  EXPECT_EQ(ask(), "token-1");
  clock.advance(Timespan::seconds(1));  // ten minutes before its end
  EXPECT_EQ(ask(), "token-2");
  EXPECT_EQ(ask(), "token-2");
  EXPECT_EQ(credential.asked, 2);
}

TEST_F(TokenCacheTest, AsksWhenItsIssuerWantsItOrAtHalfOfALongLife) {
  credential.refresh = clock.now() + Timespan::seconds(100);
  EXPECT_EQ(ask(), "token-1");
  clock.advance(Timespan::seconds(100));
  credential.refresh.reset();
  credential.life = Timespan::seconds(24 * 3600);
  EXPECT_EQ(ask(), "token-2");
  clock.advance(Timespan::seconds(12 * 3600 - 1));
  EXPECT_EQ(ask(), "token-2");
  clock.advance(Timespan::seconds(1));
  EXPECT_EQ(ask(), "token-3");
}

TEST_F(TokenCacheTest, ServesTheOldOneWhileAnEarlyRefreshFails) {
  EXPECT_EQ(ask(), "token-1");
  clock.advance(Timespan::seconds(3000));
  credential.failure = error_of(ErrorKind::unavailable, "identity.unavailable");
  EXPECT_EQ(ask(), "token-1");
  EXPECT_EQ(credential.asked, 2);
  EXPECT_EQ(credential.last_deadline, Timespan::seconds(10));
  EXPECT_EQ(ask(), "token-1");
  EXPECT_EQ(credential.asked, 2) << "not asked again within the pause";
  clock.advance(kRefreshRetryWait);
  EXPECT_EQ(ask(), "token-1");
  EXPECT_EQ(credential.asked, 3);
  clock.advance(Timespan::seconds(271));  // less than the reserve is left
  EXPECT_EQ(ask(), "identity.unavailable");
  credential.failure.reset();
  EXPECT_EQ(ask(), "token-5");
}

TEST_F(TokenCacheTest, UsesAShortTokenToItsLastQuarter) {
  credential.life = Timespan::seconds(200);
  EXPECT_EQ(ask(), "token-1");
  clock.advance(Timespan::seconds(99));
  EXPECT_EQ(ask(), "token-1");
  clock.advance(Timespan::seconds(51));
  EXPECT_EQ(ask(), "token-2");
}

TEST_F(TokenCacheTest, OutlivesStepsOfTheClock) {
  EXPECT_EQ(ask(), "token-1");
  clock.step(Timespan::seconds(-7200));  // the wall clock goes back: the token does not live longer
  clock.advance(Timespan::seconds(3301));
  EXPECT_EQ(ask(), "token-2");
  clock.step(Timespan::seconds(7200));  // forward: asked once more, and then it holds
  EXPECT_EQ(ask(), "token-3");
  EXPECT_EQ(ask(), "token-3");
}

TEST_F(TokenCacheTest, GivesOutNoTokenThatASteppedClockOnlyCallsGood) {
  EXPECT_EQ(ask(), "token-1");
  clock.step(Timespan::seconds(-7200));
  clock.advance(Timespan::seconds(3301));
  credential.failure = error_of(ErrorKind::unavailable, "identity.unavailable");
  EXPECT_EQ(ask(), "identity.unavailable");
}

// The monotonic clock stands still while a machine sleeps.
TEST_F(TokenCacheTest, GivesOutNoTokenThatEndedWhileTheMachineSlept) {
  EXPECT_EQ(ask(), "token-1");
  clock.step(Timespan::seconds(3400));
  credential.failure = error_of(ErrorKind::unavailable, "identity.unavailable");
  EXPECT_EQ(ask(), "identity.unavailable");
}

TEST_F(TokenCacheTest, RemembersARefusalForAWhile) {
  credential.failure = error_of(ErrorKind::denied, "identity.refused");
  EXPECT_EQ(ask(), "identity.refused");
  credential.failure.reset();
  clock.advance(Timespan::seconds(59));
  EXPECT_EQ(ask(), "identity.refused");
  EXPECT_EQ(credential.asked, 1);
  clock.advance(Timespan::seconds(1));
  EXPECT_EQ(ask(), "token-2");
}

TEST_F(TokenCacheTest, WaitsAsAThrottlingIssuerSays) {
  credential.failure = error_of(ErrorKind::throttled, "identity.throttled");
  credential.failure->retry_after = std::chrono::seconds(90);
  EXPECT_EQ(ask(), "identity.throttled");
  credential.failure.reset();
  clock.advance(Timespan::seconds(89));
  EXPECT_EQ(ask(), "identity.throttled");
  clock.advance(Timespan::seconds(1));
  EXPECT_EQ(ask(), "token-2");
}

TEST_F(TokenCacheTest, RemembersNoStop) {
  credential.failure = error_of(ErrorKind::cancelled, "identity.cancelled");
  EXPECT_EQ(ask(), "identity.cancelled");
  credential.failure.reset();
  EXPECT_EQ(ask(), "token-2");
}

// A network's page instead of a token: it may be gone the next time, and who waits tries again
// soon.
TEST_F(TokenCacheTest, RemembersNoAnswerThatIsNone) {
  credential.failure = error_of(ErrorKind::corrupt, "identity.bad_answer");
  EXPECT_EQ(ask(), "identity.bad_answer");
  credential.failure.reset();
  EXPECT_EQ(ask(), "token-2");
}

TEST_F(TokenCacheTest, KeepsIdentitiesTenantsAndScopesApart) {
  Counting other(clock, "two"), same(clock, "one");
  EXPECT_EQ(ask(), "token-1");
  EXPECT_EQ(ask(asking("https://storage.azure.com/.default")), "token-2");
  EXPECT_EQ(ask({.scope = kScope, .tenant = "t"}), "token-3");
  EXPECT_EQ(cache.token(other, asking())->secret, "token-1");
  EXPECT_EQ(cache.token(same, asking())->secret, "token-1");
  EXPECT_EQ(same.asked, 0);
  EXPECT_EQ(ask(), "token-1");
}

TEST_F(TokenCacheTest, ForgetsARefusedTokenOnlyIfItIsStillTheOne) {
  EXPECT_EQ(ask(), "token-1");
  cache.drop(credential, asking(), "token-0");
  EXPECT_EQ(ask(), "token-1");
  cache.drop(credential, asking(), "token-1");
  EXPECT_EQ(ask(), "token-2");
}

TEST_F(TokenCacheTest, ManyAskOnce) {
  constexpr int kCallers = 32;
  std::latch inside(1), all(kCallers);
  credential.before = [&] { inside.wait(); };
  std::atomic<int> first = 0;
  std::vector<std::jthread> callers;
  for (int i = 0; i < kCallers; ++i) {
    callers.emplace_back([&] {
      all.count_down();
      if (ask() == "token-1") ++first;
    });
  }
  all.wait();
  inside.count_down();
  callers.clear();
  EXPECT_EQ(first, kCallers);
  EXPECT_EQ(credential.asked, 1);
}

TEST_F(TokenCacheTest, OthersGoOnWithTheOldTokenWhileOneRefreshes) {
  EXPECT_EQ(ask(), "token-1");
  clock.advance(Timespan::seconds(3000));
  std::latch asked(1), go(1);
  credential.before = [&] {
    asked.count_down();
    go.wait();
  };
  std::jthread refreshing([&] { EXPECT_EQ(ask(), "token-2"); });
  asked.wait();
  EXPECT_EQ(ask(), "token-1");
  go.count_down();
}

TEST_F(TokenCacheTest, AStoppedLeaderDoesNotStopThoseWhoWait) {
  std::latch asked(1), go(1);
  std::atomic<bool> first = true;
  credential.failure = error_of(ErrorKind::cancelled, "identity.cancelled");
  credential.before = [&] {
    if (!first.exchange(false)) {
      credential.failure.reset();
      return;
    }
    asked.count_down();
    go.wait();
  };
  std::jthread leader([&] { EXPECT_EQ(ask(), "identity.cancelled"); });
  asked.wait();
  std::jthread follower([&] { EXPECT_EQ(ask(), "token-2"); });
  go.count_down();
}

TEST_F(TokenCacheTest, AWaitingCallerCanBeStopped) {
  std::latch asked(1), go(1);
  credential.before = [&] {
    asked.count_down();
    go.wait();
  };
  std::jthread leader([&] { EXPECT_EQ(ask(), "token-1"); });
  asked.wait();
  std::stop_source stop;
  stop.request_stop();
  auto request = asking();
  request.cancel = stop.get_token();
  EXPECT_EQ(ask(request), "identity.cancelled");
  go.count_down();
}

}  // namespace
}  // namespace kc::azure
