// What DuckDB itself needs to write the rows of some Parquet files out and to read them in again:
// the yardstick of bench/copy.sh. Prints the seconds of both together.
//   duckdb_round_trip <folder with Parquet files> <working folder> <parquet|csv>
#include <duckdb.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

class Database {
 public:
  explicit Database(const std::string& file) {
    if (duckdb_open(file.c_str(), &database_) != DuckDBSuccess ||
        duckdb_connect(database_, &connection_) != DuckDBSuccess) {
      std::fprintf(stderr, "no database at %s\n", file.c_str());
      std::exit(1);
    }
  }
  ~Database() {
    duckdb_disconnect(&connection_);
    duckdb_close(&database_);
  }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void run(const std::string& sql) {
    duckdb_result result;
    if (duckdb_query(connection_, sql.c_str(), &result) != DuckDBSuccess) {
      std::fprintf(stderr, "%s\n  %s\n", sql.c_str(), duckdb_result_error(&result));
      std::exit(1);
    }
    duckdb_destroy_result(&result);
  }

 private:
  duckdb_database database_ = nullptr;
  duckdb_connection connection_ = nullptr;
};

}  // namespace

int main(int count, char** words) {
  if (count != 4) {
    std::fprintf(stderr, "usage: duckdb_round_trip <parquet folder> <working folder> <format>\n");
    return 2;
  }
  const std::string rows = words[1], folder = words[2], format = words[3];
  Database database(folder + "/yardstick.duckdb");
  database.run("SET memory_limit = '1GB'");
  database.run("CREATE TABLE source AS SELECT * FROM read_parquet('" + rows + "/**/*.parquet')");
  database.run("CHECKPOINT");
  const std::string file = folder + "/rows." + format + (format == "csv" ? ".gz" : "");
  const auto begin = std::chrono::steady_clock::now();
  database.run("COPY source TO '" + file + "' (FORMAT " + format +
               (format == "csv" ? ", COMPRESSION gzip, HEADER)" : ", COMPRESSION snappy)"));
  database.run("CREATE TABLE destination AS SELECT * FROM " +
               (format == "csv" ? "read_csv('" + file + "', header = true)"
                                : "read_parquet('" + file + "')"));
  database.run("CHECKPOINT");
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::printf("%.3f\n", took.count());
  return 0;
}
