#include "core/lake/folder_lake.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace kc {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

struct FolderLakeTest : testing::Test {
  FolderLakeTest() {
    std::string path = testing::TempDir() + "kc-folder-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) std::abort();
    root = path;
  }
  ~FolderLakeTest() override {
    if (mounted) ::umount2(root.c_str(), MNT_DETACH);
    fs::remove_all(root);
  }
  // A small file system of its own; false where this user may not mount.
  bool mount_small() {
    mounted = ::mount("none", root.c_str(), "tmpfs", 0, "size=128k,mode=0777") == 0;
    return mounted;
  }
  std::size_t entries(const fs::path& folder) const {
    std::error_code error;
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder, error), fs::directory_iterator()));
  }
  fs::path root;
  bool mounted = false;
};

TEST_F(FolderLakeTest, TouchesNothingUntilItWrites) {
  FolderLake lake((root / "job").string());
  EXPECT_TRUE(lake.list("").value().empty());
  EXPECT_EQ(lake.get("checkpoint/1").error().kind, ErrorKind::not_found);
  EXPECT_TRUE(lake.remove("checkpoint/1").has_value());
  EXPECT_FALSE(fs::exists(root / "job"));
  ASSERT_TRUE(lake.put("a/b/c", "x").has_value());
  EXPECT_TRUE(fs::exists(root / "job/a/b/c"));
}

TEST_F(FolderLakeTest, LeavesNoTemporaryFileBehind) {
  FolderLake lake((root / "job").string());
  ASSERT_TRUE(lake.put("a", "x").has_value());
  ASSERT_TRUE(lake.create_if_absent("b", "x").has_value());
  ASSERT_TRUE(lake.create_if_absent("b", "x").has_value());
  EXPECT_EQ(entries(root / "job/.tmp"), 0u);
}

TEST_F(FolderLakeTest, LeftoversOfACrashAreNeverListedAndSweptByTheNextOwner) {
  FolderLake lake((root / "job").string());
  ASSERT_TRUE(lake.put("checkpoint/000000000001.jsonl", "x").has_value());
  fs::create_directories(root / "job/.trash/0123-1/deep");
  std::ofstream(root / "job/.trash/0123-1/deep/part0") << "late";
  std::ofstream(root / "job/.tmp/4242-0") << "half a fi";
  EXPECT_EQ(lake.list("").value().size(), 1u);
  // Ours, with its name taken by the leftover of a process with our id.
  std::ofstream(root / ("job/.tmp/" + std::to_string(::getpid()) + "-1")) << "half";
  ASSERT_TRUE(lake.create_if_absent("b", "whole").has_value());
  EXPECT_EQ(lake.get("b").value(), "whole");
  ASSERT_TRUE(lake.acquire_lease("owner").has_value());
  EXPECT_EQ(entries(root / "job/.tmp"), 0u);
  EXPECT_EQ(entries(root / "job/.trash"), 0u);
  EXPECT_EQ(lake.list("").value().size(), 2u);
}

