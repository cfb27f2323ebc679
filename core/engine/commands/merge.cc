// `.merge [async] T (<ids>) [with (rebuild=true)]` and `.merge [async] T all …`: what the cluster
// does by itself, when it is asked for. Rebuilt extents are merged ones here: both are written
// anew.
#include "core/engine/storage/merge.h"

#include <set>

#include "core/engine/commands/command.h"

namespace kc::engine {
namespace {

RowTable merged_rows(const std::vector<Uuid>& ids, const Extent& merged, std::int64_t duration) {
  RowTable answer{{{"OriginalExtentId", ScalarType::guid_},
                   {"ResultExtentId", ScalarType::guid_},
                   {"Duration", ScalarType::timespan_}},
                  {}};
  for (const auto& id : ids)
    answer.rows.push_back({guid_value(id), guid_value(merged.id), duration});
  return answer;
}

}  // namespace

Answer merge_table(Command& command) {
  const bool async = command.tokens.accept_word("async");
  KC_TRY(const auto name, command.tokens.name());
  KC_TRY(const auto table, table_of(command.session, name));
  KC_TRY(const auto ids, parse_ids(command));
  KC_TRY(const auto properties, parse_properties(command));
  for (const auto& [property, value] : properties) {
    if (property != "rebuild")
      return bad_request("The property '" + property + "' is not one of '.merge'.");
  }
  KC_CHECK_OK(bool_property(properties, "rebuild", false));
  KC_CHECK_OK(expect_end(command));
  if (std::set<Uuid>(ids.begin(), ids.end()).size() != ids.size())
    return bad_request("An extent is named twice.");
  auto& host = command.host();
  return run_or_start(command, async, &host.merges, "CapacityPolicy/ExtentsMerge",
                      [&host, ids, table = table.id](Execution& execution) -> Result<ResultTable> {
                        const auto started = host.clock->elapsed();
                        ResultTable result;
                        const auto done = merge_extents(
                            host, table, ids, [&](CatalogueView& view, const Extent& merged) {
                              const auto took =
                                  Timespan::from(host.clock->elapsed() - started).ticks;
                              result = encode(merged_rows(ids, merged, took));
                              return execution.finish(view, result);
                            });
                        if (!done) return fail(done.error());
                        return result;
                      });
}

}  // namespace kc::engine
