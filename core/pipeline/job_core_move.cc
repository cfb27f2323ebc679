// Move: all extents of a block in one command, atomic, consuming their ids; so the ids are the
// arbiter. Every end of a move goes through `settle_move`: a completed one is confirmed by the same
// reading that resolves a doubtful one.
#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/pipeline/committed.h"
#include "core/pipeline/job_core.h"

namespace kc::pipeline {

void JobCore::start_move(Block& block, std::vector<StagedExtent> extents) {
  const BlockId id = block.id;
  work(id).waiting = Waiting::answer;
  commit({record::MoveIntended{.block = id, .extents = std::move(extents), .rows = block.rows}},
         in_turn(id, [this](Block& intended) { send_move(intended); }));
}

void JobCore::send_move(Block& block) {
  const BlockId id = block.id;
  if (stopping_) return settle_move(block);
  const TableCopy& table = table_of(block);
  std::vector<Uuid> ids;
  ids.reserve(block.extents.size());
  for (const auto& extent : block.extents) ids.push_back(extent.id);
  const std::uint64_t turn = work(id).turn;
  write(Side::destination, Committed(ledger_).move_intended(block),
        kusto::StartMove{.db = destination_db(),
                         .from = table.staging.name,
                         .to = table.name,
                         .extents = std::move(ids),
                         .new_ingestion_time = ledger_.spec.new_ingestion_time},
        block_step("move", block, 'i', block.ingest_attempt),
        [this, id, turn](Result<kusto::Answer> answer) {
          Block* at = this->block(id);
          if (!at || work(id).turn != turn) return;
          if (!answer)
            return move_failed(*at, problem_of(answer.error(), "move.failed"),
                               answer.error().kind != ErrorKind::throttled,
                               answer_is_permanent(answer.error()));
          const Uuid operation = std::get<kusto::StartedOperation>(*answer).id;
          commit({record::MoveStarted{.block = id, .operation = operation}});
          follow_move(*at, operation);
        });
}

void JobCore::follow_move(Block& block, Uuid operation) {
  watch(block.id, Side::destination, SlotKind::query, operation,
        [this](Block& ended, const kusto::Operation* op) {
          if (!op || op->outcome == kusto::OperationOutcome::completed) return settle_move(ended);
          const bool throttled = op->outcome == kusto::OperationOutcome::throttled;
          move_failed(ended,
                      {.code = throttled ? "throttle.query" : "move.failed",
                       .detail = "the move ended as " + op->state + ": " + op->status,
                       .fix = {},
                       .retryable = true},
                      op->outcome == kusto::OperationOutcome::failed, false);
        });
}

// Whatever the answer said, the ids decide; but a move that keeps failing is not sent again without
// a pause, nor for ever.
void JobCore::move_failed(Block& block, Problem problem, bool counted, bool permanent) {
  const BlockId id = block.id;
  BlockWork& at = work(id);
  if (counted) at.move_failures += 1;
  if (permanent || at.move_failures >= ledger_.spec.max_failures) at.give_up = std::move(problem);
  if (stopping_) return settle_move(block);
  at.waiting = Waiting::timer;
  after(backoff(std::max(1, at.move_failures)),
        in_turn(id, [this](Block& again) { settle_move(again); }));
}

// Where are the rows? One command reads both tables, so that a move cannot slip between two
// readings.
void JobCore::settle_move(Block& block) {
  const BlockId id = block.id;
  const TableCopy& table = table_of(block);
  const std::uint64_t turn = work(id).turn;
  work(id).waiting = Waiting::answer;
  read(Side::destination,
       kusto::ReadExtents{
           .db = destination_db(), .tables = {table.staging.name, table.name}, .tag = block.tag},
       block_step("settle", block, 'i', block.ingest_attempt),
       [this, id, turn](Result<kusto::Answer> answer) {
         Block* at = this->block(id);
         if (!at || work(id).turn != turn) return;
         if (!answer) return read_move_again(*at, answer.error().message);
         settle_answer(*at, std::get<kusto::ExtentList>(*answer));
       });
}

void JobCore::settle_answer(Block& block, const kusto::ExtentList& extents) {
  const TableName staging = table_of(block).staging.name;
  std::vector<StagedExtent> in_staging;
  std::int64_t rows_staged = 0, rows_moved = 0;
  for (const auto& extent : extents.extents) {
    if (extent.table == staging) {
      in_staging.push_back({.id = extent.id, .rows = extent.rows});
      rows_staged += extent.rows;
    } else {
      rows_moved += extent.rows;
    }
  }
  // What a queue delivers once more lands in staging under the same tag, and is never moved: it
  // goes with the staging table.
  if (rows_moved == block.rows && (rows_staged == 0 || block.queued)) return mark_moved(block);
  if (block.revoking || stopping_ || work(block.id).give_up) {
    // Nothing in either table after a revoke that was committed: a late move must fail, its ids are
    // gone.
    if (rows_moved == 0 && (rows_staged != 0 || block.revoking)) return revoke(block, in_staging);
  } else if (rows_staged == block.rows && rows_moved == 0) {
    const BlockId id = block.id;
    work(id).move_reads = 0;
    // The fresh ids: they may have been merged. If the first move lands late, one of the two fails
    // with its ids gone.
    return start_move(block, std::move(in_staging));
  }
  // Not moved, and more in staging than was checked: which rows are the block's can no longer be
  // told apart by a count, so none of them is.
  if (block.queued && rows_moved == 0 && rows_staged > block.rows) return revoke(block, in_staging);
  read_move_again(block, std::to_string(rows_staged) + " rows in staging and " +
                             std::to_string(rows_moved) + " at the destination, of " +
                             std::to_string(block.rows));
}

// Gives the attempt up: the intent, then the drop of those ids, then a reading that finds neither
// table holding rows.
void JobCore::revoke(Block& block, const std::vector<StagedExtent>& in_staging) {
  const BlockId id = block.id;
  if (!block.revoking) {
    return commit({record::RevokeIntended{id}},
                  in_turn(id, [this](Block& intended) { settle_move(intended); }));
  }
  if (in_staging.empty()) {
    return commit({record::Revoked{id}}, in_turn(id, [this, id](Block& revoked) {
                    const std::optional<Problem> give_up =
                        std::exchange(work(id).give_up, std::nullopt);
                    give_up && !stopping_ ? fail_block(revoked, *give_up) : rest(id);
                  }));
  }
  std::vector<Uuid> ids;
  ids.reserve(in_staging.size());
  for (const auto& extent : in_staging) ids.push_back(extent.id);
  const std::uint64_t turn = work(id).turn;
  write(
      Side::destination, Committed(ledger_).revoke_intended(block),
      kusto::DropExtents{
          .db = destination_db(), .table = table_of(block).staging.name, .extents = std::move(ids)},
      block_step("revoke", block, 'i', block.ingest_attempt),
      [this, id, turn](Result<kusto::Answer> answer) {
        Block* at = this->block(id);
        if (!at || work(id).turn != turn) return;
        if (!answer) return read_move_again(*at, answer.error().message);
        settle_move(*at);
      });
}

void JobCore::read_move_again(Block& block, const std::string& seen) {
  const BlockId id = block.id;
  BlockWork& at = work(id);
  if (++at.move_reads >= limits_.move_reads_max) {
    at.move_reads = 0;
    const TableName table = block.table;
    const Problem problem{
        .code = "move.unknown",
        .detail = "the move of block " + std::to_string(id) + " of table '" + table.value +
                  "' could not be settled: " + seen,
        .fix = "run the job again: it reads both tables by the tag '" + block.tag + "' and goes on",
        .retryable = true};
    at.waiting = Waiting::nothing;
    at.unsettled = true;
    return fail_table(table, problem);
  }
  at.waiting = Waiting::timer;
  after(backoff(at.move_reads), in_turn(id, [this](Block& again) { settle_move(again); }));
}

void JobCore::mark_moved(Block& block) {
  const BlockId id = block.id;
  const TableName table = block.table;
  work(id).waiting = Waiting::answer;
  std::vector<Record> records;
  if (block.state != BlockState::moved)
    records.emplace_back(record::Moved{.block = id, .rows = block.rows});
  records.emplace_back(record::Verified{.block = id, .rows = block.rows});
  commit(std::move(records), [this, id, table] {
    BlockWork fresh;
    fresh.turn = work(id).turn + 1;
    blocks_[id] = std::move(fresh);
    advance(id);
    clean_folders();
    advance_table(table);
  });
}

}  // namespace kc::pipeline
