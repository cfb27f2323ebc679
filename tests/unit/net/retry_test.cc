#include "core/net/retry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "core/net/transport.h"

namespace kc::net {
namespace {

using testing::ElementsAre;

constexpr Timespan kForever{INT64_MAX};
constexpr RetryRules kFull{
    .retries_max = 6, .first_wait = Timespan::seconds(1), .wait_max = Timespan::seconds(10)};

struct Silent final : Transport {
  Result<HttpAnswer> exchange(const HttpCall&) override {
    return fail(ErrorKind::unavailable, "net.unreachable", "nothing here");
  }
  void close() override {}
};

HttpAnswer answer(int status, std::vector<Header> headers = {}) {
  return {.status = status, .headers = std::move(headers), .body = {}};
}

TEST(NextWait, GrowsToItsLimitAndEnds) {
  std::vector<double> waits;
  for (int done = 0; done < 7; ++done) {
    const auto wait = next_wait(kFull, done, {}, kForever, 1);
    if (wait) waits.push_back(wait->to_seconds());
  }
  EXPECT_THAT(waits, ElementsAre(1, 2, 4, 8, 10, 10));
}

TEST(NextWait, FullJitterIsAnywhereBelow) {
  EXPECT_TRUE(rc::check("between nothing and the grown wait", [](unsigned draw) {
    const int done = static_cast<int>(draw % 6);
    const double drawn = static_cast<double>(draw) / 4294967296.0;
    const auto wait = next_wait(kFull, done, {}, kForever, drawn);
    RC_ASSERT(wait && wait->ticks >= 0);
    RC_ASSERT(wait->to_seconds() <= std::min(10.0, std::pow(2, done)) * drawn + 1e-6);
  }));
}

TEST(NextWait, HonoursWhatTheServerAsks) {
  EXPECT_EQ(next_wait(kFull, 0, Timespan::seconds(30), kForever, 0), Timespan::seconds(30));
  EXPECT_EQ(next_wait(kFull, 3, Timespan::seconds(1), kForever, 1), Timespan::seconds(8));
  EXPECT_EQ(next_wait(kFull, 0, Timespan::seconds(99'999), kForever, 1), kRetryAfterMax);
  RetryRules shorter = kFull;
  shorter.server_may_shorten = true;
  EXPECT_EQ(next_wait(shorter, 3, Timespan::seconds(1), kForever, 1), Timespan::seconds(1));
  EXPECT_EQ(next_wait(shorter, 0, Timespan::seconds(30), kForever, 1), Timespan::seconds(10));
}

TEST(NextWait, NeverWaitsPastTheDeadline) {
  EXPECT_EQ(next_wait(kFull, 0, {}, Timespan::seconds(1), 1), std::nullopt);
  EXPECT_TRUE(next_wait(kFull, 0, {}, Timespan::milliseconds(1001), 1));
  EXPECT_EQ(next_wait(kFull, 0, Timespan::seconds(5), Timespan::seconds(5), 0), std::nullopt);
  EXPECT_EQ(next_wait(kFull, 0, {}, Timespan{-1}, 0), std::nullopt);
}

const Ticks kNow = *parse_datetime("2026-11-18T11:00:00.5Z");

TEST(RetryAfter, ReadsMillisecondsBeforeSecondsAndNothingElse) {
  const auto asked = [](std::vector<Header> headers) {
    return retry_after(answer(429, std::move(headers)), kNow);
  };
  EXPECT_EQ(asked({{"retry-after", "7"}}), Timespan::seconds(7));
  EXPECT_EQ(asked({{"retry-after", "7"}, {"retry-after-ms", "70"}}), Timespan::milliseconds(70));
  EXPECT_EQ(asked({{"x-ms-retry-after-ms", "80"}}), Timespan::milliseconds(80));
  for (const char* text : {"", "-1", "1.5", "soon", "1x", "Wed, 18 Nov 2026 11:00:30",
                           "Wed, 31 Nov 2026 11:00:30 GMT", "2026-11-18T11:00:30Z"})
    EXPECT_EQ(asked({{"retry-after", text}}), std::nullopt) << text;
  // No date in the fields that are milliseconds.
  EXPECT_EQ(asked({{"retry-after-ms", "Wed, 18 Nov 2026 11:00:30 GMT"}}), std::nullopt);
}

TEST(RetryAfter, ReadsADateFromTheAnswersOwnOrFromTheClock) {
  struct Case {
    const char *until, *date;  // an empty date is none
    std::int64_t milliseconds;
  };
  for (const auto& [until, date, milliseconds] : {
           Case{"Wed, 18 Nov 2026 11:00:30 GMT", "", 29'500},
           Case{"Wednesday, 18-Nov-26 11:00:30 GMT", "", 29'500},
           Case{"Wed Nov 18 11:00:30 2026", "", 29'500},
           Case{" Wed, 18 Nov 2026 11:00:30 GMT ", "", 29'500},
           // Whatever this machine's clock says.
           Case{"Wed, 18 Nov 2026 11:00:30 GMT", "Wed, 18 Nov 2026 11:00:10 GMT", 20'000},
           Case{"Tue, 01 Mar 2022 00:00:05 GMT", "Mon, 28 Feb 2022 23:59:55 GMT", 10'000},
           Case{"Wed, 18 Nov 2026 11:00:30 GMT", "yesterday", 29'500},
           Case{"Wed, 18 Nov 2026 11:00:30 GMT", "1700000000", 29'500},
           // A date that has passed.
           Case{"Wed, 18 Nov 2026 11:00:00 GMT", "", 0},
           Case{"Fri, 31 Dec 1999 23:59:59 GMT", "", 0},
           Case{"Wed, 18 Nov 2026 11:00:30 GMT", "Wed, 18 Nov 2026 11:00:30 GMT", 0},
           Case{"Wed, 18 Nov 2026 11:00:30 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", 0},
           // Bounded as seconds are.
           Case{"Fri, 31 Dec 9999 23:59:59 GMT", "", 1'000'000'000'000},
           Case{"Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT",
                1'000'000'000'000},
       }) {
    std::vector<Header> headers = {{"retry-after", until}};
    if (*date != '\0') headers.push_back({"date", date});
    EXPECT_EQ(retry_after(answer(503, headers), kNow), Timespan::milliseconds(milliseconds))
        << until << " of " << date;
  }
}

TEST(RetryBudget, RunsOutAndComesBackByAnswersAndByTime) {
  RetryBudget budget;
  const std::string dead = "http://dead", other = "http://other";
  using std::chrono::seconds;
  int taken = 0;
  while (budget.take(dead, seconds(0))) ++taken;
  EXPECT_EQ(taken, static_cast<int>(RetryBudget::kKept));
  EXPECT_TRUE(budget.take(other, seconds(0)));
  for (int i = 0; i < 5; ++i) budget.answered(dead);  // a fifth each
  EXPECT_TRUE(budget.take(dead, seconds(0)));
  EXPECT_FALSE(budget.take(dead, seconds(0)));
  EXPECT_TRUE(budget.take(dead, seconds(6)));
  EXPECT_FALSE(budget.take(dead, seconds(6)));
  // However long it rests, it keeps no more than it began with.
  taken = 0;
  while (budget.take(dead, seconds(1'000'000))) ++taken;
  EXPECT_EQ(taken, static_cast<int>(RetryBudget::kKept));
}

struct SendRepeatedly : ::testing::Test {
  Silent transport;
  ManualClock clock{kTicksMin};
  std::vector<double> waits;
  std::vector<int> tries;
  bool stop = false;

  Repeating with(Timespan deadline = kForever) {
    return {.transport = transport,
            .clock = clock,
            .origin = "http://there",
            .wait =
                [this](Timespan span) {
                  waits.push_back(span.to_seconds());
                  clock.advance(span);
                  return !stop;
                },
            .draw = [] { return 1.0; },
            .deadline = deadline};
  }
  std::function<Result<HttpAnswer>(const Try&)> answers(int status) {
    return [this, status](const Try& one) {
      tries.push_back(one.number);
      return Result<HttpAnswer>(answer(status));
    };
  }
  static const RetryRules* unless_fine(const Result<HttpAnswer>& got) {
    return got && got->status == 200 ? nullptr : &kFull;
  }
};

TEST_F(SendRepeatedly, SendsOnceWhatIsFine) {
  const auto sent = send_repeatedly(with(), answers(200), unless_fine);
  EXPECT_EQ(sent.answer->status, 200);
  EXPECT_THAT(tries, ElementsAre(1));
  EXPECT_THAT(waits, ElementsAre());
}

TEST_F(SendRepeatedly, GivesTheLastAnswerWhenTheTriesAreUsedUp) {
  const auto sent = send_repeatedly(with(), answers(503), unless_fine);
  EXPECT_EQ(sent.answer->status, 503);
  EXPECT_FALSE(sent.stopped);
  EXPECT_THAT(tries, ElementsAre(1, 2, 3, 4, 5, 6, 7));
  EXPECT_THAT(waits, ElementsAre(1, 2, 4, 8, 10, 10));
}

TEST_F(SendRepeatedly, StopsBetweenTwoTriesAndAtTheDeadline) {
  stop = true;
  EXPECT_TRUE(send_repeatedly(with(), answers(503), unless_fine).stopped);
  EXPECT_THAT(tries, ElementsAre(1));
  stop = false;
  tries.clear();
  waits.clear();
  send_repeatedly(with(Timespan::seconds(4)), answers(503), unless_fine);
  EXPECT_THAT(waits, ElementsAre(1, 2));  // the next would end at 7 s
}

TEST_F(SendRepeatedly, WaitsUntilTheDateThatTheServerNames) {
  clock.step(kNow - kTicksMin);
  int calls = 0;
  const auto sent = send_repeatedly(
      with(),
      [&](const Try&) {
        return Result<HttpAnswer>(
            ++calls > 1 ? answer(200)
                        : answer(503, {{"date", "Tue, 17 Nov 2026 09:00:00 GMT"},
                                       {"retry-after", "Tue, 17 Nov 2026 09:00:25 GMT"}}));
      },
      unless_fine);
  EXPECT_EQ(sent.answer->status, 200);
  EXPECT_THAT(waits, ElementsAre(25));
}

TEST_F(SendRepeatedly, EachSetOfRulesCountsItsOwn) {
  static constexpr RetryRules kTwice{.retries_max = 2,
                                     .first_wait = Timespan::seconds(100),
                                     .wait_max = Timespan::seconds(100),
                                     .growth = 1};
  int calls = 0;
  const auto sent = send_repeatedly(
      with(), [&](const Try&) { return Result<HttpAnswer>(answer(++calls % 2 == 0 ? 410 : 503)); },
      [](const auto& got) { return got->status == 410 ? &kTwice : &kFull; });
  EXPECT_EQ(sent.answer->status, 410);
  EXPECT_THAT(waits, ElementsAre(1, 100, 2, 100, 4));
}

// A thousand calls to a dead service: without the budget they would be seven thousand.
TEST_F(SendRepeatedly, ADeadServiceIsNotHammered) {
  auto quick = with();
  quick.wait = [](Timespan) { return true; };  // time stands still
  for (int i = 0; i < 1000; ++i) {
    send_repeatedly(
        quick,
        [&](const Try& one) -> Result<HttpAnswer> {
          tries.push_back(one.number);
          return fail(ErrorKind::unavailable, "net.unreachable", "dead");
        },
        unless_fine);
  }
  EXPECT_EQ(tries.size(), 1000 + static_cast<std::size_t>(RetryBudget::kKept));
}

}  // namespace
}  // namespace kc::net
