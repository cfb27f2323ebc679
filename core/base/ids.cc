#include "core/base/ids.h"

namespace kc {
namespace {
int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}
bool hyphen_before(std::size_t byte) { return byte == 4 || byte == 6 || byte == 8 || byte == 10; }
}  // namespace

Uuid Uuid::random(Rng& rng) {
  Uuid id;
  for (std::size_t half = 0; half < 2; ++half) {
    const std::uint64_t word = rng.next();
    for (std::size_t i = 0; i < 8; ++i)
      id.bytes[half * 8 + i] = static_cast<std::uint8_t>(word >> (8 * i));
  }
  id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0F) | 0x40);
  id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3F) | 0x80);
  return id;
}

Result<Uuid> Uuid::parse(std::string_view text) {
  Uuid id;
  std::size_t at = 0;
  const auto bad = [&] {
    return fail(ErrorKind::invalid, "request.invalid_field",
                "'" + std::string(text) + "' is not a UUID");
  };
  if (text.size() != 36) return bad();
  for (std::size_t byte = 0; byte < 16; ++byte) {
    if (hyphen_before(byte) && text[at++] != '-') return bad();
    const int high = hex_value(text[at]);
    const int low = hex_value(text[at + 1]);
    if (high < 0 || low < 0) return bad();
    id.bytes[byte] = static_cast<std::uint8_t>(high * 16 + low);
    at += 2;
  }
  return id;
}

std::string Uuid::text() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(36);
  for (std::size_t byte = 0; byte < 16; ++byte) {
    if (hyphen_before(byte)) out += '-';
    out += kDigits[bytes[byte] >> 4];
    out += kDigits[bytes[byte] & 15];
  }
  return out;
}

}  // namespace kc
