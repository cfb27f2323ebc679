// The system calls under FolderLake, with their failures as Errors: durable folders, temporary
// files that a sweep can tell from live ones, deletion. Used by folder_lake.cc only. Thread
// promise: safe from any thread; a TempFile has one owner.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/lake/lake.h"

namespace kc {

// What a failed system call on `path` means: lake.full, lake.permission or lake.unreachable.
Failure system_failure(int error_number, std::string_view doing, const std::string& path);

class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(other.number_) { other.number_ = -1; }
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  int number() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }

 private:
  int number_;
};

// A file with its bytes on disk under a private name, locked for as long as it is in use, removed
// by its destructor.
class TempFile {
 public:
  // `folder` is made if absent; `counter` makes names unlikely to collide.
  static Result<TempFile> write(const std::string& folder, std::atomic<std::uint64_t>& counter,
                                std::string_view bytes);
  TempFile(TempFile&&) = default;
  TempFile& operator=(TempFile&&) = delete;
  ~TempFile();
  const std::string& path() const { return path_; }

 private:
  TempFile(std::string path, Descriptor file) : path_(std::move(path)), file_(std::move(file)) {}
  std::string path_;
  Descriptor file_;
};

// Every missing level is made, and made durable in the level above.
Result<> make_folders(const std::string& path);
// A folder's entries survive a loss of power once this returns.
Result<> sync_folder(const std::string& path);
Result<> write_all(int file, std::string_view bytes, const std::string& path);
Result<std::string> read_whole(const std::string& path, std::string_view name);
std::string parent_of(const std::string& path);

// Appends every regular file below `folder`, named from the lake's root; entries that begin with a
// dot are the lake's own and left out. An absent folder has none.
Result<> collect_files(const std::string& folder, const std::string& name_prefix,
                       std::vector<LakeFile>& files);

// Everything at `path`, folder or file; absent is success.
Result<> remove_tree(const std::string& path);
// Files in `folder` that no live TempFile holds: what crashed writers left.
void sweep_temporary(const std::string& folder);

}  // namespace kc
