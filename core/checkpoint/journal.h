// The journal of one job in its lake: the truth about progress (copy protocol, "The journal in the
// lake"; FORMAT.md). The pipeline's shell commits through it and replays it after a restart; status
// readers use read_only. Thread promise: one owner at a time. Every call blocks for the time of its
// storage calls; the lake must outlive it.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/base/ticks.h"
#include "core/checkpoint/journal_read.h"
#include "core/lake/lake.h"
#include "core/model/records.h"

namespace kc {

// Proof that records are durable, and in which file. Only a journal makes one.
class Committed {
 public:
  std::uint64_t seq() const { return seq_; }

 private:
  friend class Journal;
  explicit Committed(std::uint64_t seq) : seq_(seq) {}
  std::uint64_t seq_;
};

class Journal {
 public:
  // Compaction is wanted when the log since the snapshot exceeds half of the snapshot, and this at
  // least.
  static constexpr std::size_t kCompactionFloor = 64 * 1024;
  static constexpr int kTakeoverTriesMax = 16;  // then kind unavailable, code checkpoint.busy
  static constexpr int kSweepStep = 16;         // files looked at by one sweep()

  struct Position {
    std::uint64_t seq = 0;
    std::uint64_t epoch = 0;
    Uuid writer;
  };

  // Begins the journal of a new job: file 1, epoch 1. May be repeated with the same arguments after
  // an unknown result. Kind conflict, code checkpoint.exists, where there is a journal already, or
  // what is left of one.
  static Result<Journal> create(Lake& lake, const Uuid& writer, const std::vector<Record>& first);

  // Replays, then takes over: a file with a takeover record of the next epoch, which `replay`
  // receives too. A journal that is corrupt, newer than this program, or refused by `replay` is not
  // taken over. Kind not_found, code checkpoint.absent, where there is none. After a failure, call
  // it again: epochs may be skipped, nothing is lost.
  static Result<Journal> open(Lake& lake, const Uuid& writer, Ticks now,
                              const JournalReplay& replay);

  // Replays only; the journal may belong to somebody else and grow meanwhile.
  static Result<Position> read_only(Lake& lake, const JournalReplay& replay);

  // One file with all the records, which are not empty and hold no takeover or snapshot records.
  // Failures:
  //   checkpoint.fenced (kind conflict): another writer has the job (`fenced_by`); every later call
  //   answers the same. checkpoint.corrupt: what stands in the file's place is torn; every later
  //   call answers the same. anything else, lake.full included: not known. `pending()` is true, and
  //   retry() must come before the next commit.
  Result<Committed> commit(const std::vector<Record>& records);
  // Settles the pending commit: finds the very bytes there, or creates them once more.
  Result<Committed> retry();
  bool pending() const { return pending_.has_value(); }

  Position position() const { return {.seq = seq_, .epoch = epoch_, .writer = writer_}; }
  bool fenced() const { return ended_.has_value(); }
  // Who has the job now, as far as its file tells; nullopt while this journal is not fenced.
  const std::optional<Position>& fenced_by() const { return other_; }

  bool wants_compaction() const;
  // Writes the state after file `seq` (which this journal has committed, at or after its own first)
  // as a snapshot. May be repeated, also with a later state. The log before it is then removed by
  // sweep().
  Result<void> compact(const std::vector<Record>& snapshot, std::uint64_t seq);
  // Removes a bounded number of files that the newest snapshot made superfluous; true when nothing
  // is left to do.
  Result<bool> sweep();
  bool wants_sweep() const { return wants_sweep_ && !ended_; }

 private:
  struct Pending {
    std::uint64_t seq = 0;
    std::string bytes;
    std::uint32_t crc = 0;
  };

  Journal(Lake& lake, const Uuid& writer, std::uint64_t epoch)
      : lake_(&lake), writer_(writer), epoch_(epoch) {}
  static Result<std::optional<Journal>> take_over(Lake& lake, const Uuid& writer, Ticks now,
                                                  const JournalReplay& replay);
  void begin_with(std::uint64_t seq, std::size_t bytes);
  Result<Committed> settle();
  Result<bool> is_ours(const std::string& name);
  Failure end(Error error);
  Failure fence(const Position& other);
  Result<> fill_sweep();
  Result<> sweep_one(const std::string& name);

  // Constant after construction.
  Lake* lake_;
  Uuid writer_;
  std::uint64_t epoch_;
  std::uint64_t first_seq_ = 0;  // the file that opened our epoch
  std::uint64_t base_ =
      0;  // what was read began after this number: older files are not known one by one

  std::uint64_t seq_ = 0;
  std::optional<Pending> pending_;
  std::optional<Error> ended_;
  std::optional<Position> other_;

  std::uint64_t snapshot_ = 0;
  std::size_t snapshot_bytes_ = 0;
  std::size_t old_log_bytes_ = 0;                 // of files before ours, since the snapshot
  std::map<std::uint64_t, std::size_t> written_;  // bytes of our own files since the snapshot
  std::size_t written_bytes_ = 0;
  std::set<std::uint64_t> keep_;  // files that open an epoch, as far as we know them
  bool wants_sweep_ = false;
  std::optional<std::deque<std::string>> sweep_;
};

}  // namespace kc
