#include "core/kusto/result_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace kc::kusto {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kV1 = R"({"Tables":[{"TableName":"Table_0","Columns":[
  {"ColumnName":"a","DataType":"Int64","ColumnType":"long"},{"ColumnName":"s","DataType":"String"},
  {"ColumnName":"b","DataType":"SByte","ColumnType":"bool"},{"ColumnName":"t","ColumnType":"datetime"},
  {"ColumnName":"g","ColumnType":"guid"},{"ColumnName":"r","ColumnType":"real"}],
  "Rows":[[9223372036854775807,"x",1,"2024-01-31T23:59:59.1234567Z","74be27de-1e4e-49d9-b579-fe0b331d3642",1.5],
          [-1,null,false,"0001-01-01T00:00:00Z","00000000-0000-0000-0000-000000000000","NaN"]]}]})";

std::string v2(const std::string& frames) {
  return R"([{"FrameType":"DataSetHeader","IsProgressive":false,"Version":"v2.0"},)" + frames +
         R"({"FrameType":"DataSetCompletion","HasErrors":false,"Cancelled":false}])";
}

std::string primary(const std::string& rows, const std::string& type = "long") {
  return R"({"FrameType":"DataTable","TableId":1,"TableKind":"PrimaryResult","TableName":"PrimaryResult","Columns":[{"ColumnName":"n","ColumnType":")" +
         type + R"("}],"Rows":)" + rows + "},";
}

const std::string kError = R"x({"error":{"code":"LimitsExceeded","message":"m",
  "@type":"Kusto.Data.Exceptions.KustoServicePartialQueryFailureLimitsExceededException",
  "@message":"Query execution has exceeded the allowed limits (80DA0003)","@permanent":false}})x";

TEST(ResultTable, ReadsTheTypedColumnsOfV1) {
  const auto table = ResultTable::from_v1(kV1);
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_EQ(table->row_count(), 2U);
  EXPECT_THAT(*table->longs("a"), ElementsAre(INT64_MAX, -1));
  EXPECT_THAT(*table->strings("s"), ElementsAre("x", ""));
  EXPECT_THAT(*table->bools("b"), ElementsAre(true, false));
  EXPECT_EQ((*table->datetimes("t"))[0], *parse_datetime("2024-01-31T23:59:59.1234567Z"));
  EXPECT_EQ((*table->guids("g"))[0].text(), "74be27de-1e4e-49d9-b579-fe0b331d3642");
  EXPECT_EQ((*table->reals("r"))[0], 1.5);
  EXPECT_TRUE((*table->reals("r"))[1] != (*table->reals("r"))[1]);
  EXPECT_TRUE(table->has_column("a"));
  EXPECT_FALSE(table->has_column("z"));
}

TEST(ResultTable, WrongColumnsAreErrors) {
  const auto table = *ResultTable::from_v1(kV1);
  EXPECT_EQ(table.longs("z").error().code, "kusto.malformed_answer");
  EXPECT_EQ(table.longs("z").error().kind, ErrorKind::unavailable);
  EXPECT_FALSE(table.longs("s"));
  EXPECT_FALSE(table.longs("r"));
  EXPECT_FALSE(table.strings("a"));
  EXPECT_FALSE(table.guids("a"));
  EXPECT_FALSE(table.datetimes("s"));
  EXPECT_FALSE(table.bools("a"));
}

TEST(ResultTable, ValuesThatDoNotFitAreErrors) {
  for (const char* rows : {"[[1.5]]", "[[\"1\"]]", "[[null]]", "[[true]]",
                           "[[18446744073709551615]]", "[[[1]]]", "[[1e30]]"}) {
    const auto table = ResultTable::from_v2(v2(primary(rows)));
    ASSERT_TRUE(table) << rows;
    EXPECT_FALSE(table->longs("n")) << rows;
  }
  EXPECT_FALSE(ResultTable::from_v2(v2(primary("[[\"2024-13-01\"]]", "datetime")))->datetimes("n"));
  EXPECT_FALSE(ResultTable::from_v2(v2(primary("[[\"zz\"]]", "guid")))->guids("n"));
  EXPECT_FALSE(ResultTable::from_v2(v2(primary("[[2]]", "bool")))->bools("n"));
}

