// Ingest: each attempt under a tag of its own, so that what an older attempt still delivers is
// never moved; then the stage check, which reads the extents by that tag and compares rows. A
// queued ingestion is delivered at least once: it has come to its end when every one of its blobs
// is told to be ingested, and only then do the rows in staging decide. The one without the other
// would take a blob that came twice for one that did not come.
#include <algorithm>

#include "core/base/check.h"
#include "core/pipeline/committed.h"
#include "core/pipeline/job_core.h"

namespace kc::pipeline {
namespace {

// A message holds the mapping of every column, and a queue takes 64 KiB as base64. The names may
// take so much, each with what a mapping says of a column.
constexpr std::size_t kQueuedMappingBytesMax = std::size_t{36} << 10;
constexpr std::size_t kMappingBytesOfAColumn = 60;

}  // namespace

void JobCore::start_ingest(Block& block) {
  // Zero rows cannot be ingested and need not be: the block's part of the copy is complete.
  if (block.rows == 0) return mark_moved(block);
  if (!queues_ && ledger_.spec.ingest == IngestChoice::direct) queues_ = false;
  if (!queues_) return choose_ingestion();
  if (table_of(block).staging.state != StagingState::ready) return want_staging(block);
  ask_slot(block.id, Side::destination,
           queues(table_of(block)) ? SlotKind::queued : SlotKind::ingestion,
           [this](Block& granted) { ingest_slot_granted(granted); });
}

void JobCore::ingest_slot_granted(Block& block) {
  const BlockId id = block.id;
  // The staging table may have gone while the block waited for its slot.
  if (table_of(block).staging.state != StagingState::ready) {
    give_back_slot(id);
    return rest(id);
  }
  const int attempt = block.ingest_attempt + 1;
  commit({record::IngestIntended{
             .block = id,
             .attempt = attempt,
             .tag = block_tag(ledger_.uid, block.iteration, id, attempt),
             .queued = queues(table_of(block)) ? std::optional(Uuid::random(rng_)) : std::nullopt}},
         in_turn(id, [this](Block& intended) { send_ingest(intended); }));
}

// Asked once by each process, when the first block is exported: what is offered may have changed.
void JobCore::choose_ingestion() {
  if (destination_busy_) return;
  destination_busy_ = true;
  read(Side::destination, kusto::ReadIngestionOffer{}, "ingestion-offer",
       [this](Result<kusto::Answer> answer) {
         const bool wanted = ledger_.spec.ingest == IngestChoice::queued;
         // Where both would do, whatever keeps the one from being asked speaks for the other.
         if (!answer && wanted && !stopping_)
           return job_call_failed(answer.error(), "destination.unreachable", [this] {
             destination_busy_ = false;
             advance_all();
           });
         destination_busy_ = false;
         job_failures_ = 0;
         trouble_.reset();
         changed_ = true;
         const auto offer = answer ? std::get<kusto::IngestionOffer>(*answer)
                                   : kusto::IngestionOffer{.queued = false, .why_not = {}};
         if (wanted && !offer.queued)
           return stop(Problem{.code = "ingest.not_offered",
                               .detail = "queued ingestion is not possible: " + offer.why_not,
                               .fix = "leave \"ingest\" out, or say \"direct\"",
                               .retryable = false});
         queues_ = offer.queued;
         advance_all();
       });
}

// A table with more columns than a message can map is ingested by command, whatever was chosen.
bool JobCore::queues(const TableCopy& table) const {
  if (!queues_.value_or(false)) return false;
  std::size_t bytes = 0;
  for (const Column& column : table.schema.columns)
    bytes += 2 * column.name.size() + kMappingBytesOfAColumn;
  return bytes <= kQueuedMappingBytesMax;
}

kusto::Write JobCore::ingestion(const Block& block) {
  const TableCopy& table = table_of(block);
  kusto::StartIngest start{.db = destination_db(),
                           .table = table.staging.name,
                           .blob_uris = {},
                           .format = table.format,
                           .columns = table.schema.columns,
                           .tag = block.tag};
  for (const auto& blob : block.blobs) {
    // The path is the cluster's word: only its last part counts, inside the folder that we gave to
    // this attempt.
    const std::size_t slash = blob.path.find_last_of("/\\");
    start.blob_uris.push_back(block.folder + "/" +
                              blob.path.substr(slash == std::string::npos ? 0 : slash + 1));
  }
  if (!block.queued) return start;
  kusto::StartQueuedIngest queued{
      .ingest = std::move(start), .attempt = *block.queued, .raw_bytes = {}};
  const double bytes_per_row =
      table.rows_estimate > 0
          ? static_cast<double>(table.bytes_estimate) / static_cast<double>(table.rows_estimate)
          : 0;
  for (const auto& blob : block.blobs)
    queued.raw_bytes.push_back(
        static_cast<std::int64_t>(bytes_per_row * static_cast<double>(blob.rows)));
  return queued;
}

void JobCore::send_ingest(Block& block) {
  const BlockId id = block.id;
  if (stopping_) {
    give_back_slot(id);
    return rest(id);
  }
  const int attempt = block.ingest_attempt;
  const std::uint64_t turn = work(id).turn;
  write(
      Side::destination, Committed(ledger_).ingest_intended(block), ingestion(block),
      block_step("ingest", block, 'i', attempt),
      [this, id, turn, attempt](Result<kusto::Answer> answer) {
        Block* at = this->block(id);
        if (!at || work(id).turn != turn) return;
        if (!answer) {
          const Error& error = answer.error();
          return end_ingest(*at, error.kind != ErrorKind::throttled,
                            problem_of(error, "ingest.failed"), error.kind == ErrorKind::denied);
        }
        const Uuid operation = std::get<kusto::StartedOperation>(*answer).id;
        commit({record::IngestStarted{.block = id, .attempt = attempt, .operation = operation}});
        follow_ingest(*at, operation);
      },
      {}, Timespan::seconds(240), true);
}

void JobCore::follow_ingest(Block& block, Uuid operation) {
  if (stopping_) return rest(block.id);
  watch(
      block.id, Side::destination, block.queued ? SlotKind::queued : SlotKind::ingestion, operation,
      [this](Block& ended, const kusto::Operation* op) {
        give_back_slot(ended.id);
        if (!op) {
          return end_ingest(
              ended, false,
              {.code = "ingest.lost",
               .detail = ended.queued ? "data management tells no outcome of the ingestion"
                                      : "the cluster no longer knows the ingestion",
               .fix = {},
               .retryable = true},
              false);
        }
        if (op->outcome == kusto::OperationOutcome::completed) return check_stage(ended);
        const bool throttled = op->outcome == kusto::OperationOutcome::throttled;
        end_ingest(ended, op->outcome == kusto::OperationOutcome::failed,
                   {.code = throttled ? "throttle.ingestion" : "ingest.failed",
                    .detail = "the ingestion ended as " + op->state + ": " + op->status,
                    .fix = {},
                    .retryable = true},
                   false);
      },
      block.queued ? std::ssize(block.blobs) : 0);
}

void JobCore::check_stage(Block& block) {
  const BlockId id = block.id;
  const std::uint64_t turn = work(id).turn;
  work(id).waiting = Waiting::answer;
  read(
      Side::destination,
      kusto::ReadExtents{
          .db = destination_db(), .tables = {table_of(block).staging.name}, .tag = block.tag},
      block_step("stage-check", block, 'i', block.ingest_attempt),
      [this, id, turn](Result<kusto::Answer> answer) {
        Block* at = this->block(id);
        if (!at || work(id).turn != turn) return;
        if (!answer) {
          const Error& error = answer.error();
          if (answer_is_permanent(error) || ++work(id).read_failures >= limits_.call_failures_max) {
            return end_ingest(*at, true, problem_of(error, "ingest.failed"),
                              error.kind == ErrorKind::denied);
          }
          work(id).waiting = Waiting::timer;
          return after(backoff(work(id).read_failures),
                       in_turn(id, [this](Block& again) { check_stage(again); }));
        }
        work(id).read_failures = 0;
        stage_answer(*at, std::get<kusto::ExtentList>(*answer));
      });
}

void JobCore::stage_answer(Block& block, const kusto::ExtentList& extents) {
  const BlockId id = block.id;
  std::vector<StagedExtent> staged;
  std::int64_t rows = 0;
  for (const auto& extent : extents.extents) {
    staged.push_back({.id = extent.id, .rows = extent.rows});
    rows += extent.rows;
  }
  if (rows != block.rows) {
    return end_ingest(block, true,
                      {.code = "ingest.row_count",
                       .detail = "block " + std::to_string(id) + " has " + std::to_string(rows) +
                                 " rows in staging instead of " + std::to_string(block.rows),
                       .fix = {},
                       .retryable = true},
                      false);
  }
  commit({record::Staged{.block = id,
                         .attempt = block.ingest_attempt,
                         .extents = std::move(staged),
                         .rows = rows}},
         in_turn(id, [this, id](Block&) { rest(id); }));
}

// ingesting or staged -> exported: the next attempt ingests the same export under a new tag.
void JobCore::end_ingest(Block& block, bool counted, const Problem& problem, bool permanent) {
  const BlockId id = block.id;
  work(id).waiting = Waiting::answer;
  give_back_slot(id);
  const bool quarantine = gives_up(block, counted, permanent) && !stopping_;
  const int failures = block.failures + 1;
  commit({record::IngestEnded{
             .block = id, .attempt = block.ingest_attempt, .counted = counted, .problem = problem}},
         in_turn(id, [this, id, quarantine, failures, problem](Block& ended) {
           if (quarantine) return fail_block(ended, problem);
           const bool at_once = problem.code == "ingest.unknown";
           at_once ? rest(id) : rest_after(id, backoff(std::max(failures, ++work(id).backoff)));
         }));
}

}  // namespace kc::pipeline
