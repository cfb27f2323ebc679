#include "core/net/http_date.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace kc::net {
namespace {

Ticks at(const char* text) { return *parse_datetime(text); }

const Ticks kNow = at("2026-11-18T11:00:00Z");

TEST(HttpDate, WritesTheOneForm) {
  EXPECT_EQ(http_date(at("1994-11-06T08:49:37Z")), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(http_date(at("0001-01-01T00:00:00Z")), "Mon, 01 Jan 0001 00:00:00 GMT");
}

TEST(HttpDate, ReadsTheThreeForms) {
  struct Case {
    const char *text, *means;
  };
  for (const auto& [text, means] : {
           Case{"Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z"},
           Case{"Sunday, 06-Nov-94 08:49:37 GMT", "1994-11-06T08:49:37Z"},
           Case{"Sun Nov  6 08:49:37 1994", "1994-11-06T08:49:37Z"},
           Case{"Wed Nov 18 11:10:00 2026", "2026-11-18T11:10:00Z"},
           Case{"Thu, 29 Feb 2024 00:00:00 GMT", "2024-02-29T00:00:00Z"},
           Case{"Sat, 31 Dec 2016 23:59:60 GMT", "2017-01-01T00:00:00Z"},
           // The day of the week says nothing that the date does not.
           Case{"Mon, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z"},
           // At most 50 years ahead.
           Case{"Wednesday, 18-Nov-76 11:00:00 GMT", "2076-11-18T11:00:00Z"},
           Case{"Friday, 18-Nov-77 11:00:00 GMT", "1977-11-18T11:00:00Z"},
           Case{"Thursday, 01-Jan-70 00:00:00 GMT", "2070-01-01T00:00:00Z"},
       }) {
    const auto read = parse_http_date(text, kNow);
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(*read, at(means)) << text;
  }
  EXPECT_EQ(parse_http_date("Fri, 31 Dec 9999 23:59:60 GMT", kNow), kTicksMax);
}

TEST(HttpDate, ReadsNothingElse) {
  for (const char* text : {"",
                           "soon",
                           "0",
                           "Sun, 06 Nov 1994 08:49:37",
                           "Sun, 06 Nov 1994 08:49:37 UTC",
                           "Sun, 06 Nov 1994 08:49:37 GMT ",
                           " Sun, 06 Nov 1994 08:49:37 GMT",
                           "sun, 06 nov 1994 08:49:37 gmt",
                           "Sun, 6 Nov 1994 08:49:37 GMT",
                           "Sun, 06 Nov 94 08:49:37 GMT",
                           "Sun, 06 Nov 1994 8:49:37 GMT",
                           "Sun, 31 Feb 1994 08:49:37 GMT",
                           "Sun, 29 Feb 2023 08:49:37 GMT",
                           "Sun, 00 Nov 1994 08:49:37 GMT",
                           "Sun, 06 Nov 0000 08:49:37 GMT",
                           "Sun, 06 Nov 1994 24:00:00 GMT",
                           "Sun, 06 Nov 1994 08:60:37 GMT",
                           "Sun, 06 Nov 1994 08:49:61 GMT",
                           "Sun, 06 Nov 1994 -8:49:37 GMT",
                           "Son, 06 Nov 1994 08:49:37 GMT",
                           "Sun, 06 Okt 1994 08:49:37 GMT",
                           "Sun, 06-Nov-94 08:49:37 GMT",
                           "Sunday, 06 Nov 1994 08:49:37 GMT",
                           "Sunday, 06-Nov-1994 08:49:37 GMT",
                           "Sun Nov 6 08:49:37 1994",
                           "Sun Nov  6 08:49:37 94",
                           "Sun Nov  6 08:49:37 1994 GMT",
                           "1994-11-06T08:49:37Z"}) {
    EXPECT_EQ(parse_http_date(text, kNow), std::nullopt) << text;
  }
}

TEST(HttpDate, ReadsBackWhatItWrote) {
  EXPECT_TRUE(rc::check("to the second", [](std::uint64_t draw) {
    const auto seconds = static_cast<std::int64_t>(
        draw % static_cast<std::uint64_t>(kTicksMax.value / kTicksPerSecond));
    const Ticks moment{seconds * kTicksPerSecond};
    RC_ASSERT(parse_http_date(http_date(moment), kNow) == moment);
  }));
}

}  // namespace
}  // namespace kc::net
