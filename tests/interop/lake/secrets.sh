#!/usr/bin/env bash
# Marked secrets in every place that takes one: whole copies by the command and by the service, direct and queued, connections that fail, a
# service that crashes; beside them what clusters are given and give: signatures of exports, of queues and of the status table, the identity
# token of data management, each read from what went between the program and the clusters. Then none of the marks is in a log, an answer, the output, the database, its log or the lake, in any of the forms that a text
# takes on its way. A mark that is planted in each of these places is found: secrets.sh <kusto-copy> <lake_tool> <place of azurite> plain|secure
here=$(dirname "${BASH_SOURCE[0]}")
. "$here/../../e2e/processes.sh"
. "$here/azurite.sh"

start source engine --port 0 --data "$folder/source" --require-token
start destination engine --port 0 --data "$folder/destination" --samples 0 --require-token --dm-storage "$connection"
# recorded <name> <variable>: sets it to the address of a proxy that writes down what is said to that engine, and what it says.
recorded() {
  : >"$folder/$1-proxy.log"
  node "$here/recording_proxy.mjs" "$(url_of "$1")" "$folder/$1.said" >"$folder/$1-proxy.log" 2>&1 &
  pids+=($!)
  wait_until 60 grep -q ^ready "$folder/$1-proxy.log" || fail "the proxy before $1 did not start"
  printf -v "$2" '%s' "$(sed -n 's/^ready //p' "$folder/$1-proxy.log")"
}
recorded source src_url
recorded destination dst_url

