#!/usr/bin/env bash
# The seeds' command line against engines of other processes: copies, finds itself complete, and both sides are equal.
. "$(dirname "${BASH_SOURCE[0]}")/processes.sh"

start source engine --port 0 --data "$folder/source"
start destination engine --port 0 --data "$folder/destination" --samples 0
src=$(url_of source) dst=$(url_of destination)
seeds=(-l "$folder/lake" -s "$src/" -d "$dst/" --db Samples --tables-include StormEvents demo_make_series1 ConferenceSessions US_States)

expect 0 "100,000 rows" "$kc" "${seeds[@]}"
job=$(ls "$folder/lake")
check_clean "$dst" Samples 4 "$folder/lake/$job"
expect 0 equal "$kc" verify -s "$src" -d "$dst" --db Samples --tables-include StormEvents demo_make_series1 ConferenceSessions US_States
grep -q DIFFERENT "$folder/expect.log" && fail "a table differs"
[ "$(grep -c ' equal$' "$folder/expect.log")" = 4 ] || fail "not four equal tables"

say "again, at once"
before=$(find "$folder/lake" -type f -path '*checkpoint*' | sort | xargs cat | sha256sum)
expect 0 "nothing was copied" "$kc" "${seeds[@]}"
[ "$before" = "$(find "$folder/lake" -type f -path '*checkpoint*' | sort | xargs cat | sha256sum)" ] || fail "the rerun wrote to the checkpoint"
expect 0 '"alreadyComplete":true' "$kc" "${seeds[@]}" --output json

say "every type, as files of each format"
for format in csv auto; do
  create_database "$dst" "All_$format"
  expect 0 "48 rows" "$kc" -l "$folder/lake" -s "$src" -d "$dst" --db Samples --destination-db All_$format --tables-include AllTypes --format $format
  expect 0 equal "$kc" verify -s "$src" -d "$dst" --db Samples --destination-db All_$format --tables-include AllTypes
done

say "everything but"
create_database "$dst" Some
expect 0 "2 of 2 tables" "$kc" -l "file://$folder/lake" -s "$src" -d "$dst" --db Samples --destination-db Some --tables-exclude StormEvents,AllTypes US_States \
  --query-slots %50 --export-slots 2 --ingestion-slots=100% --rpo 00:05:00 -v

say "a mistake is told by its nearest right word, and nothing is touched"
expect 2 "did you mean --tables-include?" "$kc" --table-include X
expect 2 "did you mean kusto-copy serve?" "$kc" serv
expect 2 "--source is required" "$kc" -l x
expect 2 "job.unsupported" "$kc" "${seeds[@]}" --continuous
expect 2 "job.unsupported" "$kc" "${seeds[@]}" --backfillHorizon 5d
expect 2 "slots" "$kc" "${seeds[@]}" --export-slots many
expect 2 "lake.unsupported" "$kc" -l https://a.blob.core.windows.net/copy -s "$src" -d "$dst" --db Samples
expect 0 "kusto-copy 0." "$kc" version
expect 0 "--tables-include" "$kc" --help

say "environment and file, weaker than a flag"
printf 'db: Nowhere\ntablesInclude: [US_States]\n' >"$folder/config.yaml"
create_database "$dst" FromFile
KUSTO_COPY_SOURCE=$src KUSTO_COPY_DB=Nothing expect 0 "52 rows" "$kc" --config "$folder/config.yaml" -l "$folder/lake" -d "$dst" --db Samples --destination-db FromFile
printf 'tablesInclud: [US_States]\n' >"$folder/config.yaml"
expect 2 "did you mean 'tablesInclude'?" "$kc" --config "$folder/config.yaml" "${seeds[@]}"

say "Ctrl-C: told how to go on, and it does"
create_database "$dst" Stopped
stopped=("${seeds[@]}" --destination-db Stopped --block-rows-max 5000)
"$kc" "${stopped[@]}" >"$folder/stopped.log" 2>&1 &
pids+=($!)
copy=$!
wait_until 60 grep -q phase=backfill "$folder/stopped.log" || fail "the copy did not begin"
kill -INT $copy
code=0
wait $copy || code=$?
[ $code = 130 ] || fail "exit code $code after SIGINT"
grep -q "The same command resumes it" "$folder/stopped.log" || fail "not told how to go on"
expect 0 "100,000 rows" "$kc" "${stopped[@]}"
expect 0 equal "$kc" verify -s "$src" -d "$dst" --db Samples --destination-db Stopped --tables-include StormEvents

stop source
stop destination
say "ok"
