// The bytes of one journal file: header, records, trailer (FORMAT.md), and the names of the files.
// Used by the journal. Thread promise: values and pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/model/records.h"

namespace kc {

inline constexpr std::uint64_t kJournalVersion = 1;
inline constexpr std::string_view kJournalFolder = "checkpoint/";
inline constexpr std::uint64_t kJournalSeqMax =
    999'999'999'999;  // twelve digits, so that names sort as numbers do

struct JournalHeader {
  std::uint64_t seq = 0;
  std::uint64_t epoch = 0;
  Uuid writer;
  std::uint64_t records = 0;
};

// What can be said of a file without reading its records.
struct JournalEnvelope {
  JournalHeader header;
  std::uint32_t crc = 0;
  std::string_view
      body;  // the record lines, each with its newline; points into the bytes that were given
};

struct JournalFile {
  JournalHeader header;
  std::vector<Record> records;
};

struct JournalName {
  bool snapshot = false;
  std::uint64_t seq = 0;
};

std::string journal_name(std::uint64_t seq);   // checkpoint/000000000042.jsonl
std::string snapshot_name(std::uint64_t seq);  // checkpoint/snapshot-000000000042.jsonl
std::optional<JournalName> parse_journal_name(std::string_view name);

// `records` of the header is filled in.
std::string encode_file(JournalHeader header, const std::vector<Record>& records);

// Kind corrupt, code checkpoint.corrupt, naming the file, for anything that encode_file would not
// have written under that name; kind conflict, code checkpoint.version, for a file that is whole
// but of a newer version.
Result<JournalEnvelope> decode_envelope(std::string_view name, std::string_view bytes);
Result<JournalFile> decode_file(std::string_view name, std::string_view bytes);

// A failure that names the file at fault.
Failure journal_corrupt(std::string_view name, std::string_view why);

}  // namespace kc
