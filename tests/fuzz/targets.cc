#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/kql_target.h"

namespace kc::fuzz {

// A new target: its file, a line here, a folder of a few inputs under corpus/.
const std::vector<Target>& targets() {
  static const std::vector<Target> all{
      {"kql",
       run_kql,
       {"| where",
        "| extend",
        "| summarize",
        "| mv-expand",
        "| mv-apply x = d on (",
        "| join kind=",
        "on $left.a",
        "| parse s with",
        "| evaluate",
        "bag_unpack(d)",
        "let f = (",
        "materialize(",
        "toscalar(",
        "datatable(",
        "dynamic({",
        "datetime(",
        "```",
        "h@'",
        "['",
        "between (",
        "in~ (",
        "$right.s ==",
        "| union T*",
        "| invoke F(",
        "| as",
        "| order by",
        "nulls first",
        "prev(a)",
        "row_cumsum(",
        "declare query_parameters(",
        "arg_max(a, *)",
        "0x",
        "9223372036854775807",
        "1d",
        "\xF0\x9F\x98\x80"}},
  };
  return all;
}

}  // namespace kc::fuzz
