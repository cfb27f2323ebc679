#include "core/engine/formats/text_reader.h"

#include <charconv>
#include <cstring>

#include "core/base/ticks.h"
#include "core/engine/formats/readers.h"

namespace kc::engine {
namespace {

std::int64_t ticks_of_unix(std::int64_t value, Transform transform) {
  constexpr std::int64_t kTicksPerMillisecond = kTicksPerSecond / 1000;
  switch (transform) {
    case Transform::unix_seconds:
      return value * kTicksPerSecond + kTicksAtUnixEpoch;
    case Transform::unix_milliseconds:
      return value * kTicksPerMillisecond + kTicksAtUnixEpoch;
    case Transform::unix_microseconds:
      return value * 10 + kTicksAtUnixEpoch;
    default:
      return value / 100 + kTicksAtUnixEpoch;
  }
}

// Beyond the years 1 to 9999 there is no datetime.
std::optional<std::int64_t> unix_datetime(std::string_view text, Transform transform) {
  std::int64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  constexpr std::int64_t kSecondsMax = 300'000'000'000;
  const std::int64_t scale = transform == Transform::unix_seconds        ? 1
                             : transform == Transform::unix_milliseconds ? 1'000
                             : transform == Transform::unix_microseconds ? 1'000'000
                                                                         : 1'000'000'000;
  if (value / scale > kSecondsMax || value / scale < -kSecondsMax) return std::nullopt;
  const auto ticks = ticks_of_unix(value, transform);
  constexpr std::int64_t kTicksMax = 3'155'378'975'999'999'999;
  if (ticks < 0 || ticks > kTicksMax) return std::nullopt;
  return ticks;
}

// Lines, or the file as it is, for the first column; the others are empty.
class PlainReader final : public PartReader {
 public:
  PlainReader(const TextInput& input, ByteWindow window, SourcePlace place)
      : input_(input), window_(std::move(window)), place_(std::move(place)) {}

  Result<idx_t> fill(duckdb_data_chunk chunk, idx_t capacity) override {
    const bool whole = input_.format.kind == TextFormat::Kind::raw;
    idx_t rows = 0;
    while (rows < capacity) {
      std::string_view text;
      KC_TRY(const bool found, whole ? everything(text) : next_line(text));
      if (!found) break;
      for (idx_t i = 0; i < input_.columns.size(); ++i) {
        const auto vector = duckdb_data_chunk_get_vector(chunk, i);
        const auto& mapping = input_.mappings[i];
        const auto own = mapping.ordinal == 0 ? text : std::string_view();
        const auto type = input_.columns[i].type;
        if (!put_derived(vector, rows, type, mapping, own, place_, scratch_))
          put_field(vector, rows, type, own, scratch_, input_.limit(i));
      }
      ++rows;
    }
    return rows;
  }

 private:
  Result<bool> everything(std::string_view& text) {
    if (std::exchange(done_, true)) return false;
    for (;;) {
      KC_TRY(const bool more, window_.more(0));
      if (!more) break;
    }
    text = {window_.data(), window_.end()};
    return !text.empty();
  }

  Result<bool> next_line(std::string_view& line) {
    for (;;) {
      const char* data = window_.data();
      const auto* found =
          static_cast<const char*>(std::memchr(data + at_, '\n', window_.end() - at_));
      if (found == nullptr) {
        KC_TRY(const bool more, window_.more(at_));
        at_ = 0;
        if (more) continue;
      }
      const bool last = found == nullptr;
      const std::size_t end =
          last ? window_.end() : static_cast<std::size_t>(found - window_.data());
      line = {window_.data() + at_, end - at_};
      at_ = last ? end : end + 1;
      place_.line = next_line_++;
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (std::exchange(skip_, false) || line.empty()) {
        if (last) return false;
        continue;
      }
      return true;
    }
  }

  const TextInput& input_;
  ByteWindow window_;
  SourcePlace place_;
  std::size_t at_ = 0;
  std::int64_t next_line_ = 1;
  bool done_ = false;
  bool skip_ = input_.format.ignore_first_record;
  std::string scratch_;
};

class TextSource final : public RowSource {
 public:
  explicit TextSource(TextInput input) : input_(std::move(input)) {}
  const std::vector<Column>& columns() const override { return input_.columns; }
  std::size_t parts() const override { return input_.text ? 1 : input_.files.size(); }
  Result<std::unique_ptr<PartReader>> open(std::size_t part) override {
    if (input_.text) return reader(ByteWindow(*input_.text), {"inline", 1});
    KC_TRY(auto window, ByteWindow::open(input_.files[part]));
    const auto& source =
        part < input_.addresses.size() ? input_.addresses[part] : input_.files[part];
    return reader(std::move(window), {source, 1});
  }

 private:
  Result<std::unique_ptr<PartReader>> reader(ByteWindow window, SourcePlace place) {
    switch (input_.format.kind) {
      case TextFormat::Kind::json:
      case TextFormat::Kind::multijson:
        return json_reader(input_, std::move(window), std::move(place));
      case TextFormat::Kind::txt:
      case TextFormat::Kind::raw:
        return plain_reader(input_, std::move(window), std::move(place));
      default:
        return csv_reader(input_, std::move(window), std::move(place));
    }
  }
  TextInput input_;
};

}  // namespace

Failure bad_blob(const std::string& code, const std::string& what) {
  Error error{.kind = ErrorKind::invalid, .code = "engine.ingest", .message = code + ": " + what};
  error.service_code = code;
  return fail(std::move(error));
}

Result<std::unique_ptr<PartReader>> plain_reader(const TextInput& input, ByteWindow window,
                                                 SourcePlace place) {
  return std::make_unique<PlainReader>(input, std::move(window), std::move(place));
}

bool put_derived(duckdb_vector vector, idx_t row, ScalarType type, const FieldMapping& mapping,
                 std::string_view text, const SourcePlace& place, std::string& scratch) {
  if (mapping.constant) {
    put_field(vector, row, type, *mapping.constant, scratch);
    return true;
  }
  switch (mapping.transform) {
    case Transform::source_location:
      put_field(vector, row, type, place.source, scratch);
      return true;
    case Transform::source_line_number:
      put_field(vector, row, type, std::to_string(place.line), scratch);
      return true;
    case Transform::unix_seconds:
    case Transform::unix_milliseconds:
    case Transform::unix_microseconds:
    case Transform::unix_nanoseconds: {
      const auto ticks = unix_datetime(text, mapping.transform);
      if (type != ScalarType::datetime_)
        put_field(vector, row, type, ticks ? format_datetime({*ticks}) : std::string(), scratch);
      else if (ticks)
        put(vector, row, *ticks);
      else
        put_null(vector, row);
      return true;
    }
    default:
      return false;
  }
}

std::shared_ptr<RowSource> text_source(TextInput input) {
  return std::make_shared<TextSource>(std::move(input));
}

}  // namespace kc::engine
