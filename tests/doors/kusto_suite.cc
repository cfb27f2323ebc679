#include "tests/doors/kusto_suite.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <numeric>
#include <set>

namespace kc::doors {

using namespace kusto;  // every line of this file speaks of the door
using testing::ElementsAre;

namespace {

const DatabaseName kDb{kSuiteDatabase};
constexpr const char* kSource = "Source Table";
constexpr const char* kTarget = "Target";
constexpr const char* kStaging = "kc-stg-Target-0123456789abcdef-g1";
constexpr const char* kTag = "drop-by:kc/7f0c1d52-93c1-4a51-a2f6-0c9cf1f0a111/1/2/i1";

std::vector<std::int64_t> values(std::int64_t from, std::int64_t count) {
  std::vector<std::int64_t> all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), from);
  return all;
}

std::int64_t sum(const std::vector<std::int64_t>& all) {
  return std::accumulate(all.begin(), all.end(), std::int64_t{0});
}

std::int64_t rows_of(const std::vector<Extent>& all) {
  return std::accumulate(all.begin(), all.end(), std::int64_t{0},
                         [](std::int64_t n, const Extent& e) { return n + e.rows; });
}

std::int64_t rows_of(const std::vector<ExportedBlob>& all) {
  return std::accumulate(all.begin(), all.end(), std::int64_t{0},
                         [](std::int64_t n, const ExportedBlob& b) { return n + b.rows; });
}

Uuid some_id() { return *Uuid::parse("01234567-89ab-4def-8123-456789abcdef"); }

}  // namespace

// ---- Windows, ranges, slices

TEST_P(KustoSuite, CursorWindowsAreHalfOpenAndTile) {
  create(kSource);
  const Cursor start = cursor();
  subject_->ingest(kSource, values(0, 10));
  const Cursor first = cursor();
  subject_->ingest(kSource, values(100, 5));
  const Cursor second = cursor();
  const auto window = [&](const Cursor& after, const Cursor& to) {
    return count({.table = {kSource}, .after = after, .before_or_at = to});
  };
  EXPECT_EQ(window({}, first), 10);
  EXPECT_EQ(window(start, first), 10);
  EXPECT_EQ(window(first, second), 5);
  EXPECT_EQ(window({}, second), 15);
  EXPECT_EQ(window(second, second), 0);
  EXPECT_EQ(window(first, first), 0);
  subject_->ingest(kSource, values(200, 1));
  EXPECT_EQ(window(first, second), 5) << "a window must be repeatable";
  EXPECT_EQ(table_count(kSource), 16);
  EXPECT_EQ(must<RowCount>(Read{ReadUnstampedCount{kDb, {kSource}}}).rows, 0);
}

TEST_P(KustoSuite, IngestionTimeRangesAreHalfOpenAndTile) {
  create(kSource);
  for (const std::int64_t n : {3, 4, 5}) subject_->ingest(kSource, values(n * 100, n));
  const RowSet all = rows(kSource);
  const auto plan = must<PlanGroups>(Read{ReadPlanGroups{kDb, all, 100}}).groups;
  ASSERT_EQ(plan.size(), 3U);
  std::int64_t below = 0;
  for (std::size_t i = 0; i < plan.size(); ++i) {
    EXPECT_EQ(plan[i].rows, static_cast<std::int64_t>(i) + 3);
    RowSet range = all;
    range.high = plan[i].at;
    EXPECT_EQ(count(range), below);
    range.low = plan[i].at;
    range.high = {};
    EXPECT_EQ(count(range), 12 - below);
    if (i > 0) {
      EXPECT_LT(plan[i - 1].at, plan[i].at);
      range.low = plan[i - 1].at;
      range.high = plan[i].at;
      EXPECT_EQ(count(range), plan[i - 1].rows);
    }
    below += plan[i].rows;
  }
}