TEST(ResultTable, ReadsV2AroundOtherTables) {
  const auto table = ResultTable::from_v2(v2(
      R"({"FrameType":"DataTable","TableId":0,"TableKind":"QueryProperties","TableName":"@ExtendedProperties","Columns":[],"Rows":[]},)" +
      primary("[[1],[2]]") +
      R"({"FrameType":"DataTable","TableId":2,"TableKind":"QueryCompletionInformation","TableName":"Q",
            "Columns":[{"ColumnName":"Level","ColumnType":"int"},{"ColumnName":"Payload","ColumnType":"string"}],"Rows":[[4,"fine"],[6,"{}"]]},)"));
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_THAT(*table->longs("n"), ElementsAre(1, 2));
}

TEST(ResultTable, ReadsFragments) {
  const std::string head =
      R"({"FrameType":"TableHeader","TableId":1,"TableKind":"PrimaryResult","Columns":[{"ColumnName":"n","ColumnType":"long"}]},)";
  const auto fragment = [](const char* type, const char* rows) {
    return std::string(R"({"FrameType":"TableFragment","TableId":1,"TableFragmentType":")") + type +
           R"(","Rows":)" + rows + "},";
  };
  const auto end = [](const char* more) {
    return std::string(R"({"FrameType":"TableCompletion","TableId":1)") + more + "},";
  };
  const auto good =
      ResultTable::from_v2(v2(head + fragment("DataAppend", "[[1]]") +
                              R"({"FrameType":"TableProgress","TableId":1,"TableProgress":50},)" +
                              fragment("DataReplace", "[[2]]") + fragment("DataAppend", "[[3]]") +
                              end(R"(,"RowCount":2)")));
  ASSERT_TRUE(good) << good.error().message;
  EXPECT_THAT(*good->longs("n"), ElementsAre(2, 3));
  EXPECT_FALSE(
      ResultTable::from_v2(v2(head + fragment("DataAppend", "[[1]]") + end(R"(,"RowCount":2)"))));
  EXPECT_FALSE(ResultTable::from_v2(v2(head + fragment("DataAppend", "[[1]]"))));
  EXPECT_FALSE(ResultTable::from_v2(v2(fragment("DataAppend", "[[1]]"))));
  const auto failed = ResultTable::from_v2(v2(head + fragment("DataAppend", "[[1]]") +
                                              end((",\"OneApiErrors\":[" + kError + "]").c_str())));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, "kusto.limits_exceeded");
}

