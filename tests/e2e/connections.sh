#!/usr/bin/env bash
# `connections test` and `connections show`: what was understood, which step works and which does not, exit codes, time, Ctrl-C; nothing is
# left behind, and no secret is shown.
. "$(dirname "${BASH_SOURCE[0]}")/processes.sh"

start source engine --port 0 --data "$folder/source" --require-token
start destination engine --port 0 --data "$folder/destination" --samples 0
src="$(url_of source);Fed=True;UserToken=MARKED-source" dst="$(url_of destination)"
test=("$kc" connections test)

# said <what>: a line of the last answer.
said() { grep -qE -- "$1" "$folder/expect.log" || fail "'$1' is not said: $(cat "$folder/expect.log")"; }

say "all three, in words"
mkdir "$folder/lake"
create_database "$dst" Copy
expect 0 "source" "${test[@]}" -s "$src" -d "$dst" -l "$folder/lake" --db Samples --destination-db Copy
said "signIn +a token that was given"
said "secret +\*\*\*"
for step in trustedHost reachable token version "database +'Samples' with 5 tables" capacity "database +'Copy' with 0 tables" "queuedIngestion +no ingestion" \
  open create read list "grant +clusters are given file://" delete; do said "^  ok +$step"; done
grep -q failed "$folder/expect.log" && fail "something failed: $(cat "$folder/expect.log")"
[ -z "$(ls -A "$folder/lake")" ] || fail "left in the lake: $(ls -A "$folder/lake")"
expect 0 "folder" "${test[@]}" -l "$folder/absent"
[ ! -e "$folder/absent" ] || fail "the folder was made and left"

say "as JSON"
expect 0 '"ok": true' "${test[@]}" -s "$src" -l "$folder/lake" --db Samples --output json
said '"name": "token"'
said '"secret": "\*\*\*"'

say "what does not work, and what helps"
expect 8 'add `Fed=True`' "${test[@]}" -s "$(url_of source)"
said "^  failed +version"
expect 1 "give the database's name" "${test[@]}" -s "$src" --db Absent
expect 5 "check the host name" "${test[@]}" -s http://127.0.0.1:1
said "^  failed +reachable"
expect 8 "identity.untrusted_host" "${test[@]}" -s "https://kusto.windows.net.evil.example;Fed=True;UserToken=MARKED" --output json
said '"name": "trustedHost"'
expect 2 "'Application Key' needs 'Authority Id'" "${test[@]}" -s "https://c.kusto.windows.net;Fed=True;AppClientId=a;AppKey=MARKED"
expect 2 "the variable is not set" "${test[@]}" -s "$(url_of source);Fed=True;UserToken=env:NOT_SET_ANYWHERE"
expect 2 "no account key" "${test[@]}" -l "https://acct.blob.core.windows.net/copy;MARKED"
touch "$folder/file"
expect 5 "Not a directory" "${test[@]}" -l "$folder/file"
expect 2 "is required" "${test[@]}"
expect 2 "did you mean" "${test[@]}" --sorce x

say "nothing configured: one sentence for each who could have been asked"
begin=$(milliseconds_now)
expect 8 "no credential gives a token" env -i HOME="$folder" PATH="$folder" "$kc" connections test -s "$(url_of source);Fed=True"
took=$(($(milliseconds_now) - begin))
for link in "client secret|environment" "workload identity" "managed identity" "[Aa]zure CLI|Azure command line"; do said "$link"; done
[ $took -le 3000 ] || fail "it took $took ms"

say "a person is asked where that is wished; what nobody can reach is told"
expect 5 "device code" "${test[@]}" -s "$(url_of source);Fed=True" --sign-in device-code --timeout 2s
said "^  failed +token"
expect 5 "device code" env https_proxy=http://127.0.0.1:1 no_proxy=127.0.0.1 "$kc" verify -s "$(url_of source);Fed=True" -d "$dst" --db Samples --sign-in device-code
expect 2 "environment, device-code" "$kc" verify -s "$src" -d "$dst" --db Samples --sign-in me

expect 8 "device-code is for clusters alone" env -i HOME="$folder" PATH="$folder" "$kc" connections test -l "https://acct.blob.core.windows.net/copy" --sign-in device-code
said "fix: .*az login --use-device-code"
expect 2 "'device-code' of the lake's URL" "${test[@]}" -l "https://acct.blob.core.windows.net/copy;device-code"

say "show asks nobody"
expect 0 "https://c.kusto.windows.net" "$kc" connections show -s "https://c.kusto.windows.net/Db;Fed=True;AppClientId=a;tid=t;AppKey=MARKED" -l "https://acct.blob.core.windows.net/copy;impersonate"
said "signIn +an application by its key"
said "they come as the caller"
said "secret +\*\*\*"

say "a cluster that does not answer: the time-out, and Ctrl-C"
printf '{"VersionShow": {"delay": "10m"}}' >"$folder/slow.json"
start slow engine --port 0 --data "$folder/slow" --samples 0 --faults "$folder/slow.json"
expect 5 "net.timeout" "${test[@]}" -s "$(url_of slow)" --timeout 1s --output json
: >"$folder/interrupted.log"
"${test[@]}" -s "$(url_of slow)" --timeout 5m >"$folder/interrupted.log" 2>&1 &
pids+=($!)
asked=$!
wait_until 30 grep -q "ok *reachable" "$folder/interrupted.log" || fail "nothing was asked"
begin=$(milliseconds_now)
kill -INT $asked
code=0
wait $asked || code=$?
[ $code = 130 ] || fail "exit code $code after SIGINT"
[ $(($(milliseconds_now) - begin)) -le 5000 ] || fail "Ctrl-C took too long"

if grep -rl MARKED "$folder"/*.log; then fail "a secret is in these files"; fi
say "done"
