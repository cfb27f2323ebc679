#include "core/model/ledger.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "core/base/rng.h"
#include "core/checkpoint/record_codec.h"

namespace kc {
namespace {

const TableName kTable{"T"};
const Problem kProblem{.code = "x.y", .detail = "why", .fix = {}, .retryable = true};

std::string bytes_of(const Ledger& ledger) {
  std::string text;
  for (const Record& record : ledger.snapshot()) text += encode_record(record) + "\n";
  return text;
}

Uuid uuid(int n) {
  Uuid id;
  id.bytes[15] = static_cast<std::uint8_t>(n);
  return id;
}

record::TableStarted table_started(const TableName& table = kTable, std::int64_t estimate = 100) {
  return {.table = table,
          .source_id = uuid(1),
          .schema_version = 1,
          .schema = {.columns = {{"a", ScalarType::long_}}, .folder = {}, .docstring = {}},
          .format = ExportFormat::csv,
          .from = {},
          .to = {"9"},
          .rows_estimate = estimate,
          .bytes_estimate = 1000};
}

record::Planned planned(BlockId block, std::optional<Ticks> low, std::optional<Ticks> high,
                        std::int64_t rows = 10) {
  return {.block = block,
          .table = kTable,
          .range = {.low = low, .high = high, .slice = {}},
          .rows = rows,
          .covers = true};
}

record::JobEnded ended(JobState state) { return {.state = state, .problem = {}, .at = Ticks{9}}; }

// The life of one block of ten rows, from the job's first record to its last.
std::vector<Record> life() {
  const std::vector<StagedExtent> extents{{uuid(5), 10}};
  return {record::JobCreated{.spec = {}, .uid = uuid(9), .at = Ticks{1}},
          record::Takeover{.epoch = 1, .writer = uuid(2), .at = Ticks{1}},
          record::IterationStarted{.iteration = 1, .to = {"9"}, .at = Ticks{2}},
          table_started(),
          record::DestinationReady{kTable},
          planned(1, {}, {}),
          record::PlanDone{kTable},
          record::ExportIntended{
              .block = 1, .attempt = 1, .folder = "data/1/1/e1", .grant_expiry = Ticks{99}},
          record::ExportStarted{.block = 1, .attempt = 1, .operation = uuid(6)},
          record::Exported{.block = 1, .attempt = 1, .blobs = {{"p", 10, 80}}, .rows = 10},
          record::StagingIntended{.table = kTable, .generation = 1, .name = {"kc-stg"}},
          record::StagingReady{.table = kTable, .generation = 1},
          record::IngestIntended{.block = 1, .attempt = 1, .tag = "t"},
          record::IngestStarted{.block = 1, .attempt = 1, .operation = uuid(7)},
          record::Staged{.block = 1, .attempt = 1, .extents = extents, .rows = 10},
          record::MoveIntended{.block = 1, .extents = extents, .rows = 10},
          record::MoveStarted{.block = 1, .operation = uuid(8)},
          record::Moved{.block = 1, .rows = 10},
          record::Verified{.block = 1, .rows = 10},
          record::FolderClosed{.block = 1, .attempt = 1},
          record::TagsDropped{{1}},
          record::StagingDropIntended{.table = kTable, .generation = 1},
          record::StagingDropped{.table = kTable, .generation = 1},
          record::TableDone{kTable},
          ended(JobState::succeeded)};
}

// The ledger just after the first record of the type.
Ledger after(std::string_view type) {
  Ledger ledger;
  for (const Record& record : life()) {
    EXPECT_TRUE(ledger.apply(record).has_value()) << type_word(record);
    if (type_word(record) == type) return ledger;
  }
  ADD_FAILURE() << "no " << type;
  return ledger;
}

void refuses(std::string_view after_type, const Record& record) {
  Ledger ledger = after(after_type);
  const std::string before = bytes_of(ledger);
  const auto percent = ledger.percent();
  const auto applied = ledger.apply(record);
  ASSERT_FALSE(applied.has_value()) << encode_record(record) << " after " << after_type;
  EXPECT_EQ(applied.error().kind, ErrorKind::corrupt);
  EXPECT_EQ(applied.error().code, "checkpoint.corrupt");
  EXPECT_EQ(bytes_of(ledger), before);
  EXPECT_EQ(ledger.percent(), percent);
}

void accepts(std::string_view after_type, const Record& record) {
  Ledger ledger = after(after_type);
  const auto applied = ledger.apply(record);
  EXPECT_TRUE(applied.has_value()) << applied.error().message;
}

TEST(Ledger, LivesThroughTheWholeLifeOfABlock) {
  Ledger ledger;
  double percent = 0;
  for (const Record& record : life()) {
    ASSERT_TRUE(ledger.apply(record).has_value()) << type_word(record);
    const double now = ledger.percent().value_or(0);
    EXPECT_GE(now, percent);
    EXPECT_EQ(now == 100, ledger.state == JobState::succeeded);
    percent = now;
  }
  EXPECT_TRUE(ledger.blocks.empty());
  EXPECT_TRUE(ledger.folders.empty());
  EXPECT_EQ(ledger.tables.at(kTable).blocks_finished, 1);
  EXPECT_EQ(ledger.tables.at(kTable).rows_finished, 10);
  EXPECT_EQ(ledger.tables.at(kTable).blocks_live, 0);
  EXPECT_EQ(ledger.lake_bytes, 80);
}

TEST(Ledger, EveryRecordNeedsAJobFirst) {
  for (const Record& record : life()) {
    if (record.index() <= 1) continue;
    Ledger empty;
    EXPECT_FALSE(empty.apply(record).has_value()) << type_word(record);
    EXPECT_FALSE(empty.created);
  }
}

TEST(Ledger, NoRecordOfALifeMayBeLeftOutOrComeTwice) {
  // Records that add what later ones do not rest on, or that may be repeated.
  const std::set<std::string_view> optional{
      "takeover",        "destination_ready", "export_started",
      "ingest_started",  "move_started",      "staging_drop_intended",
      "staging_dropped", "table_done",        "exported"};
  const auto records = life();
  for (std::size_t skipped = 0; skipped < records.size() - 1; ++skipped) {
    if (optional.contains(type_word(records[skipped]))) continue;
    Ledger ledger;
    bool refused = false;
    for (std::size_t i = 0; i < records.size(); ++i) {
      if (i != skipped) refused |= !ledger.apply(records[i]).has_value();
    }
    EXPECT_TRUE(refused || ledger.folders.size() + ledger.blocks.size() > 0)
        << type_word(records[skipped]);
  }
}

TEST(Ledger, RefusesWhatCannotFollow) {
  refuses("job_created", life()[0]);
  refuses("takeover", record::Takeover{.epoch = 1, .writer = uuid(3), .at = {}});
  refuses("takeover", record::IterationStarted{.iteration = 2, .to = {"9"}, .at = {}});
  refuses("takeover", record::IterationStarted{.iteration = 1, .to = {}, .at = {}});
  refuses("takeover", table_started());
  refuses("table_started", table_started());
  refuses("table_started", record::DestinationReady{{"U"}});
  refuses("table_started", planned(2, {}, {}));
  refuses("table_started", planned(1, Ticks{5}, {}));
  refuses("table_started", planned(1, {}, {}, -1));
  refuses("plan_done", planned(2, {}, {}));
  refuses("plan_done", record::PlanDone{kTable});
  refuses("plan_done",
          record::ExportIntended{.block = 1, .attempt = 2, .folder = "f", .grant_expiry = {}});
  refuses("plan_done",
          record::ExportIntended{.block = 7, .attempt = 1, .folder = "f", .grant_expiry = {}});
  refuses("plan_done", record::ExportStarted{.block = 1, .attempt = 1, .operation = uuid(1)});
  refuses("export_started", record::Exported{.block = 1, .attempt = 2, .blobs = {}, .rows = 10});
  refuses("export_started", record::Exported{.block = 1, .attempt = 1, .blobs = {}, .rows = 9});
  refuses("export_started",
          record::ExportEnded{
              .block = 1, .attempt = 2, .over = true, .counted = true, .problem = kProblem});
  refuses("export_started", record::SourceShrunk{.block = 1, .planned = 10, .rows = 10});
  refuses("export_started", record::SourceShrunk{.block = 1, .planned = 11, .rows = 1});
  refuses("export_started", record::FolderClosed{.block = 1, .attempt = 2});
  refuses("exported", record::IngestIntended{.block = 1, .attempt = 1, .tag = "t"});
  refuses("exported", record::StagingIntended{.table = kTable, .generation = 2, .name = {"s"}});
  refuses("exported", record::StagingReady{.table = kTable, .generation = 1});
  refuses("exported", record::Moved{.block = 1, .rows = 10});
  refuses("staging_ready",
          record::StagingIntended{.table = kTable, .generation = 2, .name = {"s"}});
  refuses("staging_ready", record::StagingDropIntended{.table = kTable, .generation = 2});
  refuses("staging_ready", record::StagingDropped{.table = kTable, .generation = 1});
  refuses("staging_ready", record::IngestIntended{.block = 1, .attempt = 2, .tag = "t"});
  refuses("ingest_intended", record::IngestStarted{.block = 1, .attempt = 2, .operation = uuid(1)});
  refuses("ingest_started", record::Staged{.block = 1, .attempt = 1, .extents = {}, .rows = 9});
  refuses("ingest_started",
          record::IngestEnded{.block = 1, .attempt = 2, .counted = true, .problem = kProblem});
  refuses("ingest_started", record::MoveIntended{.block = 1, .extents = {}, .rows = 10});
  refuses("staged", record::MoveIntended{.block = 1, .extents = {}, .rows = 9});
  refuses("staged", record::Moved{.block = 1, .rows = 10});
  refuses("staged", record::RevokeIntended{1});
  refuses("move_started", record::Moved{.block = 1, .rows = 9});
  refuses("move_started", record::Revoked{1});
  refuses("move_started", record::BlockFailed{.block = 1, .problem = kProblem});
  refuses("move_started",
          record::IngestEnded{.block = 1, .attempt = 1, .counted = true, .problem = kProblem});
  refuses("moved", record::Verified{.block = 1, .rows = 9});
  refuses("moved", record::TagsDropped{{1}});
  refuses("moved", record::BlockFailed{.block = 1, .problem = kProblem});
  refuses("moved", record::TableDone{kTable});
  refuses("verified", record::TagsDropped{{1, 2}});
  refuses("verified", record::TagsDropped{{1, 1}});
  refuses("folder_closed", record::TagsDropped{{1, 1}});
  refuses("tags_dropped", record::TagsDropped{{1}});
  refuses("tags_dropped", record::BlockRetried{1});
  refuses("table_done", record::TableFailed{.table = {"U"}, .problem = kProblem});
  refuses("table_done", ended(JobState::running));
  refuses("table_done", record::JobResumed{.spec = {}, .at = {}});
  refuses("job_ended", ended(JobState::failed));
  refuses("job_ended", record::CancelRequested{});
  refuses("job_ended", record::JobResumed{.spec = {}, .at = {}});
}

TEST(Ledger, TakesTheOtherWaysToo) {
  accepts("takeover", record::Takeover{.epoch = 5, .writer = uuid(3), .at = {}});
  accepts("export_started",
          record::ExportEnded{
              .block = 1, .attempt = 1, .over = false, .counted = true, .problem = kProblem});
  accepts("export_started", record::SourceShrunk{.block = 1, .planned = 10, .rows = 0});
  accepts("staging_intended",
          record::StagingIntended{.table = kTable, .generation = 1, .name = {"kc-stg"}});
  accepts("staged",
          record::IngestEnded{.block = 1, .attempt = 1, .counted = true, .problem = kProblem});
  accepts("staged", record::BlockFailed{.block = 1, .problem = kProblem});
  accepts("move_started", record::MoveIntended{.block = 1, .extents = {}, .rows = 10});
  accepts("move_started", record::RevokeIntended{1});
  accepts("table_started", record::TableFailed{.table = kTable, .problem = kProblem});
  accepts("moved", record::CancelRequested{});
}

TEST(Ledger, ARevokedMoveGoesBackToItsExportAndCanBeMovedNoMore) {
  Ledger ledger = after("move_started");
  ASSERT_TRUE(ledger.apply(record::RevokeIntended{1}).has_value());
  EXPECT_FALSE(
      ledger.apply(record::MoveIntended{.block = 1, .extents = {}, .rows = 10}).has_value());
  ASSERT_TRUE(ledger.apply(record::Revoked{1}).has_value());
  EXPECT_EQ(ledger.blocks.at(1).state, BlockState::exported);
  EXPECT_TRUE(
      ledger.apply(record::IngestIntended{.block = 1, .attempt = 2, .tag = "u"}).has_value());
}

TEST(Ledger, AFailedJobIsResumedWithItsDefinitionOnly) {
  Ledger ledger = after("table_started");
  ASSERT_TRUE(ledger.apply(ended(JobState::failed)).has_value());
  JobSpec other;
  other.db = "another";
  EXPECT_FALSE(ledger.apply(record::JobResumed{.spec = other, .at = {}}).has_value());
  EXPECT_TRUE(ledger.apply(record::JobResumed{.spec = ledger.spec, .at = {}}).has_value());
  EXPECT_EQ(ledger.state, JobState::running);
}

// A job that stopped has cleaned up: what a block was to be ingested from may be gone.
TEST(Ledger, AResumedBlockWithoutItsExportBeginsAnew) {
  for (const char* type : {"exported", "ingest_started", "staged"}) {
    for (const bool cleaned : {true, false}) {
      Ledger ledger = after(type);
      const BlockState before = ledger.blocks.at(1).state;
      if (cleaned) {
        ASSERT_TRUE(ledger.apply(record::FolderClosed{.block = 1, .attempt = 1}).has_value());
      }
      ASSERT_TRUE(ledger.apply(ended(JobState::failed)).has_value());
      const auto percent = ledger.percent();
      ASSERT_TRUE(ledger.apply(record::JobResumed{.spec = ledger.spec, .at = {}}).has_value());
      EXPECT_EQ(ledger.blocks.at(1).state, cleaned ? BlockState::planned : before) << type;
      EXPECT_EQ(ledger.percent(), percent) << type;
      EXPECT_EQ(
          ledger
              .apply(record::ExportIntended{
                  .block = 1, .attempt = 2, .folder = "data/1/1/e2", .grant_expiry = Ticks{99}})
              .has_value(),
          cleaned)
          << type;
    }
  }
}

TEST(Ledger, RangesOfATableTile) {
  Ledger ledger = after("table_started");
  ASSERT_TRUE(ledger.apply(planned(1, {}, Ticks{10})).has_value());
  EXPECT_FALSE(ledger.apply(planned(2, Ticks{11}, Ticks{20})).has_value());
  EXPECT_FALSE(ledger.apply(planned(2, Ticks{9}, Ticks{20})).has_value());
  EXPECT_FALSE(ledger.apply(planned(2, Ticks{10}, Ticks{10})).has_value());
  auto slice = planned(2, Ticks{10}, Ticks{11});
  slice.range.slice = {.index = 0, .count = 2};
  slice.covers = false;
  ASSERT_TRUE(ledger.apply(slice).has_value());
  slice.block = 3;
  slice.range.slice.index = 2;
  EXPECT_FALSE(ledger.apply(slice).has_value());
  slice.range.slice.index = 1;
  slice.covers = true;
  ASSERT_TRUE(ledger.apply(slice).has_value());
  EXPECT_TRUE(ledger.apply(planned(4, Ticks{11}, {})).has_value());
  EXPECT_FALSE(ledger.apply(planned(5, {}, {})).has_value()) << "the whole table a second time";
}

// What happens next to a block when nothing goes wrong.
std::optional<Record> next_of(const Ledger& ledger, const Block& block) {
  const std::vector<StagedExtent> extents{{uuid(5), block.rows}};
  switch (block.state) {
    case BlockState::planned:
      return record::ExportIntended{.block = block.id,
                                    .attempt = block.export_attempt + 1,
                                    .folder = "f",
                                    .grant_expiry = {}};
    case BlockState::exporting:
      return record::Exported{.block = block.id,
                              .attempt = block.export_attempt,
                              .blobs = {{"p", block.rows, 8}},
                              .rows = block.rows};
    case BlockState::exported: {
      const Staging& staging = ledger.tables.at(block.table).staging;
      if (staging.state == StagingState::intended)
        return record::StagingReady{.table = block.table, .generation = staging.generation};
      if (staging.state != StagingState::ready)
        return record::StagingIntended{
            .table = block.table, .generation = staging.generation + 1, .name = {"s"}};
      return record::IngestIntended{
          .block = block.id, .attempt = block.ingest_attempt + 1, .tag = "t"};
    }
    case BlockState::ingesting:
      return record::Staged{.block = block.id,
                            .attempt = block.ingest_attempt,
                            .extents = extents,
                            .rows = block.rows};
    case BlockState::staged:
      return record::MoveIntended{.block = block.id, .extents = extents, .rows = block.rows};
    case BlockState::moving:
      if (block.revoking) return record::Revoked{block.id};
      return record::Moved{.block = block.id, .rows = block.rows};
    case BlockState::moved:
      return record::Verified{.block = block.id, .rows = block.rows};
    case BlockState::verified:
      return record::TagsDropped{{block.id}};
    default:
      return std::nullopt;
  }
}

// What happens to it when something does.
std::optional<Record> setback_of(const Block& block) {
  switch (block.state) {
    case BlockState::exporting:
      return record::ExportEnded{.block = block.id,
                                 .attempt = block.export_attempt,
                                 .over = true,
                                 .counted = true,
                                 .problem = kProblem};
    case BlockState::ingesting:
    case BlockState::staged:
      return record::IngestEnded{
          .block = block.id, .attempt = block.ingest_attempt, .counted = true, .problem = kProblem};
    case BlockState::moving:
      return record::RevokeIntended{block.id};
    case BlockState::failed:
      return record::BlockRetried{block.id};
    default:
      return std::nullopt;
  }
}

// Draws a record that often fits: attempts and counts mostly as the ledger has them.
Record draw(const Ledger& ledger, Rng& rng) {
  const auto number = [&rng](int low, int high) {
    return static_cast<int>(rng.between(low, high - 1));
  };
  const bool wrong = number(0, 10) == 0;
  if (!ledger.blocks.empty() && number(0, 3) > 0) {
    auto block = ledger.blocks.begin();
    std::advance(block, number(0, std::min(4, static_cast<int>(ledger.blocks.size()))));
    const auto next =
        number(0, 5) == 0 ? setback_of(block->second) : next_of(ledger, block->second);
    if (next) return *next;
  }
  const BlockId id =
      ledger.last_block == 0 ? 1 : number(1, static_cast<int>(ledger.last_block) + 1);
  const auto found = ledger.blocks.find(id);
  const Block block = found == ledger.blocks.end() ? Block{} : found->second;
  const TableName table{number(0, 2) == 0 ? "T" : "U"};
  const auto at = ledger.tables.find(table);
  const TableCopy copy = at == ledger.tables.end() ? TableCopy{} : at->second;
  const std::int64_t rows = block.rows + (wrong ? 1 : 0);
  const int off = wrong ? 1 : 0;
  switch (number(0, 31)) {
    case 0:
      return record::Takeover{.epoch = ledger.epoch + (wrong ? 0 : 1), .writer = uuid(3), .at = {}};
    case 1:
      return record::IterationStarted{
          .iteration = ledger.iteration + (ledger.iteration == 0 ? 1 : 0), .to = {"9"}, .at = {}};
    case 2:
      return table_started(table, number(0, 200));
    case 3:
      return record::DestinationReady{table};
    case 4:
    case 5: {
      auto next = planned(ledger.last_block + 1, copy.covered_to, {}, number(0, 20));
      next.table = table;
      next.range.high = Ticks{copy.covered_to.value_or(Ticks{0}).value + number(0, 5)};
      return next;
    }
    case 6:
      return record::PlanDone{number(0, 4) == 0 ? table : TableName{"?"}};
    case 7:
    case 8:
      return record::ExportIntended{.block = id,
                                    .attempt = block.export_attempt + 1 + off,
                                    .folder = "f",
                                    .grant_expiry = {}};
    case 9:
      return record::ExportStarted{
          .block = id, .attempt = block.export_attempt, .operation = uuid(4)};
    case 10:
    case 11:
      return record::Exported{.block = id,
                              .attempt = block.export_attempt + off,
                              .blobs = {{"p", rows, 8}},
                              .rows = block.rows};
    case 12:
      return record::ExportEnded{.block = id,
                                 .attempt = block.export_attempt,
                                 .over = wrong,
                                 .counted = true,
                                 .problem = kProblem};
    case 13:
      return record::SourceShrunk{.block = id, .planned = block.rows, .rows = block.rows / 2};
    case 14:
      return record::FolderClosed{.block = id,
                                  .attempt = number(1, std::max(2, block.export_attempt + 1))};
    case 15:
      return record::StagingIntended{
          .table = table, .generation = copy.staging.generation + 1 + off, .name = {"s"}};
    case 16:
      return record::StagingReady{.table = table, .generation = copy.staging.generation};
    case 17:
      return number(0, 5) == 0 ? Record(record::StagingDropIntended{
                                     .table = table, .generation = copy.staging.generation})
                               : Record(record::StagingDropped{
                                     .table = table, .generation = copy.staging.generation});
    case 18:
      return record::IngestIntended{
          .block = id, .attempt = block.ingest_attempt + 1 + off, .tag = "t"};
    case 19:
      return record::IngestStarted{
          .block = id, .attempt = block.ingest_attempt, .operation = uuid(4)};
    case 20:
      return record::IngestEnded{
          .block = id, .attempt = block.ingest_attempt, .counted = wrong, .problem = kProblem};
    case 21:
      return record::Staged{
          .block = id, .attempt = block.ingest_attempt, .extents = {{uuid(5), rows}}, .rows = rows};
    case 22:
      return record::MoveIntended{.block = id, .extents = {{uuid(5), rows}}, .rows = rows};
    case 23:
      return record::Moved{.block = id, .rows = rows};
    case 24:
      return number(0, 2) == 0 ? Record(record::RevokeIntended{id}) : Record(record::Revoked{id});
    case 25:
      return record::Verified{.block = id, .rows = rows};
    case 26:
      return record::TagsDropped{wrong ? std::vector<BlockId>{id, id} : std::vector<BlockId>{id}};
    case 27:
      return record::BlockFailed{.block = id, .problem = kProblem};
    case 28:
      return record::BlockRetried{id};
    case 29:
      return number(0, 3) == 0 ? Record(record::TableDone{table})
                               : Record(record::TableFailed{.table = table, .problem = kProblem});
    default:
      return number(0, 20) == 0 ? Record(ended(JobState::failed))
                                : Record(record::JobResumed{.spec = ledger.spec, .at = {}});
  }
}

TEST(Ledger, HoldsItsPromisesOverRandomHistories) {
  std::map<std::string_view, int> accepted;
  for (std::uint64_t seed = 1; seed <= 80; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    Ledger ledger;
    ASSERT_TRUE(ledger.apply(life()[0]).has_value());
    ASSERT_TRUE(ledger.apply(life()[2]).has_value());
    for (const char* table : {"T", "U"}) {
      ASSERT_TRUE(ledger.apply(table_started({table})).has_value());
    }
    double percent = 0;
    for (int step = 0; step < 150; ++step) {
      const Record record = draw(ledger, rng);
      const std::string before = bytes_of(ledger);
      if (ledger.apply(record)) {
        accepted[type_word(record)] += 1;
      } else {
        ASSERT_TRUE(bytes_of(ledger) == before);
      }
      ASSERT_TRUE(ledger.percent().value_or(percent) >= percent);
      ASSERT_TRUE(ledger.percent().value_or(0) < 100);
      percent = ledger.percent().value_or(percent);
      Ledger again;
      for (const Record& part : ledger.snapshot()) {
        ASSERT_TRUE(again.apply(part).has_value());
      }
      ASSERT_TRUE(bytes_of(again) == bytes_of(ledger));
      ASSERT_TRUE(again.percent() == ledger.percent());
      ASSERT_TRUE(again.rows_total == ledger.rows_total);
      ASSERT_TRUE(again.work_done == ledger.work_done);
      ASSERT_TRUE(again.plans_open == ledger.plans_open);
      for (const auto& [name, table] : ledger.tables) {
        for (int state = 0; state <= static_cast<int>(BlockState::verified); ++state) {
          const auto at = static_cast<BlockState>(state);
          ASSERT_TRUE(again.tables.at(name).reached(at).rows == table.reached(at).rows);
          ASSERT_TRUE(again.tables.at(name).reached(at).blocks == table.reached(at).blocks);
        }
        ASSERT_TRUE(again.tables.at(name).blocks_live == table.blocks_live);
        ASSERT_TRUE(again.tables.at(name).blocks_failed == table.blocks_failed);
      }
    }
  }
  // The histories reach far enough to say something.
  for (const char* type : {"planned", "exported", "export_ended", "ingest_intended", "staged",
                           "move_intended", "moved", "revoked", "verified", "tags_dropped",
                           "block_failed", "block_retried", "staging_dropped", "folder_closed"})
    EXPECT_GT(accepted[type], 0) << type;
}

}  // namespace
}  // namespace kc
