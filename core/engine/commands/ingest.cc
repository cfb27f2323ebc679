// `.ingest [async] into table …`, `.ingest inline into table …`, and ingestion from a query.
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/engine/commands/command.h"
#include "core/engine/commands/places.h"
#include "core/engine/formats/parquet_reader.h"
#include "core/engine/formats/text_reader.h"
#include "core/engine/query/run.h"
#include "core/engine/storage/ingestor.h"

namespace kc::engine {
namespace {

Failure ingest_error(const std::string& code, const std::string& what) {
  Error error{.kind = ErrorKind::invalid, .code = "engine.ingest", .message = code + ": " + what};
  error.service_code = code;
  return fail(std::move(error));
}

struct IngestProperties {
  std::string format;
  std::optional<std::string> mapping;
  bool ignore_first_record = false;
  std::vector<std::string> tags;
  std::vector<std::string> skip_if_tags;
  std::optional<std::int64_t> creation_time;
};

Result<IngestProperties> ingest_properties(const Properties& properties) {
  IngestProperties result;
  for (const auto& [name, value] : properties) {
    if (name == "format") {
      result.format = value;
    } else if (name == "ingestionmapping") {
      result.mapping = value;
    } else if (name == "tags") {
      KC_TRY(result.tags, strings_from_json(value));
    } else if (name == "ingestifnotexists") {
      KC_TRY(result.skip_if_tags, strings_from_json(value));
      for (auto& tag : result.skip_if_tags) tag = "ingest-by:" + tag;
    } else if (name == "creationtime") {
      const auto at = parse_datetime(value);
      if (!at)
        return ingest_error("BadRequest_MalformedIngestionProperty",
                            "creationTime '" + value + "' is no datetime");
      result.creation_time = at->value;
    } else if (name == "ignorefirstrecord") {
      KC_TRY(result.ignore_first_record, bool_property(properties, name, false));
    } else if (name != "folder" && name != "docstring" && name != "distributed" &&
               name != "persistdetails" && name != "validationpolicy" &&
               name != "policy_ingestiontime") {
      return ingest_error("BadRequest_IngestionPropertyNotSupportedInThisContext",
                          "'" + name + "'");
    }
  }
  return result;
}

std::optional<std::string> member(const nlohmann::json& object, std::string_view name) {
  if (!object.is_object()) return std::nullopt;
  for (const auto& [key, value] : object.items()) {
    const bool same = key.size() == name.size() &&
                      std::equal(key.begin(), key.end(), name.begin(),
                                 [](char a, char b) { return (a | 0x20) == (b | 0x20); });
    if (same && !value.is_null())
      return value.is_string() ? value.get<std::string>() : value.dump();
  }
  return std::nullopt;
}

// `$`, `$.a.b`, `$['a']["b"]`
Result<std::vector<std::string>> parse_path(const std::string& path) {
  std::vector<std::string> names;
  const auto bad = [&] {
    return ingest_error("BadRequest_InvalidMapping", "the path '" + path + "' is not understood");
  };
  if (!path.starts_with('$')) return bad();
  for (std::size_t at = 1; at < path.size();) {
    std::string name;
    if (path[at] == '.') {
      const auto end = std::min(path.find_first_of(".[", at + 1), path.size());
      name = path.substr(at + 1, end - at - 1);
      at = end;
    } else if (path[at] == '[' && at + 1 < path.size() &&
               (path[at + 1] == '\'' || path[at + 1] == '"')) {
      const char quote = path[at + 1];
      for (at += 2; at < path.size() && path[at] != quote; ++at) {
        if (path[at] == '\\' && at + 1 < path.size()) ++at;
        name += path[at];
      }
      if (at + 1 >= path.size() || path[at + 1] != ']') return bad();
      at += 2;
    } else {
      return bad();
    }
    names.push_back(std::move(name));
  }
  return names;
}

Result<FieldMapping> parse_element(const nlohmann::json& element) {
  FieldMapping mapping;
  for (const auto& [key, properties] : element.items()) {
    if (key != "Properties" && key != "properties") continue;
    mapping.constant = member(properties, "ConstValue");
    if (member(properties, "Transform"))
      return ingest_error("BadRequest_InvalidMapping", "transforms are not supported");
    if (const auto ordinal = member(properties, "Ordinal")) {
      std::size_t value = 0;
      const auto [end, code] =
          std::from_chars(ordinal->data(), ordinal->data() + ordinal->size(), value);
      if (code != std::errc() || end != ordinal->data() + ordinal->size())
        return ingest_error("BadRequest_InvalidMapping", "the ordinal '" + *ordinal + "'");
      mapping.ordinal = value;
    }
    if (const auto path = member(properties, "Path")) {
      KC_TRY(mapping.path, parse_path(*path));
      mapping.whole = mapping.path.empty();
    } else if (const auto field = member(properties, "Field")) {
      mapping.path = {*field};
    }
  }
  return mapping;
}

// One per column of the table; without a mapping by position or by name.
Result<std::vector<FieldMapping>> parse_mapping(const CatalogueTable& table,
                                                const IngestProperties& properties) {
  std::vector<FieldMapping> mappings(table.schema.columns.size());
  if (!properties.mapping) {
    for (std::size_t i = 0; i < mappings.size(); ++i) {
      mappings[i].ordinal = i;
      mappings[i].path = {table.schema.columns[i].name};
    }
    return mappings;
  }
  const auto json = nlohmann::json::parse(*properties.mapping, nullptr, false);
  if (!json.is_array())
    return ingest_error("BadRequest_InvalidMapping", "the mapping is no JSON array");
  for (const auto& element : json) {
    const auto name = member(element, "Column");
    if (!name) return ingest_error("BadRequest_InvalidMapping", "an element names no column");
    const auto found = std::find_if(table.schema.columns.begin(), table.schema.columns.end(),
                                    [&](const Column& column) { return column.name == *name; });
    if (found == table.schema.columns.end())
      return ingest_error("BadRequest_InvalidMapping", "the table has no column '" + *name + "'");
    KC_TRY(mappings[static_cast<std::size_t>(found - table.schema.columns.begin())],
           parse_element(element));
  }
  return mappings;
}

std::string format_of(const std::string& file) {
  auto name = file;
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  for (const auto* format : {"parquet", "json", "tsv", "psv"}) {
    if (name.ends_with("." + std::string(format))) return format;
  }
  return "csv";
}

Result<std::vector<std::string>> local_files(const std::vector<std::string>& addresses) {
  std::vector<std::string> files;
  for (const auto& address : addresses) {
    KC_TRY(const auto place, parse_place(address));
    std::error_code error;
    if (!std::filesystem::is_regular_file(place.path, error)) {
      return ingest_error("Download_SourceNotFound", "the blob " + place.path + " was not found");
    }
    files.push_back(place.path);
  }
  return files;
}

struct IngestPlan {
  CatalogueTable table;
  IngestProperties properties;
  std::vector<FieldMapping> mappings;
  std::vector<std::string> addresses;
  std::optional<std::string> text;  // inline
};

Result<TextFormat> text_format(const IngestProperties& properties) {
  TextFormat format;
  format.ignore_first_record = properties.ignore_first_record;
  if (properties.format == "json")
    format.kind = TextFormat::Kind::json;
  else if (properties.format == "tsv")
    format.separator = '\t';
  else if (properties.format == "psv")
    format.separator = '|';
  else if (properties.format == "scsv")
    format.separator = ';';
  else if (properties.format == "sohsv")
    format.separator = '\x01';
  else if (properties.format != "csv")
    return ingest_error("BadRequest_FormatNotSupported", "'" + properties.format + "'");
  return format;
}

IngestInput input_of(const CatalogueTable& table, const IngestProperties& properties,
                     std::string select) {
  return {
      table, std::move(select), properties.tags, properties.creation_time, properties.skip_if_tags,
      false};
}

RowTable loaded(const std::vector<Extent>& extents, const std::string& item,
                std::int64_t duration) {
  constexpr auto kString = ScalarType::string_;
  RowTable answer{{{"ExtentId", ScalarType::guid_},
                   {"ItemLoaded", kString},
                   {"Duration", kString},
                   {"HasErrors", kString},
                   {"OperationId", ScalarType::guid_}},
                  {}};
  const auto add = [&](const Uuid& id) {
    answer.rows.push_back({guid_value(id), text_value(item),
                           text_value(format_timespan({duration})), text_value("False"),
                           guid_value({})});
  };
  for (const auto& extent : extents) add(extent.id);
  if (extents.empty()) add({});
  return answer;
}

Result<ResultTable> run_ingest(Host& host, IngestPlan plan, Execution& execution) {
  const auto started = host.clock->elapsed();
  std::optional<SourceRegistry::Handle> handle;
  std::string select;
  std::vector<std::string> files;
  if (!plan.text) {
    KC_TRY(files, local_files(plan.addresses));
    if (plan.properties.format.empty()) plan.properties.format = format_of(files.front());
  }
  if (plan.properties.format == "parquet") {
    KC_TRY(select, parquet_select(*host.duck, files, plan.table.schema.columns, plan.mappings));
  } else {
    KC_TRY(const auto format, text_format(plan.properties));
    handle.emplace(host.sources.add(
        text_source({files, plan.text, format, plan.table.schema.columns, plan.mappings})));
    select = "SELECT * FROM " + handle->sql();
  }
  ResultTable result;
  const auto extents = ingest(
      host, input_of(plan.table, plan.properties, std::move(select)),
      [&](CatalogueView& view, const std::vector<Extent>& made) -> Result<void> {
        if (made.empty() && plan.properties.skip_if_tags.empty()) {
          return ingest_error("BadRequest_NoRecordsOrWrongFormat", "there is nothing to ingest");
        }
        const auto took = host.clock->elapsed() - started;
        result = encode(loaded(made, plan.addresses.empty() ? "inline" : plan.addresses.front(),
                               took.count() / 100));
        return execution.finish(view, result);
      });
  if (!extents) return fail(extents.error());
  return result;
}

Answer ingest_inline(Command& command) {
  auto& tokens = command.tokens;
  KC_CHECK_OK(tokens.expect_word("into"));
  tokens.accept_word("table");
  KC_TRY(const auto name, tokens.name());
  IngestPlan plan;
  KC_TRY(plan.table, table_of(command.session, name));
  KC_TRY(const auto properties, parse_properties(command));
  KC_TRY(plan.properties, ingest_properties(properties));
  if (plan.properties.format.empty()) plan.properties.format = "csv";
  KC_TRY(plan.mappings, parse_mapping(plan.table, plan.properties));
  if (!tokens.is("<|")) return unsupported(command, "inline data without '<|'");
  tokens.take();
  auto text = tokens.rest();
  while (!text.empty() && (text.front() == ' ' || text.front() == '\n' || text.front() == '\r'))
    text.remove_prefix(1);
  plan.text = std::string(text);
  std::vector<Uuid> ids;
  auto& host = command.host();
  command.tokens = TokenStream({});  // the data is not of the command's language
  KC_TRY(const auto rows, run_or_start(command, false, &host.ingestions, "CapacityPolicy/Ingestion",
                                       [&host, plan = std::move(plan)](Execution& execution) {
                                         return run_ingest(host, plan, execution);
                                       }));
  RowTable answer{{rows.columns.front()}, {}};
  for (const auto& row : rows.rows) answer.rows.push_back({row.front()});
  return answer;
}

enum class IfExists { fails, appends, replaces };
struct FromQuery {
  IfExists if_exists;
  bool creates;
};

RowTable query_loaded(const std::vector<Extent>& extents) {
  constexpr auto kLong = ScalarType::long_;
  RowTable answer{{{"ExtentId", ScalarType::guid_},
                   {"OriginalSize", kLong},
                   {"ExtentSize", kLong},
                   {"ColumnSize", kLong},
                   {"IndexSize", kLong},
                   {"RowCount", kLong}},
                  {}};
  for (const auto& extent : extents) {
    answer.rows.push_back({guid_value(extent.id), extent.original_size, extent.file_size,
                           extent.file_size, std::int64_t{0}, extent.rows});
  }
  return answer;
}

// The table as it is, or made from the query's columns.
Result<CatalogueTable> target(Command& command, const std::string& name, const FromQuery& how,
                              const std::vector<Column>& columns, const Properties& properties) {
  auto found = table_of(command.session, name);
  if (found) {
    if (how.if_exists == IfExists::fails)
      return bad_request("The table '" + name + "' already exists.");
    return found;
  }
  if (found.error().kind != ErrorKind::not_found || !how.creates) return found;
  CatalogueTable table;
  KC_TRY(const auto database, database_of(command.session));
  table.database = database.id;
  table.name = name;
  table.guid = command.host().new_id();
  table.schema.columns = columns;
  if (const auto at = properties.find("folder"); at != properties.end())
    table.schema.folder = at->second;
  if (const auto at = properties.find("docstring"); at != properties.end())
    table.schema.docstring = at->second;
  KC_CHECK_OK(command.host().catalogue->change([&](CatalogueView& view) -> Result<void> {
    KC_TRY(table.id, view.add_table(table));
    return {};
  }));
  return table;
}

// By type and order, not by name.
Result<std::string> select_for(const CatalogueTable& table, const Translated& query) {
  const auto& columns = table.schema.columns;
  bool same = query.columns.size() == columns.size();
  for (std::size_t i = 0; same && i < columns.size(); ++i)
    same = query.columns[i].type == columns[i].type;
  if (!same)
    return bad_request("The query's columns are not those of the table '" + table.name +
                       "', by type and order.");
  std::string names;
  for (std::size_t i = 0; i < columns.size(); ++i)
    names += (i > 0 ? ", c" : "c") + std::to_string(i);
  return "SELECT " + names + " FROM (" + query.sql + ") AS rows(" + names + ")";
}

Answer from_query(Command& command, const FromQuery& how) {
  auto& tokens = command.tokens;
  const bool async = tokens.accept_word("async");
  KC_TRY(const auto name, tokens.name());
  KC_TRY(const auto properties, parse_properties(command));
  KC_TRY(const auto parsed, ingest_properties(properties));
  KC_CHECK_OK(tokens.expect("<|"));
  auto bound = bind_query(command.session, tokens.rest());
  if (!bound) return fail(std::move(bound).error());
  auto query = std::make_shared<BoundQuery>(std::move(*bound));
  while (!tokens.at_end() && !tokens.failure()) tokens.take();
  const auto& translated = query->translated.results.front();
  KC_TRY(const auto table, target(command, name, how, columns_of(translated), properties));
  KC_TRY(auto select, select_for(table, translated));
  auto input = input_of(table, parsed, std::move(select));
  input.replace = how.if_exists == IfExists::replaces;
  auto& host = command.host();
  return run_or_start(
      command, async, &host.ingestions, "CapacityPolicy/Ingestion",
      [&host, query, input = std::move(input)](Execution& execution) -> Result<ResultTable> {
        ResultTable result;
        const auto done =
            ingest(host, input, [&](CatalogueView& view, const std::vector<Extent>& made) {
              result = encode(query_loaded(made));
              return execution.finish(view, result);
            });
        if (!done) return fail(done.error());
        return result;
      });
}

}  // namespace

Answer ingest_data(Command& command) {
  auto& tokens = command.tokens;
  if (tokens.accept_word("inline")) return ingest_inline(command);
  const bool async = tokens.accept_word("async");
  KC_CHECK_OK(tokens.expect_word("into"));
  tokens.accept_word("table");
  KC_TRY(const auto name, tokens.name());
  IngestPlan plan;
  KC_TRY(plan.table, table_of(command.session, name));
  KC_TRY(plan.addresses, parse_strings(command));
  KC_TRY(const auto properties, parse_properties(command));
  KC_CHECK_OK(expect_end(command));
  KC_TRY(plan.properties, ingest_properties(properties));
  KC_TRY(plan.mappings, parse_mapping(plan.table, plan.properties));
  auto& host = command.host();
  return run_or_start(command, async, &host.ingestions, "CapacityPolicy/Ingestion",
                      [&host, plan = std::move(plan)](Execution& execution) {
                        return run_ingest(host, plan, execution);
                      });
}

Answer set_table(Command& command) { return from_query(command, {IfExists::fails, true}); }
Answer append_table(Command& command) { return from_query(command, {IfExists::appends, false}); }
Answer set_or_append_table(Command& command) {
  return from_query(command, {IfExists::appends, true});
}
Answer set_or_replace_table(Command& command) {
  return from_query(command, {IfExists::replaces, true});
}

}  // namespace kc::engine
