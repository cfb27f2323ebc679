// Writes the rows of a SELECT as extent files: in scratch, made durable, moved into place, and gone
// again unless the catalogue came to name them. Used by ingestion and by merges. Thread promise:
// one owner.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/engine/host.h"

namespace kc::engine {

struct WriteInput {
  std::string select;  // columns c0, c1, …, of the physical types
  struct Points {
    std::string_view written, published;  // see points.h
  } points;
  bool one_file = false;  // else one per thread
  Cancellation cancellation = nullptr;
};

class ExtentWriter {
 public:
  explicit ExtentWriter(Host& host) : host_(host) {}
  ~ExtentWriter() { host_.files->doom(files_); }
  ExtentWriter(const ExtentWriter&) = delete;
  ExtentWriter& operator=(const ExtentWriter&) = delete;

  // One per file that has rows, with id, file, rows and sizes filled in.
  Result<std::vector<Extent>> write(const WriteInput& input);
  // The catalogue names them now.
  void keep() { files_.clear(); }

 private:
  Host& host_;
  std::vector<std::string> files_;
};

}  // namespace kc::engine
