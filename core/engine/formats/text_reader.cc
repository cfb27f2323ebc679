#include "core/engine/formats/text_reader.h"

#include <zlib.h>

#include <charconv>
#include <chrono>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "core/base/ticks.h"
#include "core/engine/syntax/literal.h"

namespace kc::engine {
namespace {

Failure bad_input(const std::string& code, const std::string& what) {
  Error error{.kind = ErrorKind::invalid, .code = "engine.ingest", .message = code + ": " + what};
  error.service_code = code;
  return fail(std::move(error));
}

// Length of the valid UTF-8 sequence at `at`, or 0.
std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(at);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || at + length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return 0;
  }
  const unsigned second = byte(at + 1);
  if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
      (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F)) {
    return 0;
  }
  return length;
}

bool is_ascii(std::string_view text) {
  std::uint64_t high = 0;
  std::size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    std::uint64_t word;
    std::memcpy(&word, text.data() + at, 8);
    high |= word;
  }
  for (; at < text.size(); ++at) high |= static_cast<unsigned char>(text[at]);
  return (high & 0x8080808080808080ULL) == 0;
}

// Invalid bytes become U+FFFD, as at Kusto's ingestion.
std::string_view valid_utf8(std::string_view text, std::string& scratch) {
  if (is_ascii(text)) return text;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto length = utf8_length(text, at);
    if (length == 0) break;
    at += length;
  }
  if (at == text.size()) return text;
  scratch.assign(text.substr(0, at));
  while (at < text.size()) {
    const auto length = utf8_length(text, at);
    if (length == 0)
      scratch += "\xEF\xBF\xBD";
    else
      scratch.append(text.substr(at, length));
    at += std::max<std::size_t>(length, 1);
  }
  return scratch;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

bool same_word(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() && std::equal(text.begin(), text.end(), lower.begin(),
                                                   [](char a, char b) { return (a | 0x20) == b; });
}

template <class T>
bool put_number(duckdb_vector vector, idx_t row, std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  T value{};
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) return false;
  put(vector, row, value);
  return true;
}

bool put_real(duckdb_vector vector, idx_t row, std::string_view text) {
  if (same_word(text, "nan"))
    put(vector, row, std::nan(""));
  else if (same_word(text, "infinity") || same_word(text, "inf") || text == "+Infinity")
    put(vector, row, HUGE_VAL);
  else if (same_word(text, "-infinity") || same_word(text, "-inf"))
    put(vector, row, -HUGE_VAL);
  else
    return put_number<double>(vector, row, text);
  return true;
}

bool put_bool(duckdb_vector vector, idx_t row, std::string_view text) {
  const bool yes = same_word(text, "true") || text == "1";
  if (!yes && !same_word(text, "false") && text != "0") return false;
  put(vector, row, yes);
  return true;
}

std::int64_t digits(const char* at, int count) {
  std::int64_t value = 0;
  for (int i = 0; i < count; ++i) {
    if (at[i] < '0' || at[i] > '9') return -1;
    value = value * 10 + (at[i] - '0');
  }
  return value;
}

