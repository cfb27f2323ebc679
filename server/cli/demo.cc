// The demo command: two engines and the service on free ports, the seeds' copy driven over HTTP,
// and both sides compared.
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "core/base/json.h"
#include "core/net/curl_transport.h"
#include "server/app.h"
#include "server/cli/client.h"
#include "server/cli/exit_code.h"
#include "server/cli/output.h"
#include "server/cli/program.h"
#include "server/cli/verify.h"
#include "server/config.h"
#include "server/connections.h"

namespace kc::server {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDatabase = "Samples";
const std::vector<std::string> kTables = {"StormEvents", "demo_make_series1", "ConferenceSessions",
                                          "US_States"};

// Removed with everything in it, unless it is to be kept.
class Folder {
 public:
  static Result<Folder> make(bool keep) {
    std::string path = (fs::temp_directory_path() / "kusto-copy-demo-XXXXXX").string();
    if (::mkdtemp(path.data()) == nullptr)
      return fail(ErrorKind::unavailable, "data.unwritable", "no temporary folder can be made");
    return Folder(path, keep);
  }
  ~Folder() {
    std::error_code ignored;
    if (!path_.empty() && !keep_) fs::remove_all(path_, ignored);
  }
  Folder(Folder&& other) noexcept : path_(std::exchange(other.path_, {})), keep_(other.keep_) {}
  Folder& operator=(Folder&&) = delete;
  const fs::path& path() const { return path_; }

 private:
  Folder(fs::path path, bool keep) : path_(std::move(path)), keep_(keep) {}
  fs::path path_;
  bool keep_;
};

void say(const std::string& text) {
  std::printf("%s\n", text.c_str());
  std::fflush(stdout);
}

std::string body_of(const std::string& source, const std::string& destination,
                    const fs::path& lake) {
  return nlohmann::ordered_json{{"id", "demo"},     {"lake", lake.string()},
                                {"source", source}, {"destination", destination},
                                {"db", kDatabase},  {"tablesInclude", kTables}}
      .dump();
}

// Until the job ends; kind cancelled where a signal came first.
Result<Progress> follow(Client& client, const std::string& id, Signals& signals, Output& output) {
  Wake never;
  std::uint64_t seen = 0;
  for (;;) {
    KC_TRY(auto progress, client.progress(id));
    if (is_terminal(progress.state)) return progress;
    if (progress.revision != seen) output.progress(progress);
    seen = progress.revision;
    if (signals.wait(never, output.interval()).signal != 0)
      return fail(ErrorKind::cancelled, "demo.interrupted", "interrupted");
  }
}

Result<int> demonstrate(const Settings& settings, Signals& signals, Log& log, const Clock& clock,
                        const fs::path& folder) {
  say("Starting a source engine with sample tables, an empty destination engine, and the service.");
  KC_TRY(auto source_options, embedded_options(settings, folder / "source"));
  source_options.name = "source";
  KC_TRY(const auto source, Embedded::start(source_options));
  EmbeddedOptions destination_options = source_options;
  destination_options.data_folder = folder / "destination";
  destination_options.name = "destination";
  destination_options.samples = 0;
  destination_options.log_rows = 0;
  KC_TRY(const auto destination, Embedded::start(destination_options));
  KC_TRY(const auto app, App::start({.host = "127.0.0.1",
                                     .port = 0,
                                     .data_folder = folder / "service",
                                     .embedded = std::nullopt},
                                    clock, log, Rng::from_entropy()));
  say("  source       " + source->url());
  say("  destination  " + destination->url());
  say("  service      " + app->url());

  net::CurlTransport transport;
  Client client(transport, app->url());
  JobSpec spec;
  spec.id = "demo";
  spec.db = spec.destination_db = kDatabase;
  spec.lake = (folder / "lake").string();
  KC_TRY(const auto output, make_output("auto", spec));
  const std::string body = body_of(source->url(), destination->url(), spec.lake);
  say("\n$ " + client.curl_of_create(body));
  KC_TRY(const auto id, client.create_job(body));
  say("$ " + client.curl_of_progress(id));
  KC_TRY(const auto last, follow(client, id, signals, *output));
  Ending ending{.spec = &spec, .state = last.state, .problem = {}, .last = last, .at = last.as_of};
  if (!last.problems.empty()) ending.problem = last.problems.front();
  output->end(ending);
  if (last.state != JobState::succeeded) return exit_code_of(last.state, ending.problem, last);

  say("\nBoth sides, each counted and digested by its own cluster:");
  KC_TRY(const auto from, connect(source->url(), transport, clock));
  KC_TRY(const auto to, connect(destination->url(), transport, clock));
  KC_TRY(const auto comparisons, compare(*from, *to,
                                         {.source_db = kDatabase,
                                          .destination_db = kDatabase,
                                          .include = kTables,
                                          .exclude = {}}));
  print(comparisons);
  const bool equal = all_equal(comparisons) && comparisons.size() == kTables.size();
  say(equal ? "Equal: every row, once." : "NOT equal.");
  app->stop();
  return equal ? kExitDone : kExitDifferent;
}

}  // namespace

int run_demo(const Settings& settings, Signals& signals) {
  const auto log_choice = log_options(settings);
  if (!log_choice) return report(log_choice.error());
  const SystemClock clock;
  auto log = Log::open(clock, *log_choice);
  if (!log) return report(log.error());
  const auto folder = Folder::make(settings.flag("keep"));
  if (!folder) return report(folder.error());
  const auto code = demonstrate(settings, signals, *log, clock, folder->path());
  if (settings.flag("keep")) say("Kept in " + folder->path().string());
  if (!code && code.error().code == "demo.interrupted") return kExitInterrupted;
  return code ? *code : report(code.error());
}

}  // namespace kc::server
