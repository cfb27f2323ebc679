// How fast the embedded engine is beside DuckDB itself on the same files in the same run, and how
// much memory it takes. Prints one line per question: the engine, DuckDB, the ratio.
//   engine_bench <working folder> [rows] [memory in MiB] [rounds]
#include "core/engine/engine.h"

#include <duckdb.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "core/engine/samples/samples.h"

namespace {

namespace fs = std::filesystem;
using kc::engine::Engine;

void die(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}

// The best of several rounds: others use the machine too.
double best_of(int rounds, const std::function<void()>& work) {
  double best = 1e9;
  for (int i = 0; i < rounds; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    best = std::min(best, took.count());
  }
  return best;
}

long peak_mib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::strtol(line.c_str() + 6, nullptr, 10) / 1024;
  }
  return 0;
}

void empty(const fs::path& folder) {
  fs::remove_all(folder);
  fs::create_directories(folder);
}

class Yardstick {
 public:
  Yardstick(const std::string& file, long memory_mib) {
    if (duckdb_open(file.c_str(), &database_) != DuckDBSuccess ||
        duckdb_connect(database_, &connection_) != DuckDBSuccess)
      die("no database at " + file);
    run("SET memory_limit = '" + std::to_string(memory_mib) + "MiB'");
    run("SET preserve_insertion_order = false");
  }
  ~Yardstick() {
    duckdb_disconnect(&connection_);
    duckdb_close(&database_);
  }
  Yardstick(const Yardstick&) = delete;
  Yardstick& operator=(const Yardstick&) = delete;

  void run(const std::string& sql) {
    duckdb_result result;
    if (duckdb_query(connection_, sql.c_str(), &result) != DuckDBSuccess)
      die(sql + ": " + duckdb_result_error(&result));
    duckdb_destroy_result(&result);
  }

 private:
  duckdb_database database_ = nullptr;
  duckdb_connection connection_ = nullptr;
};

struct Line {
  std::string question;
  double engine = 0, duckdb = 0;
};

class Bench {
 public:
  Bench(fs::path folder, std::int64_t rows, long memory_mib, int rounds)
      : folder_(std::move(folder)), rows_(rows), memory_mib_(memory_mib), rounds_(rounds) {
    kc::engine::EngineOptions options;
    options.data_folder = folder_ / "engine";
    options.memory_limit_bytes = memory_mib << 20;
    auto engine = Engine::open(options);
    if (!engine) die(engine.error().message);
    engine_ = std::move(*engine);
    kc::engine::SampleOptions samples;
    samples.public_tables = samples.all_types = false;
    samples.log_rows = rows;
    if (const auto made = create_samples(*engine_, samples); !made) die(made.error().message);
    for (const auto& entry : fs::directory_iterator(folder_ / "engine" / "extents"))
      files_ += (files_.empty() ? "'" : ", '") + entry.path().string() + "'";
    std::printf("made %lld rows, peak %ld MiB\n", static_cast<long long>(rows), peak_mib());
  }

  void run() {
    time_engine();
    std::printf("peak of the engine %ld MiB, its setting %ld MiB\n", peak_mib(), memory_mib_);
    engine_->close();
    time_duckdb();
    std::printf("%-28s %10s %10s %8s %12s\n", "question", "engine s", "DuckDB s", "ratio",
                "rows/s");
    for (const auto& line : lines_) {
      std::printf("%-28s %10.3f %10.3f %8.2f %12.0f\n", line.question.c_str(), line.engine,
                  line.duckdb, line.engine > 0 ? line.duckdb / line.engine : 0,
                  static_cast<double>(rows_) / line.engine);
    }
    std::printf(".move extents of %d: %.1f ms\n", kExtents, move_ * 1000);
  }

 private:
  static constexpr int kExtents = 1000;

  void command(const std::string& text) {
    const auto answer = engine_->command("Samples", text);
    if (!answer) die(text + ": " + answer.error().message);
  }
  void query(const std::string& text) {
    const auto answer = engine_->query("Samples", text);
    if (!answer) die(text + ": " + answer.error().message);
  }
  void add(const std::string& question, const std::function<void()>& work, int rounds) {
    lines_.push_back({question, best_of(rounds, work), 0});
    std::printf("  %s %.3f s\n", question.c_str(), lines_.back().engine);
    std::fflush(stdout);
  }
  void export_to(const std::string& format, const std::string& properties) {
    empty(folder_ / "out");
    command(".export " + format + " ('" + (folder_ / "out").string() + "') with (" + properties +
            ") <| Logs");
  }

