#include "core/base/redact.h"

#include <array>
#include <cstddef>
#include <utility>

namespace kc {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

// How a secret ends depends on who wrote it: a connection string runs to its semicolon, a form body
// to its ampersand.
enum class Ends { at_semicolon, at_ampersand };
struct SecretKey {
  std::string_view word;  // lower case, without spaces, underscores and hyphens
  Ends ends;
};
constexpr std::array<SecretKey, 28> kSecretKeys{
    {{"appkey", Ends::at_semicolon},
     {"applicationkey", Ends::at_semicolon},
     {"accountkey", Ends::at_semicolon},
     {"sharedaccesskey", Ends::at_semicolon},
     {"sharedaccesssignature", Ends::at_semicolon},
     {"sharedkey", Ends::at_semicolon},
     {"accesskey", Ends::at_semicolon},
     {"apikey", Ends::at_semicolon},
     {"password", Ends::at_semicolon},
     {"pwd", Ends::at_semicolon},
     {"apptoken", Ends::at_semicolon},
     {"applicationtoken", Ends::at_semicolon},
     {"usertoken", Ends::at_semicolon},
     {"usrtoken", Ends::at_semicolon},
     {"token", Ends::at_semicolon},
     {"appcert", Ends::at_semicolon},
     {"applicationcertificateblob", Ends::at_semicolon},
     {"applicationcertificateprivatekey", Ends::at_semicolon},
     {"applicationcertificatethumbprint", Ends::at_semicolon},
     {"devicecode", Ends::at_ampersand},
     {"secret", Ends::at_ampersand},
     {"clientsecret", Ends::at_ampersand},
     {"clientassertion", Ends::at_ampersand},
     {"assertion", Ends::at_ampersand},
     {"accesstoken", Ends::at_ampersand},
     {"refreshtoken", Ends::at_ampersand},
     {"idtoken", Ends::at_ampersand},
     {"sig", Ends::at_ampersand}}};
constexpr std::size_t kKeyLengthMax = 40;  // the longest key as written, with its spaces
constexpr int kPassesMax = 8;
constexpr std::size_t kAccountKeyLength =
    40;  // shorter base64 behind a semicolon is not taken for an account key

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_word(char c) {
  const char l = lower(c);
  return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '_';
}
bool is_space(char c) { return c == ' ' || c == '\t'; }
bool is_line_end(char c) { return c == '\n' || c == '\r' || c == '\0'; }
bool is_base64(char c) { return (is_word(c) && c != '_') || c == '+' || c == '/' || c == '='; }
bool is_token_char(char c) { return is_base64(c) || c == '_' || c == '-' || c == '.' || c == '~'; }

const SecretKey* find_key(std::string_view written) {
  std::array<char, kKeyLengthMax> squeezed{};
  std::size_t length = 0;
  for (const char c : written) {
    if (c == '_' || c == '-' || is_space(c)) continue;
    if (length == squeezed.size()) return nullptr;
    squeezed[length++] = lower(c);
  }
  const std::string_view word(squeezed.data(), length);
  for (const SecretKey& key : kSecretKeys) {
    if (key.word == word) return &key;
  }
  return nullptr;
}

class Redactor {
 public:
  explicit Redactor(std::string_view text) : text_(text) { out_.reserve(text.size()); }

  std::string run() {
    while (at_ < text_.size()) {
      if (starts_word(at_) && (obfuscated_literal() || scheme() || web_token())) continue;
      if (assignment() || account_key() || user_information()) continue;
      out_ += text_[at_++];
    }
    return std::move(out_);
  }

 private:
  char at(std::size_t place) const { return place < text_.size() ? text_[place] : '\0'; }
  // An encoded character (`%26sig`) is a border too, though it ends in digits.
  bool starts_word(std::size_t place) const {
    return place == 0 || !is_word(text_[place - 1]) || (place >= 3 && text_[place - 3] == '%');
  }
  bool matches(std::size_t place, std::string_view lower_word) const {
    if (text_.size() - place < lower_word.size()) return false;
    for (std::size_t i = 0; i < lower_word.size(); ++i) {
      if (lower(text_[place + i]) != lower_word[i]) return false;
    }
    return true;
  }
  std::size_t skip_spaces(std::size_t place) const {
    while (is_space(at(place))) ++place;
    return place;
  }
  // Keeps [at_, from), hides [from, to).
  void hide(std::size_t from, std::size_t to) {
    out_.append(text_.substr(at_, from - at_));
    if (to > from) out_ += kRedacted;
    at_ = to;
  }

