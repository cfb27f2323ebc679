// Reading a journal from its newest snapshot to its end, while its owner may be appending to it and
// compacting it. Used by journal.cc. Thread promise: functions; the lake's own promise counts.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <vector>

#include "core/checkpoint/journal_file.h"
#include "core/lake/lake.h"

namespace kc {

// Receives what the journal says, in order. `begin` comes before the first record, and once more
// whenever reading has to start over: forget everything then. An error of `apply` ends the reading.
struct JournalReplay {
  std::function<void()> begin;
  std::function<Result<>(const Record&)> apply;
};

// How often a reader starts over because files vanish under it; then kind unavailable, code
// checkpoint.busy.
inline constexpr int kReadTriesMax = 16;

struct JournalListing {
  std::vector<std::uint64_t> snapshots;  // ascending
  std::vector<std::uint64_t> files;      // ascending
  bool empty() const { return snapshots.empty() && files.empty(); }
  std::uint64_t newest_snapshot() const { return snapshots.empty() ? 0 : snapshots.back(); }
  std::uint64_t last_file() const { return files.empty() ? 0 : files.back(); }
};
Result<JournalListing> list_journal(Lake& lake);

struct JournalEnd {
  std::uint64_t seq = 0;    // of the last file, or of the snapshot if nothing follows it
  std::uint64_t epoch = 0;  // of its owner
  Uuid writer;
  std::uint64_t snapshot = 0;  // 0: none
  std::size_t snapshot_bytes = 0;
  std::size_t log_bytes = 0;        // of the files after the snapshot
  std::set<std::uint64_t> openers;  // files after the snapshot that open an epoch
  bool older_snapshots = false;     // a sweep was cut short
};

// Kind not_found, code checkpoint.absent, where there is no journal at all.
Result<JournalEnd> read_journal(Lake& lake, const JournalReplay& replay);

// File 1 and every takeover: never removed, because the number that a fenced writer tries next is
// always one of them.
bool opens_epoch(const JournalFile& file);

}  // namespace kc
