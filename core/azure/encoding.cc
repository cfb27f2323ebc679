#include "core/azure/encoding.h"

#include <algorithm>

namespace kc::azure {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = static_cast<char>(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

}  // namespace

std::string percent_encode(std::string_view text, std::string_view keep) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  constexpr std::string_view kPlain = "-._~";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (letter || kPlain.find(c) != std::string_view::npos ||
        keep.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4U];
      out += kHex[byte & 15U];
    }
  }
  return out;
}

std::string percent_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
        hex_digit(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

Query parse_query(std::string_view text) {
  Query query;
  if (text.starts_with('?')) text.remove_prefix(1);
  while (!text.empty()) {
    const auto end = std::min(text.find('&'), text.size());
    const auto part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (part.empty()) continue;
    const auto equals = std::min(part.find('='), part.size());
    query.emplace_back(percent_decode(part.substr(0, equals)),
                       percent_decode(part.substr(std::min(equals + 1, part.size()))));
  }
  return query;
}

std::string render_query(const Query& query) {
  std::string out;
  for (const auto& [name, value] : query) {
    out += out.empty() ? "" : "&";
    out += percent_encode(name, "$") + "=" + percent_encode(value);
  }
  return out;
}

std::string sas_time(Ticks at) {
  const auto text = format_datetime(at);
  return text.substr(0, 19) + "Z";
}

}  // namespace kc::azure
