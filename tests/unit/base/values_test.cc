#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <thread>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/guarded.h"
#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/base/rng.h"

namespace kc {
namespace {

Result<int> half(int value) {
  if (value % 2 != 0)
    return fail(ErrorKind::invalid, "number.odd", std::to_string(value) + " is odd");
  return value / 2;
}
Result<int> quarter(int value) {
  KC_TRY(const int once, half(value));
  KC_TRY(const int twice, half(once));
  return twice;
}
Result<> check(int value) {
  KC_CHECK_OK(quarter(value));
  return {};
}

TEST(ResultMacros, HandOnValueOrError) {
  EXPECT_EQ(quarter(12).value(), 3);
  EXPECT_EQ(quarter(6).error().code, "number.odd");
  EXPECT_TRUE(check(4).has_value());
  EXPECT_EQ(check(2).error().in("checking 2").message, "checking 2: 1 is odd");
}

TEST(Check, ThrowsInsideACoreAndEndsTheProcessOutside) {
  {
    const AssertScope scope;
    EXPECT_THROW(KC_ASSERT(1 == 2, "note"), AssertionFailed);
  }
  EXPECT_DEATH(KC_ASSERT(1 == 2, "the note"), "1 == 2.*the note");
}

TEST(RngTest, SameSeedSameRun) {
  Rng a(7), b(7), c(8);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const auto word = a.next();
    EXPECT_EQ(word, b.next());
    differs |= word != c.next();
  }
  EXPECT_TRUE(differs);
}

RC_GTEST_PROP(RngTest, StaysInRange, (std::uint64_t seed)) {
  Rng rng(seed);
  const auto low = *rc::gen::arbitrary<std::int64_t>();
  const auto high =
      *rc::gen::suchThat(rc::gen::arbitrary<std::int64_t>(), [&](auto x) { return x >= low; });
  const auto drawn = rng.between(low, high);
  RC_ASSERT(drawn >= low && drawn <= high);
  RC_ASSERT(rng.below(10) < 10u);
  const double unit = rng.unit();
  RC_ASSERT(unit >= 0 && unit < 1);
}

RC_GTEST_PROP(UuidTest, ComesBackFromItsText, (std::uint64_t seed)) {
  Rng rng(seed);
  const Uuid id = Uuid::random(rng);
  RC_ASSERT(Uuid::parse(id.text()).value() == id);
  RC_ASSERT(id.text()[14] == '4');
}

TEST(UuidTest, RefusesOtherTexts) {
  for (const char* text :
       {"", "x", "00000000-0000-0000-0000-00000000000", "00000000-0000-0000-0000-0000000000000",
        "00000000 0000-0000-0000-000000000000", "0000000g-0000-0000-0000-000000000000"}) {
    EXPECT_FALSE(Uuid::parse(text).has_value()) << text;
  }
}

TEST(ManualClockTest, StepsOnlyTheWallSide) {
  ManualClock clock({1000});
  clock.step(Timespan::seconds(-5));
  EXPECT_EQ(clock.elapsed().count(), 0);
  EXPECT_EQ(clock.now().value, 1000 - 50'000'000);
  clock.advance(Timespan::seconds(5));
  EXPECT_EQ(clock.now().value, 1000);
  EXPECT_EQ(clock.elapsed(), std::chrono::seconds(5));
}

TEST(SystemClockTest, IsInOurTime) {
  const SystemClock clock;
  EXPECT_GT(format_datetime(clock.now()), "2023");
  EXPECT_LT(format_datetime(clock.now()), "2200");
  const auto before = clock.elapsed();
  EXPECT_LE(before, clock.elapsed());
}

TEST(GuardedTest, WakesWhoWaits) {
  Guarded<int> value(0);
  std::jthread setter([&] { value.change([](int& held) { held = 3; }); });
  EXPECT_EQ(value.when([](int held) { return held == 3; }, [](int& held) { return held + 1; }), 4);
}

}  // namespace
}  // namespace kc
