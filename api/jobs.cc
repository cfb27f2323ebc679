#include "api/jobs.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

#include "api/codec.h"
#include "api/problem.h"
#include "core/service/copy_service.h"

namespace kc::api {

namespace {

HttpResponse refuse(const Exchange& exchange, const Error& error) {
  return problem(error, exchange.instance(), exchange.request_id);
}
HttpResponse refuse(const Exchange& exchange, const std::vector<FieldError>& errors) {
  return problem(errors, exchange.instance(), exchange.request_id);
}

// Two bodies are the same request if they are the same bytes: what a retry sends.
std::string fingerprint(std::string_view text) {
  std::uint64_t low = 14695981039346656037ULL, high = 1099511628211ULL;
  for (const char c : text) {
    low = (low ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    high = (high + static_cast<unsigned char>(c)) * 6364136223846793005ULL + 1442695040888963407ULL;
  }
  return std::to_string(text.size()) + "-" + std::to_string(low) + "-" + std::to_string(high);
}

HttpResponse created(const std::string& id, std::string body, bool replayed) {
  const auto self = "/v1/jobs/" + id;
  HttpResponse response{.status = 201};
  response.body = std::move(body);
  response.headers = {{"Location", self}, {"Operation-Location", self}, {"Retry-After", "2"}};
  if (replayed) response.headers.emplace_back("Idempotent-Replayed", "true");
  return response;
}

// The key of the request, if it has one; an error where it has one that cannot be used.
tl::expected<std::optional<service::IdempotencyKey>, std::vector<FieldError>> read_key(
    const HttpRequest& request) {
  const auto* key = request.header("idempotency-key");
  if (key == nullptr) return std::nullopt;
  const bool printable =
      std::all_of(key->begin(), key->end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (key->empty() || key->size() > service::kIdempotencyKeyMax || !printable ||
      request.headers.count("idempotency-key") > 1) {
    return tl::unexpected(std::vector<FieldError>{
        {"idempotency.key_invalid", "", "Idempotency-Key",
         "Idempotency-Key must be 1 to " + std::to_string(service::kIdempotencyKeyMax) +
             " printable characters without spaces, given once"}});
  }
  return service::IdempotencyKey{.key = *key, .fingerprint = fingerprint(request.body)};
}

// --- paging: the token holds the place of the last row and what query it belongs to ---

std::string hex(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : text) {
    out += kDigits[static_cast<unsigned char>(c) >> 4U];
    out += kDigits[static_cast<unsigned char>(c) & 15U];
  }
  return out;
}

std::optional<std::string> unhex(std::string_view text) {
  std::string out;
  if (text.size() % 2 != 0) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    unsigned byte = 0;
    const auto [end, error] = std::from_chars(text.data() + i, text.data() + i + 2, byte, 16);
    if (error != std::errc() || end != text.data() + i + 2) return std::nullopt;
    out += static_cast<char>(byte);
  }
  return out;
}

std::string query_of(const std::vector<JobState>& states) {
  std::string out;
  for (const auto state : states) out += std::string(to_string(state)) + ",";
  return out;
}

std::string write_token(const service::JobPage::Place& place, const std::vector<JobState>& states) {
  return hex("1 " + std::to_string(place.created_at.value) + " " + place.id + " " +
             query_of(states));
}

std::optional<FieldError> read_token(const std::string& token, service::JobFilter& filter) {
  const FieldError invalid{"page_token.invalid", "", "pageToken",
                           "this page token was not made by this server"};
  const auto text = unhex(token);
  if (!text || text->substr(0, 2) != "1 ") return invalid;
  const auto second = text->find(' ', 2);
  const auto third = second == std::string::npos ? second : text->find(' ', second + 1);
  if (third == std::string::npos) return invalid;
  std::int64_t at = 0;
  const auto [end, error] = std::from_chars(text->data() + 2, text->data() + second, at);
  auto id = text->substr(second + 1, third - second - 1);
  if (error != std::errc() || end != text->data() + second || !is_valid_job_id(id)) return invalid;
  if (text->substr(third + 1) != query_of(filter.states)) {
    return FieldError{"page_token.mismatch", "", "pageToken",
                      "this page token belongs to a query with another filter"};
  }
  filter.after = service::JobPage::Place{{at}, std::move(id)};
  return std::nullopt;
}

FieldError bad_parameter(std::string name, std::string detail) {
  return {"request.invalid_parameter", "", std::move(name), std::move(detail)};
}

void read_states(const std::string& text, service::JobFilter& filter,
                 std::vector<FieldError>& errors) {
  for (std::size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find(',', at), text.size());
    const auto state = parse_job_state(text.substr(at, end - at));
    if (!state) {
      errors.push_back(bad_parameter(
          "state",
          "'state' must be one or more of pending, blocked, running, pausing, paused, "
          "canceling, canceled, succeeded, failed, with commas between"));
      return;
    }
    if (std::find(filter.states.begin(), filter.states.end(), *state) == filter.states.end())
      filter.states.push_back(*state);
    at = end + 1;
  }
  std::sort(filter.states.begin(), filter.states.end());
}

service::JobFilter read_filter(const HttpRequest& request, std::vector<FieldError>& errors) {
  service::JobFilter filter;
  filter.limit = kPageSizeDefault;
  if (const auto at = request.query.find("state"); at != request.query.end())
    read_states(at->second, filter, errors);
  if (const auto at = request.query.find("pageSize"); at != request.query.end()) {
    std::int64_t size = 0;
    const auto* last = at->second.data() + at->second.size();
    const auto [end, error] = std::from_chars(at->second.data(), last, size);
    if (error != std::errc() || end != last || size < 0) {
      errors.push_back(
          bad_parameter("pageSize", "'pageSize' must be a whole number, zero or more"));
    } else if (size > 0) {
      filter.limit = static_cast<std::size_t>(std::min(size, kPageSizeMax));
    }
  }
  if (const auto at = request.query.find("pageToken");
      at != request.query.end() && !at->second.empty() && errors.empty()) {
    if (auto error = read_token(at->second, filter)) errors.push_back(std::move(*error));
  }
  return filter;
}

}  // namespace

