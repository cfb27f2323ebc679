#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "core/lake/folder_lake.h"
#include "core/lake/lake_names.h"
#include "core/lake/memory_lake.h"
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

std::string kind_name(const testing::TestParamInfo<LakeKind>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(
    Doors, LakeSuite,
    testing::Values(LakeKind{"memory", [] { return std::make_unique<MemoryUnderTest>(true); }, 1000,
                             5001},
                    LakeKind{"memory_with_expiring_grants",
                             [] { return std::make_unique<MemoryUnderTest>(false); }},
                    LakeKind{"folder", [] { return std::make_unique<FolderUnderTest>(); }}),
    kind_name);

}  // namespace
}  // namespace kc
