// Bytes of a file or of a text, plain or gzip, through one buffer that holds the current record
// whole. Used by the readers of text formats. Thread promise: one owner at a time.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "core/base/result.h"
#include "core/engine/formats/gzip.h"
#include "core/engine/formats/text_reader.h"

namespace kc::engine {

class ByteWindow {
 public:
  static Result<ByteWindow> open(const std::string& path);
  explicit ByteWindow(std::string text) : buffer_(std::move(text)), end_(buffer_.size()) {}
  ByteWindow(ByteWindow&& other) noexcept;
  ByteWindow& operator=(ByteWindow&&) = delete;
  ~ByteWindow();

  char* data() { return buffer_.data(); }
  std::size_t end() const { return end_; }
  // Moves what starts at `keep` to the front and reads on; false at the end of the file.
  Result<bool> more(std::size_t keep);

 private:
  ByteWindow() = default;
  Result<std::size_t> read_file(char* to, std::size_t room);
  Result<std::size_t> inflate(char* to, std::size_t room);

  int file_ = -1;
  std::string buffer_;
  std::size_t end_ = 0;
  std::unique_ptr<GzipReader> gzip_;  // null: the file is plain
  std::string packed_;                // read from the file, not yet inflated
  bool file_ended_ = false;
};

}  // namespace kc::engine
