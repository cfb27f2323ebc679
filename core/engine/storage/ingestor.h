// Turns the rows of a SELECT into extents of a table: Parquet files written by all threads at once,
// made durable, then made visible in one transaction together with whatever else belongs to it.
// Used by every kind of ingestion and by the samples. Thread promise: safe from any thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/engine/host.h"

namespace kc::engine {

struct IngestInput {
  CatalogueTable table;
  std::string select;  // the table's columns in order, as c0, c1, … of the physical types
  std::vector<std::string> tags;
  std::optional<std::int64_t> creation_time;  // ticks
  std::vector<std::string> skip_if_tags;  // nothing happens where an extent carries one of these
  bool replace = false;                   // what the table held before goes in the same transaction
  bool one_extent = false;                // else one per thread that met rows
  Cancellation cancellation = nullptr;
};

// Called inside the transaction, after the extents are in it.
using WithExtents = std::function<Result<void>(CatalogueView&, const std::vector<Extent>&)>;

// Adds the extents with the table's shape and, where its policy is on, their ingestion time and
// cursor.
Result<void> stamp_extents(Host& host, CatalogueView& view, const CatalogueTable& table,
                           std::vector<Extent>& extents);

Result<std::vector<Extent>> ingest(Host& host, const IngestInput& input,
                                   const WithExtents& with_extents);

}  // namespace kc::engine
