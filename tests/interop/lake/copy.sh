#!/usr/bin/env bash
# Whole copies with their lake on Azurite, between engines of two processes, from the command line and by the service, with the
# account's key and with a SAS, or over https with a bearer token, from which clusters get delegated signatures:
# copy.sh <kusto-copy> <lake_tool> <place of azurite> plain|secure
here=$(dirname "${BASH_SOURCE[0]}")
. "$here/../../e2e/processes.sh"
. "$here/azurite.sh"

start source engine --port 0 --data "$folder/source"
start destination engine --port 0 --data "$folder/destination" --samples 0 --dm-storage "$connection"
src=$(url_of source) dst=$(url_of destination)

equal_and_clean() {  # database, lake, job
  expect 0 equal "$kc" verify -s "$src" -d "$dst" --db Samples --destination-db "$1"
  grep -q DIFFERENT "$folder/expect.log" && fail "a table differs"
  [ "$(grep -c ' equal$' "$folder/expect.log")" = 5 ] || fail "not five equal tables"
  check_destination "$dst" "$1" 5
  check_lake "$2" "$3"
}

accesses='key sas'
[ "$4" = secure ] && accesses=token
for access in $accesses; do
  lake=$(lake_at "copies/$access" $access)
  for way in csv/direct auto/direct csv/queued auto/auto; do
    say "command line, $access, $way"
    format=${way%/*} ingest=${way#*/}
    db=Copy_${access}_${format}_$ingest job=copy-$access-$format-$ingest
    create_database "$dst" "$db"
    copy=(-l "$lake" -s "$src" -d "$dst" --db Samples --destination-db "$db" --id "$job" --format $format --ingest $ingest --block-rows-max 20000)
    expect 0 "100,048 rows" "$kc" "${copy[@]}"
    grep -q 'sig=\|Eby8vdM0\|eyJ' "$folder/expect.log" && fail "a secret is shown"
    equal_and_clean "$db" "$lake" "$job"
    expect 0 "nothing was copied" "$kc" "${copy[@]}"
    # Which way it really went: an ingestion that was queued has run without a command of ours.
    commands=$(command_at "$dst" "$db" ".show commands | where ClientActivityId startswith 'KustoCopy.ingest;copy-$access-$format-$ingest' | count")
    case $ingest in
      direct) [[ $commands != *'[[0]]'* ]] || fail "nothing was ingested by command" ;;
      *) [[ $commands = *'[[0]]'* ]] || fail "an ingestion was not queued: $commands" ;;
    esac
  done
done

# By command from here on: what a queue does was shown above, and each of its batches is ten seconds of waiting.
say "two containers as one lake"
"$tool" make "$connection" more-lakes
create_database "$dst" Two
access=${accesses##* }
lake=$(lake_at two $access) more=$("$tool" address "$connection" more-lakes/two $access)
expect 0 "100,048 rows" "$kc" -l "$lake" -l "$more" -s "$src" -d "$dst" --db Samples --destination-db Two --id two --ingest direct --block-rows-max 5000
equal_and_clean Two "$lake" two

say "mistakes are told"
database=(-s "$src" -d "$dst" --db Samples --destination-db Nowhere)
if [ "$4" = secure ]; then
  lake=$(lake_at copies/x token)
  expect 8 "lake.permission" "$kc" -l "${lake/;token=/;token=x}" "${database[@]}"
  SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt expect 1 "net.tls_untrusted" "$kc" -l "$lake" "${database[@]}"
else
  lake=$(lake_at copies/x sas)
  expect 2 "right 'd'" "$kc" -l "${lake/sp=rwdl/sp=rwl}" "${database[@]}"
  expect 8 "lake.permission" "$kc" -l "${lake/sig=/sig=A}" "${database[@]}"
fi
expect 3 "lake.container" "$kc" -l "$(lake_at copies/x key | sed "s,/$container/,/absent/,")" "${database[@]}"

say "two processes on one lake: the second is told who has it"
create_database "$dst" Held
lake=$(lake_at held key)
held=(-l "$lake" -s "$src" -d "$dst" --db Samples --destination-db Held --id held --ingest direct --block-rows-max 2000)
: >"$folder/held.log"
"$kc" "${held[@]}" >"$folder/held.log" 2>&1 &
pids+=($!)
first=$!
wait_until 60 grep -q phase=backfill "$folder/held.log" || fail "the copy did not begin"
expect 9 "lake.lease_held" "$kc" "${held[@]}"
wait $first || fail "the first of the two failed: $(tail -n 3 "$folder/held.log")"
equal_and_clean Held "$lake" held

# What was being exported is in doubt then, and swept when its grant has ended: a short one here.
say "Ctrl-C gives the lake back, and the same command goes on"
create_database "$dst" Stopped
lake=$(lake_at stopped key)
stopped=(-l "$lake" -s "$src" -d "$dst" --db Samples --destination-db Stopped --id stopped --ingest direct --block-rows-max 2000 --export-grant 15s)
: >"$folder/stopped.log"
"$kc" "${stopped[@]}" >"$folder/stopped.log" 2>&1 &
pids+=($!)
copy=$!
wait_until 60 grep -q 'blocks=[1-9]' "$folder/stopped.log" || fail "the copy did not begin"
kill -INT $copy
code=0
wait $copy || code=$?
[ $code = 130 ] || fail "exit code $code after SIGINT: $(tail -n 3 "$folder/stopped.log")"
expect 0 "100,048 rows" "$kc" "${stopped[@]}"
equal_and_clean Stopped "$lake" stopped

say "the service"
serve() {
  start serve serve --listen 127.0.0.1:0 --data "$folder/data" --export-grant 15s
  api=$(url_of serve)
}
serve
state() { curl -sf --max-time 30 "$api/v1/jobs/$1" | grep -o '"state":"[a-z]*"' | head -n 1 | cut -d'"' -f4; }
ended() { case $(state "$1") in succeeded | failed | canceled) return 0 ;; *) return 1 ;; esac; }
for access in $accesses; do
  lake=$(lake_at service $access) db=Served_$access job=served-$access
  create_database "$dst" "$db"
  curl -sf --json "{\"id\":\"$job\",\"lake\":\"$lake\",\"source\":\"$src\",\"destination\":\"$dst\",\"db\":\"Samples\",\"destinationDb\":\"$db\"}" \
    "$api/v1/jobs" >"$folder/answer.log" || fail "the job was refused"
  # Stopped as an operator does it, wherever it is: the next one goes on.
  stop serve
  serve
  wait_until 120 ended "$job" || fail "$job is $(state "$job")"
  [ "$(state "$job")" = succeeded ] || fail "$job: $(curl -s "$api/v1/jobs/$job")"
  curl -sf "$api/v1/jobs/$job" | grep -q 'Eby8vdM0\|eyJ\|sig=[A-Za-z0-9]' && fail "a secret is shown"
  equal_and_clean "$db" "$lake" "$job"
done
stop serve
stop source
stop destination
say ok
