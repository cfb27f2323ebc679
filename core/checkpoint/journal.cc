#include "core/checkpoint/journal.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"

namespace kc {
namespace {

bool belongs_in_a_commit(const Record& record) {
  return !std::holds_alternative<record::Takeover>(record) &&
         !std::holds_alternative<record::SnapshotJob>(record) &&
         !std::holds_alternative<record::SnapshotTable>(record) &&
         !std::holds_alternative<record::SnapshotBlock>(record) &&
         !std::holds_alternative<record::SnapshotFolder>(record);
}

void check_commit(const std::vector<Record>& records) {
  KC_ASSERT(!records.empty());
  KC_ASSERT(std::all_of(records.begin(), records.end(), belongs_in_a_commit));
}

std::uint32_t crc_of(const std::string& name, const std::string& bytes) {
  return decode_envelope(name, bytes)->crc;
}

}  // namespace

Result<Journal> Journal::create(Lake& lake, const Uuid& writer, const std::vector<Record>& first) {
  check_commit(first);
  const auto taken = [&](const std::string& what) {
    return fail(ErrorKind::conflict, "checkpoint.exists",
                "'" + lake.describe() + "' already has a journal: " + what);
  };
  KC_TRY(const JournalListing listing, list_journal(lake));
  if (listing.newest_snapshot() != 0 || listing.last_file() > 1)
    return taken("of " + std::to_string(listing.last_file()) + " files");
  Journal journal(lake, writer, 1);
  const std::string name = journal_name(1);
  std::string bytes = encode_file({.seq = 1, .epoch = 1, .writer = writer}, first);
  const std::size_t size = bytes.size();
  const std::uint32_t crc = crc_of(name, bytes);
  journal.pending_ = Pending{.seq = 1, .bytes = std::move(bytes), .crc = crc};
  auto committed = journal.settle();
  if (!committed && committed.error().code == "checkpoint.fenced")
    return taken(committed.error().message);
  if (!committed) return fail(std::move(committed).error().in("beginning the journal"));
  journal.begin_with(1, size);
  return journal;
}

void Journal::begin_with(std::uint64_t seq, std::size_t bytes) {
  seq_ = first_seq_ = seq;
  keep_.insert(seq);
  written_ = {{seq, bytes}};
  written_bytes_ = bytes;
}

Result<Journal> Journal::open(Lake& lake, const Uuid& writer, Ticks now,
                              const JournalReplay& replay) {
  for (int attempt = 0; attempt < kTakeoverTriesMax; ++attempt) {
    KC_TRY(auto journal, take_over(lake, writer, now, replay));
    if (journal) return std::move(*journal);
  }
  return fail(
      ErrorKind::unavailable, "checkpoint.busy",
      "the journal in '" + lake.describe() + "' was ahead of every attempt to take it over");
}

// nullopt: somebody else was faster, or what looked like the end was not; nothing was taken.
Result<std::optional<Journal>> Journal::take_over(Lake& lake, const Uuid& writer, Ticks now,
                                                  const JournalReplay& replay) {
  KC_TRY(JournalEnd end, read_journal(lake, replay));
  const std::uint64_t seq = end.seq + 1;
  const record::Takeover takeover{.epoch = end.epoch + 1, .writer = writer, .at = now};
  const std::string bytes =
      encode_file({.seq = seq, .epoch = takeover.epoch, .writer = writer}, {takeover});
  auto made = lake.create_if_absent(journal_name(seq), bytes);
  if (!made) return fail(std::move(made).error().in("taking the journal over"));
  if (*made == Created::exists) return std::nullopt;

  // We may have filled a hole that compaction left below the real end. The listing tells; so does
  // the snapshot that we read from, because a sweep removes older snapshots before it removes the
  // first file, and this look is at one name: no listing that is made while files come and go can
  // miss it.
  KC_TRY(const JournalListing listing, list_journal(lake));
  if (listing.last_file() > seq || listing.newest_snapshot() >= seq) return std::nullopt;
  if (end.snapshot != 0) {
    const auto base = lake.get(snapshot_name(end.snapshot));
    if (!base && base.error().kind == ErrorKind::not_found) return std::nullopt;
    if (!base) return fail(base.error().in("taking the journal over"));
  }
  KC_CHECK_OK(replay.apply(takeover));

  Journal journal(lake, writer, takeover.epoch);
  journal.base_ = journal.snapshot_ = end.snapshot;
  journal.snapshot_bytes_ = end.snapshot_bytes;
  journal.old_log_bytes_ = end.log_bytes;
  journal.keep_ = std::move(end.openers);
  journal.wants_sweep_ = end.older_snapshots;
  journal.begin_with(seq, bytes.size());
  return journal;
}

Result<Journal::Position> Journal::read_only(Lake& lake, const JournalReplay& replay) {
  KC_TRY(const JournalEnd end, read_journal(lake, replay));
  return Position{.seq = end.seq, .epoch = end.epoch, .writer = end.writer};
}

Result<Committed> Journal::commit(const std::vector<Record>& records) {
  if (ended_) return fail(*ended_);
  KC_ASSERT(!pending_, "a commit before the last one was settled");
  check_commit(records);
  const std::uint64_t seq = seq_ + 1;
  std::string bytes = encode_file({.seq = seq, .epoch = epoch_, .writer = writer_}, records);
  const std::uint32_t crc = crc_of(journal_name(seq), bytes);
  pending_ = Pending{.seq = seq, .bytes = std::move(bytes), .crc = crc};
  return settle();
}

Result<Committed> Journal::retry() {
  if (ended_) return fail(*ended_);
  KC_ASSERT(pending_.has_value(), "nothing to retry");
  return settle();
}

// The create is the question, first time and later: `exists` sends us to look whose file it is, and
// only then is ours known to be durable; absent means that it is created now, of the same bytes, so
// that a first try that lands late changes nothing.
Result<Committed> Journal::settle() {
  const std::string name = journal_name(pending_->seq);
  auto made = lake_->create_if_absent(name, pending_->bytes);
  if (!made)
    return fail(std::move(made).error().in("committing file " + std::to_string(pending_->seq)));
  if (*made == Created::exists) {
    KC_TRY(const bool ours, is_ours(name));
    if (!ours) return fail(*ended_);
  }
  seq_ = pending_->seq;
  written_.emplace(seq_, pending_->bytes.size());
  written_bytes_ += pending_->bytes.size();
  pending_.reset();
  return Committed(seq_);
}

// False: this journal has ended. An error: still not known.
Result<bool> Journal::is_ours(const std::string& name) {
  auto bytes = lake_->get(name);
  if (!bytes) {
    Error error =
        std::move(bytes).error().in("reading file " + std::to_string(pending_->seq) + " back");
    // There a moment ago: only another owner's compaction takes a file away. The next try tells.
    if (error.kind == ErrorKind::not_found) error.kind = ErrorKind::unavailable;
    return fail(std::move(error));
  }
  const auto envelope = decode_envelope(name, *bytes);
  if (envelope && envelope->header.writer == writer_ && envelope->crc == pending_->crc) return true;
  if (envelope) {
    fence({.seq = envelope->header.seq,
           .epoch = envelope->header.epoch,
           .writer = envelope->header.writer});
  } else if (envelope.error().code == "checkpoint.version") {
    fence({.seq = pending_->seq, .epoch = 0, .writer = {}});
  } else {
    end(envelope.error());
  }
  return false;
}

Failure Journal::end(Error error) {
  pending_.reset();
  sweep_.reset();
  ended_ = std::move(error);
  return fail(*ended_);
}

Failure Journal::fence(const Position& other) {
  other_ = other;
  const std::string who = other.writer.is_nil() ? "a newer version of the program"
                                                : "writer " + other.writer.text() + " in epoch " +
                                                      std::to_string(other.epoch);
  return end(
      Error{.kind = ErrorKind::conflict,
            .code = "checkpoint.fenced",
            .message = "file " + std::to_string(other.seq) + " of the journal is by " + who});
}

bool Journal::wants_compaction() const {
  return !ended_ &&
         old_log_bytes_ + written_bytes_ > std::max(kCompactionFloor, snapshot_bytes_ / 2);
}

Result<void> Journal::compact(const std::vector<Record>& snapshot, std::uint64_t seq) {
  if (ended_) return fail(*ended_);
  KC_ASSERT(seq >= first_seq_ && seq <= seq_ && seq >= snapshot_);
  KC_ASSERT(!snapshot.empty() && std::holds_alternative<record::SnapshotJob>(snapshot.front()));
  const std::string name = snapshot_name(seq);
  const std::string bytes = encode_file({.seq = seq, .epoch = epoch_, .writer = writer_}, snapshot);
  auto made = lake_->create_if_absent(name, bytes);
  if (!made)
    return fail(std::move(made).error().in("writing the snapshot of file " + std::to_string(seq)));
  std::size_t size = bytes.size();
  if (*made == Created::exists) {
    // Ours, of an earlier try. Nothing may be removed on the word of a snapshot that cannot be
    // read.
    auto there = lake_->get(name);
    if (!there) return fail(std::move(there).error().in("reading the snapshot back"));
    KC_TRY(const JournalFile file, decode_file(name, *there));
    if (file.header.writer != writer_ || file.header.epoch != epoch_)
      return journal_corrupt(name, "another writer's");
    size = there->size();
  }
  snapshot_ = seq;
  snapshot_bytes_ = size;
  old_log_bytes_ = 0;
  for (auto file = written_.begin(); file != written_.end() && file->first <= seq;
       file = written_.erase(file)) {
    written_bytes_ -= file->second;
  }
  wants_sweep_ = true;
  sweep_.reset();
  return {};
}

// Older snapshots first, see take_over; then the log, oldest first.
Result<> Journal::fill_sweep() {
  KC_TRY(const JournalListing listing, list_journal(*lake_));
  sweep_.emplace();
  for (const std::uint64_t seq : listing.snapshots) {
    if (seq < snapshot_) sweep_->push_back(snapshot_name(seq));
  }
  for (const std::uint64_t seq : listing.files) {
    if (seq <= snapshot_ && !keep_.contains(seq)) sweep_->push_back(journal_name(seq));
  }
  return {};
}

Result<bool> Journal::sweep() {
  if (ended_) return fail(*ended_);
  if (!wants_sweep_) return true;
  if (!sweep_) KC_CHECK_OK(fill_sweep());
  for (int i = 0; i < kSweepStep && !sweep_->empty(); ++i) {
    KC_CHECK_OK(sweep_one(sweep_->front()));
    sweep_->pop_front();
  }
  if (!sweep_->empty()) return false;
  sweep_.reset();
  wants_sweep_ = false;
  return true;
}

Result<> Journal::sweep_one(const std::string& name) {
  const JournalName parsed = *parse_journal_name(name);
  if (!parsed.snapshot && parsed.seq <= base_) {
    // From before our time: only the file itself says whether it opens an epoch. What cannot be
    // read is kept.
    auto bytes = lake_->get(name);
    if (!bytes && bytes.error().kind == ErrorKind::not_found) return {};
    if (!bytes) return fail(std::move(bytes).error().in("sweeping the journal"));
    const auto file = decode_file(name, *bytes);
    if (!file || opens_epoch(*file)) {
      keep_.insert(parsed.seq);
      return {};
    }
  }
  auto removed = lake_->remove(name);
  if (!removed) return fail(std::move(removed).error().in("sweeping the journal"));
  return {};
}

}  // namespace kc