TEST_P(KustoSuite, APlanTakesTheEarliestGroupsAndGoesOnFromABound) {
  create(kSource);
  for (int i = 0; i < 5; ++i) subject_->ingest(kSource, values(i * 10, i + 1));
  RowSet rest = rows(kSource);
  std::vector<std::int64_t> sizes;
  while (true) {
    const auto plan = must<PlanGroups>(Read{ReadPlanGroups{kDb, rest, 2}}).groups;
    ASSERT_LE(plan.size(), 2U);
    for (const PlanGroup& group : plan) sizes.push_back(group.rows);
    if (plan.size() < 2) break;
    rest.low = plan.back().at + Timespan{1};
  }
  EXPECT_THAT(sizes, ElementsAre(1, 2, 3, 4, 5));
}

TEST_P(KustoSuite, SlicesTileAndAddUp) {
  create(kSource);
  subject_->ingest(kSource, values(0, 200));
  RowSet all = rows(kSource);
  for (const std::int64_t slices : {2, 7}) {
    const auto plan = must<PlanSlices>(Read{ReadPlanSlices{kDb, all, slices}}).rows;
    ASSERT_EQ(std::ssize(plan), slices);
    EXPECT_EQ(sum(plan), 200);
    for (std::int64_t i = 0; i < slices; ++i) {
      RowSet one = all;
      one.slice = {.index = i, .count = slices};
      EXPECT_EQ(count(one), plan[static_cast<std::size_t>(i)]);
    }
    EXPECT_GT(*std::min_element(plan.begin(), plan.end()), 0)
        << "200 different rows fell into too few of " << slices;
  }
}

// ---- A block's way

TEST_P(KustoSuite, EachFormatCopiesABlockOnce) {
  create(kSource);
  subject_->ingest(kSource, values(0, 60));
  subject_->ingest(kSource, values(1000, 40));
  for (const ExportFormat format : {ExportFormat::csv, ExportFormat::parquet}) {
    const std::string name(to_string(format));
    const std::string target = "Target " + name, staging = "staging-" + name;
    create(target);
    create_staging(staging);
    const auto blobs = export_rows(rows(kSource), format, "e-" + name);
    ASSERT_FALSE(blobs.empty());
    EXPECT_EQ(rows_of(blobs), 100);
    stage(blobs, format, staging, kTag);
    const auto staged_extents = extents({staging, target}, kTag);
    EXPECT_EQ(rows_of(staged_extents), 100);
    EXPECT_EQ(table_count(target), 0);
    EXPECT_EQ(digest(staging), digest(kSource)) << name;

    const auto ids = ids_of(staged_extents);
    EXPECT_EQ(move(ids, staging, target), OperationOutcome::completed);
    const auto moved = extents({staging, target}, kTag);
    EXPECT_EQ(rows_of(moved), 100);
    for (const Extent& one : moved) {
      EXPECT_EQ(one.table.value, target);
      EXPECT_THAT(one.tags, ElementsAre(kTag));
      EXPECT_EQ(std::count(ids.begin(), ids.end(), one.id), 0)
          << "a move consumes the ids of its extents";
    }
    EXPECT_NE(move(ids, staging, target), OperationOutcome::completed);
    EXPECT_EQ(table_count(target), 100);
    EXPECT_EQ(table_count(staging), 0);
    EXPECT_EQ(digest(target), digest(kSource)) << name;
    subject_->close_folder("e-" + name);
  }
}

TEST_P(KustoSuite, ExportsOfSlicesAreTheWholeTogether) {
  create(kSource);
  create(kTarget);
  subject_->ingest(kSource, values(0, 50));
  for (std::int64_t i = 0; i < 3; ++i) {
    RowSet slice = rows(kSource);
    slice.slice = {.index = i, .count = 3};
    const auto blobs = export_rows(slice, ExportFormat::csv, "e" + std::to_string(i));
    EXPECT_EQ(rows_of(blobs), count(slice));
    stage(blobs, ExportFormat::csv, kTarget, std::string(kTag) + std::to_string(i));
  }
  EXPECT_EQ(digest(kTarget), digest(kSource));
}

