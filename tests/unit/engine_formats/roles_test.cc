// Roles: what a request may do by the principal in its token.

#include "core/base/base64.h"
#include "core/base/json.h"
#include "core/engine/principal.h"
#include "tests/unit/engine/engine_fixture.h"

namespace kc::engine {
namespace {

std::string token_of(const std::string& user) {
  const nlohmann::json claims = {{"upn", user}, {"tid", "tenant"}, {"scp", "user_impersonation"}};
  return base64_url(R"({"alg":"none"})") + "." + base64_url(claims.dump()) + ".signature";
}

class Roles : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    command(".create tables T (a:long), U (a:long)");
    command(".ingest inline into table T <| 1\n2");
  }
  // Empty where it is allowed; the error's text, with its kind, where it is not.
  std::string as(const std::string& user, const std::string& text) {
    RequestOptions options;
    options.token = token_of(user);
    const auto answer = text.starts_with('.') ? engine_->command("Db", text, options)
                                              : engine_->query("Db", text, options);
    if (answer) return {};
    EXPECT_EQ(answer.error().kind, ErrorKind::denied) << answer.error().message;
    EXPECT_EQ(answer.error().service_code, "Forbidden");
    return answer.error().message;
  }
};

TEST(Principal, IsReadFromTheToken) {
  EXPECT_EQ(principal_of_token(""), "");
  EXPECT_EQ(principal_of_token(token_of("ann@x")), "aaduser=ann@x;tenant");
  EXPECT_EQ(principal_of_token("opaque"), "aaduser=unknown");
  EXPECT_EQ(principal_of_token("a.!!!.c"), "aaduser=unknown");
  const auto app = "h." + base64_url(R"({"appid":"1234","tid":"tenant"})") + ".s";
  EXPECT_EQ(principal_of_token(app), "aadapp=1234;tenant");
}

TEST_F(Roles, CountFromTheFirstOneGiven) {
  EXPECT_EQ(as("ann@x", ".create table V (a:long)"), "");
  EXPECT_EQ(as("ann@x", "T | count"), "");
  command(".add database Db viewers ('aaduser=ann@x;tenant')");
  EXPECT_EQ(as("ann@x", "T | count"), "");
  EXPECT_EQ(as("ann@x", ".show tables"), "");
  EXPECT_EQ(as("ann@x", ".drop table T"),
            "Principal 'aaduser=ann@x;tenant' is not authorized to perform the operation "
            "'TableDrop' on the database 'Db'.");
  EXPECT_NE(as("ann@x", ".ingest inline into table T <| 3"), "");
  EXPECT_NE(as("ann@x", ".create table W (a:long)"), "");
  EXPECT_NE(as("ann@x", ".add database Db admins ('aaduser=ann@x;tenant')"), "");
  EXPECT_NE(as("bob@x", "T | count"), "");
  EXPECT_NE(as("bob@x", ".show tables"), "");
  EXPECT_EQ(query("T | count"), "[[2]]");  // without a token: the administrator
}

TEST_F(Roles, OfATableAreOfThatTableOnly) {
  command(".add table T ingestors ('aaduser=bob@x')");
  EXPECT_EQ(as("bob@x", ".ingest inline into table T <| 3"), "");
  EXPECT_NE(as("bob@x", ".ingest inline into table U <| 3"), "");
  EXPECT_NE(as("bob@x", "T | count"), "");
  EXPECT_NE(as("bob@x", ".drop table T"), "");
  command(".add table U admins ('aaduser=bob@x')");
  EXPECT_NE(as("bob@x", ".drop tables (U, T)"), "");
  EXPECT_EQ(query("U | count"), "[[0]]");
  EXPECT_EQ(as("bob@x", ".drop table U"), "");
}

TEST_F(Roles, UsersMakeTablesAndAreTheirAdmins) {
  command(".add database Db users ('aaduser=eve@x')");
  EXPECT_EQ(as("eve@x", ".create table Own (a:long)"), "");
  EXPECT_EQ(as("eve@x", ".alter table Own docstring 'mine'"), "");
  EXPECT_NE(as("eve@x", ".alter table T docstring 'mine'"), "");
  EXPECT_NE(as("eve@x", ".execute database script <| .show tables"), "");
}

TEST_F(Roles, RestrictedTablesNeedTheUnrestrictedViewer) {
  command(".add database Db viewers ('aaduser=ann@x')");
  command(".alter table T policy restricted_view_access true");
  EXPECT_NE(as("ann@x", "T | count"), "");
  EXPECT_NE(as("ann@x", ".export to csv ('" + (folder_ / "files").string() + "') <| T"), "");
  command(".add database Db unrestrictedviewers ('aaduser=ann@x')");
  EXPECT_EQ(as("ann@x", "T | count"), "");
}

TEST_F(Roles, RowLevelSecurityMayBeBlockedOrForced) {
  command(".alter table T policy row_level_security enable 'T | where a == 2'");
  RequestOptions options;
  options.block_row_level_security = true;
  const auto blocked = engine_->query("Db", "T | count", options);
  ASSERT_FALSE(blocked);
  EXPECT_EQ(blocked.error().kind, ErrorKind::denied);
  command(".alter table T policy row_level_security disable 'T | where a == 2'");
  EXPECT_EQ(query("T | count"), "[[2]]");
  options = {};
  options.force_row_level_security = true;
  const auto forced = engine_->query("Db", "T | count", options);
  ASSERT_TRUE(forced) << forced.error().message;
  EXPECT_EQ(forced->tables[0].rows, "[1]");
}

}  // namespace
}  // namespace kc::engine
