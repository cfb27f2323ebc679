#!/usr/bin/env bash
# Two processes on one lake folder: the second says who holds the job, and touches nothing.
. "$(dirname "${BASH_SOURCE[0]}")/processes.sh"
rows=$2

start source engine --port 0 --data "$folder/source" --samples 0 --log-rows "$rows"
start destination engine --port 0 --data "$folder/destination" --samples 0
src=$(url_of source) dst=$(url_of destination)
copy=(-l "$folder/lake" -s "$src" -d "$dst" --db Samples --id twice --block-rows-max $((rows / 20)))

"$kc" "${copy[@]}" >"$folder/first.log" 2>&1 &
first=$!
pids+=($first)
wait_until 60 grep -q phase=backfill "$folder/first.log" || fail "the first did not begin"
expect 9 "lake.lease_held" "$kc" "${copy[@]}"
grep -q "$(hostname 2>/dev/null || cat /proc/sys/kernel/hostname):$first" "$folder/expect.log" || fail "the holder is not named: $(cat "$folder/expect.log")"
kill -0 $first 2>/dev/null || fail "the first had ended already: too few rows for this test"

code=0
wait $first || code=$?
[ $code = 0 ] || fail "the first ended with exit code $code"
grep -q takeover "$folder"/lake/twice/checkpoint/* && fail "the job changed hands"
expect 0 equal "$kc" verify -s "$src" -d "$dst" --db Samples
check_clean "$dst" Samples 1 "$folder/lake/twice"
expect 0 "nothing was copied" "$kc" "${copy[@]}"
say "ok"
