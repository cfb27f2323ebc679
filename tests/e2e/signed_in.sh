#!/usr/bin/env bash
# Clusters that take no request without a token: the copy signs in as its connection strings say, both sides are equal, and the secrets stand
# nowhere afterwards. A host that is not to have a token gets none.
. "$(dirname "${BASH_SOURCE[0]}")/processes.sh"

start source engine --port 0 --data "$folder/source" --require-token
start destination engine --port 0 --data "$folder/destination" --samples 0 --require-token
src="$(url_of source);Fed=True;UserToken=MARKED-source" dst="$(url_of destination);Fed=True;AppToken=MARKED-destination"
tables=(--db Samples --tables-include StormEvents ConferenceSessions)

say "without signing in nothing is to be had"
expect 5 "401" "$kc" -l "$folder/lake" -s "$(url_of source)" -d "$dst" "${tables[@]}"

say "signed in on both sides"
"$kc" -l "$folder/lake" -s "$src" -d "$dst" "${tables[@]}" --verbose >"$folder/copy.log" 2>&1 || fail "the copy failed"
expect 0 equal "$kc" verify -s "$src" -d "$dst" "${tables[@]}"
cp "$folder/expect.log" "$folder/verify.log"
if grep -rl MARKED "$folder/lake" "$folder"/*.log; then fail "a secret is in these files"; fi

say "no token for a stranger"
expect 8 identity.untrusted_host "$kc" verify -s "https://kusto.windows.net.evil.example;Fed=True;UserToken=MARKED" -d "$dst" "${tables[@]}"
expect 2 "'Application Key' needs 'Authority Id'" "$kc" verify -s "$src" -d "https://c.kusto.windows.net;Fed=True;AppClientId=a;AppKey=MARKED" "${tables[@]}"
if grep -l MARKED "$folder/expect.log"; then fail "a secret is in a message"; fi
say "done"
