#include "core/base/base64.h"

#include <array>
#include <cstdint>

#include "core/base/text.h"

namespace kc {
namespace {

constexpr std::string_view kLetters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrlLetters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::uint8_t kNone = 0xFF;

constexpr std::array<std::uint8_t, 256> values_of(std::string_view letters) {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNone);
  for (std::size_t i = 0; i < letters.size(); ++i)
    values.at(static_cast<unsigned char>(letters[i])) = static_cast<std::uint8_t>(i);
  return values;
}
constexpr auto kValues = values_of(kLetters);
constexpr auto kUrlValues = values_of(kUrlLetters);

std::uint32_t byte_at(std::string_view bytes, std::size_t at) {
  return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0U;
}

// Three bytes to four letters; the last group has only the letters that its bytes reach.
std::string write(std::string_view bytes, std::string_view letters) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const auto bits =
        byte_at(bytes, at) << 16U | byte_at(bytes, at + 1) << 8U | byte_at(bytes, at + 2);
    const std::size_t left = bytes.size() - at;
    out += letters[bits >> 18U];
    out += letters[bits >> 12U & 63U];
    if (left > 1) out += letters[bits >> 6U & 63U];
    if (left > 2) out += letters[bits & 63U];
  }
  return out;
}

// Without padding.
std::optional<std::string> read(std::string_view text,
                                const std::array<std::uint8_t, 256>& values) {
  if (text.size() % 4 == 1) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (const char c : text) {
    const auto value = values.at(static_cast<unsigned char>(c));
    if (value == kNone) return std::nullopt;
    bits = bits << 6U | value;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out += static_cast<char>(bits >> held & 0xFFU);
  }
  return out;
}

std::string_view without_padding(std::string_view text) {
  for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  return text;
}

}  // namespace

std::string base64(std::string_view bytes) {
  auto out = write(bytes, kLetters);
  out.append((4 - out.size() % 4) % 4, '=');
  return out;
}

std::string base64_url(std::string_view bytes) { return write(bytes, kUrlLetters); }

std::optional<std::string> unbase64(std::string_view text) {
  text = trim(text);
  if (text.size() % 4 != 0) return std::nullopt;
  return read(without_padding(text), kValues);
}

std::optional<std::string> unbase64_url(std::string_view text) {
  const auto bare = without_padding(text);
  if (bare.size() != text.size() && text.size() % 4 != 0) return std::nullopt;
  return read(bare, kUrlValues);
}

}  // namespace kc
