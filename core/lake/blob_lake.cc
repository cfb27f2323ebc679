#include "core/lake/blob_lake.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <thread>
#include <utility>

#include "core/lake/blob_errors.h"
#include "core/lake/blob_lease.h"
#include "core/lake/lake_names.h"
#include "core/lake/process_mark.h"

namespace kc {
namespace {

constexpr int kCreateTriesMax = 4;
constexpr std::size_t kFilesMax = 1'000'000;  // of one listing
constexpr Timespan kPartingDeadline = Timespan::seconds(5);
const std::string kLease = ".lease";

bool is_own(std::string_view name) {
  return name.starts_with('.') || name.find("/.") != std::string_view::npos;
}

azure::BlobAddress with_token(azure::BlobAddress address) {
  using Kind = azure::Credential::Kind;
  if (address.credential.kind == Kind::none) address.credential.kind = Kind::token;
  return address;
}

azure::LineOptions seeded(azure::LineOptions options, Rng& rng) {
  options.seed = rng.next();  // no two processes use the same request ids
  return options;
}

}  // namespace

BlobLake::BlobLake(net::Transport& transport, const Clock& clock, Rng rng, BlobPlace place,
                   BlobLakeOptions options)
    : transport_(transport),
      clock_(clock),
      place_(std::move(place)),
      options_(std::move(options)),
      rng_(rng),
      blobs_(std::make_shared<azure::Blobs>(
          transport, clock, with_token(place_.root),
          rng_.with([&](Rng& own) { return seeded(options_.line, own); }))),
      grants_(transport, clock, place_,
              rng_.with([&](Rng& own) { return seeded(options_.line, own); })) {}

Uuid BlobLake::new_id() {
  return rng_.with([](Rng& rng) { return Uuid::random(rng); });
}

Result<std::string> BlobLake::path_of(std::string_view name) const {
  KC_CHECK_OK(check_lake_name(name));
  auto path = place_.root.path + "/" + std::string(name);
  if (path.size() <= kLakeNameMax) return path;
  return fail(ErrorKind::invalid, "lake.name",
              "'" + std::string(name) + "' is too long a name below '" + describe() + "'");
}

Result<azure::BlobPage> BlobLake::entries(const std::string& prefix) {
  azure::BlobPage all;
  std::string marker;
  do {
    KC_TRY(auto page, in_lake(blobs_->list(prefix, marker)));
    const bool stuck = !page.marker.empty() && page.marker == marker;
    if (stuck || all.blobs.size() + page.blobs.size() > kFilesMax)
      return fail(ErrorKind::unavailable, "lake.unreachable",
                  "the listing of '" + describe() + "' does not end");
    marker = std::move(page.marker);
    all.hierarchy = all.hierarchy || page.hierarchy;
    std::move(page.blobs.begin(), page.blobs.end(), std::back_inserter(all.blobs));
    std::move(page.directories.begin(), page.directories.end(),
              std::back_inserter(all.directories));
  } while (!marker.empty());
  return all;
}

Result<std::vector<LakeFile>> BlobLake::list(std::string_view prefix) {
  KC_CHECK_OK(check_lake_prefix(prefix));
  const auto root = place_.root.path + "/";
  KC_TRY(const auto found, entries(root + std::string(prefix)));
  std::vector<LakeFile> files;
  for (const auto& item : found.blobs) {
    if (!item.name.starts_with(root)) continue;
    auto name = item.name.substr(root.size());
    if (!is_own(name)) files.push_back({std::move(name), static_cast<std::uint64_t>(item.size)});
  }
  std::sort(files.begin(), files.end(),
            [](const LakeFile& a, const LakeFile& b) { return a.name < b.name; });
  return files;
}

Result<std::string> BlobLake::get(std::string_view name) {
  KC_TRY(const auto path, path_of(name));
  return in_lake(blobs_->read(path));
}

Result<Created> BlobLake::create_if_absent(std::string_view name, std::string_view bytes) {
  KC_TRY(const auto path, path_of(name));
  const azure::PutCondition absent{.if_absent = true, .stamp = new_id().text()};
  Error last;
  for (int attempt = 0; attempt < kCreateTriesMax; ++attempt) {
    const auto written = blobs_->write(path, bytes, absent);
    if (written) return Created::created;
    last = written.error();
    const bool unknown = last.kind == ErrorKind::unavailable;
    if (!unknown && last.kind != ErrorKind::conflict) return fail(lake_error(std::move(last)));
    // Taken, or the answer was lost: the stamp tells whose it is. Even a plain "taken" may be our
    // own doing, where something on the way sent the request twice.
    const auto there = blobs_->properties(path);
    if (there) return there->stamp == absent.stamp ? Created::created : Created::exists;
    if (there.error().kind != ErrorKind::not_found) return fail(lake_error(there.error()));
    // Not there: once more, the same bytes with the same stamp, so that a first try that lands
    // late changes nothing.
  }
  // Taken whenever it is asked for, and never there: not known either.
  last.kind = ErrorKind::unavailable;
  return fail(lake_error(std::move(last)));
}

Result<void> BlobLake::put(std::string_view name, std::string_view bytes) {
  KC_TRY(const auto path, path_of(name));
  return in_lake(blobs_->write(path, bytes, {.stamp = new_id().text()}));
}

Result<void> BlobLake::remove_path(const std::string& path) {
  auto removed = blobs_->remove(path);
  const bool gone = !removed && removed.error().service_code == "BlobNotFound";
  return gone ? Result<void>() : in_lake(std::move(removed));
}

Result<void> BlobLake::remove(std::string_view name) {
  KC_TRY(const auto path, path_of(name));
  return remove_path(path);
}

Result<Grant> BlobLake::open_folder(std::string_view folder, Ticks expiry) {
  KC_TRY(const auto path, path_of(folder));
  KC_TRY(auto uri, grants_.to_write(path, expiry));
  return Grant{.uri = std::move(uri), .expiry = expiry};
}

Result<std::string> BlobLake::read_uri(std::string_view name) {
  KC_TRY(const auto path, path_of(name));
  return grants_.to_read(path, clock_.now() + options_.read_life);
}

// A removal is one call of some ten milliseconds, and there is no call for a folder: several go at
// the same time, on threads that live as long as this function.
Result<void> BlobLake::remove_all(const std::vector<azure::BlobItem>& found) {
  std::atomic<std::size_t> next{0};
  Guarded<std::optional<Error>> failure;
  const auto work = [&] {
    for (auto i = next++; i < found.size(); i = next++) {
      auto removed = remove_path(found[i].name);
      if (removed) continue;
      failure.with([&](auto& first) {
        if (!first) first = std::move(removed).error();
      });
      return;
    }
  };
  {
    const auto wanted = static_cast<std::size_t>(std::max(1, options_.removals_at_once));
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i < std::min(wanted, found.size()); ++i) threads.emplace_back(work);
    work();
  }
  return failure.with([](const auto& first) -> Result<void> {
    if (first) return fail(*first);
    return {};
  });
}

