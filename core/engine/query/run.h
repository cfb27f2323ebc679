// Runs KQL: text to tree to SQL over pinned extents, and rows to the service's JSON. Used by the
// engine for queries and by the commands that take a query. Thread promise: a BoundQuery belongs to
// one thread at a time.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/engine/host.h"
#include "core/engine/storage/binder.h"

namespace kc::engine {

// A query whose names are resolved; what it reads stays readable for as long as this lives.
struct BoundQuery {
  std::unique_ptr<RequestBinder> binder;
  TranslatedQuery translated;
};

Result<BoundQuery> bind_query(Session& session, std::string_view text);
std::vector<Column> columns_of(const Translated& translated);

// `partial` is set, and the rows end, where the request's truncation limits are passed.
Result<ResultTable> run_select(Session& session, const Translated& translated,
                               std::optional<Error>& partial);
Result<DataSet> run_query(Session& session, std::string_view text);
// Operators (with the first bar) over a command's answer.
Result<RowTable> run_operators(Session& session, RowTable rows, std::string_view text);

}  // namespace kc::engine
