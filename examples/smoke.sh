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
nowhere=() # arguments before the URL
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
loop_epoll | loop_libuv)
    "$program" >"$folder/out" 2>"$folder/err" &
    server=$!
    until port=$(sed -n 's/^listening on //p' "$folder/out") && [ -n "$port" ]; do
        kill -0 $server || fail 'ended instead of listening'
    done
    # 20 visitors, 30 lines each, of three names: all are asked before the first answer is read.
    visitors=()
    for _ in {1..20}; do
        exec {fd}<>"/dev/tcp/127.0.0.1/$port"
        visitors+=("$fd")
        for ((k = 0; k < 10; k++)); do printf 'red\ngreen\nblue\n'; done >&"$fd"
    done
    for fd in "${visitors[@]}"; do
        for ((k = 0; k < 30; k++)); do
            read -r line <&"$fd" || fail "visitor $fd was sent away"
            printf '%s\n' "$line"
        done
    done | sort -k1,1 -k2,2n >"$folder/answers"
    for name in blue green red; do seq 200 | sed "s/^/$name /"; done | diff - "$folder/answers" ||
        fail 'answered something else'
    # One that goes away in the middle, and one that asks for the end.
    fd=${visitors[0]}
    printf 'red\n' >&"$fd"
    exec {fd}<&-
    printf 'quit\n' >&"${visitors[1]}"
    wait $server || fail 'ended with an error'
    ;;
publish_batch)
    run 0 </dev/null
    prints out 'second news'
    [ "$(grep -cxF -- '  published: 0 listening' "$folder/out")" = 2 ] || fail 'did not publish two messages'
    [ "$(grep -cxE -- '  stream: entry [0-9]+-[0-9]+' "$folder/out")" = 2 ] || fail 'did not add two entries'
    prints out '  queue: 2 waiting'
    run 0 "$VOUCH_URL" one two three </dev/null
    prints out '  queue: 5 waiting'
    ;;
collector)
    for word in get set get; do
        seq 20000 | sed "s/.*/$word &/"
    done >"$folder/lines"
    run 0 <"$folder/lines"
    prints err '60000 events, 60000 counted'
    grep -qE '^the last by [0-9]{10}, ' "$folder/err" || fail "does not know the server's time"
    [ ! -s "$folder/out" ] || fail 'names lines that were not counted'
    printf 'put' >"$folder/lines" # no end of line
    run 0 <"$folder/lines"
    prints err '1 events, 1 counted'
    head -c 200000 /dev/zero | tr '\0' x >"$folder/lines" # longer than there is room for a line
    run 0 <"$folder/lines"
    prints err '4 events, 4 counted'
    ;;
transfer)
    run 0 "$VOUCH_URL" 4 200 </dev/null
    prints out '4000 before, 4000 after'
    [ "$(grep -cE '^process [0-9]+: [0-9]+ moved, [0-9]+ not enough money, 0 failed' "$folder/out")" = 4 ] ||
        fail 'does not tell what became of 800 transfers'
    ;;
idempotent_request)
    run 0 first 250 </dev/null
    prints out 'done'
    prints out 'receipt: paid 250, 750 left'
    run 0 first 250 </dev/null
    prints out 'was done before'
    prints out 'receipt: paid 250, 750 left'
    run 0 second 700 </dev/null
    prints out 'receipt: paid 700, 50 left'
    run 2 third 51 </dev/null
    prints out 'not enough money, or no account'
    nowhere=(name 1)
    ;;
lock)
    run 0 </dev/null
    prints out 'ann holds the lock, number 1'
    prints out 'bob does not get it'
    prints out 'bob holds the lock, number 2'
    prints out 'bob writes: done'
    prints out 'ann wakes up and writes: refused'
    ;;
ledger)
    run 0 first </dev/null
    prints out 'the library was installed'
    grep -qE '^completed refused: it is created, since [0-9]{16} us$' "$folder/out" || fail 'skips a step'
    grep -qE '^executed  refused: it is completed, since [0-9]{16} us$' "$folder/out" || fail 'goes back'
    [ "$(grep -cE '^executed  done: it is executed, since [0-9]{16} us$' "$folder/out")" = 2 ] ||
        fail 'does not say again what was done'
    run 2 first </dev/null # complete already: it cannot be created
    prints out 'the library was there'
    nowhere=(name)
    ;;
compare_and_set)
    run 3 key seen new </dev/null
    prints out 'not set: the value was another one'
    printf 'key one' >"$folder/lines"
    "${program%/*}/bulk_load" <"$folder/lines" >/dev/null 2>&1
    run 0 key one two </dev/null
    prints out 'set'
    run 3 key one two </dev/null
    run 0 key two three </dev/null
    run 1 </dev/null
    nowhere=(key a b)
    ;;
