#include "core/model/names.h"

#include "core/model/ledger.h"

namespace kc {
namespace {

constexpr std::size_t kStagingTableCharsMax = 40;

// FNV-1a: stable across builds and machines, which is all that a name needs.
std::uint64_t stable_hash(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash;
}

std::string hex16(std::uint64_t value) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out(16, '0');
  for (std::size_t i = 0; i < 16; ++i) out[15 - i] = kDigits[(value >> (4 * i)) & 15];
  return out;
}

}  // namespace

TableName staging_name(const Uuid& job, const TableName& table, int generation) {
  std::string readable;
  for (const char c : table.value) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    readable += plain ? c : '-';
    if (readable.size() == kStagingTableCharsMax) break;
  }
  const std::string key = job.text() + "/" + table.value;
  return {"kc-stg-" + readable + "-" + hex16(stable_hash(key)) + "-g" + std::to_string(generation)};
}

std::string tag_prefix(const Uuid& job) { return "drop-by:kc/" + job.text() + "/"; }

std::string block_tag(const Uuid& job, std::int64_t iteration, BlockId block, int ingest_attempt) {
  return tag_prefix(job) + std::to_string(iteration) + "/" + std::to_string(block) + "/i" +
         std::to_string(ingest_attempt);
}

std::string export_folder(std::int64_t iteration, BlockId block, int export_attempt) {
  return "data/" + std::to_string(iteration) + "/" + std::to_string(block) + "/e" +
         std::to_string(export_attempt);
}

}  // namespace kc
