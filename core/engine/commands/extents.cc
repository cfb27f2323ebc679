// Extents: shown, moved, replaced, dropped, and their tags taken away. Each change is one
// transaction.
#include <algorithm>
#include <cctype>
#include <set>

#include "core/engine/commands/command.h"

namespace kc::engine {
namespace {

constexpr auto kString = ScalarType::string_;

struct TagFilter {
  bool whole = true, wanted = true;
  std::string tag;
};

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

bool passes(const Extent& extent, const TagFilter& filter) {
  const bool found =
      std::any_of(extent.tags.begin(), extent.tags.end(), [&](const std::string& tag) {
        return filter.whole ? tag == filter.tag
                            : lower(tag).find(lower(filter.tag)) != std::string::npos;
      });
  return found == filter.wanted;
}

Result<std::vector<TagFilter>> parse_filters(Command& command) {
  std::vector<TagFilter> filters;
  auto& tokens = command.tokens;
  if (!tokens.accept_word("where")) return filters;
  do {
    KC_CHECK_OK(tokens.expect_word("tags"));
    const auto word = std::string(tokens.peek().raw);
    TagFilter filter;
    filter.whole = word == "has" || word == "!has";
    filter.wanted = !word.starts_with('!');
    if (!filter.whole && word != "contains" && word != "!contains")
      return fail(tokens.error("expected has or contains"));
    tokens.take();
    KC_TRY(filter.tag, tokens.string());
    filters.push_back(std::move(filter));
  } while (tokens.accept_word("and"));
  return filters;
}

std::string joined(const std::vector<std::string>& tags) {
  std::string text;
  for (const auto& tag : tags) text += (text.empty() ? "" : "\r\n") + tag;
  return text;
}

std::vector<Value> extent_row(const Extent& extent, const std::string& table,
                              const std::string& database) {
  const auto size = static_cast<double>(extent.file_size);
  return {guid_value(extent.id),
          text_value(database),
          text_value(table),
          extent.created_max,
          static_cast<double>(extent.original_size),
          size,
          size,
          0.0,
          std::int64_t{1},
          std::int64_t{1},
          text_value("00000000-0000-0000-0000-000000000000"),
          extent.rows,
          extent.created_min,
          text_value(joined(extent.tags)),
          text_value(""),
          std::int64_t{0}};
}

RowTable moves_table() {
  return {{{"OriginalExtentId", kString}, {"ResultExtentId", kString}, {"Details", kString}}, {}};
}

// One extent that must be where it is said to be.
struct Source {
  Uuid id;
  std::optional<std::int64_t> table;
};

Failure gone(const Uuid& id) {
  Error error{.kind = ErrorKind::invalid, .code = "engine.extent_gone", .message = {}};
  error.message = "Entity ID '" + id.text() +
                  "' of kind 'Extent' was not found: it was merged, moved or dropped.";
  error.service_code = "BadRequest_EntityNotFound";
  return fail(std::move(error));
}

Result<void> check_columns(const CatalogueTable& from, const CatalogueTable& to) {
  for (const auto& column : from.schema.columns) {
    if (std::find(to.schema.columns.begin(), to.schema.columns.end(), column) ==
        to.schema.columns.end()) {
      return bad_request("Extents of table '" + from.name + "' cannot become extents of table '" +
                         to.name + "': the column '" + column.name + "' of type '" +
                         std::string(to_string(column.type)) + "' is not there.");
    }
  }
  return {};
}

Result<void> move_all(Host& host, CatalogueView& view, const DatabaseEntry& database,
                      const std::vector<Source>& sources, const CatalogueTable& to, bool new_time,
                      RowTable& answer) {
  KC_TRY(const auto tables, view.tables(database.id));
  std::set<std::int64_t> checked;
  std::optional<std::int64_t> cursor, ingested;
  if (new_time && !sources.empty()) {
    ingested = host.new_ingestion_time();
    KC_CHECK_OK(view.set_counter("ingestion", *ingested));
    KC_TRY(cursor, view.advance_cursor(database.id, host.now()));
  }
  for (const auto& source : sources) {
    KC_TRY(auto extent, view.extent(source.id));
    if (!extent || (source.table && extent->table != *source.table)) return gone(source.id);
    const auto from = std::find_if(tables.begin(), tables.end(),
                                   [&](const auto& table) { return table.id == extent->table; });
    if (from == tables.end()) return gone(source.id);
    if (checked.insert(from->id).second) KC_CHECK_OK(check_columns(*from, to));
    extent->id = host.new_id();
    extent->table = to.id;
    if (new_time) extent->restamp(ingested, cursor);
    KC_CHECK_OK(view.replace_extent(source.id, *extent));
    answer.rows.push_back(
        {text_value(source.id.text()), text_value(extent->id.text()), text_value("")});
  }
  return {};
}

// ExtentId, and TableName where it is there, of what a query or a `.show … extents` yields.
Result<std::vector<Source>> sources_of(Command& command, const RowTable& rows) {
  const auto column = [&](std::string_view name) {
    return std::find_if(rows.columns.begin(), rows.columns.end(),
                        [&](const Column& c) { return c.name == name; }) -
           rows.columns.begin();
  };
  const auto id = static_cast<std::size_t>(column("ExtentId")),
             table = static_cast<std::size_t>(column("TableName"));
  if (id == rows.columns.size()) return bad_request("The query must yield a column 'ExtentId'.");
  std::map<std::string, std::int64_t> tables;
  std::vector<Source> sources;
  std::set<Uuid> seen;
  for (const auto& row : rows.rows) {
    const auto* text = std::get_if<std::string>(&row[id]);
    if (text == nullptr) return bad_request("The query yields an extent without an id.");
    Source source;
    KC_TRY(source.id, Uuid::parse(*text));
    if (table < row.size() && std::holds_alternative<std::string>(row[table])) {
      const auto& name = std::get<std::string>(row[table]);
      if (!tables.contains(name)) {
        KC_TRY(const auto found, table_of(command.session, name));
        tables[name] = found.id;
      }
      source.table = tables[name];
    }
    if (seen.insert(source.id).second) sources.push_back(source);
  }
  return sources;
}

Result<std::vector<Source>> piped_sources(Command& command) {
  KC_CHECK_OK(command.tokens.expect("<|"));
  const auto text = command.tokens.rest();
  while (!command.tokens.at_end() && !command.tokens.failure()) command.tokens.take();
  KC_TRY(const auto rows, rows_of(command.session, text));
  return sources_of(command, rows);
}

struct Move {
  std::vector<Source> sources;
  std::optional<std::int64_t> all_of;  // every extent that the table has when the move happens
  std::string to;
  bool new_time = false;
};

Result<Properties> check_properties(Command& command, Properties properties) {
  for (const auto& [name, value] : properties) {
    if (name != "setnewingestiontime" && name != "extentcreatedonfrom" &&
        name != "extentcreatedonto") {
      return unsupported(command, "the property '" + name + "'");
    }
  }
  return properties;
}

Result<Move> parse_move(Command& command) {
  auto& tokens = command.tokens;
  Move move;
  const bool all = tokens.accept_word("all");
  std::optional<std::string> from;
  if (tokens.accept_word("from")) {
    KC_CHECK_OK(tokens.expect_word("table"));
    KC_TRY(from, tokens.name());
  }
  KC_CHECK_OK(tokens.expect_word("to"));
  KC_CHECK_OK(tokens.expect_word("table"));
  KC_TRY(move.to, tokens.name());
  KC_TRY(auto parsed, parse_properties(command));
  KC_TRY(const auto properties, check_properties(command, std::move(parsed)));
  KC_TRY(move.new_time, bool_property(properties, "setnewingestiontime", false));
  if (!from) {
    KC_TRY(move.sources, piped_sources(command));
    return move;
  }
  KC_TRY(const auto table, table_of(command.session, *from));
  if (all) {
    KC_CHECK_OK(expect_end(command));
    move.all_of = table.id;
    return move;
  }
  KC_TRY(const auto ids, parse_ids(command));
  KC_TRY(const auto more, parse_properties(command));
  KC_CHECK_OK(expect_end(command));
  for (const auto& id : ids) move.sources.push_back({id, table.id});
  return move;
}

Result<ResultTable> apply_move(Host& host, const std::string& database, Move move,
                               const std::vector<Source>& dropped, Execution& execution) {
  ResultTable result;
  std::vector<std::string> files;
  const auto checked = host.catalogue->change([&](CatalogueView& view) -> Result<void> {
    KC_TRY(const auto entry, view.database(database));
    KC_TRY(const auto to, view.table(entry, move.to));
    if (move.all_of) {
      KC_TRY(const auto extents, view.extents(*move.all_of));
      for (const auto& extent : extents) move.sources.push_back({extent.id, move.all_of});
    }
    auto answer = moves_table();
    for (const auto& source : dropped) {
      KC_TRY(const auto extent, view.extent(source.id));
      if (!extent || extent->table != to.id) return gone(source.id);
      files.push_back(extent->file);
      KC_CHECK_OK(view.drop_extent(source.id));
      answer.rows.push_back({text_value(source.id.text()), text_value(""), text_value("")});
    }
    KC_CHECK_OK(move_all(host, view, entry, move.sources, to, move.new_time, answer));
    result = encode(answer);
    KC_CHECK_OK(execution.finish(view, result));
    host.at("move.before_commit");
    return {};
  });
  KC_CHECK_OK(checked);
  host.at("move.committed");
  host.files->doom(files);
  return result;
}

}  // namespace

Answer show_extents(Command& command, const std::vector<CatalogueTable>& tables,
                    const DatabaseEntry& database) {
  std::set<Uuid> ids;
  if (command.tokens.is("(")) {
    KC_TRY(const auto listed, parse_ids(command));
    ids.insert(listed.begin(), listed.end());
  }
  command.tokens.accept_word("hot");
  KC_TRY(const auto filters, parse_filters(command));
  KC_TRY(const auto properties, parse_properties(command));
  KC_CHECK_OK(expect_end(command));
  constexpr auto kLong = ScalarType::long_;
  constexpr auto kReal = ScalarType::real_;
  RowTable answer{{{"ExtentId", ScalarType::guid_},
                   {"DatabaseName", kString},
                   {"TableName", kString},
                   {"MaxCreatedOn", ScalarType::datetime_},
                   {"OriginalSize", kReal},
                   {"ExtentSize", kReal},
                   {"CompressedSize", kReal},
                   {"IndexSize", kReal},
                   {"Blocks", kLong},
                   {"Segments", kLong},
                   {"ExtentContainerId", kString},
                   {"RowCount", kLong},
                   {"MinCreatedOn", ScalarType::datetime_},
                   {"Tags", kString},
                   {"Kind", kString},
                   {"DeletedRowCount", kLong}},
                  {}};
  const auto checked = command.host().catalogue->read([&](CatalogueView& view) -> Result<void> {
    for (const auto& table : tables) {
      KC_TRY(const auto extents, view.extents(table.id));
      for (const auto& extent : extents) {
        if (!ids.empty() && !ids.contains(extent.id)) continue;
        if (!std::all_of(filters.begin(), filters.end(),
                         [&](const auto& filter) { return passes(extent, filter); }))
          continue;
        answer.rows.push_back(extent_row(extent, table.name, database.name));
      }
    }
    return {};
  });
  KC_CHECK_OK(checked);
  return answer;
}

Answer move_extents(Command& command) {
  const bool async = command.tokens.accept_word("async");
  KC_CHECK_OK(command.tokens.expect_word("extents"));
  KC_TRY(auto move, parse_move(command));
  auto& host = command.host();
  return run_or_start(
      command, async, nullptr, "CapacityPolicy/ExtentsMove",
      [&host, database = command.session.database, move = std::move(move)](Execution& execution) {
        return apply_move(host, database, move, {}, execution);
      });
}

// `.replace [async] extents in table D [with (…)] <| { drop query } , { move query }`
Answer replace_extents(Command& command) {
  auto& tokens = command.tokens;
  const bool async = tokens.accept_word("async");
  KC_CHECK_OK(tokens.expect_word("extents"));
  KC_CHECK_OK(tokens.expect_word("in"));
  KC_CHECK_OK(tokens.expect_word("table"));
  Move move;
  KC_TRY(move.to, tokens.name());
  KC_TRY(auto parsed, parse_properties(command));
  KC_TRY(const auto properties, check_properties(command, std::move(parsed)));
  KC_TRY(move.new_time, bool_property(properties, "setnewingestiontime", false));
  KC_CHECK_OK(tokens.expect("<|"));
  const auto braced = [&]() -> Result<std::vector<Source>> {
    KC_CHECK_OK(tokens.expect("{"));
    const auto start = tokens.last_end();
    for (int depth = 1; depth > 0;) {
      if (tokens.peek().kind == TokenKind::end) return fail(tokens.error("expected '}'"));
      if (tokens.is("{")) ++depth;
      if (tokens.is("}") && --depth == 0) break;
      tokens.take();
    }
    const auto text = tokens.text().substr(start, tokens.offset() - start);
    tokens.take();
    KC_TRY(const auto rows, rows_of(command.session, text));
    return sources_of(command, rows);
  };
  KC_TRY(auto dropped, braced());
  KC_CHECK_OK(tokens.expect(","));
  KC_TRY(move.sources, braced());
  KC_CHECK_OK(expect_end(command));
  auto& host = command.host();
  return run_or_start(command, async, nullptr, "CapacityPolicy/ExtentsMove",
                      [&host, database = command.session.database, move = std::move(move),
                       dropped = std::move(dropped)](Execution& execution) {
                        return apply_move(host, database, move, dropped, execution);
                      });
}

// `<| query`, `(ids) [from T]`, `id [from T]`, `from T`
Answer drop_extents(Command& command) {
  auto& tokens = command.tokens;
  std::vector<Source> sources;
  std::optional<CatalogueTable> all_of;
  if (tokens.is("<|")) {
    KC_TRY(sources, piped_sources(command));
  } else {
    if (!tokens.is_word("from")) {
      KC_TRY(const auto ids, parse_ids(command));
      for (const auto& id : ids) sources.push_back({id, std::nullopt});
    }
    if (tokens.accept_word("from")) {
      KC_TRY(const auto name, tokens.name());
      KC_TRY(all_of, table_of(command.session, name));
    }
    KC_CHECK_OK(expect_end(command));
  }
  RowTable answer{{{"ExtentId", ScalarType::guid_},
                   {"TableName", kString},
                   {"CreatedOn", ScalarType::datetime_}},
                  {}};
  std::vector<std::string> files;
  auto& host = command.host();
  const auto checked = host.catalogue->change([&](CatalogueView& view) -> Result<void> {
    KC_TRY(const auto database, view.database(command.session.database));
    KC_TRY(const auto tables, view.tables(database.id));
    auto wanted = sources;
    if (all_of && wanted.empty()) {
      KC_TRY(const auto extents, view.extents(all_of->id));
      for (const auto& extent : extents) wanted.push_back({extent.id, all_of->id});
    }
    for (const auto& source : wanted) {
      KC_TRY(const auto extent, view.extent(source.id));
      if (!extent || (source.table && extent->table != *source.table)) continue;  // gone already
      const auto table = std::find_if(tables.begin(), tables.end(),
                                      [&](const auto& t) { return t.id == extent->table; });
      if (table == tables.end() || (all_of && table->id != all_of->id)) continue;
      files.push_back(extent->file);
      KC_CHECK_OK(view.drop_extent(extent->id));
      answer.rows.push_back({guid_value(extent->id), text_value(table->name), extent->created_max});
    }
    host.at("drop.before_commit");
    return {};
  });
  KC_CHECK_OK(checked);
  host.at("drop.committed");
  host.files->doom(files);
  return answer;
}

Answer drop_extent_tags(Command& command, const CatalogueTable& table) {
  KC_TRY(const auto tags, parse_strings(command));
  KC_TRY(const auto properties, parse_properties(command));
  KC_CHECK_OK(expect_end(command));
  RowTable answer{{{"OriginalExtentId", kString},
                   {"ResultExtentId", kString},
                   {"ResultExtentTags", kString},
                   {"Details", kString}},
                  {}};
  auto& host = command.host();
  const auto checked = host.catalogue->change([&](CatalogueView& view) -> Result<void> {
    answer.rows.clear();
    KC_TRY(const auto extents, view.extents(table.id));
    for (auto extent : extents) {
      const auto dropped = std::erase_if(extent.tags, [&](const std::string& tag) {
        return std::find(tags.begin(), tags.end(), tag) != tags.end();
      });
      if (dropped == 0) continue;
      const auto old = std::exchange(extent.id, host.new_id());
      KC_CHECK_OK(view.replace_extent(old, extent));
      answer.rows.push_back({text_value(old.text()), text_value(extent.id.text()),
                             text_value(joined(extent.tags)), text_value("")});
    }
    host.at("tags.before_commit");
    return {};
  });
  KC_CHECK_OK(checked);
  host.at("tags.committed");
  return answer;
}

}  // namespace kc::engine
