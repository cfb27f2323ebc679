// Holds the text of every command against tests/unit/kusto/golden. With KC_UPDATE_GOLDEN set the
// files are written anew: read the difference before keeping it.
#include "core/kusto/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace kc::kusto {
namespace {

const DatabaseName kDb{"Samples"};
const TableName kTable{"StormEvents"};
const std::string kHostile =
    "it's a \\ \"table\"|--//\n\r\t\x01']; .drop table x //\xe2\x80\xa8\xc3\xa9";

Uuid id(int last) {
  std::string text = "74be27de-1e4e-49d9-b579-fe0b331d3600";
  text.replace(text.size() - 2, 2, std::to_string(10 + last));
  return *Uuid::parse(text);
}

Ticks at(const char* text) { return *parse_datetime(text); }

std::vector<Column> columns() {
  return {{"StartTime", ScalarType::datetime_},
          {"State", ScalarType::string_},
          {"Damage", ScalarType::long_}};
}

std::vector<Column> many_columns(int count) {
  std::vector<Column> all;
  for (int i = 0; i < count; ++i) all.push_back({"c" + std::to_string(i), ScalarType::long_});
  return all;
}

std::vector<Column> every_type() {
  std::vector<Column> all;
  for (const ScalarType type :
       {ScalarType::bool_, ScalarType::int_, ScalarType::long_, ScalarType::real_,
        ScalarType::decimal_, ScalarType::datetime_, ScalarType::timespan_, ScalarType::guid_,
        ScalarType::string_, ScalarType::dynamic_}) {
    all.push_back({"a_" + std::string(to_string(type)), type});
  }
  return all;
}

RowSet window() {
  return {.table = kTable, .after = {"638000000000000001"}, .before_or_at = {"638000000000000009"}};
}

RowSet whole_block() {
  RowSet rows = window();
  rows.low = at("2024-01-31T23:59:59.1234567Z");
  rows.high = at("2024-02-01T00:00:00Z");
  rows.slice = {.index = 2, .count = 7};
  rows.hash_columns = columns();
  return rows;
}

RowSet hostile_rows() {
  return {.table = {kHostile},
          .after = {kHostile},
          .before_or_at = {kHostile},
          .slice = {0, 2},
          .hash_columns = {{kHostile}}};
}

StartExport export_of(RowSet rows, std::vector<Column> projected, ExportFormat format) {
  return {kDb, std::move(rows), std::move(projected), format,
          "https://a.blob.core.windows.net/c/e1/?sv=1&sig=abc%2F"};
}

struct Case {
  const char* name;
  Command command;
};

std::vector<Case> cases() {
  const auto read = [](Read what) { return Command(std::move(what)); };
  const auto write = [](Write what) { return Command(std::move(what)); };
  const std::vector<Column> hostile = {{kHostile, ScalarType::string_},
                                       {"plain", ScalarType::long_}};
  return {
      {"read_cursor", read(ReadCursor{kDb})},
      {"read_tables", read(ReadTables{kDb})},
      {"read_tables_hostile", read(ReadTables{{kHostile}})},
      {"read_plan_groups", read(ReadPlanGroups{kDb, window(), 1000})},
      {"read_plan_groups_first",
       read(ReadPlanGroups{kDb, {.table = kTable, .before_or_at = {"9"}}, 1000})},
      {"read_plan_groups_hostile", read(ReadPlanGroups{kDb, hostile_rows(), 10})},
      {"read_plan_slices", read(ReadPlanSlices{kDb, whole_block(), 64})},
      {"read_count", read(ReadCount{kDb, whole_block()})},
      {"read_count_one_column",
       read(ReadCount{
           kDb,
           {.table = kTable, .before_or_at = {"9"}, .slice = {1, 2}, .hash_columns = {{"only"}}}})},
      {"read_unstamped_count", read(ReadUnstampedCount{kDb, kTable})},
      {"read_table_count", read(ReadTableCount{kDb, kTable})},
      {"read_operations", read(ReadOperations{{id(1), id(2)}, false})},
      {"read_operations_older", read(ReadOperations{{id(1), id(2)}, true})},
      {"read_exports_under_way", read(ReadExportsUnderWay{Timespan::seconds(57600)})},
      {"read_export_details", read(ReadExportDetails{id(3)})},
      {"read_extents",
       read(ReadExtents{
           kDb, {{"kc-stg-StormEvents-0123456789abcdef-g1"}, kTable}, "drop-by:kc/u/1/2/i1"})},
      {"read_extents_all", read(ReadExtents{kDb, {kTable}, std::nullopt})},
      {"read_extents_hostile", read(ReadExtents{kDb, {{kHostile}}, kHostile})},
      {"read_staging_policies", read(ReadStagingPolicies{kDb, {"S"}})},
      {"read_capacity", read(ReadCapacity{})},
      {"read_digest", read(ReadDigest{kDb, kTable, columns()})},
      {"read_digest_one_column", read(ReadDigest{kDb, kTable, {{"only"}}})},
      {"read_digest_32_columns", read(ReadDigest{kDb, kTable, many_columns(32)})},
      {"read_digest_33_columns", read(ReadDigest{kDb, kTable, many_columns(33)})},
      {"start_export_csv", write(export_of(whole_block(), columns(), ExportFormat::csv))},
      {"start_export_parquet", write(export_of(window(), columns(), ExportFormat::parquet))},
      {"start_export_hostile", write(export_of(hostile_rows(), hostile, ExportFormat::csv))},
      {"create_table", write(CreateTable{kDb, kTable, {every_type(), "folder", "what it is"}})},
      {"create_table_plain", write(CreateTable{kDb, kTable, {columns(), "", ""}})},
      {"create_table_hostile", write(CreateTable{kDb, {kHostile}, {hostile, kHostile, kHostile}})},
      {"create_staging", write(CreateStaging{kDb, {"S"}, every_type()})},
      {"set_staging_policies", write(SetStagingPolicies{kDb, {"S"}, at("2024-03-01T00:00:00Z")})},
      {"start_ingest_csv",
       write(StartIngest{kDb,
                         {"S"},
                         {"https://a/b/1.csv.gz?sig=x", "https://a/b/2.csv.gz?sig=x"},
                         ExportFormat::csv,
                         columns(),
                         "drop-by:kc/u/1/2/i1"})},
      {"start_ingest_parquet", write(StartIngest{kDb,
                                                 {"S"},
                                                 {"https://a/b/1.parquet"},
                                                 ExportFormat::parquet,
                                                 columns(),
                                                 "drop-by:kc/u/1/2/i1"})},
      {"start_ingest_hostile",
       write(StartIngest{kDb, {kHostile}, {kHostile}, ExportFormat::parquet, hostile, kHostile})},
      {"set_staging_policies_queued",
       write(SetStagingPolicies{kDb, {"S"}, *parse_datetime("2024-02-01"), true})},
      {"read_staging_policies_queued", read(ReadStagingPolicies{kDb, {"S"}, true})},
      {"start_move", write(StartMove{kDb, {"S"}, kTable, {id(1), id(2)}, true})},
      {"start_move_keep_time", write(StartMove{kDb, {kHostile}, kTable, {id(1)}, false})},
      {"drop_extents", write(DropExtents{kDb, {"S"}, {id(1), id(2)}})},
      {"drop_extent_tags", write(DropExtentTags{kDb, kTable, {"drop-by:kc/u/1/2/i1", "it's"}})},
      {"drop_table", write(DropTable{kDb, {"S"}})},
      {"drop_table_hostile", write(DropTable{kDb, {kHostile}})},
  };
}

std::string rendered(const Command& command) {
  const auto all = statements(command);
  if (!all) return "error: " + all.error().message;
  std::string text;
  for (const Statement& one : *all) {
    if (!text.empty()) text += "----\n";
    text += one.text + "\n";
  }
  return text;
}

TEST(CommandText, IsAsTheGoldenFilesSay) {
  const std::filesystem::path folder = KC_GOLDEN_DIR;
  std::set<std::string> known = {"probe_roles.kql", "probe_version.kql"};  // cluster_probe_test
  for (const Case& one : cases()) {
    const auto file = folder / (std::string(one.name) + ".kql");
    known.insert(file.filename());
    if (std::getenv("KC_UPDATE_GOLDEN") != nullptr)
      std::ofstream(file, std::ios::binary) << rendered(one.command);
    std::stringstream golden;
    golden << std::ifstream(file, std::ios::binary).rdbuf();
    EXPECT_EQ(rendered(one.command), golden.str()) << one.name;
  }
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    EXPECT_TRUE(known.contains(file.path().filename())) << file.path() << " belongs to no case";
  }
}

