#include "core/engine/storage/duck.h"

#include <algorithm>

namespace kc::engine {
namespace {

Failure failure_of(std::string message) {
  ErrorKind kind = ErrorKind::invalid;
  std::string code = "engine.query";
  if (message.starts_with("Out of Memory")) {
    kind = ErrorKind::throttled;
    code = "engine.memory";
  } else if (message.starts_with("IO Error")) {
    kind = ErrorKind::unavailable;
    code = "engine.io";
  } else if (message.starts_with("INTERRUPT")) {
    kind = ErrorKind::cancelled;
    code = "engine.closed";
  }
  return fail(kind, std::move(code), std::move(message));
}

std::string text_of(const char* text) { return text != nullptr ? text : "unknown fault"; }

std::string quoted(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    if (c == quote) out += c;
    out += c;
  }
  return out += quote;
}

}  // namespace

std::string sql_string(std::string_view text) {
  // A NUL cannot travel inside the text of a statement.
  if (text.find('\0') == std::string_view::npos) return quoted(text, '\'');
  std::string out = "(";
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\0', at), text.size());
    if (at > 0) out += " || chr(0) || ";
    out += quoted(text.substr(at, end - at), '\'');
    at = end + 1;
  }
  return out + ")";
}
std::string sql_name(std::string_view name) { return quoted(name, '"'); }

Result<DuckChunk> DuckResult::next() {
  DuckChunk chunk(duckdb_fetch_chunk(result_));
  if (!chunk) {
    if (const char* error = duckdb_result_error(&result_); error != nullptr && *error != '\0') {
      return failure_of(error);
    }
  }
  return chunk;
}

Lease::~Lease() {
  if (connection_ != nullptr) owner_->give_back(connection_);
}

Result<DuckResult> Lease::run(const std::string& sql) {
  duckdb_result result;
  if (duckdb_query(connection_, sql.c_str(), &result) != DuckDBSuccess) {
    auto failure = failure_of(text_of(duckdb_result_error(&result)));
    duckdb_destroy_result(&result);
    return failure;
  }
  return DuckResult(result);
}

Result<DuckResult> Lease::stream(const std::string& sql) {
  duckdb_prepared_statement statement = nullptr;
  if (duckdb_prepare(connection_, sql.c_str(), &statement) != DuckDBSuccess) {
    auto failure = failure_of(text_of(duckdb_prepare_error(statement)));
    duckdb_destroy_prepare(&statement);
    return failure;
  }
  duckdb_result result;
  const auto state = duckdb_execute_prepared_streaming(statement, &result);
  duckdb_destroy_prepare(&statement);
  if (state != DuckDBSuccess) {
    auto failure = failure_of(text_of(duckdb_result_error(&result)));
    duckdb_destroy_result(&result);
    return failure;
  }
  return DuckResult(result);
}

Result<void> Lease::execute(const std::string& sql) {
  KC_TRY(auto result, run(sql));
  return {};
}

Result<std::int64_t> Lease::number(const std::string& sql) {
  KC_TRY(auto result, run(sql));
  KC_TRY(auto chunk, result.next());
  if (!chunk || chunk.rows() == 0 || result.type(0) != DUCKDB_TYPE_BIGINT) {
    return fail(ErrorKind::corrupt, "engine.query", "a number was expected of: " + sql);
  }
  auto vector = duckdb_data_chunk_get_vector(chunk.get(), 0);
  if (!valid_cell(duckdb_vector_get_validity(vector), 0)) return std::int64_t{0};
  return static_cast<const std::int64_t*>(duckdb_vector_get_data(vector))[0];
}

Result<std::unique_ptr<Duck>> Duck::open(const DuckOptions& options) {
  std::unique_ptr<Duck> duck(new Duck);
  duckdb_config config = nullptr;
  if (duckdb_create_config(&config) != DuckDBSuccess) {
    return fail(ErrorKind::unavailable, "engine.open", "DuckDB gives no configuration");
  }
  const std::pair<const char*, std::string> settings[] = {
      {"threads", std::to_string(std::max(1, options.threads))},
      {"memory_limit", std::to_string(options.memory_limit_bytes / 1024) + "KiB"},
      {"temp_directory", options.temp_folder},
      // Everything needed is linked in; nothing may be loaded at run time.
      {"autoinstall_known_extensions", "false"},
      {"autoload_known_extensions", "false"},
      {"allow_community_extensions", "false"},
      {"preserve_insertion_order", "false"},
  };
  for (const auto& [name, value] : settings) duckdb_set_config(config, name, value.c_str());
  char* error = nullptr;
  const auto state = duckdb_open_ext(nullptr, &duck->database_, config, &error);
  duckdb_destroy_config(&config);
  if (state != DuckDBSuccess) {
    auto failure = fail(ErrorKind::unavailable, "engine.open", text_of(error));
    duckdb_free(error);
    return failure;
  }
  KC_TRY(auto lease, duck->connect());
  // Extents never change, so what was read of their footers stays true.
  KC_CHECK_OK(lease.execute("SET GLOBAL parquet_metadata_cache = true"));
  return duck;
}

Duck::~Duck() {
  for (auto& connection : all_) duckdb_disconnect(&connection);
  if (database_ != nullptr) duckdb_close(&database_);
}

Result<Lease> Duck::connect() {
  {
    std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto connection = idle_.back();
      idle_.pop_back();
      return Lease(*this, connection);
    }
  }
  duckdb_connection connection = nullptr;
  if (duckdb_connect(database_, &connection) != DuckDBSuccess) {
    return fail(ErrorKind::unavailable, "engine.open", "DuckDB gives no connection");
  }
  std::lock_guard lock(mutex_);
  all_.push_back(connection);
  return Lease(*this, connection);
}

void Duck::give_back(duckdb_connection connection) {
  std::lock_guard lock(mutex_);
  idle_.push_back(connection);
}

void Duck::interrupt() {
  std::lock_guard lock(mutex_);
  for (auto connection : all_) duckdb_interrupt(connection);
}

}  // namespace kc::engine
