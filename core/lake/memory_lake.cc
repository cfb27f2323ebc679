#include "core/lake/memory_lake.h"

#include "core/lake/lake_names.h"

namespace kc {
namespace {

constexpr std::string_view kScheme = "memory:///";

Failure absent(std::string_view name) {
  return fail(ErrorKind::not_found, "lake.absent",
              "'" + std::string(name) + "' is not in the lake");
}

template <class Holder>
class MemoryLease final : public Lease {
 public:
  explicit MemoryLease(std::shared_ptr<Holder> holder) : holder_(std::move(holder)) {}
  ~MemoryLease() override {
    holder_->with([](auto& holder) { holder.reset(); });
  }

 private:
  std::shared_ptr<Holder> holder_;
};

}  // namespace

MemoryLake::MemoryLake(Options options) : options_(options) {}

Result<std::vector<LakeFile>> MemoryLake::list(std::string_view prefix) {
  KC_CHECK_OK(check_lake_prefix(prefix));
  return state_.with([&](State& state) {
    std::vector<LakeFile> files;
    for (auto file = state.files.lower_bound(prefix);
         file != state.files.end() && file->first.starts_with(prefix); ++file) {
      files.push_back({file->first, file->second.size()});
    }
    return files;
  });
}

Result<std::string> MemoryLake::get(std::string_view name) {
  KC_CHECK_OK(check_lake_name(name));
  return state_.with([&](State& state) -> Result<std::string> {
    const auto file = state.files.find(name);
    if (file == state.files.end()) return absent(name);
    return file->second;
  });
}

Result<Created> MemoryLake::create_if_absent(std::string_view name, std::string_view bytes) {
  KC_CHECK_OK(check_lake_name(name));
  return state_.with([&](State& state) {
    return state.files.try_emplace(std::string(name), bytes).second ? Created::created
                                                                    : Created::exists;
  });
}

Result<void> MemoryLake::put(std::string_view name, std::string_view bytes) {
  KC_CHECK_OK(check_lake_name(name));
  state_.with(
      [&](State& state) { state.files.insert_or_assign(std::string(name), std::string(bytes)); });
  return {};
}

Result<void> MemoryLake::remove(std::string_view name) {
  KC_CHECK_OK(check_lake_name(name));
  state_.with([&](State& state) {
    if (const auto file = state.files.find(name); file != state.files.end())
      state.files.erase(file);
  });
  return {};
}

Result<Grant> MemoryLake::open_folder(std::string_view folder, Ticks expiry) {
  KC_CHECK_OK(check_lake_name(folder));
  state_.with([&](State& state) { state.open.insert_or_assign(std::string(folder), expiry); });
  Grant grant{.uri = std::string(kScheme) + encode_path(folder), .expiry = std::nullopt};
  if (!options_.closes_folders) grant.expiry = expiry;
  return grant;
}

Result<std::string> MemoryLake::read_uri(std::string_view name) {
  KC_CHECK_OK(check_lake_name(name));
  return std::string(kScheme) + encode_path(name);
}

Result<bool> MemoryLake::close_folder(std::string_view folder) {
  KC_CHECK_OK(check_lake_name(folder));
  const std::string prefix = std::string(folder) + "/";
  state_.with([&](State& state) {
    auto first = state.files.lower_bound(prefix);
    while (first != state.files.end() && first->first.starts_with(prefix))
      first = state.files.erase(first);
    if (!options_.closes_folders) return;
    if (const auto open = state.open.find(folder); open != state.open.end()) state.open.erase(open);
  });
  return options_.closes_folders;
}

Result<std::unique_ptr<Lease>> MemoryLake::acquire_lease(std::string_view holder) {
  return holder_->with([&](std::optional<std::string>& held) -> Result<std::unique_ptr<Lease>> {
    if (held) return fail(ErrorKind::conflict, "lake.lease_held", "the lake is held by " + *held);
    held = std::string(holder);
    return std::make_unique<MemoryLease<Holder>>(holder_);
  });
}

Result<void> MemoryLake::write_blob(std::string_view folder, std::string_view name,
                                    std::string_view bytes, Ticks now) {
  const std::string whole = std::string(folder) + "/" + std::string(name);
  KC_CHECK_OK(check_lake_name(whole));
  return state_.with([&](State& state) -> Result<void> {
    const auto open = state.open.find(folder);
    if (open == state.open.end()) return absent(folder);
    if (!options_.closes_folders && now >= open->second) {
      return fail(ErrorKind::denied, "lake.permission",
                  "the grant of '" + std::string(folder) + "' has expired");
    }
    state.files.insert_or_assign(whole, std::string(bytes));
    return {};
  });
}

Result<std::string> MemoryLake::read_blob(std::string_view uri) {
  if (!uri.starts_with(kScheme)) return absent(uri);
  KC_TRY(const std::string name, decode_path(uri.substr(kScheme.size())));
  return get(name);
}

std::map<std::string, std::string> MemoryLake::contents() const {
  return state_.with([](const State& state) {
    return std::map<std::string, std::string>(state.files.begin(), state.files.end());
  });
}

void MemoryLake::wipe() {
  state_.with([](State& state) { state = State{}; });
}

}  // namespace kc
