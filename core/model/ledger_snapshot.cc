// The other direction of the fold: the records that amount to a ledger. Compaction writes them.
#include "core/model/ledger.h"

namespace kc {

std::vector<Record> Ledger::snapshot() const {
  std::vector<Record> records;
  records.reserve(1 + tables.size() + blocks.size() + folders.size());
  records.emplace_back(record::SnapshotJob{.spec = spec,
                                           .uid = uid,
                                           .created_at = created_at,
                                           .state = state,
                                           .problem = problem,
                                           .ended_at = ended_at,
                                           .epoch = epoch,
                                           .writer = writer,
                                           .iteration = iteration,
                                           .to = to,
                                           .last_block = last_block,
                                           .percent_floor = percent_floor,
                                           .retried = retried,
                                           .lake_bytes = lake_bytes});
  for (const auto& [name, table] : tables) {
    records.emplace_back(
        record::SnapshotTable{.table = name,
                              .source_id = table.source_id,
                              .schema_version = table.schema_version,
                              .schema = table.schema,
                              .format = table.format,
                              .from = table.from,
                              .to = table.to,
                              .rows_estimate = table.rows_estimate,
                              .bytes_estimate = table.bytes_estimate,
                              .state = table.state,
                              .problem = table.problem,
                              .destination_ready = table.destination_ready,
                              .plan_done = table.plan_done,
                              .covered_to = table.covered_to,
                              .blocks_planned = table.blocks_planned,
                              .rows_planned = table.rows_planned,
                              .blocks_finished = table.blocks_finished,
                              .rows_finished = table.rows_finished,
                              .staging_generation = table.staging.generation,
                              .staging_state = std::string(to_string(table.staging.state)),
                              .staging_name = table.staging.name,
                              .staging_create_doubt_until = table.staging.create_doubt_until});
  }
  for (const auto& [id, block] : blocks) records.emplace_back(record::SnapshotBlock{block});
  for (const auto& [key, folder] : folders) {
    records.emplace_back(record::SnapshotFolder{.block = key.first,
                                                .attempt = key.second,
                                                .folder = folder.folder,
                                                .grant_expiry = folder.grant_expiry,
                                                .over = folder.over});
  }
  return records;
}

}  // namespace kc
