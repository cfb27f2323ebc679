// `.export [async] [compressed] to csv|tsv|json|parquet (…) [with (…)] <| query`.
#include <algorithm>
#include <charconv>
#include <filesystem>

#include "core/base/text.h"
#include "core/engine/commands/command.h"
#include "core/engine/commands/places.h"
#include "core/engine/files/blob_store.h"
#include "core/engine/formats/text_writer.h"
#include "core/engine/query/run.h"
#include "core/net/curl_transport.h"

namespace kc::engine {
namespace fs = std::filesystem;
namespace {

struct ExportPlan {
  std::string format;  // csv, tsv, json, parquet
  bool compressed = false;
  std::vector<Place> folders;
  std::vector<std::string> blobs;  // instead: addresses in storage accounts
  std::string prefix = "export";
  std::string extension;
  std::string codec;
  std::string headers = "none";
  bool mark = false;
  bool single = false;
  bool milliseconds = true;
  std::int64_t size_limit = 100'000'000;
  std::int64_t row_group = 100'000;
};

Result<std::int64_t> number(const std::string& name, const std::string& text) {
  std::int64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code == std::errc() && end == text.data() + text.size() && value > 0) return value;
  return bad_request("The export property '" + name + "' is no positive number.");
}

Result<void> apply(ExportPlan& plan, const std::string& name, const std::string& value) {
  const auto refuse = [&]() -> Result<void> {
    return bad_request("The export property '" + name + "' cannot be '" + value + "'.");
  };
  const auto flag = [&]() -> Result<bool> {
    if (value == "true" || value == "True") return true;
    if (value == "false" || value == "False") return false;
    return bad_request("The export property '" + name + "' cannot be '" + value + "'.");
  };
  if (name == "nameprefix") {
    if (value.find("..") != std::string::npos || value.starts_with('/')) return refuse();
    plan.prefix = value;
  } else if (name == "distributed") {
    KC_TRY(const bool distributed, flag());
    plan.single = plan.single || !distributed;
  } else if (name == "persistdetails" || name == "usenativeparquetwriter") {
    KC_TRY(const bool given, flag());
    (void)given;
  } else if (name == "fileextension")
    plan.extension = value;
  else if (name == "compressiontype")
    plan.codec = value;
  else if (name == "includeheaders")
    plan.headers = value;
  else if (name == "encoding") {
    if (value != "UTF8NoBOM" && value != "UTF8BOM") return refuse();
    plan.mark = value == "UTF8BOM";
  } else if (name == "distribution") {
    if (value != "single" && value != "per_node" && value != "per_shard") return refuse();
    plan.single = value == "single";
  } else if (name == "parquetdatetimeprecision") {
    if (value != "millisecond" && value != "microsecond") return refuse();
    plan.milliseconds = value == "millisecond";
  } else if (name == "sizelimit") {
    KC_TRY(plan.size_limit, number(name, value));
  } else if (name == "parquetrowgroupsize") {
    KC_TRY(plan.row_group, number(name, value));
  } else {
    return bad_request("The export property '" + name + "' is not supported.");
  }
  return {};
}

Result<void> check(ExportPlan& plan) {
  static const std::vector<std::string> kCodecs = {"gzip", "snappy", "lz4_raw", "brotli", "zstd"};
  if (plan.headers != "none" && plan.headers != "all" && plan.headers != "firstFile") {
    return bad_request("The export property 'includeHeaders' cannot be '" + plan.headers + "'.");
  }
  if (plan.format == "parquet") {
    if (plan.codec.empty()) plan.codec = "snappy";
    if (std::find(kCodecs.begin(), kCodecs.end(), plan.codec) == kCodecs.end()) {
      return bad_request("The export property 'compressionType' cannot be '" + plan.codec + "'.");
    }
    if (plan.extension.empty()) plan.extension = "." + plan.codec + ".parquet";
    return {};
  }
  if (!plan.codec.empty() && plan.codec != "gzip")
    return bad_request("Text is compressed by 'gzip' only.");
  if (plan.extension.find('/') != std::string::npos)
    return bad_request("The export property 'fileExtension' cannot hold '/'.");
  if (plan.extension.empty()) plan.extension = "." + plan.format;
  if (plan.compressed) plan.extension += ".gz";
  return {};
}

std::string hex32(Host& host) {
  auto text = host.new_id().text();
  std::erase(text, '-');
  return text;
}

std::string artifact_path(Host& host, const ExportPlan& plan, int ordinal) {
  const auto& folder = plan.folders[static_cast<std::size_t>(ordinal - 1) % plan.folders.size()];
  return folder.path + "/" + plan.prefix + "_" + std::to_string(ordinal) + "_" + hex32(host) +
         plan.extension;
}

// What Parquet can carry of a column, as the protocol documents it.
std::string parquet_column(const Column& column, const std::string& from, bool milliseconds) {
  switch (column.type) {
    case ScalarType::datetime_:
      return milliseconds ? "make_timestamp((" + from + " // 10000) * 1000 - 62135596800000000)"
                          : "make_timestamp(" + from + " // 10 - 62135596800000000)";
    case ScalarType::guid_:
      return "CAST(" + from + " AS VARCHAR)";
    // Beyond 20 digits before the point a decimal becomes null, beyond 18 behind it is rounded.
    case ScalarType::decimal_:
      return "TRY_CAST(" + from + " AS DECIMAL(38, 18))";
    default:
      return from;
  }
}

Result<std::string> parquet_select(const Translated& query, bool milliseconds) {
  std::string names, columns;
  std::vector<std::string> seen;
  for (std::size_t i = 0; i < query.columns.size(); ++i) {
    const auto& column = query.columns[i];
    auto folded = lower(column.name);
    if (std::find(seen.begin(), seen.end(), folded) != seen.end()) {
      return bad_request("Columns that differ only by case cannot be written as Parquet: '" +
                         column.name + "'.");
    }
    seen.push_back(std::move(folded));
    const auto from = "c" + std::to_string(i);
    names += (i > 0 ? ", " : "") + from;
    columns += (i > 0 ? ", " : "") +
               parquet_column({column.name, column.type}, from, milliseconds) + " AS " +
               sql_name(column.name);
  }
  return "SELECT " + columns + " FROM (" + query.sql + ") AS rows(" + names + ")";
}

Result<std::vector<Artifact>> read_stats(DuckResult& result) {
  std::vector<Artifact> files;
  for (;;) {
    KC_TRY(auto chunk, result.next());
    if (!chunk || chunk.rows() == 0) return files;
    const auto column = [&](idx_t index) {
      return duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk.get(), index));
    };
    for (idx_t row = 0; row < chunk.rows(); ++row) {
      files.push_back({std::string(string_cell(static_cast<duckdb_string_t*>(column(0)), row)),
                       static_cast<std::int64_t>(static_cast<std::uint64_t*>(column(1))[row]),
                       static_cast<std::int64_t>(static_cast<std::uint64_t*>(column(2))[row])});
    }
  }
}

