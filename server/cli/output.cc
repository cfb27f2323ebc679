#include "server/cli/output.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "api/codec.h"
#include "core/base/json.h"
#include "core/base/redact.h"
#include "core/lake/lake_address.h"
#include "core/net/transport.h"
#include "server/cli/live_block.h"

namespace kc::server {
namespace {

using json = nlohmann::ordered_json;
using namespace std::chrono_literals;

std::string formatted(const char* format, double number) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), format, number);
  return text.data();
}

std::string bar(double percent) {
  constexpr int kCells = 20;
  const int full = static_cast<int>(std::lround(percent / 100 * kCells));
  std::string text;
  for (int i = 0; i < kCells; ++i) text += i < full ? "█" : "░";
  return text;
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

std::string table_line(const TableProgress& table) {
  std::string line = "  " + padded(table.name, 24) + " ";
  if (table.state == TableState::failed) {
    return line + "FAILED  " +
           (table.problem ? table.problem->code + ": " + redact(table.problem->detail) : "");
  }
  line += padded(table.stage.empty() ? std::string(to_string(table.state)) : table.stage, 9);
  line += table.percent ? formatted("%5.1f %%  ", *table.percent) : "           ";
  line += with_separators(table.rows_done);
  if (table.rows_total) line += "/" + with_separators(*table.rows_total);
  return line;
}

std::string head_line(const JobSpec& spec, const Progress& p) {
  std::string line =
      spec.db + " → " + spec.destination_db + "   " + std::string(to_string(p.phase)) + "  ";
  if (p.percent) line += formatted("%.1f %%  ", *p.percent) + bar(*p.percent) + "  ";
  line += short_count(static_cast<double>(p.rows_done));
  if (p.rows_total) line += "/" + short_count(static_cast<double>(*p.rows_total));
  line += " rows";
  if (p.rows_per_second_average) line += "  " + short_count(*p.rows_per_second_average) + "/s";
  if (p.eta_seconds) line += "  ETA " + short_duration(*p.eta_seconds);
  return line;
}

std::string slots_line(const Progress& p) {
  std::string line;
  for (const SlotProgress& slot : p.slots) {
    if (slot.kind == "query" || slot.used == 0) continue;
    line += (line.empty() ? "  slots: " : ", ") + slot.cluster + " " + slot.kind + " " +
            std::to_string(slot.used);
    if (slot.limit) line += "/" + std::to_string(*slot.limit);
  }
  return line;
}

// What needs a look comes first.
std::vector<TableProgress> by_interest(std::vector<TableProgress> tables) {
  const auto rank = [](const TableProgress& table) {
    switch (table.state) {
      case TableState::failed:
        return 0;
      case TableState::running:
        return 1;
      case TableState::waiting:
        return 2;
      case TableState::done:
        break;
    }
    return 3;
  };
  std::stable_sort(tables.begin(), tables.end(),
                   [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
  return tables;
}

// Where the job's own folder is; of an address that is no lake, what may be shown of it.
std::string lake_of(const JobSpec& spec) {
  const auto lakes = lakes_of(spec.lake);
  const auto lake = parse_lake(lakes.front());
  return (lake && lake->blobs ? lake->describe() : redact(lakes.front())) + "/" + spec.id +
         (lakes.size() > 1 ? " (and " + std::to_string(lakes.size() - 1) + " more)" : "");
}

// The end, for people.
void tell_end(const Ending& ending) {
  const JobSpec& spec = *ending.spec;
  const std::string summary = ending.last ? summary_of(*ending.last) : "";
  if (ending.interrupted) {
    std::printf("Stopped: job %s stays where it is in %s. The same command resumes it.\n",
                spec.id.c_str(), lake_of(spec).c_str());
    return;
  }
  if (ending.state == JobState::succeeded) {
    if (ending.found_ended) {
      std::printf("Job %s is complete already, since %s (%s): nothing was copied.\n",
                  spec.id.c_str(), format_datetime(ending.at).c_str(), lake_of(spec).c_str());
    } else {
      std::printf("Done: %s. Job %s, checkpoint in %s.\n", summary.c_str(), spec.id.c_str(),
                  lake_of(spec).c_str());
    }
    return;
  }
  std::printf("Job %s %s%s%s.\n", spec.id.c_str(), std::string(to_string(ending.state)).c_str(),
              summary.empty() ? "" : ": ", summary.c_str());
  std::fflush(stdout);
  if (ending.last) {
    for (const TableProgress& table : ending.last->tables) {
      if (table.state == TableState::failed && table.problem) {
        std::fprintf(stderr, "  %s: %s: %s\n", table.name.c_str(), table.problem->code.c_str(),
                     redact(table.problem->detail).c_str());
      }
    }
  }
  if (ending.problem) {
    std::fprintf(stderr, "error: %s: %s\n", ending.problem->code.c_str(),
                 redact(ending.problem->detail).c_str());
    if (!ending.problem->fix.empty())
      std::fprintf(stderr, "  fix: %s\n", redact(ending.problem->fix).c_str());
  }
}

class LiveOutput final : public Output {
 public:
  explicit LiveOutput(JobSpec spec) : spec_(std::move(spec)) {}
  void opened(const JobSpec& /*spec*/, const Uuid& /*uid*/) override {}
  void progress(const Progress& p) override {
    std::vector<std::string> lines{head_line(spec_, p)};
    const std::size_t room = std::max<std::size_t>(LiveBlock::size().rows, 7) - 5;
    const auto tables = by_interest(p.tables);
    for (std::size_t i = 0; i < std::min(tables.size(), room); ++i)
      lines.push_back(table_line(tables[i]));
    if (tables.size() > room)
      lines.push_back("  … and " + std::to_string(tables.size() - room) + " more tables");
    if (std::string slots = slots_line(p); !slots.empty()) lines.push_back(std::move(slots));
    lines.push_back("  " + redact(p.status_reason));
    block_.draw(lines);
  }
  void end(const Ending& ending) override {
    if (ending.last && !ending.found_ended) progress(*ending.last);
    block_.leave();
    tell_end(ending);
  }
  std::chrono::milliseconds interval() const override { return 250ms; }

 private:
  JobSpec spec_;
  LiveBlock block_;
};

class PlainOutput final : public Output {
 public:
  void opened(const JobSpec& spec, const Uuid& uid) override {
    std::printf("job=%s uid=%s lake=%s\n", spec.id.c_str(), uid.text().c_str(),
                lake_of(spec).c_str());
    std::fflush(stdout);
  }
  // A line when something changed that somebody would look for: state, phase, what the job says it
  // does (shown once), a percent, ten seconds.
  void progress(const Progress& p) override {
    const bool moved = p.percent && *p.percent >= percent_ + 1;
    const bool says = !last_ || last_->status_reason != p.status_reason;
    if (last_ && last_->state == p.state && last_->phase == p.phase && !says && !moved &&
        p.elapsed_seconds < elapsed_ + 10) {
      return;
    }
    last_ = p;
    percent_ = p.percent.value_or(percent_);
    elapsed_ = p.elapsed_seconds;
    std::string line = format_datetime(p.as_of) + " state=" + std::string(to_string(p.state)) +
                       " phase=" + std::string(to_string(p.phase));
    if (p.percent) line += formatted(" percent=%.1f", *p.percent);
    line += " rows=" + std::to_string(p.rows_done);
    if (p.rows_total) line += "/" + std::to_string(*p.rows_total);
    line += " blocks=" + std::to_string(p.blocks_done);
    if (p.blocks_total) line += "/" + std::to_string(*p.blocks_total);
    line += " tables=" + std::to_string(p.tables_done) + "/" + std::to_string(p.tables_total);
    if (p.eta_seconds) line += formatted(" eta=%.0fs", *p.eta_seconds);
    if (says) line += " status=\"" + redact(p.status_reason) + "\"";
    std::puts(line.c_str());
    std::fflush(stdout);
  }
  void end(const Ending& ending) override {
    if (ending.last && !ending.found_ended) progress(*ending.last);
    tell_end(ending);
  }
  std::chrono::milliseconds interval() const override { return 50ms; }

 private:
  std::optional<Progress> last_;
  double percent_ = 0, elapsed_ = 0;
};

json problem_json(const std::optional<Problem>& problem) {
  if (!problem) return nullptr;
  return {{"code", problem->code},
          {"detail", redact(problem->detail)},
          {"fix", problem->fix.empty() ? json(nullptr) : json(redact(problem->fix))},
          {"retryable", problem->retryable}};
}

// One JSON object per line; with `only_result`, the last one alone.
class JsonOutput final : public Output {
 public:
  explicit JsonOutput(bool only_result) : only_result_(only_result) {}
  void opened(const JobSpec& spec, const Uuid& uid) override {
    if (only_result_) return;
    put({{"type", "job.opened"},
         {"job", spec.id},
         {"uid", uid.text()},
         {"lake", redact(spec.lake)}});
  }
  void progress(const Progress& p) override {
    if (only_result_) return;
    put({{"type", "job.progress"}, {"progress", json::parse(api::write_progress(p))}});
  }
  void end(const Ending& ending) override {
    const json state = ending.interrupted ? json("interrupted") : json(to_string(ending.state));
    put({{"type", "result"},
         {"job", ending.spec->id},
         {"state", state},
         {"at", format_datetime(ending.at)},
         {"alreadyComplete", ending.found_ended},
         {"problem", problem_json(ending.problem)},
         {"progress",
          ending.last ? json::parse(api::write_progress(*ending.last)) : json(nullptr)}});
  }
  std::chrono::milliseconds interval() const override { return 100ms; }

 private:
  static void put(const json& value) {
    std::puts(value.dump(-1, ' ', false, json::error_handler_t::replace).c_str());
    std::fflush(stdout);
  }
  bool only_result_;
};

}  // namespace

std::string with_separators(std::int64_t number) {
  std::string digits = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > (number < 0 ? 1 : 0); at -= 3)
    digits.insert(static_cast<std::size_t>(at), ",");
  return digits;
}

std::string short_count(double number) {
  if (number < 10'000) return formatted("%.0f", number);
  if (number < 1e6) return formatted("%.1fk", number / 1e3);
  if (number < 1e9) return formatted("%.1fM", number / 1e6);
  return formatted("%.1fG", number / 1e9);
}

std::string short_duration(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::max(0.0, std::ceil(seconds)));
  if (whole < 60) return std::to_string(whole) + "s";
  if (whole < 3600) return std::to_string(whole / 60) + "m" + std::to_string(whole % 60) + "s";
  return std::to_string(whole / 3600) + "h" + std::to_string(whole / 60 % 60) + "m";
}

std::string summary_of(const Progress& progress) {
  std::string text = std::to_string(progress.tables_done) + " of " +
                     std::to_string(progress.tables_total) + " tables, " +
                     with_separators(progress.rows_done) + " rows";
  if (progress.elapsed_seconds > 0) {
    text += formatted(" in %.2f s", progress.elapsed_seconds) + " (" +
            short_count(static_cast<double>(progress.rows_done) / progress.elapsed_seconds) +
            " rows/s)";
  }
  return text;
}

Result<std::unique_ptr<Output>> make_output(const std::string& mode, const JobSpec& spec) {
  if (mode == "auto") {
    if (LiveBlock::usable()) return std::make_unique<LiveOutput>(spec);
    return std::make_unique<PlainOutput>();
  }
  if (mode == "plain") return std::make_unique<PlainOutput>();
  if (mode == "jsonl" || mode == "json") return std::make_unique<JsonOutput>(mode == "json");
  return fail(ErrorKind::invalid, "config.invalid_value",
              "--output must be one of auto, plain, jsonl, json");
}

}  // namespace kc::server
