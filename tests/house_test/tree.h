// The files of a source tree, read once, and what a rule says about one of them. Used by the rules
// of house_test and by their fixtures. Thread promise: a Tree is immutable once read; any number of
// threads may look at it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace house_test {

struct Line {
  std::size_t number;  // from 1
  std::string_view text;
};

struct File {
  std::string path;  // from the root, with slashes
  std::string text;

  bool ends_with(std::string_view ending) const { return path.ends_with(ending); }
  bool is_source() const { return ends_with(".cc") || ends_with(".h"); }
  std::vector<Line> lines() const;
  // The comment that the file opens with (// or #), its marks taken off and its lines joined by
  // spaces; empty if there is none.
  std::string opening_comment() const;
};

struct Finding {
  std::string rule;
  std::string path;
  std::size_t line = 0;  // 0: the file as a whole
  std::string message;
};

class Tree {
 public:
  // Reads every text file under `root` but build output, fetched parts and what other tools leave
  // behind.
  static Tree read(const std::filesystem::path& root);

  const std::vector<File>& files() const { return files_; }
  const std::set<std::string>& folders() const { return folders_; }
  const File* find(std::string_view path) const;

 private:
  std::vector<File> files_;        // sorted by path
  std::set<std::string> folders_;  // every folder that holds a file, at any depth
};

}  // namespace house_test
