#include "core/checkpoint/journal_file.h"

#include <charconv>
#include <cstdio>

#include "core/base/check.h"
#include "core/checkpoint/crc32c.h"
#include "core/checkpoint/record_codec.h"

namespace kc {
namespace {

constexpr std::string_view kSuffix = ".jsonl";
constexpr std::string_view kSnapshot = "snapshot-";
constexpr std::size_t kDigits = 12;

std::string digits_of(std::uint64_t seq) {
  KC_ASSERT(seq >= 1 && seq <= kJournalSeqMax);
  char text[16];
  std::snprintf(text, sizeof text, "%012llu", static_cast<unsigned long long>(seq));
  return text;
}

std::string header_line(const JournalHeader& header) {
  return "{\"v\":" + std::to_string(kJournalVersion) + ",\"seq\":" + std::to_string(header.seq) +
         ",\"epoch\":" + std::to_string(header.epoch) + ",\"writer\":\"" + header.writer.text() +
         "\",\"records\":" + std::to_string(header.records) + "}\n";
}

std::string trailer_line(std::uint32_t crc) {
  char text[32];
  std::snprintf(text, sizeof text, "{\"crc32c\":\"%08x\"}\n", crc);
  return text;
}
constexpr std::size_t kTrailerLength = std::string_view("{\"crc32c\":\"00000000\"}\n").size();

// Reads a line whose shape is known; what it reads is held against header_line afterwards.
struct Scan {
  std::string_view rest;
  bool good = true;

  void literal(std::string_view text) {
    good = good && rest.starts_with(text);
    if (good) rest.remove_prefix(text.size());
  }
  std::uint64_t number() {
    std::uint64_t value = 0;
    const auto read = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    good = good && read.ec == std::errc();
    if (good) rest.remove_prefix(static_cast<std::size_t>(read.ptr - rest.data()));
    return value;
  }
  Uuid uuid() {
    const auto id = Uuid::parse(rest.substr(0, 36));
    good = good && id.has_value();
    if (!good) return {};
    rest.remove_prefix(36);
    return *id;
  }
};

Result<JournalHeader> decode_header(std::string_view name, std::string_view line) {
  Scan scan{line};
  scan.literal("{\"v\":");
  const std::uint64_t version = scan.number();
  if (scan.good && version > kJournalVersion) {
    auto failure =
        fail(ErrorKind::conflict, "checkpoint.version",
             "file '" + std::string(name) + "' is of version " + std::to_string(version) +
                 "; this program reads up to " + std::to_string(kJournalVersion));
    failure.value().fix = "Run this job with the newer version of the program that wrote it.";
    return failure;
  }
  JournalHeader header;
  scan.literal(",\"seq\":");
  header.seq = scan.number();
  scan.literal(",\"epoch\":");
  header.epoch = scan.number();
  scan.literal(",\"writer\":\"");
  header.writer = scan.uuid();
  scan.literal("\",\"records\":");
  header.records = scan.number();
  if (!scan.good || header_line(header) != line)
    return journal_corrupt(name, "its header is not one");
  return header;
}

}  // namespace

Failure journal_corrupt(std::string_view name, std::string_view why) {
  return fail(ErrorKind::corrupt, "checkpoint.corrupt",
              "file '" + std::string(name) + "': " + std::string(why));
}

std::string journal_name(std::uint64_t seq) {
  return std::string(kJournalFolder) + digits_of(seq) + std::string(kSuffix);
}

std::string snapshot_name(std::uint64_t seq) {
  return std::string(kJournalFolder) + std::string(kSnapshot) + digits_of(seq) +
         std::string(kSuffix);
}

std::optional<JournalName> parse_journal_name(std::string_view name) {
  if (!name.starts_with(kJournalFolder) || !name.ends_with(kSuffix)) return std::nullopt;
  name.remove_prefix(kJournalFolder.size());
  name.remove_suffix(kSuffix.size());
  JournalName parsed;
  parsed.snapshot = name.starts_with(kSnapshot);
  if (parsed.snapshot) name.remove_prefix(kSnapshot.size());
  if (name.size() != kDigits || name.find_first_not_of("0123456789") != name.npos)
    return std::nullopt;
  std::from_chars(name.data(), name.data() + name.size(), parsed.seq);
  if (parsed.seq == 0) return std::nullopt;
  return parsed;
}

std::string encode_file(JournalHeader header, const std::vector<Record>& records) {
  header.records = records.size();
  std::string bytes = header_line(header);
  for (const Record& record : records) {
    bytes += encode_record(record);
    bytes += '\n';
  }
  return bytes + trailer_line(crc32c(bytes));
}

Result<JournalEnvelope> decode_envelope(std::string_view name, std::string_view bytes) {
  if (bytes.size() <= kTrailerLength) return journal_corrupt(name, "it is cut off");
  const std::string_view covered = bytes.substr(0, bytes.size() - kTrailerLength);
  const std::uint32_t crc = crc32c(covered);
  if (!covered.ends_with('\n') || bytes.substr(covered.size()) != trailer_line(crc)) {
    return journal_corrupt(name, "it is torn: its checksum does not match");
  }
  const std::size_t header_end = covered.find('\n') + 1;
  KC_TRY(const JournalHeader header, decode_header(name, covered.substr(0, header_end)));
  const auto named = parse_journal_name(name);
  if (!named || named->seq != header.seq) {
    return journal_corrupt(name, "its header has number " + std::to_string(header.seq));
  }
  return JournalEnvelope{.header = header, .crc = crc, .body = covered.substr(header_end)};
}

Result<JournalFile> decode_file(std::string_view name, std::string_view bytes) {
  KC_TRY(const JournalEnvelope envelope, decode_envelope(name, bytes));
  JournalFile file{.header = envelope.header, .records = {}};
  std::string_view rest = envelope.body;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    auto record = decode_record(rest.substr(0, end));
    if (!record) {
      const std::string line = std::to_string(file.records.size() + 2);
      return fail(std::move(record).error().in("file '" + std::string(name) + "', line " + line));
    }
    file.records.push_back(std::move(*record));
    rest.remove_prefix(end + 1);
  }
  if (file.records.size() != file.header.records) {
    return journal_corrupt(name, "it has " + std::to_string(file.records.size()) +
                                     " records and says " + std::to_string(file.header.records));
  }
  return file;
}

}  // namespace kc
