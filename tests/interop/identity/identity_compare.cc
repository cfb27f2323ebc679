// Each credential of ours and its counterpart in Microsoft's library ask the same identity server
// in the same situation; what they asked must be equal after the normalisation that README.md
// lists.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <sstream>

#include "core/azure/default_chain.h"
#include "core/azure/device_code.h"
#include "core/azure/entra.h"
#include "core/azure/managed_identity.h"
#include "core/azure/program_run.h"
#include "core/base/base64.h"
#include "core/base/json.h"
#include "core/net/curl_transport.h"
#include "tests/fakes/identity_server.h"

namespace kc::azure {
namespace {

using fakes::IdentityRequest;
using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr const char* kScope = "https://kusto.kusto.windows.net/.default";
constexpr const char* kTenant = "11111111-2222-3333-4444-555555555555";
constexpr const char* kClient = "66666666-7777-8888-9999-000000000000";

std::string variable(const char* name) {
  const auto value = Surroundings::process_variable(name);
  return value.value_or("");
}

// What says who asked and when, not what: ids, times, telemetry (README.md).
const std::set<std::string> kTelemetry = {"client_info",
                                          "x-client-sku",
                                          "x-client-ver",
                                          "x-client-os",
                                          "x-client-cpu",
                                          "x-ms-lib-capability",
                                          "x-client-current-telemetry",
                                          "x-client-last-telemetry"};
const std::set<std::string> kHeadersThatCount = {"authorization", "metadata", "secret",
                                                 "x-identity-header"};

json part_of(const std::string& jwt, std::size_t number) {
  auto text = jwt;
  for (; number > 0; --number) text.erase(0, text.find('.') + 1);
  text.resize(std::min(text.find('.'), text.size()));
  return json::parse(unbase64_url(text).value_or(""), nullptr, false);
}

std::string normal_assertion(const std::string& jwt) {
  auto header = part_of(jwt, 0), claims = part_of(jwt, 1);
  if (!header.is_object() || !claims.is_object()) return jwt;  // another issuer's
  const auto begin = claims.value("nbf", 0);
  for (const char* name : {"nbf", "iat", "exp"}) {
    if (claims.contains(name)) claims[name] = claims[name].get<int>() - begin;
  }
  claims.erase("iat");  // msal-node's JWT library adds it; nbf says the same
  claims["jti"] = "<id>";
  header.erase("typ");
  return header.dump() + " " + claims.dump();
}

std::string normal_value(const std::string& name, const std::string& value) {
  if (name == "client-request-id") return "<id>";
  if (name == "grant_type" && value == "device_code")
    return "urn:ietf:params:oauth:grant-type:device_code";
  return name == "client_assertion" ? normal_assertion(value) : value;
}

std::vector<std::string> normal_pairs(const Query& pairs) {
  std::vector<std::string> all;
  for (const auto& [name, value] : pairs) {
    std::string small = name;
    std::transform(small.begin(), small.end(), small.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (kTelemetry.count(small) == 0) all.push_back("  " + name + "=" + normal_value(name, value));
  }
  std::sort(all.begin(), all.end());
  return all;
}

std::string normal(const IdentityRequest& request) {
  auto path = request.path;
  while (path.ends_with('/')) path.pop_back();
  std::string text = request.method + " " + (request.tls ? "https " : "http ") + path + "\n";
  for (const auto& line : normal_pairs(request.query)) {
    if (!line.starts_with("  client-request-id=")) text += line + "\n";
  }
  for (const auto& [name, value] : request.headers) {
    const bool counts =
        kHeadersThatCount.count(name) > 0 || (name == "content-type" && request.method == "POST");
    if (counts)
      text += "  " + name + ": " + normal_value(name, value.substr(0, value.find(';'))) + "\n";
  }
  for (const auto& line : normal_pairs(request.form)) text += line + "\n";
  return text;
}

// Microsoft's library looks the token endpoint up first; we know where it is.
std::vector<std::string> normal(const std::vector<IdentityRequest>& requests) {
  std::vector<std::string> all;
  for (const auto& one : requests) {
    if (one.path.find("/.well-known/") == std::string::npos) all.push_back(normal(one));
  }
  return all;
}

struct Identity : ::testing::Test {
  fakes::IdentityServer server;
  SystemClock clock;
  std::filesystem::path folder = [] {
    std::string name = std::filesystem::temp_directory_path() / "kc-compare-XXXXXX";
    return std::filesystem::path(::mkdtemp(name.data()));
  }();
  std::map<std::string, std::string> variables;
  std::string ca = write("ca.pem", server.certificate().certificate);
  net::CurlTransport transport{{.ca_file = ca}};
  Surroundings with{.transport = transport,
                    .clock = clock,
                    .variable = [this](const std::string& name) -> std::optional<std::string> {
                      const auto found = variables.find(name);
                      if (found == variables.end()) return std::nullopt;
                      return found->second;
                    },
                    .arc_agent = (folder / "none").string(),
                    .arc_tokens = (folder / "tokens").string()};
  const Application who{server.login_url(), kTenant, kClient, {}};

  ~Identity() override { std::filesystem::remove_all(folder); }
  std::string write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((folder / name).parent_path());
    std::ofstream(folder / name, std::ios::binary) << text;
    return (folder / name).string();
  }

  std::vector<std::string> theirs(const std::string& kind, const std::string& argument = {},
                                  bool granted = true) {
    server.forget();
    const auto end = ask_theirs(kind, argument);
    EXPECT_EQ(end.status == 0, granted) << end.output << end.errors;
    return normal(server.seen());
  }

  ProgramEnd ask_theirs(const std::string& kind, const std::string& argument = {}) {
    ProgramRun run;
    run.words = {"env",
                 "-u",
                 "AZURE_CLIENT_ID",
                 "-u",
                 "IDENTITY_ENDPOINT",
                 "-u",
                 "MSI_ENDPOINT",
                 "-u",
                 "REGION_NAME",
                 "NODE_EXTRA_CA_CERTS=" + ca,
                 "KC_LOGIN=" + server.login_url(),
                 std::string("KC_SCOPE=") + kScope,
                 std::string("KC_TENANT=") + kTenant,
                 std::string("KC_CLIENT=") + kClient,
                 "KC_ARC=" + with.arc_tokens};
    for (const auto& [name, value] : variables) run.words.push_back(name + "=" + value);
    run.words.insert(run.words.end(),
                     {variable("KC_NODE"), variable("KC_SUITE") + "/ask.mjs", kind});
    if (!argument.empty()) run.words.push_back(argument);
    run.deadline = Timespan::seconds(90);
    auto end = run_program(run);
    EXPECT_TRUE(end) << end.error().message;
    return end ? std::move(*end) : ProgramEnd{};
  }

  std::vector<std::string> ours(CredentialResult credential) {
    server.forget();
    EXPECT_TRUE(credential) << credential.error().message;
    const auto token = (*credential)->token({.scope = kScope});
    EXPECT_TRUE(token) << token.error().message;
    return normal(server.seen());
  }

  static ManagedIdentityOptions::Selector selector_of(const std::string& kind) {
    using Selector = ManagedIdentityOptions::Selector;
    if (kind == "client_id") return Selector::client_id;
    if (kind == "object_id") return Selector::object_id;
    return kind == "resource_id" ? Selector::resource_id : Selector::system;
  }

  // For each way to name an identity, and for the machine's own.
  void compare_managed(
      const std::vector<std::string>& kinds,
      const std::function<void(bool theirs)>& prepare = [](bool) {}) {
    for (const auto& kind : kinds) {
      const std::string id = kind == "system"        ? ""
                             : kind == "resource_id" ? "/sub/1/id one"
                                                     : "id-1";
      prepare(true);
      const auto expected = theirs(kind, id);
      prepare(false);
      const auto seen = ours(managed_identity(with, {selector_of(kind), id}));
      EXPECT_EQ(seen, expected) << kind;
      EXPECT_FALSE(expected.empty());
    }
  }

  // Neither asks for an identity that the endpoint cannot choose.
  void compare_refused(const std::vector<std::string>& kinds) {
    for (const auto& kind : kinds) {
      EXPECT_THAT(theirs(kind, "id-1", false), SizeIs(0)) << kind;
      const auto credential = managed_identity(with, {selector_of(kind), "id-1"});
      EXPECT_FALSE((*credential)->token({.scope = kScope})) << kind;
      EXPECT_THAT(server.seen(), SizeIs(0)) << kind;
    }
  }

  // The claims and header of an assertion, verified by another library.
  json verified(const std::string& assertion, const std::string& certificate,
                const std::string& algorithm) {
    ProgramRun run;
    run.words = {variable("KC_NODE"),
                 variable("KC_SUITE") + "/verify.mjs",
                 write("assertion", assertion),
                 write("certificate", certificate),
                 algorithm,
                 server.login_url() + "/" + kTenant + "/oauth2/v2.0/token",
                 kClient};
    run.deadline = Timespan::seconds(60);
    const auto end = run_program(run);
    EXPECT_TRUE(end && end->status == 0) << (end ? end->errors : end.error().message);
    return end ? json::parse(end->output, nullptr, false) : json();
  }
  std::string last_assertion() const { return server.seen().back().form_value("client_assertion"); }
};

const std::vector<std::string> kEveryKind = {"system", "client_id", "object_id", "resource_id"};

TEST_F(Identity, ClientSecret) {
  const std::string secret = "s3cr3t+/ =&%~\xc3\xa4";
  EXPECT_EQ(ours(client_secret(with, who, secret)), theirs("secret", secret));
}

TEST_F(Identity, ClientCertificate) {
  const auto own = fakes::make_certificate("app");
  const auto file = write("app.pem", own.key + own.certificate);
  EXPECT_EQ(ours(client_certificate(with, who, {.path = file})), theirs("certificate", file));
  EXPECT_EQ(
      ours(client_certificate(with, who, {.path = file, .algorithm = SigningAlgorithm::rs256})),
      theirs("older", file));
}

TEST_F(Identity, ClientCertificateWithItsChain) {
  const auto root = fakes::make_certificate("root");
  const auto own = fakes::make_certificate("app", &root);
  const auto file = write("app.pem", own.key + own.certificate + root.certificate);
  const auto seen = ours(client_certificate(with, who, {.path = file, .send_chain = true}));
  EXPECT_EQ(seen, theirs("chain", file));
  EXPECT_THAT(seen.front(), HasSubstr("x5c"));
}

TEST_F(Identity, WorkloadIdentity) {
  const auto file = write("token", "federated-1\n");
  EXPECT_EQ(ours(workload_identity(with, who, file)), theirs("workload", file));
}

TEST_F(Identity, DeviceCode) {
  with.wait = [](Timespan, const std::stop_token&) { return true; };
  std::vector<DeviceCodePrompt> prompts;
  const auto seen =
      ours(device_code(with, who, [&](const DeviceCodePrompt& one) { prompts.push_back(one); }));
  EXPECT_EQ(seen, theirs("device"));
  EXPECT_THAT(seen, SizeIs(2));
  EXPECT_THAT(prompts, SizeIs(1));
}

TEST_F(Identity, AppService) {
  variables = {{"IDENTITY_ENDPOINT", server.machine_url() + "/msi/token"},
               {"IDENTITY_HEADER", "h-1"}};
  compare_managed(kEveryKind);
}

TEST_F(Identity, ServiceFabric) {
  variables = {{"IDENTITY_ENDPOINT", server.login_url() + "/metadata/identity/oauth2/token"},
               {"IDENTITY_HEADER", "h-1"},
               {"IDENTITY_SERVER_THUMBPRINT", server.certificate().sha1}};
  compare_managed({"system"});
  compare_refused({"client_id", "object_id", "resource_id"});
}

TEST_F(Identity, AzureArc) {
  variables = {{"IDENTITY_ENDPOINT", server.machine_url() + "/metadata/identity/oauth2/token"},
               {"IMDS_ENDPOINT", server.machine_url()}};
  const auto file = write("tokens/one.key", "proof-1");
  compare_managed(kEveryKind, [&](bool their_turn) {
    server.set_arc(their_turn ? "/var/opt/azcmagent/tokens/one.key" : file, "proof-1");
  });
}

TEST_F(Identity, CloudShell) {
  variables = {{"MSI_ENDPOINT", server.machine_url() + "/oauth2/token"}};
  compare_managed({"system"});
  compare_refused({"client_id", "object_id", "resource_id"});
}

TEST_F(Identity, MachineLearning) {
  variables = {{"MSI_ENDPOINT", server.machine_url() + "/MSI/auth"},
               {"MSI_SECRET", "s-1"},
               {"DEFAULT_IDENTITY_CLIENT_ID", "default-1"}};
  compare_managed({"system", "client_id"});
  compare_refused({"object_id", "resource_id"});
}

TEST_F(Identity, Imds) {
  variables = {{"AZURE_POD_IDENTITY_AUTHORITY_HOST", server.machine_url()}};
  compare_managed(kEveryKind);
}

TEST_F(Identity, ImdsWhileItIsNotReady) {
  variables = {{"AZURE_POD_IDENTITY_AUTHORITY_HOST", server.machine_url()}};
  with.wait = [](Timespan, const std::stop_token&) { return true; };
  for (const int status : {404, 500, 503}) {
    SCOPED_TRACE(status);
    compare_managed({"system"}, [&](bool) { server.answer_next("/metadata/", {status, "{}"}); });
  }
}

// --- regional login endpoints ---

// Writes down whom it is asked to ask, as the library's side does (ask.mjs), and answers alike.
struct Hosts final : net::Transport {
  std::string machine;  // what its metadata tells; empty: nobody answers there
  std::string seen;

