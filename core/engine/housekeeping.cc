#include "core/engine/housekeeping.h"

#include <algorithm>
#include <set>

#include "core/base/json.h"
#include "core/engine/host.h"
#include "core/engine/storage/merge.h"

namespace kc::engine {
namespace {

using nlohmann::json;

constexpr Timespan kPoliciesEvery = Timespan::seconds(60);
constexpr Timespan kOperationsKept = Timespan::seconds(14 * 86'400);
constexpr Timespan kHour = Timespan::seconds(3600);
constexpr Timespan kDay = Timespan::seconds(86'400);

json policy_json(CatalogueView& view, const CatalogueTable& table, std::string_view name) {
  const auto text = view.effective_policy(table, name);
  if (!text || !*text) return {};
  return json::parse(**text, nullptr, false);
}

std::optional<Timespan> span_member(const json& object, const char* name) {
  if (!object.is_object() || !object.contains(name) || !object[name].is_string())
    return std::nullopt;
  const auto span = parse_duration(object[name].get<std::string>());
  return span ? std::optional(*span) : std::nullopt;
}

template <class T>
T member(const json& object, const char* name, T standard) {
  if (!object.is_object() || !object.contains(name)) return standard;
  if constexpr (std::is_same_v<T, bool>)
    return object[name].is_boolean() ? object[name].get<bool>() : standard;
  else
    return object[name].is_number() ? object[name].get<T>() : standard;
}

// The tags that the policy lets go of at this age; they leave `extent`.
bool drop_old_tags(const json& policy, std::int64_t age, Extent& extent) {
  if (!policy.is_array()) return false;
  std::size_t dropped = 0;
  for (const auto& rule : policy) {
    const auto period = span_member(rule, "RetentionPeriod");
    if (!period || age <= period->ticks || !rule.contains("TagPrefix") ||
        !rule["TagPrefix"].is_string())
      continue;
    const auto prefix = rule["TagPrefix"].get<std::string>();
    dropped +=
        std::erase_if(extent.tags, [&](const std::string& tag) { return tag.starts_with(prefix); });
  }
  return dropped > 0;
}

std::set<std::string> drop_by_tags(const Extent& extent) {
  std::set<std::string> tags;
  for (const auto& tag : extent.tags) {
    if (tag.starts_with("drop-by:")) tags.insert(tag);
  }
  return tags;
}

}  // namespace

void Housekeeping::look() {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) return;
  const auto now = host_.now();
  if (late_cursors_) (void)stamp_cursors(now);
  // A clock that was stepped back has its policies looked at again too.
  const bool due = now - looked_at_policies_ >= kPoliciesEvery.ticks || now < looked_at_policies_;
  if (due || hurried_.exchange(false)) {
    looked_at_policies_ = now;
    (void)apply_policies(now);
  }
  const auto background = host_.background();
  if (background.merge_every && (now - merged_at_ >= background.merge_every->ticks)) {
    merged_at_ = now;
    merge_some(now);
  }
}

Result<void> Housekeeping::stamp_cursors(std::int64_t now) {
  late_cursors_ = false;
  auto done = host_.catalogue->change([&](CatalogueView& view) -> Result<void> {
    KC_TRY(auto extents, view.unstamped(now));
    std::optional<std::int64_t> ingested, cursor;
    for (auto& extent : extents) {
      // The extents of one ingestion get one cursor.
      if (!cursor || extent.ingested != ingested) {
        KC_TRY(const auto table, view.table(extent.table));
        if (!table) continue;
        KC_TRY(cursor, view.advance_cursor(table->database, now));
        ingested = extent.ingested;
      }
      extent.cursor = cursor;
      extent.cursor_due.reset();
      KC_CHECK_OK(view.replace_extent(extent.id, extent));
    }
    KC_TRY(const auto later, view.unstamped(kTicksMax.value));
    if (!later.empty()) late_cursors_ = true;
    if (!extents.empty()) host_.at("cursor.before_commit");
    return {};
  });
  if (!done) late_cursors_ = true;
  return done;
}

Result<void> Housekeeping::apply_to_table(CatalogueView& view, const CatalogueTable& table,
                                          std::int64_t now, std::vector<std::string>& doomed) {
  const auto retention = span_member(policy_json(view, table, "retention"), "SoftDeletePeriod");
  const auto tags = policy_json(view, table, "extent_tags_retention");
  const auto deletion = policy_json(view, table, "auto_delete");
  KC_TRY(auto extents, view.extents(table.id));
  std::size_t left = extents.size();
  for (auto& extent : extents) {
    const auto age = now - extent.created_max;
    if (retention && age > retention->ticks) {
      KC_CHECK_OK(view.drop_extent(extent.id));
      doomed.push_back(extent.file);
      --left;
    } else if (drop_old_tags(tags, age, extent)) {
      const auto old = std::exchange(extent.id, host_.new_id());
      KC_CHECK_OK(view.replace_extent(old, extent));
    }
  }
  if (!deletion.is_object() || !deletion.contains("ExpiryDate") ||
      !deletion["ExpiryDate"].is_string())
    return {};
  const auto expiry = parse_datetime(deletion["ExpiryDate"].get<std::string>());
  if (!expiry || now < expiry->value) return {};
  if (left > 0 && !member(deletion, "DeleteIfNotEmpty", false)) return {};
  KC_TRY(const auto freed, view.drop_table(table.id));
  doomed.insert(doomed.end(), freed.begin(), freed.end());
  return {};
}

Result<void> Housekeeping::apply_policies(std::int64_t now) {
  std::vector<std::string> doomed;
  const auto checked = host_.catalogue->change([&](CatalogueView& view) -> Result<void> {
    KC_CHECK_OK(view.forget_operations(now - kOperationsKept.ticks));
    KC_TRY(const bool any, view.timed_policies());
    if (!any) return {};
    KC_TRY(const auto databases, view.databases());
    for (const auto& database : databases) {
      KC_TRY(const auto tables, view.tables(database.id));
      for (const auto& table : tables) KC_CHECK_OK(apply_to_table(view, table, now, doomed));
    }
    host_.at("retention.before_commit");
    return {};
  });
  KC_CHECK_OK(checked);
  if (!doomed.empty()) host_.at("retention.committed");
  host_.files->doom(doomed);
  return {};
}

// Neighbours by creation time that the table's policy lets merge, from a seeded start.
std::vector<Extent> Housekeeping::merge_candidates(const CatalogueTable& table, std::int64_t now) {
  std::vector<Extent> chosen;
  (void)host_.catalogue->read([&](CatalogueView& view) -> Result<void> {
    const auto policy = policy_json(view, table, "merge");
    if (!member(policy, "AllowMerge", true)) return {};
    const auto rows_max = member(policy, "RowCountUpperBoundForMerge", std::int64_t{16'000'000});
    const auto count_max = member(policy, "MaxExtentsToMerge", std::int64_t{100});
    const auto range = member(policy, "MaxRangeInHours", std::int64_t{24}) * kHour.ticks;
    const auto lookback = 14 * kDay.ticks;
    KC_TRY(auto extents, view.extents(table.id));
    std::erase_if(extents, [&](const Extent& extent) {
      return extent.cursor_due || extent.created_max < now - lookback;
    });
    if (extents.size() < 2) return {};
    std::sort(extents.begin(), extents.end(), [](const Extent& a, const Extent& b) {
      return std::tie(a.created_min, a.id) < std::tie(b.created_min, b.id);
    });
    const auto start = host_.rng.with([&](Rng& rng) { return rng.below(extents.size() - 1); });
    std::int64_t rows = 0;
    for (auto i = start; i < extents.size(); ++i) {
      const auto& extent = extents[i];
      if (static_cast<std::int64_t>(chosen.size()) >= count_max || rows + extent.rows > rows_max)
        break;
      if (!chosen.empty() && (extent.created_max - chosen.front().created_min > range ||
                              drop_by_tags(extent) != drop_by_tags(chosen.front())))
        break;
      rows += extent.rows;
      chosen.push_back(extent);
    }
    return {};
  });
  if (chosen.size() < 2) chosen.clear();
  return chosen;
}

void Housekeeping::merge_some(std::int64_t now) {
  const auto chance = host_.background().merge_chance;
  std::vector<CatalogueTable> tables;
  (void)host_.catalogue->read([&](CatalogueView& view) -> Result<void> {
    KC_TRY(const auto databases, view.databases());
    for (const auto& database : databases) {
      KC_TRY(const auto found, view.tables(database.id));
      tables.insert(tables.end(), found.begin(), found.end());
    }
    return {};
  });
  for (const auto& table : tables) {
    if (!host_.rng.with([&](Rng& rng) { return rng.chance(chance); })) continue;
    const auto slot = host_.merges.try_take();
    if (!slot) return;
    std::vector<Uuid> ids;
    for (const auto& extent : merge_candidates(table, now)) ids.push_back(extent.id);
    if (ids.empty()) continue;
    const auto merged = merge_extents(host_, table.id, ids,
                                      [](CatalogueView&, const Extent&) { return Result<void>(); });
    if (merged) ++merges_;
  }
}

}  // namespace kc::engine
