#include "core/lake/folder_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace kc {
namespace {

constexpr mode_t kFolderMode = 0750;
constexpr mode_t kFileMode = 0640;
constexpr int kTempTriesMax = 1000;
constexpr int kFolderTriesMax = 16;  // a folder may be pruned between two calls
constexpr int kFolderDepthMax = 64;

// Only for the entry's own name: the path is put in front by the caller.
struct Directory {
  explicit Directory(const std::string& path) : stream(::opendir(path.c_str())) {}
  ~Directory() {
    if (stream != nullptr) ::closedir(stream);
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  DIR* stream;
};

std::string reason(int error_number) { return std::generic_category().message(error_number); }

Result<> make_folder(const std::string& path, int depth) {
  for (int attempt = 0; attempt < kFolderTriesMax; ++attempt) {
    if (::mkdir(path.c_str(), kFolderMode) == 0) return sync_folder(parent_of(path));
    if (errno == EEXIST) {
      struct stat status {};
      if (::stat(path.c_str(), &status) == 0) {
        if (S_ISDIR(status.st_mode)) return {};
        return system_failure(ENOTDIR, "making the folder", path);
      }
      continue;
    }
    if (errno != ENOENT || depth >= kFolderDepthMax)
      return system_failure(errno, "making the folder", path);
    KC_CHECK_OK(make_folder(parent_of(path), depth + 1));
  }
  return system_failure(ENOENT, "making the folder", path);
}

// nullopt-like: an invalid Descriptor where the name is taken or a sweep has just removed it.
Result<Descriptor> open_locked(const std::string& path) {
  Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kFileMode));
  if (!file) {
    if (errno == EEXIST) return Descriptor();
    return system_failure(errno, "creating", path);
  }
  struct stat status {};
  if (::flock(file.number(), LOCK_EX | LOCK_NB) != 0 || ::fstat(file.number(), &status) != 0 ||
      status.st_nlink == 0) {
    return Descriptor();
  }
  return file;
}

}  // namespace

Failure system_failure(int error_number, std::string_view doing, const std::string& path) {
  std::string message = std::string(doing) + " '" + path + "': " + reason(error_number);
  switch (error_number) {
    case ENOSPC:
    case EDQUOT: {
      auto failure = fail(ErrorKind::unavailable, "lake.full", std::move(message));
      failure.value().fix =
          "Make room on the file system of '" + path + "'; the job then goes on by itself.";
      return failure;
    }
    case EACCES:
    case EPERM:
    case EROFS: {
      auto failure = fail(ErrorKind::denied, "lake.permission", std::move(message));
      failure.value().fix = "Give the service's user read and write permission on '" + path + "'.";
      return failure;
    }
    default:
      return fail(ErrorKind::unavailable, "lake.unreachable", std::move(message));
  }
}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(number_, other.number_);
  return *this;
}

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<> make_folders(const std::string& path) { return make_folder(path, 0); }

Result<> sync_folder(const std::string& path) {
  const Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return system_failure(errno, "opening the folder", path);
  if (::fsync(folder.number()) != 0) return system_failure(errno, "syncing the folder", path);
  return {};
}

Result<> write_all(int file, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return system_failure(written < 0 ? errno : EIO, "writing", path);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<std::string> read_whole(const std::string& path, std::string_view name) {
  const auto absent = [&] {
    return fail(ErrorKind::not_found, "lake.absent",
                "'" + std::string(name) + "' is not in the lake");
  };
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    if (errno == ENOENT || errno == ENOTDIR) return absent();
    return system_failure(errno, "opening", path);
  }
  struct stat status {};
  if (::fstat(file.number(), &status) != 0) return system_failure(errno, "reading", path);
  if (S_ISDIR(status.st_mode)) return absent();
  std::string bytes;
  bytes.resize(static_cast<std::size_t>(status.st_size));
  std::size_t length = 0;
  for (;;) {
    if (length == bytes.size())
      bytes.resize(bytes.size() + 4096);  // may have grown since; one more read finds the end
    const ssize_t got = ::read(file.number(), bytes.data() + length, bytes.size() - length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_failure(errno, "reading", path);
    if (got == 0) break;
    length += static_cast<std::size_t>(got);
  }
  bytes.resize(length);
  return bytes;
}

Result<TempFile> TempFile::write(const std::string& folder, std::atomic<std::uint64_t>& counter,
                                 std::string_view bytes) {
  bool there = false;  // the folder, before the try: otherwise somebody may have made it just now
  for (int attempt = 0; attempt < kTempTriesMax; ++attempt) {
    const std::string path =
        folder + "/" + std::to_string(::getpid()) + "-" + std::to_string(counter.fetch_add(1));
    auto opened = open_locked(path);
    if (!opened) {
      if (there) return Failure(std::move(opened).error());
      struct stat status {};
      there = ::stat(folder.c_str(), &status) == 0;
      if (!there) KC_CHECK_OK(make_folders(folder));
      continue;
    }
    if (!*opened) continue;
    TempFile temp(path, std::move(*opened));
    KC_CHECK_OK(write_all(temp.file_.number(), bytes, path));
    if (::fsync(temp.file_.number()) != 0) return system_failure(errno, "syncing", path);
    return temp;
  }
  return system_failure(EEXIST, "creating a temporary file in", folder);
}

TempFile::~TempFile() {
  if (file_) ::unlink(path_.c_str());
}

Result<> collect_files(const std::string& folder, const std::string& name_prefix,
                       std::vector<LakeFile>& files) {
  const Directory directory(folder);
  if (directory.stream == nullptr) {
    if (errno == ENOENT || errno == ENOTDIR) return {};
    return system_failure(errno, "listing", folder);
  }
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(directory.stream);
    if (entry == nullptr) {
      if (errno != 0) return system_failure(errno, "listing", folder);
      return {};
    }
    const std::string name = entry->d_name;
    if (name.front() == '.') continue;
    const std::string path = folder + "/" + name;
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) {
      if (errno == ENOENT) continue;  // removed while we were listing
      return system_failure(errno, "listing", path);
    }
    if (S_ISDIR(status.st_mode)) {
      KC_CHECK_OK(collect_files(path, name_prefix + name + "/", files));
    } else if (S_ISREG(status.st_mode)) {
      files.push_back({name_prefix + name, static_cast<std::uint64_t>(status.st_size)});
    }
  }
}

Result<> remove_tree(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error && error != std::errc::no_such_file_or_directory)
    return system_failure(error.value(), "removing", path);
  return {};
}

void sweep_temporary(const std::string& folder) {
  const Directory directory(folder);
  if (directory.stream == nullptr) return;
  while (const dirent* entry = ::readdir(directory.stream)) {
    const std::string path = folder + "/" + entry->d_name;
    if (entry->d_name[0] == '.') continue;
    const Descriptor file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    if (file && ::flock(file.number(), LOCK_EX | LOCK_NB) == 0) ::unlink(path.c_str());
  }
}

}  // namespace kc