TEST_P(KustoSuite, AnExportOfNothingCompletesWithoutRows) {
  create(kSource);
  EXPECT_EQ(rows_of(export_rows(rows(kSource), ExportFormat::csv, "e1")), 0);
}

TEST_P(KustoSuite, AMoveTakesAllExtentsOrNone) {
  create(kSource);
  create(kTarget);
  create_staging(kStaging);
  subject_->ingest(kSource, values(0, 30));
  auto ids = staged(kSource, kStaging, kTag);
  ids.push_back(some_id());
  EXPECT_NE(move(ids, kStaging, kTarget), OperationOutcome::completed);
  EXPECT_EQ(table_count(kTarget), 0);
  EXPECT_EQ(table_count(kStaging), 30);
  ids.pop_back();
  EXPECT_EQ(move(ids, kStaging, kTarget), OperationOutcome::completed);
  EXPECT_EQ(table_count(kTarget), 30);
}

TEST_P(KustoSuite, MovedRowsAreNewToCursorReadersOnlyIfAskedFor) {
  create(kSource);
  create_staging(kStaging);
  subject_->ingest(kSource, values(0, 10));
  for (const bool new_time : {true, false}) {
    const std::string target = new_time ? "Fresh" : "Kept";
    create(target);
    const std::string tag = std::string(kTag) + (new_time ? "1" : "0");
    const auto ids = staged(kSource, kStaging, tag);
    const Cursor before = cursor();
    ASSERT_EQ(move(ids, kStaging, target, new_time), OperationOutcome::completed);
    EXPECT_EQ(table_count(target), 10);
    EXPECT_EQ(count(rows(target, before)), new_time ? 10 : 0);
  }
}

TEST_P(KustoSuite, AnExportIntoAClosedFolderFails) {
  create(kSource);
  subject_->ingest(kSource, values(0, 5));
  const std::string folder = subject_->open_folder("e1");
  subject_->close_folder("e1");
  const auto started = ask<StartedOperation>(
      Write{StartExport{kDb, rows(kSource), suite_columns(), ExportFormat::csv, folder}});
  if (!started) {
    EXPECT_NE(started.error().kind, ErrorKind::cancelled);
    return;
  }
  EXPECT_EQ(wait(started->id).outcome, OperationOutcome::failed);
  const auto details = ask<ExportDetails>(Read{ReadExportDetails{started->id}});
  EXPECT_TRUE(!details || details->blobs.empty());
}

TEST_P(KustoSuite, AnIngestionOfABlobThatIsGoneFailsWithoutRows) {
  create(kSource);
  create(kTarget);
  subject_->ingest(kSource, values(0, 5));
  const auto blobs = export_rows(rows(kSource), ExportFormat::csv, "e1");
  StartIngest what{kDb, {kTarget}, {}, ExportFormat::csv, suite_columns(), kTag};
  for (const ExportedBlob& blob : blobs) what.blob_uris.push_back(subject_->read_uri(blob.path));
  subject_->close_folder("e1");
  if (const auto started = ask<StartedOperation>(Write{what})) {
    EXPECT_EQ(wait(started->id).outcome, OperationOutcome::failed);
  }
  EXPECT_EQ(table_count(kTarget), 0);
}

// ---- Extents and tags

TEST_P(KustoSuite, TagsAreMatchedWholeAndTablesThatAreGoneAreLeftOut) {
  create(kSource);
  create(kTarget);
  create_staging(kStaging);
  subject_->ingest(kSource, values(0, 10));
  staged(kSource, kStaging, "drop-by:kc/x/i10");
  EXPECT_TRUE(extents({kStaging}, "drop-by:kc/x/i1").empty());
  EXPECT_EQ(rows_of(extents({kStaging}, "drop-by:kc/x/i10")), 10);
  EXPECT_EQ(rows_of(extents({kStaging, kTarget})), 10);
  EXPECT_EQ(rows_of(extents({"never made", kStaging}, "drop-by:kc/x/i10")), 10);
  EXPECT_EQ(error_kind(Read{ReadExtents{kDb, {{"never made"}, {"nor this"}}, kTag}}),
            ErrorKind::not_found);
}