HttpResponse create_job(Exchange& exchange) {
  auto key = read_key(exchange.request);
  if (!key) return refuse(exchange, key.error());
  auto spec = read_job_spec(exchange.request.body);
  if (!spec) return refuse(exchange, spec.error());
  auto submitted = exchange.service.submit(std::move(*spec), *key);
  if (!submitted) return refuse(exchange, submitted.error());
  const auto& id = submitted->job.spec.id;
  if (submitted->answer) return created(id, std::move(*submitted->answer), true);
  auto body = write_job(submitted->job);
  if (*key && !submitted->replayed) exchange.service.remember_answer((*key)->key, body);
  return created(id, std::move(body), submitted->replayed);
}

HttpResponse list_jobs(Exchange& exchange) {
  std::vector<FieldError> errors;
  const auto filter = read_filter(exchange.request, errors);
  if (!errors.empty()) return refuse(exchange, errors);
  const auto page = exchange.service.list(filter);
  if (!page) return refuse(exchange, page.error());
  HttpResponse response;
  std::string token, link;
  if (page->next) {
    token = write_token(*page->next, filter.states);
    std::string states;
    for (const auto state : filter.states)
      states += (states.empty() ? "state=" : ",") + std::string(to_string(state));
    link = "/v1/jobs?" + states + (states.empty() ? "" : "&") +
           "pageSize=" + std::to_string(filter.limit) + "&pageToken=" + token;
    response.headers.emplace_back("Link", "<" + link + ">; rel=\"next\"");
  }
  response.body = write_job_page(*page, token, link);
  return response;
}

HttpResponse get_job(Exchange& exchange) {
  const auto job = exchange.service.get(exchange.id);
  if (!job) return refuse(exchange, job.error());
  HttpResponse response;
  response.body = write_job(*job);
  return response;
}

HttpResponse cancel_job(Exchange& exchange) {
  if (auto empty = read_empty(exchange.request.body); !empty)
    return refuse(exchange, empty.error());
  const auto job = exchange.service.cancel(exchange.id);
  if (!job) return refuse(exchange, job.error());
  HttpResponse response{.status = is_terminal(job->state) ? 200 : 202};
  response.body = write_job(*job);
  if (response.status == 202) {
    response.headers = {{"Operation-Location", "/v1/jobs/" + job->spec.id}, {"Retry-After", "1"}};
  }
  return response;
}

}  // namespace kc::api
