#include "core/lake/blob_lease.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/lake/blob_errors.h"
#include "core/lake/process_mark.h"

namespace kc {
namespace {

using Action = azure::LeaseCall::Action;

constexpr Timespan kLookAgain = Timespan::seconds(1);
constexpr int kPatience = 2;  // further looks once a dead holder's lease must have ended
constexpr int kRenewals = 3;  // in the time of one lease
constexpr int kHolderLength = 200;

// Three lines: who, its process, its lease.
struct Note {
  std::string holder, mark, lease;

  std::string text() const { return holder + "\n" + mark + "\n" + lease + "\n"; }
  static Note read(const std::string& text) {
    std::vector<std::string> lines{{}};
    for (const char c : text.substr(0, 1000)) {
      if (c == '\n')
        lines.emplace_back();
      else
        lines.back() += c;
    }
    lines.resize(std::max<std::size_t>(lines.size(), 3));
    return {lines[0], lines[1], lines[2]};
  }
};

std::string one_line(std::string text) {
  text.resize(std::min<std::size_t>(text.size(), kHolderLength));
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20; }, ' ');
  return text;
}

Failure held(const BlobLeasePlan& plan, const std::string& holder) {
  return fail(ErrorKind::conflict, "lake.lease_held",
              "'" + plan.lake + "' is held by " + (holder.empty() ? "another process" : holder));
}

class BlobLease final : public Lease {
 public:
  BlobLease(std::shared_ptr<azure::Blobs> blobs, std::shared_ptr<azure::Blobs> parting,
            const BlobLeasePlan& plan, std::string id)
      : blobs_(std::move(blobs)),
        parting_(std::move(parting)),
        blob_(plan.blob),
        lake_(plan.lake),
        seconds_(plan.seconds),
        id_(std::move(id)) {}
  // Where this fails, the lease ends by itself.
  ~BlobLease() override {
    static_cast<void>(parting_->lease(blob_, {.action = Action::release, .id = id_}));
  }

  std::optional<Timespan> renew_every() const override {
    return Timespan::milliseconds(std::int64_t{seconds_} * 1000 / kRenewals);
  }

  Result<void> renew() override {
    const auto renewed = blobs_->lease(blob_, {.action = Action::renew, .id = id_});
    if (renewed) return {};
    if (renewed.error().kind != ErrorKind::conflict) return fail(lake_error(renewed.error()));
    // It had run out, or was broken. While nobody else has it, it is ours again.
    const auto again =
        blobs_->lease(blob_, {.action = Action::acquire, .id = id_, .seconds = seconds_});
    if (again) return {};
    if (again.error().kind != ErrorKind::conflict) return fail(lake_error(again.error()));
    return fail(ErrorKind::conflict, "lake.lease_lost",
                "another process has taken the lease of '" + lake_ + "'");
  }

 private:
  std::shared_ptr<azure::Blobs> blobs_, parting_;
  const std::string blob_, lake_;
  const int seconds_;
  const std::string id_;
};

class Taking {
 public:
  Taking(azure::Blobs& blobs, const azure::LineOptions& options, const BlobLeasePlan& plan)
      : blobs_(blobs), options_(options), plan_(plan), id_(plan.new_id().text()) {}

  // The id of the lease that is ours now.
  Result<std::string> take() {
    for (int looks = 0;; ++looks) {
      KC_TRY(const bool acquired, acquire());
      if (acquired) return id_;
      KC_TRY(const Note note, read_note());
      const Seen seen = look_for(note.mark);
      if (seen == Seen::alive || looks >= plan_.seconds + kPatience)
        return held(plan_, note.holder);
      if (seen == Seen::gone) {
        KC_TRY(const bool inherited, inherit(note.lease));
        if (inherited) return id_;
      }
      if (!azure::pause(options_, kLookAgain))
        return fail(ErrorKind::cancelled, "lake.cancelled",
                    "stopped while waiting for the lease of '" + plan_.lake + "'");
    }
  }

 private:
  // False: somebody has it.
  Result<bool> acquire() {
    for (int attempt = 0; attempt < 2; ++attempt) {
      const auto done = blobs_.lease(
          plan_.blob, {.action = Action::acquire, .id = id_, .seconds = plan_.seconds});
      if (done) return true;
      if (done.error().kind == ErrorKind::conflict) return false;
      if (done.error().service_code != "BlobNotFound") return fail(lake_error(done.error()));
      const auto made = blobs_.put(plan_.blob, {}, {.if_absent = true});
      if (!made && made.error().kind != ErrorKind::conflict) return fail(lake_error(made.error()));
    }
    return false;
  }

  Result<Note> read_note() {
    auto text = blobs_.read(plan_.blob);
    if (text) return Note::read(*text);
    if (text.error().kind == ErrorKind::not_found) return Note{};
    return fail(lake_error(std::move(text).error()));
  }

  // A dead process's lease, if it is still the one in force: its id proves that. Of several that
  // inherit it at the same time one changes the id, and the others' changes fail.
  Result<bool> inherit(const std::string& lease) {
    if (!Uuid::parse(lease)) return false;
    const auto same = blobs_.lease(
        plan_.blob, {.action = Action::acquire, .id = lease, .seconds = plan_.seconds});
    if (!same) {
      if (same.error().kind == ErrorKind::conflict) return false;
      return fail(lake_error(same.error()));
    }
    const auto changed =
        blobs_.lease(plan_.blob, {.action = Action::change, .id = lease, .proposed = id_});
    if (changed) return true;
    if (changed.error().kind == ErrorKind::conflict) return false;
    if (changed.error().kind != ErrorKind::unavailable) return fail(lake_error(changed.error()));
    // Whether it happened shows in whether the new id can be renewed.
    const auto renewed = blobs_.lease(plan_.blob, {.action = Action::renew, .id = id_});
    if (renewed) return true;
    if (renewed.error().kind == ErrorKind::conflict) return false;
    return fail(lake_error(renewed.error()));
  }

  azure::Blobs& blobs_;
  const azure::LineOptions& options_;
  const BlobLeasePlan& plan_;
  const std::string id_;
};

}  // namespace

Result<std::unique_ptr<Lease>> take_blob_lease(const std::shared_ptr<azure::Blobs>& blobs,
                                               std::shared_ptr<azure::Blobs> parting,
                                               const azure::LineOptions& options,
                                               const BlobLeasePlan& plan) {
  KC_TRY(const std::string id, Taking(*blobs, options, plan).take());
  auto lease = std::make_unique<BlobLease>(blobs, std::move(parting), plan, id);
  const Note note{.holder = one_line(plan.holder), .mark = plan.mark, .lease = id};
  if (const auto noted = blobs->put(plan.blob, note.text(), {.lease_id = id}); !noted)
    return fail(lake_error(noted.error()).in("writing down who holds the lake"));
  return lease;
}

}  // namespace kc
