#!/usr/bin/env bash
# kusto-copy demo: the curl lines, progress, four tables with equal digests, and nothing left behind.
. "$(dirname "${BASH_SOURCE[0]}")/processes.sh"

mkdir "$folder/tmp"
TMPDIR=$folder/tmp expect 0 "Equal: every row, once." "$kc" demo
[ "$(grep -c ' equal$' "$folder/expect.log")" = 4 ] || fail "not four equal tables"
grep -q '^\$ curl -s --json ' "$folder/expect.log" || fail "no curl line"
grep -q 'phase=' "$folder/expect.log" || fail "no progress"
[ -z "$(ls "$folder/tmp")" ] || fail "left behind: $(ls "$folder/tmp")"
say "ok"
