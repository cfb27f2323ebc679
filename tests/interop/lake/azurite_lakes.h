// A lake in a container of its own on Azurite, for as long as this lives: with the account's key,
// with a SAS that was given, or over https with a bearer token. Used by the tests of the lake on
// blobs. Thread promise: one owner.
#pragma once

#include <memory>
#include <string>

#include "core/azure/address.h"
#include "core/lake/blob_lake.h"
#include "core/net/curl_transport.h"
#include "tests/doors/lake_suite.h"

namespace kc {

enum class Access { key, account_sas, container_sas, token };

// The one Azurite of this test program that speaks so; a failure where it was not fetched.
struct Emulator {
  azure::StorageAccount account;
  std::string ca_file;
};
const Emulator& emulator(Access access = Access::key);
const azure::StorageAccount& azurite_account();
int azurite_blob_port();
// Ended with the program otherwise.
void stop_azurite();

class AzuriteLake final : public LakeUnderTest {
 public:
  explicit AzuriteLake(Access access);
  ~AzuriteLake() override;

  Lake& lake() override { return *lake_; }
  // Of whole seconds, as the expiry in a signature.
  Ticks now() const override;
  Result<void> cluster_writes(const Grant& grant, std::string_view folder, std::string_view name,
                              std::string_view bytes, Ticks now) override;
  Result<std::string> cluster_reads(const std::string& uri) override;

  // The same folder through another port and with other options.
  std::unique_ptr<BlobLake> another(int port, BlobLakeOptions options = {});
  azure::Blobs blobs() { return {transport_, clock_, root_}; }
  net::Transport& transport() { return transport_; }

 private:
  azure::Credential credential(Access access, Ticks expiry) const;

  const Access access_;
  net::CurlTransport transport_;
  SystemClock clock_;
  azure::BlobAddress root_;
  std::unique_ptr<BlobLake> lake_;
};

}  // namespace kc
