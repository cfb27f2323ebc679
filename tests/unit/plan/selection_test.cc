#include "core/plan/selection.h"

#include <gtest/gtest.h>

namespace kc::plan {
namespace {

using Names = std::vector<std::string>;

Names select(Names include, Names exclude, const Names& tables) {
  JobSpec spec;
  spec.tables_include = std::move(include);
  spec.tables_exclude = std::move(exclude);
  const auto selected = select_tables(spec, tables);
  EXPECT_TRUE(selected.has_value());
  return selected.value_or(Names{});
}

const Names kTables{"Zeta", "Events", "EventsOld", "Users", "a*b"};

TEST(SelectTables, TakesAllInTheirOrderWithoutEntries) {
  EXPECT_EQ(select({}, {}, kTables), kTables);
}

TEST(SelectTables, UnderstandsGlobs) {
  EXPECT_EQ(select({"Events*"}, {}, kTables), (Names{"Events", "EventsOld"}));
  EXPECT_EQ(select({"U?ers", "Zeta"}, {}, kTables), (Names{"Zeta", "Users"}));
  EXPECT_EQ(select({"*s"}, {}, kTables), (Names{"Events", "Users"}));
  EXPECT_EQ(select({"a*b"}, {}, kTables), (Names{"a*b"}));
  EXPECT_EQ(select({"***"}, {}, kTables), kTables);
}

TEST(SelectTables, ExcludesAfterIncluding) {
  EXPECT_EQ(select({"Events*"}, {"*Old"}, kTables), Names{"Events"});
  EXPECT_EQ(select({}, {"*"}, kTables), Names{});
  EXPECT_EQ(select({}, {"NotThere"}, kTables), kTables);
}

TEST(SelectTables, NamesTheNearestTableOfAnEntryThatMatchesNone) {
  JobSpec spec;
  spec.tables_include = {"Zeta", "Event"};
  const auto selected = select_tables(spec, kTables);
  ASSERT_FALSE(selected.has_value());
  EXPECT_EQ(selected.error().kind, ErrorKind::not_found);
  EXPECT_EQ(selected.error().code, "preflight.table_not_found");
  EXPECT_NE(selected.error().message.find("'Event'"), std::string::npos);
  EXPECT_NE(selected.error().fix.find("'Events'"), std::string::npos);
  spec.tables_include = {"x*"};
  EXPECT_TRUE(select_tables(spec, {}).error().fix.empty());
}

TEST(SelectTables, AHostilePatternEndsSoon) {
  std::string pattern;
  for (int i = 0; i < 40; ++i) pattern += "a*";
  JobSpec spec;
  spec.tables_include = {pattern + "b"};
  EXPECT_FALSE(select_tables(spec, {std::string(1000, 'a')}).has_value());
}

TableSchema of(std::vector<Column> columns) {
  return {.columns = std::move(columns), .folder = {}, .docstring = {}};
}

TEST(ChooseFormat, TakesParquetOnlyWhereEveryTypeSurvives) {
  for (const auto type : {ScalarType::bool_, ScalarType::int_, ScalarType::long_, ScalarType::real_,
                          ScalarType::string_, ScalarType::dynamic_}) {
    EXPECT_EQ(choose_format(FormatChoice::auto_, of({{"a", type}})), ExportFormat::parquet)
        << to_string(type);
  }
  for (const auto type :
       {ScalarType::decimal_, ScalarType::datetime_, ScalarType::timespan_, ScalarType::guid_}) {
    EXPECT_EQ(choose_format(FormatChoice::auto_, of({{"a", ScalarType::long_}, {"b", type}})),
              ExportFormat::csv)
        << to_string(type);
  }
  const auto dated = of({{"a", ScalarType::datetime_}});
  EXPECT_EQ(choose_format(FormatChoice::parquet, dated), ExportFormat::parquet);
  EXPECT_EQ(choose_format(FormatChoice::csv, of({{"a", ScalarType::long_}})), ExportFormat::csv);
}

TEST(ColumnConflict, IsATypeThatDiffersNotAnOrderOrALack) {
  const auto source = of({{"a", ScalarType::long_}, {"b", ScalarType::string_}});
  EXPECT_EQ(column_conflict(source, of({{"b", ScalarType::string_}, {"a", ScalarType::long_}})),
            "");
  EXPECT_EQ(column_conflict(source, of({{"b", ScalarType::string_}})), "");
  EXPECT_EQ(column_conflict(source, of({{"A", ScalarType::int_}})), "");
  const auto conflict = column_conflict(source, of({{"a", ScalarType::int_}}));
  EXPECT_NE(conflict.find("'a' is int"), std::string::npos);
  EXPECT_TRUE(lacks_columns(source, of({{"a", ScalarType::long_}})));
  EXPECT_FALSE(lacks_columns(of({{"a", ScalarType::long_}}), source));
}

}  // namespace
}  // namespace kc::plan
