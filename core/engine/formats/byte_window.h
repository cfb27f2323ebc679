// Bytes of a file or of a text, plain or gzip, through one buffer that holds the current record
// whole. Used by the readers of text formats. Thread promise: one owner at a time.
#pragma once

#include <zlib.h>

#include <cstring>
#include <string>
#include <utility>

#include "core/base/result.h"
#include "core/engine/formats/text_reader.h"

namespace kc::engine {

class ByteWindow {
 public:
  static Result<ByteWindow> open(const std::string& path) {
    auto* file = gzopen(path.c_str(), "rb");
    if (file == nullptr)
      return bad_blob("Download_SourceNotFound", "the blob " + path + " was not found");
    gzbuffer(file, 256 << 10);
    ByteWindow window;
    window.file_ = file;
    return window;
  }
  explicit ByteWindow(std::string text) : buffer_(std::move(text)), end_(buffer_.size()) {}
  ByteWindow(ByteWindow&& other) noexcept
      : file_(std::exchange(other.file_, nullptr)),
        buffer_(std::move(other.buffer_)),
        end_(other.end_) {}
  ByteWindow& operator=(ByteWindow&&) = delete;
  ~ByteWindow() {
    if (file_ != nullptr) gzclose(file_);
  }

  char* data() { return buffer_.data(); }
  std::size_t end() const { return end_; }
  // Moves what starts at `keep` to the front and reads on; false at the end of the file.
  Result<bool> more(std::size_t keep) {
    std::memmove(buffer_.data(), buffer_.data() + keep, end_ - keep);
    end_ -= keep;
    if (file_ == nullptr) return false;
    if (end_ > kRecordBytesMax)
      return bad_blob("Stream_InputStreamTooLarge", "a record is longer than 64 MB");
    if (buffer_.size() - end_ < kStep) buffer_.resize(end_ + 2 * kStep);
    const int read =
        gzread(file_, buffer_.data() + end_, static_cast<unsigned>(buffer_.size() - end_));
    if (read < 0) return bad_blob("BadRequest_InvalidBlob", "the compressed data is broken");
    int code = Z_OK;
    if (read == 0 && !gzeof(file_))
      return bad_blob("BadRequest_InvalidBlob", "the compressed data is broken");
    if (read == 0) (void)gzerror(file_, &code);
    if (code == Z_BUF_ERROR)
      return bad_blob("BadRequest_InvalidBlob", "the compressed data ends early");
    end_ += static_cast<std::size_t>(read);
    return read > 0;
  }

 private:
  static constexpr std::size_t kStep = 512 << 10;
  ByteWindow() = default;
  gzFile file_ = nullptr;
  std::string buffer_;
  std::size_t end_ = 0;
};

}  // namespace kc::engine
