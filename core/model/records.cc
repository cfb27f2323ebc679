#include "core/model/records.h"

#include <array>

namespace kc {

std::string_view type_word(const Record& record) {
  // In the order of the variant's alternatives.
  static constexpr std::array<std::string_view, std::variant_size_v<Record>> kWords{
      "job_created",
      "takeover",
      "iteration_started",
      "table_started",
      "destination_ready",
      "planned",
      "plan_done",
      "export_intended",
      "export_started",
      "exported",
      "export_ended",
      "source_shrunk",
      "folder_closed",
      "staging_intended",
      "staging_ready",
      "staging_drop_intended",
      "staging_dropped",
      "ingest_intended",
      "ingest_started",
      "ingest_ended",
      "staged",
      "move_intended",
      "move_started",
      "moved",
      "revoke_intended",
      "revoked",
      "verified",
      "tags_dropped",
      "block_failed",
      "block_retried",
      "table_done",
      "table_failed",
      "cancel_requested",
      "job_resumed",
      "job_ended",
      "snapshot_job",
      "snapshot_table",
      "snapshot_block",
      "snapshot_folder"};
  return kWords[record.index()];
}

}  // namespace kc
