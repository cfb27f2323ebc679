// JSON lines and multi-line JSON: objects one after the other or in an array.

#include "core/base/json.h"
#include "core/engine/formats/readers.h"
#include "core/engine/syntax/literal.h"

namespace kc::engine {
namespace {

using nlohmann::ordered_json;

// Depth of brackets outside strings: the library's own recursion must not meet hostile text.
bool too_deep(std::string_view text) {
  std::size_t depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kJsonNestingMax) return true;
    } else if (c == '}' || c == ']') {
      if (depth > 0) --depth;
    }
  }
  return false;
}

class JsonReader final : public PartReader {
 public:
  JsonReader(const TextInput& input, ByteWindow window, SourcePlace place)
      : input_(input), window_(std::move(window)), place_(std::move(place)) {}

  Result<idx_t> fill(duckdb_data_chunk chunk, idx_t capacity) override {
    const bool lines = input_.format.kind == TextFormat::Kind::json;
    idx_t rows = 0;
    while (rows < capacity) {
      std::string_view text;
      KC_TRY(const bool found, lines ? next_line(text) : next_value(text));
      if (!found) break;
      if (too_deep(text))
        return bad_blob(
            "BadRequest_InvalidBlob",
            "the JSON is nested more than " + std::to_string(kJsonNestingMax) + " levels deep");
      const auto record = ordered_json::parse(text, nullptr, false);
      if (!record.is_object()) {
        if (!lines) return bad_blob("BadRequest_InvalidBlob", "the JSON is malformed");
        continue;  // a malformed line is dropped without a word
      }
      for (idx_t i = 0; i < input_.columns.size(); ++i)
        put_member(duckdb_data_chunk_get_vector(chunk, i), rows, i, record);
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
        skip_mark(line);
        place_.line = next_line_++;
        return true;
      }
      KC_TRY(const bool more, window_.more(at_));
      at_ = 0;
      if (more) continue;
      line = {window_.data(), window_.end()};
      at_ = window_.end();
      place_.line = next_line_;
      skip_mark(line);
      return !line.empty();
    }
  }

  void skip_mark(std::string_view& text) {
    if (std::exchange(first_, false) && text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  }

  // The character at `scan_` from `at_` on, reading on where it must; `\0` at the end.
  Result<char> look(std::size_t ahead) {
    while (at_ + ahead >= window_.end()) {
      KC_TRY(const bool more, window_.more(at_));
      at_ = 0;
      if (!more) return '\0';
    }
    return window_.data()[at_ + ahead];
  }

  static bool between_values(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ',';
  }

  // One object of the stream; an array at the top is opened, not a value.
  Result<bool> next_value(std::string_view& text) {
    KC_TRY(char c, look(0));
    if (first_ && c == '\xEF') at_ += 3;
    first_ = false;
    for (;;) {
      KC_TRY(c, look(0));
      if (c == '\0' && at_ >= window_.end()) {
        if (in_array_) return bad_blob("BadRequest_InvalidBlob", "the JSON array is not closed");
        return false;
      }
      if (c == '\n') ++next_line_;
      if (c == '[' && !in_array_) {
        in_array_ = true;
      } else if (c == ']' && in_array_) {
        in_array_ = false;
      } else if (c == '{') {
        break;
      } else if (!between_values(c)) {
        return bad_blob("BadRequest_InvalidBlob", "the JSON is malformed");
      }
      ++at_;
    }
    place_.line = next_line_;
    return object(text);
  }

  Result<bool> object(std::string_view& text) {
    std::size_t depth = 0, length = 0;
    bool quoted = false;
    for (;; ++length) {
      KC_TRY(const char c, look(length));
      if (c == '\0') return bad_blob("BadRequest_InvalidBlob", "the JSON ends within an object");
      if (c == '\n') ++next_line_;
      if (quoted) {
        if (c == '\\')
          ++length;
        else if (c == '"')
          quoted = false;
      } else if (c == '"') {
        quoted = true;
      } else if (c == '{' || c == '[') {
        ++depth;
      } else if ((c == '}' || c == ']') && --depth == 0) {
        break;
      }
    }
    text = {window_.data() + at_, length + 1};
    at_ += length + 1;
    return true;
  }

  static const ordered_json* step(const ordered_json* at, const PathStep& step) {
    if (step.index) {
      if (!at->is_array() || *step.index >= at->size()) return nullptr;
      return &(*at)[*step.index];
    }
    if (!at->is_object()) return nullptr;
    const auto found = at->find(step.name);
    return found == at->end() ? nullptr : &*found;
  }

  static ordered_json dictionary_of(const ordered_json& array) {
    auto out = ordered_json::object();
    for (const auto& pair : array) {
      if (!pair.is_object()) continue;
      for (const auto& [name, value] : pair.items()) out[name] = value;
    }
    return out;
  }

  void put_member(duckdb_vector vector, idx_t row, idx_t column, const ordered_json& record) {
    const auto& mapping = input_.mappings[column];
    const auto type = input_.columns[column].type;
    const ordered_json* at = mapping.whole || !mapping.path.empty() ? &record : nullptr;
    for (const auto& one : mapping.path) {
      if (at == nullptr) break;
      at = step(at, one);
    }
    if (mapping.whole && mapping.transform == Transform::drop_mapped_fields) {
      put_rest(vector, row, type, record);
      return;
    }
    ordered_json made;
    if (at != nullptr && at->is_array() && mapping.transform == Transform::bag_array) {
      made = dictionary_of(*at);
      at = &made;
    }
    const bool text = at != nullptr && at->is_string();
    std::string dumped;
    if (at != nullptr && !text && !at->is_null()) dumped = at->dump();
    const std::string_view shown =
        text ? std::string_view(at->get_ref<const std::string&>()) : std::string_view(dumped);
    if (put_derived(vector, row, type, mapping, shown, place_, scratch_)) return;
    if (type == ScalarType::dynamic_ && text) dumped = at->dump();
    if (type != ScalarType::dynamic_) {
      put_field(vector, row, type, shown, scratch_, input_.limit(column));
    } else if (dumped.empty() || dumped.size() > input_.limit(column)) {
      put_null(vector, row);
    } else {
      put_text(vector, row, dumped);
    }
  }

  // What no other column of the mapping takes from the record's root.
  void put_rest(duckdb_vector vector, idx_t row, ScalarType type, const ordered_json& record) {
    auto rest = record;
    for (const auto& mapping : input_.mappings) {
      if (!mapping.path.empty()) rest.erase(mapping.path.front().name);
    }
    put_field(vector, row, type, rest.dump(), scratch_);
  }

  const TextInput& input_;
  ByteWindow window_;
  SourcePlace place_;
  std::size_t at_ = 0;
  std::int64_t next_line_ = 1;
  bool first_ = true, in_array_ = false;
  std::string scratch_;
};

}  // namespace

Result<std::unique_ptr<PartReader>> json_reader(const TextInput& input, ByteWindow window,
                                                SourcePlace place) {
  return std::make_unique<JsonReader>(input, std::move(window), std::move(place));
}

}  // namespace kc::engine
