// `.ingest [async] into table …` and `.ingest inline into table …`.
#include "core/engine/commands/ingest.h"

#include <algorithm>
#include <filesystem>

#include "core/base/json.h"
#include "core/base/text.h"
#include "core/engine/commands/source_files.h"
#include "core/engine/formats/parquet_reader.h"

namespace kc::engine {
namespace {

Failure malformed(const std::string& name, const std::string& value, const std::string& what) {
  return ingest_error(
      "BadRequest_MalformedIngestionProperty",
      "the property '" + name + "' has the value '" + value + "', which is " + what);
}

Result<std::vector<std::string>> strings_of(const std::string& name, const std::string& value) {
  auto strings = strings_from_json(value);
  if (!strings) return malformed(name, value, "no JSON array of strings");
  for (const auto& text : *strings) {
    if (text.empty()) return malformed(name, value, "no array of texts that say something");
  }
  return strings;
}

Result<bool> bool_of(const std::string& name, const std::string& value) {
  const auto word = lower(value);
  if (word == "true" || word == "1") return true;
  if (word == "false" || word == "0") return false;
  return malformed(name, value, "neither true nor false");
}

// `{"ValidationOptions":1,"ValidationImplications":1}`: only the option 0, "do not validate", lets
// the records of a file differ in the number of their fields.
Result<bool> accepts_any_width(const std::string& name, const std::string& value) {
  const auto json = nlohmann::json::parse(value, nullptr, false);
  if (!json.is_object()) return malformed(name, value, "no JSON object");
  for (const auto& [key, member] : json.items()) {
    if (!member.is_number_integer()) return malformed(name, value, "no policy of whole numbers");
  }
  return json.value("ValidationOptions", 1) == 0;
}

Result<void> take_property(IngestProperties& result, const std::string& name,
                           const std::string& value, bool from_query) {
  static const std::vector<std::string> kOfQueries = {"folder", "docstring", "distributed"};
  static const std::vector<std::string> kOfFiles = {"format",
                                                    "ingestionmapping",
                                                    "ingestionmappingreference",
                                                    "ignorefirstrecord",
                                                    "validationpolicy",
                                                    "zippattern",
                                                    "treatgzasuncompressed",
                                                    "rawsizebytes",
                                                    "ingestionmappingtype",
                                                    "csvmapping",
                                                    "jsonmapping",
                                                    "csvmappingreference",
                                                    "jsonmappingreference"};
  const auto in = [&](const std::vector<std::string>& names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  if (name == "tags") {
    KC_TRY(result.tags, strings_of(name, value));
  } else if (name == "ingestifnotexists") {
    KC_TRY(result.skip_if_tags, strings_of(name, value));
    for (auto& tag : result.skip_if_tags) tag = "ingest-by:" + tag;
  } else if (name == "creationtime") {
    const auto at = parse_datetime(value);
    if (!at) return malformed(name, value, "no datetime");
    result.creation_time = at->value;
  } else if (name == "extend_schema" || name == "extendschema") {
    KC_TRY(result.extend_schema, bool_of(name, value));
  } else if (name == "recreate_schema" || name == "recreateschema") {
    KC_TRY(result.recreate_schema, bool_of(name, value));
    if (result.recreate_schema && !from_query)
      return ingest_error("BadRequest_IngestionPropertyNotSupportedInThisContext",
                          "'recreate_schema' belongs to '.set-or-replace'");
  } else if (name == "persistdetails") {
    KC_TRY(result.persist_details, bool_of(name, value));
  } else if (name == "policy_ingestiontime") {
    KC_CHECK_OK(bool_of(name, value));
  } else if (from_query ? !in(kOfQueries) : !in(kOfFiles)) {
    return ingest_error("BadRequest_IngestionPropertyNotSupportedInThisContext",
                        "the property '" + name + "' has no meaning here");
  } else if (name == "format") {
    result.format = lower(value);
  } else if (name == "ingestionmapping" || name == "csvmapping" || name == "jsonmapping") {
    if (result.mapping) return ingest_error("BadRequest_DuplicateMapping", "two mappings");
    result.mapping = value;
  } else if (name.ends_with("mappingreference")) {
    if (value.empty())
      return ingest_error("BadRequest_EmptyMappingReference", "the mapping's name is empty");
    result.mapping_reference = value;
  } else if (name == "ignorefirstrecord") {
    KC_TRY(result.ignore_first_record, bool_of(name, value));
  } else if (name == "validationpolicy") {
    KC_TRY(result.any_width, accepts_any_width(name, value));
  } else if (name == "distributed") {
    KC_TRY(result.distributed, bool_of(name, value));
  } else if (name == "treatgzasuncompressed") {
    KC_CHECK_OK(bool_of(name, value));
  } else if (name == "rawsizebytes") {
    if (value.empty() || value.find_first_not_of("0123456789") != std::string::npos)
      return malformed(name, value, "no number of bytes");
  }
  return {};
}

// Without what signs it.
std::string shown_address(const std::string& address) {
  return address.substr(0, address.find_first_of("?;"));
}

RowTable loaded(const std::vector<Extent>& extents, const std::string& item, std::int64_t duration,
                const Uuid& operation) {
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
                           guid_value(operation)});
  };
  for (const auto& extent : extents) add(extent.id);
  if (extents.empty()) add({});
  return answer;
}

