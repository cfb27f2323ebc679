#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "core/lake/folder_lake.h"
#include "core/lake/forwarding_lake.h"
#include "core/lake/lake_names.h"
#include "core/lake/memory_lake.h"
#include "core/lake/spread_lake.h"
#include "tests/doors/lake_suite.h"

namespace kc {
namespace {

class MemoryUnderTest final : public LakeUnderTest {
 public:
  explicit MemoryUnderTest(bool closes_folders) : lake_({.closes_folders = closes_folders}) {}
  Lake& lake() override { return lake_; }
  Result<void> cluster_writes(const Grant&, std::string_view folder, std::string_view name,
                              std::string_view bytes, Ticks now) override {
    return lake_.write_blob(folder, name, bytes, now);
  }
  Result<std::string> cluster_reads(const std::string& uri) override {
    return lake_.read_blob(uri);
  }

 private:
  MemoryLake lake_;
};

class FolderUnderTest final : public LakeUnderTest {
 public:
  FolderUnderTest() {
    std::string path = testing::TempDir() + "kc lake %41 XXXXXX";  // a name that needs escapes
    if (::mkdtemp(path.data()) == nullptr) std::abort();
    root_ = path;
    lake_ = std::make_unique<FolderLake>(path + "/job");
  }
  ~FolderUnderTest() override { std::filesystem::remove_all(root_); }
  Lake& lake() override { return *lake_; }
  Result<void> cluster_writes(const Grant& grant, std::string_view, std::string_view name,
                              std::string_view bytes, Ticks) override {
    std::ofstream file(path_of(grant.uri) + "/" + std::string(name), std::ios::binary);
    file << bytes;
    if (!file.flush()) return fail(ErrorKind::unavailable, "test.write", "no such folder");
    return {};
  }
  Result<std::string> cluster_reads(const std::string& uri) override {
    std::ifstream file(path_of(uri), std::ios::binary);
    if (!file) return fail(ErrorKind::not_found, "test.read", uri);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }

 private:
  static std::string path_of(const std::string& uri) {
    EXPECT_TRUE(uri.starts_with("file:///")) << uri;
    return decode_path(uri.substr(7)).value();
  }
  std::filesystem::path root_;
  std::unique_ptr<FolderLake> lake_;
};

// Three lakes of one kind as one. What a cluster does with a grant, it does at the lake that gave
// it.
class SpreadUnderTest final : public LakeUnderTest {
 public:
  explicit SpreadUnderTest(const std::function<std::unique_ptr<LakeUnderTest>()>& make) {
    std::vector<std::unique_ptr<Lake>> doors;
    for (int i = 0; i < 3; ++i) {
      parts_.push_back(make());
      doors.push_back(std::make_unique<Through>(parts_.back()->lake()));
    }
    lake_ = std::make_unique<SpreadLake>(std::move(doors));
  }
  Lake& lake() override { return *lake_; }
  Result<void> cluster_writes(const Grant& grant, std::string_view folder, std::string_view name,
                              std::string_view bytes, Ticks now) override {
    const std::string path(folder);
    const bool spread = std::count(path.begin(), path.end(), '/') + 1 >= kSpreadParts &&
                        path.starts_with(kSpreadRoot);
    return parts_[spread ? spread_place(path, parts_.size()) : 0]->cluster_writes(grant, folder,
                                                                                  name, bytes, now);
  }
  Result<std::string> cluster_reads(const std::string& uri) override {
    for (const auto& part : parts_) {
      if (auto bytes = part->cluster_reads(uri)) return bytes;
    }
    return fail(ErrorKind::not_found, "test.read", uri);
  }

 private:
  class Through final : public ForwardingLake {
   public:
    using ForwardingLake::ForwardingLake;
  };
  std::vector<std::unique_ptr<LakeUnderTest>> parts_;
  std::unique_ptr<SpreadLake> lake_;
};

std::string kind_name(const testing::TestParamInfo<LakeKind>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(
    Doors, LakeSuite,
    testing::Values(LakeKind{"memory", [] { return std::make_unique<MemoryUnderTest>(true); }, 1000,
                             5001},
                    LakeKind{"memory_with_expiring_grants",
                             [] { return std::make_unique<MemoryUnderTest>(false); }},
                    LakeKind{"folder", [] { return std::make_unique<FolderUnderTest>(); }},
                    LakeKind{"three_folders",
                             [] {
                               return std::make_unique<SpreadUnderTest>(
                                   [] { return std::make_unique<FolderUnderTest>(); });
                             },
                             100},
                    LakeKind{"three_memories",
                             [] {
                               return std::make_unique<SpreadUnderTest>(
                                   [] { return std::make_unique<MemoryUnderTest>(false); });
                             },
                             100}),
    kind_name);

}  // namespace
}  // namespace kc
