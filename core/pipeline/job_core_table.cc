// A table copy's own steps: its destination table, its staging generations, its end.
#include <algorithm>

#include "core/base/check.h"
#include "core/pipeline/committed.h"
#include "core/pipeline/job_core.h"
#include "core/plan/selection.h"

namespace kc::pipeline {

void JobCore::advance_table(const TableName& name) {
  const auto found = ledger_.tables.find(name);
  if (found == ledger_.tables.end() || ending_ || over_) return;
  TableCopy& table = found->second;
  if (stopping_ || table.state != TableState::running) return finish_table(name);
  if (!table.destination_ready) {
    if (destination_read_) prepare_destination(table);
    return;
  }
  if (!tables_[name].unstamped_checked && !table.plan_done) return check_unstamped(table);
  if (!table.plan_done) return plan(table);
  if (table.blocks_live == 0) finish_table(name);
}

// ---- The destination table: created or widened, refused if it holds rows that are not ours.
// Before the first block is moved none of its rows can be, so the check may be repeated until its
// fact is committed, and never after.

void JobCore::prepare_destination(TableCopy& table) {
  TableWork& at = tables_[table.name];
  if (at.preparing) return;
  at.preparing = true;
  const TableName name = table.name;
  const auto ready = [this, name] {
    tables_[name].failures = 0;
    commit({record::DestinationReady{name}}, [this, name] {
      tables_[name].preparing = false;
      advance_table(name);
    });
  };
  const auto again = [this, name] {
    tables_[name].preparing = false;
    advance_table(name);
  };
  const auto create = [this, name, ready, again] {
    const TableCopy& started = ledger_.tables.at(name);
    write(Side::destination, Committed(ledger_).table_started(name),
          kusto::CreateTable{.db = destination_db(), .table = name, .schema = started.schema},
          "create-table;" + ledger_.spec.id,
          [this, name, ready, again](Result<kusto::Answer> answer) {
            if (!answer)
              return table_call_failed(name, answer.error(), "schema.create_failed", again);
            ready();
          });
  };
  const auto there = destination_tables_.find(name);
  if (there == destination_tables_.end()) return create();
  const std::string conflict = plan::column_conflict(table.schema, there->second.schema);
  if (!conflict.empty()) {
    at.preparing = false;
    return fail_table(name, {.code = "preflight.schema_conflict",
                             .detail = "table '" + name.value + "': " + conflict,
                             .fix = "rename or drop the destination table",
                             .retryable = false});
  }
  const bool widen = plan::lacks_columns(table.schema, there->second.schema);
  read(Side::destination, kusto::ReadTableCount{.db = destination_db(), .table = name},
       "count;" + ledger_.spec.id,
       [this, name, widen, create, ready, again](Result<kusto::Answer> answer) {
         if (!answer)
           return table_call_failed(name, answer.error(), "destination.unreachable", again);
         const std::int64_t rows = std::get<kusto::RowCount>(*answer).rows;
         if (rows != 0) {
           tables_[name].preparing = false;
           return fail_table(
               name, {.code = "destination.not_empty",
                      .detail = "table '" + name.value + "' at the destination already holds " +
                                std::to_string(rows) + " rows that this job did not copy",
                      .fix = ".clear table ['" + name.value + "'] data",
                      .retryable = false});
         }
         widen ? create() : ready();
       });
}

// Rows without ingestion time are outside every cursor window: a table that holds any would be
// copied in part.
void JobCore::check_unstamped(TableCopy& table) {
  TableWork& at = tables_[table.name];
  if (at.preparing) return;
  at.preparing = true;
  const TableName name = table.name;
  read(
      Side::source, kusto::ReadUnstampedCount{.db = source_db(), .table = name},
      "count;" + ledger_.spec.id, [this, name](Result<kusto::Answer> answer) {
        tables_[name].preparing = false;
        if (!answer) {
          return table_call_failed(name, answer.error(), "source.unreachable",
                                   [this, name] { advance_table(name); });
        }
        tables_[name].failures = 0;
        const std::int64_t rows = std::get<kusto::RowCount>(*answer).rows;
        if (rows != 0) {
          return fail_table(
              name,
              {.code = "source.no_ingestion_time",
               .detail = std::to_string(rows) + " rows of table '" + name.value +
                         "' have no ingestion time and no cursor can address them",
               .fix = "re-ingest them with the ingestion time policy enabled, or exclude the table",
               .retryable = false});
        }
        tables_[name].unstamped_checked = true;
        advance_table(name);
      });
}

void JobCore::table_call_failed(const TableName& name, const Error& error, std::string_view code,
                                Then again) {
  TableWork& at = tables_[name];
  if (error.kind != ErrorKind::throttled) at.failures += 1;
  if (answer_is_permanent(error) || at.failures >= limits_.call_failures_max) {
    at.preparing = at.planning = at.staging_busy = false;
    const Problem problem = problem_of(error, code);
    // Blocks that wait for a staging table that cannot be made end with it: nobody else wakes them.
    std::set<BlockId> waiting;
    if (code.starts_with("staging.")) waiting = std::exchange(at.want_staging, {});
    if (waiting.empty()) return fail_table(name, problem);
    for (const BlockId id : waiting) fail_block(ledger_.blocks.at(id), problem);
    return;
  }
  after(backoff(std::max(1, at.failures)), std::move(again));
}

void JobCore::fail_table(const TableName& name, const Problem& problem) {
  const TableCopy& table = ledger_.tables.at(name);
  if (table.state == TableState::failed) return advance_table(name);
  commit({record::TableFailed{.table = name, .problem = problem}},
         [this, name, problem] { table_failed(name, problem); });
}

// Blocks that wait for a slot or a pause start nothing any more; those with a command under way
// settle.
void JobCore::table_failed(const TableName& name, const Problem& problem) {
  if (ledger_.spec.on_error == OnError::stop) return stop(problem);
  std::vector<BlockId> ids;
  for (const auto& [id, live] : ledger_.blocks) {
    if (live.table == name && live.state == BlockState::planned) ids.push_back(id);
  }
  for (const BlockId id : ids) interrupt(id);
  advance_all();
  plan_held_back();
}

// ---- Staging: one generation at a time, its name never used again; made when the first block
// needs it.

void JobCore::want_staging(Block& block) {
  TableCopy& table = table_of(block);
  TableWork& at = tables_[table.name];
  work(block.id).waiting = Waiting::answer;
  at.want_staging.insert(block.id);
  if (at.staging_busy) return;
  at.staging_busy = true;
  make_staging(table);
}

void JobCore::make_staging(TableCopy& table) {
  const TableName name = table.name;
  switch (table.staging.state) {
    case StagingState::ready:
      return staging_is_ready(name);
    case StagingState::intended:
      return create_staging(name);
    case StagingState::dropping:
      return drop_staging_now(name, [this, name] { make_staging(ledger_.tables.at(name)); });
    case StagingState::none:
    case StagingState::dropped: {
      const int generation = table.staging.generation + 1;
      commit({record::StagingIntended{.table = name,
                                      .generation = generation,
                                      .name = staging_name(ledger_.uid, name, generation)}},
             [this, name] { create_staging(name); });
      return;
    }
  }
}

// A create is sent only right after a commit: a writer that was taken over meanwhile is told so
// before it can make a table that nobody would drop.
void JobCore::create_staging_again(const TableName& name) {
  const Staging& staging = ledger_.tables.at(name).staging;
  commit({record::StagingIntended{
             .table = name, .generation = staging.generation, .name = staging.name}},
         [this, name] { create_staging(name); });
}

void JobCore::create_staging(const TableName& name) {
  const TableCopy& table = ledger_.tables.at(name);
  if (stopping_) return staging_is_ready(name);
  write(
      Side::destination, Committed(ledger_).staging_intended(name),
      kusto::CreateStaging{
          .db = destination_db(), .table = table.staging.name, .columns = table.schema.columns},
      "create-staging;" + ledger_.spec.id,
      [this, name](Result<kusto::Answer> answer) {
        if (answer) return set_staging_policies(name);
        if (answer.error().kind == ErrorKind::unavailable) {
          tables_[name].create_doubt_until = now_ + limits_.create_deadline;
        }
        table_call_failed(name, answer.error(), "staging.create_failed",
                          [this, name] { create_staging_again(name); });
      },
      {}, limits_.create_deadline);
}

void JobCore::set_staging_policies(const TableName& name) {
  const TableCopy& table = ledger_.tables.at(name);
  write(Side::destination, Committed(ledger_).staging_intended(name),
        kusto::SetStagingPolicies{.db = destination_db(),
                                  .table = table.staging.name,
                                  .auto_delete_at = now_ + limits_.staging_life,
                                  .queued = queues(table)},
        "staging-policies;" + ledger_.spec.id, [this, name](Result<kusto::Answer> answer) {
          if (answer) return read_staging_policies(name);
          // A table that was created a moment ago and is not there: created again, the intent still
          // stands.
          const Error& error = answer.error();
          const auto again = [this, name] { create_staging_again(name); };
          if (error.kind == ErrorKind::not_found) {
            return table_call_failed(
                name,
                Error{.kind = ErrorKind::unavailable, .code = error.code, .message = error.message},
                "staging.create_failed", again);
          }
          table_call_failed(name, error, "staging.policy_failed", again);
        });
}

void JobCore::read_staging_policies(const TableName& name) {
  const TableCopy& table = ledger_.tables.at(name);
  read(Side::destination,
       kusto::ReadStagingPolicies{
           .db = destination_db(), .table = table.staging.name, .queued = queues(table)},
       "staging-policies;" + ledger_.spec.id, [this, name](Result<kusto::Answer> answer) {
         const auto again = [this, name] { create_staging_again(name); };
         if (!answer) {
           Error error = answer.error();
           if (error.kind == ErrorKind::not_found) error.kind = ErrorKind::unavailable;
           return table_call_failed(name, error, "staging.policy_failed", again);
         }
         const auto& policies = std::get<kusto::StagingPolicies>(*answer);
         if (!policies.complete) {
           return table_call_failed(name,
                                    Error{.kind = ErrorKind::unavailable,
                                          .code = "staging.policy_failed",
                                          .message = "the staging table's policy '" +
                                                     policies.missing + "' is not as it was set"},
                                    "staging.policy_failed", again);
         }
         tables_[name].failures = 0;
         commit({record::StagingReady{.table = name,
                                      .generation = ledger_.tables.at(name).staging.generation,
                                      .create_doubt_until = tables_[name].create_doubt_until}},
                [this, name] { staging_is_ready(name); });
       });
}

void JobCore::staging_is_ready(const TableName& name) {
  TableWork& at = tables_[name];
  at.staging_busy = false;
  const std::set<BlockId> waiting = std::exchange(at.want_staging, {});
  for (const BlockId id : waiting) rest(id);
  if (stopping_) advance_table(name);
}

void JobCore::drop_staging(const TableName& name, Then then) {
  const TableCopy& table = ledger_.tables.at(name);
  if (table.staging.state == StagingState::dropping) return drop_staging_now(name, then);
  const std::optional<Ticks> doubt = table.staging.state == StagingState::ready
                                         ? table.staging.create_doubt_until
                                         : tables_[name].create_doubt_until;
  commit({record::StagingDropIntended{
             .table = name, .generation = table.staging.generation, .create_doubt_until = doubt}},
         [this, name, then = std::move(then)] { drop_staging_now(name, then); });
}

void JobCore::drop_staging_now(const TableName& name, const Then& then) {
  const TableCopy& table = ledger_.tables.at(name);
  write(Side::destination, Committed(ledger_).staging_drop_intended(name),
        kusto::DropTable{.db = destination_db(), .table = table.staging.name},
        "drop-staging;" + ledger_.spec.id, [this, name, then](Result<kusto::Answer> answer) {
          TableWork& at = tables_[name];
          if (!answer) {
            // Ending without the drop would leave the table behind: whoever runs the job next takes
            // it up here.
            trouble_ = problem_of(answer.error(), "staging.drop_failed");
            changed_ = true;
            if (++at.failures >= limits_.call_failures_max) return let_go(*trouble_);
            return after(backoff(at.failures),
                         [this, name, then] { drop_staging_now(name, then); });
          }
          at.failures = 0;
          if (trouble_ && trouble_->code == "staging.drop_failed") trouble_.reset();
          // A create that got no answer may land until its deadline: the drop counts only after
          // that.
          const auto& doubt = ledger_.tables.at(name).staging.create_doubt_until;
          if (doubt && now_ <= *doubt) {
            const Timespan left = *doubt - now_ + Timespan{1};
            return after(left, [this, name, then] { drop_staging_now(name, then); });
          }
          commit({record::StagingDropped{.table = name,
                                         .generation = ledger_.tables.at(name).staging.generation}},
                 then);
        });
}

// ---- The end of a table copy

// Nothing of the table is under way, and nothing will be by itself.
bool JobCore::table_is_quiet(const TableCopy& table) const {
  for (const auto& [id, block] : ledger_.blocks) {
    if (block.table != table.name) continue;
    if (waits(id)) return false;
    const bool at_rest = block.state == BlockState::planned || block.state == BlockState::failed ||
                         block.state == BlockState::verified || block.state == BlockState::moving;
    if (!at_rest && !stopping_) return false;
  }
  return true;
}

// A move whose outcome could not be read stays as it is: its rows may be in the staging table.
bool JobCore::in_doubt(const TableCopy& table) const {
  return std::any_of(ledger_.blocks.begin(), ledger_.blocks.end(), [&](const auto& entry) {
    return entry.second.table == table.name && entry.second.state == BlockState::moving;
  });
}

// Done, failed or stopped: what is left is to drop the staging table, and for a table without
// failures to say so.
void JobCore::finish_table(const TableName& name) {
  const TableCopy& table = ledger_.tables.at(name);
  TableWork& at = tables_[name];
  if (at.finishing || at.staging_busy || !table_is_quiet(table)) return;
  const auto finished = [this, name] {
    const TableCopy& dropped = ledger_.tables.at(name);
    const bool done =
        dropped.state == TableState::running && dropped.plan_done && dropped.blocks_live == 0;
    if (!done) {
      tables_[name].finishing = false;
      return;
    }
    commit({record::TableDone{name}}, [this, name] { tables_[name].finishing = false; });
  };
  const bool nothing_to_do =
      !table.staging.may_exist() && (stopping_ || table.state != TableState::running);
  if (nothing_to_do || in_doubt(table)) return;
  at.finishing = true;
  table.staging.may_exist() ? drop_staging(name, finished) : finished();
}

}  // namespace kc::pipeline
