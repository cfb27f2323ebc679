#include "tests/unit/engine_model/model.h"

#include <algorithm>

namespace kc::engine {
namespace {

template <class Wanted>
Sums sums_where(const ModelTable& table, Wanted&& wanted) {
  Sums sums;
  for (const auto& [id, extent] : table) {
    for (const auto& row : extent.rows) {
      if (!wanted(row)) continue;
      ++sums.count;
      sums.sum += row.k;
    }
  }
  return sums;
}

}  // namespace

std::string extent_line(const std::string& id, std::int64_t rows,
                        const std::set<std::string>& tags) {
  auto line = id + " " + std::to_string(rows);
  for (const auto& tag : tags) line += " " + tag;
  return line;
}

void Model::advance(std::int64_t now) {
  cursor_ = std::max(now, cursor_ + 1);
  ingested_ = std::max(now, ingested_ + 1);
}

void Model::ingest(const std::string& table, const std::string& id, std::int64_t first,
                   std::int64_t count, const std::set<std::string>& tags, std::int64_t now) {
  advance(now);
  ModelExtent extent;
  extent.tags = tags;
  const auto cursor = mutant_ == Mutant::late_cursor ? cursor_ + 1 : cursor_;
  for (auto k = first; k < first + count; ++k) extent.rows.push_back({k, ingested_, cursor});
  tables[table][id] = std::move(extent);
}

bool Model::has_tag(const std::string& table, const std::string& tag) const {
  const auto& extents = tables.at(table);
  return std::any_of(extents.begin(), extents.end(),
                     [&](const auto& entry) { return entry.second.tags.contains(tag); });
}

void Model::move(const std::string& from, const std::string& to,
                 const std::vector<std::pair<std::string, std::string>>& moved, bool new_time,
                 std::int64_t now) {
  if (moved.empty()) return;
  if (new_time) advance(now);
  for (const auto& [old_id, new_id] : moved) {
    auto node = tables[from].extract(old_id);
    if (node.empty()) continue;
    if (new_time && mutant_ != Mutant::keeps_old_times) {
      for (auto& row : node.mapped().rows) row.ingested = ingested_, row.cursor = cursor_;
    }
    node.key() = new_id;
    tables[to].insert(std::move(node));
  }
}

void Model::merge(const std::string& table, const std::vector<std::string>& ids,
                  const std::string& id) {
  ModelExtent merged;
  for (const auto& source : ids) {
    auto node = tables[table].extract(source);
    auto& extent = node.mapped();
    merged.rows.insert(merged.rows.end(), extent.rows.begin(), extent.rows.end());
    if (mutant_ != Mutant::loses_tags_of_merges)
      merged.tags.insert(extent.tags.begin(), extent.tags.end());
  }
  tables[table][id] = std::move(merged);
}

void Model::drop_tag(const std::string& table, const std::string& tag,
                     const std::vector<std::pair<std::string, std::string>>& changed) {
  for (const auto& [old_id, new_id] : changed) {
    auto node = tables[table].extract(old_id);
    if (node.empty()) continue;
    node.mapped().tags.erase(tag);
    node.key() = new_id;
    tables[table].insert(std::move(node));
  }
}

Sums Model::all(const std::string& table) const {
  return sums_where(tables.at(table), [](const ModelRow&) { return true; });
}
Sums Model::above(const std::string& table, std::int64_t k) const {
  return sums_where(tables.at(table), [k](const ModelRow& row) { return row.k > k; });
}
Sums Model::in_cursors(const std::string& table, std::int64_t after, std::int64_t to) const {
  return sums_where(tables.at(table),
                    [=](const ModelRow& row) { return row.cursor > after && row.cursor <= to; });
}
Sums Model::in_times(const std::string& table, std::int64_t from, std::int64_t before) const {
  return sums_where(tables.at(table), [=](const ModelRow& row) {
    return row.ingested >= from && row.ingested < before;
  });
}

std::set<std::string> Model::extents(const std::string& table, const std::string& tag) const {
  std::set<std::string> lines;
  for (const auto& [id, extent] : tables.at(table)) {
    if (tag.empty() || extent.tags.contains(tag))
      lines.insert(extent_line(id, static_cast<std::int64_t>(extent.rows.size()), extent.tags));
  }
  return lines;
}

}  // namespace kc::engine
