#include "core/checkpoint/journal_read.h"

#include <algorithm>
#include <string>

namespace kc {
namespace {

bool is_snapshot_record(const Record& record) {
  return std::holds_alternative<record::SnapshotJob>(record) ||
         std::holds_alternative<record::SnapshotTable>(record) ||
         std::holds_alternative<record::SnapshotBlock>(record) ||
         std::holds_alternative<record::SnapshotFolder>(record);
}

// One pass over the files of one listing. `done` false: a file was removed under the reader.
class Pass {
 public:
  Pass(Lake& lake, const JournalReplay& replay, const JournalListing& listing)
      : lake_(lake), replay_(replay), listing_(listing) {}

  Result<bool> run() {
    replay_.begin();
    end_.older_snapshots = listing_.snapshots.size() > 1;
    if (listing_.newest_snapshot() != 0) {
      KC_TRY(const bool there, read_snapshot(listing_.newest_snapshot()));
      if (!there) return false;
    }
    for (const std::uint64_t seq : listing_.files) {
      if (seq <= end_.snapshot) continue;
      if (seq != end_.seq + 1) return gap(end_.seq + 1);
      KC_TRY(const bool there, read_file(seq));
      if (!there) return false;
    }
    return true;
  }
  JournalEnd take() { return std::move(end_); }

 private:
  // nullopt where the file is gone.
  Result<std::optional<std::string>> fetch(const std::string& name) {
    auto bytes = lake_.get(name);
    if (bytes) return std::optional<std::string>(std::move(*bytes));
    if (bytes.error().kind == ErrorKind::not_found) return std::optional<std::string>();
    return fail(std::move(bytes).error().in("reading the journal"));
  }

  Result<bool> read_snapshot(std::uint64_t seq) {
    const std::string name = snapshot_name(seq);
    KC_TRY(const auto bytes, fetch(name));
    if (!bytes) return false;
    KC_TRY(const JournalFile file, decode_file(name, *bytes));
    const auto wrong =
        std::find_if_not(file.records.begin(), file.records.end(), is_snapshot_record);
    if (file.records.empty() || wrong != file.records.end() ||
        !std::holds_alternative<record::SnapshotJob>(file.records.front())) {
      return journal_corrupt(name, "its records are not those of a snapshot");
    }
    end_.seq = end_.snapshot = seq;
    end_.snapshot_bytes = bytes->size();
    end_.epoch = file.header.epoch;
    end_.writer = file.header.writer;
    KC_CHECK_OK(hand_on(name, file));
    return true;
  }

  Result<bool> read_file(std::uint64_t seq) {
    const std::string name = journal_name(seq);
    KC_TRY(const auto bytes, fetch(name));
    if (!bytes) return false;
    KC_TRY(const JournalFile file, decode_file(name, *bytes));
    KC_CHECK_OK(follows(name, file));
    if (opens_epoch(file)) end_.openers.insert(seq);
    end_.seq = seq;
    end_.epoch = file.header.epoch;
    end_.writer = file.header.writer;
    end_.log_bytes += bytes->size();
    KC_CHECK_OK(hand_on(name, file));
    return true;
  }

  // An epoch begins with file 1 or with a takeover, alone in its file; within it, epoch and writer
  // stay.
  Result<> follows(const std::string& name, const JournalFile& file) const {
    const JournalHeader& header = file.header;
    if (file.records.empty()) return journal_corrupt(name, "it has no records");
    if (std::any_of(file.records.begin(), file.records.end(), is_snapshot_record)) {
      return journal_corrupt(name, "it holds records of a snapshot");
    }
    const auto* takeover = std::get_if<record::Takeover>(&file.records.front());
    const auto takeovers = std::count_if(
        file.records.begin(), file.records.end(),
        [](const Record& record) { return std::holds_alternative<record::Takeover>(record); });
    if (takeovers != (takeover == nullptr ? 0 : 1) ||
        (takeover != nullptr && file.records.size() != 1)) {
      return journal_corrupt(name, "a takeover is not alone in it");
    }
    if (end_.seq == 0) {
      if (header.epoch == 1 && takeover == nullptr) return {};
      return journal_corrupt(name, "a journal does not begin so");
    }
    if (takeover == nullptr) {
      if (header.epoch == end_.epoch && header.writer == end_.writer) return {};
      return journal_corrupt(name, "it is out of order: its writer did not take the journal over");
    }
    if (header.epoch == end_.epoch + 1 && takeover->epoch == header.epoch &&
        takeover->writer == header.writer)
      return {};
    return journal_corrupt(name, "it is out of order: its takeover is not the next");
  }

  Result<> hand_on(const std::string& name, const JournalFile& file) {
    for (std::size_t i = 0; i < file.records.size(); ++i) {
      auto applied = replay_.apply(file.records[i]);
      if (!applied) {
        return fail(
            std::move(applied).error().in("file '" + name + "', line " + std::to_string(i + 2)));
      }
    }
    return {};
  }

  // A number that is missing between others: removed by a compaction that this listing did not see,
  // created while it was made, or lost. Another look tells.
  Result<bool> gap(std::uint64_t missing) {
    KC_TRY(const JournalListing now, list_journal(lake_));
    if (now.newest_snapshot() > end_.snapshot) return false;
    if (std::binary_search(now.files.begin(), now.files.end(), missing)) return false;
    return journal_corrupt(journal_name(missing), "it is missing, and later ones are there");
  }

  Lake& lake_;
  const JournalReplay& replay_;
  const JournalListing& listing_;
  JournalEnd end_;
};

}  // namespace

bool opens_epoch(const JournalFile& file) {
  return file.header.seq == 1 ||
         (!file.records.empty() && std::holds_alternative<record::Takeover>(file.records.front()));
}

Result<JournalListing> list_journal(Lake& lake) {
  auto listed = lake.list(kJournalFolder);
  if (!listed) return fail(std::move(listed).error().in("listing the journal"));
  JournalListing listing;
  for (const LakeFile& file : *listed) {
    const auto name = parse_journal_name(file.name);
    if (name) (name->snapshot ? listing.snapshots : listing.files).push_back(name->seq);
  }
  std::sort(listing.snapshots.begin(), listing.snapshots.end());
  std::sort(listing.files.begin(), listing.files.end());
  return listing;
}

Result<JournalEnd> read_journal(Lake& lake, const JournalReplay& replay) {
  for (int attempt = 0; attempt < kReadTriesMax; ++attempt) {
    KC_TRY(const JournalListing listing, list_journal(lake));
    if (listing.empty()) {
      return fail(ErrorKind::not_found, "checkpoint.absent",
                  "there is no journal in '" + lake.describe() + "'");
    }
    Pass pass(lake, replay, listing);
    KC_TRY(const bool done, pass.run());
    if (done) return pass.take();
  }
  return fail(ErrorKind::unavailable, "checkpoint.busy",
              "the journal in '" + lake.describe() + "' changed under the reader " +
                  std::to_string(kReadTriesMax) + " times");
}

}  // namespace kc
