// Several extents of one table become one, as a cluster does in the background and by `.merge`: a
// new id, the union of the tags, the oldest and the newest creation time, while each row keeps its
// own ingestion time and cursor. Used by housekeeping and by commands. Thread promise: safe from
// any thread.
#pragma once

#include <functional>
#include <vector>

#include "core/engine/host.h"

namespace kc::engine {

// Called inside the transaction, after the merged extent is in it.
using WithMerged = std::function<Result<void>(CatalogueView&, const Extent&)>;

// All of them or none. Kind conflict, code engine.merge: one is gone, of another table, changed
// meanwhile or still without its cursor; kind invalid for fewer than two.
Result<Extent> merge_extents(Host& host, std::int64_t table, const std::vector<Uuid>& ids,
                             const WithMerged& with_merged);

}  // namespace kc::engine
