#!/usr/bin/env bash
# What README.md shows as C is compiled, linked with the library, and run with a server:
#
#   test_readme.sh README INCLUDE libvouch.so WITH_SERVER COMPILER [FLAG...]
set -euo pipefail
export LC_ALL=C

readme=$1
include=$2
library=$3
with_server=$4
shift 4
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
warnings=(-std=c11 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Werror)

awk -v folder="$folder" '
    /^```c$/ { inside = 1; file = sprintf("%s/%02d.c", folder, ++n); next }
    /^```/ { inside = 0 }
    inside { print > file }
' "$readme"

blocks=0
for block in "$folder"/*.c; do
    [ -e "$block" ] || break
    program=${block%.c}
    "$@" "${warnings[@]}" -I"$include" "$block" -o "$program" "$library" -Wl,-rpath,"${library%/*}" || {
        printf 'readme: block %s does not compile\n' "${program##*/}" >&2
        exit 1
    }
    "$with_server" "$program" </dev/null || {
        printf 'readme: block %s ended with %d\n' "${program##*/}" $? >&2
        exit 1
    }
    blocks=$((blocks + 1))
done
[ $blocks -gt 0 ] || {
    printf 'readme: no block of C in %s\n' "$readme" >&2
    exit 1
}
printf 'readme: %d blocks of C compiled and run\n' $blocks
