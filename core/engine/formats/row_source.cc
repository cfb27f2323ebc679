#include "core/engine/formats/row_source.h"

#include <algorithm>
#include <atomic>

namespace kc::engine {
namespace {

duckdb_type physical(ScalarType type) {
  switch (type) {
    case ScalarType::bool_:
      return DUCKDB_TYPE_BOOLEAN;
    case ScalarType::int_:
      return DUCKDB_TYPE_INTEGER;
    case ScalarType::long_:
    case ScalarType::datetime_:
    case ScalarType::timespan_:
      return DUCKDB_TYPE_BIGINT;
    case ScalarType::real_:
      return DUCKDB_TYPE_DOUBLE;
    case ScalarType::guid_:
      return DUCKDB_TYPE_UUID;
    default:
      return DUCKDB_TYPE_VARCHAR;
  }
}

struct BindState {
  std::shared_ptr<RowSource> source;
};
struct ScanState {
  std::atomic<std::size_t> next_part{0};
};
struct ThreadState {
  std::unique_ptr<PartReader> reader;
};

template <class T>
void destroy(void* state) {
  delete static_cast<T*>(state);
}

void bind(duckdb_bind_info info) {
  auto* registry = static_cast<SourceRegistry*>(duckdb_bind_get_extra_info(info));
  auto value = duckdb_bind_get_parameter(info, 0);
  auto source = registry->find(duckdb_get_int64(value));
  duckdb_destroy_value(&value);
  if (source == nullptr) {
    duckdb_bind_set_error(info, "no such row source");
    return;
  }
  int index = 0;
  for (const auto& column : source->columns()) {
    auto type = duckdb_create_logical_type(physical(column.type));
    duckdb_bind_add_result_column(info, ("c" + std::to_string(index++)).c_str(), type);
    duckdb_destroy_logical_type(&type);
  }
  duckdb_bind_set_bind_data(info, new BindState{std::move(source)}, destroy<BindState>);
}

void init(duckdb_init_info info) {
  const auto* state = static_cast<BindState*>(duckdb_init_get_bind_data(info));
  duckdb_init_set_max_threads(info, std::max<idx_t>(1, state->source->parts()));
  duckdb_init_set_init_data(info, new ScanState, destroy<ScanState>);
}

void init_thread(duckdb_init_info info) {
  duckdb_init_set_init_data(info, new ThreadState, destroy<ThreadState>);
}

void scan(duckdb_function_info info, duckdb_data_chunk chunk) {
  auto& source = *static_cast<BindState*>(duckdb_function_get_bind_data(info))->source;
  auto& shared = *static_cast<ScanState*>(duckdb_function_get_init_data(info));
  auto& own = *static_cast<ThreadState*>(duckdb_function_get_local_init_data(info));
  for (;;) {
    if (own.reader == nullptr) {
      const auto part = shared.next_part++;
      if (part >= source.parts()) {
        duckdb_data_chunk_set_size(chunk, 0);
        return;
      }
      auto opened = source.open(part);
      if (!opened) {
        duckdb_function_set_error(info, opened.error().message.c_str());
        return;
      }
      own.reader = std::move(*opened);
    }
    auto rows = own.reader->fill(chunk, duckdb_vector_size());
    if (!rows) {
      duckdb_function_set_error(info, rows.error().message.c_str());
      return;
    }
    if (*rows > 0) {
      duckdb_data_chunk_set_size(chunk, *rows);
      return;
    }
    own.reader.reset();
  }
}

void put_value(duckdb_vector vector, idx_t row, const Value& value, ScalarType type) {
  if (std::holds_alternative<std::monostate>(value)) {
    if (type == ScalarType::string_)
      put_text(vector, row, {});
    else
      put_null(vector, row);
  } else if (const auto* flag = std::get_if<bool>(&value)) {
    put(vector, row, *flag);
  } else if (const auto* number = std::get_if<std::int64_t>(&value)) {
    if (type == ScalarType::int_)
      put(vector, row, static_cast<std::int32_t>(*number));
    else
      put(vector, row, *number);
  } else if (const auto* real = std::get_if<double>(&value)) {
    put(vector, row, *real);
  } else if (type == ScalarType::guid_) {
    if (auto id = Uuid::parse(std::get<std::string>(value)))
      put_guid(vector, row, *id);
    else
      put_null(vector, row);
  } else {
    put_text(vector, row, std::get<std::string>(value));
  }
}

class MemoryReader final : public PartReader {
 public:
  explicit MemoryReader(const RowTable& table) : table_(table) {}
  Result<idx_t> fill(duckdb_data_chunk chunk, idx_t capacity) override {
    const idx_t rows = std::min<idx_t>(capacity, table_.rows.size() - at_);
    for (idx_t column = 0; column < table_.columns.size(); ++column) {
      auto vector = duckdb_data_chunk_get_vector(chunk, column);
      for (idx_t row = 0; row < rows; ++row) {
        put_value(vector, row, table_.rows[at_ + row][column], table_.columns[column].type);
      }
    }
    at_ += rows;
    return rows;
  }

