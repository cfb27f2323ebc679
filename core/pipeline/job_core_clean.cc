// Clean: after the fact. Tags come off the destination's extents once `moved` is durable; a folder
// goes when no live block may still be ingested from it, and counts as gone only when nothing can
// be written there any more.
#include <algorithm>

#include "core/base/check.h"
#include "core/pipeline/committed.h"
#include "core/pipeline/job_core.h"

namespace kc::pipeline {

void JobCore::clean_tags(const TableName& name) {
  TableWork& at = tables_[name];
  if (at.tags_busy || at.tags_to_drop.empty()) return;
  at.tags_busy = true;
  std::vector<BlockId> ids;
  std::vector<std::string> tags;
  std::optional<Proof> proof;
  for (const BlockId id : at.tags_to_drop) {
    const Block& block = ledger_.blocks.at(id);
    proof = Committed(ledger_).verified(block);
    ids.push_back(id);
    tags.push_back(block.tag);
    if (static_cast<int>(ids.size()) == limits_.tags_per_drop_max) break;
  }
  write(Side::destination, *proof,
        kusto::DropExtentTags{.db = destination_db(), .table = name, .tags = std::move(tags)},
        "drop-tags;" + ledger_.spec.id, [this, name, ids](Result<kusto::Answer> answer) {
          TableWork& table = tables_[name];
          if (!answer) {
            trouble_ = problem_of(answer.error(), "clean.tags_failed");
            changed_ = true;
            if (++table.failures >= limits_.call_failures_max) return let_go(*trouble_);
            return after(backoff(table.failures), [this, name] {
              tables_[name].tags_busy = false;
              clean_tags(name);
            });
          }
          table.failures = 0;
          if (trouble_ && trouble_->code == "clean.tags_failed") trouble_.reset();
          commit({record::TagsDropped{ids}}, [this, name, ids] {
            tables_[name].tags_busy = false;
            for (const BlockId id : ids) {
              tables_[name].tags_to_drop.erase(id);
              if (!block(id)) blocks_.erase(id);
            }
            clean_tags(name);
            clean_folders();
            advance_table(name);
            plan_held_back();
          });
        });
}

bool JobCore::folder_is_done_with(BlockId id, int attempt) const {
  const auto found = ledger_.blocks.find(id);
  if (found == ledger_.blocks.end()) return true;
  const Block& block = found->second;
  if (attempt < block.export_attempt) return true;
  switch (block.state) {
    case BlockState::planned:
    case BlockState::failed:
    case BlockState::moved:
    case BlockState::verified:
    case BlockState::superseded:
    case BlockState::mismatched:
      return true;
    case BlockState::exporting:
    case BlockState::moving:
      return false;
    case BlockState::exported:
    case BlockState::ingesting:
    case BlockState::staged:
      return stopping_ && !waits(id);
  }
  KC_UNREACHABLE();
}

void JobCore::clean_folders() {
  for (const auto& [key, folder] : ledger_.folders) {
    if (static_cast<int>(folders_closing_.size()) >= limits_.folders_closing_max) return;
    if (folders_closing_.contains(key) || !folder_is_done_with(key.first, key.second)) continue;
    folders_closing_.insert(key);
    close_folder(key.first, key.second);
  }
}

void JobCore::close_folder(BlockId id, int attempt) {
  const std::pair key{id, attempt};
  const TableName table = ledger_.blocks.at(id).table;
  const CallId call = ++last_id_;
  folder_calls_.emplace(call, [this, key, table](Result<bool> closed) {
    const auto again = [this, key] { close_folder(key.first, key.second); };
    if (!closed) {
      trouble_ = problem_of(closed.error(), "lake.unreachable");
      changed_ = true;
      if (++folder_failures_ >= limits_.call_failures_max) return let_go(*trouble_);
      return after(backoff(folder_failures_), again);
    }
    folder_failures_ = 0;
    if (trouble_ && trouble_->code.starts_with("lake.")) trouble_.reset();
    // A grant that only expires: an export that has not ended may write until then, so the folder
    // is swept once more.
    const OpenFolder& folder = ledger_.folders.at(key);
    const bool for_good = *closed || folder.over || now_ > folder.grant_expiry;
    if (!for_good) return after(folder.grant_expiry - now_ + Timespan{1}, again);
    commit({record::FolderClosed{.block = key.first, .attempt = key.second}}, [this, key, table] {
      folders_closing_.erase(key);
      if (!block(key.first)) blocks_.erase(key.first);
      clean_folders();
      advance_table(table);
      plan_held_back();
    });
  });
  emit(CloseFolder{.call = call,
                   .proof = Committed(ledger_).stopping(stopping_).attempt_over(id, attempt),
                   .folder = ledger_.folders.at(key).folder});
}

}  // namespace kc::pipeline
