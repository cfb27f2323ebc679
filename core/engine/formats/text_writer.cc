#include "core/engine/formats/text_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "core/engine/formats/gzip.h"
#include "core/engine/results/cells.h"

namespace kc::engine {
namespace {

constexpr std::size_t kBlock = 256 << 10;

Failure write_failure(const std::string& path) {
  return fail(ErrorKind::unavailable, "engine.export",
              "writing " + path + ": " + std::strerror(errno));
}

// One file under way: text in, gzip or plain bytes out.
class ArtifactFile {
 public:
  static Result<std::unique_ptr<ArtifactFile>> create(const std::string& path, bool compressed) {
    std::unique_ptr<ArtifactFile> file(new ArtifactFile);
    file->path_ = path;
    file->handle_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (file->handle_ < 0) return write_failure(path);
    if (compressed) file->gzip_ = std::make_unique<GzipWriter>();
    return file;
  }
  ~ArtifactFile() {
    if (handle_ >= 0) ::close(handle_);
  }
  ArtifactFile(const ArtifactFile&) = delete;
  ArtifactFile& operator=(const ArtifactFile&) = delete;

  Result<void> write(std::string_view text) {
    if (!gzip_) return put(text);
    gzip_->write(text, packed_);
    return packed_.size() < kBlock ? Result<void>() : put_packed();
  }
  Result<std::int64_t> finish() {
    if (gzip_) {
      gzip_->finish(packed_);
      KC_CHECK_OK(put_packed());
    }
    if (::fsync(handle_) != 0) return write_failure(path_);
    if (::close(std::exchange(handle_, -1)) != 0) return write_failure(path_);
    return written_;
  }
  const std::string& path() const { return path_; }

 private:
  ArtifactFile() = default;

  Result<void> put_packed() {
    KC_CHECK_OK(put(packed_));
    packed_.clear();
    return {};
  }
  Result<void> put(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto done = ::write(handle_, bytes.data(), bytes.size());
      if (done < 0 && errno == EINTR) continue;
      if (done < 0) return write_failure(path_);
      written_ += done;
      bytes.remove_prefix(static_cast<std::size_t>(done));
    }
    return {};
  }

  std::string path_;
  int handle_ = -1;
  std::unique_ptr<GzipWriter> gzip_;  // null: plain bytes
  std::string packed_;
  std::int64_t written_ = 0;
};

struct Shared {
  DuckResult& rows;
  const TextExport& options;
  std::mutex mutex;
  int next_ordinal = 1;
  bool ended = false;
  std::optional<Error> error;
  std::vector<std::pair<int, Artifact>> done;
};

class Writer {
 public:
  explicit Writer(Shared& shared) : shared_(shared) {}

  Result<void> run() {
    for (;;) {
      KC_TRY(auto chunk, next_chunk());
      if (!chunk) break;
      const ChunkReader reader(chunk, shared_.options.columns);
      for (idx_t row = 0; row < reader.rows(); ++row) {
        if (file_ == nullptr) KC_CHECK_OK(begin());
        if (shared_.options.json)
          reader.append_json_line(text_, row);
        else
          reader.append_csv(text_, row, shared_.options.separator);
        ++rows_;
        if (text_.size() >= kBlock) KC_CHECK_OK(flush());
        if (size_ + static_cast<std::int64_t>(text_.size()) >= shared_.options.size_limit)
          KC_CHECK_OK(end());
      }
    }
    return file_ == nullptr ? Result<void>() : end();
  }

 private:
  // DuckDB computes while a chunk is fetched, one caller at a time.
  Result<DuckChunk> next_chunk() {
    std::lock_guard lock(shared_.mutex);
    if (shared_.ended || shared_.error) return DuckChunk(nullptr);
    KC_TRY(auto chunk, shared_.rows.next());
    if (!chunk || chunk.rows() == 0) {
      shared_.ended = true;
      return DuckChunk(nullptr);
    }
    return chunk;
  }

  Result<void> begin() {
    std::string path;
    {
      std::lock_guard lock(shared_.mutex);
      ordinal_ = shared_.next_ordinal++;
      path = shared_.options.path_of(ordinal_);
    }
    KC_TRY(file_, ArtifactFile::create(path, shared_.options.compressed));
    const auto& options = shared_.options;
    if (options.mark) text_ += "\xEF\xBB\xBF";
    if (!options.json && (options.headers_in_all || (options.headers_in_first && ordinal_ == 1)))
      append_header();
    return {};
  }

  void append_header() {
    for (std::size_t i = 0; i < shared_.options.columns.size(); ++i) {
      if (i > 0) text_ += shared_.options.separator;
      text_ += sql_name(
          shared_.options.columns[i].name);  // always quoted, quotes doubled: CSV's own rule
    }
    text_ += '\n';
  }

  Result<void> flush() {
    size_ += static_cast<std::int64_t>(text_.size());
    KC_CHECK_OK(file_->write(text_));
    text_.clear();
    return {};
  }

  Result<void> end() {
    KC_CHECK_OK(flush());
    KC_TRY(const auto bytes, file_->finish());
    std::lock_guard lock(shared_.mutex);
    shared_.done.emplace_back(ordinal_, Artifact{file_->path(), std::exchange(rows_, 0), bytes});
    file_.reset();
    size_ = 0;
    return {};
  }

  Shared& shared_;
  std::unique_ptr<ArtifactFile> file_;
  int ordinal_ = 0;
  std::string text_;
  std::int64_t size_ = 0, rows_ = 0;
};

}  // namespace

Result<std::vector<Artifact>> write_text(DuckResult& rows, const TextExport& options) {
  Shared shared{.rows = rows, .options = options, .mutex = {}, .error = {}, .done = {}};
  const auto work = [&shared] {
    auto result = Writer(shared).run();
    if (result) return;
    std::lock_guard lock(shared.mutex);
    if (!shared.error) shared.error = std::move(result).error();
  };
  {
    std::vector<std::jthread> threads;
    for (int i = 1; i < options.threads; ++i) threads.emplace_back(work);
    work();
  }
  if (shared.error) return fail(std::move(*shared.error));
  std::sort(shared.done.begin(), shared.done.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Artifact> artifacts;
  for (auto& [ordinal, artifact] : shared.done) artifacts.push_back(std::move(artifact));
  return artifacts;
}

}  // namespace kc::engine
