// What each format loses: AllTypes and 10,000 generated rows, with a value of each type in every
// row, exported and ingested again. The table of losses is printed and held against the
// documentation's.
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/rng.h"
#include "core/engine/samples/samples.h"
#include "tests/unit/engine/engine_fixture.h"

namespace kc::engine {
namespace {

using nlohmann::json;

constexpr const char* kColumns =
    "(Key:int, Bool:bool, Int:int, Long:long, Real:real, Decimal:decimal, DateTime:datetime, "
    "TimeSpan:timespan, Guid:guid, String:string, Dynamic:dynamic)";
constexpr const char* kTypes[] = {"int",      "bool",     "int",  "long",   "real",   "decimal",
                                  "datetime", "timespan", "guid", "string", "dynamic"};
constexpr int kRows = 10'000;

std::string digits(Rng& rng, std::size_t count) {
  std::string text;
  while (text.size() < count) text += static_cast<char>('0' + rng.below(10));
  return text;
}

std::string decimal(Rng& rng) {
  std::string text = rng.below(2) == 0 ? "" : "-";
  text += static_cast<char>('1' + rng.below(9));
  text += digits(rng, rng.below(20));
  const auto behind = rng.below(14);
  return behind == 0 ? text : text + "." + digits(rng, behind);
}

std::string text(Rng& rng) {
  static const char* const kPieces[] = {
      "a", "\"\"",     ",", "\n", "\r\n", "\t", "\xC3\xBC", "\\", "\xF0\x9F\x98\x80",
      " ", "\xD7\xA9", "{", "'",  ";|"};
  std::string out;
  for (auto left = rng.below(12); left > 0; --left) out += kPieces[rng.below(std::size(kPieces))];
  return "\"" + out + "\"";
}

// One CSV record; every tenth value is missing.
std::string record(int key, Rng& rng) {
  const auto some = [&](std::string value) { return rng.below(10) == 0 ? std::string() : value; };
  constexpr std::uint64_t kTicksOfAll = 3'155'378'975'999'999'999;
  const auto whole = [&] { return std::to_string(static_cast<std::int64_t>(rng.next())); };
  const auto bits = rng.next();
  const double real = static_cast<double>(static_cast<std::int64_t>(rng.next())) *
                      std::pow(2.0, static_cast<double>(bits % 600) - 300.0);
  char shown[40];
  std::snprintf(shown, sizeof shown, "%.17g", real);
  std::string line = std::to_string(key);
  line += "," + some(rng.below(2) == 0 ? "true" : "false");
  line += "," + some(std::to_string(static_cast<std::int32_t>(rng.next())));
  line += "," + some(whole());
  line += "," + some(shown);
  line += "," + some(decimal(rng));
  line += "," + some(format_datetime({static_cast<std::int64_t>(rng.next() % kTicksOfAll)}));
  line += "," + some(format_timespan({static_cast<std::int64_t>(rng.next())}));
  line += "," + some(Uuid::random(rng).text());
  line += "," + text(rng);
  line += "," + some("\"{\"\"k\"\":[" + std::to_string(rng.below(1000)) + ",null,\"\"x\"\"]}\"");
  return line + "\n";
}

// What the documentation lets a value become, and the word for it.
struct Kept {
  std::string how = "exact";
  json value;
};

Kept kept(const std::string& format, std::size_t column, const json& before, const json& after) {
  Kept result{"exact", before};
  if (!format.starts_with("parquet") || before.is_null()) return result;
  const std::string type = kTypes[column];
  if (type == "timespan" || type == "guid") return {"null", nullptr};
  if (type == "datetime") {
    auto text = before.get<std::string>();
    const bool micro = format == "parquet microsecond";
    text.replace(text.size() - (micro ? 2 : 5), micro ? 1 : 4, micro ? "0" : "0000");
    return {micro ? "microseconds" : "milliseconds", text};
  }
  if (type == "decimal" && before != after) {
    const auto text = before.get<std::string>();
    const auto dot = text.find('.');
    const auto front = (dot == std::string::npos ? text.size() : dot) - (text[0] == '-' ? 1 : 0);
    const auto back = dot == std::string::npos ? 0 : text.size() - dot - 1;
    // More than 20 digits in front become null, more than 18 behind are rounded.
    EXPECT_TRUE(after.is_null() ? front >= 20 : back > 18) << text << " became " << after;
    return {"decimal(38, 18)", after};
  }
  return result;
}

class Losses : public EngineTest {
 protected:
  json rows(const std::string& table) {
    RequestOptions options;
    options.notruncation = true;
    const auto answer = engine_->query("Db", table + " | order by Key asc", options);
    EXPECT_TRUE(answer) << answer.error().message;
    return answer ? json::parse("[" + answer->tables[0].rows + "]") : json::array();
  }
  // `format`: `csv`, or `parquet microsecond` with its precision.
  void copy(const std::string& from, const std::string& format) {
    const auto space = format.find(' ');
    const auto name = format.substr(0, space);
    const auto folder = folder_ / "files" / (from + std::to_string(++copies_));
    std::filesystem::create_directories(folder);
    std::string with;
    if (space != std::string::npos)
      with = " with (parquetDatetimePrecision='" + format.substr(space + 1) + "')";
    const auto files = json::parse(
        command(".export " + std::string(space == std::string::npos ? "compressed " : "") + "to " +
                name + " ('" + folder.string() + "')" + with + " <| " + from));
    ASSERT_FALSE(files.empty());
    std::string list;
    for (const auto& file : files)
      list += (list.empty() ? "'" : ", '") + file[0].get<std::string>() + "'";
    command(".drop table Back ifexists");
    command(std::string(".create table Back ") + kColumns);
    command(".ingest into table Back (" + list + ") with (format='" + name + "')");
  }
  // `format type: how`, by column.
  std::map<std::string, std::string> losses(const std::string& table, const std::string& format) {
    copy(table, format);
    const auto before = rows(table), after = rows("Back");
    EXPECT_EQ(before.size(), after.size());
    std::map<std::string, std::string> found;
    if (before.size() != after.size()) return found;
    for (std::size_t row = 0; row < before.size(); ++row) {
      for (std::size_t column = 1; column < std::size(kTypes); ++column) {
        const auto& was = before[row][column];
        const auto& is = after[row][column];
        const auto allowed = kept(format, column, was, is);
        EXPECT_EQ(is, allowed.value) << format << " " << kTypes[column] << " row " << row;
        if (is != was) found[format + " " + kTypes[column]] = allowed.how;
      }
      if (HasFailure()) break;
    }
    return found;
  }