// The form that exports write, without the general parser.
std::optional<std::int64_t> full_datetime(std::string_view text) {
  if (text.size() != 28 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' ||
      text[16] != ':' || text[19] != '.' || text[27] != 'Z') {
    return std::nullopt;
  }
  const auto year = digits(text.data(), 4), month = digits(text.data() + 5, 2),
             day = digits(text.data() + 8, 2);
  const auto hour = digits(text.data() + 11, 2), minute = digits(text.data() + 14, 2);
  const auto second = digits(text.data() + 17, 2), ticks = digits(text.data() + 20, 7);
  const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(year)),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  if (year < 1 || month < 1 || day < 1 || !date.ok() || hour < 0 || hour > 23 || minute < 0 ||
      minute > 59 || second < 0 || second > 59 || ticks < 0) {
    return std::nullopt;
  }
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return ((days * 86'400) + hour * 3600 + minute * 60 + second) * kTicksPerSecond + ticks +
         kTicksAtUnixEpoch;
}

bool put_datetime(duckdb_vector vector, idx_t row, std::string_view text) {
  if (const auto fast = full_datetime(text)) {
    put(vector, row, *fast);
    return true;
  }
  const auto at = parse_datetime(text);
  if (at) put(vector, row, at->value);
  return at.has_value();
}

bool put_dynamic(duckdb_vector vector, idx_t row, std::string_view text, std::string& scratch) {
  if (text.empty() || text.size() > kStringBytesMax) return false;
  const auto valid = valid_utf8(text, scratch);
  const auto json = compact_json(valid);
  if (json && *json == "null") return false;
  put_text(vector, row, json ? *json : json_string(valid));
  return true;
}

bool put_typed(duckdb_vector vector, idx_t row, ScalarType type, std::string_view text,
               std::string& scratch) {
  if (type == ScalarType::dynamic_) return put_dynamic(vector, row, text, scratch);
  text = trimmed(text);
  if (text.empty()) return false;
  switch (type) {
    case ScalarType::bool_:
      return put_bool(vector, row, text);
    case ScalarType::int_:
      return put_number<std::int32_t>(vector, row, text);
    case ScalarType::long_:
      return put_number<std::int64_t>(vector, row, text);
    case ScalarType::real_:
      return put_real(vector, row, text);
    case ScalarType::datetime_:
      return put_datetime(vector, row, text);
    case ScalarType::timespan_: {
      const auto span = parse_duration(text);
      if (span) put(vector, row, span->ticks);
      return span.has_value();
    }
    case ScalarType::guid_: {
      const auto id = Uuid::parse(text);
      if (id) put_guid(vector, row, *id);
      return id.has_value();
    }
    default: {
      const auto decimal = parse_decimal(text);
      if (decimal) put_text(vector, row, *decimal);
      return decimal.has_value();
    }
  }
}

// Bytes of a file or a text, plain or gzip, through one buffer that holds the current record whole.
class ByteWindow {
 public:
  static Result<ByteWindow> open(const std::string& path) {
    auto* file = gzopen(path.c_str(), "rb");
    if (file == nullptr)
      return bad_input("Download_SourceNotFound", "the blob " + path + " was not found");
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
      return bad_input("Stream_InputStreamTooLarge", "a record is longer than 64 MB");
    if (buffer_.size() - end_ < kStep) buffer_.resize(end_ + 2 * kStep);
    const int read =
        gzread(file_, buffer_.data() + end_, static_cast<unsigned>(buffer_.size() - end_));
    if (read < 0) return bad_input("BadRequest_InvalidBlob", "the compressed data is broken");
    int code = Z_OK;
    if (read == 0 && !gzeof(file_))
      return bad_input("BadRequest_InvalidBlob", "the compressed data is broken");
    if (read == 0) (void)gzerror(file_, &code);
    if (code == Z_BUF_ERROR)
      return bad_input("BadRequest_InvalidBlob", "the compressed data ends early");
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

class CsvReader final : public PartReader {
 public:
  CsvReader(const TextInput& input, ByteWindow window) : input_(input), window_(std::move(window)) {
    skip_ = input.format.ignore_first_record;
  }

  Result<idx_t> fill(duckdb_data_chunk chunk, idx_t capacity) override {
    std::vector<duckdb_vector> vectors;
    for (idx_t i = 0; i < input_.columns.size(); ++i)
      vectors.push_back(duckdb_data_chunk_get_vector(chunk, i));
    idx_t rows = 0;
    while (rows < capacity) {
      KC_TRY(const bool found, record());
      if (!found) break;
      if (std::exchange(skip_, false)) continue;
      for (std::size_t i = 0; i < vectors.size(); ++i) {
        const auto& mapping = input_.mappings[i];
        std::string_view text;
        if (mapping.constant)
          text = *mapping.constant;
        else if (mapping.ordinal && *mapping.ordinal < fields_.size())
          text = fields_[*mapping.ordinal];
        put_field(vectors[i], rows, input_.columns[i].type, text, scratch_);
      }
      ++rows;
    }
    return rows;
  }

 private:
  // Finds the next record's end, then cuts it into fields in place.
  Result<bool> record() {
    for (;;) {
      std::size_t end = at_ + scanned_;
      const char* data = window_.data();
      for (; end < window_.end(); ++end) {
        const char c = data[end];
        if (c == '"')
          quoted_ = !quoted_;
        else if (!quoted_ && c == '\n')
          break;
      }
      if (end < window_.end()) {
        const std::size_t start = at_;
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

  // What is left in the window, without a line feed.
  Result<bool> last_record() {
    at_ = window_.end();
    scanned_ = 0;
    if (at_ == 0 || blank(0, at_)) return false;
    if (quoted_) return bad_input("Stream_ClosingQuoteMissing", "a quoted field is not closed");
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
      if (at < end && data[at] == '"') {
        std::size_t write = at, read = at + 1;
        const std::size_t from = at;
        while (read < end && !(data[read] == '"' && (read + 1 >= end || data[read + 1] != '"'))) {
          if (data[read] == '"') ++read;
          data[write++] = data[read++];
        }
        if (read >= end)
          return bad_input("Stream_ClosingQuoteMissing", "a quoted field is not closed");
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
    if (!width_) width_ = fields_.size();
    if (*width_ != fields_.size()) {
      return bad_input("Stream_WrongNumberOfFields",
                       "a record has " + std::to_string(fields_.size()) +
                           " fields, the first one " + std::to_string(*width_));
    }
    return true;
  }

  const TextInput& input_;
  ByteWindow window_;
  std::size_t at_ = 0, scanned_ = 0;
  bool quoted_ = false, first_ = true, skip_ = false;
  std::optional<std::size_t> width_;
  std::vector<std::string_view> fields_;
  std::string scratch_;
};

class JsonReader final : public PartReader {
 public:
  JsonReader(const TextInput& input, ByteWindow window)
      : input_(input), window_(std::move(window)) {}

  Result<idx_t> fill(duckdb_data_chunk chunk, idx_t capacity) override {
    idx_t rows = 0;
    while (rows < capacity) {
      std::string_view line;
      KC_TRY(const bool found, next_line(line));
      if (!found) break;
      const auto record = nlohmann::ordered_json::parse(line, nullptr, false);
      if (!record.is_object()) continue;  // a malformed line is dropped without a word
      for (idx_t i = 0; i < input_.columns.size(); ++i) {
        put_member(duckdb_data_chunk_get_vector(chunk, i), rows, i, record);
      }
      ++rows;
    }
    return rows;
  }

 private:
  Result<bool> next_line(std::string_view& line) {
    for (;;) {
      const char* data = window_.data();
      const auto* found =
          static_cast<const char*>(std::memchr(data + at_, '\n', window_.end() - at_));
      if (found != nullptr) {
        line = {data + at_, static_cast<std::size_t>(found - data) - at_};
        at_ += line.size() + 1;
        return true;
      }
      KC_TRY(const bool more, window_.more(at_));
      at_ = 0;
      if (more) continue;
      line = {window_.data(), window_.end()};
      at_ = window_.end();
      return !line.empty();
    }
  }

  void put_member(duckdb_vector vector, idx_t row, idx_t column,
                  const nlohmann::ordered_json& record) {
    const auto& mapping = input_.mappings[column];
    const auto type = input_.columns[column].type;
    if (mapping.constant) return put_field(vector, row, type, *mapping.constant, scratch_);
    const nlohmann::ordered_json* at = mapping.whole || !mapping.path.empty() ? &record : nullptr;
    for (const auto& name : mapping.path) {
      if (at == nullptr || !at->is_object()) break;
      const auto found = at->find(name);
      at = found == at->end() ? nullptr : &*found;
    }
    if (at == nullptr || at->is_null()) return put_field(vector, row, type, {}, scratch_);
    if (type == ScalarType::dynamic_) {
      const auto text = at->dump();
      if (text.size() > kStringBytesMax)
        put_null(vector, row);
      else
        put_text(vector, row, text);
      return;
    }
    if (at->is_string())
      return put_field(vector, row, type, at->get_ref<const std::string&>(), scratch_);
    put_field(vector, row, type, at->dump(), scratch_);
  }

  const TextInput& input_;
  ByteWindow window_;
  std::size_t at_ = 0;
  std::string scratch_;
};

class TextSource final : public RowSource {
 public:
  explicit TextSource(TextInput input) : input_(std::move(input)) {}
  const std::vector<Column>& columns() const override { return input_.columns; }
  std::size_t parts() const override { return input_.text ? 1 : input_.files.size(); }
  Result<std::unique_ptr<PartReader>> open(std::size_t part) override {
    if (input_.text) return reader(ByteWindow(*input_.text));
    KC_TRY(auto window, ByteWindow::open(input_.files[part]));
    return reader(std::move(window));
  }

 private:
  std::unique_ptr<PartReader> reader(ByteWindow window) {
    if (input_.format.kind == TextFormat::Kind::json)
      return std::make_unique<JsonReader>(input_, std::move(window));
    return std::make_unique<CsvReader>(input_, std::move(window));
  }
  TextInput input_;
};

}  // namespace

void put_field(duckdb_vector vector, idx_t row, ScalarType type, std::string_view text,
               std::string& scratch) {
  if (type != ScalarType::string_) {
    if (!put_typed(vector, row, type, text, scratch)) put_null(vector, row);
    return;
  }
  if (text.size() > kStringBytesMax) {
    std::size_t end = kStringBytesMax;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    text = text.substr(0, end);
  }
  put_text(vector, row, valid_utf8(text, scratch));
}

std::shared_ptr<RowSource> text_source(TextInput input) {
  return std::make_shared<TextSource>(std::move(input));
}

}  // namespace kc::engine
