// JSON as it comes: text goes in piece by piece, events come out. Nothing is kept but one string or
// number that lies across two pieces. Used by answer_reader; the only door of this project to
// Boost.JSON. Thread promise: one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace kc::kusto {

struct JsonEvent {
  enum class Kind : std::uint8_t {
    begin_object,
    end_object,
    begin_array,
    end_array,
    key,
    text,
    integer,
    large,  // an integer beyond 63 bits: its bits are in `integer`
    real,
    boolean,
    null
  };
  Kind kind = Kind::null;
  std::string_view text = {};  // of a key, a text, or a number as it was written
  std::int64_t integer = 0;    // of an integer; 0 or 1 of a boolean
  double real = 0;             // of any number
};

class JsonEvents {
 public:
  virtual ~JsonEvents() = default;
  // Views end with the call. False: nothing more is wanted.
  virtual bool take(const JsonEvent& event) = 0;
};

class JsonStream {
 public:
  // `to` outlives this. Text nested deeper than `depth_max` is refused.
  JsonStream(JsonEvents& to, int depth_max);
  ~JsonStream();
  JsonStream(const JsonStream&) = delete;
  JsonStream& operator=(const JsonStream&) = delete;

  // False: the text is no JSON, or `take` said so. Nothing may follow then.
  bool feed(std::string_view bytes);
  // False: the text ended too early.
  bool finish();
  std::size_t held_bytes() const;

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace kc::kusto