TEST_P(KustoSuite, DroppingExtentsIsIdempotentAndLeavesTheOthers) {
  create(kSource);
  subject_->ingest(kSource, values(0, 3));
  subject_->ingest(kSource, values(10, 4));
  const auto all = extents({kSource});
  ASSERT_EQ(all.size(), 2U);
  for (int twice = 0; twice < 2; ++twice) {
    must<Done>(Write{DropExtents{kDb, {kSource}, {all[0].id, some_id()}}});
    EXPECT_EQ(table_count(kSource), all[1].rows);
  }
  EXPECT_THAT(ids_of(extents({kSource})), ElementsAre(all[1].id));
  must<Done>(Write{DropExtents{kDb, {kSource}, {}}});
}

TEST_P(KustoSuite, DroppingTagsKeepsTheRows) {
  create(kSource);
  create(kTarget);
  subject_->ingest(kSource, values(0, 10));
  staged(kSource, kTarget, "drop-by:kc/x/i1");
  staged(kSource, kTarget, "drop-by:kc/x/i2");
  for (int twice = 0; twice < 2; ++twice) {
    must<Done>(Write{DropExtentTags{kDb, {kTarget}, {"drop-by:kc/x/i1", "drop-by:kc/x/none"}}});
    EXPECT_TRUE(extents({kTarget}, "drop-by:kc/x/i1").empty());
    EXPECT_EQ(rows_of(extents({kTarget}, "drop-by:kc/x/i2")), 10);
    EXPECT_EQ(table_count(kTarget), 20);
  }
}

// ---- Tables

TEST_P(KustoSuite, TablesAreListedByNameWithTheirSchema) {
  EXPECT_TRUE(must<TableList>(Read{ReadTables{kDb}}).tables.empty());
  const TableSchema schema{{{"b", ScalarType::bool_},
                            {"i", ScalarType::int_},
                            {"l", ScalarType::long_},
                            {"r", ScalarType::real_},
                            {"d", ScalarType::decimal_},
                            {"t", ScalarType::datetime_},
                            {"s", ScalarType::timespan_},
                            {"g", ScalarType::guid_},
                            {"x", ScalarType::string_},
                            {"y", ScalarType::dynamic_}},
                           "a/folder",
                           "it's what \\ it is"};
  must<Done>(Write{CreateTable{kDb, {"zz"}, schema}});
  create("Aa");
  const auto list = must<TableList>(Read{ReadTables{kDb}}).tables;
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0].name.value, "Aa");
  EXPECT_EQ(list[0].schema.columns, suite_columns());
  EXPECT_EQ(list[1].name.value, "zz");
  EXPECT_EQ(list[1].schema, schema);
  EXPECT_NE(list[0].id, list[1].id);
  EXPECT_FALSE(list[0].id.is_nil());
}

TEST_P(KustoSuite, CreatingATableAgainAddsWhatItLacksAndNeverChangesAType) {
  create(kTarget);
  const Uuid id = must<TableList>(Read{ReadTables{kDb}}).tables.at(0).id;
  create(kTarget);
  auto more = suite_columns();
  more.push_back({"New", ScalarType::datetime_});
  must<Done>(Write{CreateTable{kDb, {kTarget}, {more, "", ""}}});
  const auto table = must<TableList>(Read{ReadTables{kDb}}).tables.at(0);
  EXPECT_EQ(table.id, id);
  EXPECT_EQ(table.schema.columns, more);
  EXPECT_EQ(
      error_kind(Write{CreateTable{kDb, {kTarget}, {{{"Value", ScalarType::string_}}, "", ""}}}),
      ErrorKind::invalid);
  EXPECT_EQ(must<TableList>(Read{ReadTables{kDb}}).tables.at(0).schema.columns, more);
}