// Written into a folder inside the target, which is made by one mkdir and so only where the target
// is there.
Result<std::vector<Artifact>> write_parquet(Host& host, const ExportPlan& plan,
                                            const Translated& query) {
  KC_TRY(const auto select, parquet_select(query, plan.milliseconds));
  const fs::path work = plan.folders.front().path + "/" + hex32(host) + ".unfinished";
  std::error_code error;
  fs::create_directory(work, error);
  if (error)
    return fail(ErrorKind::unavailable, "engine.export",
                "writing to " + plan.folders.front().path + ": " + error.message());
  const Scratch scratch(work);
  KC_TRY(auto lease, host.duck->connect());
  KC_TRY(auto result, lease.run("COPY (" + select + ") TO " + sql_string(work.string()) +
                                " (FORMAT parquet, COMPRESSION " + plan.codec +
                                ", ROW_GROUP_SIZE " + std::to_string(plan.row_group) +
                                (plan.single ? "" : ", PER_THREAD_OUTPUT true") +
                                ", FILE_SIZE_BYTES " + std::to_string(plan.size_limit) +
                                ", OVERWRITE_OR_IGNORE true, RETURN_STATS true)"));
  KC_TRY(auto written, read_stats(result));
  std::vector<Artifact> files;
  for (auto& file : written) {
    if (file.rows == 0) continue;
    const auto path = artifact_path(host, plan, static_cast<int>(files.size()) + 1);
    KC_CHECK_OK(sync_file(file.path));
    fs::rename(file.path, path, error);
    if (error)
      return fail(ErrorKind::unavailable, "engine.export",
                  "writing " + path + ": " + error.message());
    files.push_back({path, file.rows, file.bytes});
  }
  return files;
}

Result<std::vector<Artifact>> write_text_files(Host& host, const ExportPlan& plan,
                                               const Translated& query) {
  TextExport text;
  text.json = plan.format == "json";
  if (plan.format == "tsv") text.separator = '\t';
  text.compressed = plan.compressed;
  text.headers_in_all = plan.headers == "all";
  text.headers_in_first = plan.headers == "firstFile";
  text.mark = plan.mark;
  text.size_limit = plan.size_limit;
  text.threads = plan.single ? 1 : host.options.threads;
  text.columns = columns_of(query);
  text.path_of = [&](int ordinal) { return artifact_path(host, plan, ordinal); };
  KC_TRY(auto lease, host.duck->connect());
  KC_TRY(auto rows, lease.stream(query.sql));
  return write_text(rows, text);
}

