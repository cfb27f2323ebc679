#include "core/checkpoint/crc32c.h"

#include <array>
#include <cstring>

namespace kc {
namespace {

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0x82F63B78u : 0u);
    table[i] = value;
  }
  return table;
}
constexpr std::array<std::uint32_t, 256> kTable = make_table();

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t by_instruction(std::string_view bytes) {
  std::uint64_t state = 0xFFFFFFFFu;
  while (bytes.size() >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), 8);
    state = __builtin_ia32_crc32di(state, word);
    bytes.remove_prefix(8);
  }
  auto low = static_cast<std::uint32_t>(state);
  for (const char c : bytes) low = __builtin_ia32_crc32qi(low, static_cast<unsigned char>(c));
  return ~low;
}
#endif

}  // namespace

std::uint32_t crc32c_by_table(std::string_view bytes) {
  std::uint32_t state = 0xFFFFFFFFu;
  for (const char c : bytes)
    state = (state >> 8) ^ kTable[(state ^ static_cast<unsigned char>(c)) & 0xFFu];
  return ~state;
}

std::uint32_t crc32c(std::string_view bytes) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2")) return by_instruction(bytes);
#endif
  return crc32c_by_table(bytes);
}

}  // namespace kc
