// What a user asks for (JobSpec) and the words for where a job stands. Words on the wire equal the
// enumerators. Thread promise: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/ids.h"
#include "core/base/ticks.h"
#include "core/model/names.h"

namespace kc {

// A number of slots, or a percentage of the cluster's capacity.
struct SlotShare {
  bool percent = true;
  int amount = 100;  // slots (1 to kSlotsMax), or percent (1 to 100)
  friend bool operator==(const SlotShare&, const SlotShare&) = default;
};
inline constexpr int kSlotsMax = 10'000;

enum class ExportFormat { csv, parquet };
enum class FormatChoice {
  auto_,
  csv,
  parquet
};  // auto: parquet where every column survives it, else csv
enum class IngestChoice {
  auto_,   // queued where the destination offers it and can read this lake, else direct
  direct,  // `.ingest` on the cluster
  queued   // messages to the data management service beside it
};
enum class OnError { continue_, stop };

inline constexpr std::int64_t kBlockRowsMaxDefault = 4'000'000;
inline constexpr std::int64_t kBlockBytesMaxDefault =
    2'000'000'000;  // original (uncompressed) size

struct JobSpec {
  std::string id;           // [a-z0-9][a-z0-9-]{0,62}
  std::string lake;         // as given, one address on each line; may hold secrets
  std::string source;       // connection string; may hold secrets
  std::string destination;  // connection string; may hold secrets
  std::string db;
  std::string destination_db;               // = db unless given
  std::vector<std::string> tables_include;  // empty: all tables
  std::vector<std::string> tables_exclude;
  SlotShare query_slots{.percent = true, .amount = 10};
  SlotShare export_slots{};
  SlotShare ingestion_slots{};
  bool continuous = false;  // refused in this version: code job.unsupported
  Timespan rpo = Timespan::seconds(300);
  std::optional<Timespan> backfill_horizon = {};  // refused in this version unless absent
  bool verbose = false;
  FormatChoice format = FormatChoice::auto_;
  IngestChoice ingest = IngestChoice::auto_;
  OnError on_error = OnError::continue_;
  std::int64_t block_rows_max = kBlockRowsMaxDefault;
  std::int64_t block_bytes_max = kBlockBytesMaxDefault;
  int max_failures = 10;           // classified failures of one block before it is quarantined
  bool new_ingestion_time = true;  // setNewIngestionTime of the move
  friend bool operator==(const JobSpec&, const JobSpec&) = default;
};

enum class JobState {
  pending,
  blocked,
  running,
  pausing,
  paused,
  canceling,
  canceled,
  succeeded,
  failed
};
enum class JobPhase { preflight, schema, planning, backfill, replicating, verifying, finalizing };
enum class TableState { waiting, running, done, failed };

std::string_view to_string(JobState state);
std::string_view to_string(JobPhase phase);
std::string_view to_string(TableState state);
std::string_view to_string(ExportFormat format);
std::string_view to_string(FormatChoice choice);
std::string_view to_string(IngestChoice choice);
std::string_view to_string(OnError choice);
std::optional<JobState> parse_job_state(std::string_view word);
std::optional<FormatChoice> parse_format_choice(std::string_view word);
std::optional<ExportFormat> parse_export_format(std::string_view word);
std::optional<IngestChoice> parse_ingest_choice(std::string_view word);
std::optional<OnError> parse_on_error(std::string_view word);
inline bool is_terminal(JobState state) {
  return state == JobState::canceled || state == JobState::succeeded || state == JobState::failed;
}
bool is_valid_job_id(std::string_view id);

// Why something failed, as the user sees it.
struct Problem {
  std::string code;    // stable, `family.reason`
  std::string detail;  // one sentence
  std::string fix;     // a command or a sentence; empty where unknown
  bool retryable = false;
  friend bool operator==(const Problem&, const Problem&) = default;
};

}  // namespace kc
