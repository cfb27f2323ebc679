// Extents: shown, moved and replaced. Each change is one transaction.
#include "core/engine/commands/extents.h"

#include <algorithm>
#include <limits>
#include <set>

#include "core/base/json.h"
#include "core/base/text.h"
#include "core/engine/query/update_policies.h"

namespace kc::engine {
namespace {

constexpr auto kString = ScalarType::string_;

struct TagFilter {
  bool whole = true, wanted = true;
  std::string tag;
};

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
          text_value(joined_tags(extent.tags)),
          text_value(""),
          std::int64_t{0}};
}

// `extentsShowFilteringRuntimePolicy='{"MaximumResultsCount":500}'`
Result<std::size_t> filtering_limit(const Properties& properties) {
  std::size_t limit = std::numeric_limits<std::size_t>::max();
  for (const auto& [name, value] : properties) {
    if (name != "extentsshowfilteringruntimepolicy")
      return bad_request("The property '" + name + "' is not one of '.show extents'.");
    const auto json = nlohmann::json::parse(value, nullptr, false);
    if (!json.is_object())
      return bad_request("extentsShowFilteringRuntimePolicy is no JSON object.");
    if (!json.contains("MaximumResultsCount")) continue;
    if (!json["MaximumResultsCount"].is_number_unsigned())
      return bad_request("MaximumResultsCount is no number of extents.");
    limit = json["MaximumResultsCount"].get<std::size_t>();
  }
  return limit;
}

RowTable moves_table() {
  return {{{"OriginalExtentId", kString}, {"ResultExtentId", kString}, {"Details", kString}}, {}};
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
                      const std::vector<ExtentSource>& sources, const CatalogueTable& to,
                      bool new_time, RowTable& answer) {
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
    if (!extent || (source.table && extent->table != *source.table)) return extent_gone(source.id);
    const auto from = std::find_if(tables.begin(), tables.end(),
                                   [&](const auto& table) { return table.id == extent->table; });
    if (from == tables.end()) return extent_gone(source.id);
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

struct Move {
  std::vector<ExtentSource> sources;
  std::optional<std::int64_t> all_of;  // every extent that the table has when the move happens
  std::string to;
  bool new_time = false;
  CreatedRange created;
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
  KC_TRY(move.created, created_range(properties));
  if (!from) {
    KC_TRY(move.sources, piped_extents(command));
    return move;
  }
  KC_TRY(const auto table, table_of(command.session, *from));
  if (tokens.is("<|")) {
    KC_TRY(move.sources, piped_extents(command));
    for (auto& source : move.sources) source.table = table.id;
    return move;
  }
  if (all) {
    KC_CHECK_OK(expect_end(command));
    move.all_of = table.id;
    return move;
  }
  KC_TRY(const auto ids, parse_ids(command));
  KC_TRY(const auto more, parse_properties(command));
  KC_CHECK_OK(check_properties(command, more));
  KC_CHECK_OK(expect_end(command));
  for (const auto& id : ids) move.sources.push_back({id, table.id});
  return move;
}

// The update policies of the destination run on what moves into it. Files do not change, so the
// transaction only has to find the extents where they were.
Result<void> derive_moved(Host& host, const std::string& database, Move& move,
                          DerivedRows& derived) {
  KC_TRY(const auto to, host.catalogue->read([&](CatalogueView& view) -> Result<CatalogueTable> {
    KC_TRY(const auto entry, view.database(database));
    return view.table(entry, move.to);
  }));
  KC_TRY(const bool any, derived.any_for(to));
  if (!any) return {};
  std::vector<Extent> extents;
  std::vector<std::vector<Column>> shapes;
  FilePins pins;
  const auto read = host.catalogue->read([&](CatalogueView& view) -> Result<void> {
    if (move.all_of) {
      KC_TRY(const auto all, view.extents(*move.all_of));
      for (const auto& extent : all) {
        if (move.created.holds(extent)) move.sources.push_back({extent.id, move.all_of});
      }
      move.all_of.reset();
    }
    std::vector<std::string> files;
    for (const auto& source : move.sources) {
      KC_TRY(auto extent, view.extent(source.id));
      if (!extent) return extent_gone(source.id);
      KC_TRY(auto shape, view.shape(extent->shape));
      files.push_back(extent->file);
      extents.push_back(std::move(*extent));
      shapes.push_back(std::move(shape));
    }
    pins = host.files->pin(std::move(files));
    return {};
  });
  KC_CHECK_OK(read);
  return derived.derive(to, extents, shapes);
}

Result<ResultTable> apply_move(Host& host, const std::string& database, Move move,
                               const std::vector<ExtentSource>& dropped, Execution& execution) {
  ResultTable result;
  std::vector<std::string> files;
  DerivedRows derived(host);
  KC_CHECK_OK(derive_moved(host, database, move, derived));
  const auto checked = host.catalogue->change([&](CatalogueView& view) -> Result<void> {
    KC_TRY(const auto entry, view.database(database));
    KC_TRY(const auto to, view.table(entry, move.to));
    if (move.all_of) {
      KC_TRY(const auto all, view.extents(*move.all_of));
      for (const auto& extent : all) {
        if (move.created.holds(extent)) move.sources.push_back({extent.id, move.all_of});
      }
    }
    auto answer = moves_table();
    for (const auto& source : dropped) {
      KC_TRY(const auto extent, view.extent(source.id));
      if (!extent || extent->table != to.id) return extent_gone(source.id);
      files.push_back(extent->file);
      KC_CHECK_OK(view.drop_extent(source.id));
      answer.rows.push_back({text_value(source.id.text()), text_value(""), text_value("")});
    }
    KC_CHECK_OK(move_all(host, view, entry, move.sources, to, move.new_time, answer));
    KC_CHECK_OK(derived.add(view));
    result = encode(answer);
    KC_CHECK_OK(execution.finish(view, result));
    host.at("move.before_commit");
    return {};
  });
  KC_CHECK_OK(checked);
  derived.keep();
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
  const bool metadata = command.tokens.accept_word("metadata");
  KC_TRY(const auto filters, parse_filters(command));
  KC_TRY(const auto properties, parse_properties(command));
  KC_TRY(const auto limit, filtering_limit(properties));
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
        if (answer.rows.size() >= limit) return {};
        answer.rows.push_back(extent_row(extent, table.name, database.name));
      }
    }
    return {};
  });
  KC_CHECK_OK(checked);
  if (!metadata) return answer;
  RowTable shown{{{"ExtentId", ScalarType::guid_},
                  {"DatabaseName", kString},
                  {"TableName", kString},
                  {"ExtentMetadata", kString}},
                 {}};
  for (const auto& row : answer.rows)
    shown.rows.push_back({row[0], row[1], row[2], text_value("")});
  return shown;
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
  const auto braced = [&]() -> Result<std::vector<ExtentSource>> {
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
    return extents_of_rows(command, rows);
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

}  // namespace kc::engine
