#include "core/base/log.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <mutex>

#include "core/base/check.h"
#include "core/base/redact.h"
#include "core/base/utf8.h"

namespace kc {
namespace {

constexpr std::size_t kOldFilesKept = 3;
constexpr std::size_t kFileBytesMin = 4096;

class CallbackSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit CallbackSink(std::function<void(std::string_view)> write) : write_(std::move(write)) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    write_({message.payload.data(), message.payload.size()});
  }
  void flush_() override {}

  std::function<void(std::string_view)> write_;
};

// A JSON string, also used for texts that need quotes: no control character, newline or broken
// UTF-8 gets through, so that nothing inside a value can pretend to be another line.
void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    const std::size_t length = utf8_length(text.substr(i));
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x",
                    static_cast<unsigned>(static_cast<unsigned char>(c)));
      out += escape;
    } else if (length == 0) {
      out += "\\ufffd";
    } else {
      out.append(text.substr(i, length));
    }
    i += length == 0 ? 1 : length;
  }
  out += '"';
}

bool is_plain(std::string_view text) {
  for (const char c : text) {
    if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7F)
      return false;  // also everything beyond ASCII
  }
  return !text.empty();
}

void append_value(std::string& out, const LogField& field, LogFormat format) {
  if (const auto* text = std::get_if<std::string>(&field.value)) {
    const std::string shown = names_secret(field.key) ? std::string(kRedacted) : redact(*text);
    if (format == LogFormat::text && is_plain(shown)) {
      out += shown;
    } else {
      append_quoted(out, shown);
    }
  } else if (names_secret(field.key)) {
    append_quoted(out, kRedacted);
  } else if (const auto* number = std::get_if<std::int64_t>(&field.value)) {
    out += std::to_string(*number);
  } else if (const auto* natural = std::get_if<std::uint64_t>(&field.value)) {
    out += std::to_string(*natural);
  } else if (const auto* real = std::get_if<double>(&field.value)) {
    char digits[32];
    std::snprintf(digits, sizeof digits, "%.6g", *real);
    out += std::isfinite(*real) ? digits : "null";
  } else {
    out += std::get<bool>(field.value) ? "true" : "false";
  }
}

std::string render(LogFormat format, Ticks now, Level level, std::string_view event,
                   std::initializer_list<LogField> fields) {
  std::string line;
  line.reserve(160);
  if (format == LogFormat::text) {
    line += format_datetime(now) + ' ' + std::string(to_string(level)) + ' ' + redact(event);
    for (const LogField& field : fields) {
      line += ' ';
      line += field.key;
      line += '=';
      append_value(line, field, format);
    }
    return line;
  }
  line += "{\"at\":\"" + format_datetime(now) + "\",\"level\":\"" + std::string(to_string(level)) +
          "\",\"event\":";
  append_quoted(line, redact(event));
  for (const LogField& field : fields) {
    line += ',';
    append_quoted(line, field.key);
    line += ':';
    append_value(line, field, format);
  }
  return line + '}';
}

}  // namespace

std::string_view to_string(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warn:
      return "warn";
    case Level::error:
      return "error";
  }
  KC_UNREACHABLE();
}

struct Log::State {
  State(const Clock& the_clock, Options the_options, spdlog::sink_ptr sink)
      : clock(the_clock), options(std::move(the_options)), logger("kc", std::move(sink)) {
    logger.set_formatter(std::make_unique<spdlog::pattern_formatter>("%v"));
    logger.set_level(spdlog::level::trace);
    logger.flush_on(spdlog::level::trace);
  }

  const Clock& clock;
  Options options;
  spdlog::logger logger;  // private to this object: nothing is registered process-wide
};

Log::Log(std::unique_ptr<State> state) : state_(std::move(state)) {}
Log::Log(Log&&) noexcept = default;
Log& Log::operator=(Log&&) noexcept = default;
Log::~Log() = default;

Result<Log> Log::open(const Clock& clock, Options options) {
  try {
    spdlog::sink_ptr sink;
    if (options.file.empty()) {
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    } else {
      sink = std::make_shared<spdlog::sinks::rotating_file_sink_mt>(
          options.file, std::max(options.file_bytes_max, kFileBytesMin), kOldFilesKept);
    }
    return Log(std::make_unique<State>(clock, std::move(options), std::move(sink)));
  } catch (const std::exception& problem) {
    return fail(ErrorKind::denied, "log.file",
                "opening the log '" + options.file + "': " + problem.what());
  }
}

Log Log::to(const Clock& clock, Options options, std::function<void(std::string_view)> write) {
  return Log(std::make_unique<State>(clock, std::move(options),
                                     std::make_shared<CallbackSink>(std::move(write))));
}

bool Log::wants(Level level) const { return level >= state_->options.level; }

void Log::log(Level level, std::string_view event, std::initializer_list<LogField> fields) {
  if (!wants(level)) return;
  const std::string line =
      render(state_->options.format, state_->clock.now(), level, event, fields);
  state_->logger.log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace kc
