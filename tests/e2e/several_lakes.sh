#!/usr/bin/env bash
# One job over three lakes: exported data is on all of them while it is under way, a killed copy goes on, another list is refused, and
# nothing is left behind; from the command line and through the service.
. "$(dirname "${BASH_SOURCE[0]}")/processes.sh"
rows=${2:-300000}

start source engine --port 0 --data "$folder/source" --log-rows "$rows"
start destination engine --port 0 --data "$folder/destination" --samples 0
src=$(url_of source) dst=$(url_of destination)
lakes=("$folder/one" "$folder/two" "$folder/three")
copy=("$kc" -l "${lakes[0]}" -l "${lakes[1]}" -l "${lakes[2]}" -s "$src" -d "$dst" --db Samples --block-rows-max 5000)

exported() { find "$1" -path '*/data/*' -type f 2>/dev/null | grep -q .; }
check_lakes() {  # job
  [ -d "${lakes[0]}/$1/checkpoint" ] || fail "the first lake has no checkpoint of $1"
  local lake found
  for lake in "${lakes[1]}" "${lakes[2]}"; do
    [ ! -e "$lake/$1" ] || fail "$lake has a folder of $1 that another job of this id would meet"
    found=$(find "$lake" -type f -not -name .lease)
    [ -z "$found" ] || fail "left in $lake: $found"
  done
  check_clean "$dst" "$2" "$3" "${lakes[0]}/$1"
}

say "a copy that is killed has data on all three, and goes on"
create_database "$dst" Spread
spread=(--destination-db Spread --id spread)
seen=()
for try in 1 2 3 4 5 6 7 8; do
  : >"$folder/spread.log"
  "${copy[@]}" "${spread[@]}" >"$folder/spread.log" 2>&1 &
  pids+=($!)
  copying=$!
  wait_until 60 grep -q 'blocks=[1-9]' "$folder/spread.log" || fail "the copy did not begin: $(tail -n 3 "$folder/spread.log")"
  kill -9 $copying
  wait $copying 2>/dev/null || true
  for i in 0 1 2; do if exported "${lakes[i]}"; then seen[i]=yes; fi; done
  [ ${#seen[@]} -lt 3 ] || break
done
[ ${#seen[@]} = 3 ] || fail "exported data was on these lakes only: ${!seen[*]}"

say "another list, or another order, is refused"
expect 9 "belongs to a job with another 'lake'" "$kc" -l "${lakes[0]}" -l "${lakes[1]}" -s "$src" -d "$dst" --db Samples --block-rows-max 5000 "${spread[@]}"
expect 9 "belongs to a job with another 'lake'" "$kc" -l "${lakes[0]}" -l "${lakes[2]}" -l "${lakes[1]}" -s "$src" -d "$dst" --db Samples --block-rows-max 5000 "${spread[@]}"
expect 9 "belongs to a job with another 'lake'" "$kc" -l "${lakes[0]}" -s "$src" -d "$dst" --db Samples --block-rows-max 5000 "${spread[@]}"

expect 0 "rows" "${copy[@]}" "${spread[@]}"
expect 0 equal "$kc" verify -s "$src" -d "$dst" --db Samples --destination-db Spread
grep -q DIFFERENT "$folder/expect.log" && fail "a table differs"
check_lakes spread Spread 6
expect 0 "nothing was copied" "${copy[@]}" "${spread[@]}"

say "mistakes are told"
expect 2 "is given twice" "$kc" -l "${lakes[0]}" -l "${lakes[0]}/" -s "$src" -d "$dst" --db Samples
expect 2 "all are folders or all are containers" "$kc" -l "${lakes[0]}" -l 'https://acct.blob.core.windows.net/copy;impersonate' -s "$src" -d "$dst" --db Samples
expect 0 "${lakes[2]}" "$kc" connections test -l "${lakes[0]}" -l "${lakes[2]}"

say "the service"
start serve serve --listen 127.0.0.1:0 --data "$folder/data"
api=$(url_of serve)/v1/jobs
create_database "$dst" Served
curl -sf --json "{\"id\":\"served\",\"lake\":[\"${lakes[0]}\",\"${lakes[1]}\",\"${lakes[2]}\"],\"source\":\"$src\",\"destination\":\"$dst\",\"db\":\"Samples\",\"destinationDb\":\"Served\"}" "$api" \
  | grep -qF "\"lake\":[\"${lakes[0]}\",\"${lakes[1]}\",\"${lakes[2]}\"]" || fail "the list is not in the answer"
ended() { curl -s "$api/served" | grep -q '"state":"succeeded"'; }
wait_until 120 ended || fail "the job did not end: $(curl -s "$api/served")"
check_lakes served Served 6
for bad in '[]' '[1]' '[""]' '["a\nb"]' '{}'; do
  curl -s --json "{\"lake\":$bad,\"source\":\"$src\",\"destination\":\"$dst\",\"db\":\"Samples\"}" "$api" | grep -q 'request.invalid_field' || fail "lake $bad was taken"
done
stop serve
say "done"