// Kusto's code is in front of the text where the reader found it.
std::string code_of(const Error& error) {
  if (!error.service_code.empty()) return error.service_code;
  const auto colon = error.message.find(": ");
  const auto word = error.message.substr(0, colon);
  return word.find(' ') == std::string::npos ? word : "General_BadRequest";
}

// What a reader says inside DuckDB's own error, as an error of ingestion.
Error told(Error error) {
  static const char* const kFamilies[] = {"BadRequest_", "Stream_", "Download_"};
  for (const auto* family : kFamilies) {
    const auto at = error.message.find(family);
    if (at == std::string::npos || !error.service_code.empty()) continue;
    error.message = error.message.substr(at);
    error.service_code = error.message.substr(0, error.message.find(':'));
    error.kind = ErrorKind::invalid;
  }
  return error;
}

void record_failure(Host& host, const IngestPlan& plan, const Execution& execution,
                    const Error& error) {
  IngestionFailure entry;
  entry.at = host.now();
  entry.operation = execution.operation_id();
  entry.table = plan.table.name;
  entry.source = plan.addresses.empty() ? "" : shown_address(plan.addresses.front());
  entry.details = error.message;
  entry.code = code_of(error);
  entry.kind = execution.kind();
  entry.should_retry = error.kind == ErrorKind::unavailable || error.kind == ErrorKind::throttled;
  entry.from_update_policy = entry.code.starts_with("UpdatePolicy_");
  entry.properties =
      nlohmann::json{{"format", plan.properties.format}, {"tags", plan.properties.tags}}.dump();
  // A catalogue that cannot be written has a louder error of its own.
  (void)host.catalogue->change([&](CatalogueView& view) -> Result<void> {
    KC_TRY(const auto databases, view.databases());
    for (const auto& database : databases) {
      if (database.id == plan.table.database) entry.database = database.name;
    }
    return view.add_ingestion_failure(entry);
  });
}

// What the encoding policies of the columns allow in one cell.
Result<std::vector<std::size_t>> cell_limits(Host& host, const CatalogueTable& table) {
  KC_TRY(const auto details,
         host.catalogue->read([&](CatalogueView& view) { return view.column_details(table.id); }));
  std::vector<std::size_t> limits;
  for (const auto& column : table.schema.columns) {
    const auto at = details.find(column.name);
    const auto profile = at == details.end() ? std::string() : lower(at->second.encoding);
    limits.push_back(profile == "bigobject32" ? std::size_t{32} << 20
                     : profile == "bigobject" ? std::size_t{2} << 20
                                              : kStringBytesMax);
  }
  return limits;
}

struct Selected {
  std::string sql;
  std::optional<Scratch> scratch;                // the files that the SQL reads
  std::optional<SourceRegistry::Handle> handle;  // what the SQL reads
};

Result<Selected> select_rows(Host& host, IngestPlan& plan) {
  auto& properties = plan.properties;
  Selected selected;
  std::vector<std::string> files;
  if (!plan.text) {
    KC_TRY(files, local_files(host, plan.addresses, selected.scratch));
    if (files.empty()) return ingest_error("BadRequest_EmptyBlobUri", "there is no blob");
    if (properties.format.empty()) properties.format = format_of(files.front());
  }
  auto mapping = properties.mapping;
  if (properties.mapping_reference) {
    KC_TRY(const auto entry, host.catalogue->read([&](CatalogueView& view) {
      return find_mapping(view, plan.table, mapping_kind(properties.format),
                          *properties.mapping_reference);
    }));
    mapping = entry.mapping;
  }
  KC_TRY(auto mappings, field_mappings(plan.table, properties.format, mapping));
  std::vector<std::string> addresses;
  for (const auto& address : plan.addresses) addresses.push_back(shown_address(address));
  KC_TRY(auto limits, cell_limits(host, plan.table));
  if (properties.format == "parquet") {
    if (plan.text) return format_not_supported("parquet, inline");
    KC_TRY(selected.sql, parquet_select(*host.duck, {files, addresses}, plan.table.schema.columns,
                                        mappings, limits));
    return selected;
  }
  KC_TRY(auto format, text_format(properties.format));
  format.ignore_first_record = properties.ignore_first_record;
  format.any_width = properties.any_width;
  selected.handle.emplace(
      host.sources.add(text_source({files, addresses, plan.text, format, plan.table.schema.columns,
                                    std::move(mappings), std::move(limits)})));
  selected.sql = "SELECT * FROM " + selected.handle->sql();
  return selected;
}

