#!/usr/bin/env bash
# The linter finds nothing in what vouch itself runs on servers: lint_scripts.sh VOUCH-LINT BUILD SOURCE, of which BUILD
# has the expanded scripts (cmake/VouchLua.cmake) and SOURCE is the checkout. The scripts of the examples are looked at,
# too.
set -euo pipefail
lint=$(realpath "$1")
build=$2
source=$3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

mkdir "$folder/stream" "$folder/ratelimit" "$folder/examples"
cp "$build/src/stream/lua/"*.lua "$folder/stream/"
# As src/ratelimit/source.c puts it together, with all kinds of limits.
parts=$build/src/ratelimit/lua
cp "$parts/gcra_alone.lua" "$folder/ratelimit/"
cat "$parts/"{prelude,fixed_window,sliding_window,sliding_log,token_bucket,gcra,concurrency,decide}.lua \
    >"$folder/ratelimit/limiter.lua"
for file in "$source"/examples/*.c; do
    [ "$(basename "$file")" != demo_lint.c ] || continue # wrong, to show that it is found
    awk -v prefix="$folder/examples/$(basename "$file" .c)" -f "$source/tests/lint/strings.awk" "$file"
done

# Each of scripts/lua is there, or a test that finds nothing finds nothing.
for file in "$source"/scripts/lua/*/*.lua; do
    name=$(basename "$file")
    find "$folder" "$parts" -name "$name" | grep -q . || {
        echo "$file is not looked at" >&2
        exit 1
    }
done
count=$(find "$folder" -name '*.lua' | wc -l)
[ "$count" -ge 20 ] || {
    echo "only $count scripts were found" >&2
    exit 1
}

cd "$folder"
"$lint" --fail-on info .
