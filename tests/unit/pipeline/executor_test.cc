#include "core/pipeline/executor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>

namespace kc::pipeline {
namespace {

using std::chrono::milliseconds;

TEST(Pool, RunsWorkOnSeveralThreadsAtOnce) {
  Pool pool(2);
  std::promise<void> first, second;
  std::promise<void> done;
  // Each waits for the other: one thread alone would never finish.
  ASSERT_TRUE(pool.post([&] {
    first.set_value();
    second.get_future().wait();
    done.set_value();
  }));
  ASSERT_TRUE(pool.post([&] {
    first.get_future().wait();
    second.set_value();
  }));
  EXPECT_EQ(done.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready);
}

TEST(Pool, FinishesWhatHasBegunAndRefusesWorkOnceStopped) {
  std::promise<void> begun, go;
  std::atomic<bool> finished = false, dropped_ran = false;
  Pool pool(1);
  pool.post([&] {
    begun.set_value();
    go.get_future().wait();
    finished = true;
  });
  begun.get_future().wait();
  pool.post([&] { dropped_ran = true; });
  std::jthread stopper([&] { pool.stop(); });
  // Refused from the moment that `stop` has been taken note of.
  while (pool.post([&] { dropped_ran = true; })) std::this_thread::yield();
  go.set_value();
  stopper.join();
  EXPECT_TRUE(finished);
  EXPECT_FALSE(dropped_ran);
  pool.stop();
}

TEST(Strand, KeepsTheOrderAndRunsOnePieceAtATime) {
  constexpr int kPieces = 2000;
  Pool pool(4);
  const auto strand = std::make_shared<Strand>(pool);
  std::vector<int> order;  // unguarded on purpose: the strand is what makes it safe
  std::atomic<int> inside = 0;
  std::atomic<bool> overlapped = false;
  std::promise<void> done;
  for (int i = 0; i < kPieces; ++i) {
    strand->post([&, i] {
      if (++inside != 1) overlapped = true;
      order.push_back(i);
      --inside;
      if (i == kPieces - 1) done.set_value();
    });
  }
  done.get_future().wait();
  pool.stop();
  EXPECT_FALSE(overlapped);
  ASSERT_EQ(order.size(), static_cast<std::size_t>(kPieces));
  for (int i = 0; i < kPieces; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST(Strand, IsNotHeldUpByAnotherStrand) {
  Pool pool(2);
  const auto slow = std::make_shared<Strand>(pool), fast = std::make_shared<Strand>(pool);
  std::promise<void> go, done;
  slow->post([&] { go.get_future().wait(); });
  fast->post([&] { done.set_value(); });
  EXPECT_EQ(done.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready);
  go.set_value();
}

// Work often owns the strand that it is posted to: a job's commits do.
TEST(Strand, LetsGoOfWorkThatAStoppedPoolWillNotRun) {
  struct Owner {
    std::shared_ptr<Strand> strand;
  };
  Pool pool(1);
  auto owner = std::make_shared<Owner>();
  owner->strand = std::make_shared<Strand>(pool);
  const std::weak_ptr<Owner> watch = owner;
  std::promise<void> begun, go;
  owner->strand->post([&begun, &go, owner] {
    begun.set_value();
    go.get_future().wait();
  });
  owner->strand->post([owner] { ADD_FAILURE() << "ran after the stop"; });
  begun.get_future().wait();
  std::jthread stopper([&] { pool.stop(); });
  while (pool.post([] {})) std::this_thread::yield();
  go.set_value();
  stopper.join();
  owner->strand->post([owner] { ADD_FAILURE() << "ran after the stop"; });
  owner.reset();
  EXPECT_TRUE(watch.expired());

  // And where its turn was still in the pool's queue.
  Pool second(1);
  std::promise<void> busy, free;
  second.post([&] {
    busy.set_value();
    free.get_future().wait();
  });
  busy.get_future().wait();
  owner = std::make_shared<Owner>();
  owner->strand = std::make_shared<Strand>(second);
  const std::weak_ptr<Owner> queued = owner;
  owner->strand->post([owner] { ADD_FAILURE() << "ran after the stop"; });
  owner.reset();
  std::jthread ender([&] { second.stop(); });
  while (second.post([] {})) std::this_thread::yield();
  free.set_value();
  ender.join();
  EXPECT_TRUE(queued.expired());
}

TEST(Loop, RunsWorkInTheOrderItWasPosted) {
  Loop loop;
  std::vector<int> order;
  std::promise<void> done;
  for (int i = 0; i < 100; ++i) loop.post([&, i] { order.push_back(i); });
  loop.post([&] { done.set_value(); });
  done.get_future().wait();
  loop.stop();
  ASSERT_EQ(order.size(), 100u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(Loop, RunsTimersByTheirTimeAndNotBeforeIt) {
  Loop loop;
  std::vector<int> order;
  std::promise<void> done;
  const auto begun = std::chrono::steady_clock::now();
  // From the loop's own thread, so that all three are set before the first can be due.
  loop.post([&] {
    loop.post_after(milliseconds(60), [&] {
      order.push_back(3);
      done.set_value();
    });
    loop.post_after(milliseconds(20), [&] { order.push_back(1); });
    loop.post_after(milliseconds(40), [&] { order.push_back(2); });
  });
  done.get_future().wait();
  EXPECT_GE(std::chrono::steady_clock::now() - begun, milliseconds(60));
  loop.stop();
  EXPECT_EQ(order, (std::vector{1, 2, 3}));
}

TEST(Loop, TakesAnEarlierTimerWhileItWaitsForALaterOne) {
  Loop loop;
  std::promise<void> done;
  std::atomic<bool> late = false;
  loop.post_after(std::chrono::hours(1), [&] { late = true; });
  loop.post_after(milliseconds(1), [&] { done.set_value(); });
  EXPECT_EQ(done.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready);
  loop.stop();
  EXPECT_FALSE(late);
  EXPECT_FALSE(loop.post([] {}));
}

}  // namespace
}  // namespace kc::pipeline
