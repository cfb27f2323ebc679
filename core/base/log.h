// A structured log: one event per line, as text for people or JSON lines for machines. The program
// makes one and hands it down by reference; every value passes through `redact` here and nowhere
// else. Thread promise: `log` is safe from any thread, and a line is never torn.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "core/base/clock.h"
#include "core/base/ids.h"
#include "core/base/result.h"

namespace kc {

enum class Level { debug, info, warn, error };
std::string_view to_string(Level level);

enum class LogFormat { text, json };

// One `key = value` of an event. Keys are snake_case words.
struct LogField {
  using Value = std::variant<std::string, std::int64_t, std::uint64_t, double, bool>;

  template <std::signed_integral T>
  LogField(std::string_view name, T number) : key(name), value(static_cast<std::int64_t>(number)) {}
  template <std::unsigned_integral T>
  requires(!std::same_as<T, bool>) LogField(std::string_view name, T number)
      : key(name), value(static_cast<std::uint64_t>(number)) {}
  LogField(std::string_view name, bool flag) : key(name), value(flag) {}
  LogField(std::string_view name, double number) : key(name), value(number) {}
  LogField(std::string_view name, std::string text) : key(name), value(std::move(text)) {}
  LogField(std::string_view name, std::string_view text) : key(name), value(std::string(text)) {}
  LogField(std::string_view name, const char* text) : key(name), value(std::string(text)) {}
  LogField(std::string_view name, const Uuid& id) : key(name), value(id.text()) {}
  LogField(std::string_view name, Ticks at) : key(name), value(format_datetime(at)) {}

  std::string_view key;
  Value value;
};

class Log {
 public:
  struct Options {
    Level level = Level::info;  // events below it are dropped
    LogFormat format = LogFormat::text;
    std::string file = {};  // appended to; empty: the standard error stream
    std::size_t file_bytes_max =
        64 << 20;  // the file is then renamed to `<name>.1.<ext>` and begun anew
  };

  // Kind denied or unavailable, code log.file, where the file cannot be opened.
  static Result<Log> open(const Clock& clock, Options options);
  // Hands each line, without its newline, to `write`, one at a time.
  static Log to(const Clock& clock, Options options, std::function<void(std::string_view)> write);

  Log(Log&&) noexcept;
  Log& operator=(Log&&) noexcept;
  ~Log();

  // `event` is a stable dotted word: "job.submitted", "block.failed".
  void log(Level level, std::string_view event, std::initializer_list<LogField> fields = {});
  bool wants(Level level) const;

 private:
  struct State;
  explicit Log(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace kc
