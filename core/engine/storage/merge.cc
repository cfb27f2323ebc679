#include "core/engine/storage/merge.h"

#include <algorithm>
#include <map>

#include "core/engine/storage/binder.h"
#include "core/engine/storage/extent_writer.h"

namespace kc::engine {
namespace {

struct Sources {
  CatalogueTable table;
  std::vector<Extent> extents;
  std::vector<std::vector<Column>> shapes;
  FilePins pins;
};

Failure changed(const std::string& what) {
  return fail(ErrorKind::conflict, "engine.merge", "The extents cannot be merged: " + what + ".");
}

Result<void> read_sources(Host& host, CatalogueView& view, std::int64_t table,
                          const std::vector<Uuid>& ids, Sources& sources) {
  KC_TRY(const auto found, view.table(table));
  if (!found) return changed("the table is gone");
  sources.table = *found;
  std::map<std::int64_t, std::vector<Column>> known;
  std::vector<std::string> files;
  for (const auto& id : ids) {
    KC_TRY(auto extent, view.extent(id));
    if (!extent || extent->table != table) return changed(id.text() + " is not there");
    if (extent->cursor_due) return changed(id.text() + " has no cursor yet");
    if (!known.contains(extent->shape)) {
      KC_TRY(known[extent->shape], view.shape(extent->shape));
    }
    sources.shapes.push_back(known[extent->shape]);
    files.push_back(extent->file);
    sources.extents.push_back(std::move(*extent));
  }
  sources.pins = host.files->pin(std::move(files));
  return {};
}

void lower(std::optional<std::int64_t>& to, const std::optional<std::int64_t>& value) {
  if (value) to = to ? std::min(*to, *value) : *value;
}
void raise(std::optional<std::int64_t>& to, const std::optional<std::int64_t>& value) {
  if (value) to = to ? std::max(*to, *value) : *value;
}

// What the merged extent takes from its sources; the file's own figures come from the writer.
Extent merged_of(const std::vector<Extent>& sources) {
  Extent merged = sources.front();
  const auto same = [&](const Extent& extent) {
    return !extent.own_stamps && extent.ingested == merged.ingested &&
           extent.cursor == merged.cursor;
  };
  const bool own = !std::all_of(sources.begin(), sources.end(), same);
  merged.rows = 0;
  merged.tags.clear();
  merged.ingested_min = merged.cursor_min = std::nullopt;
  for (const auto& extent : sources) {
    merged.rows += extent.rows;
    merged.created_min = std::min(merged.created_min, extent.created_min);
    merged.created_max = std::max(merged.created_max, extent.created_max);
    for (const auto& tag : extent.tags) {
      if (std::find(merged.tags.begin(), merged.tags.end(), tag) == merged.tags.end())
        merged.tags.push_back(tag);
    }
    raise(merged.ingested, extent.ingested);
    raise(merged.cursor, extent.cursor);
    if (!own) continue;
    lower(merged.ingested_min, extent.own_stamps ? extent.ingested_min : extent.ingested);
    lower(merged.cursor_min, extent.own_stamps ? extent.cursor_min : extent.cursor);
  }
  merged.own_stamps = own;
  return merged;
}

std::string select_of(const Sources& sources, const ExtentFiles& files, bool own_stamps) {
  ScanHints hints;
  hints.needs_ingestion_time = hints.needs_cursor = own_stamps;
  std::string columns;
  for (std::size_t i = 0; i < sources.table.schema.columns.size(); ++i)
    columns += (i > 0 ? ", c" : "c") + std::to_string(i);
  if (own_stamps) columns += ", \"$IngestionTime\" AS ti, \"$Cursor\" AS tc";
  return "SELECT " + columns + " FROM " +
         extents_sql(sources.table.schema, sources.extents, sources.shapes, files, hints) +
         " AS merged";
}

// What was read is still what is there: every change of an extent gives it a new id.
Result<void> check_unchanged(CatalogueView& view, const Sources& sources) {
  KC_TRY(const auto table, view.table(sources.table.id));
  if (!table || table->schema.columns != sources.table.schema.columns)
    return changed("the table was altered meanwhile");
  for (const auto& source : sources.extents) {
    KC_TRY(const auto now, view.extent(source.id));
    if (!now || now->table != source.table) return changed(source.id.text() + " is gone");
  }
  return {};
}

}  // namespace

Result<Extent> merge_extents(Host& host, std::int64_t table, const std::vector<Uuid>& ids,
                             const WithMerged& with_merged) {
  if (ids.size() < 2)
    return fail(ErrorKind::invalid, "engine.merge", "A merge needs two extents at least.");
  Sources sources;
  const auto seen = host.catalogue->read(
      [&](CatalogueView& view) { return read_sources(host, view, table, ids, sources); });
  KC_CHECK_OK(seen);
  auto merged = merged_of(sources.extents);
  ExtentWriter writer(host);
  KC_TRY(auto written, writer.write({.select = select_of(sources, *host.files, merged.own_stamps),
                                     .points = {"merge.written", "merge.published"},
                                     .one_file = true}));
  if (written.size() != 1) return changed("they hold no rows");
  merged.id = written.front().id;
  merged.file = written.front().file;
  merged.original_size = written.front().original_size;
  merged.file_size = written.front().file_size;
  const auto checked = host.catalogue->change([&](CatalogueView& view) -> Result<void> {
    KC_CHECK_OK(check_unchanged(view, sources));
    KC_TRY(merged.shape, view.shape_of(sources.table.schema.columns));
    for (const auto& source : sources.extents) KC_CHECK_OK(view.drop_extent(source.id));
    KC_CHECK_OK(view.add_extent(merged));
    KC_CHECK_OK(with_merged(view, merged));
    host.at("merge.before_commit");
    return {};
  });
  KC_CHECK_OK(checked);
  writer.keep();
  host.at("merge.committed");
  std::vector<std::string> files;
  for (const auto& source : sources.extents) files.push_back(source.file);
  host.files->doom(files);
  return merged;
}

}  // namespace kc::engine
