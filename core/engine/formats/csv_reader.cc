// Records separated by a character, as RFC 4180 quotes them or with backslashes.
#include <algorithm>
#include <cstring>

#include "core/engine/formats/byte_window.h"
#include "core/engine/formats/readers.h"

namespace kc::engine {
namespace {

class CsvReader final : public PartReader {
 public:
  CsvReader(const TextInput& input, ByteWindow window, SourcePlace place)
      : input_(input), window_(std::move(window)), place_(std::move(place)) {
    skip_ = input.format.ignore_first_record;
  }

  Result<idx_t> fill(duckdb_data_chunk chunk, idx_t capacity) override {
    std::vector<duckdb_vector> vectors;
    for (idx_t i = 0; i < input_.columns.size(); ++i)
      vectors.push_back(duckdb_data_chunk_get_vector(chunk, i));
    idx_t rows = 0;
    while (rows < capacity) {
      place_.line = next_line_;
      KC_TRY(const bool found, record());
      if (!found) break;
      if (std::exchange(skip_, false)) continue;
      for (std::size_t i = 0; i < vectors.size(); ++i) {
        const auto& mapping = input_.mappings[i];
        std::string_view text;
        if (mapping.ordinal && *mapping.ordinal < fields_.size()) text = fields_[*mapping.ordinal];
        if (!put_derived(vectors[i], rows, input_.columns[i].type, mapping, text, place_, scratch_))
          put_field(vectors[i], rows, input_.columns[i].type, text, scratch_, input_.limit(i));
      }
      ++rows;
    }
    return rows;
  }

 private:
  // Finds the next record's end, then cuts it into fields in place.
  Result<bool> record() {
    for (;;) {
      const std::size_t end = scan(at_ + scanned_);
      if (end < window_.end()) {
        const std::size_t start = at_;
        ++next_line_;
        at_ = end + 1;
        scanned_ = 0;
        if (blank(start, end)) continue;
        return cut(start, end);
      }
      scanned_ = end - at_;
      KC_TRY(const bool more, window_.more(at_));
      at_ = 0;
      if (!more) return last_record();
    }
  }

  // The first line feed outside of quotes; the window's end where there is none.
  std::size_t scan(std::size_t at) {
    const char* data = window_.data();
    while (at < window_.end()) {
      const auto* found =
          static_cast<const char*>(std::memchr(data + at, '\n', window_.end() - at));
      const std::size_t feed =
          found == nullptr ? window_.end() : static_cast<std::size_t>(found - data);
      if (!input_.format.escapes) count_quotes(data + at, data + feed);
      if (!quoted_) return feed;
      at = std::min(feed + 1, window_.end());
    }
    return at;
  }
  void count_quotes(const char* from, const char* end) {
    for (;; ++from) {
      from = static_cast<const char*>(std::memchr(from, '"', static_cast<std::size_t>(end - from)));
      if (from == nullptr) return;
      quoted_ = !quoted_;
    }
  }

  // What is left in the window, without a line feed.
  Result<bool> last_record() {
    at_ = window_.end();
    scanned_ = 0;
    if (at_ == 0 || blank(0, at_)) return false;
    if (quoted_) return bad_blob("Stream_ClosingQuoteMissing", "a quoted field is not closed");
    return cut(0, at_);
  }

  bool blank(std::size_t start, std::size_t end) {
    if (first_) skip_mark(start, end);
    return end == start || (end == start + 1 && window_.data()[start] == '\r');
  }
  void skip_mark(std::size_t& start, std::size_t end) {
    if (end - start >= 3 && std::memcmp(window_.data() + start, "\xEF\xBB\xBF", 3) == 0) {
      start += 3;
    }
  }

  Result<bool> cut(std::size_t start, std::size_t end) {
    if (first_) skip_mark(start, end);
    first_ = false;
    char* data = window_.data();
    if (end > start && data[end - 1] == '\r') --end;
    fields_.clear();
    const char separator = input_.format.separator;
    std::size_t at = start;
    for (;;) {
      if (at < end && data[at] == '"' && !input_.format.escapes) {
        std::size_t write = at, read = at + 1;
        const std::size_t from = at;
        while (read < end && !(data[read] == '"' && (read + 1 >= end || data[read + 1] != '"'))) {
          if (data[read] == '"') ++read;
          data[write++] = data[read++];
        }
        if (read >= end)
          return bad_blob("Stream_ClosingQuoteMissing", "a quoted field is not closed");
        ++read;
        while (read < end && data[read] != separator) data[write++] = data[read++];
        fields_.emplace_back(data + from, write - from);
        at = read;
      } else {
        const auto* found = static_cast<const char*>(std::memchr(data + at, separator, end - at));
        const std::size_t stop = found == nullptr ? end : static_cast<std::size_t>(found - data);
        fields_.emplace_back(data + at, stop - at);
        at = stop;
      }
      if (at >= end) break;
      ++at;  // past the separator
      if (at == end) {
        fields_.emplace_back(data + at, 0);
        break;
      }
    }
    if (input_.format.escapes) unescape();
    if (!width_) width_ = fields_.size();
    if (*width_ != fields_.size() && !input_.format.any_width) {
      return bad_blob("Stream_WrongNumberOfFields",
                      "a record has " + std::to_string(fields_.size()) + " fields, the first one " +
                          std::to_string(*width_));
    }
    return true;
  }

  // `\t` and the like stand for the character, in TSVE.
  void unescape() {
    for (auto& field : fields_) {
      if (field.find('\\') == std::string_view::npos) continue;
      char* const start = const_cast<char*>(field.data());  // in the window, which is ours
      char* to = start;
      for (std::size_t i = 0; i < field.size(); ++i) {
        if (field[i] != '\\' || i + 1 == field.size()) {
          *to++ = field[i];
          continue;
        }
        const char c = field[++i];
        *to++ = c == 't' ? '\t' : c == 'n' ? '\n' : c == 'r' ? '\r' : c;
      }
      field = {start, static_cast<std::size_t>(to - start)};
    }
  }

  const TextInput& input_;
  ByteWindow window_;
  SourcePlace place_;
  std::int64_t next_line_ = 1;
  std::size_t at_ = 0, scanned_ = 0;
  bool quoted_ = false, first_ = true, skip_ = false;
  std::optional<std::size_t> width_;
  std::vector<std::string_view> fields_;
  std::string scratch_;
};

}  // namespace

Result<std::unique_ptr<PartReader>> csv_reader(const TextInput& input, ByteWindow window,
                                               SourcePlace place) {
  return std::make_unique<CsvReader>(input, std::move(window), std::move(place));
}

}  // namespace kc::engine
