#!/usr/bin/env bash
# Whatever can be wrong with a wish or with the place: a clear error with its code, and nothing lost or half done. It mounts small
# disks: as root, or in a user namespace of its own.
if [ -z "${KC_E2E_MOUNTS:-}" ]; then
  if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=64k none /mnt 2>/dev/null; then
    umount /mnt
  else
    exec unshare -Urm env KC_E2E_MOUNTS=own bash "${BASH_SOURCE[0]}" "$@"
  fi
fi
. "$(dirname "${BASH_SOURCE[0]}")/processes.sh"
unmount_all() { for disk in full readonly; do umount -l "$folder/$disk" 2>/dev/null || true; done; }
trap 'unmount_all; finish' EXIT

start source engine --port 0 --data "$folder/source"
start destination engine --port 0 --data "$folder/destination" --samples 0
start serve serve --listen 127.0.0.1:0 --data "$folder/data"
src=$(url_of source) dst=$(url_of destination) kc_url=$(url_of serve)
copy() { "$kc" -l "${lake:-$folder/lake}" -s "$src" -d "$dst" --db Samples "$@"; }
refused() {  # status, code, body
  local answer
  answer=$(curl -s -w '\n%{http_code}' --json "$3" "$kc_url/v1/jobs")
  [ "${answer##*$'\n'}" = "$1" ] && grep -qF "\"code\":\"$2\"" <<<"$answer" || fail "$3 was answered: $answer"
}
crc32c() {  # file
  local crc=$((0xFFFFFFFF)) byte bit
  for byte in $(od -An -v -tu1 "$1"); do
    crc=$((crc ^ byte))
    for bit in 0 1 2 3 4 5 6 7; do crc=$(((crc >> 1) ^ (crc & 1 ? 0x82F63B78 : 0))); done
  done
  printf '%08x' $((crc ^ 0xFFFFFFFF))
}
checkpoints() { find "$1" -type f -path '*checkpoint*' | sort | xargs cat | sha256sum; }

say "bodies"
whole="\"lake\":\"$folder/lake\",\"source\":\"$src\",\"destination\":\"$dst\",\"db\":\"Samples\""
refused 400 request.malformed_json '{"lake":'
refused 400 request.malformed_json 'no json'
refused 400 request.unknown_field "{$whole,\"tablesIncluded\":[]}"
refused 400 request.invalid_field "{$whole,\"tablesInclude\":\"StormEvents\"}"
refused 400 request.invalid_field "{$whole,\"verbose\":1}"
refused 400 request.missing_field '{}'
refused 422 job.unsupported "{$whole,\"continuous\":true}"
curl -sf "$kc_url/v1/jobs" | grep -q '"items":\[\]' || fail "a refused body became a job"

say "a table that is not there"
expect 3 preflight.table_not_found copy --id absent --tables-include US_States NoSuchTable
[ "$(count_at "$dst" Samples ".show tables | count")" = 0 ] || fail "something was made in the destination"

say "a destination table with rows"
create_database "$dst" Used
command_at "$dst" Used ".create table US_States (type:string, features:dynamic)" >/dev/null
command_at "$dst" Used ".ingest inline into table US_States <| a,1" >/dev/null
expect 3 destination.not_empty copy --id used --destination-db Used --tables-include US_States
[ "$(rows_of "$dst" Used US_States)" = 1 ] || fail "the rows that were there changed"
check_clean "$dst" Used 1 "$folder/lake/used"

say "clusters out of reach"
gone=http://127.0.0.1:1
expect 5 source.unreachable "$kc" -l "$folder/lake" -s $gone -d "$dst" --db Samples --id nosource
expect 5 destination.unreachable "$kc" -l "$folder/lake" -s "$src" -d $gone --db Samples --id nodestination
expect 2 connection.invalid_string "$kc" -l "$folder/lake" -s "nonsense=1" -d "$dst" --db Samples
say "and back again: the same job goes on"
expect 0 "1 of 1 tables" copy --id nosource --tables-include US_States

say "a lake that cannot be written"
mkdir "$folder/readonly" "$folder/full"
mount -t tmpfs -o ro none "$folder/readonly"
lake=$folder/readonly expect 8 lake.permission copy --id readonly
: >"$folder/file"
code=0
lake=$folder/file/lake copy --id infile >"$folder/expect.log" 2>&1 || code=$?
[ $code != 0 ] && grep -q "error: lake\." "$folder/expect.log" || fail "a lake below a file: $code: $(cat "$folder/expect.log")"

say "a full disk"
create_database "$dst" Full
mount -t tmpfs -o size=256k none "$folder/full"
code=0
lake=$folder/full copy --id full --destination-db Full --tables-include StormEvents --max-failures 2 >"$folder/expect.log" 2>&1 || code=$?
[ $code != 0 ] || fail "a copy through 256 kB succeeded"
grep -q "error: [a-z]*\.[a-z_]*: " "$folder/expect.log" || fail "no clear error: $(cat "$folder/expect.log")"
say "$(grep -m1 'error: ' "$folder/expect.log" | cut -c1-200)"
say "room again: the same command goes on, or begins what had failed anew"
mount -o remount,size=64m "$folder/full"
lake=$folder/full expect 0 "1 of 1 tables" copy --id full --destination-db Full --tables-include StormEvents --max-failures 2
expect 0 equal "$kc" verify -s "$src" -d "$dst" --db Samples --destination-db Full --tables-include StormEvents
check_clean "$dst" Full 1 "$folder/full/full"

say "a damaged checkpoint, and one of a newer program"
create_database "$dst" Damaged
expect 0 "1 of 1 tables" copy --id damaged --destination-db Damaged --tables-include US_States
cp -r "$folder/lake/damaged" "$folder/lake/newer"
file=$(ls "$folder"/lake/damaged/checkpoint/0*.jsonl | tail -n 1)
sed -i '2s/"/X/' "$file"
before=$(checkpoints "$folder/lake/damaged")
expect 10 checkpoint.corrupt copy --id damaged --destination-db Damaged --tables-include US_States
[ "$before" = "$(checkpoints "$folder/lake/damaged")" ] || fail "the damaged checkpoint was written to"
file=$(ls "$folder"/lake/newer/checkpoint/0*.jsonl | tail -n 1)
# A whole file of the next version, with the checksum that belongs to it.
body=$(sed '$d; 1s/{"v":1,/{"v":2,/' "$file" && echo .)
printf '%s' "${body%.}" >"$file"
printf '{"crc32c":"%s"}\n' "$(crc32c "$file")" >>"$file"
before=$(checkpoints "$folder/lake/newer")
expect 10 checkpoint.version copy --id newer --destination-db Damaged --tables-include US_States
[ "$before" = "$(checkpoints "$folder/lake/newer")" ] || fail "the newer checkpoint was written to"

say "places that are taken"
create_database "$dst" Mine
expect 9 server.port_in_use "$kc" serve --listen "${kc_url#http://}" --data "$folder/data2"
expect 9 server.port_in_use "$kc" engine --port "${src##*:}" --data "$folder/data3"
expect 9 data.in_use "$kc" serve --listen 127.0.0.1:0 --data "$folder/data"
expect 9 engine.in_use "$kc" engine --port 0 --data "$folder/source"
expect 0 "1 of 1 tables" copy --id mine --destination-db Mine --tables-include US_States
expect 9 job.exists copy --id mine --destination-db Mine --tables-include StormEvents
expect 2 config.not_loopback "$kc" serve --listen 0.0.0.0:0 --data "$folder/data2"
curl -sf "$kc_url/readyz" >/dev/null || fail "the service is not ready any more"
stop serve
say "ok"
