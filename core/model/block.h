// A block: a bounded piece of one table copy, its states and the one table of legal edges between
// them (copy protocol, "Words"). Used by the journal's fold and the pipeline. Thread promise:
// values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/ids.h"
#include "core/base/ticks.h"
#include "core/model/job.h"

namespace kc {

using BlockId = std::int64_t;  // unique within its job, counted from 1

enum class BlockState {
  planned,
  exporting,
  exported,
  ingesting,
  staged,
  moving,
  moved,
  verified,
  failed,
  superseded,
  mismatched
};
inline constexpr int kBlockStates = 11;
std::string_view to_string(BlockState state);
std::optional<BlockState> parse_block_state(std::string_view word);

// The only place that knows which changes of state are legal. A retry takes `failed` back to where
// it failed, which the fold checks on top of this.
bool can_move(BlockState from, BlockState to);

// Part of the rows of a range by a hash of their canonical text; count 1 means all of them.
struct Slice {
  std::int64_t index = 0;  // 0 <= index < count
  std::int64_t count = 1;
  friend bool operator==(const Slice&, const Slice&) = default;
};

// Half-open [low, high) in ingestion time; nullopt is the infinity of that side.
struct BlockRange {
  std::optional<Ticks> low, high;
  Slice slice;
  friend bool operator==(const BlockRange&, const BlockRange&) = default;
};

// How many rows carry one ingestion time.
struct InstantRows {
  Ticks at;
  std::int64_t rows = 0;
};

struct ExportedBlob {
  std::string path;  // as the cluster gives it, without credentials
  std::int64_t rows = 0;
  std::int64_t bytes = 0;
  friend bool operator==(const ExportedBlob&, const ExportedBlob&) = default;
};

struct StagedExtent {
  Uuid id;
  std::int64_t rows = 0;
  friend bool operator==(const StagedExtent&, const StagedExtent&) = default;
};

struct Block {
  BlockId id = 0;
  TableName table;
  std::int64_t iteration = 0;
  BlockRange range;
  std::int64_t rows = 0;  // planned, later what the export's snapshot held
  BlockState state = BlockState::planned;
  BlockState furthest =
      BlockState::planned;  // the most advanced state ever reached: progress never falls
  BlockState failed_from = BlockState::planned;  // only while failed
  int export_attempt = 0;                        // e<n>: the newest; 0 before the first
  int ingest_attempt = 0;                        // i<n>
  std::string folder;  // of the newest export attempt, relative to the lake
  std::vector<ExportedBlob> blobs;
  std::string tag;             // of the newest ingest attempt
  std::optional<Uuid> queued;  // its id, where it is a queued ingestion
  std::vector<StagedExtent> extents;
  std::optional<Uuid> operation;  // the running remote operation of `state`, where its id is known
  bool revoking = false;          // a revoke is committed and not yet settled; only while moving
  bool tag_at_destination = false;  // moved, and the tag not yet dropped
  bool recounted = false;  // the source was found to have shrunk: `rows` is the second count
  int failures = 0;        // classified failures only
  std::optional<Problem> problem;
  friend bool operator==(const Block&, const Block&) = default;
};

}  // namespace kc
