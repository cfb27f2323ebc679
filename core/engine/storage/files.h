// The extent files: immutable Parquet in one folder. A file is written in a scratch folder, made
// durable, then renamed into place, and only then named by the catalogue; what the catalogue does
// not name at open is swept. A file that somebody still reads is removed when the last reader lets
// go. Thread promise: safe from any thread.
#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "core/base/result.h"

namespace kc::engine {

class ExtentFiles;

// Keeps files readable for as long as it lives.
class FilePins {
 public:
  FilePins() = default;
  FilePins(ExtentFiles* owner, std::vector<std::string> files)
      : owner_(owner), files_(std::move(files)) {}
  FilePins(FilePins&& other) noexcept
      : owner_(std::exchange(other.owner_, nullptr)), files_(std::move(other.files_)) {}
  FilePins& operator=(FilePins&& other) noexcept {
    std::swap(owner_, other.owner_);
    std::swap(files_, other.files_);
    return *this;
  }
  ~FilePins();

 private:
  ExtentFiles* owner_ = nullptr;
  std::vector<std::string> files_;
};

// A folder of one command's unfinished files; removed with all it holds when it goes.
class Scratch {
 public:
  explicit Scratch(std::filesystem::path folder) : folder_(std::move(folder)) {}
  Scratch(Scratch&& other) noexcept : folder_(std::exchange(other.folder_, {})) {}
  Scratch& operator=(Scratch&&) = delete;
  ~Scratch();
  const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path folder_;
};

class ExtentFiles {
 public:
  // Makes the folders and empties the scratch.
  static Result<void> prepare(const std::filesystem::path& data_folder);
  explicit ExtentFiles(const std::filesystem::path& data_folder)
      : extents_(data_folder / "extents"), scratch_(data_folder / "scratch") {}

  // Removes every file that is not in `named`; returns how many.
  Result<std::int64_t> sweep(const std::vector<std::string>& named);
  Result<Scratch> scratch(const std::string& name);
  // Makes scratch files durable under their new names, all of them or an error.
  struct Publication {
    std::filesystem::path from;
    std::string to;
  };
  Result<void> publish(const std::vector<Publication>& files);

  std::string path(const std::string& file) const { return (extents_ / file).string(); }
  FilePins pin(std::vector<std::string> files);
  // Removes them now, or when their last reader lets go.
  void doom(const std::vector<std::string>& files);

 private:
  friend class FilePins;
  void unpin(const std::vector<std::string>& files);

  std::filesystem::path extents_;
  std::filesystem::path scratch_;
  std::mutex mutex_;
  std::map<std::string, int> pins_;
  std::set<std::string> doomed_;
};

// Makes a written file, or the entries of a folder, durable.
Result<void> sync_file(const std::filesystem::path& path);

}  // namespace kc::engine
