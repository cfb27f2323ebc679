#include "core/engine/storage/ingestor.h"

#include <algorithm>
#include <map>

namespace kc::engine {
namespace {

// Files that are in place but not yet in the catalogue: gone again unless the transaction keeps
// them.
class Published {
 public:
  explicit Published(ExtentFiles& files) : files_(files) {}
  Published(const Published&) = delete;
  Published& operator=(const Published&) = delete;
  ~Published() { files_.doom(names_); }
  void add(std::vector<std::string> names) { names_ = std::move(names); }
  void keep() { names_.clear(); }

 private:
  ExtentFiles& files_;
  std::vector<std::string> names_;
};

struct Written {
  std::string path;
  std::int64_t rows = 0, bytes = 0, original = 0;
};

std::string compact(const Uuid& id) {
  auto text = id.text();
  std::erase(text, '-');
  return text;
}

Result<void> add_original_sizes(Lease& lease, std::vector<Written>& files) {
  std::string list;
  for (const auto& file : files) list += (list.empty() ? "" : ", ") + sql_string(file.path);
  KC_TRY(
      auto result,
      lease.run(
          "SELECT file_name, CAST(sum(total_uncompressed_size) AS BIGINT) FROM parquet_metadata([" +
          list + "]) GROUP BY 1"));
  for (;;) {
    KC_TRY(auto chunk, result.next());
    if (!chunk || chunk.rows() == 0) return {};
    const auto* names = static_cast<duckdb_string_t*>(
        duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk.get(), 0)));
    const auto* sizes = static_cast<std::int64_t*>(
        duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk.get(), 1)));
    for (idx_t row = 0; row < chunk.rows(); ++row) {
      for (auto& file : files) {
        if (file.path == string_cell(names, row)) file.original = sizes[row];
      }
    }
  }
}

Result<std::vector<Written>> write_files(Host& host, const std::string& select,
                                         const std::string& folder) {
  KC_TRY(auto lease, host.duck->connect());
  KC_TRY(auto result, lease.run("COPY (" + select + ") TO " + sql_string(folder) +
                                " (FORMAT parquet, COMPRESSION snappy, PER_THREAD_OUTPUT true, "
                                "OVERWRITE_OR_IGNORE true, RETURN_STATS true)"));
  std::vector<Written> files;
  for (;;) {
    KC_TRY(auto chunk, result.next());
    if (!chunk || chunk.rows() == 0) break;
    const auto column = [&](idx_t index) {
      return duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk.get(), index));
    };
    for (idx_t row = 0; row < chunk.rows(); ++row) {
      Written file;
      file.path = string_cell(static_cast<duckdb_string_t*>(column(0)), row);
      file.rows = static_cast<std::int64_t>(static_cast<std::uint64_t*>(column(1))[row]);
      file.bytes = static_cast<std::int64_t>(static_cast<std::uint64_t*>(column(2))[row]);
      if (file.rows > 0) files.push_back(std::move(file));
    }
  }
  if (!files.empty()) KC_CHECK_OK(add_original_sizes(lease, files));
  return files;
}

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

Result<void> stamp(Host& host, CatalogueView& view, const IngestInput& input,
                   std::vector<Extent>& extents) {
  KC_TRY(const auto shape, view.shape_of(input.table.schema.columns));
  KC_TRY(const auto policies, view.policies(input.table.id));
  const auto policy = policies.find("ingestiontime");
  const bool stamped =
      policy == policies.end() || policy->second.find("false") == std::string::npos;
  std::optional<std::int64_t> cursor, ingested;
  if (stamped && !extents.empty()) {
    ingested = host.new_ingestion_time();
    KC_CHECK_OK(view.set_counter("ingestion", *ingested));
    KC_TRY(cursor, view.advance_cursor(input.table.database, host.now()));
  }
  for (auto& extent : extents) {
    extent.shape = shape;
    extent.ingested = ingested;
    extent.cursor = cursor;
    KC_CHECK_OK(view.add_extent(extent));
  }
  return {};
}

}  // namespace

Result<std::vector<Extent>> ingest(Host& host, const IngestInput& input,
                                   const WithExtents& with_extents) {
  KC_TRY(const auto skip,
         host.catalogue->read([&](CatalogueView& view) { return already_there(view, input); }));
  std::vector<Extent> extents;
  Published published(*host.files);
  if (!skip) {
    KC_TRY(auto scratch, host.files->scratch(compact(host.new_id())));
    const auto folder = (scratch.folder() / "out").string();
    KC_TRY(const auto files, write_files(host, input.select, folder));
    host.at("ingest.written");
    std::vector<ExtentFiles::Publication> moves;
    std::vector<std::string> names;
    for (const auto& file : files) {
      Extent extent;
      extent.id = host.new_id();
      extent.table = input.table.id;
      extent.file = compact(extent.id) + ".parquet";
      extent.rows = file.rows;
      extent.original_size = file.original;
      extent.file_size = file.bytes;
      extent.created_min = extent.created_max = input.creation_time.value_or(host.now());
      extent.tags = input.tags;
      moves.push_back({file.path, extent.file});
      names.push_back(extent.file);
      extents.push_back(std::move(extent));
    }
    published.add(std::move(names));
    KC_CHECK_OK(host.files->publish(moves));
    host.at("ingest.published");
  }
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
    KC_CHECK_OK(stamp(host, view, input, extents));
    KC_CHECK_OK(with_extents(view, extents));
    host.at("ingest.before_commit");
    return {};
  });
  KC_CHECK_OK(checked);
  published.keep();
  host.at("ingest.committed");
  host.files->doom(replaced);
  return extents;
}

}  // namespace kc::engine
