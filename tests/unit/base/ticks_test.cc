#include "core/base/ticks.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>

namespace kc {
namespace {

constexpr std::int64_t kTicksPerDay = 864'000'000'000;
constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

std::string refused_datetime(std::string_view text) {
  const auto at = parse_datetime(text);
  return at ? "accepted as " + format_datetime(*at) : at.error().code;
}

TEST(Datetime, PrintsTheEndsOfTime) {
  EXPECT_EQ(format_datetime(kTicksMin), "0001-01-01T00:00:00.0000000Z");
  EXPECT_EQ(format_datetime(kTicksMax), "9999-12-31T23:59:59.9999999Z");
  EXPECT_EQ(format_datetime({kTicksAtUnixEpoch}), "1970-01-01T00:00:00.0000000Z");
}

// Another way to the same calendar: count the days one by one, with the leap year rule and nothing
// else.
TEST(Datetime, AgreesWithACalendarCountedDayByDay) {
  std::array<int, 12> months{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  std::int64_t day = 0;
  char expected[64];
  for (int year = 1; year <= 9999; ++year) {
    months[1] = (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)) ? 29 : 28;
    for (int month = 1; month <= 12; ++month) {
      for (int of_month = 1; of_month <= months[static_cast<std::size_t>(month - 1)]; ++of_month) {
        std::snprintf(expected, sizeof expected, "%04d-%02d-%02dT00:00:00.0000000Z", year, month,
                      of_month);
        const Ticks at{day * kTicksPerDay};
        ASSERT_EQ(format_datetime(at), expected);
        ASSERT_EQ(parse_datetime(expected), at);
        ++day;
      }
    }
  }
  EXPECT_EQ(day * kTicksPerDay - 1, kTicksMax.value);
}

TEST(Datetime, ReadsWhatIso8601Allows) {
  const Ticks at = *parse_datetime("2024-02-29T13:05:09.1234567Z");
  EXPECT_EQ(format_datetime(at), "2024-02-29T13:05:09.1234567Z");
  EXPECT_EQ(parse_datetime("2024-02-29 13:05:09.1234567"), at);
  EXPECT_EQ(parse_datetime("2024-02-29T15:05:09.1234567+02:00"), at);
  EXPECT_EQ(parse_datetime("2024-02-29T07:35:09.1234567-0530"), at);
  EXPECT_EQ(parse_datetime("2024-02-29t13:05:09.1234567z"), at);
  EXPECT_EQ(format_datetime(*parse_datetime("2024-02-29T13:05:09.5")),
            "2024-02-29T13:05:09.5000000Z");
  EXPECT_EQ(format_datetime(*parse_datetime("2024-02-29T13:05")), "2024-02-29T13:05:00.0000000Z");
  EXPECT_EQ(format_datetime(*parse_datetime("2024-02-29")), "2024-02-29T00:00:00.0000000Z");
}

TEST(Datetime, RefusesWhatIsNoInstant) {
  for (const char* text : {"",
                           "2024",
                           "2024-02-30",
                           "2023-02-29",
                           "1900-02-29",
                           "2024-13-01",
                           "2024-00-10",
                           "2024-01-00",
                           "0000-01-01",
                           "2024-1-1",
                           "2024-01-01T24:00:00Z",
                           "2024-01-01T23:60:00Z",
                           "2024-01-01T23:59:60Z",
                           "2024-01-01T1:00:00Z",
                           "2024-01-01T01:00:00.12345678Z",
                           "2024-01-01T01:00:00.Z",
                           "2024-01-01T01:00:00ZZ",
                           "2024-01-01T",
                           "2024-01-01X01:00:00",
                           "2024-01-01T01:00:00 Z",
                           "2024-01-01T01:00:00+24:00",
                           "2024-01-01T01:00:00+1",
                           "0001-01-01T00:00:00+00:01",
                           "9999-12-31T23:59:59.9999999-00:01",
                           " 2024-01-01",
                           "2024-01-01 ",
                           "-2024-01-01",
                           "2024/01/01",
                           "\xD9\xA2\xD9\xA0"}) {
    EXPECT_EQ(refused_datetime(text), "datetime.invalid") << "'" << text << "'";
  }
}

RC_GTEST_PROP(Datetime, ComesBackFromItsText, ()) {
  const Ticks at{*rc::gen::inRange<std::int64_t>(kTicksMin.value, kTicksMax.value)};
  const auto back = parse_datetime(format_datetime(at));
  RC_ASSERT(back.has_value());
  RC_ASSERT(back->value == at.value);
}

RC_GTEST_PROP(Datetime, TextSortsAsTime, ()) {
  const Ticks a{*rc::gen::inRange<std::int64_t>(kTicksMin.value, kTicksMax.value)};
  const Ticks b{*rc::gen::inRange<std::int64_t>(kTicksMin.value, kTicksMax.value)};
  RC_ASSERT((a < b) == (format_datetime(a) < format_datetime(b)));
}

RC_GTEST_PROP(Datetime, NeverReadsBeyondRange, (std::string text)) {
  const auto at = parse_datetime(text);
  RC_ASSERT(!at || (*at >= kTicksMin && *at <= kTicksMax));
}

TEST(TimespanText, PrintsAsKustoDoes) {
  EXPECT_EQ(format_timespan({0}), "00:00:00");
  EXPECT_EQ(format_timespan({1}), "00:00:00.0000001");
  EXPECT_EQ(format_timespan({-1}), "-00:00:00.0000001");
  EXPECT_EQ(format_timespan({kTicksPerDay}), "1.00:00:00");
  EXPECT_EQ(format_timespan(Timespan::seconds(93'784)), "1.02:03:04");
  EXPECT_EQ(format_timespan(Timespan::milliseconds(-1500)), "-00:00:01.5000000");
  EXPECT_EQ(format_timespan({kMost}), "10675199.02:48:05.4775807");
  EXPECT_EQ(format_timespan({kLeast}), "-10675199.02:48:05.4775808");
}

TEST(Duration, ReadsEveryForm) {
  const std::pair<const char*, std::int64_t> cases[] = {{"5m", 3'000'000'000},
                                                        {"1.5h", 54'000'000'000},
                                                        {"100ms", 1'000'000},
                                                        {"2d", 2 * kTicksPerDay},
                                                        {"1tick", 1},
                                                        {"10microseconds", 100},
                                                        {"-3s", -30'000'000},
                                                        {"0.0000001s", 1},
                                                        {"00:05:00", 3'000'000'000},
                                                        {"0:05:00", 3'000'000'000},
                                                        {"-1.2:03:04", -937'840'000'000},
                                                        {"01:30", 54'000'000'000},
                                                        {"1.02:03:04", 937'840'000'000},
                                                        {"PT5M", 3'000'000'000},
                                                        {"P1D", kTicksPerDay},
                                                        {"P1W", 7 * kTicksPerDay},
                                                        {"PT0S", 0},
                                                        {"-PT1.5S", -15'000'000},
                                                        {"P1DT2H3M4.0000005S", 937'840'000'005},
                                                        {"PT0.5H", 18'000'000'000},
                                                        {"1 day", kTicksPerDay},
                                                        {"-10675199.02:48:05.4775808", kLeast}};
  for (const auto& [text, ticks] : cases) {
    const auto span = parse_duration(text);
    ASSERT_TRUE(span.has_value()) << text << ": " << span.error().message;
    EXPECT_EQ(span->ticks, ticks) << text;
  }
}

TEST(Duration, RefusesABareNumberAndSaysWhatToAdd) {
  for (const char* text : {"5", "0", "-5", "1.5"}) {
    const auto span = parse_duration(text);
    ASSERT_FALSE(span.has_value()) << text;
    EXPECT_EQ(span.error().code, "duration.invalid");
    EXPECT_EQ(span.error().kind, ErrorKind::invalid);
    EXPECT_NE(span.error().fix.find(std::string(text) + "s"), std::string::npos)
        << span.error().fix;
  }
}

TEST(Duration, RefusesWhatHasNoFixedLengthOrDoesNotFit) {
  for (const char* text : {"",
                           "-",
                           "m",
                           "5x",
                           "5mm",
                           "P",
                           "PT",
                           "P1Y",
                           "P1M",
                           "P1DT",
                           "PT5",
                           "PT1M1H",
                           "PT1M1M",
                           "P1.5DT1H",
                           "24:00:00",
                           "00:60:00",
                           "00:00:00.12345678",
                           "10675199.02:48:05.4775808",
                           "1e3s",
                           "99999999999d",
                           "5 m ",
                           " 5m",
                           "1.d",
                           "1..5s",
                           "9999999999999999999s",
                           "--5m",
                           "+5m",
                           "PT-5M"}) {
    const auto span = parse_duration(text);
    EXPECT_FALSE(span.has_value()) << "'" << text << "' read as " << (span ? span->ticks : 0);
  }
}

std::int64_t any_span() {
  return *rc::gen::oneOf(
      rc::gen::arbitrary<std::int64_t>(), rc::gen::inRange<std::int64_t>(kLeast, kMost),
      rc::gen::elementOf(std::vector<std::int64_t>{kLeast, kLeast + 1, kMost, 0, 1, -1,
                                                   kTicksPerDay, -kTicksPerDay, kTicksPerDay - 1}));
}

RC_GTEST_PROP(Duration, TimespanComesBackFromItsText, ()) {
  const Timespan span{any_span()};
  const auto back = parse_duration(format_timespan(span));
  RC_ASSERT(back.has_value());
  RC_ASSERT(back->ticks == span.ticks);
}

RC_GTEST_PROP(Duration, IsoComesBackFromItsText, ()) {
  const Timespan span{any_span()};
  const auto back = parse_duration(format_iso_duration(span));
  RC_ASSERT(back.has_value());
  RC_ASSERT(back->ticks == span.ticks);
}

TEST(Duration, IsoIsCanonical) {
  EXPECT_EQ(format_iso_duration(Timespan::seconds(300)), "PT5M");
  EXPECT_EQ(format_iso_duration(Timespan::seconds(0)), "PT0S");
  EXPECT_EQ(format_iso_duration(Timespan::seconds(86'400)), "P1D");
  EXPECT_EQ(format_iso_duration(Timespan::seconds(-93'784)), "-P1DT2H3M4S");
  EXPECT_EQ(format_iso_duration({5'000'001}), "PT0.5000001S");
}

}  // namespace
}  // namespace kc