  // h'…', h"…", h@'…', h```…```, and h\"…\" where the literal stands inside a JSON string.
  bool obfuscated_literal() {
    if (lower(at(at_)) != 'h') return false;
    std::size_t open = at_ + 1;
    const bool verbatim = at(open) == '@';
    if (verbatim) ++open;
    const bool escaped = at(open) == '\\';
    if (escaped) ++open;
    const char quote = at(open);
    if (!escaped && !verbatim && text_.substr(open, 3) == "```") {
      const std::size_t close = text_.find("```", open + 3);
      hide(open + 3, close == kNone ? text_.size() : close);
      skip(3);
      return true;
    }
    if (quote != '\'' && quote != '"') return false;
    const std::size_t end = closing_quote(open + 1, quote, verbatim, escaped);
    hide(open + 1, end);
    skip(escaped ? 2 : 1);
    return true;
  }

  std::size_t closing_quote(std::size_t place, char quote, bool doubled, bool escaped) const {
    for (; place < text_.size(); ++place) {
      if (escaped && at(place) == '\\' && at(place + 1) == quote) return place;
      if (!escaped && !doubled && at(place) == '\\') {
        ++place;
      } else if (!escaped && at(place) == quote) {
        if (!doubled || at(place + 1) != quote) return place;
        ++place;
      }
    }
    return text_.size();
  }

  void skip(std::size_t count) {
    for (; count > 0 && at_ < text_.size(); --count) out_ += text_[at_++];
  }

  // `Bearer x`, `Basic x`, `SharedKey account:x`, `SharedKeyLite account:x`
  bool scheme() {
    for (const std::string_view word : {"bearer", "basic", "sharedkeylite", "sharedkey"}) {
      if (!matches(at_, word) || !is_space(at(at_ + word.size()))) continue;
      const std::size_t from = skip_spaces(at_ + word.size());
      std::size_t to = from;
      while (to < text_.size() &&
             (is_token_char(at(to)) || at(to) == ':' || at(to) == '*' || at(to) == '%'))
        ++to;
      // English says "basic checks" too; a credential is longer, or has digits or capitals.
      if (to == from || (word == "basic" && !looks_encoded(from, to))) return false;
      hide(from, to);
      return true;
    }
    return false;
  }
  bool looks_encoded(std::size_t from, std::size_t to) const {
    if (to - from >= 16 || at(to - 1) == '=') return true;
    for (std::size_t place = from; place < to; ++place) {
      const char c = at(place);
      if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z')) return true;
    }
    return false;
  }

  // Three base64url parts, the first an object: a JSON web token wherever it stands.
  bool web_token() {
    if (text_.substr(at_, 3) != "eyJ") return false;
    std::size_t to = at_;
    std::size_t points = 0;
    for (; to < text_.size() && is_token_char(at(to)); ++to) points += at(to) == '.' ? 1 : 0;
    if (points < 2) return false;
    hide(at_, to);
    return true;
  }

  // `key=value`, `key = "value"`, `"key": "value"`, and `key%3Dvalue` inside an encoded URL. Called
  // at the separator, it looks back at the key: keys may hold spaces ("Application Key").
  bool assignment() {
    const char c = at(at_);
    const bool encoded = c == '%' && matches(at_, "%3d");
    if (c != '=' && c != ':' && !encoded) return false;
    const SecretKey* key = key_before(at_);
    if (key == nullptr) return false;
    // "unexpected token: )" is no secret: outside of quotes a colon counts only where a value is
    // beyond doubt.
    const bool quoted_key = at_ > 0 && (text_[at_ - 1] == '"' || text_[at_ - 1] == '\'');
    if (c == ':' && !quoted_key &&
        (key->word == "token" || key->word == "sig" || key->word == "assertion"))
      return false;
    const std::size_t from = skip_spaces(at_ + (encoded ? 3 : 1));
    return quoted_value(from) || (c == ':' ? line_value(from) : plain_value(from, *key, encoded));
  }

