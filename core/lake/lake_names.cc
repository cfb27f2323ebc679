#include "core/lake/lake_names.h"

namespace kc {
namespace {

constexpr std::size_t kPartMax = 200;  // below every file system's 255, with room for a suffix

bool good_part(std::string_view part) {
  return !part.empty() && part.size() <= kPartMax && part.front() != '.' &&
         part.find('\0') == part.npos;
}

bool good_name(std::string_view name) {
  if (name.size() > kLakeNameMax) return false;
  for (;;) {
    const std::size_t slash = name.find('/');
    if (!good_part(name.substr(0, slash))) return false;
    if (slash == name.npos) return true;
    name.remove_prefix(slash + 1);
  }
}

Failure bad_name(std::string_view name) {
  return fail(ErrorKind::invalid, "lake.name",
              "'" + std::string(name) + "' is not a name that a lake takes");
}

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.' || c == '~';
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Result<> check_lake_name(std::string_view name) {
  if (good_name(name)) return {};
  return bad_name(name);
}

Result<> check_lake_prefix(std::string_view prefix) {
  const std::size_t slash = prefix.rfind('/');
  if (slash != prefix.npos && !good_name(prefix.substr(0, slash))) return bad_name(prefix);
  if (prefix.find('\0') != prefix.npos) return bad_name(prefix);
  return {};
}

std::string encode_path(std::string_view path) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(path.size());
  for (const char c : path) {
    if (is_unreserved(c) || c == '/') {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }
  return out;
}

Result<std::string> decode_path(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0 || high + low == 0) {
      return fail(ErrorKind::invalid, "lake.unsupported",
                  "'" + std::string(text) + "' has a broken % escape");
    }
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

}  // namespace kc