# --- the marks ---
token_source='MARK-src+/9~tok' token_destination='MARK-dst+/9~tok' token_variable='MARK-env+/9~tok' token_file='MARK-file+/9~tok'
app_key='MARK-app+/9~key' proxy_password='MARK-proxy-pass' certificate_password='MARK+pfx/9~pass' client_secret='MARK-client+/9~secret'
certificate_text='MARK certificate that is none, long enough to be looked at' marks=()
key=$(sed 's/.*AccountKey=\([^;]*\);.*/\1/' <<<"$connection")
lake_key=$(lake_at secrets key) lake_other=$(lake_at secrets sas)
other_mark=$(sed 's/.*sig=\([^&]*\).*/\1/' <<<"$lake_other")
if [ "$4" = secure ]; then
  lake_other=$(lake_at secrets token)
  other_mark=${lake_other##*;token=}
fi
wrong_mark='MARKwrongsignature0123456789MARK'
marks=("$token_source" "$token_destination" "$token_variable" "$token_file" "$app_key" "$proxy_password" "$certificate_password" "$client_secret"
  "$certificate_text" "${key:0:40}" "$other_mark" "$(printf '%b' "${other_mark//%/\\x}")" "$wrong_mark")

# A mark as it is; percent-encoded, wholly and where it must be; in JSON; in hex; in base64 at each of its three alignments.
forms_of() {
  local mark=$1 at form
  printf '%s\n' "$mark"
  sed 's,%,%25,g; s,+,%2B,g; s,/,%2F,g; s,=,%3D,g; s,~,%7E,g; s, ,%20,g' <<<"$mark"
  sed 's,%,%25,g; s,+,%2b,g; s,/,%2f,g; s,=,%3d,g; s, ,+,g' <<<"$mark"
  sed 's,/,\\/,g; s,+,\\u002b,g' <<<"$mark"
  printf '%s' "$mark" | od -An -tx1 | tr -d ' \n'
  echo
  for at in '' x xx; do
    form=$(printf '%s%s' "$at" "$mark" | base64 -w0)
    # Only what the mark alone decides.
    form=${form:4:$((${#form} - 8))}
    printf '%s\n' "$form"
    tr '+/' '-_' <<<"$form"
  done
}
decoded() { while read -r one; do printf '%b\n' "${one//%/\\x}"; done; }

# What the program and the clusters have told each other, once all is done. What data management gives is looked for in every form; the
# signatures in commands, which are many, as they are and decoded.
add_what_was_said() {
  local said=("$folder/source.said" "$folder/destination.said") given token
  grep -ohE '(queue|table|blob|[0-9])/[^"]*\?s[^"]*sig=[A-Za-z0-9%]+' "$folder/destination.said" >"$folder/resources" || fail "no resource was given"
  grep -q 'sp=a&' "$folder/resources" || fail "no signature of a queue was given"
  grep -q 'kcstatus.*sig=' "$folder/resources" || fail "no signature of the status table was given"
  given=$(grep -oE 'sp=(a|raud|rp|rwdlc)&.*sig=[A-Za-z0-9%]+' "$folder/resources" | sed 's/.*sig=//' | sort -u)
  token=$(grep -ohE '"[A-Za-z0-9+/=]{40,}\.[A-Za-z0-9+/=]{40,}"' "$folder/destination.said" | tr -d '"' | sort -u)
  [ -n "$given" ] && [ -n "$token" ] || fail "data management gave no signature, or no identity token"
  mapfile -t -O ${#marks[@]} marks < <({ echo "$given"; decoded <<<"$given"; echo "$token"; sed 's/.*\.//' <<<"$token"; } | sort -u)
  grep -ohE 'sig=[A-Za-z0-9%]{40,}' "${said[@]}" | sed 's/sig=//' | sort -u >"$folder/signatures"
  [ "$(wc -l <"$folder/signatures")" -ge 10 ] || fail "the commands had too few signatures"
  for mark in "${marks[@]}"; do forms_of "$mark"; done >"$folder/forms.all"
  cat "$folder/signatures" >>"$folder/forms.all"
  decoded <"$folder/signatures" >>"$folder/forms.all"
  sort -u "$folder/forms.all" >"$folder/forms"
  [ "$(awk 'length < 8' "$folder/forms" | wc -l)" = 0 ] || fail "a form is too short to mean anything"
}

places=()  # files and folders that are looked through
# found_in <place>: whether any form of any mark is there.
found_in() { LC_ALL=C grep -raqF -f "$folder/forms" "$1"; }

answers=$folder/answers
: >"$answers"
mkdir "$folder/out"
# look <job>: every GET of the API.
look() {
  local path
  for path in jobs "jobs?state=failed" "jobs/$1" "jobs/$1/progress" jobs/absent; do curl -s -i "$kc_url/v1/$path" >>"$answers"; done
  for path in livez readyz openapi.yaml metrics; do curl -s -i "$kc_url/$path" >>"$answers"; done
}
post() { curl -s -i --json "$1" "$kc_url/v1/jobs" >>"$answers"; }
tables=(--db Samples --tables-include StormEvents ConferenceSessions)
talk=(--verbose --log-level debug)
src="$src_url;Fed=True;UserToken=$token_source" dst="$dst_url;Fed=True;AppToken=$token_destination"
with() { curl -sf "$1" -H "Authorization: Bearer x" --json "$2"; }
make_database() { with "$dst_url/v1/rest/mgmt" "{\"db\":\"NetDefaultDB\",\"csl\":\".create database ['$1'] volatile\"}" >/dev/null; }

say "whole copies by the command"
n=0
for lake in "$lake_key" "$lake_other"; do
  for output in plain jsonl; do
    n=$((n + 1))
    make_database "Copy_$n"
    "$kc" -l "$lake" -s "$src" -d "$dst" "${tables[@]}" --destination-db "Copy_$n" --id "copy-$n" --output $output "${talk[@]}" \
      >"$folder/out/copy-$n" 2>&1 || fail "copy $n: $(tail -n 3 "$folder/out/copy-$n")"
    "$tool" dump "$lake_key" "copy-$n" >"$folder/out/lake-$n"
    grep -q ^checkpoint/ "$folder/out/lake-$n" || fail "the lake of copy $n is empty"
  done
done

say "queued"
for lake in "$lake_key" "$lake_other"; do
  n=$((n + 1))
  make_database "Copy_$n"
  "$kc" -l "$lake" -s "$src" -d "$dst" "${tables[@]}" --destination-db "Copy_$n" --id "copy-$n" --ingest queued "${talk[@]}" \
    >"$folder/out/copy-$n" 2>&1 || fail "queued copy $n: $(tail -n 3 "$folder/out/copy-$n")"
  "$tool" dump "$lake_key" "copy-$n" >"$folder/out/lake-$n"
done

say "tested before the copy"
for lake in "$lake_key" "$lake_other"; do
  "$kc" connections test -s "$src" -d "$dst" -l "$lake" --db Samples --output json >>"$folder/out/connections" 2>&1 ||
    fail "connections test: $(tail -n 40 "$folder/out/connections")"
  "$kc" connections show -s "$src" -d "$dst" -l "$lake" >>"$folder/out/connections" 2>&1
done

say "the same secrets by reference"
make_database Referenced
printf '%s\n' "$token_file" >"$folder/token.secret"
secrets=$folder/token.secret
LAKE_KEY=$key SOURCE_TOKEN=$token_variable "$kc" -l "${lake_key%;*};sharedkey=env:LAKE_KEY" \
  -s "$src_url;Fed=True;UserToken=env:SOURCE_TOKEN" -d "$dst_url;Fed=True;AppToken=file:$secrets" "${tables[@]}" \
  --destination-db Referenced --id referenced "${talk[@]}" >"$folder/out/referenced" 2>&1 || fail "by reference: $(tail -n 3 "$folder/out/referenced")"
expect 2 "keyword 'User Token' cannot be used: env:SOURCE_TOKEN: the variable is not set" "$kc" verify -s "$src_url;Fed=True;UserToken=env:SOURCE_TOKEN" -d "$dst" "${tables[@]}"

say "connections that fail"
# Beside each other: the retries of one are no wait for the next.
failing=()
fails() {  # <name> <text of the answer> <command...>
  must_fail "$@" &
  failing+=("$!")
}
must_fail() {
  local name=$1 text=$2
  shift 2
  "$@" >"$folder/out/$name" 2>&1 && fail "$name did not fail"
  grep -qF -- "$text" "$folder/out/$name" || fail "'$text' is not in: $(tail -n 3 "$folder/out/$name")"
}
check=("$kc" verify -d "$dst" "${tables[@]}" "${talk[@]}" -s)
proxy=(env "https_proxy=http://user:$proxy_password@127.0.0.1:1" no_proxy=127.0.0.1)
who="Fed=True;AppClientId=11111111-1111-1111-1111-111111111111;Authority Id=contoso.example"
fails app-key "identity.unavailable" "${proxy[@]}" "${check[@]}" "$src_url;$who;AppKey=$app_key"
fails certificate "certificate" "${check[@]}" "$src_url;$who;Application Certificate Blob=$(printf '%s' "$certificate_text" | base64 -w0)"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$folder/app.key" -out "$folder/app.crt" -subj /CN=app -days 2 2>/dev/null
openssl pkcs12 -export -inkey "$folder/app.key" -in "$folder/app.crt" -out "$folder/app.pfx" -passout pass:right
whose=(env AZURE_TENANT_ID=contoso.example AZURE_CLIENT_ID=11111111-1111-1111-1111-111111111111)
fails certificate-password "identity." "${proxy[@]}" "${whose[@]}" "AZURE_CLIENT_CERTIFICATE_PATH=$folder/app.pfx" \
  "AZURE_CLIENT_CERTIFICATE_PASSWORD=$certificate_password" "${check[@]}" "$src_url;Fed=True"
fails client-secret "identity.unavailable" "${proxy[@]}" "${whose[@]}" "AZURE_CLIENT_SECRET=$client_secret" "${check[@]}" "$src_url;Fed=True"
fails misspelt "is not known" "${check[@]}" "$src_url;Fed=True;UserTokn=x;AppKey=$app_key"
fails unquoted "has no end" "${check[@]}" "$src_url;Fed=True;UserToken=\"$token_source"
copy=("$kc" -s "$src" -d "$dst" "${tables[@]}" --destination-db Nowhere --id wrong "${talk[@]}" -l)
if [ "$4" = secure ]; then
  fails wrong-token "lake.permission" "${copy[@]}" "${lake_key%;*};token=$wrong_mark"
else
  fails wrong-sas "lake.permission" "${copy[@]}" "${lake_other/sig=*/sig=$wrong_mark}"
  fails wrong-key "lake.permission" "${copy[@]}" "${lake_key%;*};sharedkey=$(printf '%s%s' "$wrong_mark" "$wrong_mark" | base64 -w0)"
fi
for one in "${failing[@]}"; do wait "$one" || fail "a connection that has to fail, as said above"; done

say "the service, and its end in the middle"
serve() {
  SERVED_TOKEN=$token_variable start serve serve --listen 127.0.0.1:0 --data "$folder/data" --export-grant 15s \
    --secret-references "file:$secrets" env:SERVED_TOKEN "${talk[@]}"
  kc_url=$(url_of serve)
}
body() {  # <id> <lake> <source> <destination> [<rows of a block> [<way to ingest>]]
  printf '{"id":"%s","lake":"%s","source":"%s","destination":"%s","db":"Samples","destinationDb":"%s","blockRowsMax":%s,"ingest":"%s"}' "$1" "$2" "$3" "$4" "$1" "${5:-4000}" "${6:-direct}"
}
serve
for job in by-key by-other by-reference by-queue; do make_database $job; done
post "$(body by-key "$lake_key" "$src" "$dst" 1000)"
post "$(body by-other "$lake_other" "$src" "$dst")"
post "$(body by-reference "$lake_key" "$src_url;Fed=True;UserToken=env:SERVED_TOKEN" "$dst_url;Fed=True;AppToken=file:$secrets")"
post "$(body by-queue "$lake_key" "$src" "$dst" 10000 queued)"
post "$(body wrong-string "$lake_key" "$src_url;Fed=True;UserToken=\\\"$token_source" "$dst")"
post "$(body wrong-key "$lake_key" "$src_url;$who;AppKey=$app_key" "$dst")"
post "$(body not-allowed "$lake_key" "$src_url;Fed=True;UserToken=env:OTHER" "$dst")"
post "$(body wrong-lake "${lake_other//[.=]*/};sharedkey=$wrong_mark" "$src" "$dst")"
post "{\"id\":\"x\",\"source\":\"$src\",\"lakee\":\"$lake_key\"}"
post "{\"id\":\"x\",\"source\":\"$src\" $token_source"
begun() { curl -s "$kc_url/v1/jobs/by-key/progress" | grep -q '"done":{"rows":[1-9]'; }
wait_until 60 begun || fail "the job by-key did not begin"
for job in by-key by-other wrong-key wrong-string not-allowed wrong-lake; do look $job; done
# As a crash leaves it: the database with its log, and what the process says at its end.
kill -ABRT "$pid_serve"
wait "$pid_serve" 2>/dev/null || true
cp -r "$folder/data" "$folder/out/data-of-the-crash"
cp "$folder/serve.log" "$folder/out/crash.log"
grep -q by-key "$folder/out/data-of-the-crash/kusto-copy.sqlite"* || fail "the database does not know the job"
serve
done_all() {
  local job
  for job in by-key by-other by-reference by-queue; do curl -s "$kc_url/v1/jobs/$job" | grep -q '"state":"succeeded"' || return 1; done
}
wait_until 300 done_all || fail "the jobs did not end: $(curl -s "$kc_url/v1/jobs" | tail -c 2000)"
for job in by-key by-other by-reference by-queue wrong-key wrong-string not-allowed wrong-lake; do
  look $job
  curl -s -i --json '{}' "$kc_url/v1/jobs/$job/cancel" >>"$answers"
done
grep -q "^# HELP" "$answers" || fail "the metrics were not read"
grep -q "may not be read by this service" "$answers" || fail "a reference that is not allowed was read"
for job in by-key by-other by-reference by-queue; do "$tool" dump "$lake_key" $job >"$folder/out/lake-$job"; done
stop serve

say "what the clusters show of the commands they were sent"
for url in "$src_url" "$dst_url"; do
  with "$url/v1/rest/mgmt" '{"db":"Samples","csl":".show commands | project CommandType, Text, FailureReason"}' >>"$folder/out/commands" || true
  with "$url/v1/rest/mgmt" '{"db":"Samples","csl":".show operations | project Operation, Status"}' >>"$folder/out/commands" || true
done
grep -q 'export.*\*\*\*' "$folder/out/commands" || fail "no export with an obfuscated secret is shown: $(head -c 600 "$folder/out/commands")"

add_what_was_said
say "none of $(wc -l <"$folder/forms") forms of ${#marks[@]} marks is anywhere"
places=("$folder/out" "$answers" "$folder/data" "$folder/serve.log" "$folder/expect.log")
for place in "${places[@]}"; do
  [ -s "$place" ] || fail "$place is empty"
  if found_in "$place"; then fail "a secret is in: $(LC_ALL=C grep -raoF -f "$folder/forms" "$place" | cut -c1-200 | head -n 5)"; fi
done

say "and what is planted is found"
mkdir "$folder/each"
sed 's/.*/x&x/' "$folder/forms" | split -l 1 -a 4 - "$folder/each/"
[ "$(find "$folder/each" -type f | wc -l)" = "$(wc -l <"$folder/forms")" ] || fail "not every form was planted"
# Files without a match.
missed=$(LC_ALL=C grep -raLF -f "$folder/forms" "$folder/each" || true)
[ -z "$missed" ] || fail "planted forms are not found: $(cat $missed | head -n 5)"
for place in "$folder/out/data-of-the-crash/kusto-copy.sqlite" "$folder/data/kusto-copy.sqlite" "$answers" "$folder/serve.log" "$folder/out/crash.log" \
  "$folder/out/lake-1" "$folder/out/lake-by-key" "$folder/out/commands" "$folder/out/copy-1"; do
  cp "$place" "$folder/planted"
  printf '%s' "$token_source" >>"$folder/planted"
  found_in "$folder/planted" || fail "what is planted in $place is not found"
done
say "done"
