#include "core/lake/folder_lake.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <functional>

#include "core/base/clock.h"
#include "core/lake/folder_files.h"
#include "core/lake/lake_names.h"

namespace kc {
namespace {

constexpr int kPlaceTriesMax = 16;  // the target's folder may be pruned between two calls
constexpr int kTrashTriesMax = 1000;
constexpr std::size_t kHolderMax = 400;

class FileLease final : public Lease {
 public:
  explicit FileLease(Descriptor file) : file_(std::move(file)) {}
  // The file stays, or two processes could each lock a file of that name; closing it releases the
  // lock.
  ~FileLease() override {
    if (::ftruncate(file_.number(), 0) != 0) return;  // the holder's line is for people only
  }

 private:
  Descriptor file_;
};

bool is_same_file(int file, const std::string& path) {
  struct stat held {
  }, named{};
  return ::fstat(file, &held) == 0 && ::stat(path.c_str(), &named) == 0 &&
         held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

bool exists(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0;
}

std::string holder_line(std::string_view holder) {
  char host[256] = "";
  if (::gethostname(host, sizeof host - 1) != 0) host[0] = '\0';
  std::string line = std::string(holder.substr(0, kHolderMax)) + " (process " +
                     std::to_string(::getpid()) + " on " + host + ", since " +
                     format_datetime(SystemClock().now()) + ")";
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return c < ' '; }, ' ');
  return line + "\n";
}

// A name in the trash that tells which folder it was, of bounded length.
std::string trash_stem(std::string_view folder) {
  std::uint64_t hash = 14'695'981'039'346'656'037u;  // FNV-1a
  for (const char c : folder) hash = (hash ^ static_cast<unsigned char>(c)) * 1'099'511'628'211u;
  char text[20];
  std::snprintf(text, sizeof text, "%016llx-", static_cast<unsigned long long>(hash));
  return text;
}

}  // namespace

FolderLake::FolderLake(std::string root)
    : root_(std::move(root)), temporary_(root_ + "/.tmp"), trash_(root_ + "/.trash") {}

Result<std::vector<LakeFile>> FolderLake::list(std::string_view prefix) {
  KC_CHECK_OK(check_lake_prefix(prefix));
  const std::size_t slash = prefix.rfind('/');
  const std::string folder(slash == prefix.npos ? std::string_view() : prefix.substr(0, slash + 1));
  std::string path = path_of(folder);
  path.pop_back();
  std::vector<LakeFile> files;
  KC_CHECK_OK(collect_files(path, folder, files));
  std::erase_if(files, [&](const LakeFile& file) { return !file.name.starts_with(prefix); });
  std::sort(files.begin(), files.end(),
            [](const LakeFile& a, const LakeFile& b) { return a.name < b.name; });
  return files;
}

Result<std::string> FolderLake::get(std::string_view name) {
  KC_CHECK_OK(check_lake_name(name));
  return read_whole(path_of(name), name);
}

template <class Call>
Result<int> FolderLake::place(const std::string& target, Call&& call) {
  for (int attempt = 0;; ++attempt) {
    if (call() == 0) return 0;
    if (errno != ENOENT || attempt == kPlaceTriesMax) return errno;
    KC_CHECK_OK(make_folders(parent_of(target)));
  }
}

Result<Created> FolderLake::create_if_absent(std::string_view name, std::string_view bytes) {
  KC_CHECK_OK(check_lake_name(name));
  const std::string target = path_of(name);
  // `exists` too is only said of a file that is durable: its creator may have stopped before the
  // folder was synced.
  const auto already = [&]() -> Result<Created> {
    KC_CHECK_OK(sync_folder(parent_of(target)));
    return Created::exists;
  };
  if (exists(target)) return already();  // needs no room on the disk
  KC_TRY(const TempFile temp, TempFile::write(temporary_, counter_, bytes));
  KC_TRY(const int error,
         place(target, [&] { return ::link(temp.path().c_str(), target.c_str()); }));
  if (error == EEXIST) return already();
  if (error != 0) return system_failure(error, "creating", target);
  KC_CHECK_OK(sync_folder(parent_of(target)));
  return Created::created;
}

