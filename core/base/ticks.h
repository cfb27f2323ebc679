// Kusto time: 100 ns ticks since 0001-01-01T00:00:00 (a datetime, year 1 to 9999, UTC) and spans of
// ticks (a timespan). Source: reference of the datetime and timespan data types. Thread promise:
// values.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace kc {

// A signed length of time in ticks; the whole 64-bit range is legal, as in Kusto.
struct Timespan {
  std::int64_t ticks = 0;

  static constexpr Timespan from(std::chrono::nanoseconds value) { return {value.count() / 100}; }
  static constexpr Timespan seconds(std::int64_t value) { return {value * 10'000'000}; }
  static constexpr Timespan milliseconds(std::int64_t value) { return {value * 10'000}; }
  constexpr std::chrono::milliseconds to_milliseconds() const {
    return std::chrono::milliseconds(ticks / 10'000);
  }
  constexpr double to_seconds() const { return static_cast<double>(ticks) / 1e7; }

  friend constexpr auto operator<=>(Timespan, Timespan) = default;
  friend constexpr Timespan operator+(Timespan a, Timespan b) { return {a.ticks + b.ticks}; }
  friend constexpr Timespan operator-(Timespan a, Timespan b) { return {a.ticks - b.ticks}; }
};

// An instant, in ticks since 0001-01-01. Legal values: kTicksMin to kTicksMax.
struct Ticks {
  std::int64_t value = 0;

  friend constexpr auto operator<=>(Ticks, Ticks) = default;
  friend constexpr Ticks operator+(Ticks at, Timespan by) { return {at.value + by.ticks}; }
  friend constexpr Ticks operator-(Ticks at, Timespan by) { return {at.value - by.ticks}; }
  friend constexpr Timespan operator-(Ticks a, Ticks b) { return {a.value - b.value}; }
};

inline constexpr std::int64_t kTicksPerSecond = 10'000'000;
inline constexpr std::int64_t kTicksAtUnixEpoch = 621'355'968'000'000'000;
inline constexpr Ticks kTicksMin{0};
inline constexpr Ticks kTicksMax{3'155'378'975'999'999'999};  // 9999-12-31T23:59:59.9999999

// `2024-01-31T23:59:59.1234567Z`: seven fraction digits always.
std::string format_datetime(Ticks at);
// ISO 8601 with 0 to 7 fraction digits, `T` or a space, with `Z`, an offset or neither (UTC). Kind
// invalid otherwise.
Result<Ticks> parse_datetime(std::string_view text);

// `[-][d.]hh:mm:ss[.fffffff]`, as Kusto prints a timespan.
std::string format_timespan(Timespan span);
// Kusto literal (`5m`, `1.5h`, `100ms`), `[-][d.]hh:mm[:ss[.f]]`, or ISO 8601 (`PT5M`). Bare
// numbers are refused: code duration.invalid, with the hint to add a unit.
Result<Timespan> parse_duration(std::string_view text);
// Canonical ISO 8601 (`PT5M`), as the API returns durations.
std::string format_iso_duration(Timespan span);

}  // namespace kc
