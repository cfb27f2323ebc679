#include "core/net/transport.h"

#include <algorithm>
#include <charconv>

namespace kc::net {
namespace {

struct Authority {
  std::string_view scheme;  // with "://"; empty where there is none
  std::string_view hosts;   // host and port, without user
};

Authority authority_of(std::string_view url) {
  Authority parts;
  const auto colon = url.find("://");
  if (colon != std::string_view::npos) {
    parts.scheme = url.substr(0, colon + 3);
    url.remove_prefix(colon + 3);
  }
  url = url.substr(0, url.find_first_of("/?#;\\"));
  if (const auto user = url.rfind('@'); user != std::string_view::npos) url.remove_prefix(user + 1);
  parts.hosts = url;
  return parts;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return (x >= 'A' && x <= 'Z' ? x + 32 : x) == y; });
}

// `a.b.c.d` with numbers up to 255: a name such as 127.0.0.1.example.com is none.
bool is_ipv4(std::string_view host) {
  int parts = 0;
  while (true) {
    const auto dot = host.find('.');
    const std::string_view part = host.substr(0, dot);
    unsigned value = 256;
    const auto parsed = std::from_chars(part.data(), part.data() + part.size(), value);
    if (parsed.ec != std::errc{} || parsed.ptr != part.data() + part.size() || value > 255)
      return false;
    ++parts;
    if (dot == std::string_view::npos) return parts == 4;
    host.remove_prefix(dot + 1);
  }
}

}  // namespace

std::string_view to_string(Method method) {
  switch (method) {
    case Method::get:
      return "GET";
    case Method::head:
      return "HEAD";
    case Method::put:
      return "PUT";
    case Method::post:
      return "POST";
    case Method::patch:
      return "PATCH";
    case Method::delete_:
      return "DELETE";
  }
  return "";
}

const std::string* HttpAnswer::header(std::string_view name) const {
  const auto found = std::find_if(headers.begin(), headers.end(),
                                  [&](const Header& one) { return one.name == name; });
  return found == headers.end() ? nullptr : &found->value;
}

Result<HttpAnswer> hand_over(const HttpCall& call, HttpAnswer answer) {
  if (!call.sink || answer.status != kStatusOk) return answer;
  KC_CHECK_OK(call.sink(answer.body));
  answer.body.clear();
  return answer;
}

std::string origin_of(std::string_view url) {
  const Authority parts = authority_of(url);
  return std::string(parts.scheme) + std::string(parts.hosts);
}

std::string_view host_of(std::string_view url) {
  std::string_view host = authority_of(url).hosts;
  if (host.starts_with('['))
    return host.substr(1, host.find(']') == std::string_view::npos ? 0 : host.find(']') - 1);
  return host.substr(0, host.find(':'));
}

bool is_loopback_host(std::string_view host) {
  return equals_ignoring_case(host, "localhost") || host == "::1" ||
         (host.starts_with("127.") && is_ipv4(host));
}

bool is_link_local_host(std::string_view host) {
  return host.starts_with("169.254.") && is_ipv4(host);
}

}  // namespace kc::net