 private:
  const RowTable& table_;
  std::size_t at_ = 0;
};

class MemorySource final : public RowSource {
 public:
  explicit MemorySource(RowTable table) : table_(std::move(table)) {}
  const std::vector<Column>& columns() const override { return table_.columns; }
  std::size_t parts() const override { return 1; }
  Result<std::unique_ptr<PartReader>> open(std::size_t) override {
    return std::make_unique<MemoryReader>(table_);
  }

 private:
  RowTable table_;
};

}  // namespace

std::shared_ptr<RowSource> source_of(RowTable table) {
  return std::make_shared<MemorySource>(std::move(table));
}

void put_null(duckdb_vector vector, idx_t row) {
  duckdb_vector_ensure_validity_writable(vector);
  duckdb_validity_set_row_invalid(duckdb_vector_get_validity(vector), row);
}
void put_text(duckdb_vector vector, idx_t row, std::string_view text) {
  duckdb_vector_assign_string_element_len(vector, row, text.data() == nullptr ? "" : text.data(),
                                          text.size());
}
void put_guid(duckdb_vector vector, idx_t row, const Uuid& value) {
  std::uint64_t upper = 0, lower = 0;
  for (std::size_t i = 0; i < 8; ++i) upper = upper << 8 | value.bytes[i];
  for (std::size_t i = 8; i < 16; ++i) lower = lower << 8 | value.bytes[i];
  put(vector, row, duckdb_hugeint{lower, static_cast<std::int64_t>(upper ^ (1ULL << 63))});
}

SourceRegistry::Handle SourceRegistry::add(std::shared_ptr<RowSource> source) {
  std::lock_guard lock(mutex_);
  const auto number = next_++;
  sources_[number] = std::move(source);
  return {this, number};
}

std::shared_ptr<RowSource> SourceRegistry::find(std::int64_t number) {
  std::lock_guard lock(mutex_);
  auto found = sources_.find(number);
  return found == sources_.end() ? nullptr : found->second;
}

void SourceRegistry::remove(std::int64_t number) {
  std::lock_guard lock(mutex_);
  sources_.erase(number);
}

Result<void> SourceRegistry::register_on(duckdb_connection connection) {
  auto function = duckdb_create_table_function();
  duckdb_table_function_set_name(function, "kc_rows");
  auto type = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
  duckdb_table_function_add_parameter(function, type);
  duckdb_destroy_logical_type(&type);
  duckdb_table_function_set_extra_info(function, this, nullptr);
  duckdb_table_function_set_bind(function, bind);
  duckdb_table_function_set_init(function, init);
  duckdb_table_function_set_local_init(function, init_thread);
  duckdb_table_function_set_function(function, scan);
  const auto state = duckdb_register_table_function(connection, function);
  duckdb_destroy_table_function(&function);
  if (state == DuckDBSuccess) return {};
  return fail(ErrorKind::unavailable, "engine.open", "DuckDB refuses the table function kc_rows");
}

}  // namespace kc::engine
