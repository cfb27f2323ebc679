#!/usr/bin/env bash
# The list of jobs and the lake, each lost without the other: the first costs nothing, the second is told as checkpoint.missing.
. "$(dirname "${BASH_SOURCE[0]}")/processes.sh"
rows=$2

start source engine --port 0 --data "$folder/source" --samples 0 --log-rows "$rows"
start destination engine --port 0 --data "$folder/destination" --samples 0
src=$(url_of source) dst=$(url_of destination)
serve() { start serve serve --listen 127.0.0.1:0 --data "$folder/data" && kc_url=$(url_of serve); }
body() { echo "{\"id\":\"$1\",\"lake\":\"$folder/lake\",\"source\":\"$src\",\"destination\":\"$dst\",\"db\":\"Samples\",\"destinationDb\":\"$2\",\"blockRowsMax\":$((rows / 20))}"; }
ask() { curl -sf --max-time 30 "$kc_url$1"; }
state() { ask "/v1/jobs/$1" | grep -o '"state":"[a-z]*"' | head -n 1 | cut -d'"' -f4; }
ended() { case $(state "$1") in succeeded | failed | canceled) return 0 ;; *) return 1 ;; esac; }
# Some blocks moved, so that there is progress to lose.
moved() { ask "/v1/jobs/$1/progress" | grep -q '"done":{"rows":[1-9]'; }
crash() { kill -9 "$pid_serve" && { wait "$pid_serve" 2>/dev/null || true; }; }

create_database "$dst" One
create_database "$dst" Two
serve
curl -sf --json "$(body one One)" "$kc_url/v1/jobs" >/dev/null
wait_until 120 moved one || fail "no progress"
crash
say "the database is lost in the middle of a copy"
rm -f "$folder"/data/kusto-copy.sqlite*
serve
ask /v1/jobs | grep -q '"items":\[\]' || fail "the list should be empty"
uid_before=$(grep -oh '"uid":"[^"]*"' "$folder"/lake/one/checkpoint/* | sort -u)
curl -sf --json "$(body one One)" "$kc_url/v1/jobs" >/dev/null
wait_until 300 ended one
[ "$(state one)" = succeeded ] || fail "one: $(ask /v1/jobs/one)"
[ "$uid_before" = "$(grep -oh '"uid":"[^"]*"' "$folder"/lake/one/checkpoint/* | sort -u)" ] || fail "it is another job now"
grep -ql takeover "$folder"/lake/one/checkpoint/* || fail "it was not taken over from the lake"
expect 0 equal "$kc" verify -s "$src" -d "$dst" --db Samples --destination-db One
check_clean "$dst" One 1 "$folder/lake/one"

say "the lake is lost, but not the database"
curl -sf --json "$(body two Two)" "$kc_url/v1/jobs" >/dev/null
wait_until 120 moved two || fail "no progress"
crash
mv "$folder/lake/two" "$folder/elsewhere"
serve
wait_until 120 ended two
[ "$(state two)" = failed ] || fail "two: $(ask /v1/jobs/two)"
ask /v1/jobs/two | grep -q '"code":"checkpoint.missing"' || fail "two: $(ask /v1/jobs/two)"
[ -z "$(find "$folder/lake/two" -name '*.jsonl' 2>/dev/null)" ] || fail "a new journal was begun"
stop serve
say "ok"