template <class Variant, std::size_t... index>
std::set<std::size_t> seen_kinds(std::index_sequence<index...>) {
  std::set<std::size_t> seen;
  for (const Case& one : cases()) {
    if (const auto* kind = std::get_if<Variant>(&one.command)) seen.insert(kind->index());
  }
  return seen;
}

// Those of data management are messages, entities and the two commands of queued_ingestion_test.
TEST(CommandText, EveryCommandHasAGoldenFile) {
  constexpr std::size_t kQueuedReads = 2, kQueuedWrites = 1;
  for (const Command& one :
       {Command{Read{ReadIngestionOffer{}}}, Command{Read{ReadQueuedIngestions{}}},
        Command{Write{StartQueuedIngest{}}}})
    EXPECT_TRUE(statements(one)->empty());
  EXPECT_EQ(seen_kinds<Read>(std::make_index_sequence<1>{}).size() + kQueuedReads,
            std::variant_size_v<Read>);
  EXPECT_EQ(seen_kinds<Write>(std::make_index_sequence<1>{}).size() + kQueuedWrites,
            std::variant_size_v<Write>);
}

TEST(CommandText, QueriesAndCommandsGoToTheirEndpoints) {
  for (const Case& one : cases()) {
    const auto all = statements(one.command);
    ASSERT_TRUE(all) << one.name;
    ASSERT_FALSE(all->empty()) << one.name;
    for (const Statement& statement : *all) {
      EXPECT_EQ(statement.endpoint == Endpoint::command, statement.text.starts_with('.'))
          << one.name;
    }
  }
}

