#include "core/engine/formats/gzip.h"

#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <vector>

#include "core/base/check.h"

namespace kc::engine {
namespace {

constexpr std::size_t kOutStep = 256 << 10;

std::uint8_t* bytes_of(const char* text) {
  return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text));
}

}  // namespace

struct GzipWriter::Stream {
  isal_zstream z;
  std::vector<std::uint8_t> level_buffer = std::vector<std::uint8_t>(ISAL_DEF_LVL1_DEFAULT);
};

GzipWriter::GzipWriter() : stream_(std::make_unique<Stream>()) {
  auto& z = stream_->z;
  isal_deflate_init(&z);
  z.level = 1;
  z.level_buf = stream_->level_buffer.data();
  z.level_buf_size = static_cast<std::uint32_t>(stream_->level_buffer.size());
  z.gzip_flag = IGZIP_GZIP;
}
GzipWriter::~GzipWriter() = default;

void GzipWriter::run(std::string_view text, bool last, std::string& out) {
  auto& z = stream_->z;
  z.next_in = bytes_of(text.data());
  z.avail_in = static_cast<std::uint32_t>(text.size());
  z.end_of_stream = last ? 1 : 0;
  do {
    const auto before = out.size();
    out.resize(before + kOutStep);
    z.next_out = bytes_of(out.data() + before);
    z.avail_out = kOutStep;
    const int code = isal_deflate(&z);
    KC_ASSERT(code == COMP_OK);  // the parameters are ours
    out.resize(before + kOutStep - z.avail_out);
  } while (z.avail_out == 0);
}

void GzipWriter::write(std::string_view text, std::string& out) { run(text, false, out); }
void GzipWriter::finish(std::string& out) { run({}, true, out); }

struct GzipReader::Stream {
  inflate_state state;
  bool inside = false;  // a member
};

GzipReader::GzipReader() : stream_(std::make_unique<Stream>()) {}
GzipReader::~GzipReader() = default;

bool GzipReader::is_gzip(std::string_view start) { return start.starts_with("\x1f\x8b"); }

Result<GzipReader::Step> GzipReader::read(std::string_view in, bool last, char* to,
                                          std::size_t room) {
  auto& state = stream_->state;
  Step step;
  while (step.written < room) {
    const auto rest = in.substr(step.read);
    if (!stream_->inside) {
      if (rest.size() < 2 && !last) break;  // the mark may be cut in two
      if (!is_gzip(rest)) {
        step.read = in.size();
        break;
      }
      isal_inflate_init(&state);
      state.crc_flag = ISAL_GZIP;
      stream_->inside = true;
    }
    state.next_in = bytes_of(rest.data());
    state.avail_in = static_cast<std::uint32_t>(rest.size());
    state.next_out = bytes_of(to + step.written);
    state.avail_out = static_cast<std::uint32_t>(room - step.written);
    if (isal_inflate(&state) < 0)
      return fail(ErrorKind::corrupt, "engine.gzip", "the compressed data is broken");
    step.read = in.size() - state.avail_in;
    step.written = room - state.avail_out;
    if (state.block_state == ISAL_BLOCK_FINISH) {
      stream_->inside = false;
    } else if (state.avail_in == 0 && state.avail_out > 0) {
      if (last) return fail(ErrorKind::corrupt, "engine.gzip", "the compressed data ends early");
      break;
    }
  }
  return step;
}

}  // namespace kc::engine
