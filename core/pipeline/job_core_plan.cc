// Planning: cuts a table's window into blocks, resumed at the last bound and never repeated.
#include <utility>

#include "core/base/check.h"
#include "core/pipeline/job_core.h"
#include "core/plan/cut.h"

namespace kc::pipeline {
namespace {

// The records of a cut. The ids are given here and the records are committed in this order, so the
// fold sees them in turn.
std::vector<Record> records_of(const TableName& table,
                               const std::vector<plan::PlannedBlock>& blocks, BlockId& next_block) {
  std::vector<Record> records;
  records.reserve(blocks.size() + 1);
  for (const auto& block : blocks) {
    records.emplace_back(record::Planned{.block = ++next_block,
                                         .table = table,
                                         .range = block.range,
                                         .rows = block.rows,
                                         .covers = block.covers});
  }
  return records;
}

kusto::RowSet rest_of(const TableCopy& table, std::optional<Ticks> low, std::optional<Ticks> high) {
  return {.table = table.name,
          .after = table.from,
          .before_or_at = table.to,
          .low = low,
          .high = high,
          .slice = {},
          .hash_columns = table.schema.columns};
}

}  // namespace

void JobCore::plan(TableCopy& table) {
  TableWork& at = tables_[table.name];
  if (at.planning) return;
  // Blocks of a failed table stay for a retry: they are not ahead of any work.
  std::int64_t ahead = 0;
  for (const auto& [name, other] : ledger_.tables)
    ahead += other.state == TableState::running ? other.blocks_live : 0;
  if (ahead >= limits_.planned_ahead_max) {
    plans_held_back_.insert(table.name);
    return;
  }
  at.planning = true;
  const TableName name = table.name;
  read(Side::source,
       kusto::ReadPlanGroups{.db = source_db(),
                             .rows = rest_of(table, table.covered_to, std::nullopt),
                             .groups_max = limits_.plan_groups_max},
       "plan;" + ledger_.spec.id, [this, name](Result<kusto::Answer> answer) {
         if (!answer) return plan_failed(name, answer.error());
         planned(name, std::get<kusto::PlanGroups>(*answer));
       });
}

// Blocks were finished: there may be room for those that had to wait for it.
void JobCore::plan_held_back() {
  for (const TableName& name : std::exchange(plans_held_back_, {})) advance_table(name);
}

void JobCore::planned(const TableName& name, const kusto::PlanGroups& groups) {
  TableCopy& table = ledger_.tables.at(name);
  tables_[name].failures = 0;
  const bool complete = static_cast<std::int64_t>(groups.groups.size()) < limits_.plan_groups_max;
  const std::int64_t rows_max =
      plan::rows_max(ledger_.spec, table.rows_estimate, table.bytes_estimate);
  plan::Cut cut = plan::cut(table.covered_to, groups.groups, complete, rows_max);
  std::vector<Record> records = records_of(name, cut.blocks, next_block_);
  if (cut.done) records.emplace_back(record::PlanDone{name});
  const auto go_on = [this, name, crowd = cut.crowd] {
    if (crowd && !stopping_) return plan_crowd(name, crowd->range, crowd->slices);
    tables_[name].planning = false;
    advance_all();
  };
  if (records.empty()) return go_on();
  commit(std::move(records), [this, go_on] {
    go_on();
    advance_all();
  });
}

void JobCore::plan_crowd(const TableName& name, const BlockRange& range, std::int64_t slices) {
  const TableCopy& table = ledger_.tables.at(name);
  read(Side::source,
       kusto::ReadPlanSlices{
           .db = source_db(), .rows = rest_of(table, range.low, range.high), .slices = slices},
       "plan;" + ledger_.spec.id, [this, name, range](Result<kusto::Answer> answer) {
         if (!answer) return plan_failed(name, answer.error());
         const auto blocks = plan::cut_crowd(range, std::get<kusto::PlanSlices>(*answer).rows);
         std::vector<Record> records = records_of(name, blocks, next_block_);
         // The crowd reaches +inf: nothing lies behind it.
         if (!range.high) records.emplace_back(record::PlanDone{name});
         const auto go_on = [this, name] {
           tables_[name].planning = false;
           advance_all();
         };
         records.empty() ? go_on() : commit(std::move(records), go_on);
       });
}

void JobCore::plan_failed(const TableName& name, const Error& error) {
  table_call_failed(name, error, "plan.failed", [this, name] {
    tables_[name].planning = false;
    advance_table(name);
  });
}

// What a block is: nothing but this says which rows are its own.
kusto::RowSet JobCore::row_set(const Block& block) {
  const TableCopy& table = table_of(block);
  return {.table = block.table,
          .after = table.from,
          .before_or_at = table.to,
          .low = block.range.low,
          .high = block.range.high,
          .slice = block.range.slice,
          .hash_columns = table.schema.columns};
}

}  // namespace kc::pipeline
