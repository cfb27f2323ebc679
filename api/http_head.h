// The head of a request, read strictly by our own code before the HTTP library sees a byte of it:
// what is ambiguous (two lengths, two hosts, folded lines, bare line feeds) is refused, so that no
// proxy in front can read it differently. Used by http_server. Thread promise: pure functions and
// values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.h"

namespace kc::api {

struct HeadLimits {
  std::size_t line_bytes_max = 8192;
  std::size_t headers_max = 64;
  std::size_t body_bytes_max = std::size_t{1} << 20;
};

struct HttpHead {
  std::string method;
  std::string target;  // origin form: path and query, not decoded
  bool http_1_0 = false;
  std::vector<std::pair<std::string, std::string>>
      headers;  // names lower-case, values trimmed, not decoded
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  bool close = false;  // the client asked for it, or the body's end is not ours to trust for the
                       // next request
  std::vector<std::string> segments;  // of the path, decoded

  bool has_body() const { return chunked || content_length.value_or(0) > 0; }
  const std::string* header(std::string_view name) const;
};

struct HeadRefusal {
  int status = 400;
  Error error;
};

// `text` is everything up to and including the blank line.
tl::expected<HttpHead, HeadRefusal> parse_head(std::string_view text, const HeadLimits& limits);

// The same head in the one spelling that the HTTP library cannot misread: a method it knows, header
// values whose `%` are escaped (it decodes them), no Range.
std::string canonical_head(const HttpHead& head);

// Percent-decoding of one path segment or of a whole path; nullopt for a bad escape, a control
// character or bad UTF-8.
std::optional<std::string> decode_path(std::string_view text);
bool is_utf8(std::string_view text);

}  // namespace kc::api
