// `.drop extents` in all its forms, and `.drop-pretend extents`, which only tells.
#include <algorithm>

#include "core/engine/commands/extents.h"

namespace kc::engine {
namespace {

constexpr auto kString = ScalarType::string_;

struct Drop {
  std::vector<ExtentSource> sources;
  bool listed = false;                     // only the sources; else all that the rest allows
  std::optional<CatalogueTable> table;     // none: every table of the database
  std::optional<std::int64_t> older_than;  // ticks
  std::optional<std::int64_t> keep_bytes;  // the oldest go until this is left
  bool by_extent_size = false;
  std::optional<std::int64_t> limit;
  bool pretends = false;
};

Result<std::int64_t> parse_count(Command& command) {
  const auto& token = command.tokens.peek();
  if (token.kind != TokenKind::long_ || token.integer < 0)
    return fail(command.tokens.error("expected a number"));
  return command.tokens.take().integer;
}

Result<std::int64_t> parse_age(Command& command) {
  auto& tokens = command.tokens;
  if (tokens.peek().kind == TokenKind::timespan) return tokens.take().integer;
  KC_TRY(const auto count, parse_count(command));
  const bool days = tokens.accept_word("days");
  if (!days) KC_CHECK_OK(tokens.expect_word("hours"));
  return Timespan::seconds(count * (days ? 86'400 : 3'600)).ticks;
}

Result<void> parse_trim(Command& command, Drop& drop) {
  auto& tokens = command.tokens;
  KC_CHECK_OK(tokens.expect_word("by"));
  drop.by_extent_size = tokens.accept_word("extentsize");
  if (!drop.by_extent_size) KC_CHECK_OK(tokens.expect_word("datasize"));
  KC_TRY(const auto count, parse_count(command));
  if (tokens.accept_word("GB"))
    drop.keep_bytes = count << 30;
  else if (tokens.accept_word("MB"))
    drop.keep_bytes = count << 20;
  else if (tokens.accept_word("bytes"))
    drop.keep_bytes = count;
  else
    return fail(tokens.error("expected MB, GB or bytes"));
  return {};
}

Result<Drop> parse_drop(Command& command) {
  auto& tokens = command.tokens;
  Drop drop;
  drop.pretends = tokens.accept_word("whatif");
  if (tokens.is("<|")) {
    KC_TRY(drop.sources, piped_extents(command));
    drop.listed = true;
    return drop;
  }
  if (tokens.accept_word("older")) {
    KC_TRY(const auto age, parse_age(command));
    drop.older_than = command.host().now() - age;
  } else if (!tokens.is_word("from")) {
    KC_TRY(const auto ids, parse_ids(command));
    for (const auto& id : ids) drop.sources.push_back({id, std::nullopt});
    drop.listed = true;
  }
  if (tokens.accept_word("from")) {
    const bool everywhere = tokens.is_word("all") && tokens.is_word("tables", 1);
    if (everywhere) {
      tokens.take();
      tokens.take();
    } else {
      tokens.accept_word("table");
      KC_TRY(const auto name, tokens.name());
      KC_TRY(drop.table, table_of(command.session, name));
    }
  } else if (!drop.listed) {
    return fail(tokens.error("expected 'from'"));
  }
  if (tokens.accept_word("trim")) KC_CHECK_OK(parse_trim(command, drop));
  if (tokens.accept_word("limit")) {
    KC_TRY(drop.limit, parse_count(command));
  }
  KC_CHECK_OK(expect_end(command));
  return drop;
}

// The oldest first, as far as what is left would still be too large.
void trim(std::vector<Extent>& extents, const Drop& drop) {
  const auto size = [&](const Extent& extent) {
    return drop.by_extent_size ? extent.file_size : extent.original_size;
  };
  std::int64_t left = 0;
  for (const auto& extent : extents) left += size(extent);
  std::size_t count = 0;
  while (count < extents.size() && left > *drop.keep_bytes) left -= size(extents[count++]);
  extents.resize(count);
}

Result<std::vector<Extent>> chosen(CatalogueView& view, const Drop& drop,
                                   const std::vector<CatalogueTable>& tables) {
  std::vector<Extent> extents;
  if (drop.listed) {
    for (const auto& source : drop.sources) {
      KC_TRY(auto extent, view.extent(source.id));
      if (!extent || (source.table && extent->table != *source.table)) continue;  // gone already
      if (drop.table && extent->table != drop.table->id) continue;
      extents.push_back(std::move(*extent));
    }
  } else {
    for (const auto& table : tables) {
      if (drop.table && table.id != drop.table->id) continue;
      KC_TRY(const auto all, view.extents(table.id));
      for (const auto& extent : all) {
        if (!drop.older_than || extent.created_max < *drop.older_than) extents.push_back(extent);
      }
    }
    std::stable_sort(extents.begin(), extents.end(), [](const Extent& a, const Extent& b) {
      return a.created_max < b.created_max;
    });
  }
  if (drop.keep_bytes) trim(extents, drop);
  if (drop.limit && static_cast<std::int64_t>(extents.size()) > *drop.limit)
    extents.resize(static_cast<std::size_t>(*drop.limit));
  return extents;
}

Answer apply(Command& command, const Drop& drop) {
  RowTable answer{{{"ExtentId", ScalarType::guid_},
                   {"TableName", kString},
                   {"CreatedOn", ScalarType::datetime_}},
                  {}};
  std::vector<std::string> files;
  auto& host = command.host();
  const auto checked = host.catalogue->change([&](CatalogueView& view) -> Result<void> {
    KC_TRY(const auto database, view.database(command.session.database));
    KC_TRY(const auto tables, view.tables(database.id));
    KC_TRY(const auto extents, chosen(view, drop, tables));
    for (const auto& extent : extents) {
      const auto table = std::find_if(tables.begin(), tables.end(),
                                      [&](const auto& t) { return t.id == extent.table; });
      if (table == tables.end()) continue;
      KC_CHECK_OK(check_table_access(command.session, view, *table));
      if (!drop.pretends) {
        files.push_back(extent.file);
        KC_CHECK_OK(view.drop_extent(extent.id));
      }
      answer.rows.push_back({guid_value(extent.id), text_value(table->name), extent.created_max});
    }
    host.at("drop.before_commit");
    return {};
  });
  KC_CHECK_OK(checked);
  host.at("drop.committed");
  host.files->doom(files);
  return answer;
}

}  // namespace

Answer drop_extents(Command& command) {
  auto& tokens = command.tokens;
  // `.drop extent tags from table T ('a')`, the older form.
  if (tokens.accept_word("tags")) {
    KC_CHECK_OK(tokens.expect_word("from"));
    KC_CHECK_OK(tokens.expect_word("table"));
    KC_TRY(const auto name, tokens.name());
    KC_TRY(const auto table, table_of(command.session, name));
    return alter_extent_tags(command, table, TagChange::drop, false);
  }
  KC_TRY(const auto drop, parse_drop(command));
  return apply(command, drop);
}

Answer drop_pretend_extents(Command& command) {
  KC_TRY(auto drop, parse_drop(command));
  drop.pretends = true;
  return apply(command, drop);
}

}  // namespace kc::engine
