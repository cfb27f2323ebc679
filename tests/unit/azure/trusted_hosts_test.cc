#include "core/azure/trusted_hosts.h"

#include <gmock/gmock.h>

namespace kc::azure {
namespace {

using ::testing::HasSubstr;

constexpr const char* kPublic = "https://login.microsoftonline.com";

TEST(TrustedHosts, KnowsTheClustersOfEveryCloud) {
  const TrustedHosts hosts;
  const std::vector<std::pair<const char*, std::vector<const char*>>> clouds = {
      {kPublic,
       {"https://help.kusto.windows.net", "https://HELP.Kusto.Windows.NET/Samples",
        "https://ingest-help.westeurope.kusto.windows.net:443", "https://c.kustomfa.windows.net",
        "https://c.kusto.data.microsoft.com", "https://c.z9.kusto.fabric.microsoft.com",
        "https://c.kusto.azuresynapse.net", "https://ade.loganalytics.io",
        "https://adx.monitor.azure.com", "https://eu.kusto.aria.microsoft.com",
        "https://x.playfabapi.com", "https://api.securityplatform.microsoft.com"}},
      {"https://login.microsoftonline.us",
       {"https://c.kusto.usgovcloudapi.net", "https://adx.monitor.azure.us"}},
      {"https://login.partner.microsoftonline.cn",
       {"https://c.kusto.chinacloudapi.cn", "https://c.kusto.azuresynapse.azure.cn"}},
      {"https://login.microsoftonline.eaglex.ic.gov", {"https://c.kusto.core.eaglex.ic.gov"}},
      {"https://login.microsoftonline.microsoft.scloud", {"https://c.kusto.core.microsoft.scloud"}},
      {"https://login.sovcloud-identity.fr", {"https://c.kusto.sovcloud-api.fr"}},
      {"https://login.sovcloud-identity.de", {"https://c.kusto.sovcloud-api.de"}},
      {"https://login.sovcloud-identity.sg", {"https://adx.monitor.azure.sg"}},
  };
  for (const auto& [login, clusters] : clouds) {
    EXPECT_TRUE(hosts.check_login(login)) << login;
    for (const auto& [other, unused] : clouds) {
      for (const auto* cluster : clusters) {
        EXPECT_TRUE(hosts.check_cluster(cluster)) << cluster;
        EXPECT_EQ(hosts.check_cluster(cluster, other).has_value(), std::string(other) == login)
            << cluster << " with " << other;
      }
    }
  }
  EXPECT_TRUE(hosts.check_cluster("https://c.kusto.windows.net", "https://login.windows.net/"));
  EXPECT_FALSE(hosts.check_cluster("https://c.kusto.windows.net", "https://evil.example"));
  EXPECT_FALSE(hosts.check_cluster("https://c.kusto.windows.net", "http://login.windows.net"));
}

TEST(TrustedHosts, RefusesWhateverOnlyLooksLikeACluster) {
  const TrustedHosts hosts;
  for (const char* url : {
           "https://evil.example",
           "https://kusto.windows.net",
           "https://.kusto.windows.net",
           "https://evilkusto.windows.net",
           "https://c.kusto.windows.net.evil.example",
           "https://c.kusto.windows.net.",
           "https://c.kusto-windows.net",
           "https://c.kusto.windows.net-evil.example",
           "https://c.kusto.windows.com",
           "https://c.kusto.windovvs.net",
           "https://c.kusto.wind\xd0\xbews.net",
           "https://c.kusto.windows.net@evil.example",
           "https://user:pass@c.kusto.windows.net",
           "https://evil.example#.kusto.windows.net",
           "https://evil.example\\.kusto.windows.net",
           "https://evil.example%2f.kusto.windows.net",
           "https://evil.example%00.kusto.windows.net",
           "https://evil.example/.kusto.windows.net",
           "https://evil.example/c.kusto.windows.net",
           "https://evil.example?.kusto.windows.net",
           "https://evil.example:443#@c.kusto.windows.net",
           "https://evil.example;.kusto.windows.net",
           "https://evil.example,c.kusto.windows.net",
           "https://evil example.kusto.windows.net",
           "https://evil.example\t.kusto.windows.net",
           "https://c..kusto.windows.net",
           "https://-c.kusto.windows.net",
           "https://c-.kusto.windows.net",
           "https://c_c.kusto.windows.net",
           "https://c.kusto.windows.net:evil",
           "https://c.kusto.windows.net:443:443",
           "https://c.kusto.windows.net:",
           "https://c.kusto.windows.net:123456",
           "https://[::1].kusto.windows.net",
           "https://[::1]evil.example",
           "https://[::ffff:127.0.0.1]",
           "https://127.0.0.1.evil.example",
           "https://127.1",
           "https://2130706433",
           "https://0x7f.0.0.1",
           "https://localhost.evil.example",
           "https://localhost.",
           "https://10.0.0.4",
           "https://169.254.169.254",
           "https://xn--kust-5qa.windows.net",
           "https://adx.monitor.azure.com.evil.example",
           "https://x.adx.monitor.azure.com",
           "https://acct.blob.core.windows.net",
           "http://c.kusto.windows.net",
           "HTTP://c.kusto.windows.net",
           "ftp://c.kusto.windows.net",
           "file:///c.kusto.windows.net",
           "c.kusto.windows.net",
           "//c.kusto.windows.net",
           "https:c.kusto.windows.net",
           "https:///c.kusto.windows.net",
           "https://",
           "",
       }) {
    const auto checked = hosts.check_cluster(url);
    ASSERT_FALSE(checked) << url;
    EXPECT_EQ(checked.error().kind, ErrorKind::denied) << url;
    EXPECT_EQ(checked.error().code, "identity.untrusted_host") << url;
    EXPECT_FALSE(hosts.check_cluster(url, kPublic)) << url;
    EXPECT_FALSE(hosts.check_login(url)) << url;
  }
}

TEST(TrustedHosts, TrustsThisMachineEvenByPlainHttp) {
  const TrustedHosts hosts;
  for (const char* url :
       {"http://localhost:8080", "http://LOCALHOST", "http://127.0.0.1:80/Db", "https://127.0.0.1",
        "http://127.8.9.10", "http://[::1]:8080", "https://[::1]"}) {
    EXPECT_TRUE(hosts.check_cluster(url)) << url;
    EXPECT_TRUE(hosts.check_cluster(url, "https://evil.example")) << url;
    EXPECT_TRUE(hosts.check_storage(url)) << url;
  }
}

TEST(TrustedHosts, KnowsStorage) {
  const TrustedHosts hosts;
  for (const char* url :
       {"https://acct.blob.core.windows.net/c/b?sig=x", "https://acct.dfs.core.windows.net",
        "https://acct.queue.core.windows.net", "https://acct.z12.blob.storage.azure.net",
        "https://acct.blob.core.usgovcloudapi.net", "https://acct.dfs.core.chinacloudapi.cn",
        "https://onelake.dfs.fabric.microsoft.com/ws", "https://onelake.blob.fabric.microsoft.com"})
    EXPECT_TRUE(hosts.check_storage(url)) << url;
  for (const char* url :
       {"https://blob.core.windows.net", "https://acctblob.core.windows.net",
        "https://acct.blob.core.windows.net.evil.example", "http://acct.blob.core.windows.net",
        "https://c.kusto.windows.net", "https://acct.file.core.windows.net",
        "https://evil.example/acct.blob.core.windows.net"})
    EXPECT_FALSE(hosts.check_storage(url)) << url;
}

TEST(TrustedHosts, TakesWhatTheOperatorAllows) {
  const auto hosts = TrustedHosts::allowing({"kusto.Contoso.example", " .adx.contoso.example "});
  ASSERT_TRUE(hosts);
  EXPECT_TRUE(hosts->check_cluster("https://kusto.contoso.example"));
  EXPECT_TRUE(hosts->check_cluster("https://kusto.contoso.example", kPublic));
  EXPECT_TRUE(hosts->check_cluster("https://a.b.adx.contoso.example"));
  EXPECT_TRUE(hosts->check_storage("https://a.adx.contoso.example"));
  EXPECT_TRUE(hosts->check_cluster("https://help.kusto.windows.net")) << "beside the known ones";
  EXPECT_FALSE(hosts->check_cluster("http://kusto.contoso.example"));
  EXPECT_FALSE(hosts->check_cluster("https://x.kusto.contoso.example"));
  EXPECT_FALSE(hosts->check_cluster("https://adx.contoso.example"));
  EXPECT_FALSE(hosts->check_cluster("https://eviladx.contoso.example"));
  for (const char* entry : {"", ".", ".com", "com", "*", "*.contoso.example", "https://a.example",
                            "a.example/x", "a.example:443", "a b.example", "..example.com"}) {
    const auto refused = TrustedHosts::allowing({entry});
    ASSERT_FALSE(refused) << entry;
    EXPECT_EQ(refused.error().kind, ErrorKind::invalid) << entry;
  }
  EXPECT_THAT(TrustedHosts::allowing({"*.x.example"}).error().message, HasSubstr("*.x.example"));
}

}  // namespace
}  // namespace kc::azure
