#include "core/store/mirror.h"

#include <variant>

#include "core/base/redact.h"

namespace kc::store {

namespace {

bool begins_a_log(const std::vector<Record>& records) {
  return !records.empty() && (std::holds_alternative<record::JobCreated>(records.front()) ||
                              std::holds_alternative<record::SnapshotJob>(records.front()));
}

bool is_snapshot(const std::vector<Record>& records) {
  return std::holds_alternative<record::SnapshotJob>(records.front());
}

Result<void> write_table(Connection& connection, const std::string& job, const TableCopy& table) {
  const auto& problem = table.problem;
  return connection
      .query(
          "insert or replace into mirror_table (job, name, state, format, plan_done, rows_planned, "
          "blocks_planned,"
          " rows_finished, blocks_finished, blocks_live, blocks_failed, problem_code, "
          "problem_detail)"
          " values (?,?,?,?,?,?,?,?,?,?,?,?,?)")
      .bind(job)
      .bind(table.name.value)
      .bind(to_string(table.state))
      .bind(to_string(table.format))
      .bind(table.plan_done ? 1 : 0)
      .bind(table.rows_planned)
      .bind(table.blocks_planned)
      .bind(table.rows_finished)
      .bind(table.blocks_finished)
      .bind(table.blocks_live)
      .bind(table.blocks_failed)
      .bind(problem ? std::optional(problem->code) : std::nullopt)
      .bind(problem ? std::optional(redact(problem->detail)) : std::nullopt)
      .done();
}

Result<void> write_block(Connection& connection, const std::string& job, const Block& block) {
  const auto& problem = block.problem;
  return connection
      .query(
          "insert or replace into mirror_block (job, id, table_name, iteration, state, rows, "
          "export_attempt,"
          " ingest_attempt, failures, problem_code, problem_detail) values (?,?,?,?,?,?,?,?,?,?,?)")
      .bind(job)
      .bind(block.id)
      .bind(block.table.value)
      .bind(block.iteration)
      .bind(to_string(block.state))
      .bind(block.rows)
      .bind(block.export_attempt)
      .bind(block.ingest_attempt)
      .bind(block.failures)
      .bind(problem ? std::optional(problem->code) : std::nullopt)
      .bind(problem ? std::optional(redact(problem->detail)) : std::nullopt)
      .done();
}

// The position and the counters, which are kept by the fold and never counted over blocks.
Result<void> write_position(Connection& connection, const std::string& job, const Ledger& ledger,
                            std::uint64_t seq) {
  std::int64_t done = 0, rows = 0, blocks = 0;
  for (const auto& [name, table] : ledger.tables) {
    done += table.state == TableState::done ? 1 : 0;
    const auto moved = table.reached(BlockState::moved);
    rows += moved.rows;
    blocks += moved.blocks;
  }
  return connection
      .query(
          "insert into mirror_job (job, seq, epoch, iteration, state, tables, tables_done, "
          "rows_done, blocks_done,"
          " retried, lake_bytes) values (?,?,?,?,?,?,?,?,?,?,?)"
          " on conflict (job) do update set seq = excluded.seq, epoch = excluded.epoch, iteration "
          "= excluded.iteration,"
          " state = excluded.state, tables = excluded.tables, tables_done = excluded.tables_done,"
          " rows_done = excluded.rows_done, blocks_done = excluded.blocks_done, retried = "
          "excluded.retried,"
          " lake_bytes = excluded.lake_bytes")
      .bind(job)
      .bind(seq)
      .bind(ledger.epoch)
      .bind(ledger.iteration)
      .bind(to_string(ledger.state))
      .bind(ledger.tables.size())
      .bind(done)
      .bind(rows)
      .bind(blocks)
      .bind(ledger.retried)
      .bind(ledger.lake_bytes)
      .done();
}

Result<void> drop_rows(Connection& connection, const std::string& job) {
  return connection.query("delete from mirror_job where job = ?")
      .bind(job)
      .done();  // the others go with it
}

}  // namespace

Mirror::Touched Mirror::touched_by(const Ledger& before, const std::vector<Record>& records) {
  Touched touched;
  const auto block = [&](BlockId id) {
    touched.blocks.insert(id);
    if (const auto at = before.blocks.find(id); at != before.blocks.end())
      touched.tables.insert(at->second.table);
  };
  for (const auto& each : records) {
    std::visit(
        [&](const auto& r) {
          if constexpr (requires { touched.tables.insert(r.table); })
            touched.tables.insert(r.table);
          if constexpr (requires { block(r.block); }) block(r.block);
          if constexpr (requires { r.blocks.size(); }) {
            for (const auto id : r.blocks) block(id);
          }
        },
        each);
  }
  return touched;
}

Result<void> Mirror::apply(Connection& connection, const std::string& job, std::uint64_t seq,
                           const std::vector<Record>& records) {
  auto known = jobs_.find(job);
  if (known != jobs_.end() && seq <= known->second.seq && !begins_a_log(records)) return {};
  if (begins_a_log(records)) {
    known = jobs_.insert_or_assign(job, Folded{}).first;
  } else if (known == jobs_.end() || seq != known->second.seq + 1) {
    return fail(ErrorKind::conflict, "store.replay_needed",
                "the mirror of job '" + job + "' cannot take journal file " + std::to_string(seq) +
                    " before the files in front of it");
  }
  Ledger& ledger = known->second.ledger;
  const auto touched = touched_by(ledger, records);
  auto stored = std::move(connection.query("select seq from mirror_job where job = ?").bind(job));
  const auto written = [&]() -> Result<void> {
    for (const auto& each : records) KC_CHECK_OK(ledger.apply(each));
    known->second.seq = seq;
    KC_TRY(const bool found, stored.next());
    const auto position = found ? static_cast<std::uint64_t>(stored.integer(0)) : 0;
    if (seq <= position) return {};  // a replay of what is mirrored already
    const bool whole = is_snapshot(records) || seq != position + 1;
    if (whole) KC_CHECK_OK(drop_rows(connection, job));
    KC_CHECK_OK(write_position(connection, job, ledger, seq));
    for (const auto& [name, table] : ledger.tables) {
      if (whole || touched.tables.contains(name)) KC_CHECK_OK(write_table(connection, job, table));
    }
    if (whole) {
      for (const auto& [id, block] : ledger.blocks)
        KC_CHECK_OK(write_block(connection, job, block));
      return {};
    }
    for (const auto id : touched.blocks) {
      if (const auto at = ledger.blocks.find(id); at != ledger.blocks.end()) {
        KC_CHECK_OK(write_block(connection, job, at->second));
      } else {  // finished: folded into its table's sums
        KC_CHECK_OK(connection.query("delete from mirror_block where job = ? and id = ?")
                        .bind(job)
                        .bind(id)
                        .done());
      }
    }
    return {};
  };
  auto result = connection.transaction(written);
  // The fold is then ahead of the tables, or broken: the next file must come with its replay.
  if (!result) jobs_.erase(job);
  return result;
}

Result<void> Mirror::forget(Connection& connection, const std::string& job) {
  jobs_.erase(job);
  return connection.transaction([&] { return drop_rows(connection, job); });
}

}  // namespace kc::store
