// A small journal for the tests of the mirror: one table of two blocks, the first copied whole, the
// second under way. Thread promise: pure functions.
#pragma once

#include <string>
#include <vector>

#include "core/model/ledger.h"

namespace kc::store {

inline JobSpec spec(const std::string& id) {
  JobSpec spec;
  spec.id = id;
  spec.lake = "/lake";
  spec.source = "http://source";
  spec.destination = "http://destination";
  spec.db = "Samples";
  spec.destination_db = "Samples";
  return spec;
}

// One element per journal file.
inline std::vector<std::vector<Record>> copied_journal(const std::string& id) {
  using namespace kc::record;
  const TableName table{"T"};
  const Uuid uid{{9}};
  TableSchema schema;
  schema.columns = {{"x", ScalarType::long_}};
  const auto staging = staging_name(uid, table, 1);
  const BlockRange low{.low = std::nullopt, .high = Ticks{100}, .slice = {}};
  const BlockRange high{.low = Ticks{100}, .high = std::nullopt, .slice = {}};
  TableStarted started;
  started.table = table;
  started.schema = schema;
  started.to = {"c1"};
  started.rows_estimate = 15;
  Planned first;
  first.block = 1;
  first.table = table;
  first.range = low;
  first.rows = 10;
  Planned second = first;
  second.block = 2;
  second.range = high;
  second.rows = 5;
  return {
      {JobCreated{spec(id), uid, {1}}, Takeover{1, Uuid{{7}}, {1}}},
      {IterationStarted{1, {"c1"}, {2}}, started, DestinationReady{table}},
      {first, second, PlanDone{table}},
      {ExportIntended{1, 1, "data/1/1/e1", {900}}, StagingIntended{table, 1, staging}},
      {Exported{1, 1, {{"data/1/1/e1/f", 10, 100}}, 10}, StagingReady{table, 1}},
      {IngestIntended{1, 1, block_tag(uid, 1, 1, 1)}},
      {Staged{1, 1, {{Uuid{{5}}, 10}}, 10}},
      {MoveIntended{1, {{Uuid{{5}}, 10}}, 10}},
      {Moved{1, 10}},
      {Verified{1, 10}},
      {TagsDropped{{1}}, FolderClosed{1, 1}},
      {ExportIntended{2, 1, "data/1/2/e1", {900}}},
  };
}

}  // namespace kc::store