// An account with a hierarchy keeps empty directories, which would tell of blocks that are long
// gone: the deepest go first, then those above the folder. One that is not empty stays.
void BlobLake::remove_directories(const std::string& path, std::vector<std::string> below) {
  std::sort(below.begin(), below.end(), std::greater<>());
  for (const auto& directory : below) static_cast<void>(blobs_->remove(directory));
  for (auto at = path; at.size() > place_.root.path.size(); at = at.substr(0, at.rfind('/'))) {
    if (!blobs_->remove(at)) return;
  }
}

std::string BlobLake::why_not_queued() const {
  if (place_.entry != BlobPlace::Entry::impersonate) return {};
  return "the lake is read as the caller of a command (;impersonate), and what is queued has none";
}

Result<bool> BlobLake::close_folder(std::string_view folder) {
  KC_TRY(const auto path, path_of(folder));
  KC_TRY(auto found, entries(path + "/"));
  KC_CHECK_OK(remove_all(found.blobs));
  if (found.hierarchy) remove_directories(path, std::move(found.directories));
  return false;
}

Result<std::unique_ptr<Lease>> BlobLake::acquire_lease(std::string_view holder) {
  auto parting = options_.line;
  parting.stop = {};
  parting.tries_max = 1;
  parting.deadline = kPartingDeadline;
  parting.seed = rng_.with([](Rng& rng) { return rng.next(); });
  const BlobLeasePlan plan{.blob = place_.root.path + "/" + kLease,
                           .lake = describe(),
                           .holder = std::string(holder),
                           .mark = process_mark(),
                           .seconds = options_.lease_seconds,
                           .new_id = [this] { return new_id(); }};
  return take_blob_lease(
      blobs_, std::make_shared<azure::Blobs>(transport_, clock_, with_token(place_.root), parting),
      options_.line, plan);
}

}  // namespace kc
