#include "core/store/sealing.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "core/base/base64.h"
#include "core/base/check.h"
#include "core/base/text.h"

namespace kc::store {
namespace {

constexpr std::string_view kVersion = "kcs1.";
constexpr std::size_t kIdLength = 8;
constexpr std::size_t kNonceBytes = 12, kTagBytes = 16;
constexpr std::size_t kKeyFileBytesMax = 256;

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

// Names the key without telling it.
template <class Key>
std::string id_of(const Key& key) {
  constexpr std::string_view kPurpose = "kusto-copy key id ";
  std::string text(kPurpose);
  text.append(key.begin(), key.end());
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  KC_ASSERT(EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) == 1);
  OPENSSL_cleanse(text.data(), text.size());
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string id;
  for (std::size_t i = 0; i < kIdLength / 2; ++i) {
    id += kHex[digest.at(i) >> 4U];
    id += kHex[digest.at(i) & 15U];
  }
  return id;
}

Failure unusable(const std::string& path, const std::string& why) {
  return fail(Error{.kind = ErrorKind::denied,
                    .code = "secret.key_file",
                    .message = "the key file " + path + " " + why,
                    .fix = "put the key file back, or name another place with --secret-key-file; a "
                           "key is 32 bytes in base64: openssl rand -base64 32"});
}

std::string last_error() { return std::strerror(errno); }

struct File {
  explicit File(int number) : descriptor(number) {}
  ~File() {
    if (descriptor >= 0) ::close(descriptor);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int descriptor;
};

// Nothing where there is no such file.
Result<std::optional<std::string>> read_small(const std::string& path) {
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.descriptor < 0 && errno == ENOENT) return std::nullopt;
  if (file.descriptor < 0) return unusable(path, "cannot be read: " + last_error());
  std::string text(kKeyFileBytesMax + 1, '\0');
  const auto got = ::read(file.descriptor, text.data(), text.size());
  if (got < 0) return unusable(path, "cannot be read: " + last_error());
  text.resize(static_cast<std::size_t>(got));
  return text;
}

bool write_durably(const std::string& path, const std::string& text) {
  const File file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file.descriptor < 0) return false;
  return ::write(file.descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
         ::fsync(file.descriptor) == 0;
}

void sync_folder_of(const std::string& path) {
  auto folder = std::filesystem::path(path).parent_path();
  if (folder.empty()) folder = ".";
  const File file(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (file.descriptor >= 0) (void)::fsync(file.descriptor);
}

// `link` gives the name to a whole file, and to one of several makers only.
Result<void> make_key_file(const std::string& path) {
  std::array<unsigned char, Sealer::kKeyBytes + kNonceBytes> random{};
  KC_ASSERT(RAND_bytes(random.data(), static_cast<int>(random.size())) == 1);
  const std::string_view drawn(reinterpret_cast<const char*>(random.data()), random.size());
  std::string mark = base64(drawn.substr(Sealer::kKeyBytes));
  std::replace(mark.begin(), mark.end(), '/', '-');
  const std::string part = path + "." + mark;
  const bool written = write_durably(part, base64(drawn.substr(0, Sealer::kKeyBytes)) + "\n");
  OPENSSL_cleanse(random.data(), random.size());
  const bool named = written && (::link(part.c_str(), path.c_str()) == 0 || errno == EEXIST);
  const std::string why = named ? "" : last_error();
  ::unlink(part.c_str());
  if (!named) return unusable(path, "cannot be made: " + why);
  sync_folder_of(path);
  return {};
}

}  // namespace

Sealer::Sealer(const Key& key, std::string where)
    : key_(key), id_(id_of(key)), where_(std::move(where)) {}

Sealer Sealer::of_process() {
  Key key{};
  KC_ASSERT(RAND_bytes(key.data(), static_cast<int>(key.size())) == 1);
  return Sealer(key, "this process");
}

Result<Sealer> Sealer::of_file(const std::string& path) {
  KC_TRY(auto text, read_small(path));
  if (!text) {
    KC_CHECK_OK(make_key_file(path));
    KC_TRY(text, read_small(path));
    if (!text) return unusable(path, "is gone again");
  }
  const auto bytes = unbase64(trim(*text));
  if (!bytes || bytes->size() != kKeyBytes) return unusable(path, "holds no key");
  Key key{};
  std::copy(bytes->begin(), bytes->end(), key.begin());
  return Sealer(key, path);
}

std::string Sealer::seal(std::string_view text, std::string_view belongs_to) const {
  std::string box(kNonceBytes + text.size() + kTagBytes, '\0');
  unsigned char* const bytes = bytes_of(box);
  // A nonce of chance is safe for far more texts than one key ever seals (2^32).
  KC_ASSERT(RAND_bytes(bytes, kNonceBytes) == 1);
  const Context context(EVP_CIPHER_CTX_new());
  int done = 0;
  const bool sealed =
      context != nullptr &&
      EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key_.data(), bytes) == 1 &&
      EVP_EncryptUpdate(context.get(), nullptr, &done, bytes_of(belongs_to),
                        static_cast<int>(belongs_to.size())) == 1 &&
      EVP_EncryptUpdate(context.get(), bytes + kNonceBytes, &done, bytes_of(text),
                        static_cast<int>(text.size())) == 1 &&
      EVP_EncryptFinal_ex(context.get(), bytes + kNonceBytes + text.size(), &done) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes,
                          bytes + kNonceBytes + text.size()) == 1;
  KC_ASSERT(sealed);
  return std::string(kVersion) + id_ + "." + base64(box);
}

Result<std::string> Sealer::open(std::string_view sealed, std::string_view belongs_to) const {
  const auto damaged = [&] {
    return fail(ErrorKind::corrupt, "secret.damaged",
                "a sealed value is damaged, or was sealed for another place");
  };
  const std::size_t head = kVersion.size() + kIdLength + 1;
  if (!sealed.starts_with(kVersion) || sealed.size() <= head || sealed[head - 1] != '.')
    return damaged();
  const auto id = sealed.substr(kVersion.size(), kIdLength);
  if (id != id_) {
    return fail(
        ErrorKind::denied, "secret.key_lost",
        "it is sealed with key " + std::string(id) + ", and the key of " + where_ + " is " + id_);
  }
  auto box = unbase64(sealed.substr(head));
  if (!box || box->size() < kNonceBytes + kTagBytes) return damaged();
  unsigned char* const bytes = bytes_of(*box);
  const std::size_t length = box->size() - kNonceBytes - kTagBytes;
  std::string text(length, '\0');
  const Context context(EVP_CIPHER_CTX_new());
  int done = 0;
  const bool opened =
      context != nullptr &&
      EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key_.data(), bytes) == 1 &&
      EVP_DecryptUpdate(context.get(), nullptr, &done, bytes_of(belongs_to),
                        static_cast<int>(belongs_to.size())) == 1 &&
      EVP_DecryptUpdate(context.get(), bytes_of(text), &done, bytes + kNonceBytes,
                        static_cast<int>(length)) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes,
                          bytes + kNonceBytes + length) == 1 &&
      EVP_DecryptFinal_ex(context.get(), bytes_of(text) + length, &done) == 1;
  if (!opened) return damaged();
  return text;
}

}  // namespace kc::store
