// Ingestion mappings of tables and databases: made, changed, shown and dropped. What a mapping
// says is read by ingest_mapping.cc.
#include <algorithm>
#include <array>

#include "core/base/json.h"
#include "core/base/text.h"
#include "core/engine/commands/command.h"
#include "core/engine/commands/ingest.h"
#include "core/engine/syntax/literal.h"

namespace kc::engine {
namespace {

constexpr auto kString = ScalarType::string_;
constexpr std::array<std::string_view, 8> kKinds = {
    "csv", "json", "avro", "parquet", "orc", "w3clogfile", "azmonstream", "apacheavro"};

// As stored mappings are shown: a CSV element has all its members, others keep their properties.
Result<std::string> canonical(const std::string& kind, const std::string& text) {
  // Connectors quote with single quotes.
  const auto strict = compact_json(text, true);
  const auto json = nlohmann::ordered_json::parse(strict.value_or(""), nullptr, false);
  if (!json.is_array() || json.empty())
    return ingest_error("BadRequest_InvalidMapping", "the mapping is no JSON array of columns");
  auto out = nlohmann::ordered_json::array();
  for (const auto& element : json) {
    KC_TRY(const auto read, read_mapping_element(kind, element));
    nlohmann::ordered_json one;
    one["column"] = read.column;
    one["Properties"] = nlohmann::ordered_json::object();
    if (!read.type.empty()) one["datatype"] = read.type;
    for (const auto& [name, value] : read.properties) one["Properties"][name] = value;
    if (kind == "csv") {
      one = {{"Name", read.column},
             {"DataType",
              read.type.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(read.type)},
             {"CsvDataType", nullptr},
             {"Ordinal",
              read.ordinal ? nlohmann::ordered_json(*read.ordinal) : nlohmann::ordered_json()},
             {"ConstValue",
              read.constant ? nlohmann::ordered_json(*read.constant) : nlohmann::ordered_json()}};
      if (!read.transform.empty()) one["Transform"] = read.transform;
    }
    out.push_back(std::move(one));
  }
  return out.dump();
}

Result<std::string> parse_kind(Command& command) {
  const std::string kind = lower(command.tokens.peek().text);
  if (std::find(kKinds.begin(), kKinds.end(), kind) == kKinds.end())
    return fail(command.tokens.error("expected a mapping's kind"));
  command.tokens.take();
  return kind;
}

struct Owner {
  DatabaseEntry database;
  std::optional<CatalogueTable> table;
};

Result<Owner> owner_of(Command& command, const std::optional<std::string>& table) {
  Owner owner;
  KC_TRY(owner.database, database_of(command.session));
  if (table) {
    KC_TRY(owner.table, table_of(command.session, *table));
  }
  return owner;
}

RowTable mappings_table(const Owner& owner, const std::vector<MappingEntry>& entries) {
  RowTable answer{{{"Name", kString},
                   {"Kind", kString},
                   {"Mapping", kString},
                   {"LastUpdatedOn", ScalarType::datetime_},
                   {"Database", kString}},
                  {}};
  if (owner.table) answer.columns.push_back({"Table", kString});
  static const std::map<std::string, std::string> kShown = {{"csv", "Csv"},
                                                            {"json", "Json"},
                                                            {"avro", "Avro"},
                                                            {"parquet", "Parquet"},
                                                            {"orc", "Orc"},
                                                            {"w3clogfile", "W3CLogFile"},
                                                            {"apacheavro", "ApacheAvro"},
                                                            {"azmonstream", "AzMonStream"}};
  for (const auto& entry : entries) {
    std::vector<Value> row = {text_value(entry.name), text_value(kShown.at(entry.kind)),
                              text_value(entry.mapping), entry.updated,
                              text_value(owner.database.name)};
    if (owner.table) row.push_back(text_value(owner.table->name));
    answer.rows.push_back(std::move(row));
  }
  return answer;
}

Failure no_mapping(const std::string& kind, const std::string& name) {
  Error error{.kind = ErrorKind::not_found, .code = "engine.mapping", .message = {}};
  error.message = "BadRequest_MappingReferenceWasNotFound: Mapping reference '" + name +
                  "' of kind '" + kind + "' was not found.";
  error.service_code = "BadRequest_MappingReferenceWasNotFound";
  return fail(std::move(error));
}

std::optional<MappingEntry> found_in(const std::vector<MappingEntry>& entries,
                                     const std::string& kind, const std::string& name) {
  for (const auto& entry : entries) {
    if (entry.kind == kind && entry.name == name) return entry;
  }
  return std::nullopt;
}

// `.alter-merge`: the elements of columns that the old mapping does not have come after it, the
// others replace theirs.
std::string merged(const std::string& old, const std::string& changes) {
  auto all = nlohmann::ordered_json::parse(old);
  const auto column = [](const nlohmann::ordered_json& element) {
    return element.contains("Name") ? element["Name"] : element["column"];
  };
  for (const auto& change : nlohmann::ordered_json::parse(changes)) {
    const auto at = std::find_if(all.begin(), all.end(), [&](const auto& element) {
      return column(element) == column(change);
    });
    if (at == all.end())
      all.push_back(change);
    else
      *at = change;
  }
  return all.dump();
}

// Where the first of the literals in `raw` ends.
std::size_t literal_end(std::string_view raw) {
  std::size_t at = raw.find_first_of("'\"`~");
  if (at == std::string_view::npos) return raw.size();
  const bool verbatim = at > 0 && raw[at - 1] == '@';
  const char quote = raw[at];
  if (quote == '`' || quote == '~') {
    const auto close = raw.find(std::string(3, quote), at + 3);
    return close == std::string_view::npos ? raw.size() : close + 3;
  }
  for (++at; at < raw.size(); ++at) {
    if (!verbatim && raw[at] == '\\') {
      ++at;
    } else if (raw[at] == quote) {
      if (!verbatim || at + 1 >= raw.size() || raw[at + 1] != quote) return at + 1;
      ++at;
    }
  }
  return raw.size();
}

// `"Name" '[…]'`: two literals side by side are one to the lexer, and two here.
Result<void> name_and_text(Command& command, std::string& name, std::string& text) {
  auto& tokens = command.tokens;
  if (tokens.peek().kind != TokenKind::string)
    return fail(tokens.error("expected a mapping's name"));
  const std::string raw(tokens.peek().raw);
  const auto end = literal_end(raw);
  TokenStream first{std::string_view(raw).substr(0, end)},
      second{std::string_view(raw).substr(end)};
  KC_TRY(name, first.string());
  if (second.peek().kind != TokenKind::string)
    return fail(tokens.error("expected a mapping as JSON after its name"));
  KC_TRY(text, second.string());
  tokens.take();
  return {};
}

Answer put(Command& command, const std::optional<std::string>& table, MappingMode mode) {
  auto& tokens = command.tokens;
  KC_TRY(const auto kind, parse_kind(command));
  KC_CHECK_OK(tokens.expect_word("mapping"));
  MappingEntry entry;
  entry.kind = kind;
  std::string text;
  KC_CHECK_OK(name_and_text(command, entry.name, text));
  if (entry.name.empty())
    return ingest_error("BadRequest_EmptyMappingReference", "a mapping needs a name");
  KC_TRY(const auto properties, parse_properties(command));
  KC_CHECK_OK(expect_end(command));
  KC_TRY(entry.mapping, canonical(kind, text));
  KC_TRY(const auto owner, owner_of(command, table));
  entry.database = owner.database.id;
  if (owner.table) entry.table = owner.table->id;
  entry.updated = command.host().now();
  const auto checked = command.host().catalogue->change([&](CatalogueView& view) -> Result<void> {
    KC_TRY(const auto entries, view.mappings(entry.database, entry.table));
    const auto found = found_in(entries, kind, entry.name);
    if (found && mode == MappingMode::create)
      return bad_request("The " + kind + " mapping '" + entry.name + "' already exists.");
    if (!found && (mode == MappingMode::alter || mode == MappingMode::merge))
      return no_mapping(kind, entry.name);
    if (mode == MappingMode::merge) entry.mapping = merged(found->mapping, entry.mapping);
    KC_CHECK_OK(view.set_mapping(entry));
    return note(command, view,
                {.event = found ? "ALTER-INGESTION-MAPPING" : "CREATE-INGESTION-MAPPING",
                 .entity = entry.name,
                 .container = owner.table ? owner.table->name : owner.database.name});
  });
  KC_CHECK_OK(checked);
  return mappings_table(owner, {entry});
}

Answer drop(Command& command, const std::optional<std::string>& table) {
  MappingEntry entry;
  KC_TRY(entry.kind, parse_kind(command));
  KC_CHECK_OK(command.tokens.expect_word("mapping"));
  KC_TRY(entry.name, command.tokens.string());
  KC_CHECK_OK(expect_end(command));
  KC_TRY(const auto owner, owner_of(command, table));
  entry.database = owner.database.id;
  if (owner.table) entry.table = owner.table->id;
  std::vector<MappingEntry> left;
  const auto checked = command.host().catalogue->change([&](CatalogueView& view) -> Result<void> {
    KC_TRY(const auto entries, view.mappings(entry.database, entry.table));
    if (!found_in(entries, entry.kind, entry.name)) return no_mapping(entry.kind, entry.name);
    KC_CHECK_OK(view.drop_mapping(entry));
    KC_CHECK_OK(note(command, view,
                     {.event = "DROP-INGESTION-MAPPING",
                      .entity = entry.name,
                      .container = owner.table ? owner.table->name : owner.database.name}));
    KC_TRY(left, view.mappings(entry.database, entry.table));
    return {};
  });
  KC_CHECK_OK(checked);
  return mappings_table(owner, left);
}

// `ingestion mappings`, `ingestion csv mappings`, `ingestion csv mapping "N"`
Answer show(Command& command, const std::optional<std::string>& table) {
  auto& tokens = command.tokens;
  std::optional<std::string> kind, name;
  if (!tokens.is_word("mappings")) {
    KC_TRY(kind, parse_kind(command));
  }
  if (tokens.accept_word("mapping")) {
    KC_TRY(name, tokens.string());
  } else {
    KC_CHECK_OK(tokens.expect_word("mappings"));
  }
  KC_TRY(const auto properties, parse_properties(command));
  KC_CHECK_OK(expect_end(command));
  KC_TRY(const auto owner, owner_of(command, table));
  KC_TRY(auto entries, command.host().catalogue->read([&](CatalogueView& view) {
    return view.mappings(owner.database.id,
                         owner.table ? std::optional(owner.table->id) : std::nullopt);
  }));
  std::erase_if(entries, [&](const MappingEntry& entry) {
    return (kind && entry.kind != *kind) || (name && entry.name != *name);
  });
  if (name && entries.empty()) return no_mapping(*kind, *name);
  return mappings_table(owner, entries);
}

}  // namespace

Result<MappingEntry> find_mapping(CatalogueView& view, const CatalogueTable& table,
                                  const std::string& kind, const std::string& name) {
  const std::optional<std::int64_t> owners[] = {table.id, std::nullopt};
  for (const auto& owner : owners) {
    KC_TRY(const auto entries, view.mappings(table.database, owner));
    if (auto found = found_in(entries, kind, name)) return std::move(*found);
  }
  return no_mapping(kind, name);
}

Answer put_table_mapping(Command& command, const std::string& table, MappingMode mode) {
  return put(command, table, mode);
}
Answer put_database_mapping(Command& command, MappingMode mode) {
  return put(command, std::nullopt, mode);
}
Answer drop_table_mapping(Command& command, const std::string& table) {
  return drop(command, table);
}
Answer drop_database_mapping(Command& command) { return drop(command, std::nullopt); }
Answer show_table_mappings(Command& command, const std::string& table) {
  return show(command, table);
}
Answer show_database_mappings(Command& command) { return show(command, std::nullopt); }

Answer create_or_alter_table(Command& command) {
  KC_TRY(const auto name, command.tokens.name());
  KC_CHECK_OK(command.tokens.expect_word("ingestion"));
  return put(command, name, MappingMode::create_or_alter);
}

}  // namespace kc::engine
