#include "tests/unit/checkpoint/journal_samples.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "core/checkpoint/crc32c.h"

namespace kc {

Uuid writer_number(int n) {
  Uuid id;
  id.bytes[3] = static_cast<std::uint8_t>(n);
  id.bytes[15] = 0xFF;
  return id;
}

std::vector<Record> sample_records() {
  const Ticks at = *parse_datetime("2024-01-31T23:59:59.1234567Z");
  const Uuid id = *Uuid::parse("12345678-9abc-4def-8123-456789abcdef");
  const TableName table{"Storm \"Events\"\n\x01 \xc3\xa4"};
  const Problem problem{
      .code = "export.failed", .detail = "no\\room", .fix = "make room", .retryable = true};
  const std::vector<ExportedBlob> blobs{
      {.path = "data/1/7/e2/part0.csv.gz", .rows = 5, .bytes = 600}, {}};
  const std::vector<StagedExtent> extents{{.id = id, .rows = 9'000'000'000'000}};
  const TableSchema schema{.columns = {{"a", ScalarType::long_}, {"b", ScalarType::dynamic_}},
                           .folder = "f",
                           .docstring = "d"};
  const BlockRange range{.low = at, .high = std::nullopt, .slice = {.index = 1, .count = 4}};
  JobSpec spec;
  spec.id = "job-1";
  spec.lake = "/lake";
  spec.tables_include = {"a", "b"};
  spec.query_slots = {.percent = false, .amount = 3};
  spec.rpo = Timespan::milliseconds(1500);
  spec.backfill_horizon = Timespan::seconds(-60);
  spec.format = FormatChoice::csv;
  spec.on_error = OnError::stop;
  Block block;
  block.id = 7;
  block.table = table;
  block.range = range;
  block.state = BlockState::moving;
  block.blobs = blobs;
  block.extents = extents;
  block.operation = id;
  block.problem = problem;
  return {record::JobCreated{.spec = spec, .uid = id, .at = at},
          record::Takeover{.epoch = 18'446'744'073'709'551'615u, .writer = id, .at = at},
          record::IterationStarted{.iteration = 1, .to = {"638"}, .at = at},
          record::TableStarted{.table = table,
                               .source_id = id,
                               .schema_version = 2,
                               .schema = schema,
                               .format = ExportFormat::parquet,
                               .from = {},
                               .to = {"638"},
                               .rows_estimate = 10,
                               .bytes_estimate = -1},
          record::DestinationReady{.table = table},
          record::Planned{.block = 7, .table = table, .range = range, .rows = 100, .covers = false},
          record::PlanDone{.table = table},
          record::ExportIntended{
              .block = 7, .attempt = 2, .folder = "data/1/7/e2", .grant_expiry = kTicksMax},
          record::ExportStarted{.block = 7, .attempt = 2, .operation = id},
          record::Exported{.block = 7, .attempt = 2, .blobs = blobs, .rows = 5},
          record::ExportEnded{
              .block = 7, .attempt = 2, .over = true, .counted = true, .problem = problem},
          record::SourceShrunk{.block = 7, .planned = 100, .rows = 5},
          record::FolderClosed{.block = 7, .attempt = 2},
          record::StagingIntended{.table = table, .generation = 1, .name = {"kc-stg"}},
          record::StagingReady{.table = table, .generation = 1, .create_doubt_until = at},
          record::StagingDropIntended{.table = table, .generation = 1, .create_doubt_until = at},
          record::StagingDropped{.table = table, .generation = 1},
          record::IngestIntended{.block = 7, .attempt = 1, .tag = "drop-by:kc/x"},
          record::IngestStarted{.block = 7, .attempt = 1, .operation = id},
          record::IngestEnded{.block = 7, .attempt = 1, .counted = false, .problem = problem},
          record::Staged{.block = 7, .attempt = 1, .extents = extents, .rows = 5},
          record::MoveIntended{.block = 7, .extents = {}, .rows = 5},
          record::MoveStarted{.block = 7, .operation = id},
          record::Moved{.block = 7, .rows = 5},
          record::RevokeIntended{.block = 7},
          record::Revoked{.block = 7},
          record::Verified{.block = 7, .rows = 5},
          record::TagsDropped{.blocks = {7, 8}},
          record::BlockFailed{.block = 7, .problem = problem},
          record::BlockRetried{.block = 7},
          record::TableDone{.table = table},
          record::TableFailed{.table = table, .problem = problem},
          record::CancelRequested{.at = at},
          record::JobResumed{.spec = spec, .at = at},
          record::JobEnded{.state = JobState::failed, .problem = problem, .at = at},
          record::SnapshotJob{.spec = spec,
                              .uid = id,
                              .created_at = at,
                              .state = JobState::canceling,
                              .problem = problem,
                              .ended_at = at,
                              .epoch = 3,
                              .writer = id,
                              .iteration = 1,
                              .to = {"638"},
                              .last_block = 8,
                              .percent_floor = 33.333333333333336,
                              .retried = 1,
                              .lake_bytes = 600},
          record::SnapshotTable{.table = table,
                                .source_id = id,
                                .schema_version = 2,
                                .schema = schema,
                                .format = ExportFormat::csv,
                                .from = {"1"},
                                .to = {"638"},
                                .rows_estimate = 10,
                                .bytes_estimate = 11,
                                .state = TableState::failed,
                                .problem = problem,
                                .destination_ready = true,
                                .plan_done = true,
                                .covered_to = at,
                                .blocks_planned = 1,
                                .rows_planned = 2,
                                .blocks_finished = 3,
                                .rows_finished = 4,
                                .staging_generation = 1,
                                .staging_state = "ready",
                                .staging_name = {"kc-stg"},
                                .staging_create_doubt_until = at},
          record::SnapshotBlock{.block = block},
          record::SnapshotFolder{
              .block = 7, .attempt = 2, .folder = "data/1/7/e2", .grant_expiry = at, .over = true}};
}

std::vector<Record> carrying(const Numbers& numbers) {
  std::vector<Record> records;
  for (const auto number : numbers) records.emplace_back(record::TagsDropped{.blocks = {number}});
  return records;
}

std::vector<Record> snapshot_of(const Numbers& numbers) {
  std::vector<Record> records{record::SnapshotJob{}};
  for (const auto number : numbers)
    records.emplace_back(record::SnapshotFolder{number, 0, {}, {}, false});
  return records;
}

JournalReplay Collected::replay() {
  return {.begin = [this] { numbers.clear(), ++begun; },
          .apply = [this](const Record& record) -> Result<> {
            if (const auto* one = std::get_if<record::TagsDropped>(&record))
              numbers.push_back(one->blocks.at(0));
            if (const auto* one = std::get_if<record::SnapshotFolder>(&record))
              numbers.push_back(one->block);
            return {};
          }};
}

Numbers read_numbers(Lake& lake) {
  Collected collected;
  const auto end = Journal::read_only(lake, collected.replay());
  EXPECT_TRUE(end.has_value()) << end.error().message;
  return collected.numbers;
}

std::string sealed(const std::string& lines) {
  char trailer[32];
  std::snprintf(trailer, sizeof trailer, "{\"crc32c\":\"%08x\"}\n", crc32c(lines));
  return lines + trailer;
}

}  // namespace kc
