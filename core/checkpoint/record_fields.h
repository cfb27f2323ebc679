// The members of every record, named once, for writing and for reading. The structured bindings
// make a member that is added to a record, and not here, fail to compile: the format in FORMAT.md
// changes on purpose only. Used by record_writer.cc and record_codec.cc. Thread promise: none
// needed.
#pragma once

#include "core/model/records.h"

namespace kc {

// V is a visitor: v("name", member) for each member in order; V::Of<T> is `const T&` for a writer,
// `T&` for a reader.

template <class V>
void fields(V& v, typename V::template Of<SlotShare> r) {
  auto& [percent, amount] = r;
  v("percent", percent), v("amount", amount);
}
template <class V>
void fields(V& v, typename V::template Of<JobSpec> r) {
  auto& [id, lake, source, destination, db, destination_db, tables_include, tables_exclude,
         query_slots, export_slots, ingestion_slots, continuous, rpo, backfill_horizon, verbose,
         format, ingest, on_error, block_rows_max, block_bytes_max, max_failures,
         new_ingestion_time] = r;
  v("id", id), v("lake", lake), v("source", source), v("destination", destination), v("db", db);
  v("destination_db", destination_db), v("tables_include", tables_include),
      v("tables_exclude", tables_exclude);
  v("query_slots", query_slots), v("export_slots", export_slots),
      v("ingestion_slots", ingestion_slots);
  v("continuous", continuous), v("rpo", rpo), v("backfill_horizon", backfill_horizon),
      v("verbose", verbose);
  v("format", format), v("ingest", ingest), v("on_error", on_error),
      v("block_rows_max", block_rows_max);
  v("block_bytes_max", block_bytes_max), v("max_failures", max_failures),
      v("new_ingestion_time", new_ingestion_time);
}
template <class V>
void fields(V& v, typename V::template Of<Problem> r) {
  auto& [code, detail, fix, retryable] = r;
  v("code", code), v("detail", detail), v("fix", fix), v("retryable", retryable);
}
template <class V>
void fields(V& v, typename V::template Of<Column> r) {
  auto& [name, type] = r;
  v("name", name), v("type", type);
}
template <class V>
void fields(V& v, typename V::template Of<TableSchema> r) {
  auto& [columns, folder, docstring] = r;
  v("columns", columns), v("folder", folder), v("docstring", docstring);
}
template <class V>
void fields(V& v, typename V::template Of<Slice> r) {
  auto& [index, count] = r;
  v("index", index), v("count", count);
}
template <class V>
void fields(V& v, typename V::template Of<BlockRange> r) {
  auto& [low, high, slice] = r;
  v("low", low), v("high", high), v("slice", slice);
}
template <class V>
void fields(V& v, typename V::template Of<ExportedBlob> r) {
  auto& [path, rows, bytes] = r;
  v("path", path), v("rows", rows), v("bytes", bytes);
}
template <class V>
void fields(V& v, typename V::template Of<StagedExtent> r) {
  auto& [id, rows] = r;
  v("id", id), v("rows", rows);
}
template <class V>
void fields(V& v, typename V::template Of<Block> r) {
  auto& [id, table, iteration, range, rows, state, furthest, failed_from, export_attempt,
         ingest_attempt, folder, blobs, tag, queued, extents, operation, revoking,
         tag_at_destination, recounted, failures, problem] = r;
  v("id", id), v("table", table), v("iteration", iteration), v("range", range), v("rows", rows),
      v("state", state);
  v("furthest", furthest), v("failed_from", failed_from), v("export_attempt", export_attempt);
  v("ingest_attempt", ingest_attempt), v("folder", folder), v("blobs", blobs), v("tag", tag),
      v("queued", queued), v("extents", extents);
  v("operation", operation), v("revoking", revoking), v("tag_at_destination", tag_at_destination);
  v("recounted", recounted), v("failures", failures), v("problem", problem);
}

// The records. Those of one shape share a line; names on the wire are the names of the members.
#define KC_RECORD(type, bindings, ...)                         \
  template <class V>                                           \
  void fields(V& v, typename V::template Of<record::type> r) { \
    auto& bindings = r;                                        \
    __VA_ARGS__;                                               \
  }
#define KC_LIST(...) [__VA_ARGS__]
#define KC_F(name) v(#name, name)

KC_RECORD(JobCreated, KC_LIST(spec, uid, at), KC_F(spec), KC_F(uid), KC_F(at))
KC_RECORD(Takeover, KC_LIST(epoch, writer, at), KC_F(epoch), KC_F(writer), KC_F(at))
KC_RECORD(IterationStarted, KC_LIST(iteration, to, at), KC_F(iteration), KC_F(to), KC_F(at))
KC_RECORD(TableStarted,
          KC_LIST(table, source_id, schema_version, schema, format, from, to, rows_estimate,
                  bytes_estimate),
          KC_F(table), KC_F(source_id), KC_F(schema_version), KC_F(schema), KC_F(format),
          KC_F(from), KC_F(to), KC_F(rows_estimate), KC_F(bytes_estimate))
KC_RECORD(DestinationReady, KC_LIST(table), KC_F(table))
KC_RECORD(Planned, KC_LIST(block, table, range, rows, covers), KC_F(block), KC_F(table),
          KC_F(range), KC_F(rows), KC_F(covers))
KC_RECORD(PlanDone, KC_LIST(table), KC_F(table))
KC_RECORD(ExportIntended, KC_LIST(block, attempt, folder, grant_expiry), KC_F(block), KC_F(attempt),
          KC_F(folder), KC_F(grant_expiry))
KC_RECORD(ExportStarted, KC_LIST(block, attempt, operation), KC_F(block), KC_F(attempt),
          KC_F(operation))
KC_RECORD(Exported, KC_LIST(block, attempt, blobs, rows), KC_F(block), KC_F(attempt), KC_F(blobs),
          KC_F(rows))
KC_RECORD(ExportEnded, KC_LIST(block, attempt, over, counted, problem), KC_F(block), KC_F(attempt),
          KC_F(over), KC_F(counted), KC_F(problem))
KC_RECORD(SourceShrunk, KC_LIST(block, planned, rows), KC_F(block), KC_F(planned), KC_F(rows))
KC_RECORD(FolderClosed, KC_LIST(block, attempt), KC_F(block), KC_F(attempt))
KC_RECORD(StagingIntended, KC_LIST(table, generation, name), KC_F(table), KC_F(generation),
          KC_F(name))
KC_RECORD(StagingReady, KC_LIST(table, generation, create_doubt_until), KC_F(table),
          KC_F(generation), KC_F(create_doubt_until))
KC_RECORD(StagingDropIntended, KC_LIST(table, generation, create_doubt_until), KC_F(table),
          KC_F(generation), KC_F(create_doubt_until))
KC_RECORD(StagingDropped, KC_LIST(table, generation), KC_F(table), KC_F(generation))
KC_RECORD(IngestIntended, KC_LIST(block, attempt, tag, queued), KC_F(block), KC_F(attempt),
          KC_F(tag), KC_F(queued))
KC_RECORD(IngestStarted, KC_LIST(block, attempt, operation), KC_F(block), KC_F(attempt),
          KC_F(operation))
KC_RECORD(IngestEnded, KC_LIST(block, attempt, counted, problem), KC_F(block), KC_F(attempt),
          KC_F(counted), KC_F(problem))
KC_RECORD(Staged, KC_LIST(block, attempt, extents, rows), KC_F(block), KC_F(attempt), KC_F(extents),
          KC_F(rows))
KC_RECORD(MoveIntended, KC_LIST(block, extents, rows), KC_F(block), KC_F(extents), KC_F(rows))
KC_RECORD(MoveStarted, KC_LIST(block, operation), KC_F(block), KC_F(operation))
KC_RECORD(Moved, KC_LIST(block, rows), KC_F(block), KC_F(rows))
KC_RECORD(RevokeIntended, KC_LIST(block), KC_F(block))
KC_RECORD(Revoked, KC_LIST(block), KC_F(block))
KC_RECORD(Verified, KC_LIST(block, rows), KC_F(block), KC_F(rows))
KC_RECORD(TagsDropped, KC_LIST(blocks), KC_F(blocks))
KC_RECORD(BlockFailed, KC_LIST(block, problem), KC_F(block), KC_F(problem))
KC_RECORD(BlockRetried, KC_LIST(block), KC_F(block))
KC_RECORD(TableDone, KC_LIST(table), KC_F(table))
KC_RECORD(TableFailed, KC_LIST(table, problem), KC_F(table), KC_F(problem))
KC_RECORD(CancelRequested, KC_LIST(at), KC_F(at))
KC_RECORD(JobResumed, KC_LIST(spec, at), KC_F(spec), KC_F(at))
KC_RECORD(JobEnded, KC_LIST(state, problem, at), KC_F(state), KC_F(problem), KC_F(at))
KC_RECORD(SnapshotJob,
          KC_LIST(spec, uid, created_at, state, problem, ended_at, epoch, writer, iteration, to,
                  last_block, percent_floor, retried, lake_bytes),
          KC_F(spec), KC_F(uid), KC_F(created_at), KC_F(state), KC_F(problem), KC_F(ended_at),
          KC_F(epoch), KC_F(writer), KC_F(iteration), KC_F(to), KC_F(last_block),
          KC_F(percent_floor), KC_F(retried), KC_F(lake_bytes))
KC_RECORD(SnapshotTable,
          KC_LIST(table, source_id, schema_version, schema, format, from, to, rows_estimate,
                  bytes_estimate, state, problem, destination_ready, plan_done, covered_to,
                  blocks_planned, rows_planned, blocks_finished, rows_finished, staging_generation,
                  staging_state, staging_name, staging_create_doubt_until),
          KC_F(table), KC_F(source_id), KC_F(schema_version), KC_F(schema), KC_F(format),
          KC_F(from), KC_F(to), KC_F(rows_estimate), KC_F(bytes_estimate), KC_F(state),
          KC_F(problem), KC_F(destination_ready), KC_F(plan_done), KC_F(covered_to),
          KC_F(blocks_planned), KC_F(rows_planned), KC_F(blocks_finished), KC_F(rows_finished),
          KC_F(staging_generation), KC_F(staging_state), KC_F(staging_name),
          KC_F(staging_create_doubt_until))
KC_RECORD(SnapshotBlock, KC_LIST(block), KC_F(block))
KC_RECORD(SnapshotFolder, KC_LIST(block, attempt, folder, grant_expiry, over), KC_F(block),
          KC_F(attempt), KC_F(folder), KC_F(grant_expiry), KC_F(over))

#undef KC_F
#undef KC_LIST
#undef KC_RECORD

}  // namespace kc
