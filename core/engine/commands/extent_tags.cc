// Tags of extents that exist: set, added and taken away. An extent whose tags change gets a new id.
#include <algorithm>
#include <map>

#include "core/engine/commands/extents.h"

namespace kc::engine {
namespace {

constexpr auto kString = ScalarType::string_;

struct TagWish {
  TagChange change = TagChange::set;
  std::vector<std::string> tags;
  std::optional<std::map<Uuid, std::vector<std::string>>> only;  // by id; tags of their own
  CreatedRange created;
};

std::vector<std::string> changed(const Extent& extent, const TagWish& wish,
                                 const std::vector<std::string>& tags) {
  auto result = wish.change == TagChange::set ? std::vector<std::string>() : extent.tags;
  for (const auto& tag : tags) {
    const auto at = std::find(result.begin(), result.end(), tag);
    if (wish.change == TagChange::drop) {
      if (at != result.end()) result.erase(at);
    } else if (at == result.end()) {
      result.push_back(tag);
    }
  }
  return result;
}

Result<ResultTable> apply(Host& host, std::int64_t table, const TagWish& wish,
                          Execution& execution) {
  RowTable answer{{{"OriginalExtentId", kString},
                   {"ResultExtentId", kString},
                   {"ResultExtentTags", kString},
                   {"Details", kString}},
                  {}};
  ResultTable result;
  const auto checked = host.catalogue->change([&](CatalogueView& view) -> Result<void> {
    answer.rows.clear();
    KC_TRY(const auto extents, view.extents(table));
    std::size_t met = 0;
    for (auto extent : extents) {
      auto tags = wish.tags;
      if (wish.only) {
        const auto at = wish.only->find(extent.id);
        if (at == wish.only->end()) continue;
        ++met;
        if (tags.empty()) tags = at->second;
      }
      if (!wish.created.holds(extent)) continue;
      auto after = changed(extent, wish, tags);
      if (after == extent.tags) continue;
      extent.tags = std::move(after);
      const auto old = std::exchange(extent.id, host.new_id());
      KC_CHECK_OK(view.replace_extent(old, extent));
      answer.rows.push_back({text_value(old.text()), text_value(extent.id.text()),
                             text_value(joined_tags(extent.tags)), text_value("")});
    }
    if (wish.only && met < wish.only->size()) {
      for (const auto& entry : *wish.only) {
        const auto same = [&](const Extent& extent) { return extent.id == entry.first; };
        if (std::none_of(extents.begin(), extents.end(), same)) return extent_gone(entry.first);
      }
    }
    result = encode(answer);
    KC_CHECK_OK(execution.finish(view, result));
    host.at("tags.before_commit");
    return {};
  });
  KC_CHECK_OK(checked);
  host.at("tags.committed");
  return result;
}

Answer async_tags(Command& command, TagChange change) {
  KC_CHECK_OK(command.tokens.expect_word("table"));
  KC_TRY(const auto name, command.tokens.name());
  KC_TRY(const auto table, table_of(command.session, name));
  KC_CHECK_OK(command.tokens.expect_word("extent"));
  return alter_extent_tags(command, table, change, true);
}

}  // namespace

// After `extent`, or after the table's name in the older form of drop.
Answer alter_extent_tags(Command& command, const CatalogueTable& table, TagChange change,
                         bool async) {
  auto& tokens = command.tokens;
  tokens.accept_word("tags");
  TagWish wish;
  wish.change = change;
  if (!tokens.is("<|")) {
    KC_TRY(wish.tags, parse_strings(command));
  }
  KC_TRY(const auto properties, parse_properties(command));
  KC_TRY(wish.created, created_range(properties));
  if (tokens.is("<|")) {
    KC_TRY(const auto sources, piped_extents(command));
    wish.only.emplace();
    for (const auto& source : sources) (*wish.only)[source.id] = source.tags;
  } else if (change != TagChange::drop) {
    return fail(tokens.error("expected '<|' and a query"));
  }
  KC_CHECK_OK(expect_end(command));
  auto& host = command.host();
  return run_or_start(command, async, nullptr, "CapacityPolicy/ExtentsMove",
                      [&host, id = table.id, wish = std::move(wish)](Execution& execution) {
                        return apply(host, id, wish, execution);
                      });
}

Answer alter_async(Command& command) { return async_tags(command, TagChange::set); }
Answer alter_merge_async(Command& command) { return async_tags(command, TagChange::merge); }
Answer drop_async(Command& command) { return async_tags(command, TagChange::drop); }

}  // namespace kc::engine
