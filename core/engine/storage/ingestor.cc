#include "core/engine/storage/ingestor.h"

#include <algorithm>

#include "core/engine/housekeeping.h"
#include "core/engine/query/update_policies.h"
#include "core/engine/storage/extent_writer.h"

namespace kc::engine {
namespace {

Result<bool> already_there(CatalogueView& view, const IngestInput& input) {
  if (input.skip_if_tags.empty()) return false;
  KC_TRY(const auto extents, view.extents(input.table.id));
  return std::any_of(extents.begin(), extents.end(), [&](const Extent& extent) {
    return std::any_of(
        input.skip_if_tags.begin(), input.skip_if_tags.end(), [&](const std::string& tag) {
          return std::find(extent.tags.begin(), extent.tags.end(), tag) != extent.tags.end();
        });
  });
}

}  // namespace

Result<void> stamp_extents(Host& host, CatalogueView& view, const CatalogueTable& table,
                           std::vector<Extent>& extents) {
  KC_TRY(const auto shape, view.shape_of(table.schema.columns));
  KC_TRY(const auto policies, view.policies(table.id));
  const auto policy = policies.find("ingestiontime");
  const bool stamped =
      policy == policies.end() || policy->second.find("false") == std::string::npos;
  std::optional<std::int64_t> cursor, ingested, due;
  if (stamped && !extents.empty()) {
    ingested = host.new_ingestion_time();
    KC_CHECK_OK(view.set_counter("ingestion", *ingested));
    if (const auto lag = host.background().cursor_lag; lag.ticks > 0) {
      due = host.now() + lag.ticks;
      host.housekeeping->cursors_are_late();
    } else {
      KC_TRY(cursor, view.advance_cursor(table.database, host.now()));
    }
  }
  for (auto& extent : extents) {
    extent.shape = shape;
    extent.restamp(ingested, cursor);
    extent.cursor_due = due;
    KC_CHECK_OK(view.add_extent(extent));
  }
  return {};
}

Result<std::vector<Extent>> ingest(Host& host, const IngestInput& input,
                                   const WithExtents& with_extents) {
  KC_TRY(const auto skip,
         host.catalogue->read([&](CatalogueView& view) { return already_there(view, input); }));
  std::vector<Extent> extents;
  ExtentWriter writer(host);
  if (!skip) {
    KC_TRY(extents, writer.write({.select = input.select,
                                  .points = {"ingest.written", "ingest.published"},
                                  .one_file = input.one_extent,
                                  .cancellation = input.cancellation}));
  }
  for (auto& extent : extents) {
    extent.table = input.table.id;
    extent.created_min = extent.created_max = input.creation_time.value_or(host.now());
    extent.tags = input.tags;
  }
  DerivedRows derived(host);
  const std::vector<std::vector<Column>> shapes(extents.size(), input.table.schema.columns);
  KC_CHECK_OK(derived.derive(input.table, extents, shapes));
  std::vector<std::string> replaced;
  const auto checked = host.catalogue->change([&](CatalogueView& view) -> Result<void> {
    // A table dropped since the files were begun is caught here by the catalogue's foreign key.
    if (input.replace) {
      KC_TRY(const auto old, view.extents(input.table.id));
      for (const auto& extent : old) {
        replaced.push_back(extent.file);
        KC_CHECK_OK(view.drop_extent(extent.id));
      }
    }
    KC_CHECK_OK(stamp_extents(host, view, input.table, extents));
    KC_CHECK_OK(derived.add(view));
    KC_CHECK_OK(with_extents(view, extents));
    host.at("ingest.before_commit");
    return {};
  });
  KC_CHECK_OK(checked);
  writer.keep();
  derived.keep();
  host.at("ingest.committed");
  host.files->doom(replaced);
  return extents;
}

}  // namespace kc::engine
