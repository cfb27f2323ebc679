// gzip against zlib, which reads what is written here and writes what is read here.
#include "core/engine/formats/gzip.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "tests/fakes/gzip_by_zlib.h"

namespace kc::engine {
namespace {

std::string unpacked_by_zlib(const std::string& packed, std::size_t size) {
  z_stream z{};
  EXPECT_EQ(inflateInit2(&z, fakes::kGzipWindow), Z_OK);
  std::string out(size + 1, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  z.avail_in = static_cast<uInt>(packed.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&z, Z_FINISH), Z_STREAM_END);
  EXPECT_EQ(z.avail_in, 0u) << "something follows the member";
  out.resize(z.total_out);
  inflateEnd(&z);
  return out;
}

// Everything, fed `feed` bytes at a time into rooms of `room` bytes.
Result<std::string> unpacked(const std::string& packed, std::size_t feed, std::size_t room) {
  GzipReader reader;
  std::string in, out, to(room, '\0');
  for (std::size_t at = 0;;) {
    const auto next = std::min(packed.size() - at, feed);
    in.append(packed, at, next);
    at += next;
    const bool last = at == packed.size();
    KC_TRY(const auto step, reader.read(in, last, to.data(), room));
    in.erase(0, step.read);
    out.append(to, 0, step.written);
    if (last && in.empty() && step.written == 0) return out;
  }
}

std::string some_text(std::size_t size, std::uint32_t seed) {
  std::string text;
  while (text.size() < size) {
    seed = seed * 1664525 + 1013904223;
    text += seed % 3 == 0 ? std::to_string(seed) : ",node-" + std::to_string(seed % 17);
  }
  text.resize(size);
  return text;
}

RC_GTEST_PROP(Gzip, WhatIsWrittenZlibReads, (std::uint32_t seed)) {
  const auto pieces = *rc::gen::resize(4, rc::gen::container<std::vector<std::size_t>>(
                                              rc::gen::resize(100, rc::gen::inRange(0, 400'000))));
  GzipWriter writer;
  std::string packed, whole;
  for (const auto size : pieces) {
    const auto text = some_text(size, seed++);
    whole += text;
    writer.write(text, packed);
  }
  writer.finish(packed);
  RC_ASSERT(unpacked_by_zlib(packed, whole.size()) == whole);
}

RC_GTEST_PROP(Gzip, WhatZlibWritesIsRead, (std::uint32_t seed)) {
  std::string packed, whole;
  const int members = *rc::gen::inRange(1, 4);
  for (int i = 0; i < members; ++i) {
    const auto text = some_text(*rc::gen::inRange<std::size_t>(0, 300'000), seed++);
    whole += text;
    packed += fakes::gzip_by_zlib(text, *rc::gen::inRange(0, 10));
  }
  if (*rc::gen::arbitrary<bool>()) packed += std::string(700, '\0') + "behind the end";
  const auto feed = *rc::gen::inRange<std::size_t>(1, 100'000);
  const auto room = *rc::gen::inRange<std::size_t>(1, 100'000);
  RC_ASSERT(unpacked(packed, std::max<std::size_t>(feed, packed.size() / 500),
                     std::max<std::size_t>(room, whole.size() / 500 + 1))
                .value() == whole);
}

TEST(Gzip, WhatIsCutShortOrChangedIsToldApartFromTheWhole) {
  const auto text = some_text(5'000, 7);
  const auto whole = fakes::gzip_by_zlib(text, 6);
  for (std::size_t size = 2; size < whole.size(); ++size)
    ASSERT_FALSE(unpacked(whole.substr(0, size), 100, 1000)) << size;
  std::size_t taken = 0;  // the bits that fill the last byte before the sums mean nothing
  for (std::size_t at = 10; at < whole.size(); ++at) {
    auto changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x10);
    const auto read = unpacked(changed, 100, 1000);
    if (!read) continue;
    ++taken;
    EXPECT_EQ(*read, text) << at;
  }
  EXPECT_LE(taken, 1u);
  EXPECT_EQ(unpacked(whole, 100, 1000).value(), text);
}

}  // namespace
}  // namespace kc::engine