TEST_P(KustoSuite, StagingIsReadyOnlyWithEveryPolicy) {
  const Command read = Read{ReadStagingPolicies{kDb, {kStaging}}};
  EXPECT_EQ(error_kind(read), ErrorKind::not_found);
  must<Done>(Write{CreateStaging{kDb, {kStaging}, suite_columns()}});
  const auto bare = must<StagingPolicies>(read);
  EXPECT_FALSE(bare.complete);
  EXPECT_EQ(bare.missing, "merge");
  const SetStagingPolicies set{kDb, {kStaging}, *parse_datetime("2090-01-01T00:00:00.1234567Z")};
  for (int twice = 0; twice < 2; ++twice) {
    must<Done>(Write{set});
    const auto policies = must<StagingPolicies>(read);
    EXPECT_TRUE(policies.complete) << policies.missing;
    EXPECT_TRUE(policies.missing.empty());
    must<Done>(Write{CreateStaging{kDb, {kStaging}, suite_columns()}});
  }
}

TEST_P(KustoSuite, WithoutDataManagementNothingIsOffered) {
  const auto offer = must<IngestionOffer>(Read{ReadIngestionOffer{}});
  EXPECT_FALSE(offer.queued);
  EXPECT_NE(offer.why_not, "");
}

TEST_P(KustoSuite, DroppingATableIsIdempotent) {
  create(kTarget);
  for (int twice = 0; twice < 2; ++twice) {
    must<Done>(Write{DropTable{kDb, {kTarget}}});
    EXPECT_TRUE(must<TableList>(Read{ReadTables{kDb}}).tables.empty());
  }
}

TEST_P(KustoSuite, ATableThatDoesNotExistIsNotFound) {
  create(kSource);
  const TableName none{"never made"};
  const RowSet nothing{.table = none, .before_or_at = cursor(), .hash_columns = suite_columns()};
  const std::string folder = subject_->open_folder("e1");
  const std::vector<Command> commands = {
      Read{ReadPlanGroups{kDb, nothing, 10}},
      Read{ReadPlanSlices{kDb, nothing, 4}},
      Read{ReadCount{kDb, nothing}},
      Read{ReadUnstampedCount{kDb, none}},
      Read{ReadTableCount{kDb, none}},
      Read{ReadExtents{kDb, {none}, kTag}},
      Read{ReadStagingPolicies{kDb, none}},
      Read{ReadDigest{kDb, none, suite_columns()}},
      Write{SetStagingPolicies{kDb, none, *parse_datetime("2090-01-01")}},
      Write{DropExtents{kDb, none, {some_id()}}},
      Write{DropExtentTags{kDb, none, {kTag}}},
  };
  for (std::size_t i = 0; i < commands.size(); ++i)
    EXPECT_EQ(error_kind(commands[i]), ErrorKind::not_found) << "command " << i;
  // These may be refused at once or by the end of their operation.
  const std::vector<Command> starts = {
      Write{StartExport{kDb, nothing, suite_columns(), ExportFormat::csv, folder}},
      Write{
          StartIngest{kDb, none, {folder + "/x.csv.gz"}, ExportFormat::csv, suite_columns(), kTag}},
      Write{StartMove{kDb, none, {kSource}, {some_id()}}},
      Write{StartMove{kDb, {kSource}, none, {some_id()}}},
  };
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const auto started = ask<StartedOperation>(starts[i]);
    if (started) {
      EXPECT_EQ(wait(started->id).outcome, OperationOutcome::failed) << "start " << i;
    } else {
      EXPECT_EQ(started.error().kind, ErrorKind::not_found)
          << "start " << i << ": " << started.error().message;
    }
  }
}

