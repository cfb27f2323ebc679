#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "core/base/json.h"
#include "core/engine/syntax/literal.h"
#include "core/engine/syntax/parser.h"

namespace kc::engine {
namespace {

std::vector<std::pair<TokenKind, std::string>> lex(std::string_view text) {
  std::vector<std::pair<TokenKind, std::string>> tokens;
  Lexer lexer(text);
  for (auto token = lexer.next(); token && token->kind != TokenKind::end; token = lexer.next()) {
    tokens.emplace_back(token->kind, token->text.empty() ? std::string(token->raw) : token->text);
  }
  return tokens;
}

using Tokens = std::vector<std::pair<TokenKind, std::string>>;
constexpr TokenKind kWord = TokenKind::identifier, kMark = TokenKind::punctuation,
                    kText = TokenKind::string;

TEST(Lexer, ReadsEveryStringForm) {
  EXPECT_EQ(lex(R"('a\'\t\u00e4\x41\101')"), (Tokens{{kText, "a'\t\u00e4AA"}}));
  EXPECT_EQ(lex(R"(@'a\b''c' )"), (Tokens{{kText, "a\\b'c"}}));
  EXPECT_EQ(lex("```two\nlines\\n```"), (Tokens{{kText, "two\nlines\\n"}}));
  EXPECT_EQ(lex("~~~x~~~"), (Tokens{{kText, "x"}}));
  EXPECT_EQ(lex("'a' // joined\n h\"b\" @'c'"), (Tokens{{kText, "abc"}}));
  Lexer lexer("h@'secret'");
  EXPECT_TRUE(lexer.next()->obfuscated);
  EXPECT_EQ(lex(R"("\uD83D\uDE00")"), (Tokens{{kText, "\U0001F600"}}));
}

TEST(Lexer, TellsNumbersTimespansGuidsAndNamesApart) {
  EXPECT_EQ(lex("1day2x 5m 1.5h 74be27de-1e4e-49d9-b579-fe0b331d3642 0x1F 1..5 1e5 $left"),
            (Tokens{{kWord, "1day2x"},
                    {TokenKind::timespan, "5m"},
                    {TokenKind::timespan, "1.5h"},
                    {TokenKind::guid, "74be27de-1e4e-49d9-b579-fe0b331d3642"},
                    {TokenKind::long_, "0x1F"},
                    {TokenKind::long_, "1"},
                    {kMark, ".."},
                    {TokenKind::long_, "5"},
                    {TokenKind::real, "1e5"},
                    {kWord, "$left"}}));
  Lexer lexer("1.5h");
  EXPECT_EQ(lexer.next()->integer, 54'000'000'000);
}

TEST(Lexer, TakesATypedLiteralAsOneToken) {
  EXPECT_EQ(lex("datetime( 2024-01-01 ) x dynamic({\"a\":\")\"}) datetime"),
            (Tokens{{TokenKind::typed, "2024-01-01"},
                    {kWord, "x"},
                    {TokenKind::typed, "{\"a\":\")\"}"},
                    {kWord, "datetime"}}));
}

TEST(Lexer, LeavesTheRestAfterTheArrowUntouched) {
  TokenStream tokens(
      ".ingest inline into table ['T x'] with (format='csv') <| 'open, \"quote\n\x01");
  EXPECT_TRUE(tokens.accept("."));
  EXPECT_EQ(tokens.take_hyphenated(), "ingest");
  for (const char* word : {"inline", "into", "table"}) EXPECT_TRUE(tokens.accept_word(word));
  EXPECT_EQ(tokens.name().value(), "T x");
  EXPECT_TRUE(tokens.accept_word("with"));
  EXPECT_TRUE(tokens.expect("(").has_value());
  EXPECT_EQ(tokens.name().value(), "format");
  EXPECT_TRUE(tokens.accept("="));
  EXPECT_EQ(tokens.string().value(), "csv");
  EXPECT_TRUE(tokens.accept(")") && tokens.accept("<|"));
  EXPECT_EQ(tokens.rest(), " 'open, \"quote\n\x01");
  TokenStream hyphens(".create-merge table");
  hyphens.take();
  EXPECT_EQ(hyphens.take_hyphenated(), "create-merge");
}

TEST(Parser, NamesThePlaceOfAnError) {
  const std::vector<std::tuple<std::string, std::string, std::string>> broken{
      {"", "SYN0001", "1:1"},
      {"let x = 1;", "SYN0001", "1:11"},
      {"T |", "SYN0002", "1:4"},
      {"T | nonsense", "SYN0002", "1:5"},
      {"T | where", "SYN0002", "1:10"},
      {"T\n| where a ==", "SYN0002", "2:13"},
      {"T | where (a == 1", "SYN0002", "1:18"},
      {"T | project a,", "SYN0002", "1:15"},
      {"T | where b == 'open", "SYN0003", "1:16"},
      {"T | where b == 'bad\\q'", "SYN0003", "1:20"},
      {"T | where d > datetime(2024-13-45)", "SYN0004", "1:15"},
      {"print guid(zzz)", "SYN0004", "1:7"},
      {"print int(99999999999)", "SYN0004", "1:7"},
      {"print 99999999999999999999", "SYN0004", "1:7"},
      {"print dynamic({a})", "SYN0004", "1:7"},
      {"print 1 2", "SYN0002", "1:9"},
      {"T | top 5 a", "SYN0002", "1:11"},
      {"T | where a in 5", "SYN0002", "1:16"},
      {"datatable(a:long, b:string) [1]", "SYN0002", "1:29"},
      {"datatable(a:thing) [1]", "SYN0002", "1:13"},
      {"T | where a ^ 1", "SYN0001", "1:13"},
      {"T | fork (count)", "SEM0100", "1:5"},
      {"T | where a == 1 == 2 3", "SYN0002", "1:23"},
      {"range x from 1 to 2", "SYN0002", "1:20"},
      {"T | join (U) a", "SYN0002", "1:14"},
  };
  for (const auto& [text, code, place] : broken) {
    const auto query = parse_query(text);
    ASSERT_FALSE(query.has_value()) << text;
    EXPECT_EQ(query.error().kind, ErrorKind::invalid);
    EXPECT_EQ(query.error().service_code, code) << text << ": " << query.error().message;
    EXPECT_NE(query.error().message.find("[line:position=" + place + "]"), std::string::npos)
        << text << ": " << query.error().message;
  }
}

TEST(Parser, NeverShowsAHiddenString) {
  const auto query = parse_query("T | h'secret'");
  ASSERT_FALSE(query.has_value());
  EXPECT_EQ(query.error().message.find("secret"), std::string::npos);
}

TEST(Parser, EndsHostileNestingInAnError) {
  for (const char* opening : {"(", "-", "not(", "a[", "f(", "dynamic([", "case(",
                              "(T|where a in ((", "x between (", "let f = (){"}) {
    std::string text = "print ";
    for (int i = 0; i < 100'000; ++i) text += opening;
    EXPECT_FALSE(parse_query(text).has_value()) << opening;
  }
  std::string lets, chain = "print 1", members = "print a", pipes = "T", json = "print dynamic(";
  for (int i = 0; i < 50'000; ++i) {
    lets += "let f = (){ ";
    chain += " + 1";
    members += ".a";
    pipes += "|count";
    json += "[";
  }
  EXPECT_FALSE(parse_query(lets).has_value());
  for (const std::string& text : {chain, members, pipes})
    EXPECT_EQ(parse_query(text).error().service_code, "SYN0005");
  EXPECT_FALSE(parse_query(json + ")").has_value());
}

TEST(Parser, BindsAsTheOfficialGrammarDoes) {
  const std::vector<std::pair<std::string, std::string>> same{
      {"a or b and c", "a or (b and c)"},
      {"a == b + c * d", "a == (b + (c * d))"},
      {"a - b - c", "(a - b) - c"},
      {"a + b has c", "a + (b has c)"},
      {"a < b == c", "(a < b) == c"},
      {"a == b and c in (1) or not(d)", "((a == b) and (c in (1))) or not(d)"},
      {"-a * b", "(-a) * b"},
      {"a * b + c", "(a * b) + c"},
      {"a * b > c - d and e", "((a * b) > (c - d)) and e"},
  };
  const auto shape = [](const auto& self, const Expr& expr) -> std::string {
    std::string text = std::to_string(static_cast<int>(expr.kind)) + expr.text + "(";
    for (const ExprPtr& arg : expr.args) text += self(self, *arg) + ",";
    return text + ")";
  };
  for (const auto& [plain, grouped] : same) {
    const auto tree = [&](const std::string& text) {
      const auto pipeline = parse_operators("| where " + text);
      return pipeline ? shape(shape, *std::get<WhereOp>(pipeline->operators[0].op).predicate)
                      : pipeline.error().message;
    };
    EXPECT_EQ(tree(plain), tree(grouped)) << plain;
  }
}

RC_GTEST_PROP(Literal, AnyTextIsOneStringAndOneName, (const std::string& text)) {
  const std::string both = kql_string(text) + kql_name(text);
  TokenStream tokens(both);
  RC_ASSERT(tokens.string().value() == text);
  RC_ASSERT(tokens.name().value() == text);
  RC_ASSERT(tokens.peek().kind == TokenKind::end);
}

TEST(Literal, JsonStringsEscapeWhatJsonDoes) {
  std::string every;
  for (int c = 0; c < 128; ++c) every += static_cast<char>(c);
  std::string written;
  append_json_string(written, every);
  EXPECT_EQ(written,
            nlohmann::json(every).dump(-1, ' ', false).replace(written.size() - 2, 1, "\x7f"));
  EXPECT_EQ(nlohmann::json::parse(written), every);
}

TEST(Parser, TakesLongFlatQueries) {
  std::string text = "T | where a == 0";
  for (int i = 0; i < 20'000; ++i) text += " or a == " + std::to_string(i);
  EXPECT_TRUE(parse_query(text).has_value());
}

TEST(Parser, ReadsOperatorsAlone) {
  const auto pipeline = parse_operators("| where a == 1 | project b;");
  ASSERT_TRUE(pipeline.has_value());
  EXPECT_EQ(pipeline->operators.size(), 2u);
  EXPECT_FALSE(pipeline->source);
}

}  // namespace
}  // namespace kc::engine