rate_limiter)
    {
        for _ in {1..7}; do echo 'ann 100'; done
        printf 'bob 60000\nbob 60000\nbob 10\ncarl 200000\nno-request\ndan -1\n'
        for ((k = 0; k < 2000; k++)); do echo "visitor$k 1"; done
        printf 'eve 1' # no end of line
    } >"$folder/lines"
    run 0 <"$folder/lines"
    grep -qE '^2012 requests, 2008 passed, [1-9][0-9]? batches$' "$folder/err" || fail 'does not tell what became of them'
    [ "$(grep -cE '^ann 100 passes' "$folder/out")" = 5 ] || fail 'lets ann pass more or less than five times'
    [ "$(grep -cE '^ann 100 must wait for [0-9]+ ms$' "$folder/out")" = 2 ] || fail 'does not tell ann when'
    [ "$(grep -cE '^bob 60000 must wait for [0-9]+ ms$' "$folder/out")" = 1 ] || fail 'lets bob have too much'
    # What was refused for its bytes has not cost him a request.
    prints out 'bob 10 passes, 3 requests and 39990 bytes left'
    prints out 'carl 200000 is too much at once'
    prints out 'eve 1 passes, 4 requests and 99999 bytes left'
    prints err 'no request: no-request'
    prints err 'no request: dan -1'
    ;;
exactly_once)
    run 0 feed 3000 </dev/null
    # A worker is killed while it works, as often as that can be done; others go on.
    for _ in 1 2 3 4 5; do
        "$program" work killed >"$folder/worker" 2>&1 &
        worker=$!
        until grep -q applied "$folder/worker"; do kill -0 "$worker" 2>/dev/null || break; done
        kill -9 "$worker" 2>/dev/null || true
        wait "$worker" 2>/dev/null || true
        run 0 feed 100 </dev/null
    done
    run 1 check </dev/null
    run 0 work last </dev/null
    run 0 check </dev/null
    prints out '3500 of 3500 transfers applied, none more than 1 times; 176750 cents of 176750'
    nowhere=(check)
    ;;
event_pipeline)
    parts=()
    for part in 'invoice a' 'invoice b' 'total c' watch; do
        # shellcheck disable=SC2086
        "$program" $part >"$folder/${part//[^a-z]/}" 2>&1 &
        parts+=("$!")
    done
    for producer in ann bob; do
        "$program" produce "$producer" 4000 >"$folder/$producer" 2>&1 &
        parts+=("$!")
    done
    # One of each kind dies in the middle of it, and is started again.
    until grep -q 'orders: [0-9]* wait' "$folder/watch"; do kill -0 "${parts[3]}" || break; done
    for i in 0 2 4; do
        kill -9 "${parts[i]}" 2>/dev/null || true
        wait "${parts[i]}" 2>/dev/null || true
    done
    run 0 produce ann 4000 </dev/null
    grep -qE '^ann: 4000 orders are in; waited [0-9]+ times for the next stage$' "$folder/out" ||
        fail 'does not tell that the orders are in'
    "$program" total c >"$folder/totalc" 2>&1 &
    parts[2]=$!
    for i in 1 2 3 5; do
        wait "${parts[i]}" || { cat "$folder"/[aitw]* >&2; fail 'a part of it ended badly'; }
    done
    run 0 replay </dev/null
    prints out '8000 orders of 4196800 cents, 8000 invoices of 4196800 cents'
    nowhere=(replay)
    ;;
lint_script)
    printf "local n = redis.call('GET', KEYS[1]) or 0\nlocal m = 7 // 2\nreturn n > m\n" >"$folder/lines"
    run 2 "$folder/lines" </dev/null
    grep -q '^line 1, ' "$folder/out" || grep -q '^line 3, error: ' "$folder/out" || fail 'does not find the comparison'
    grep -q '^line 2, error: ' "$folder/out" || fail 'does not find the operator'
    prints out '2 found; servers refuse it'
    printf "return redis.call('GET', KEYS[1])\n" >"$folder/lines"
    run 0 <"$folder/lines"
    prints out '0 found; servers take it'
    ;;
*) fail 'there is no test of it' ;;
esac

# Nobody listens there: an error in words, and no success.
run 1 "${nowhere[@]}" 'unix:///nonexistent/socket' </dev/null
[ -s "$folder/err" ] || fail 'said nothing of a server that is not there'
