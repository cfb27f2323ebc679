#include "api/http_head.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "core/base/text.h"

namespace kc::api {

namespace {

using Refused = tl::unexpected<HeadRefusal>;

Refused refuse(int status, std::string code, std::string message) {
  return Refused(HeadRefusal{
      status,
      Error{.kind = ErrorKind::invalid, .code = std::move(code), .message = std::move(message)}});
}

Refused malformed(std::string message) {
  return refuse(400, "request.malformed", std::move(message));
}

bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           kMarks.find(c) != std::string_view::npos;
  });
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

// Optional white space is these two (RFC 9110 5.6.3): a line break taken off too would hide one
// that is to be refused.
std::string_view without_ows(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// `http://host/path` -> `/path`: a proxy's form, which every server must accept.
std::optional<std::string> origin_form(std::string_view target) {
  if (!target.empty() && target.front() == '/') return std::string(target);
  for (std::string_view scheme : {"http://", "https://"}) {
    if (target.substr(0, scheme.size()) != scheme) continue;
    const auto path = target.find('/', scheme.size());
    return path == std::string_view::npos ? "/" : std::string(target.substr(path));
  }
  return std::nullopt;
}

tl::expected<void, HeadRefusal> parse_request_line(std::string_view line, HttpHead& head) {
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last)
    return malformed("the request line is not `METHOD target HTTP/1.1`");
  const auto version = line.substr(last + 1);
  const auto target = line.substr(first + 1, last - first - 1);
  head.method = line.substr(0, first);
  if (!is_token(head.method)) return malformed("the method is not a token");
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    return refuse(505, "request.http_version", "only HTTP/1.1 and HTTP/1.0 are spoken here");
  }
  head.http_1_0 = version == "HTTP/1.0";
  const bool clean = std::none_of(target.begin(), target.end(), [](char c) {
    return is_control(c) || c == ' ' || c == '#' || static_cast<unsigned char>(c) >= 0x80;
  });
  auto origin = origin_form(target);
  if (!clean || !origin) return malformed("the request target is not a path");
  head.target = std::move(*origin);
  return {};
}

tl::expected<void, HeadRefusal> parse_header_line(std::string_view line, HttpHead& head) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return malformed("a header line has no colon");
  const auto name = line.substr(0, colon);
  const auto value = without_ows(line.substr(colon + 1));
  if (!is_token(name)) return malformed("a header's name is not a token");
  if (std::any_of(value.begin(), value.end(), [](char c) { return is_control(c) && c != '\t'; })) {
    return malformed("a header's value holds a control character");
  }
  head.headers.emplace_back(lower(name), std::string(value));
  return {};
}

std::size_t count(const HttpHead& head, std::string_view name) {
  return static_cast<std::size_t>(std::count_if(head.headers.begin(), head.headers.end(),
                                                [&](const auto& h) { return h.first == name; }));
}

tl::expected<void, HeadRefusal> check_framing(HttpHead& head, const HeadLimits& limits) {
  const auto lengths = count(head, "content-length");
  const auto encodings = count(head, "transfer-encoding");
  if (lengths > 1) return malformed("there is more than one Content-Length");
  if (lengths > 0 && encodings > 0)
    return malformed("Content-Length and Transfer-Encoding exclude each other");
  if (encodings > 0) {
    if (encodings > 1 || head.http_1_0 || lower(*head.header("transfer-encoding")) != "chunked") {
      return malformed("the only transfer encoding accepted is `chunked`, in HTTP/1.1");
    }
    head.chunked = true;
    head.close = true;
  }
  if (lengths > 0) {
    const auto& text = *head.header("content-length");
    const bool digits =
        !text.empty() && text.size() <= 18 &&
        std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!digits) return malformed("Content-Length is not a number");
    head.content_length = std::stoull(text);
    if (*head.content_length > limits.body_bytes_max) {
      return refuse(413, "request.too_large",
                    "the body is larger than " + std::to_string(limits.body_bytes_max) + " bytes");
    }
  }
  constexpr std::array<std::string_view, 4> kWithBody{"POST", "PUT", "PATCH", "DELETE"};
  if (head.has_body() &&
      std::find(kWithBody.begin(), kWithBody.end(), head.method) == kWithBody.end()) {
    return malformed(
        "a " + (head.method.size() < 16 ? head.method : std::string("request of this method")) +
        " carries no body");
  }
  return {};
}

tl::expected<void, HeadRefusal> check_meaning(HttpHead& head, const HeadLimits& limits) {
  const auto hosts = count(head, "host");
  if (hosts > 1) return malformed("there is more than one Host");
  if (hosts == 0 && !head.http_1_0) return malformed("the Host header is missing");
  if (auto framed = check_framing(head, limits); !framed) return framed;
  if (const auto* expect = head.header("expect"); expect && lower(*expect) != "100-continue") {
    return refuse(417, "request.expectation_failed",
                  "the only expectation known here is 100-continue");
  }
  if (const auto* encoding = head.header("content-encoding")) {
    const auto word = lower(*encoding);
    if (word != "gzip" && word != "deflate" && word != "identity") {
      return refuse(415, "request.unsupported_media_type",
                    "a body may be encoded as gzip or deflate, nothing else");
    }
  }
  const auto* connection = head.header("connection");
  const auto wish = connection ? lower(*connection) : std::string();
  if (wish.find("close") != std::string::npos || (head.http_1_0 && wish != "keep-alive"))
    head.close = true;
  return {};
}

