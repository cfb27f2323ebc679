// A lake that hands every call on to another: the base of those that change a few calls only (a
// simulated process's faults, a listing that misses files). Thread promise: that of the lake behind
// it, which outlives it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/lake/lake.h"

namespace kc {

class ForwardingLake : public Lake {
 public:
  explicit ForwardingLake(Lake& inner) : inner_(inner) {}

  Result<std::vector<LakeFile>> list(std::string_view prefix) override {
    return inner_.list(prefix);
  }
  Result<std::string> get(std::string_view name) override { return inner_.get(name); }
  Result<Created> create_if_absent(std::string_view name, std::string_view bytes) override {
    return inner_.create_if_absent(name, bytes);
  }
  Result<void> put(std::string_view name, std::string_view bytes) override {
    return inner_.put(name, bytes);
  }
  Result<void> remove(std::string_view name) override { return inner_.remove(name); }
  Result<Grant> open_folder(std::string_view folder, Ticks expiry) override {
    return inner_.open_folder(folder, expiry);
  }
  Result<std::string> read_uri(std::string_view name) override { return inner_.read_uri(name); }
  std::string why_not_queued() const override { return inner_.why_not_queued(); }
  Result<bool> close_folder(std::string_view folder) override {
    return inner_.close_folder(folder);
  }
  Result<std::unique_ptr<Lease>> acquire_lease(std::string_view holder) override {
    return inner_.acquire_lease(holder);
  }
  std::string describe() const override { return inner_.describe(); }

 private:
  Lake& inner_;
};

}  // namespace kc
