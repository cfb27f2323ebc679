// Export: an attempt is on record, with its own folder, before it starts; only blobs that a
// completed operation lists are ever read.
#include "core/base/check.h"
#include "core/pipeline/committed.h"
#include "core/pipeline/job_core.h"

namespace kc::pipeline {
namespace {

std::string counts(std::int64_t got, std::int64_t wanted) {
  return std::to_string(got) + " rows instead of " + std::to_string(wanted);
}

}  // namespace

void JobCore::start_export(Block& block) {
  ask_slot(block.id, Side::source, SlotKind::export_,
           [this](Block& granted) { export_slot_granted(granted); });
}

void JobCore::export_slot_granted(Block& block) {
  const int attempt = block.export_attempt + 1;
  const BlockId id = block.id;
  commit({record::ExportIntended{.block = id,
                                 .attempt = attempt,
                                 .folder = export_folder(block.iteration, id, attempt),
                                 .grant_expiry = now_ + limits_.grant_life}},
         in_turn(id, [this](Block& intended) { send_export(intended); }));
}

void JobCore::send_export(Block& block) {
  const BlockId id = block.id;
  if (stopping_) {
    give_back_slot(id);
    return rest(id);
  }
  const TableCopy& table = table_of(block);
  const int attempt = block.export_attempt;
  kusto::StartExport command{.db = source_db(),
                             .rows = row_set(block),
                             .columns = table.schema.columns,
                             .format = table.format,
                             .folder_uri = block.folder};
  const std::uint64_t turn = work(id).turn;
  write(
      Side::source, Committed(ledger_).export_intended(block), std::move(command),
      block_step("export", block, 'e', attempt),
      [this, id, turn, attempt](Result<kusto::Answer> answer) {
        Block* at = this->block(id);
        if (!at || work(id).turn != turn) return;
        if (!answer) {
          const Error& error = answer.error();
          // Refused means that it never ran; without an answer it may be running now.
          const bool over = error.kind != ErrorKind::unavailable;
          return end_export(*at, over, error.kind != ErrorKind::throttled,
                            problem_of(error, "export.failed"), answer_is_permanent(error));
        }
        const Uuid operation = std::get<kusto::StartedOperation>(*answer).id;
        commit({record::ExportStarted{.block = id, .attempt = attempt, .operation = operation}});
        follow_export(*at, operation);
      },
      ledger_.folders.at({id, attempt}).grant_expiry, limits_.export_start_deadline, true);
}

void JobCore::follow_export(Block& block, Uuid operation) {
  if (stopping_) return rest(block.id);
  watch(block.id, Side::source, SlotKind::export_, operation,
        [this, operation](Block& ended, const kusto::Operation* op) {
          give_back_slot(ended.id);
          if (!op) {
            return end_export(ended, false, false,
                              {.code = "export.lost",
                               .detail = "the cluster no longer knows the export",
                               .fix = {},
                               .retryable = true},
                              false);
          }
          if (op->outcome == kusto::OperationOutcome::completed)
            return read_export_details(ended, operation);
          const bool throttled = op->outcome == kusto::OperationOutcome::throttled;
          const bool counted = op->outcome == kusto::OperationOutcome::failed;
          // An export listed as failed, or abandoned, may still write: only a completed one is
          // over.
          end_export(ended, throttled, counted,
                     {.code = throttled ? "throttle.export" : "export.failed",
                      .detail = "the export ended as " + op->state + ": " + op->status,
                      .fix = {},
                      .retryable = true},
                     false);
        });
}

void JobCore::read_export_details(Block& block, Uuid operation) {
  const BlockId id = block.id;
  const std::uint64_t turn = work(id).turn;
  work(id).waiting = Waiting::answer;
  read(
      Side::source, kusto::ReadExportDetails{operation},
      block_step("export-details", block, 'e', block.export_attempt),
      [this, id, turn, operation](Result<kusto::Answer> answer) {
        Block* at = this->block(id);
        if (!at || work(id).turn != turn) return;
        if (!answer) {
          const Error& error = answer.error();
          if (answer_is_permanent(error) || ++work(id).read_failures >= limits_.call_failures_max) {
            return end_export(*at, true, true, problem_of(error, "export.failed"), false);
          }
          work(id).waiting = Waiting::timer;
          return after(backoff(work(id).read_failures),
                       in_turn(id, [this, operation](Block& again) {
                         read_export_details(again, operation);
                       }));
        }
        work(id).read_failures = 0;
        export_details(*at, std::get<kusto::ExportDetails>(*answer));
      });
}

void JobCore::export_details(Block& block, const kusto::ExportDetails& details) {
  std::int64_t rows = 0;
  for (const auto& blob : details.blobs) rows += blob.rows;
  if (rows < block.rows) return recount(block, details.blobs, rows);
  if (rows > block.rows) {
    return end_export(block, true, true,
                      {.code = "export.row_count",
                       .detail = "the export of block " + std::to_string(block.id) + " holds " +
                                 counts(rows, block.rows),
                       .fix = {},
                       .retryable = true},
                      false);
  }
  const BlockId id = block.id;
  commit({record::Exported{
             .block = id, .attempt = block.export_attempt, .blobs = details.blobs, .rows = rows}},
         in_turn(id, [this, id](Block&) { rest(id); }));
}

// Fewer rows than planned: retention or a purge may have taken them since. The predicate is counted
// again; only if it agrees with the export is the block taken as smaller than planned.
void JobCore::recount(Block& block, std::vector<ExportedBlob> blobs, std::int64_t rows) {
  const BlockId id = block.id;
  const std::uint64_t turn = work(id).turn;
  read(Side::source, kusto::ReadCount{.db = source_db(), .rows = row_set(block)},
       block_step("recount", block, 'e', block.export_attempt),
       [this, id, turn, blobs = std::move(blobs), rows](Result<kusto::Answer> answer) {
         Block* at = this->block(id);
         if (!at || work(id).turn != turn) return;
         if (answer && std::get<kusto::RowCount>(*answer).rows == rows) {
           std::vector<Record> records{
               record::SourceShrunk{.block = id, .planned = at->rows, .rows = rows}};
           records.emplace_back(record::Exported{
               .block = id, .attempt = at->export_attempt, .blobs = blobs, .rows = rows});
           return commit(std::move(records), in_turn(id, [this, id](Block&) { rest(id); }));
         }
         const std::string detail = answer ? "the export of block " + std::to_string(id) +
                                                 " holds " + counts(rows, at->rows)
                                           : answer.error().message;
         end_export(*at, true, true,
                    {.code = "export.row_count", .detail = detail, .fix = {}, .retryable = true},
                    false);
       });
}

// exporting -> planned, and on to the next attempt after a pause, or to quarantine.
void JobCore::end_export(Block& block, bool over, bool counted, const Problem& problem,
                         bool permanent) {
  const BlockId id = block.id;
  work(id).waiting = Waiting::answer;
  give_back_slot(id);
  const bool quarantine = gives_up(block, counted, permanent) && !stopping_;
  const int failures = block.failures + 1;
  commit({record::ExportEnded{.block = id,
                              .attempt = block.export_attempt,
                              .over = over,
                              .counted = counted,
                              .problem = problem}},
         in_turn(id, [this, id, quarantine, failures, problem](Block& ended) {
           clean_folders();
           if (quarantine) return fail_block(ended, problem);
           // What was left behind by a restart or a stop is not waited for.
           const bool at_once = problem.code == "export.unknown";
           at_once ? rest(id) : rest_after(id, backoff(std::max(failures, ++work(id).backoff)));
         }));
}

}  // namespace kc::pipeline
