#include "core/engine/formats/byte_window.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace kc::engine {
namespace {

constexpr std::size_t kStep = 512 << 10;
constexpr std::size_t kPackedStep = 256 << 10;

}  // namespace

Result<ByteWindow> ByteWindow::open(const std::string& path) {
  ByteWindow window;
  window.file_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (window.file_ < 0)
    return bad_blob("Download_SourceNotFound", "the blob " + path + " was not found");
  // By its first bytes, whatever its name says.
  window.buffer_.resize(2 * kStep);
  KC_TRY(window.end_, window.read_file(window.buffer_.data(), kPackedStep));
  if (GzipReader::is_gzip({window.buffer_.data(), window.end_})) {
    window.gzip_ = std::make_unique<GzipReader>();
    window.packed_ = window.buffer_.substr(0, std::exchange(window.end_, 0));
  }
  return window;
}

ByteWindow::ByteWindow(ByteWindow&& other) noexcept
    : file_(std::exchange(other.file_, -1)),
      buffer_(std::move(other.buffer_)),
      end_(other.end_),
      gzip_(std::move(other.gzip_)),
      packed_(std::move(other.packed_)),
      file_ended_(other.file_ended_) {}

ByteWindow::~ByteWindow() {
  if (file_ >= 0) ::close(file_);
}

Result<bool> ByteWindow::more(std::size_t keep) {
  std::memmove(buffer_.data(), buffer_.data() + keep, end_ - keep);
  end_ -= keep;
  if (file_ < 0) return false;
  if (end_ > kRecordBytesMax)
    return bad_blob("Stream_InputStreamTooLarge", "a record is longer than 64 MB");
  if (buffer_.size() - end_ < kStep) buffer_.resize(end_ + 2 * kStep);
  char* const to = buffer_.data() + end_;
  const std::size_t room = buffer_.size() - end_;
  KC_TRY(const auto read, gzip_ ? inflate(to, room) : read_file(to, room));
  end_ += read;
  return read > 0;
}

// As much as there is, up to `room`; 0 at the end.
Result<std::size_t> ByteWindow::read_file(char* to, std::size_t room) {
  std::size_t done = 0;
  while (done < room && !file_ended_) {
    const auto read = ::read(file_, to + done, room - done);
    if (read < 0 && errno == EINTR) continue;
    if (read < 0)
      return fail(ErrorKind::unavailable, "engine.ingest",
                  "reading a blob: " + std::string(std::strerror(errno)));
    file_ended_ = read == 0;
    done += static_cast<std::size_t>(read);
  }
  return done;
}

Result<std::size_t> ByteWindow::inflate(char* to, std::size_t room) {
  for (;;) {
    const auto step = gzip_->read(packed_, file_ended_, to, room);
    if (!step) return bad_blob("BadRequest_InvalidBlob", step.error().message);
    packed_.erase(0, step->read);
    if (step->written > 0 || (file_ended_ && packed_.empty())) return step->written;
    const auto left = packed_.size();
    packed_.resize(left + kPackedStep);
    KC_TRY(const auto read, read_file(packed_.data() + left, kPackedStep));
    packed_.resize(left + read);
  }
}

}  // namespace kc::engine