TEST_P(KustoSuite, AColumnThatDoesNotExistIsInvalid) {
  create(kSource);
  const StartExport what{kDb,
                         rows(kSource),
                         {{"Nobody", ScalarType::long_}},
                         ExportFormat::csv,
                         subject_->open_folder("e1")};
  if (const auto started = ask<StartedOperation>(Write{what})) {
    EXPECT_EQ(wait(started->id).outcome, OperationOutcome::failed);
  } else {
    EXPECT_EQ(started.error().kind, ErrorKind::invalid) << started.error().message;
  }
}

// ---- The rest

TEST_P(KustoSuite, OperationsNobodyKnowsAreAbsent) {
  create(kSource);
  const auto started = must<StartedOperation>(Write{StartExport{
      kDb, rows(kSource), suite_columns(), ExportFormat::csv, subject_->open_folder("e1")}});
  wait(started.id);
  for (const bool older : {false, true}) {
    const auto list =
        must<OperationList>(Read{ReadOperations{{some_id(), started.id}, older}}).operations;
    ASSERT_EQ(list.size(), 1U) << older;
    EXPECT_EQ(list[0].id, started.id);
    EXPECT_EQ(list[0].outcome, OperationOutcome::completed);
    EXPECT_EQ(list[0].state, "Completed");
  }
  EXPECT_TRUE(must<OperationList>(Read{ReadOperations{}}).operations.empty());
  const auto details = ask<ExportDetails>(Read{ReadExportDetails{some_id()}});
  EXPECT_FALSE(details);
}

TEST_P(KustoSuite, ExportsAreUnderWayUntilTheyHaveEnded) {
  create(kSource);
  const ReadExportsUnderWay what{Timespan::seconds(86400)};
  EXPECT_TRUE(must<OperationList>(Read{what}).operations.empty());
  subject_->hold_exports(true);
  const StartExport start{kDb, rows(kSource), suite_columns(), ExportFormat::csv,
                          subject_->open_folder("e1")};
  const Uuid one = must<StartedOperation>(Write{start}).id;
  const auto under_way = must<OperationList>(Read{what}).operations;
  ASSERT_EQ(under_way.size(), 1U);
  EXPECT_EQ(under_way[0].id, one);
  EXPECT_EQ(under_way[0].outcome, OperationOutcome::running);
  subject_->hold_exports(false);
  wait(one);
  EXPECT_TRUE(must<OperationList>(Read{what}).operations.empty());
}

TEST_P(KustoSuite, CapacityNamesWhatSlotsAreTakenFrom) {
  std::set<std::string> seen;
  for (const Capacity& one : must<CapacityList>(Read{ReadCapacity{}}).resources) {
    EXPECT_GE(one.total, 0) << one.resource;
    EXPECT_GE(one.consumed, 0) << one.resource;
    if (one.total > 0) seen.insert(one.resource);
  }
  EXPECT_TRUE(seen.contains("DataExport"));
  EXPECT_TRUE(seen.contains("Ingestions"));
  EXPECT_TRUE(seen.contains("Queries"));
}

TEST_P(KustoSuite, DigestsTellTablesApart) {
  for (const char* name : {"A", "B", "C", "D"}) create(name);
  EXPECT_EQ(digest("A"), Digest{});
  subject_->ingest("A", {1, 2, 3});
  subject_->ingest("B", {3, 1});
  subject_->ingest("B", {2});
  subject_->ingest("C", {1, 2, 4});
  subject_->ingest("D", {1, 2, 3, 3});
  EXPECT_EQ(digest("A"), digest("B"));
  EXPECT_EQ(digest("A").rows, 3);
  EXPECT_NE(digest("A"), digest("C"));
  EXPECT_NE(digest("A"), digest("D"));
}

TEST_P(KustoSuite, AClosedDoorRefuses) {
  subject_->kusto().close();
  EXPECT_EQ(error_kind(Read{ReadCapacity{}}), ErrorKind::cancelled);
  EXPECT_FALSE(subject_->kusto().describe().empty());
}

}  // namespace kc::doors
