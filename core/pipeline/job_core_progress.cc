// What the job says of itself: one document, made after each commit from the ledger's counters.
#include <algorithm>
#include <array>

#include "core/base/check.h"
#include "core/pipeline/job_core.h"

namespace kc::pipeline {
namespace {

struct Stage {
  const char* name;
  BlockState state;
  BlockState under_way;  // blocks in this state are on their way to the stage
};
constexpr std::array<Stage, 5> kStages{{{"planned", BlockState::planned, BlockState::superseded},
                                        {"exported", BlockState::exported, BlockState::exporting},
                                        {"staged", BlockState::staged, BlockState::ingesting},
                                        {"moved", BlockState::moved, BlockState::moving},
                                        {"verified", BlockState::verified, BlockState::moved}}};

std::string plural(std::int64_t count, const std::string& word) {
  return std::to_string(count) + " " + word + (count == 1 ? "" : "s");
}

// The stage that holds a table back: the first one that not all of its planned blocks have reached.
std::string slowest_stage(const TableCopy& table) {
  if (table.state != TableState::running) return {};
  for (const Stage& stage : kStages) {
    if (table.reached(stage.state).blocks < table.blocks_planned) return stage.name;
  }
  return table.plan_done ? "verified" : "planned";
}

TableProgress table_progress(const TableCopy& table) {
  TableProgress out;
  out.name = table.name.value;
  out.state = table.state;
  out.stage = slowest_stage(table);
  out.rows_done = table.reached(BlockState::moved).rows;
  if (table.plan_done || table.rows_estimate > 0) out.rows_total = table.rows_total();
  if (table.state == TableState::done) {
    out.percent = 100;
  } else if (out.rows_total && *out.rows_total > 0) {
    out.percent = std::min(
        99.9, 100.0 * static_cast<double>(out.rows_done) / static_cast<double>(*out.rows_total));
  }
  out.problem = table.problem;
  return out;
}

}  // namespace

void JobCore::publish() {
  changed_ = false;
  revision_ += 1;
  emit(Publish{progress()});
}

Progress JobCore::progress() const {
  Progress out;
  out.job = ledger_.spec.id;
  out.revision = revision_;
  out.as_of = now_;
  out.state = ledger_.state;
  const bool finalizing = stopping_ || ending_ || waits_for_exports();
  out.phase = ledger_.iteration == 0                             ? JobPhase::preflight
              : finalizing                                       ? JobPhase::finalizing
              : destination_busy_                                ? JobPhase::schema
              : ledger_.blocks.empty() && ledger_.plans_open > 0 ? JobPhase::planning
                                                                 : JobPhase::backfill;
  out.status_reason = status_reason();
  out.percent = ledger_.percent();
  out.totals_final = ledger_.totals_final();
  out.tables_total = static_cast<std::int64_t>(ledger_.tables.size());
  out.lake_bytes = ledger_.lake_bytes;
  out.retried = ledger_.retried;
  std::array<StateCount, kStages.size()> reached{};
  std::int64_t bytes_total = 0, blocks_total = 0;
  for (const auto& [name, table] : ledger_.tables) {
    for (std::size_t i = 0; i < kStages.size(); ++i) {
      const StateCount count = table.reached(kStages[i].state);
      reached[i].blocks += count.blocks;
      reached[i].rows += count.rows;
    }
    bytes_total += table.bytes_estimate;
    blocks_total += table.blocks_planned;
    out.tables_done += table.state == TableState::done ? 1 : 0;
    if (table.problem) out.problems.push_back(*table.problem);
    if (out.tables.size() < kProgressTablesMax) {
      out.tables.push_back(table_progress(table));
    } else {
      out.tables_truncated = true;
    }
  }
  std::array<std::int64_t, kBlockStates> by_state{};
  for (const auto& [id, block] : ledger_.blocks)
    by_state[static_cast<std::size_t>(block.state)] += 1;
  for (std::size_t i = 0; i < kStages.size(); ++i) {
    out.stages.push_back({.name = kStages[i].name,
                          .blocks = reached[i].blocks,
                          .rows = reached[i].rows,
                          .in_flight = by_state[static_cast<std::size_t>(kStages[i].under_way)]});
  }
  out.rows_done = reached[3].rows;
  out.blocks_done = reached[3].blocks;
  if (ledger_.iteration > 0) {
    out.rows_total = ledger_.rows_total;
    out.bytes_total = bytes_total;
    if (out.totals_final) out.blocks_total = blocks_total;
  }
  if (const Problem* now = trouble()) out.problems.push_back(*now);
  if (abandoned_) out.problems.push_back(*abandoned_);
  if (ledger_.problem && out.problems.empty()) out.problems.push_back(*ledger_.problem);
  const Ticks end = ledger_.ended_at.value_or(now_);
  out.elapsed_seconds = std::max(0.0, (end - ledger_.created_at).to_seconds());
  const double here = started_at_ ? (now_ - *started_at_).to_seconds() : 0;
  const std::int64_t rows_here = out.rows_done - rows_done_at_start_;
  if (here > 0 && rows_here > 0)
    out.rows_per_second_average = static_cast<double>(rows_here) / here;
  // An estimate needs a whole to measure against, and work that is going on. It goes by the work
  // done, not by the rows: these arrive in bursts, long after the work on them began.
  const double percent_here = out.percent.value_or(0) - percent_at_start_;
  if (here > 0 && percent_here > 0 && out.totals_final && !is_terminal(out.state) && !trouble() &&
      !finalizing) {
    out.eta_seconds = (100 - *out.percent) * here / percent_here;
  }
  out.last_advance_at = last_advance_;
  return out;
}

// What the job waits for right now because something failed: the job's own, or a cluster that does
// not answer, or else a block's. Null while all goes well.
const Problem* JobCore::trouble() const {
  if (trouble_) return &*trouble_;
  if (!silent_.empty()) return &silent_.begin()->second;
  for (const auto& [id, block] : ledger_.blocks) {
    const auto at = blocks_.find(id);
    if (block.problem && block.state != BlockState::failed && at != blocks_.end() &&
        at->second.waiting == Waiting::timer)
      return &*block.problem;
  }
  return nullptr;
}

// Whether folders in doubt are all that is left to do.
bool JobCore::waits_for_exports() const {
  return !doubts_.empty() && ledger_.plans_open == 0 &&
         std::none_of(ledger_.blocks.begin(), ledger_.blocks.end(),
                      [this](const auto& entry) { return waits(entry.first); });
}

std::string JobCore::status_reason() const {
  if (abandoned_) return "Stopped here: " + abandoned_->detail;
  switch (ledger_.state) {
    case JobState::succeeded:
      return "Copied " + plural(ledger_.rows_total, "row") + " of " +
             plural(static_cast<std::int64_t>(ledger_.tables.size()), "table");
    case JobState::failed:
      return ledger_.problem ? "Failed: " + ledger_.problem->detail : "Failed";
    case JobState::canceled:
      return "Cancelled";
    default:
      break;
  }
  if (const Problem* now = trouble()) return "Trying again: " + now->detail;
  if (waits_for_exports())
    return "Waiting until " + plural(std::ssize(doubts_), "export") +
           " left behind can write no more, to remove what is there";
  if (ledger_.state == JobState::canceling)
    return "Settling what is under way and cleaning up before the cancellation";
  if (stopping_) return "Settling what is under way after an error";
  if (ledger_.iteration == 0)
    return "Reading the source's tables and the cursor that bounds the copy";
  if (destination_busy_) return "Reading the destination's tables";
  if (ledger_.blocks.empty() && ledger_.plans_open > 0)
    return "Planning the blocks of " + plural(ledger_.plans_open, "table");
  const auto done =
      std::count_if(ledger_.tables.begin(), ledger_.tables.end(),
                    [](const auto& entry) { return entry.second.state == TableState::done; });
  return "Copying: " + std::to_string(done) + " of " +
         plural(static_cast<std::int64_t>(ledger_.tables.size()), "table") + " done";
}

}  // namespace kc::pipeline