tl::expected<void, HeadRefusal> split_path(HttpHead& head) {
  const std::string_view path = std::string_view(head.target).substr(0, head.target.find('?'));
  std::size_t from = 1;
  while (from <= path.size()) {
    const auto to = std::min(path.find('/', from), path.size());
    auto segment = decode_path(path.substr(from, to - from));
    if (!segment)
      return malformed(
          "the path holds a bad escape, a control character or bytes that are not UTF-8");
    head.segments.push_back(std::move(*segment));
    from = to + 1;
  }
  return {};
}

bool library_knows(std::string_view method) {
  constexpr std::array<std::string_view, 7> kMethods{"GET",    "HEAD",    "POST", "PUT",
                                                     "DELETE", "OPTIONS", "PATCH"};
  return std::find(kMethods.begin(), kMethods.end(), method) != kMethods.end();
}

}  // namespace

const std::string* HttpHead::header(std::string_view name) const {
  auto at =
      std::find_if(headers.begin(), headers.end(), [&](const auto& h) { return h.first == name; });
  return at == headers.end() ? nullptr : &at->second;
}

tl::expected<HttpHead, HeadRefusal> parse_head(std::string_view text, const HeadLimits& limits) {
  HttpHead head;
  bool first = true;
  while (true) {
    const auto end = text.find("\r\n");
    if (end == std::string_view::npos) return malformed("the head does not end in a blank line");
    const auto line = text.substr(0, end);
    text.remove_prefix(end + 2);
    if (line.find('\n') != std::string_view::npos || line.find('\r') != std::string_view::npos) {
      return malformed("a line of the head ends in a bare CR or LF");
    }
    if (first) {
      if (line.size() > limits.line_bytes_max)
        return refuse(414, "request.uri_too_long", "the request target is too long");
      if (auto ok = parse_request_line(line, head); !ok) return Refused(std::move(ok).error());
      first = false;
      continue;
    }
    if (line.empty()) break;
    if (line.size() > limits.line_bytes_max || head.headers.size() >= limits.headers_max) {
      return refuse(431, "request.headers_too_large",
                    "at most " + std::to_string(limits.headers_max) + " headers of " +
                        std::to_string(limits.line_bytes_max) + " bytes each are accepted");
    }
    if (line.front() == ' ' || line.front() == '\t') return malformed("a header line is folded");
    if (auto ok = parse_header_line(line, head); !ok) return Refused(std::move(ok).error());
  }
  if (auto ok = check_meaning(head, limits); !ok) return Refused(std::move(ok).error());
  if (auto ok = split_path(head); !ok) return Refused(std::move(ok).error());
  return head;
}

std::string canonical_head(const HttpHead& head) {
  std::string out = library_knows(head.method) ? head.method : "TRACE";
  out += ' ';
  out += head.target;
  out += head.http_1_0 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n";
  for (const auto& [name, value] : head.headers) {
    if (name == "range" || name == "if-range" || name == "connection" || name == "content-encoding")
      continue;
    out += name;
    out += ": ";
    for (char c : value) {
      if (c == '%') {
        out += "%25";
      } else {
        out += c;
      }
    }
    out += "\r\n";
  }
  if (const auto* encoding = head.header("content-encoding");
      encoding && lower(*encoding) != "identity") {
    out += "content-encoding: " + lower(*encoding) + "\r\n";
  }
  out += head.close ? "connection: close\r\n\r\n" : "connection: Keep-Alive\r\n\r\n";
  return out;
}

std::optional<std::string> decode_path(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_digit(text[i + 1]);
      const int low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (is_control(c)) return std::nullopt;
    out += c;
  }
  if (!is_utf8(out)) return std::nullopt;
  return out;
}

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80                   ? 1
                               : lead >= 0xc2 && lead < 0xe0 ? 2
                               : lead >= 0xe0 && lead < 0xf0 ? 3
                               : lead >= 0xf0 && lead < 0xf5 ? 4
                                                             : 0;
    if (length == 0 || i + length > text.size()) return false;
    for (std::size_t k = 1; k < length; ++k) {
      if ((static_cast<unsigned char>(text[i + k]) & 0xc0) != 0x80) return false;
    }
    const auto second = length > 1 ? static_cast<unsigned char>(text[i + 1]) : 0U;
    const bool overlong = (lead == 0xe0 && second < 0xa0) || (lead == 0xf0 && second < 0x90);
    const bool beyond = (lead == 0xed && second >= 0xa0) || (lead == 0xf4 && second >= 0x90);
    if (overlong || beyond) return false;
    i += length;
  }
  return true;
}

}  // namespace kc::api
