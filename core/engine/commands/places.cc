#include "core/engine/commands/places.h"

#include <cctype>

namespace kc::engine {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = static_cast<char>(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

std::string percent_decoded(const std::string& text) {
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

std::string percent_encoded(const std::string& text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  static constexpr std::string_view kPlain = "/-._~";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || kPlain.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

}  // namespace

Result<Place> parse_place(const std::string& address) {
  constexpr std::string_view kScheme = "file://";
  Place place;
  if (address.starts_with(kScheme)) {
    place.prefix = kScheme;
    place.path = percent_decoded(
        address.substr(kScheme.size(), address.find_first_of(";?") - kScheme.size()));
  } else {
    place.path = address.substr(0, address.find(';'));
  }
  if (!place.path.starts_with('/')) {
    Error error{.kind = ErrorKind::invalid, .code = "engine.place", .message = {}};
    error.message =
        "Download_BadRequest: an address is that of a storage account (https, abfss) or of a local "
        "place, as 'file:///…' or an absolute path.";
    error.service_code = "Download_BadRequest";
    return fail(std::move(error));
  }
  while (place.path.size() > 1 && place.path.back() == '/') place.path.pop_back();
  return place;
}

std::string address_of(const Place& place, const std::string& path) {
  return place.prefix.empty() ? path : place.prefix + percent_encoded(path);
}

}  // namespace kc::engine
