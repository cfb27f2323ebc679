#include <charconv>
#include <cmath>
#include <type_traits>

#include "core/base/check.h"
#include "core/base/utf8.h"
#include "core/checkpoint/record_codec.h"
#include "core/checkpoint/record_fields.h"

namespace kc {
namespace {

class Writer {
 public:
  template <class T>
  using Of = const T&;

  explicit Writer(std::string& out) : out_(out) {}

  template <class T>
  void operator()(std::string_view name, const T& value) {
    if (out_.back() != '{') out_ += ',';
    out_ += '"';
    out_ += name;
    out_ += "\":";
    put(value);
  }

 private:
  void put(bool value) { out_ += value ? "true" : "false"; }
  template <class T>
  requires(std::is_integral_v<T> && !std::is_same_v<T, bool>) void put(T value) {
    out_ += std::to_string(value);
  }
  void put(double value) {
    KC_ASSERT(std::isfinite(value));
    char digits[40];
    const auto end = std::to_chars(digits, digits + sizeof digits,
                                   value);  // the shortest that reads back as the same
    out_.append(digits, end.ptr);
  }
  void put(const std::string& text) { is_utf8(text) ? put_text(text) : put_bytes(text); }
  void put(const TableName& name) { put(name.value); }
  void put(const Cursor& cursor) { put(cursor.value); }
  void put(const Uuid& id) { put_text(id.text()); }
  void put(Ticks at) {
    KC_ASSERT(at >= kTicksMin && at <= kTicksMax);
    put_text(format_datetime(at));
  }
  void put(Timespan span) { put_text(format_iso_duration(span)); }
  template <class E>
  requires std::is_enum_v<E>
  void put(E word) { put_text(to_string(word)); }
  template <class T>
  void put(const std::optional<T>& value) {
    if (value) {
      put(*value);
    } else {
      out_ += "null";
    }
  }
  template <class T>
  void put(const std::vector<T>& values) {
    out_ += '[';
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i != 0) out_ += ',';
      put(values[i]);
    }
    out_ += ']';
  }
  template <class T>
  requires requires(Writer& v, const T& value) { fields(v, value); }
  void put(const T& value) {
    out_ += '{';
    fields(*this, value);
    out_ += '}';
  }

  void put_text(std::string_view text) {
    static constexpr char kDigits[] = "0123456789abcdef";
    out_ += '"';
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') {
        out_ += '\\';
        out_ += c;
      } else if (c == '\n') {
        out_ += "\\n";
      } else if (byte < 0x20) {
        out_ += "\\u00";
        out_ += kDigits[byte >> 4];
        out_ += kDigits[byte & 15];
      } else {
        out_ += c;
      }
    }
    out_ += '"';
  }
  // JSON holds no broken UTF-8, and a fact must come back as it was.
  void put_bytes(std::string_view bytes) {
    static constexpr char kDigits[] = "0123456789abcdef";
    out_ += "{\"bytes\":\"";
    for (const char c : bytes) {
      const auto byte = static_cast<unsigned char>(c);
      out_ += kDigits[byte >> 4];
      out_ += kDigits[byte & 15];
    }
    out_ += "\"}";
  }

  std::string& out_;
};

}  // namespace

std::string encode_record(const Record& record) {
  std::string line = "{\"type\":\"" + std::string(type_word(record)) + "\"";
  Writer writer(line);
  std::visit([&](const auto& one) { fields(writer, one); }, record);
  return line + '}';
}

}  // namespace kc
