#include "core/engine/storage/extent_writer.h"

namespace kc::engine {
namespace {

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

Result<std::vector<Written>> write_files(Host& host, const WriteInput& input,
                                         const std::string& folder) {
  KC_TRY(auto lease, host.duck->connect());
  std::optional<Deadlines::Watch> watch;
  if (input.cancellation)
    watch.emplace(host.deadlines.watch(
        kTimeoutMax, [connection = lease.get()] { duckdb_interrupt(connection); },
        input.cancellation));
  KC_TRY(auto result, lease.run("COPY (" + input.select + ") TO " + sql_string(folder) +
                                " (FORMAT parquet, COMPRESSION snappy, " +
                                (input.one_file ? "" : "PER_THREAD_OUTPUT true, ") +
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

}  // namespace

Result<std::vector<Extent>> ExtentWriter::write(const WriteInput& input) {
  KC_TRY(auto scratch, host_.files->scratch(compact(host_.new_id())));
  const auto folder = (scratch.folder() / "out").string();
  KC_TRY(const auto files, write_files(host_, input, folder));
  host_.at(input.points.written);
  std::vector<Extent> extents;
  std::vector<ExtentFiles::Publication> moves;
  for (const auto& file : files) {
    Extent extent;
    extent.id = host_.new_id();
    extent.file = compact(extent.id) + ".parquet";
    extent.rows = file.rows;
    extent.original_size = file.original;
    extent.file_size = file.bytes;
    moves.push_back({file.path, extent.file});
    files_.push_back(extent.file);
    extents.push_back(std::move(extent));
  }
  KC_CHECK_OK(host_.files->publish(moves));
  host_.at(input.points.published);
  return extents;
}

}  // namespace kc::engine