RowTable artifact_table() {
  return {{{"Path", ScalarType::string_},
           {"NumRecords", ScalarType::long_},
           {"SizeInBytes", ScalarType::long_}},
          {}};
}

// Written into a folder of this engine, then put into the containers in turn. What was put stays
// where a later one fails.
Result<ResultTable> run_blob_export(Host& host, const ExportPlan& plan, const Translated& query) {
  KC_TRY(const auto scratch, host.files->scratch("export_" + hex32(host)));
  auto local = plan;
  local.folders = {{scratch.folder().string(), {}}};
  std::error_code error;
  fs::create_directories(fs::path(local.folders.front().path + "/" + plan.prefix).parent_path(),
                         error);
  host.at("export.begun");
  KC_TRY(const auto files, plan.format == "parquet" ? write_parquet(host, local, query)
                                                    : write_text_files(host, local, query));
  net::CurlTransport transport;
  const SystemClock clock;  // the account's time is real
  BlobStore store(transport, clock);
  auto table = artifact_table();
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto name = fs::path(files[i].path).lexically_relative(scratch.folder()).string();
    KC_TRY(const auto url, store.upload(files[i].path, plan.blobs[i % plan.blobs.size()], name));
    table.rows.push_back({text_value(url), files[i].rows, files[i].bytes});
  }
  host.at("export.written");
  return encode(table);
}

Result<ResultTable> run_export(Host& host, const ExportPlan& plan, const Translated& query) {
  if (!plan.blobs.empty()) return run_blob_export(host, plan, query);
  for (const auto& folder : plan.folders) {
    std::error_code error;
    if (!fs::is_directory(folder.path, error)) {
      return fail(ErrorKind::not_found, "engine.export",
                  "The folder " + folder.path + " is not there; an export makes none.");
    }
    // A prefix such as `run7/part` names a folder inside, as it would inside a container.
    const auto inside = fs::path(folder.path + "/" + plan.prefix).parent_path();
    fs::create_directories(inside, error);
    if (error)
      return fail(ErrorKind::unavailable, "engine.export",
                  "writing to " + inside.string() + ": " + error.message());
  }
  host.at("export.begun");
  KC_TRY(const auto files, plan.format == "parquet" ? write_parquet(host, plan, query)
                                                    : write_text_files(host, plan, query));
  for (const auto& folder : plan.folders) KC_CHECK_OK(sync_file(folder.path));
  host.at("export.written");
  auto table = artifact_table();
  for (std::size_t i = 0; i < files.size(); ++i) {
    table.rows.push_back(
        {text_value(address_of(plan.folders[i % plan.folders.size()], files[i].path)),
         files[i].rows, files[i].bytes});
  }
  return encode(table);
}

}  // namespace

Answer export_data(Command& command) {
  auto& tokens = command.tokens;
  const bool async = tokens.accept_word("async");
  ExportPlan plan;
  plan.compressed = tokens.accept_word("compressed");
  KC_CHECK_OK(tokens.expect_word("to"));
  plan.format = tokens.peek().text;
  static const std::vector<std::string> kFormats = {"csv", "tsv", "json", "parquet"};
  if (std::find(kFormats.begin(), kFormats.end(), plan.format) == kFormats.end()) {
    return unsupported(command, "export to '" + plan.format + "'");
  }
  tokens.take();
  KC_TRY(const auto addresses, parse_strings(command));
  for (const auto& address : addresses) {
    if (is_blob_address(address)) {
      KC_CHECK_OK(check_blob_address(address));
      plan.blobs.push_back(address);
      continue;
    }
    KC_TRY(auto place, parse_place(address));
    plan.folders.push_back(std::move(place));
  }
  if (!plan.blobs.empty() && !plan.folders.empty())
    return bad_request("An export goes to folders or to storage accounts, not to both.");
  KC_TRY(const auto properties, parse_properties(command));
  for (const auto& [name, value] : properties) KC_CHECK_OK(apply(plan, name, value));
  KC_CHECK_OK(check(plan));
  KC_CHECK_OK(tokens.expect("<|"));
  // Bound now: errors of the query are the caller's at once, and the rows are those of this moment.
  auto bound = bind_query(command.session, tokens.rest());
  if (!bound) return fail(std::move(bound).error());
  auto query = std::make_shared<BoundQuery>(std::move(*bound));
  while (!tokens.at_end() && !tokens.failure()) tokens.take();
  auto& host = command.host();
  return run_or_start(command, async, &host.exports, "CapacityPolicy/Export",
                      [&host, plan, query](Execution&) -> Result<ResultTable> {
                        return run_export(host, plan, query->translated.results.front());
                      });
}

}  // namespace kc::engine
