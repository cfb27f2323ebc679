#!/usr/bin/env bash
# How long a small copy takes, and how fast a large one is beside DuckDB's own export and import of the same rows in the same run.
#   bench/copy.sh <build folder> [rows of the large copy]
set -euo pipefail
build=$(realpath "$1") rows=${2:-5000000}
kc=$build/server/kusto-copy yardstick=$build/bench/duckdb_round_trip
folder=$(mktemp -d "${TMPDIR:-/tmp}/kusto-copy-bench-XXXXXX")
mkfifo "$folder/never"
pids=()
finish() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null && { wait "$pid" || true; }; done
  rm -rf "$folder"
}
trap finish EXIT

engine() {  # name, arguments...
  local name=$1
  shift
  : >"$folder/$name.log"
  "$kc" engine --port 0 --data "$folder/$name" "$@" >"$folder/$name.log" 2>&1 &
  pids+=($!)
  until grep -q ' at http' "$folder/$name.log"; do
    kill -0 $! || { cat "$folder/$name.log"; exit 1; }
    read -r -t 0.02 _ <>"$folder/never" || true
  done
  url=$(grep -o 'http://.*' "$folder/$name.log")
}
copy() {  # name, arguments...; sets seconds
  local name=$1 begin
  shift
  curl -sf "$to/v1/rest/mgmt" --json "{\"db\":\"NetDefaultDB\",\"csl\":\".create database $name volatile\"}" >/dev/null
  begin=$(date +%s%N)
  "$kc" -l "$folder/lake" -d "$to" --db Samples --destination-db "$name" --id "${name//_/-}" --output json "$@" >"$folder/$name.json" ||
    { cat "$folder/$name.json"; exit 1; }
  local end
  end=$(date +%s%N)
  seconds=$(awk "BEGIN { printf \"%.3f\", ($end - $begin) / 1e9 }")
  rm -rf "${folder:?}/lake"
}
line() { printf '%-34s %10s s %14s %22s\n' "$@"; }

engine small
small=$url
engine large --samples 0 --log-rows "$rows"
large=$url
engine destination --samples 0
to=$url

printf '%-34s %12s %14s %22s\n' copy "wall time" rows/s "of DuckDB's own speed"
for round in first again; do
  copy "small_$round" -s "$small" --tables-include StormEvents demo_make_series1 ConferenceSessions US_States
  line "four tables, 100,000 rows ($round)" "$seconds" "$(awk "BEGIN { printf \"%.0f\", 100000 / $seconds }")" ""
done
for format in parquet auto; do
  copy "large_$format" -s "$large" --tables-include Logs --format $format
  mkdir -p "$folder/duckdb_$format"
  own=$("$yardstick" "$folder/large" "$folder/duckdb_$format" parquet)
  rm -rf "$folder/duckdb_$format"
  line "$rows rows, $format" "$seconds" "$(awk "BEGIN { printf \"%.0f\", $rows / $seconds }")" "$(awk "BEGIN { printf \"%.2f\", $own / $seconds }")"
  line "  DuckDB, parquet" "$own" "$(awk "BEGIN { printf \"%.0f\", $rows / $own }")" ""
done
