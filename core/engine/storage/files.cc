#include "core/engine/storage/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <system_error>

namespace kc::engine {
namespace fs = std::filesystem;
namespace {

Failure io_failure(const std::string& what, const std::error_code& error) {
  return fail(ErrorKind::unavailable, "engine.io", what + ": " + error.message());
}

}  // namespace

Result<void> sync_file(const fs::path& path) {
  const int handle = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (handle < 0) return io_failure("opening " + path.string(), {errno, std::generic_category()});
  const int code = ::fsync(handle);
  const std::error_code error(code == 0 ? 0 : errno, std::generic_category());
  ::close(handle);
  if (error) return io_failure("writing " + path.string(), error);
  return {};
}

FilePins::~FilePins() {
  if (owner_ != nullptr) owner_->unpin(files_);
}

Scratch::~Scratch() {
  std::error_code ignored;
  if (!folder_.empty()) fs::remove_all(folder_, ignored);
}

Result<void> ExtentFiles::prepare(const fs::path& data_folder) {
  std::error_code error;
  fs::remove_all(data_folder / "scratch", error);
  if (error) return io_failure("emptying the scratch folder", error);
  for (const auto* name : {"extents", "scratch", "spill"}) {
    fs::create_directories(data_folder / name, error);
    if (error) return io_failure("creating " + (data_folder / name).string(), error);
  }
  return {};
}

Result<std::int64_t> ExtentFiles::sweep(const std::vector<std::string>& named) {
  const std::set<std::string> keep(named.begin(), named.end());
  std::error_code error;
  std::vector<fs::path> orphans;
  std::size_t present = 0;
  for (const auto& entry : fs::directory_iterator(extents_, error)) {
    if (keep.contains(entry.path().filename().string()))
      ++present;
    else
      orphans.push_back(entry.path());
  }
  if (error) return io_failure("listing " + extents_.string(), error);
  if (present != keep.size()) {
    return fail(ErrorKind::corrupt, "engine.extent_missing",
                std::to_string(keep.size() - present) +
                    " extent files that the catalogue names are not in " + extents_.string());
  }
  for (const auto& path : orphans) fs::remove(path, error);
  return static_cast<std::int64_t>(orphans.size());
}

Result<Scratch> ExtentFiles::scratch(const std::string& name) {
  std::error_code error;
  fs::create_directory(scratch_ / name, error);
  if (error) return io_failure("creating a scratch folder", error);
  return Scratch(scratch_ / name);
}

Result<void> ExtentFiles::publish(const std::vector<Publication>& files) {
  for (const auto& file : files) KC_CHECK_OK(sync_file(file.from));
  for (const auto& file : files) {
    std::error_code error;
    fs::rename(file.from, extents_ / file.to, error);
    if (error) return io_failure("publishing an extent", error);
  }
  return sync_file(extents_);
}

FilePins ExtentFiles::pin(std::vector<std::string> files) {
  std::lock_guard lock(mutex_);
  for (const auto& file : files) ++pins_[file];
  return {this, std::move(files)};
}

void ExtentFiles::unpin(const std::vector<std::string>& files) {
  std::vector<std::string> free;
  {
    std::lock_guard lock(mutex_);
    for (const auto& file : files) {
      auto found = pins_.find(file);
      if (found == pins_.end() || --found->second > 0) continue;
      pins_.erase(found);
      if (doomed_.erase(file) > 0) free.push_back(file);
    }
  }
  std::error_code ignored;  // what stays behind is swept at the next open
  for (const auto& file : free) fs::remove(extents_ / file, ignored);
}

void ExtentFiles::doom(const std::vector<std::string>& files) {
  std::vector<std::string> free;
  {
    std::lock_guard lock(mutex_);
    for (const auto& file : files) {
      if (pins_.contains(file))
        doomed_.insert(file);
      else
        free.push_back(file);
    }
  }
  std::error_code ignored;
  for (const auto& file : free) fs::remove(extents_ / file, ignored);
}

}  // namespace kc::engine