  Result<net::HttpAnswer> exchange(const net::HttpCall& call) override {
    const auto end = call.url.find('?');
    const auto path = call.url.substr(0, end);
    seen += std::string(net::to_string(call.method)) + " " + path;
    if (end != std::string::npos)
      seen += " " + call.url.substr(call.url.find("api-version=", end) + 12);
    for (const auto& [name, value] : parse_query(call.body)) {
      const auto claims = name == "client_assertion" ? part_of(value, 1) : json();
      if (claims.is_object()) seen += " for " + claims.value("aud", "");
    }
    seen += "\n";
    if (path.ends_with("/compute") && machine.empty())
      return fail(ErrorKind::unavailable, "net.unreachable", "nobody");
    return net::HttpAnswer{200, {}, answer_of(path)};
  }
  void close() override {}
  std::string answer_of(const std::string& path) const {
    if (path.ends_with("/compute")) return machine;
    if (path.ends_with("/devicecode"))
      return R"({"device_code":"d","user_code":"u","verification_uri":"https://there","expires_in":900,"interval":0})";
    return R"({"token_type":"Bearer","expires_in":3599,"access_token":"e30.e30.c2ln"})";
  }
};

struct Region {
  std::string kind, authority;
  std::map<std::string, std::string> variables;
  std::string machine = {};
};

TEST_F(Identity, RegionalAuthority) {
  const std::string cloud = "https://login.microsoftonline.com",
                    name = "AZURE_REGIONAL_AUTHORITY_NAME";
  const auto own = fakes::make_certificate("app");
  const std::map<std::string, std::string> files = {
      {"certificate", write("app.pem", own.key + own.certificate)},
      {"workload", write("token", "federated-1\n")}};
  std::vector<Region> cases;
  for (const std::string kind : {"secret", "certificate", "workload", "device"})
    cases.push_back({kind, cloud, {{name, "westus2"}}});
  for (const std::string other : {"https://login.microsoftonline.us", "https://login.windows.net",
                                  "https://login.partner.microsoftonline.cn"})
    cases.push_back({"secret", other, {{name, "westus2"}}});
  for (const std::string machine : {"", R"({"location":"northeurope"})", R"({"name":"vm"})"}) {
    cases.push_back({"secret", cloud, {{name, "TryAutoDetect"}}, machine});
    cases.push_back(
        {"secret", cloud, {{name, "TryAutoDetect"}, {"REGION_NAME", "uksouth"}}, machine});
  }
  cases.push_back({"secret", cloud, {{"REGION_NAME", "uksouth"}}});
  cases.push_back({"secret", cloud, {{"MSAL_FORCE_REGION", "uksouth"}}});
  cases.push_back({"secret", cloud, {{"MSAL_FORCE_REGION", "uksouth"}, {name, "westus2"}}});
  cases.push_back(
      {"secret", cloud, {{"MSAL_FORCE_REGION", "uksouth"}, {name, "DisableMsalForceRegion"}}});
  for (const auto& one : cases) {
    const auto argument = files.count(one.kind) > 0 ? files.at(one.kind) : "";
    variables = one.variables;
    Hosts hosts;
    hosts.machine = one.machine;
    Surroundings here{.transport = hosts, .clock = clock, .variable = with.variable};
    here.wait = [](Timespan, const std::stop_token&) { return true; };
    const Application app{one.authority, kTenant, kClient, {}};
    auto credential =
        one.kind == "secret"        ? client_secret(here, app, "s")
        : one.kind == "certificate" ? client_certificate(here, app, {.path = argument})
        : one.kind == "workload"    ? workload_identity(here, app, argument)
                                    : device_code(here, app, [](const DeviceCodePrompt&) {});
    ASSERT_TRUE(credential) << credential.error().message;
    const auto token = (*credential)->token({.scope = kScope});
    ASSERT_TRUE(token) << token.error().message;
    variables["KC_MACHINE"] = one.machine;
    variables["KC_LOGIN"] = one.authority;
    const auto theirs = ask_theirs("hosts_" + one.kind, argument);
    EXPECT_EQ(theirs.status, 0) << theirs.errors;
    EXPECT_EQ(hosts.seen, theirs.output) << one.kind << " " << one.authority;
  }
}

// What the library makes of its own word is a host that nobody has: ours finds the region.
TEST_F(Identity, TheLibraryTakesAutoDiscoverRegionForAName) {
  variables = {{"AZURE_REGIONAL_AUTHORITY_NAME", "AutoDiscoverRegion"},
               {"KC_LOGIN", "https://login.microsoftonline.com"},
               {"REGION_NAME", "uksouth"}};
  EXPECT_THAT(ask_theirs("hosts_secret").output, HasSubstr("//auto_discover.login.microsoft.com/"));
}

// --- the default chain ---

// The links that we have, as the library names them. The others sign in through editors, shells and
// brokers of a desktop (core/azure/README.md).
const std::vector<std::pair<std::string, std::string>> kLinks = {
    {"EnvironmentCredential", "environment: "},
    {"WorkloadIdentityCredential", "workload identity: "},
    {"ManagedIdentityCredential", "managed identity: "},
    {"AzureCliCredential", "Azure CLI: "}};

TEST_F(Identity, TheChainHasTheLibrarysLinksInTheirOrder) {
  for (const std::string value :
       {"", "prod", "dev", " PROD ", "Dev", "EnvironmentCredential", "environmentcredential",
        "WorkloadIdentityCredential", "ManagedIdentityCredential", "AzureCliCredential"}) {
    variables = {{"AZURE_TOKEN_CREDENTIALS", value}, {"AZURE_CONFIG_DIR", folder.string()}};
    const auto end = ask_theirs("links");
    ASSERT_EQ(end.status, 0) << value << end.errors;
    std::string expected, seen;
    std::istringstream words(end.output);
    for (std::string word; words >> word;) {
      for (const auto& [name, own] : kLinks)
        if (word == name) expected += name + " ";
    }
    auto chain = default_chain(with, {.cli = {.program = (folder / "no-az").string()}});
    ASSERT_TRUE(chain) << value << chain.error().message;
    const auto token = (*chain)->token({.scope = kScope});
    ASSERT_FALSE(token) << value;
    std::map<std::size_t, std::string> places;
    for (const auto& [name, own] : kLinks) {
      const auto at = token.error().message.find(own);
      if (at != std::string::npos) places[at] = name;
    }
    for (const auto& [at, name] : places) seen += name + " ";
    EXPECT_EQ(seen, expected) << "'" << value << "': " << token.error().message;
  }
}

TEST_F(Identity, TheChainRefusesTheValuesThatTheLibraryRefuses) {
  for (const std::string value : {"nonsense", "production", "prod,dev", "DefaultAzureCredential"}) {
    variables = {{"AZURE_TOKEN_CREDENTIALS", value}};
    EXPECT_NE(ask_theirs("links").status, 0) << value;
    const auto chain = default_chain(with);
    ASSERT_FALSE(chain) << value;
    EXPECT_THAT(chain.error().message, HasSubstr("AZURE_TOKEN_CREDENTIALS")) << value;
  }
}

// Everything is configured at once, or less and less of it: the same link asks the same.
TEST_F(Identity, TheChainAsksAsTheLibraryDoes) {
  const std::map<std::string, std::string> all = {
      {"AZURE_TENANT_ID", kTenant},
      {"AZURE_CLIENT_ID", kClient},
      {"AZURE_CLIENT_SECRET", "s3cret"},
      {"AZURE_AUTHORITY_HOST", server.login_url()},
      {"AZURE_FEDERATED_TOKEN_FILE", write("token", "federated-1\n")},
      {"IDENTITY_ENDPOINT", server.machine_url() + "/msi/token"},
      {"IDENTITY_HEADER", "h-1"}};
  const std::vector<std::vector<std::string>> without = {
      {}, {"AZURE_CLIENT_SECRET"}, {"AZURE_CLIENT_SECRET", "AZURE_FEDERATED_TOKEN_FILE"}};
  for (const std::string value : {"", "prod", "EnvironmentCredential", "WorkloadIdentityCredential",
                                  "ManagedIdentityCredential"}) {
    for (const auto& missing : without) {
      variables = all;
      for (const auto& name : missing) variables.erase(name);
      const auto about = value + " without " + std::to_string(missing.size());
      const bool given = value != "EnvironmentCredential" || missing.empty();
      const bool asked = given && (value != "WorkloadIdentityCredential" || missing.size() < 2);
      variables["AZURE_TOKEN_CREDENTIALS"] = value;
      const auto expected = theirs("default", {}, asked);
      auto chain = default_chain(with, {.authority = server.login_url()});
      if (asked) {
        EXPECT_EQ(ours(std::move(chain)), expected) << about;
        EXPECT_THAT(expected, SizeIs(testing::Ge(1U))) << about;
      } else {
        EXPECT_THAT(expected, SizeIs(0)) << about;
        EXPECT_FALSE((*chain)->token({.scope = kScope})) << about;
      }
    }
  }
}

TEST_F(Identity, AssertionsAreVerifiedByAnotherLibrary) {
  const auto root = fakes::make_certificate("root");
  const auto own = fakes::make_certificate("app", &root);
  const auto pem = write("app.pem", root.certificate + own.certificate + own.key);
  const auto pfx = write("app.pfx", fakes::make_pfx(own, "open", &root));
  for (const auto algorithm : {SigningAlgorithm::ps256, SigningAlgorithm::rs256}) {
    for (const bool chain : {false, true}) {
      for (const auto& [path, password] :
           std::map<std::string, std::string>{{pem, ""}, {pfx, "open"}}) {
        ours(client_certificate(with, who, {path, password, algorithm, chain}));
        const bool newer = algorithm == SigningAlgorithm::ps256;
        const auto what = verified(last_assertion(), own.certificate, newer ? "PS256" : "RS256");
        ASSERT_TRUE(what.is_object());
        EXPECT_EQ(what["header"].contains("x5c"), chain);
        EXPECT_TRUE(what["header"].contains(newer ? "x5t#S256" : "x5t"));
        EXPECT_EQ(what["claims"]["exp"].get<int>() - what["claims"]["nbf"].get<int>(), 600);
        EXPECT_THAT(what["header"].value("x5c", json::array()), SizeIs(chain ? 2 : 0));
      }
    }
  }
}

TEST_F(Identity, TheVerifierRefusesWhatIsNotSigned) {
  const auto own = fakes::make_certificate("app"), other = fakes::make_certificate("other");
  ours(client_certificate(with, who, {.path = write("app.pem", own.key + own.certificate)}));
  ProgramRun run;
  run.words = {variable("KC_NODE"),
               variable("KC_SUITE") + "/verify.mjs",
               write("assertion", last_assertion()),
               write("certificate", other.certificate),
               "PS256",
               server.login_url() + "/" + kTenant + "/oauth2/v2.0/token",
               kClient};
  run.deadline = Timespan::seconds(60);
  const auto end = run_program(run);
  ASSERT_TRUE(end);
  EXPECT_NE(end->status, 0);
}

}  // namespace
}  // namespace kc::azure
