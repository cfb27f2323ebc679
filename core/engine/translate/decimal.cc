#include "core/engine/translate/decimal.h"

#include <algorithm>

#include "core/engine/syntax/literal.h"

namespace kc::engine {
namespace {

// digits * 10^-scale, most significant digit first, no sign in the digits.
struct Number {
  bool negative = false;
  std::string digits;
  long scale = 0;
};

Number read(std::string_view text) {
  Number number;
  if (text.starts_with('-')) {
    number.negative = true;
    text.remove_prefix(1);
  }
  const std::size_t point = text.find('.');
  number.digits = std::string(text.substr(0, point));
  if (point != std::string_view::npos) {
    number.digits += text.substr(point + 1);
    number.scale = static_cast<long>(text.size() - point - 1);
  }
  return number;
}

void strip(std::string& digits) {
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
}

// Rounds to the digits that a decimal holds and writes it.
std::optional<std::string> write(Number number) {
  strip(number.digits);
  while (number.digits.size() > static_cast<std::size_t>(kDecimalDigitsMax) && number.scale > 0) {
    // Half to even, in one step, so that nothing is rounded twice.
    const std::size_t over =
        std::min(number.digits.size() - kDecimalDigitsMax, static_cast<std::size_t>(number.scale));
    const std::size_t keep = number.digits.size() - over;
    const std::string rest = number.digits.substr(keep);
    number.digits.resize(keep);
    number.scale -= static_cast<long>(over);
    const bool half = rest[0] == '5' && rest.find_first_not_of('0', 1) == std::string::npos;
    const bool odd = ((number.digits.back() - '0') & 1) != 0;
    if (rest[0] > '5' || (rest[0] == '5' && (!half || odd))) {
      std::size_t at = keep;
      while (at > 0 && number.digits[at - 1] == '9') number.digits[--at] = '0';
      if (at > 0) {
        ++number.digits[at - 1];
      } else {
        number.digits.insert(0, "1");
      }
    }
  }
  if (number.scale > 0) {
    const auto scale = static_cast<std::size_t>(number.scale);
    if (number.digits.size() <= scale)
      number.digits.insert(0, scale + 1 - number.digits.size(), '0');
    number.digits.insert(number.digits.size() - scale, ".");
  }
  return parse_decimal((number.negative ? "-" : "") + number.digits);
}

std::string add_digits(const std::string& a, const std::string& b) {
  std::string sum(std::max(a.size(), b.size()) + 1, '0');
  int carry = 0;
  for (std::size_t i = 0; i < sum.size(); ++i) {
    int digit = carry;
    if (i < a.size()) digit += a[a.size() - 1 - i] - '0';
    if (i < b.size()) digit += b[b.size() - 1 - i] - '0';
    carry = digit / 10;
    sum[sum.size() - 1 - i] = static_cast<char>('0' + digit % 10);
  }
  return sum;
}

// a - b, where a is not less and both have one length.
std::string subtract_digits(std::string a, const std::string& b) {
  int borrow = 0;
  for (std::size_t i = a.size(); i-- > 0;) {
    int digit = a[i] - b[i] - borrow;
    borrow = digit < 0 ? 1 : 0;
    a[i] = static_cast<char>('0' + digit + 10 * borrow);
  }
  return a;
}

Number sum_of(Number a, Number b) {
  if (a.scale < b.scale) std::swap(a, b);
  b.digits.append(static_cast<std::size_t>(a.scale - b.scale), '0');
  Number sum{a.negative, {}, a.scale};
  if (a.negative == b.negative) {
    sum.digits = add_digits(a.digits, b.digits);
    return sum;
  }
  const std::size_t length = std::max(a.digits.size(), b.digits.size());
  a.digits.insert(0, length - a.digits.size(), '0');
  b.digits.insert(0, length - b.digits.size(), '0');
  if (a.digits < b.digits) std::swap(a, b);
  sum.negative = a.negative;
  sum.digits = subtract_digits(a.digits, b.digits);
  return sum;
}

}  // namespace

std::optional<std::string> decimal_plus(std::string_view a, std::string_view b) {
  return write(sum_of(read(a), read(b)));
}

std::optional<std::string> decimal_minus(std::string_view a, std::string_view b) {
  Number other = read(b);
  other.negative = !other.negative;
  return write(sum_of(read(a), std::move(other)));
}

std::optional<std::string> decimal_times(std::string_view a, std::string_view b) {
  const Number x = read(a), y = read(b);
  std::string digits(x.digits.size() + y.digits.size(), '0');
  for (std::size_t i = x.digits.size(); i-- > 0;) {
    int carry = 0;
    for (std::size_t j = y.digits.size(); j-- > 0;) {
      const int digit =
          (digits[i + j + 1] - '0') + (x.digits[i] - '0') * (y.digits[j] - '0') + carry;
      digits[i + j + 1] = static_cast<char>('0' + digit % 10);
      carry = digit / 10;
    }
    digits[i] = static_cast<char>(digits[i] + carry);
  }
  return write({x.negative != y.negative, std::move(digits), x.scale + y.scale});
}

std::optional<std::string> decimal_over(std::string_view a, std::string_view b) {
  const Number x = read(a), y = read(b);
  if (y.digits.find_first_not_of('0') == std::string::npos) return std::nullopt;
  // Long division, with more digits than are kept and one more that stands for what remains.
  std::string divisor = y.digits;
  strip(divisor);
  std::string dividend = x.digits;
  strip(dividend);
  const std::size_t extra = divisor.size() + kDecimalDigitsMax + 2;
  dividend.append(extra, '0');
  const std::string padded = "0" + divisor;
  std::string quotient, rest(padded.size(), '0');
  for (const char digit : dividend) {
    rest.erase(0, 1);
    rest.push_back(digit);
    char times = '0';
    while (rest >= padded) {
      rest = subtract_digits(rest, padded);
      ++times;
    }
    quotient.push_back(times);
  }
  const bool exact = rest.find_first_not_of('0') == std::string::npos;
  quotient.push_back(exact ? '0' : '1');
  return write({x.negative != y.negative, std::move(quotient),
                x.scale - y.scale + static_cast<long>(extra) + 1});
}

std::optional<std::string> decimal_sum(std::string_view joined) {
  Number sum{false, "0", 0};
  while (!joined.empty()) {
    const std::size_t end = std::min(joined.find(','), joined.size());
    sum = sum_of(std::move(sum), read(joined.substr(0, end)));
    strip(sum.digits);
    joined.remove_prefix(std::min(end + 1, joined.size()));
  }
  return write(std::move(sum));
}

std::string decimal_sort_key(std::string_view value) {
  Number number = read(value);
  strip(number.digits);
  if (number.digits == "0") return "1";
  // The place of the first digit, shifted to be positive, then the digits; mirrored where negative.
  const long place = static_cast<long>(number.digits.size()) - number.scale + 100'000;
  std::string key = std::to_string(1'000'000 + place) + number.digits;
  if (!number.negative) return "2" + key;
  for (char& c : key) c = static_cast<char>('0' + '9' - c);
  return "0" + key + "~";
}

}  // namespace kc::engine
