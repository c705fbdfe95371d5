#!/usr/bin/env bash
# Runs an example and looks at what it prints: smoke.sh NAME PROGRAM, with a server in $VOUCH_URL
# (tests/support/with_server).
set -euo pipefail
name=$1
program=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

fail() {
    printf '%s: %s; it printed:\n' "$name" "$1" >&2
    cat "$folder/out" "$folder/err" >&2
    exit 1
}
# run STATUS [ARGUMENT...]: runs it with this process's input, and wants this exit status.
run() {
    local want=$1 status=0
    shift
    "$program" "$@" >"$folder/out" 2>"$folder/err" || status=$?
    [ "$status" = "$want" ] || fail "ended with $status instead of $want"
}
prints() { grep -qxF -- "$2" "$folder/$1" || fail "did not print '$2'"; }

case $name in
pipeline)
    run 0 </dev/null
    prints out 'visits: 3'
    prints out '  name = Ann'
    prints out '  born = 1984'
    prints out '  bob: 0.1'
    prints out 'photo: 4 bytes'
    prints out 'no such key: nil'
    prints out 'command 9: VOUCH_ESERVER, NOT_APPLIED'
    cp "$folder/out" "$folder/resp3"
    run 0 "$VOUCH_URL?protocol=2" </dev/null
    diff "$folder/resp3" "$folder/out" || fail 'printed something else over RESP2'
    ;;
bulk_load)
    seq 250000 | sed 's/.*/line:& value &/' >"$folder/lines"
    run 0 <"$folder/lines"
    prints err '200000 lines'
    prints err '250000 applied, 0 not applied, 0 maybe'
    prints err '1 connections, 0 lost, 0 failed, 0 commands sent again'
    grep -q '^CONNECTED ' "$folder/err" || fail 'was not told that it is connected'
    [ ! -s "$folder/out" ] || fail 'names lines that were not loaded'
    printf 'a 1\nb\nc 3\n' >"$folder/lines"
    run 1 <"$folder/lines"
    prints err 'stopped at line 2: no space between key and value'
    ;;
event_loop)
    run 0 </dev/null
    prints out 'left: VOUCH_OK, 20000 applied'
    prints out 'right: VOUCH_OK, 20000 applied'
    ;;
*) fail 'there is no test of it' ;;
esac

# Nobody listens there: an error in words, and no success.
run 1 'unix:///nonexistent/socket' </dev/null
[ -s "$folder/err" ] || fail 'said nothing of a server that is not there'
