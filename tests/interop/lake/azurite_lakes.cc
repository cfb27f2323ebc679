#include "tests/interop/lake/azurite_lakes.h"

#include <unistd.h>

#include <cstdlib>
#include <map>

#include "core/azure/signing.h"
#include "tests/interop/azurite/azurite.h"

namespace kc {
namespace {

constexpr Timespan kDay = Timespan::seconds(86400);

using Speaks = Azurite::Speaks;

std::map<Speaks, std::unique_ptr<Azurite>>& running() {
  static std::map<Speaks, std::unique_ptr<Azurite>> all;
  return all;
}

Emulator start(Speaks speaks) {
  const auto& azurite = running()[speaks] = std::make_unique<Azurite>(speaks);
  if (azurite->running())
    return {*azure::parse_account(azurite->connection_string()), azurite->ca_file()};
  ADD_FAILURE() << "tests/interop/azurite/fetch.sh brings it";
  return {};
}

}  // namespace

const Emulator& emulator(Access access) {
  if (access == Access::token) {
    static const Emulator kSecure = start(Speaks::https_with_tokens);
    return kSecure;
  }
  static const Emulator kPlain = start(Speaks::http);
  return kPlain;
}

const azure::StorageAccount& azurite_account() { return emulator().account; }

int azurite_blob_port() {
  const auto origin = net::origin_of(azurite_account().blob);
  return std::atoi(origin.substr(origin.rfind(':') + 1).c_str());
}

void stop_azurite() { running().clear(); }

AzuriteLake::AzuriteLake(Access access)
    : access_(access), transport_({.ca_file = emulator(access).ca_file}) {
  const auto& account = emulator(access).account;
  static int counter = 0;
  root_ = {account.blob, account.name,
           "lake-" + std::to_string(::getpid()) + "-" + std::to_string(++counter), "root/job 1",
           account.credential()};
  EXPECT_TRUE(blobs().create_container());
  const auto origin = net::origin_of(account.blob);
  lake_ = another(std::atoi(origin.substr(origin.rfind(':') + 1).c_str()));
}

AzuriteLake::~AzuriteLake() {
  lake_.reset();
  EXPECT_TRUE(blobs().remove_container());
}

azure::Credential AzuriteLake::credential(Access access, Ticks expiry) const {
  const auto& account = emulator(access).account;
  switch (access) {
    case Access::key:
      return account.credential();
    case Access::account_sas:
      return {azure::Credential::Kind::sas, account.name,
              azure::account_sas(account, {"b", "co", "rwdl", expiry})};
    case Access::container_sas:
      return {azure::Credential::Kind::sas, account.name,
              azure::blob_sas(account, {root_.container, "", "rwdl", expiry})};
    case Access::token:
      return {azure::Credential::Kind::token, account.name, azurite_token(clock_.now())};
  }
  return {};
}

std::unique_ptr<BlobLake> AzuriteLake::another(int port, BlobLakeOptions options) {
  BlobPlace place;
  place.root = root_;
  place.root.endpoint = root_.endpoint.substr(0, root_.endpoint.find(':')) +
                        "://127.0.0.1:" + std::to_string(port) + "/" + root_.account;
  place.root.credential = credential(access_, now() + kDay);
  return std::make_unique<BlobLake>(transport_, clock_, Rng::from_entropy(), std::move(place),
                                    std::move(options));
}

Ticks AzuriteLake::now() const {
  const auto at = clock_.now();
  return {at.value - at.value % kTicksPerSecond};
}

Result<void> AzuriteLake::cluster_writes(const Grant& grant, std::string_view folder,
                                         std::string_view name, std::string_view bytes, Ticks at) {
  KC_TRY(auto address, azure::parse_blob_address(grant.uri));
  // The service has its own clock: what comes after the expiry is tried with a grant like this one
  // that has expired.
  if (grant.expiry && at >= *grant.expiry) {
    const Ticks past = now() - kDay;
    if (access_ == Access::key || access_ == Access::token) {
      KC_TRY(const auto late, lake_->open_folder(folder, past));
      KC_TRY(address, azure::parse_blob_address(late.uri));
    } else {
      address.credential = credential(access_, past);
    }
  }
  azure::Blobs writer(transport_, clock_, address);
  KC_CHECK_OK(writer.put(address.path + "/" + std::string(name), std::string(bytes)));
  return {};
}

Result<std::string> AzuriteLake::cluster_reads(const std::string& uri) {
  KC_TRY(const auto address, azure::parse_blob_address(uri));
  return azure::Blobs(transport_, clock_, address).get(address.path);
}

}  // namespace kc