 private:
  int copies_ = 0;
};

const char* const kFormats[] = {"csv", "tsv", "json", "parquet microsecond", "parquet millisecond"};
const std::map<std::string, std::string> kDocumented = {
    {"parquet microsecond datetime", "microseconds"},
    {"parquet microsecond decimal", "decimal(38, 18)"},
    {"parquet microsecond guid", "null"},
    {"parquet microsecond timespan", "null"},
    {"parquet millisecond datetime", "milliseconds"},
    {"parquet millisecond decimal", "decimal(38, 18)"},
    {"parquet millisecond guid", "null"},
    {"parquet millisecond timespan", "null"}};

TEST_F(Losses, AreThoseOfTheDocumentation) {
  SampleOptions samples;
  samples.database = "Db";
  samples.public_tables = false;
  const auto made = create_samples(*engine_, samples);
  ASSERT_TRUE(made) << made.error().message;
  const auto file = (folder_ / "files" / "generated.csv").string();
  std::ofstream out(file);
  Rng rng(20240501);
  for (int key = 0; key < kRows; ++key) out << record(key, rng);
  out.close();
  command(std::string(".create table Generated ") + kColumns);
  command(".ingest into table Generated ('" + file + "')");
  ASSERT_EQ(rows("Generated").size(), static_cast<std::size_t>(kRows));
  std::map<std::string, std::string> found;
  for (const auto* format : kFormats) {
    for (const auto* table : {"AllTypes", "Generated"}) {
      for (const auto& [what, how] : losses(table, format)) found[what] = how;
    }
  }
  std::cout << "format and type: what becomes of a value\n";
  for (const auto& [what, how] : found) std::cout << "  " << what << ": " << how << "\n";
  EXPECT_EQ(found, kDocumented);
}

}  // namespace
}  // namespace kc::engine
