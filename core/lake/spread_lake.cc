#include "core/lake/spread_lake.h"

#include <algorithm>
#include <optional>

#include "core/base/check.h"

namespace kc {
namespace {

// The first parts of a name that lies below the root, without the slash behind them; empty where it
// has fewer, or does not lie there. With `whole` the name may be the folder itself.
std::string_view spread_folder(std::string_view name, bool whole) {
  if (!name.starts_with(kSpreadRoot)) return {};
  std::size_t end = 0;
  for (int part = 0; part < kSpreadParts; ++part) {
    const auto slash = name.find('/', end);
    if (slash == name.npos)
      return whole && part + 1 == kSpreadParts && end < name.size() ? name : std::string_view();
    end = slash + 1;
  }
  return name.substr(0, end - 1);
}

// Whether a name that begins so can lie below the root.
bool reaches_root(std::string_view prefix) {
  return prefix.starts_with(kSpreadRoot) || kSpreadRoot.starts_with(prefix);
}

class SpreadLease final : public Lease {
 public:
  explicit SpreadLease(std::vector<std::unique_ptr<Lease>> leases) : leases_(std::move(leases)) {}

  std::optional<Timespan> renew_every() const override {
    std::optional<Timespan> soonest;
    for (const auto& lease : leases_) {
      const auto due = lease->renew_every();
      if (due && (!soonest || *due < *soonest)) soonest = due;
    }
    return soonest;
  }
  Result<void> renew() override {
    for (const auto& lease : leases_) {
      if (lease->renew_every()) KC_CHECK_OK(lease->renew());
    }
    return {};
  }

 private:
  const std::vector<std::unique_ptr<Lease>> leases_;
};

}  // namespace

std::size_t spread_place(std::string_view folder, std::size_t lakes) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : folder) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return static_cast<std::size_t>(hash % lakes);
}

SpreadLake::SpreadLake(std::vector<std::unique_ptr<Lake>> lakes) : lakes_(std::move(lakes)) {
  KC_ASSERT(!lakes_.empty());
}

Lake& SpreadLake::of_file(std::string_view name) {
  const auto folder = spread_folder(name, false);
  return folder.empty() ? first() : *lakes_[spread_place(folder, lakes_.size())];
}

Lake* SpreadLake::of_folder(std::string_view folder) {
  const auto spread = spread_folder(folder, true);
  if (!spread.empty()) return lakes_[spread_place(spread, lakes_.size())].get();
  const auto inside = std::string(folder) + "/";
  return inside.starts_with(kSpreadRoot) ? nullptr : &first();
}

Result<std::vector<LakeFile>> SpreadLake::list(std::string_view prefix) {
  const auto folder = spread_folder(prefix, false);
  if (!folder.empty()) return lakes_[spread_place(folder, lakes_.size())]->list(prefix);
  KC_TRY(auto all, first().list(prefix));
  if (!reaches_root(prefix)) return all;
  for (std::size_t i = 1; i < lakes_.size(); ++i) {
    KC_TRY(auto more, lakes_[i]->list(prefix));
    std::move(more.begin(), more.end(), std::back_inserter(all));
  }
  std::sort(all.begin(), all.end(),
            [](const LakeFile& a, const LakeFile& b) { return a.name < b.name; });
  return all;
}

Result<std::string> SpreadLake::get(std::string_view name) { return of_file(name).get(name); }

Result<Created> SpreadLake::create_if_absent(std::string_view name, std::string_view bytes) {
  return of_file(name).create_if_absent(name, bytes);
}

Result<void> SpreadLake::put(std::string_view name, std::string_view bytes) {
  return of_file(name).put(name, bytes);
}

Result<void> SpreadLake::remove(std::string_view name) { return of_file(name).remove(name); }

Result<Grant> SpreadLake::open_folder(std::string_view folder, Ticks expiry) {
  Lake* const lake = of_folder(folder);
  return (lake != nullptr ? *lake : first()).open_folder(folder, expiry);
}

Result<std::string> SpreadLake::read_uri(std::string_view name) {
  return of_file(name).read_uri(name);
}

std::string SpreadLake::why_not_queued() const {
  for (const auto& lake : lakes_) {
    if (auto why = lake->why_not_queued(); !why.empty()) return why;
  }
  return {};
}

Result<bool> SpreadLake::close_folder(std::string_view folder) {
  if (Lake* const lake = of_folder(folder)) return lake->close_folder(folder);
  bool for_good = true;
  for (const auto& lake : lakes_) {
    KC_TRY(const bool closed, lake->close_folder(folder));
    for_good = for_good && closed;
  }
  return for_good;
}

Result<std::unique_ptr<Lease>> SpreadLake::acquire_lease(std::string_view holder) {
  std::vector<std::unique_ptr<Lease>> leases;
  for (const auto& lake : lakes_) {
    KC_TRY(auto lease, lake->acquire_lease(holder));
    leases.push_back(std::move(lease));
  }
  return std::make_unique<SpreadLease>(std::move(leases));
}

std::string SpreadLake::describe() const {
  if (lakes_.size() == 1) return lakes_.front()->describe();
  return lakes_.front()->describe() + " (and " + std::to_string(lakes_.size() - 1) + " more)";
}

}  // namespace kc
