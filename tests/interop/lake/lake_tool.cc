// What the scripts of this folder ask of a storage account:
//   lake_tool make <connection string> <container>             makes the container
//   lake_tool address <connection string> <container>/<path> key|sas|token   a lake's address
//   lake_tool files <address> <job>                            the names in the lake of a job
//   lake_tool dump <address> <job>                             each name, and what the file holds
// Exit code 0; 1 with the error on standard error.
#include <cstdio>
#include <string>

#include "core/azure/blobs.h"
#include "core/azure/signing.h"
#include "core/lake/lake_address.h"
#include "core/net/curl_transport.h"
#include "tests/interop/azurite/azurite.h"

namespace kc {
namespace {

constexpr Timespan kDay = Timespan::seconds(86400);

Result<void> make(net::Transport& transport, const Clock& clock, const std::string& connection,
                  const std::string& container) {
  KC_TRY(const auto account, azure::parse_account(connection));
  azure::Blobs blobs(transport, clock,
                     {account.blob, account.name, container, {}, account.credential()});
  KC_CHECK_OK(blobs.create_container());
  return {};
}

Result<void> address(const Clock& clock, const std::string& connection, const std::string& place,
                     const std::string& access) {
  KC_TRY(const auto account, azure::parse_account(connection));
  const azure::BlobSas wish{.container = place.substr(0, place.find('/')),
                            .blob = {},
                            .permissions = "rwdl",
                            .expiry = clock.now() + kDay,
                            .protocol = {}};
  const std::string tail = access == "sas"     ? "?" + azure::blob_sas(account, wish)
                           : access == "token" ? ";token=" + azurite_token(clock.now())
                                               : ";" + account.key;
  std::printf("%s/%s%s\n", account.blob.c_str(), place.c_str(), tail.c_str());
  return {};
}

Result<void> files(net::Transport& transport, const Clock& clock, const std::string& text,
                   const std::string& job, bool whole) {
  KC_TRY(const auto where, parse_lake(text));
  KC_TRY(const auto lake, open_lake(where, job, {.transport = transport, .clock = clock}));
  KC_TRY(const auto found, lake->list(""));
  for (const auto& file : found) {
    std::printf("%s\n", file.name.c_str());
    if (!whole) continue;
    KC_TRY(const auto bytes, lake->get(file.name));
    std::fwrite(bytes.data(), 1, bytes.size(), stdout);
    std::printf("\n");
  }
  return {};
}

}  // namespace
}  // namespace kc

int main(int count, char** arguments) {
  const std::vector<std::string> words(arguments + 1, arguments + count);
  kc::net::CurlTransport transport;
  const kc::SystemClock clock;
  kc::Result<void> done = kc::fail(kc::ErrorKind::invalid, "tool.usage",
                                   "make, address, files or dump: see the source");
  if (words.size() == 3 && words[0] == "make")
    done = kc::make(transport, clock, words[1], words[2]);
  else if (words.size() == 4 && words[0] == "address")
    done = kc::address(clock, words[1], words[2], words[3]);
  else if (words.size() == 3 && (words[0] == "files" || words[0] == "dump"))
    done = kc::files(transport, clock, words[1], words[2], words[0] == "dump");
  if (done) return 0;
  std::fprintf(stderr, "%s: %s\n", done.error().code.c_str(), done.error().message.c_str());
  return 1;
}
