#include "core/base/ticks.h"

#include <array>
#include <cstring>
#include <optional>

namespace kc {
namespace {

__extension__ typedef __int128 Wide;

constexpr std::int64_t kTicksPerMinute = 60 * kTicksPerSecond;
constexpr std::int64_t kTicksPerHour = 60 * kTicksPerMinute;
constexpr std::int64_t kTicksPerDay = 24 * kTicksPerHour;
constexpr std::int64_t kDaysPerEra = 146'097;  // 400 years of the Gregorian calendar
constexpr std::size_t kFractionDigits = 7;

struct Date {
  int year = 1, month = 1, day = 1;
};

// Years are counted from 1 March, so that the leap day is the last of its year and needs no special
// case.
constexpr std::int64_t days_of(Date date) {
  const std::int64_t year = date.month <= 2 ? date.year - 1 : date.year;
  const std::int64_t month = (date.month + 9) % 12;
  const std::int64_t days = 365 * year + year / 4 - year / 100 + year / 400;
  return days + (153 * month + 2) / 5 + date.day - 1 -
         306;  // 306 days from 0000-03-01 to 0001-01-01
}

constexpr Date date_of(std::int64_t day) {
  const std::int64_t shifted = day + 306;
  const std::int64_t era = shifted / kDaysPerEra;
  const std::int64_t in_era = shifted % kDaysPerEra;
  const std::int64_t year = (in_era - in_era / 1460 + in_era / 36'524 - in_era / 146'096) / 365;
  const std::int64_t in_year = in_era - (365 * year + year / 4 - year / 100);
  const std::int64_t month = (5 * in_year + 2) / 153;
  Date date;
  date.day = static_cast<int>(in_year - (153 * month + 2) / 5 + 1);
  date.month = static_cast<int>(month < 10 ? month + 3 : month - 9);
  date.year = static_cast<int>(era * 400 + year + (date.month <= 2 ? 1 : 0));
  return date;
}

static_assert(days_of({1, 1, 1}) == 0);
static_assert(days_of({1970, 1, 1}) * kTicksPerDay == kTicksAtUnixEpoch);
static_assert((days_of({9999, 12, 31}) + 1) * kTicksPerDay - 1 == kTicksMax.value);

constexpr int days_in_month(int year, int month) {
  constexpr std::array<int, 12> kDays{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return kDays[static_cast<std::size_t>(month - 1)] + (month == 2 && leap ? 1 : 0);
}

// Exactly `width` digits, right-aligned with zeros.
void put_digits(char* out, std::uint64_t value, std::size_t width) {
  for (std::size_t i = width; i-- > 0; value /= 10) out[i] = static_cast<char>('0' + value % 10);
}

std::uint64_t magnitude(std::int64_t ticks) {
  return ticks < 0 ? ~static_cast<std::uint64_t>(ticks) + 1 : static_cast<std::uint64_t>(ticks);
}

std::optional<Timespan> span_of(bool negative, Wide ticks) {
  if (negative) ticks = -ticks;
  if (ticks < std::numeric_limits<std::int64_t>::min() ||
      ticks > std::numeric_limits<std::int64_t>::max()) {
    return std::nullopt;
  }
  return Timespan{static_cast<std::int64_t>(ticks)};
}

// Reads a text from left to right; every method leaves the place alone when it does not match.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool done() const { return at_ == text_.size(); }
  char peek() const { return done() ? '\0' : text_[at_]; }
  bool take(char c) {
    if (peek() != c || done()) return false;
    ++at_;
    return true;
  }
  bool take_any(char a, char b) { return take(a) || take(b); }
  // Exactly `width` digits.
  std::optional<int> fixed(std::size_t width) {
    if (text_.size() - at_ < width) return std::nullopt;
    int value = 0;
    for (std::size_t i = 0; i < width; ++i) {
      const char c = text_[at_ + i];
      if (c < '0' || c > '9') return std::nullopt;
      value = value * 10 + (c - '0');
    }
    at_ += width;
    return value;
  }
  std::string_view digits() {
    const std::size_t start = at_;
    while (!done() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
    return text_.substr(start, at_ - start);
  }
  std::string_view rest() const { return text_.substr(at_); }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

// Up to 18 digits, so that no sum of them overflows.
std::optional<std::int64_t> number(std::string_view digits) {
  if (digits.empty() || digits.size() > 18) return std::nullopt;
  std::int64_t value = 0;
  for (const char c : digits) value = value * 10 + (c - '0');
  return value;
}

// `.f` to `.fffffff` in ticks; 0 where there is no point; nullopt where what follows the point is
// wrong.
std::optional<std::int64_t> fraction(Reader& in) {
  if (!in.take('.')) return 0;
  const std::string_view digits = in.digits();
  if (digits.empty() || digits.size() > kFractionDigits) return std::nullopt;
  std::int64_t value = 0;
  for (std::size_t i = 0; i < kFractionDigits; ++i) {
    value = value * 10 + (i < digits.size() ? digits[i] - '0' : 0);
  }
  return value;
}

// `hh:mm[:ss[.f]]` in ticks since midnight.
// `hh:mm[:ss[.f]]`; `short_hour`: the hour may be one digit.
std::optional<std::int64_t> time_of_day(Reader& in, bool short_hour = false) {
  const auto hour = in.fixed(short_hour && in.rest().find(':') == 1 ? 1 : 2);
  if (!hour || *hour > 23 || !in.take(':')) return std::nullopt;
  const auto minute = in.fixed(2);
  if (!minute || *minute > 59) return std::nullopt;
  const std::int64_t ticks = *hour * kTicksPerHour + *minute * kTicksPerMinute;
  if (!in.take(':')) return ticks;
  const auto second = in.fixed(2);
  if (!second || *second > 59) return std::nullopt;
  const auto part = fraction(in);
  if (!part) return std::nullopt;
  return ticks + *second * kTicksPerSecond + *part;
}

// `Z`, `+hh:mm`, `+hhmm`, `+hh` or nothing: what to take from the local time to get UTC.
std::optional<std::int64_t> offset(Reader& in) {
  if (in.done() || in.take_any('Z', 'z')) return 0;
  const bool west = in.peek() == '-';
  if (!in.take_any('+', '-')) return std::nullopt;
  const auto hours = in.fixed(2);
  if (!hours || *hours > 23) return std::nullopt;
  int minutes = 0;
  if (!in.done()) {
    in.take(':');
    const auto read = in.fixed(2);
    if (!read || *read > 59) return std::nullopt;
    minutes = *read;
  }
  const std::int64_t ticks = *hours * kTicksPerHour + minutes * kTicksPerMinute;
  return west ? -ticks : ticks;
}

std::optional<Ticks> read_datetime(std::string_view text) {
  Reader in(text);
  const auto year = in.fixed(4);
  if (!year || *year < 1 || !in.take('-')) return std::nullopt;
  const auto month = in.fixed(2);
  if (!month || *month < 1 || *month > 12 || !in.take('-')) return std::nullopt;
  const auto day = in.fixed(2);
  if (!day || *day < 1 || *day > days_in_month(*year, *month)) return std::nullopt;
  std::int64_t ticks = days_of({*year, *month, *day}) * kTicksPerDay;
  if (in.done()) return Ticks{ticks};
  if (!in.take_any('T', 't') && !in.take(' ')) return std::nullopt;
  const auto time = time_of_day(in);
  if (!time) return std::nullopt;
  const auto shift = offset(in);
  if (!shift || !in.done()) return std::nullopt;
  ticks += *time - *shift;
  if (ticks < kTicksMin.value || ticks > kTicksMax.value) return std::nullopt;
  return Ticks{ticks};
}

// The words that Kusto's timespan literals take, and their lengths.
std::optional<std::int64_t> unit_ticks(std::string_view unit) {
  struct Unit {
    std::string_view word;
    std::int64_t ticks;
  };
  static constexpr std::array<Unit, 19> kUnits{{{"d", kTicksPerDay},
                                                {"day", kTicksPerDay},
                                                {"days", kTicksPerDay},
                                                {"h", kTicksPerHour},
                                                {"hour", kTicksPerHour},
                                                {"hours", kTicksPerHour},
                                                {"m", kTicksPerMinute},
                                                {"minute", kTicksPerMinute},
                                                {"minutes", kTicksPerMinute},
                                                {"s", kTicksPerSecond},
                                                {"second", kTicksPerSecond},
                                                {"seconds", kTicksPerSecond},
                                                {"ms", 10'000},
                                                {"millisecond", 10'000},
                                                {"milliseconds", 10'000},
                                                {"microsecond", 10},
                                                {"microseconds", 10},
                                                {"tick", 1},
                                                {"ticks", 1}}};
  for (const Unit& known : kUnits) {
    if (known.word == unit) return known.ticks;
  }
  return std::nullopt;
}

// `whole[.part]` times a unit; what is finer than a tick is cut off.
std::optional<Wide> scaled(std::string_view whole, std::string_view part, std::int64_t unit) {
  if (part.size() > 18) part = part.substr(0, 18);
  const auto high = number(whole);
  if (!high) return std::nullopt;
  Wide ticks = static_cast<Wide>(*high) * unit;
  if (!part.empty()) {
    Wide scale = 1;
    for (std::size_t i = 0; i < part.size(); ++i) scale *= 10;
    ticks += static_cast<Wide>(*number(part)) * unit / scale;
  }
  return ticks;
}

std::optional<Timespan> read_literal(std::string_view text) {
  Reader in(text);
  const bool negative = in.take('-');
  const std::string_view whole = in.digits();
  std::string_view part;
  if (in.take('.') && (part = in.digits()).empty()) return std::nullopt;
  in.take(' ');
  const auto unit = unit_ticks(in.rest());
  if (!unit) return std::nullopt;
  const auto ticks = scaled(whole, part, *unit);
  return ticks ? span_of(negative, *ticks) : std::nullopt;
}

// `[-][d.]h:mm[:ss[.f]]`
std::optional<Timespan> read_clock_form(std::string_view text) {
  Reader in(text);
  const bool negative = in.take('-');
  Wide days = 0;
  const std::size_t colon = in.rest().find(':');
  if (const std::size_t point = in.rest().find('.');
      point != std::string_view::npos && point < colon) {
    const auto read = number(in.digits());
    if (!read || !in.take('.')) return std::nullopt;
    days = *read;
  }
  const auto time = time_of_day(in, /*short_hour=*/true);
  if (!time || !in.done()) return std::nullopt;
  return span_of(negative, days * kTicksPerDay + *time);
}

// `[-]P[nW][nD][T[nH][nM][nS]]`; the last part may have a fraction. Years and months have no fixed
// length: refused.
std::optional<Timespan> read_iso(std::string_view text) {
  struct Part {
    char letter;
    bool time;
    std::int64_t ticks;
  };
  static constexpr std::array<Part, 5> kParts{{{'W', false, 7 * kTicksPerDay},
                                               {'D', false, kTicksPerDay},
                                               {'H', true, kTicksPerHour},
                                               {'M', true, kTicksPerMinute},
                                               {'S', true, kTicksPerSecond}}};
  Reader in(text);
  const bool negative = in.take('-');
  if (!in.take('P')) return std::nullopt;
  Wide sum = 0;
  bool any = false, in_time = false, last = false;
  std::size_t next = 0;
  while (!in.done()) {
    if (last) return std::nullopt;
    if (!in_time && in.take('T')) {
      in_time = true;
      if (in.done()) return std::nullopt;
    }
    const std::string_view whole = in.digits();
    std::string_view part;
    if (in.take('.')) {
      last = true;
      if ((part = in.digits()).empty()) return std::nullopt;
    }
    while (next < kParts.size() &&
           (kParts[next].letter != in.peek() || kParts[next].time != in_time))
      ++next;
    if (next == kParts.size() || !in.take(kParts[next].letter)) return std::nullopt;
    const auto ticks = scaled(whole, part, kParts[next++].ticks);
    if (!ticks) return std::nullopt;
    sum += *ticks;
    any = true;
  }
  return any ? span_of(negative, sum) : std::nullopt;
}

bool is_bare_number(std::string_view text) {
  Reader in(text);
  in.take('-');
  if (in.digits().empty()) return false;
  if (in.take('.')) in.digits();
  return in.done();
}

}  // namespace

std::string format_datetime(Ticks at) {
  std::string out("0000-00-00T00:00:00.0000000Z");
  const Date date = date_of(at.value / kTicksPerDay);
  const auto time = static_cast<std::uint64_t>(at.value % kTicksPerDay);
  const std::uint64_t seconds = time / kTicksPerSecond;
  char* text = out.data();
  put_digits(text, static_cast<std::uint64_t>(date.year), 4);
  put_digits(text + 5, static_cast<std::uint64_t>(date.month), 2);
  put_digits(text + 8, static_cast<std::uint64_t>(date.day), 2);
  put_digits(text + 11, seconds / 3600, 2);
  put_digits(text + 14, seconds / 60 % 60, 2);
  put_digits(text + 17, seconds % 60, 2);
  put_digits(text + 20, time % kTicksPerSecond, kFractionDigits);
  return out;
}

Result<Ticks> parse_datetime(std::string_view text) {
  if (const auto at = read_datetime(text)) return *at;
  return fail(ErrorKind::invalid, "datetime.invalid",
              "'" + std::string(text) + "' is not a datetime such as 2024-01-31T23:59:59.1234567Z");
}

std::string format_timespan(Timespan span) {
  const std::uint64_t ticks = magnitude(span.ticks);
  const std::uint64_t days = ticks / kTicksPerDay;
  const std::uint64_t seconds = ticks / kTicksPerSecond;
  const std::uint64_t part = ticks % kTicksPerSecond;
  std::string out(span.ticks < 0 ? "-" : "");
  if (days != 0) out += std::to_string(days) + '.';
  const std::size_t start = out.size();
  out += part == 0 ? "00:00:00" : "00:00:00.0000000";
  char* text = out.data() + start;
  put_digits(text, seconds / 3600 % 24, 2);
  put_digits(text + 3, seconds / 60 % 60, 2);
  put_digits(text + 6, seconds % 60, 2);
  if (part != 0) put_digits(text + 9, part, kFractionDigits);
  return out;
}

Result<Timespan> parse_duration(std::string_view text) {
  if (const auto span = read_literal(text)) return *span;
  if (const auto span = read_clock_form(text)) return *span;
  if (const auto span = read_iso(text)) return *span;
  const std::string quoted = "'" + std::string(text) + "'";
  if (is_bare_number(text)) {
    auto error = fail(ErrorKind::invalid, "duration.invalid", quoted + " has no unit");
    error.value().fix =
        "Add a unit, such as " + std::string(text) + "s or " + std::string(text) + "m.";
    return error;
  }
  return fail(ErrorKind::invalid, "duration.invalid",
              quoted + " is not a duration such as 5m, 1.5h, 1.02:03:04 or PT5M");
}

std::string format_iso_duration(Timespan span) {
  const std::uint64_t ticks = magnitude(span.ticks);
  const std::uint64_t days = ticks / kTicksPerDay;
  const std::uint64_t seconds = ticks / kTicksPerSecond;
  const std::uint64_t part = ticks % kTicksPerSecond;
  std::string out(span.ticks < 0 ? "-P" : "P");
  if (days != 0) out += std::to_string(days) + 'D';
  if (ticks % kTicksPerDay == 0 && days != 0) return out;
  out += 'T';
  if (const auto hours = seconds / 3600 % 24) out += std::to_string(hours) + 'H';
  if (const auto minutes = seconds / 60 % 60) out += std::to_string(minutes) + 'M';
  const std::uint64_t rest = seconds % 60;
  if (part != 0) {
    std::string digits(kFractionDigits, '0');
    put_digits(digits.data(), part, kFractionDigits);
    digits.erase(digits.find_last_not_of('0') + 1);
    out += std::to_string(rest) + '.' + digits + 'S';
  } else if (rest != 0 || ticks == 0) {
    out += std::to_string(rest) + 'S';
  }
  return out;
}

}  // namespace kc
