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
    // Those in doubt wait, and hold up nobody.
    if (std::ssize(folders_closing_) - std::ssize(doubts_) >= limits_.folders_closing_max) return;
    if (folders_closing_.contains(key) || !folder_is_done_with(key.first, key.second)) continue;
    folders_closing_.insert(key);
    close_folder(key);
  }
}

// `quiet`: no export is left that could write there.
void JobCore::close_folder(FolderKey key, bool quiet) {
  const TableName table = ledger_.blocks.at(key.first).table;
  const CallId call = ++last_id_;
  folder_calls_.emplace(call, [this, key, quiet, table](Result<bool> closed) {
    if (!closed) {
      trouble_ = problem_of(closed.error(), "lake.unreachable");
      changed_ = true;
      if (++folder_failures_ >= limits_.call_failures_max) return let_go(*trouble_);
      return after(backoff(folder_failures_), [this, key, quiet] { close_folder(key, quiet); });
    }
    folder_failures_ = 0;
    if (trouble_ && trouble_->code.starts_with("lake.")) trouble_.reset();
    const OpenFolder& folder = ledger_.folders.at(key);
    const bool for_good = *closed || folder.over || quiet || now_ > folder.grant_expiry;
    if (!for_good) return doubt_folder(key);
    commit({record::FolderClosed{.block = key.first, .attempt = key.second}}, [this, key, table] {
      folders_closing_.erase(key);
      if (!block(key.first)) blocks_.erase(key.first);
      clean_folders();
      advance_table(table);
      plan_held_back();
    });
  });
  emit(CloseFolder{
      .call = call,
      .proof = Committed(ledger_).stopping(stopping_).attempt_over(key.first, key.second),
      .folder = ledger_.folders.at(key).folder});
}

// ---- Folders in doubt. The right to write there cannot be taken back, and which export has it may
// not be known. But whatever can write is listed by the source once its request can no longer land:
// when the exports listed then have ended, the folder is swept once more. Nothing ever reads it, so
// that a mistake here costs a file left behind and no row. The grant's own end is the last limit.

void JobCore::doubt_folder(FolderKey key) {
  const Ticks expired = ledger_.folders.at(key).grant_expiry + Timespan{1};
  const Ticks at = std::min(now_ + limits_.export_start_deadline, expired);
  doubts_.insert_or_assign(key, Doubt{.read_at = at, .writers = {}});
  changed_ = true;
  clean_folders();
  after(at - now_, [this] { read_exports_when_due(); });
}

void JobCore::read_exports_when_due() {
  const bool due = std::any_of(doubts_.begin(), doubts_.end(),
                               [this](const auto& entry) { return entry.second.read_at <= now_; });
  if (exports_busy_ || !due) return;
  exports_busy_ = true;
  read(Side::source, kusto::ReadExportsUnderWay{limits_.grant_life + limits_.clock_slack},
       "exports-under-way",
       [this, asked = now_](const Result<kusto::Answer>& answer) { exports_read(asked, answer); });
}

void JobCore::exports_read(Ticks asked, const Result<kusto::Answer>& answer) {
  exports_busy_ = false;
  if (!answer) trouble_ = problem_of(answer.error(), "source.unreachable");
  if (answer && exports_failures_ > 0) trouble_.reset();
  exports_failures_ = answer ? 0 : exports_failures_ + 1;
  std::set<Uuid> listed;
  if (answer) {
    for (const auto& one : std::get<kusto::OperationList>(*answer).operations)
      listed.insert(one.id);
    // Blocks under way have folders of their own.
    for (const auto& [id, block] : ledger_.blocks) {
      if (block.state == BlockState::exporting && block.operation) listed.erase(*block.operation);
    }
  }
  const Ticks again = now_ + (answer ? limits_.exports_read_every : backoff(exports_failures_));
  std::vector<FolderKey> quiet;
  std::optional<Ticks> next;
  for (auto& [key, doubt] : doubts_) {
    if (doubt.read_at <= asked) {
      if (answer && doubt.writers) {
        std::erase_if(*doubt.writers, [&](const Uuid& id) { return !listed.contains(id); });
      } else if (answer) {
        doubt.writers = listed;
      }
      const Ticks expiry = ledger_.folders.at(key).grant_expiry;
      if ((doubt.writers && doubt.writers->empty()) || now_ > expiry) {
        quiet.push_back(key);
        continue;
      }
      doubt.read_at = std::min(again, expiry + Timespan{1});
    }
    next = std::min(next.value_or(doubt.read_at), doubt.read_at);
  }
  for (const FolderKey& key : quiet) {
    doubts_.erase(key);
    close_folder(key, true);
  }
  changed_ = true;
  if (next) after(*next - now_, [this] { read_exports_when_due(); });
}

}  // namespace kc::pipeline