TEST(ResultTable, EveryPartialFailureIsAnError) {
  const std::string header =
      R"({"FrameType":"DataSetHeader","IsProgressive":false,"Version":"v2.0"})";
  const std::string in_rows = v2(primary("[[1],{\"OneApiErrors\":[" + kError + "]}]"));
  const std::string at_end =
      "[" + header + "," + primary("[[1]]") +
      R"({"FrameType":"DataSetCompletion","HasErrors":true,"Cancelled":false,"OneApiErrors":[)" +
      kError + "]}]";
  for (const std::string& body : {in_rows, at_end}) {
    const auto table = ResultTable::from_v2(body);
    ASSERT_FALSE(table);
    EXPECT_EQ(table.error().kind, ErrorKind::unavailable);
    EXPECT_EQ(table.error().code, "kusto.limits_exceeded");
    EXPECT_THAT(table.error().message, HasSubstr("80DA0003"));
  }
  // HasErrors without naming one, cancelled, and the deferred form that says so only in a row.
  EXPECT_FALSE(ResultTable::from_v2("[" + header + "," + primary("[[1]]") +
                                    R"({"FrameType":"DataSetCompletion","HasErrors":true}])"));
  EXPECT_FALSE(ResultTable::from_v2(
      "[" + header + "," + primary("[[1]]") +
      R"({"FrameType":"DataSetCompletion","HasErrors":false,"Cancelled":true}])"));
  EXPECT_FALSE(ResultTable::from_v2(v2(
      primary("[[1]]") +
      R"({"FrameType":"DataTable","TableId":2,"TableKind":"QueryCompletionInformation","TableName":"Q",
          "Columns":[{"ColumnName":"Level","ColumnType":"int"},{"ColumnName":"Payload","ColumnType":"string"}],"Rows":[[2,"too large"]]},)")));
  // v1: an object among the rows, and the list at the top.
  const auto in_v1 = ResultTable::from_v1(
      R"({"Tables":[{"TableName":"T","Columns":[{"ColumnName":"n"}],"Rows":[[1],{"Exceptions":["it failed"]}]}],"Exceptions":["it failed"]})");
  ASSERT_FALSE(in_v1);
  EXPECT_EQ(in_v1.error().kind, ErrorKind::unavailable);
  EXPECT_THAT(in_v1.error().message, HasSubstr("it failed"));
  EXPECT_FALSE(ResultTable::from_v1(
      R"({"Tables":[{"TableName":"T","Columns":[],"Rows":[]}],"Exceptions":["x"]})"));
  EXPECT_FALSE(ResultTable::from_v1(
      R"({"error":{"code":"General_BadRequest","@message":"no","@permanent":true}})"));
}

TEST(ResultTable, TruncatedAndForeignAnswersAreErrors) {
  const std::string whole = v2(primary("[[1],[2]]"));
  ASSERT_TRUE(ResultTable::from_v2(whole));
  for (std::size_t bytes = 0; bytes < whole.size(); ++bytes)
    EXPECT_FALSE(ResultTable::from_v2(whole.substr(0, bytes))) << bytes;
  for (std::size_t bytes = 0; bytes < kV1.size(); ++bytes)
    EXPECT_FALSE(ResultTable::from_v1(kV1.substr(0, bytes))) << bytes;
  const std::string header = R"({"FrameType":"DataSetHeader","Version":"v2.0"})";
  const std::string end = R"({"FrameType":"DataSetCompletion","HasErrors":false})";
  for (const std::string& body :
       {std::string("[]"), std::string("{}"), std::string("1"), std::string("null"),
        "[" + header + "]", "[" + end + "]", "[" + header + "," + end + "]",
        "[" + header + "," + header + "," + end + "]", std::string("[1]"),
        "[" + header + ",1," + end + "]", "[" + header + R"(,{"FrameType":"Novelty"},)" + end + "]",
        v2(primary("[[1,2]]")), v2(primary("[1]")), v2(primary("{}")), v2(primary("[{}]")),
        "[" + header + "," + primary("[[1]]") + end + "," + end + "]",
        std::string(R"([{"FrameType":"DataSetHeader","Version":"v3.0"},)") + primary("[[1]]") +
            end + "]"}) {
    const auto table = ResultTable::from_v2(body);
    ASSERT_FALSE(table) << body;
    EXPECT_EQ(table.error().code, "kusto.malformed_answer") << body;
  }
  for (const char* body : {"[]", "{}", "{\"Tables\":[]}", "{\"Tables\":{}}", "{\"Tables\":[1]}",
                           "{\"Tables\":[{}]}", "{\"Tables\":[{\"Columns\":1,\"Rows\":[]}]}",
                           "{\"Tables\":[{\"Columns\":[],\"Rows\":[[1]]}]}"}) {
    EXPECT_FALSE(ResultTable::from_v1(body)) << body;
  }
}

TEST(ResultTable, DeepNestingIsRefusedBeforeItIsBuilt) {
  const std::string deep = std::string(1 << 20, '[') + std::string(1 << 20, ']');
  EXPECT_FALSE(ResultTable::from_v2(deep));
  EXPECT_FALSE(ResultTable::from_v2(
      v2(primary("[[" + std::string(1000, '[') + std::string(1000, ']') + "]]", "dynamic"))));
  EXPECT_TRUE(ResultTable::from_v2(v2(primary("[[\"[[[[\\\"[[[[\"]]", "string"))));
}

TEST(ResultTable, AnyDamageIsAnErrorOrATableNeverACrash) {
  const std::string whole = v2(primary("[[1],{\"OneApiErrors\":[" + kError + "]}]"));
  EXPECT_TRUE(
      rc::check("damaged answers", [&](const std::vector<std::pair<unsigned, char>>& damage) {
        for (std::string body : {whole, kV1}) {
          for (const auto& [at, byte] : damage) body[at % body.size()] = byte;
          if (const auto table = ResultTable::from_v2(body)) table->longs("n");
          if (const auto table = ResultTable::from_v1(body)) table->strings("s");
        }
      }));
}

}  // namespace
}  // namespace kc::kusto
