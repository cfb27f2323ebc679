// gzip, in and out, in one stream each, by ISA-L. Used by the writer and the readers of text
// formats. Thread promise: one owner at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace kc::engine {

// One gzip member.
class GzipWriter {
 public:
  GzipWriter();
  ~GzipWriter();
  GzipWriter(const GzipWriter&) = delete;
  GzipWriter& operator=(const GzipWriter&) = delete;

  // Appends to `out` what is ready; the rest waits for more text, or for finish().
  void write(std::string_view text, std::string& out);
  void finish(std::string& out);

 private:
  struct Stream;
  void run(std::string_view text, bool last, std::string& out);
  std::unique_ptr<Stream> stream_;
};

// All members of a file, one after the other. What follows the last one and is none is passed over,
// as gzip itself does.
class GzipReader {
 public:
  GzipReader();
  ~GzipReader();
  GzipReader(const GzipReader&) = delete;
  GzipReader& operator=(const GzipReader&) = delete;

  static bool is_gzip(std::string_view start);

  struct Step {
    std::size_t read = 0;     // bytes of `in` that need not come again
    std::size_t written = 0;  // bytes in `to`
  };
  // Goes on until `in` is read or `to` is full. `last`: nothing follows `in`. Kind corrupt where
  // the data is broken, or where it ends inside a member.
  Result<Step> read(std::string_view in, bool last, char* to, std::size_t room);

 private:
  struct Stream;
  std::unique_ptr<Stream> stream_;
};

}  // namespace kc::engine