Result<ResultTable> ingest_selected(Host& host, IngestPlan& plan, Execution& execution) {
  const auto started = host.clock->elapsed();
  KC_CHECK_OK(check_plan(host, plan));
  KC_TRY(auto selected, select_rows(host, plan));
  const auto& properties = plan.properties;
  ResultTable result;
  const auto extents = ingest(
      host,
      {plan.table, std::move(selected.sql), properties.tags, properties.creation_time,
       properties.skip_if_tags, false},
      [&](CatalogueView& view, const std::vector<Extent>& made) -> Result<void> {
        if (made.empty() && properties.skip_if_tags.empty()) {
          return ingest_error("BadRequest_NoRecordsOrWrongFormat", "there is nothing to ingest");
        }
        const auto took = host.clock->elapsed() - started;
        const auto item = plan.addresses.empty() ? "inline" : shown_address(plan.addresses.front());
        result = encode(loaded(made, item, took.count() / 100, execution.operation_id()));
        return execution.finish(view, result);
      });
  if (!extents) return fail(told(extents.error()));
  return result;
}

// `<| data`, or `[record] [record]`, one after the other.
Result<std::string> inline_text(Command& command) {
  auto& tokens = command.tokens;
  if (tokens.is("<|")) {
    tokens.take();
    auto text = tokens.rest();
    while (!text.empty() && (text.front() == ' ' || text.front() == '\n' || text.front() == '\r'))
      text.remove_prefix(1);
    return std::string(text);
  }
  auto rest = tokens.text().substr(tokens.offset());
  std::string text;
  for (;;) {
    const auto start = rest.find_first_not_of(" \t\r\n");
    if (start == std::string_view::npos) break;
    const auto end = rest.find(']', start);
    if (rest[start] != '[' || end == std::string_view::npos)
      return unsupported(command, "inline data without '<|' or '[…]'");
    text += std::string(rest.substr(start + 1, end - start - 1)) + "\n";
    rest.remove_prefix(end + 1);
  }
  if (text.empty()) return unsupported(command, "inline data without '<|' or '[…]'");
  return text;
}

Answer ingest_inline(Command& command) {
  auto& tokens = command.tokens;
  KC_CHECK_OK(tokens.expect_word("into"));
  tokens.accept_word("table");
  KC_TRY(const auto name, tokens.name());
  IngestPlan plan;
  KC_TRY(plan.table, table_of(command.session, name));
  KC_TRY(const auto properties, parse_properties(command));
  KC_TRY(plan.properties, ingest_properties(properties, false));
  if (plan.properties.format.empty()) plan.properties.format = "csv";
  KC_TRY(plan.text, inline_text(command));
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

}  // namespace

Failure ingest_error(const std::string& code, const std::string& what) {
  return bad_blob(code, what);
}

Result<IngestProperties> ingest_properties(const Properties& properties, bool from_query) {
  IngestProperties result;
  for (const auto& [name, value] : properties)
    KC_CHECK_OK(take_property(result, name, value, from_query));
  if (result.mapping && result.mapping_reference)
    return ingest_error("BadRequest_DuplicateMapping",
                        "both ingestionMapping and ingestionMappingReference are given");
  return result;
}

Result<void> check_plan(Host& host, const IngestPlan& plan) {
  if (!plan.properties.creation_time) return {};
  KC_TRY(const auto policy, host.catalogue->read([&](CatalogueView& view) {
    return view.effective_policy(plan.table, "retention");
  }));
  if (!policy) return {};
  const auto json = nlohmann::json::parse(*policy, nullptr, false);
  if (!json.is_object() || !json.contains("SoftDeletePeriod")) return {};
  const auto period = parse_duration(json["SoftDeletePeriod"].get<std::string>());
  if (!period || *plan.properties.creation_time >= host.now() - period->ticks) return {};
  return ingest_error("BadRequest_CreationTimeEarlierThanSoftDeletePeriod",
                      "the creation time " + format_datetime({*plan.properties.creation_time}) +
                          " lies before the soft delete period of the table '" + plan.table.name +
                          "'");
}

Result<ResultTable> run_ingest(Host& host, IngestPlan plan, Execution& execution) {
  auto result = ingest_selected(host, plan, execution);
  if (!result) record_failure(host, plan, execution, result.error());
  return result;
}

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
  KC_TRY(plan.properties, ingest_properties(properties, false));
  const auto& format = plan.properties.format;
  if (!format.empty() && format != "parquet") KC_CHECK_OK(text_format(format));
  if (plan.properties.mapping)
    KC_CHECK_OK(field_mappings(plan.table, format, plan.properties.mapping));
  auto& host = command.host();
  return run_or_start(command, async, &host.ingestions, "CapacityPolicy/Ingestion",
                      [&host, plan = std::move(plan)](Execution& execution) {
                        return run_ingest(host, plan, execution);
                      });
}

}  // namespace kc::engine
