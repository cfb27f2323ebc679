// What a query reaches outside its tables: values that are asked for while it is translated, the
// answers of `.show` commands, files of storage.
#include "core/base/text.h"
#include "core/engine/commands/command.h"
#include "core/engine/commands/source_files.h"
#include "core/engine/formats/parquet_reader.h"
#include "core/engine/formats/text_reader.h"
#include "core/engine/storage/binder.h"

namespace kc::engine {
namespace {

constexpr std::size_t kTextsMax = 10'000;  // columns that a plugin may make, and then some

Error external_error(const std::string& what) {
  Error error{.kind = ErrorKind::invalid, .code = "engine.external", .message = what};
  error.service_code = "SEM0100";
  return error;
}

// `https://host:port/path` -> `host`
std::string host_of(std::string_view address) {
  if (const auto at = address.find("://"); at != std::string_view::npos)
    address.remove_prefix(at + 3);
  return lower(address.substr(0, address.find_first_of(":/;")));
}

}  // namespace

Result<std::vector<std::optional<std::string>>> RequestBinder::texts(const std::string& sql) {
  KC_TRY(auto lease, session_.host.duck->connect());
  KC_TRY(auto result, lease.stream(sql));
  std::vector<std::optional<std::string>> rows;
  for (;;) {
    KC_TRY(auto chunk, result.next());
    if (!chunk || chunk.rows() == 0) return rows;
    const duckdb_vector vector = duckdb_data_chunk_get_vector(chunk.get(), 0);
    const auto* cells = static_cast<const duckdb_string_t*>(duckdb_vector_get_data(vector));
    const auto* valid = duckdb_vector_get_validity(vector);
    for (idx_t row = 0; row < chunk.rows(); ++row) {
      if (valid_cell(valid, row)) {
        rows.emplace_back(string_cell(cells, row));
      } else {
        rows.emplace_back();
      }
    }
    if (rows.size() > kTextsMax)
      return fail(external_error("The query would have more than " + std::to_string(kTextsMax) +
                                 " columns"));
  }
}

bool RequestBinder::is_own_cluster(std::string_view name) {
  const std::string host = host_of(name), own = host_of(session_.host.options.name);
  return host == own || host == "localhost" || host == "127.0.0.1" || host == "[" ||
         host.substr(0, host.find('.')) == own;
}

std::string RequestBinder::cluster_name() { return session_.host.options.name; }

// `where` is `<cluster>/<database>`; the cluster has to be this one.
Result<Relation> RequestBinder::show_command(std::string_view where, const std::string& command) {
  const auto slash = where.rfind('/');
  const std::string_view cluster = where.substr(0, slash);
  if (slash == std::string_view::npos || !is_own_cluster(cluster))
    return fail(external_error("execute_show_command reaches this cluster only, not '" +
                               std::string(where) + "'"));
  const auto start = command.find_first_not_of(" \t\r\n");
  if (start == std::string::npos || !command.substr(start).starts_with(".show"))
    return fail(external_error("execute_show_command takes a '.show' command"));
  Session inner{session_.host, std::string(where.substr(slash + 1)), session_.options};
  inner.options.read_only = true;
  KC_TRY(auto rows, run_command(inner, command.substr(start)));
  Relation relation;
  relation.schema.columns = rows.columns;
  for (std::size_t i = 0; i < rows.columns.size(); ++i)
    relation.sql_names.push_back("c" + std::to_string(i));
  handles_.push_back(session_.host.sources.add(source_of(std::move(rows))));
  relation.sql = handles_.back().sql();
  return relation;
}

Result<Relation> RequestBinder::external(const ExternalRead& read) {
  if (session_.options.external_data_disabled)
    return fail(external_error("External data is disabled for this request"));
  std::optional<Scratch> scratch;
  auto found = local_files(session_.host, read.addresses, scratch);
  if (!found) return fail(external_error(found.error().message));
  auto files = std::move(*found);
  if (scratch) scratches_.push_back(std::move(*scratch));
  Relation relation;
  relation.schema.columns = read.columns;
  std::vector<FieldMapping> mappings(read.columns.size());
  for (std::size_t i = 0; i < mappings.size(); ++i) {
    mappings[i].ordinal = i;
    mappings[i].path.push_back({read.columns[i].name});
    relation.sql_names.push_back("c" + std::to_string(i));
  }
  const std::string format = read.format.empty() ? format_of(files[0]) : lower(read.format);
  if (format == "parquet") {
    KC_TRY(const auto select, parquet_select(*session_.host.duck, files, read.columns, mappings));
    relation.sql = "(" + select + ")";
    return relation;
  }
  TextInput input;
  auto text = text_format(format);
  if (!text) return fail(external_error(text.error().message));
  input.format = *text;
  input.format.any_width = true;  // a query has no policy to fail by
  input.format.ignore_first_record = read.ignore_first_record;
  input.files = std::move(files);
  input.columns = read.columns;
  input.mappings = std::move(mappings);
  handles_.push_back(session_.host.sources.add(text_source(std::move(input))));
  relation.sql = handles_.back().sql();
  return relation;
}

}  // namespace kc::engine
