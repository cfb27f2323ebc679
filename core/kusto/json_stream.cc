#include "core/kusto/json_stream.h"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <charconv>
#include <cmath>
#include <string>

namespace kc::kusto {
namespace {

using Kind = JsonEvent::Kind;
using ErrorCode = boost::json::error_code;
using Text = boost::json::string_view;

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// What Boost.JSON calls. A token that lies across two pieces is put together in `held`.
class Handler {
 public:
  // Boost's names.
  // NOLINTBEGIN(readability-identifier-naming)
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);
  // NOLINTEND(readability-identifier-naming)

  explicit Handler(JsonEvents& to) : to_(to) {}
  std::size_t held_bytes() const { return held_.capacity(); }

  bool on_document_begin(ErrorCode&) { return true; }
  bool on_document_end(ErrorCode&) { return true; }
  bool on_object_begin(ErrorCode& ec) { return give({Kind::begin_object}, ec); }
  bool on_object_end(std::size_t, ErrorCode& ec) { return give({Kind::end_object}, ec); }
  bool on_array_begin(ErrorCode& ec) { return give({Kind::begin_array}, ec); }
  bool on_array_end(std::size_t, ErrorCode& ec) { return give({Kind::end_array}, ec); }
  bool on_key_part(Text part, std::size_t, ErrorCode&) { return hold(part); }
  bool on_key(Text last, std::size_t, ErrorCode& ec) { return give({Kind::key, whole(last)}, ec); }
  bool on_string_part(Text part, std::size_t, ErrorCode&) { return hold(part); }
  bool on_string(Text last, std::size_t, ErrorCode& ec) {
    return give({Kind::text, whole(last)}, ec);
  }
  bool on_number_part(Text part, ErrorCode&) { return hold(part); }
  bool on_int64(std::int64_t value, Text last, ErrorCode& ec) {
    return give({Kind::integer, whole(last), value, static_cast<double>(value)}, ec);
  }
  bool on_uint64(std::uint64_t value, Text last, ErrorCode& ec) {
    return give(
        {Kind::large, whole(last), static_cast<std::int64_t>(value), static_cast<double>(value)},
        ec);
  }
  bool on_double(double near, Text last, ErrorCode& ec) {
    // Boost.JSON 1.81 may be off by the last bit: the text is read again, exactly. What is too
    // small to be told from zero is no error.
    const std::string_view text = whole(last);
    double exact = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), exact);
    if (read.ec != std::errc()) exact = near;
    if (!std::isfinite(exact)) {
      ec = boost::json::error::exponent_overflow;
      return false;
    }
    return give({Kind::real, text, 0, exact}, ec);
  }
  bool on_bool(bool value, ErrorCode& ec) {
    return give({.kind = Kind::boolean, .integer = value ? 1 : 0}, ec);
  }
  bool on_null(ErrorCode& ec) { return give({Kind::null}, ec); }
  bool on_comment_part(Text, ErrorCode&) { return true; }
  bool on_comment(Text, ErrorCode&) { return true; }

 private:
  bool hold(Text part) {
    if (taken_) held_.clear();
    taken_ = false;
    held_.append(part.data(), part.size());
    return true;
  }
  std::string_view whole(Text last) {
    if (taken_) return {last.data(), last.size()};
    held_.append(last.data(), last.size());
    taken_ = true;
    return held_;
  }
  bool give(const JsonEvent& event, ErrorCode& ec) {
    if (to_.take(event)) return true;
    ec = boost::json::error::exception;
    return false;
  }

  JsonEvents& to_;
  std::string held_;
  bool taken_ = true;  // nothing in `held_` is wanted any more
};

boost::json::parse_options with_depth(int depth_max) {
  boost::json::parse_options options;
  options.max_depth = static_cast<std::size_t>(depth_max);
  return options;
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

}  // namespace

struct JsonStream::Parser {
  Parser(JsonEvents& to, int depth_max) : json(with_depth(depth_max), to) {}
  boost::json::basic_parser<Handler> json;
  std::size_t mark = 0;  // bytes of a byte order mark seen; npos once text has begun
};

JsonStream::JsonStream(JsonEvents& to, int depth_max)
    : parser_(std::make_unique<Parser>(to, depth_max)) {}

JsonStream::~JsonStream() = default;

bool JsonStream::feed(std::string_view bytes) {
  auto& mark = parser_->mark;
  while (mark < kByteOrderMark.size() && !bytes.empty() && bytes.front() == kByteOrderMark[mark]) {
    bytes.remove_prefix(1);
    ++mark;
  }
  if (bytes.empty()) return true;
  if (mark != 0 && mark < kByteOrderMark.size()) return false;
  mark = kByteOrderMark.size();
  ErrorCode ec;
  const std::size_t used = parser_->json.write_some(true, bytes.data(), bytes.size(), ec);
  if (ec) return false;
  return std::all_of(bytes.begin() + static_cast<std::ptrdiff_t>(used), bytes.end(), is_space);
}

bool JsonStream::finish() {
  ErrorCode ec;
  parser_->json.write_some(false, "", 0, ec);
  return !ec && parser_->json.done();
}

std::size_t JsonStream::held_bytes() const { return parser_->json.handler().held_bytes(); }

}  // namespace kc::kusto