Result<void> FolderLake::put(std::string_view name, std::string_view bytes) {
  KC_CHECK_OK(check_lake_name(name));
  const std::string target = path_of(name);
  KC_TRY(const TempFile temp, TempFile::write(temporary_, counter_, bytes));
  KC_TRY(const int error,
         place(target, [&] { return ::rename(temp.path().c_str(), target.c_str()); }));
  if (error != 0) return system_failure(error, "writing", target);
  return sync_folder(parent_of(target));
}

Result<void> FolderLake::remove(std::string_view name) {
  KC_CHECK_OK(check_lake_name(name));
  const std::string path = path_of(name);
  if (::unlink(path.c_str()) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return {};
    return system_failure(errno, "removing", path);
  }
  return sync_folder(parent_of(path));
}

Result<Grant> FolderLake::open_folder(std::string_view folder, Ticks) {
  KC_CHECK_OK(check_lake_name(folder));
  KC_CHECK_OK(make_folders(path_of(folder)));
  return Grant{.uri = "file://" + encode_path(path_of(folder)), .expiry = std::nullopt};
}

Result<std::string> FolderLake::read_uri(std::string_view name) {
  KC_CHECK_OK(check_lake_name(name));
  return "file://" + encode_path(path_of(name));
}

Result<bool> FolderLake::close_folder(std::string_view folder) {
  KC_CHECK_OK(check_lake_name(folder));
  const std::string path = path_of(folder);
  const std::string stem = trash_stem(folder);
  if (exists(path)) {
    // The name may be taken by an earlier run's leftovers, and a sweep may have removed the trash
    // itself: try the next.
    int error = EEXIST;
    for (int attempt = 0; attempt < kTrashTriesMax && error != 0 && exists(path); ++attempt) {
      const std::string away = trash_ + "/" + stem + std::to_string(::getpid()) + "-" +
                               std::to_string(counter_.fetch_add(1));
      KC_CHECK_OK(make_folders(trash_));
      error = ::rename(path.c_str(), away.c_str()) == 0 ? 0 : errno;
      if (error != 0 && error != EEXIST && error != ENOTEMPTY && error != ENOENT) break;
    }
    if (exists(path)) return system_failure(error, "closing the folder", path);
    KC_CHECK_OK(sync_folder(parent_of(path)));
    KC_CHECK_OK(sync_folder(trash_));
    prune_above(path);
  }
  // Also what an earlier, interrupted call of this folder left.
  std::error_code error;
  std::vector<std::string> left;
  for (std::filesystem::directory_iterator entry(trash_, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().filename().string().starts_with(stem)) left.push_back(entry->path().string());
  }
  for (const std::string& one : left) KC_CHECK_OK(remove_tree(one));
  return true;
}

// Folders that have become empty would tell of blocks that are long gone.
void FolderLake::prune_above(const std::string& path) {
  for (std::string folder = parent_of(path); folder.size() > root_.size();
       folder = parent_of(folder)) {
    if (::rmdir(folder.c_str()) != 0) return;
  }
}

void FolderLake::sweep_trash() {
  // Best effort: what cannot be removed now is tried again by the next owner.
  if (exists(trash_)) static_cast<void>(remove_tree(trash_));
}

Result<std::unique_ptr<Lease>> FolderLake::acquire_lease(std::string_view holder) {
  const std::string path = root_ + "/.lease";
  KC_CHECK_OK(make_folders(root_));
  for (int attempt = 0; attempt < kPlaceTriesMax; ++attempt) {
    Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640));
    if (!file) return system_failure(errno, "opening", path);
    if (::flock(file.number(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) return system_failure(errno, "locking", path);
      std::string other = read_whole(path, ".lease").value_or("");
      other.erase(std::min(other.find('\n'), other.size()));
      return fail(ErrorKind::conflict, "lake.lease_held",
                  "'" + root_ + "' is held by " + (other.empty() ? "another process" : other));
    }
    if (!is_same_file(file.number(), path)) continue;  // somebody removed it before we had the lock
    if (::ftruncate(file.number(), 0) != 0) return system_failure(errno, "writing", path);
    KC_CHECK_OK(write_all(file.number(), holder_line(holder), path));
    sweep_temporary(temporary_);
    sweep_trash();
    return std::make_unique<FileLease>(std::move(file));
  }
  return system_failure(EAGAIN, "locking", path);
}

}  // namespace kc