TEST(CommandText, RefusesWhatCannotBeWritten) {
  const std::vector<Command> bad = {
      Read{ReadCount{kDb, {.table = kTable}}},  // no upper cursor
      Read{ReadCount{kDb, {.table = kTable, .before_or_at = {"9"}, .slice = {0, 2}}}},
      Read{ReadCount{
          kDb,
          {.table = kTable, .before_or_at = {"9"}, .slice = {2, 2}, .hash_columns = columns()}}},
      Read{ReadPlanGroups{kDb, window(), 0}},
      Read{ReadPlanSlices{kDb, window(), 4}},
      Read{ReadExtents{kDb, {}, {}}},
      Read{ReadOperations{}},
      Read{ReadDigest{kDb, kTable, {}}},
      Write{StartMove{kDb, {"S"}, kTable, {}}},
      Write{StartIngest{kDb, {"S"}, {}, ExportFormat::csv, columns(), "t"}},
      Write{StartIngest{kDb, {"S"}, {"u"}, ExportFormat::csv, {{"\xff"}}, "t"}},
      Write{StartExport{kDb, window(), {}, ExportFormat::csv, "u"}},
      Write{CreateTable{kDb, kTable, {}}},
      Write{CreateStaging{kDb, kTable, {}}},
  };
  for (const Command& command : bad) {
    const auto all = statements(command);
    ASSERT_FALSE(all);
    EXPECT_EQ(all.error().kind, ErrorKind::invalid);
  }
}

TEST(CommandText, NothingToDropIsNoRequest) {
  EXPECT_TRUE(statements(Write{DropExtents{kDb, kTable, {}}})->empty());
  EXPECT_TRUE(statements(Write{DropExtentTags{kDb, kTable, {}}})->empty());
}

// Reads a literal as the official scanner does; nullopt where it ends early or late, or holds what
// may not stand in one.
std::optional<std::string> scan_literal(const std::string& text) {
  if (text.size() < 2 || text.front() != '\'' || text.back() != '\'') return std::nullopt;
  std::string value;
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    const char c = text[i];
    if (c == '\'' || static_cast<unsigned char>(c) < 0x20) return std::nullopt;
    if (c != '\\') {
      value += c;
      continue;
    }
    const char escape = text[++i];
    if (i + 1 >= text.size()) return std::nullopt;
    if (escape == 'u') {
      const unsigned long code = std::stoul(text.substr(i + 1, 4), nullptr, 16);
      i += 4;
      if (code < 0x80) {
        value += static_cast<char>(code);
      } else {
        value += code == 0x2028 ? "\xe2\x80\xa8" : "\xe2\x80\xa9";
      }
    } else {
      value += escape == 'n' ? '\n' : escape == 'r' ? '\r' : escape == 't' ? '\t' : escape;
    }
  }
  return value;
}

TEST(CommandText, AnyTextIsOneLiteralWithThatValue) {
  EXPECT_TRUE(rc::check("any literal reads back", [](const std::string& value) {
    Text text;
    text << Literal{value};
    RC_ASSERT(scan_literal(text.take()) == std::optional(value));
  }));
  for (const std::string& value :
       {kHostile, std::string("\0", 1), std::string("\\"), std::string("'"), std::string("\\'"),
        std::string("\xe2\x80\xa9\xe2\x80")}) {
    Text text;
    text << Literal{value};
    EXPECT_EQ(scan_literal(text.take()), std::optional(value));
  }
}

template <class T>
concept CanBeAppended = requires(Text text, T word) {
  text << word;
};
static_assert(CanBeAppended<Literal> && CanBeAppended<TableName>);
static_assert(!CanBeAppended<std::string> && !CanBeAppended<const char*>,
              "text is built, never glued");

}  // namespace
}  // namespace kc::kusto
