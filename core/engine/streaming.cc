#include "core/engine/streaming.h"

#include <algorithm>
#include <array>
#include <fstream>

#include "core/base/json.h"
#include "core/base/text.h"
#include "core/engine/host.h"
#include "core/engine/syntax/literal.h"

namespace kc::engine {
namespace {

Failure refuse(std::string code, const std::string& what, ErrorKind kind = ErrorKind::invalid) {
  Error error{.kind = kind, .code = "engine.streaming", .message = code + ": " + what};
  error.service_code = std::move(code);
  return fail(std::move(error));
}

Result<std::string> format_of(const StreamIngest& request) {
  static constexpr std::array kFormats{"csv",  "tsv", "tsve", "psv",       "scsv",       "sohsv",
                                       "json", "raw", "txt",  "multijson", "singlejson", "parquet"};
  auto format = lower(request.format);
  if (format.empty())
    return refuse("BadRequest_FormatNotSupported", "The request names no streamFormat.");
  if (std::find(kFormats.begin(), kFormats.end(), format) == kFormats.end()) {
    return refuse("BadRequest_FormatNotSupported",
                  "The format '" + request.format + "' is not supported by streaming ingestion.");
  }
  return format;
}

bool enabled(const Result<DataSet>& shown) {
  if (!shown || shown->tables.empty()) return false;
  const auto rows = decode(shown->tables.front());
  if (!rows) return false;
  const auto& columns = rows->columns;
  const auto at = std::find_if(columns.begin(), columns.end(),
                               [](const Column& column) { return column.name == "Policy"; });
  if (at == columns.end()) return false;
  for (const auto& row : rows->rows) {
    const auto* text =
        std::get_if<std::string>(&row[static_cast<std::size_t>(at - columns.begin())]);
    if (text == nullptr) continue;
    const auto policy = nlohmann::json::parse(*text, nullptr, false);
    if (policy.is_object() && policy.value("IsEnabled", false)) return true;
  }
  return false;
}

// Of the table, or of its database.
Result<void> check_policy(Engine& engine, const StreamIngest& request,
                          const RequestOptions& options) {
  const auto shown = [&](const std::string& of) {
    return engine.command(request.database, ".show " + of + " policy streamingingestion", options);
  };
  const auto table = shown("table " + kql_name(request.table));
  if (!table) return fail(table.error());
  if (enabled(table) || enabled(shown("database " + kql_name(request.database)))) return {};
  return refuse("BadRequest_StreamingIngestionPolicyNotEnabled",
                "Streaming ingestion policy is not enabled for table '" + request.table +
                    "' or its database '" + request.database + "'.");
}

Result<void> write_file(const std::filesystem::path& path, const std::string& data) {
  std::ofstream file(path, std::ios::binary);
  file.write(data.data(), static_cast<std::streamsize>(data.size()));
  file.close();
  if (file) return {};
  return fail(ErrorKind::unavailable, "engine.io", "writing the data of a streaming ingestion");
}

}  // namespace

Result<DataSet> stream_ingest(Engine& engine, const StreamIngest& request,
                              const RequestOptions& options) {
  if (options.read_only) return refuse("Forbidden", "The request is read-only.", ErrorKind::denied);
  KC_TRY(const auto format, format_of(request));
  KC_CHECK_OK(check_policy(engine, request, options));
  if (request.data.size() > kStreamBytesMax) {
    return refuse("Stream_InputStreamTooLarge",
                  "The data has " + std::to_string(request.data.size()) + " bytes, more than the " +
                      std::to_string(kStreamBytesMax) + " of one streaming ingestion.");
  }
  if (!request.source && request.data.empty())
    return refuse("Stream_NoDataToIngest", "The request has no data.");
  KC_TRY(const auto scratch, engine.host().files->scratch("stream-" + engine.new_id().text()));
  std::string source = request.source.value_or("");
  if (!request.source) {
    const auto path = scratch.folder() / ("stream." + format);
    KC_CHECK_OK(write_file(path, request.data));
    source = path.string();
  }
  std::string text = ".ingest into table " + kql_name(request.table) + " (h" + kql_string(source) +
                     ") with (format=" + kql_string(format);
  if (!request.mapping.empty())
    text += ", ingestionMappingReference=" + kql_string(request.mapping);
  return engine.command(request.database, text + ")", options);
}

}  // namespace kc::engine