  const SecretKey* key_before(std::size_t end) const {
    while (end > 0 && is_space(text_[end - 1])) --end;
    if (end > 0 && (text_[end - 1] == '"' || text_[end - 1] == '\'')) --end;
    if (end > 0 && text_[end - 1] == '\\') --end;  // \"key\": \"value\"
    // The shortest run of words before the separator that is a key: "my Application Key" ends in
    // one.
    const SecretKey* found = nullptr;
    std::size_t start = end;
    while (start > 0 && end - start < kKeyLengthMax) {
      const char before = text_[start - 1];
      if (!is_word(before) && before != '-' && before != ' ') break;
      --start;
      if (starts_word(start)) {
        if (const SecretKey* key = find_key(text_.substr(start, end - start))) found = key;
      }
    }
    return found;
  }

  bool quoted_value(std::size_t from) {
    const bool escaped = at(from) == '\\' && (at(from + 1) == '"' || at(from + 1) == '\'');
    const std::size_t open = escaped ? from + 1 : from;
    const char quote = at(open);
    if (quote != '"' && quote != '\'') return false;
    std::size_t end = closing_quote(open + 1, quote, false, escaped);
    // A doubled quote is a quote inside the value (connection strings).
    while (!escaped && at(end) == quote && at(end + 1) == quote && end > open + 1) {
      end = closing_quote(end + 2, quote, false, false);
    }
    hide(open + 1, end);
    skip(escaped ? 2 : 1);
    return true;
  }

  bool line_value(std::size_t from) {
    std::size_t to = from;
    while (to < text_.size() && !is_line_end(at(to)) && !is_space(at(to)) && at(to) != ';' &&
           at(to) != '"')
      ++to;
    if (to == from) return false;
    hide(from, to);
    return true;
  }

  bool plain_value(std::size_t from, const SecretKey& key, bool encoded) {
    std::size_t to = from;
    for (; to < text_.size(); ++to) {
      const char c = at(to);
      if (c == ';' || c == '"' || is_line_end(c)) break;
      if (encoded && (matches(to, "%26") || matches(to, "%3b"))) break;
      if (c == '\'' && ends_quotation(to)) break;
      if (key.ends == Ends::at_ampersand && (c == '&' || is_space(c))) break;
    }
    if (to == from) return false;
    hide(from, to);
    return true;
  }
  // A single quote may be part of a password; followed by a space or the end, it closes a quotation
  // in a sentence.
  bool ends_quotation(std::size_t place) const {
    const char next = at(place + 1);
    return place + 1 >= text_.size() || is_space(next) || is_line_end(next) || next == ',' ||
           next == ')' || next == ';' || next == ':' || next == '.' || next == '"';
  }

  // `https://account.blob.core.windows.net/container;<account key>`
  bool account_key() {
    if (at(at_) != ';') return false;
    std::size_t to = at_ + 1;
    // What is short before its `=` is a name with its value.
    while (to < text_.size() && is_base64(at(to)) && at(to) != '=') ++to;
    if (to - at_ - 1 < kAccountKeyLength) return false;
    while (to < text_.size() && is_base64(at(to))) ++to;
    hide(at_ + 1, to);
    return true;
  }

  // `scheme://user:password@host`
  bool user_information() {
    if (text_.substr(at_, 3) != "://") return false;
    std::size_t colon = kNone;
    std::size_t last_at = kNone;
    for (std::size_t place = at_ + 3; place < text_.size(); ++place) {
      const char c = at(place);
      if (c == '/' || c == '?' || c == '#' || c == '"' || is_space(c) || is_line_end(c)) break;
      if (c == ':' && colon == kNone) colon = place;
      if (c == '@') last_at = place;
    }
    if (colon == kNone || last_at == kNone || last_at < colon) return false;
    hide(colon + 1, last_at);
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string out_;
};

}  // namespace

// What one secret hid may turn what follows it into another's shape, so it runs until nothing
// changes.
std::string redact(std::string_view text) {
  std::string shown = Redactor(text).run();
  for (int pass = 1; pass < kPassesMax; ++pass) {
    std::string again = Redactor(shown).run();
    if (again == shown) break;
    shown = std::move(again);
  }
  return shown;
}

bool names_secret(std::string_view key) { return find_key(key) != nullptr; }

}  // namespace kc