TEST_F(FolderLakeTest, ASweepSparesTheFilesOfALivingWriter) {
  FolderLake lake((root / "job").string());
  fs::create_directories(root / "job/.tmp");
  const std::string live = root / "job/.tmp/1-1";
  const int file = ::open(live.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  ASSERT_EQ(::flock(file, LOCK_EX | LOCK_NB), 0);
  ASSERT_TRUE(lake.acquire_lease("owner").has_value());
  EXPECT_TRUE(fs::exists(live));
  ::close(file);
  ASSERT_TRUE(lake.acquire_lease("owner").has_value());
  EXPECT_FALSE(fs::exists(live));
}

TEST_F(FolderLakeTest, AWriterThatOpenedItsFileBeforeTheCloseWritesIntoNothing) {
  FolderLake lake((root / "job").string());
  ASSERT_TRUE(lake.open_folder("data/1/2/e1", kTicksMax).has_value());
  std::ofstream late(root / "job/data/1/2/e1/part0");
  late << "first";
  late.flush();
  ASSERT_TRUE(lake.close_folder("data/1/2/e1").value());
  late << "second";
  late.close();
  EXPECT_TRUE(lake.list("").value().empty());
  EXPECT_EQ(entries(root / "job/.trash"), 0u);
  EXPECT_FALSE(fs::exists(root / "job/data")) << "folders that became empty are gone too";
}

TEST_F(FolderLakeTest, TheLeaseKeepsOtherProcessesOutAndEndsWithItsProcess) {
  FolderLake lake((root / "job").string());
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto lease = lake.acquire_lease("the child");
    const char answer = lease ? 'y' : 'n';
    if (::write(ready[1], &answer, 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  char answer = 0;
  ASSERT_EQ(::read(ready[0], &answer, 1), 1);
  ASSERT_EQ(answer, 'y');
  const auto refused = lake.acquire_lease("the parent");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, "lake.lease_held");
  EXPECT_THAT(refused.error().message, HasSubstr("the child (process " + std::to_string(child)));
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  const auto lease = lake.acquire_lease("the parent");
  EXPECT_TRUE(lease.has_value()) << lease.error().message;
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_F(FolderLakeTest, AFullDiskIsToldAsSuchAndLeavesNothingHalf) {
  if (!mount_small()) GTEST_SKIP() << "this user may not mount a small file system";
  FolderLake lake((root / "job").string());
  ASSERT_TRUE(lake.put("status", "small").has_value());
  const std::string big(300'000, 'x');
  for (const auto& failed :
       {lake.create_if_absent("big", big).error(), lake.put("status", big).error()}) {
    EXPECT_EQ(failed.kind, ErrorKind::unavailable);
    EXPECT_EQ(failed.code, "lake.full");
    EXPECT_FALSE(failed.fix.empty());
  }
  EXPECT_EQ(lake.get("status").value(), "small");
  EXPECT_EQ(lake.get("big").error().kind, ErrorKind::not_found);
  EXPECT_EQ(entries(root / "job/.tmp"), 0u);
  EXPECT_EQ(lake.create_if_absent("big", "fits").value(), Created::created);
  // What is there is found to be there even while there is no room for anything.
  {
    std::ofstream filler(root / "filler");
    for (int i = 0; i < 300; ++i) filler << std::string(1024, 'f');
  }
  EXPECT_EQ(lake.create_if_absent("big", big).value(), Created::exists);
  EXPECT_TRUE(lake.remove("big").has_value());
}

TEST_F(FolderLakeTest, AReadOnlyPlaceIsDenied) {
  if (mount_small()) {
    ASSERT_EQ(::mount("none", root.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, nullptr), 0);
  } else if (::geteuid() == 0) {
    GTEST_SKIP() << "nothing is read-only for this user";
  } else {
    ASSERT_EQ(::chmod(root.c_str(), 0500), 0);
  }
  FolderLake lake((root / "job").string());
  for (const auto& failed :
       {lake.create_if_absent("a", "x").error(), lake.put("a", "x").error(),
        lake.open_folder("data/e1", kTicksMax).error(), lake.acquire_lease("me").error()}) {
    EXPECT_EQ(failed.kind, ErrorKind::denied);
    EXPECT_EQ(failed.code, "lake.permission");
    EXPECT_FALSE(failed.fix.empty());
  }
  EXPECT_TRUE(lake.list("").value().empty());
  ::chmod(root.c_str(), 0700);
}

TEST_F(FolderLakeTest, AFileInTheWayIsUnreachable) {
  std::ofstream(root / "job") << "a file";
  FolderLake lake((root / "job").string());
  EXPECT_EQ(lake.create_if_absent("a", "x").error().code, "lake.unreachable");
  EXPECT_EQ(lake.put("a", "x").error().code, "lake.unreachable");
  EXPECT_EQ(lake.open_folder("a", kTicksMax).error().code, "lake.unreachable");
}

TEST_F(FolderLakeTest, LinksThatLeadOutOfTheLakeAreNotListed) {
  FolderLake lake((root / "job").string());
  ASSERT_TRUE(lake.put("a/x", "x").has_value());
  std::ofstream(root / "outside") << "secret";
  fs::create_symlink(root / "outside", root / "job/a/link");
  fs::create_directory_symlink(root, root / "job/a/up");
  EXPECT_EQ(lake.list("").value().size(), 1u);
}

}  // namespace
}  // namespace kc