  void time_engine() {
    add(
        "count()", [&] { query("Logs | count"); }, rounds_ * 3);
    add(
        "filtered summarize",
        [&] {
          query("Logs | where Level == 'Error' | summarize count(), max(DurationMs) by Service");
        },
        rounds_ * 2);
    add(
        "csv.gz export", [&] { export_to("compressed to csv", "includeHeaders='none'"); }, rounds_);
    add(
        "Parquet export",
        [&] {
          export_to("to parquet", "parquetDatetimePrecision='microsecond', sizeLimit=1000000000");
        },
        rounds_);
    std::string blobs;
    for (const auto& entry : fs::directory_iterator(folder_ / "out")) {
      blobs += (blobs.empty() ? "'" : ", '") + entry.path().string() + "'";
      exported_ += (exported_.empty() ? "'" : ", '") + entry.path().string() + "'";
    }
    command(
        ".create table Ingested (Timestamp:datetime, Level:string, Service:string, Node:string, "
        "TraceId:string, Message:string, DurationMs:real, Count:long, Size:int, Failed:bool)");
    add(
        "Parquet ingest",
        [&] {
          command(".clear table Ingested data");
          command(".ingest into table Ingested (" + blobs + ") with (format='parquet')");
        },
        rounds_);
    command(".drop table Ingested");
    time_move();
  }

  void time_move() {
    command(".create tables S (k:long), D (k:long)");
    for (int i = 0; i < kExtents; ++i) command(".ingest inline into table S <|\n1");
    bool there = false;
    move_ = best_of(rounds_, [&] {
      const std::string from = there ? "D" : "S", to = there ? "S" : "D";
      command(".move extents all from table " + from + " to table " + to);
      there = !there;
    });
  }

  void measure(const std::string& question, const std::function<void()>& work, int rounds) {
    const auto line = std::find_if(lines_.begin(), lines_.end(),
                                   [&](const Line& entry) { return entry.question == question; });
    line->duckdb = best_of(rounds, work);
  }

  void time_duckdb() {
    const auto file = (folder_ / "yardstick.duckdb").string();
    Yardstick duckdb(file, memory_mib_);
    const auto source = "read_parquet([" + files_ + "])";
    measure(
        "count()", [&] { duckdb.run("SELECT count(*) FROM " + source); }, rounds_ * 3);
    measure(
        "filtered summarize",
        [&] {
          duckdb.run("SELECT c2, count(*), max(c6) FROM " + source +
                     " WHERE c1 = 'Error' GROUP BY 1");
        },
        rounds_ * 2);
    measure(
        "Parquet export",
        [&] {
          empty(folder_ / "copy");
          duckdb.run("COPY (SELECT * FROM " + source + ") TO '" + (folder_ / "copy").string() +
                     "' (FORMAT parquet, COMPRESSION snappy, PER_THREAD_OUTPUT true, "
                     "OVERWRITE_OR_IGNORE true)");
        },
        rounds_);
    measure(
        "Parquet ingest",
        [&] {
          duckdb.run("CREATE OR REPLACE TABLE ingested AS SELECT * FROM read_parquet([" +
                     exported_ + "])");
          duckdb.run("CHECKPOINT");
        },
        rounds_);
  }

  fs::path folder_;
  std::int64_t rows_;
  long memory_mib_;
  int rounds_;
  std::unique_ptr<Engine> engine_;
  std::string files_, exported_;
  std::vector<Line> lines_;
  double move_ = 0;
};

}  // namespace

int main(int count, char** words) {
  if (count < 2) {
    std::fprintf(stderr, "usage: engine_bench <working folder> [rows] [memory in MiB] [rounds]\n");
    return 2;
  }
  const auto number = [&](int at, long standard) {
    return count > at ? std::strtol(words[at], nullptr, 10) : standard;
  };
  empty(words[1]);
  Bench bench(words[1], number(2, 10'000'000), number(3, 1024), static_cast<int>(number(4, 3)));
  bench.run();
  return 0;
}
