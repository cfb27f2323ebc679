// What this server knows, in one SQLite file: the jobs it was given, the keys that make submitting
// safe to repeat, events, and a mirror of each job's journal. The lake is the truth about progress:
// losing this file loses the list of jobs only. Used by core/service and the pipeline. Thread
// promise: every method is safe from any thread; writers take turns.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/base/ticks.h"
#include "core/model/block.h"
#include "core/model/job.h"
#include "core/model/records.h"

namespace kc::store {

struct JobRow {
  JobSpec spec;  // as given: it may hold secrets
  // Why its connection strings, which are then `***`, cannot be opened: a problem of kind
  // secret.key_lost or secret.damaged. Only of a row that was read.
  std::optional<Problem> locked = {};
  std::optional<Uuid> uid;
  JobState state = JobState::pending;
  bool cancel_wished = false;
  std::optional<Problem> problem;
  std::uint64_t revision = 0;  // of the last progress known
  Ticks created_at;
  std::optional<Ticks> ended_at;
};

struct KeyRow {
  std::string key;          // at most kIdempotencyKeyMax bytes
  std::string fingerprint;  // of the request it came with
  std::string job;
  std::optional<std::string> answer;  // as first given; nullopt if the server ended before it was
};
inline constexpr std::size_t kIdempotencyKeyMax = 255;
inline constexpr Timespan kIdempotencyKept = Timespan::seconds(7 * 86'400);

// Newest first. `after` is the last row of the page before.
struct JobQuery {
  std::vector<JobState> states = {};  // empty: all
  struct After {
    Ticks created_at;
    std::string id;
  };
  std::optional<After> after = {};
  std::size_t limit = 50;
};

struct Event {
  std::int64_t id = 0;
  Ticks at;
  std::string type;  // "job.state", "job.wish"
  std::string detail;
};

// Where the mirror of one job stands.
struct MirrorPosition {
  std::uint64_t seq = 0;
  std::uint64_t epoch = 0;
};
struct MirrorTable {
  TableName name;
  TableState state = TableState::waiting;
  bool plan_done = false;
  std::int64_t rows_planned = 0, blocks_planned = 0, rows_finished = 0, blocks_finished = 0;
  std::int64_t blocks_live = 0, blocks_failed = 0;
  std::optional<Problem> problem;
  friend bool operator==(const MirrorTable&, const MirrorTable&) = default;
};
struct MirrorBlock {
  BlockId id = 0;
  TableName table;
  std::int64_t iteration = 0;
  BlockState state = BlockState::planned;
  std::int64_t rows = 0;
  int export_attempt = 0, ingest_attempt = 0, failures = 0;
  std::optional<Problem> problem;
  friend bool operator==(const MirrorBlock&, const MirrorBlock&) = default;
};
struct MirrorCounts {
  std::int64_t tables = 0, tables_done = 0, rows_done = 0, blocks_done = 0, retried = 0,
               lake_bytes = 0;
  friend bool operator==(const MirrorCounts&, const MirrorCounts&) = default;
};

struct StoreOptions {
  std::string path = ":memory:";
  // Of the key that seals connection strings; made where it is not there. Empty: `<path>.key`.
  std::string key_file = {};
  int readers = 4;  // connections for reading, made as they are needed
  std::int64_t wal_bytes_max =
      64 << 20;  // past it the log is emptied into the database after a commit
};

// Error codes: store.newer (a newer program wrote the file), store.full (no room on the disk),
// store.corrupt, store.busy (another process holds it), store.unreachable (it cannot be opened or
// written), secret.key_file.
class Store {
 public:
  // Opens or makes the file, brings it to this program's schema (keeping a copy `<path>.before-<n>`
  // first), checks it.
  static Result<std::unique_ptr<Store>> open(StoreOptions options);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // The job and, where given, its key, in one transaction. Kind conflict, code job.exists or
  // idempotency.key_reused. A job whose connection strings cannot be opened any more gives way to
  // one with its id: that is how it gets new ones.
  Result<void> add_job(const JobRow& job, const std::optional<KeyRow>& key);
  Result<std::optional<JobRow>> job(std::string_view id) const;
  Result<std::vector<JobRow>> jobs(const JobQuery& query) const;
  Result<std::vector<JobRow>> unfinished_jobs() const;  // oldest first
  Result<void> set_uid(std::string_view id, const Uuid& uid);
  Result<void> set_state(std::string_view id, JobState state, std::uint64_t revision,
                         Ticks at);  // not terminal
  // From then on the job is `canceling` until it ends. Kind not_found also where it has ended.
  Result<void> wish_cancel(std::string_view id, Ticks at);
  struct Ending {
    JobState state = JobState::succeeded;
    std::optional<Problem> problem;
    Ticks at;
    std::string progress;  // the last document, as served
    std::uint64_t revision = 0;
  };
  Result<void> end_job(std::string_view id, const Ending& ending);
  Result<std::optional<std::string>> last_progress(
      std::string_view id) const;  // only of an ended job
  Result<std::vector<Event>> events(std::string_view id, std::int64_t after,
                                    std::size_t limit) const;

  Result<std::optional<KeyRow>> key(std::string_view key) const;
  Result<void> set_answer(std::string_view key, std::string_view answer);
  Result<std::size_t> drop_keys_before(Ticks at);

  // The mirror's only writer: the records of journal file `seq`, committed in the lake, in one
  // transaction with the position and the counters. A file at or below the position changes
  // nothing. Files come in order, from the job's first or from a snapshot; kind conflict, code
  // store.replay_needed, where the ones before are not known to this process.
  Result<void> apply(std::string_view job, std::uint64_t seq, const std::vector<Record>& records);
  // Empties the mirror of one job, so that a replay builds it anew.
  Result<void> forget_progress(std::string_view job);
  Result<std::optional<MirrorPosition>> position(std::string_view job) const;
  Result<std::optional<MirrorCounts>> counts(std::string_view job) const;
  Result<std::vector<MirrorTable>> tables(std::string_view job) const;
  Result<std::vector<MirrorBlock>> blocks(std::string_view job, std::optional<BlockState> state,
                                          std::size_t limit) const;

  // Whether it can be written to now.
  Result<void> check() const;

 private:
  struct State;
  explicit Store(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace kc::store
