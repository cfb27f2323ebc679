#include "core/kusto/cluster_probe.h"

#include <gmock/gmock.h>

#include <fstream>
#include <iterator>

#include "tests/unit/azure/identity_machine.h"

namespace kc::kusto {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr Timespan kDeadline = Timespan::seconds(10);

struct ClusterProbeTest : ::testing::Test {
  azure::IdentityMachine machine;
  std::shared_ptr<Identities> identities =
      std::make_shared<Identities>(machine.transport, machine.clock);
  ClusterProbe probe(const std::string& text) {
    return {ConnectionString::parse(text).value(), identities, {}};
  }
};

TEST_F(ClusterProbeTest, AsksForVersionAndRolesWithTheTokenOfTheConnection) {
  auto cluster = probe("https://c.kusto.windows.net/Db;Fed=True;UserToken=tok");
  machine.transport.answer(404, "");
  machine.transport.answer(
      200,
      R"({"Tables":[{"TableName":"T","Columns":[{"ColumnName":"ServiceType","DataType":"String","ColumnType":"string"},{"ColumnName":"ProductVersion","DataType":"String","ColumnType":"string"}],"Rows":[["Engine","2026.1"]]}]})");
  const auto version = cluster.version(kDeadline);
  ASSERT_TRUE(version) << version.error().message;
  EXPECT_EQ(version->service, "Engine");
  EXPECT_EQ(version->product, "2026.1");
  ASSERT_THAT(machine.transport.calls, SizeIs(2));
  EXPECT_EQ(machine.transport.calls[1].url, "https://c.kusto.windows.net/v1/rest/mgmt");
  EXPECT_EQ(machine.header(1, "Authorization"), "Bearer tok");
  EXPECT_THAT(machine.transport.calls[1].body, HasSubstr(R"("db":"Db")"));
  machine.transport.answer(
      200,
      R"({"Tables":[{"TableName":"T","Columns":[{"ColumnName":"Scope","ColumnType":"string"},{"ColumnName":"DisplayName","ColumnType":"string"},{"ColumnName":"Role","ColumnType":"string"}],"Rows":[["Database","Db","Database Viewer"]]}]})");
  const auto roles = cluster.roles(kDeadline);
  ASSERT_TRUE(roles) << roles.error().message;
  ASSERT_THAT(*roles, SizeIs(1));
  EXPECT_EQ(roles->front().role, "Database Viewer");
}

TEST_F(ClusterProbeTest, WhatIsNoAnswerIsAnError) {
  auto cluster = probe("https://c.kusto.windows.net");
  for (const char* body : {"", "<html>", R"({"Tables":[]})",
                           R"({"Tables":[{"TableName":"T","Columns":[],"Rows":[]}]})"}) {
    machine.transport.answer(200, body);
    EXPECT_FALSE(cluster.version(kDeadline)) << body;
  }
  machine.transport.answer(401, "");
  EXPECT_EQ(cluster.version(kDeadline).error().kind, ErrorKind::denied);
}

TEST(IngestionUrl, IsThatOfDataManagement) {
  EXPECT_EQ(ingestion_url("https://c.kusto.windows.net"), "https://ingest-c.kusto.windows.net");
  EXPECT_EQ(ingestion_url("https://c.kusto.windows.net:444"),
            "https://ingest-c.kusto.windows.net:444");
  for (const char* none : {"http://localhost:8080", "http://127.0.0.1:1", "https://10.1.2.3",
                           "https://[2001:db8::1]:1", "https://ingest-c.kusto.windows.net"})
    EXPECT_FALSE(ingestion_url(none)) << none;
}

TEST(ClusterProbe, ItsTextsAreTheGoldenOnes) {
  const std::pair<const char*, const char*> texts[] = {{"probe_version.kql", kShowVersion},
                                                       {"probe_roles.kql", kShowRoles}};
  for (const auto& [name, text] : texts) {
    std::ifstream file(std::string(KC_GOLDEN_DIR) + "/" + name);
    const std::string golden((std::istreambuf_iterator<char>(file)), {});
    EXPECT_EQ(golden, std::string(text) + "\n") << name;
  }
}

}  // namespace
}  // namespace kc::kusto
