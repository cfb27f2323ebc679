// What must hold, always: the promises of the copy protocol, read off the lake's files and the
// clusters themselves.
#include <algorithm>

#include "core/base/check.h"
#include "core/checkpoint/journal_file.h"
#include "tests/sim/world.h"
#include "tests/sim/world_process.h"

namespace kc::sim {
namespace {

std::string describe(const std::vector<Row>& rows) {
  std::string out;
  for (const Row row : rows) out += (out.empty() ? "" : ",") + std::to_string(row.value);
  return "{" + out + "}";
}

// `part` is contained in `whole`, each row as often; both sorted.
bool contained(const std::vector<Row>& part, const std::vector<Row>& whole) {
  return std::includes(whole.begin(), whole.end(), part.begin(), part.end());
}

}  // namespace

std::string_view to_string(Check check) {
  switch (check) {
    case Check::rows_exact:
      return "rows_exact";
    case Check::rows_explained:
      return "rows_explained";
    case Check::fenced:
      return "fenced";
    case Check::edges:
      return "edges";
    case Check::nothing_left:
      return "nothing_left";
    case Check::ends:
      return "ends";
  }
  KC_UNREACHABLE();
}

void World::broken(Check check, std::string detail) {
  if (!verdict_.held || !wants(check)) return;
  verdict_.held = false;
  verdict_.broken = check;
  verdict_.detail = std::move(detail);
}

std::string World::snapshot_covering(std::uint64_t seq) {
  const auto files = lake_.list("checkpoint/snapshot-");
  KC_ASSERT(files.has_value());
  return files->empty() || files->back().name < snapshot_name(seq) ? std::string{}
                                                                   : files->back().name;
}

// Every journal file that came into being, once, in the order of its number: what the job's truth
// is.
void World::witness(const std::string& name, const std::string& bytes) {
  if (!name.starts_with("checkpoint/0")) return;
  const auto file = decode_file(name, bytes);
  if (!file) return broken(Check::edges, file.error().message);
  // A create that was told to nobody may land after its retry was committed, folded into a snapshot
  // and swept. No reader looks below the newest snapshot.
  const std::string newest = snapshot_covering(file->header.seq);
  if (file->header.seq <= truth_seq_ && !newest.empty()) return;
  if (file->header.seq != truth_seq_ + 1) {
    return broken(Check::fenced, "file " + std::to_string(file->header.seq) +
                                     " was created after file " + std::to_string(truth_seq_));
  }
  truth_seq_ = file->header.seq;
  for (const Record& record : file->records) {
    const auto applied = truth_.apply(record);
    if (!applied) {
      if (wants(Check::edges)) return broken(Check::edges, applied.error().message);
      continue;
    }
    if (const auto* move = std::get_if<record::MoveIntended>(&record))
      moves_intended_.insert(move->block);
  }
}

// An effect with consequences rests on an intent in the lake. A writer that has been taken over and
// cannot know it yet acts on what was true for it: for such a one only the rows can judge.
void World::check_effect(const Process& process, const kusto::Write& write) {
  if (!wants(Check::rows_explained)) return;
  const Ledger& own = ledger_of(process);
  if (own.epoch != truth_.epoch) return;
  if (const auto* start = std::get_if<kusto::StartExport>(&write)) {
    const bool known =
        std::any_of(truth_.folders.begin(), truth_.folders.end(),
                    [&](const auto& entry) { return entry.second.folder == start->folder_uri; });
    if (!known)
      broken(Check::rows_explained, "an export into a folder that the journal does not know");
  }
  const auto* queued = std::get_if<kusto::StartQueuedIngest>(&write);
  const auto* start = queued != nullptr ? &queued->ingest : std::get_if<kusto::StartIngest>(&write);
  if (start != nullptr) {
    const bool known =
        std::any_of(truth_.blocks.begin(), truth_.blocks.end(), [&](const auto& entry) {
          return entry.second.tag == start->tag && entry.second.state == BlockState::ingesting;
        });
    if (!known)
      broken(Check::rows_explained, "an ingestion under a tag that the journal does not know");
  }
}

// Nothing twice at any time; nothing missing at the end.
void World::check_rows(bool at_end) {
  if (!wants(Check::rows_exact) || truth_.to.empty() || !verdict_.held) return;
  for (const auto& [name, table] : truth_.tables) {
    const std::vector<Row> there = destination_.rows_of(kDb, name.value);
    const std::vector<Row>& wanted = expected(name.value);
    if (!contained(there, wanted)) {
      return broken(Check::rows_exact, "table " + name.value + " holds " + describe(there) +
                                           ", more than " + describe(wanted));
    }
    if (!at_end || truth_.state != JobState::succeeded) continue;
    std::vector<Row> least = wanted;
    if (options_.retention) {
      std::vector<Row> retired = retired_[name.value];
      std::sort(retired.begin(), retired.end());
      least.clear();
      std::set_difference(wanted.begin(), wanted.end(), retired.begin(), retired.end(),
                          std::back_inserter(least));
    }
    if (!contained(least, there)) {
      return broken(Check::rows_exact, "table " + name.value + " holds " + describe(there) +
                                           ", less than " + describe(least));
    }
  }
}

// A row that can be seen at the destination has a committed intent to move it.
void World::check_explained() {
  if (!wants(Check::rows_explained) || !verdict_.held) return;
  for (const auto& [name, table] : truth_.tables) {
    auto answer = destination_.run(
        kusto::Read{kusto::ReadExtents{.db = {kDb}, .tables = {name}, .tag = {}}}, {});
    if (!answer) continue;
    for (const auto& extent : std::get<kusto::ExtentList>(*answer).extents) {
      for (const std::string& tag : extent.tags) {
        if (!tag.starts_with(tag_prefix(uid_))) continue;
        const std::size_t end = tag.rfind("/i");
        const std::size_t begin = tag.rfind('/', end - 1) + 1;
        const BlockId block = std::stoll(tag.substr(begin, end - begin));
        if (!moves_intended_.contains(block)) {
          return broken(Check::rows_explained, "rows of block " + std::to_string(block) +
                                                   " are visible without an intent");
        }
      }
    }
  }
}

void World::check_end() {
  check_rows(true);
  check_explained();
  if (!wants(Check::nothing_left) || !verdict_.held || !is_terminal(truth_.state)) return;
  const bool doubtful =
      std::any_of(truth_.blocks.begin(), truth_.blocks.end(),
                  [](const auto& entry) { return entry.second.state == BlockState::moving; });
  if (doubtful) return;  // move.unknown: left for a later run, and said so
  if (const auto left = destination_.tables(kDb, "kc-stg-"); !left.empty()) {
    return broken(Check::nothing_left, "staging table " + left.front() + " was left behind");
  }
  if (const auto left = destination_.tags(kDb, tag_prefix(uid_)); !left.empty()) {
    return broken(Check::nothing_left, "tag " + left.front() + " was left behind");
  }
  if (const auto left = blobs_.list("data/"); !left.empty()) {
    return broken(Check::nothing_left, "blob " + left.front() + " was left behind");
  }
}

WorldOptions draw_options(std::uint64_t seed) {
  Rng rng(seed);
  WorldOptions options;
  options.seed = seed;
  // Whole classes of faults on or off: a schedule with one kind of trouble finds what a mixture
  // hides.
  const auto odds = [&](double share, double most) {
    return rng.chance(share) ? rng.unit() * most : 0.0;
  };
  options.odds.request_lost = odds(0.5, 0.1);
  options.odds.answer_lost = odds(0.6, 0.15);
  options.odds.applied_late = odds(0.5, 0.15);
  options.odds.throttled = odds(0.2, 0.1);
  options.odds.partly = odds(0.5, 0.5);
  options.odds.ending_bad = odds(0.6, 0.4);
  options.odds.crash = odds(0.7, 0.03);
  options.odds.merge = odds(0.5, 0.5);
  options.odds.lake = {
      .fail_before = odds(0.3, 0.1), .fail_after = odds(0.4, 0.1), .fail_late = odds(0.4, 0.1)};
  options.tables = static_cast<int>(rng.between(1, 3));
  options.rows_max = static_cast<int>(rng.between(0, 60));
  options.extents_max = static_cast<int>(rng.between(1, 8));
  options.repeated_rows = rng.chance(0.2);
  options.block_rows_max = rng.between(3, 30);
  options.plan_groups_max = rng.between(1, 8);
  options.slots = static_cast<int>(rng.between(1, 4));
  options.closes_folders = rng.chance(0.6);
  options.second_writer = rng.chance(0.25);
  options.cancel = rng.chance(0.15);
  options.retention = rng.chance(0.15);
  options.new_rows = rng.chance(0.7);
  options.clock_steps = rng.chance(0.2);
  options.compact_every = rng.chance(0.5) ? static_cast<int>(rng.between(1, 12)) : 0;
  options.max_failures = rng.chance(0.3) ? 2 : 30;
  options.queues = rng.chance(0.7);
  options.ingest = options.queues && rng.chance(0.3) ? IngestChoice::queued
                   : rng.chance(0.7)                 ? IngestChoice::auto_
                                                     : IngestChoice::direct;
  options.resumes = rng.chance(0.7) ? 2 : 0;
  options.on_error = rng.chance(0.3) ? OnError::stop : OnError::continue_;
  return options;
}

}  // namespace kc::sim
