#include "core/net/http_date.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>

namespace kc::net {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::size_t kShortName = 3;
constexpr int kYearsAheadMax = 50;  // of a year with two digits

std::tm utc(Ticks at) {
  const auto seconds = static_cast<std::time_t>((at.value - kTicksAtUnixEpoch) / kTicksPerSecond);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return parts;
}

// Takes the parts of a date off the front of a text; after the first that is not there, none is.
class Parts {
 public:
  explicit Parts(std::string_view text) : rest_(text) {}

  Parts& word(std::string_view expected) {
    good_ = good_ && rest_.starts_with(expected);
    if (good_) rest_.remove_prefix(expected.size());
    return *this;
  }
  Parts& number(std::size_t digits, int& value) {
    value = 0;
    good_ = good_ && rest_.size() >= digits;
    for (std::size_t i = 0; good_ && i < digits; ++i) {
      good_ = rest_[i] >= '0' && rest_[i] <= '9';
      value = value * 10 + (rest_[i] - '0');
    }
    if (good_) rest_.remove_prefix(digits);
    return *this;
  }
  Parts& padded(int& value) {  // by a space: ` 6`
    if (!rest_.starts_with(' ')) return number(2, value);
    return word(" ").number(1, value);
  }
  Parts& weekday(bool whole) {
    const auto found = std::find_if(kDays.begin(), kDays.end(), [&](std::string_view day) {
      return rest_.starts_with(whole ? day : day.substr(0, kShortName));
    });
    good_ = good_ && found != kDays.end();
    return good_ ? word(whole ? *found : found->substr(0, kShortName)) : *this;
  }
  Parts& month(int& value) {
    const auto found = std::find_if(kMonths.begin(), kMonths.end(),
                                    [&](std::string_view one) { return rest_.starts_with(one); });
    good_ = good_ && found != kMonths.end();
    value = static_cast<int>(found - kMonths.begin()) + 1;
    return good_ ? word(*found) : *this;
  }
  bool done() const { return good_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool good_ = true;
};

struct Moment {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;

  Parts& time(Parts& from) {
    return from.number(2, hour).word(":").number(2, minute).word(":").number(2, second);
  }
  bool fixed(Parts from) {
    from.weekday(false).word(", ").number(2, day).word(" ").month(month).word(" ").number(4, year);
    return time(from.word(" ")).word(" GMT").done();
  }
  bool older(Parts from, Ticks now) {
    from.weekday(true).word(", ").number(2, day).word("-").month(month).word("-").number(2, year);
    if (!time(from.word(" ")).word(" GMT").done()) return false;
    const int this_year = utc(now).tm_year + 1900;
    year += this_year / 100 * 100;
    if (year > this_year + kYearsAheadMax) year -= 100;
    return true;
  }
  bool oldest(Parts from) {
    from.weekday(false).word(" ").month(month).word(" ").padded(day).word(" ");
    return time(from).word(" ").number(4, year).done();
  }
};

}  // namespace

std::string http_date(Ticks at) {
  const auto parts = utc(at);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
                kDays.at(static_cast<std::size_t>(parts.tm_wday)).data(), parts.tm_mday,
                kMonths.at(static_cast<std::size_t>(parts.tm_mon)).data(), parts.tm_year + 1900,
                parts.tm_hour, parts.tm_min, parts.tm_sec);
  return text.data();
}

std::optional<Ticks> parse_http_date(std::string_view text, Ticks now) {
  Moment at;
  const Parts parts(text);
  if (!at.fixed(parts) && !at.older(parts, now) && !at.oldest(parts)) return std::nullopt;
  // A leap second is written as the 60th.
  if (at.year < 1 || at.hour > 23 || at.minute > 59 || at.second > 60) return std::nullopt;
  const std::chrono::year_month_day day{std::chrono::year(at.year),
                                        std::chrono::month(static_cast<unsigned>(at.month)),
                                        std::chrono::day(static_cast<unsigned>(at.day))};
  if (!day.ok()) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days(day).time_since_epoch().count();
  const std::int64_t seconds = ((days * 24 + at.hour) * 60 + at.minute) * 60 + at.second;
  return std::min(Ticks{kTicksAtUnixEpoch + seconds * kTicksPerSecond}, kTicksMax);
}

}  // namespace kc::net
