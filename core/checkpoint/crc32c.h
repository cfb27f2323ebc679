// CRC-32C (Castagnoli), the checksum of a journal file. Used by journal_file.cc. Thread promise: a
// pure function.
#pragma once

#include <cstdint>
#include <string_view>

namespace kc {

std::uint32_t crc32c(std::string_view bytes);
// The same by table only, whatever the processor has: what the other is tested against.
std::uint32_t crc32c_by_table(std::string_view bytes);

}  // namespace kc
