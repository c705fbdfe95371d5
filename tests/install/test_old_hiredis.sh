#!/usr/bin/env bash
# vouch and the hiredis 0.14 of older distributions live in one program, each of them shared or static.
#
#   test_old_hiredis.sh HIREDIS INCLUDE libvouch.so libvouch.a PC-FOLDER WITH_SERVER COMPILER [FLAG...]
set -euo pipefail
export LC_ALL=C

hiredis=$1 include=$2 shared=$3 static=$4 modules=$5 with_server=$6
shift 6
[ -e "$hiredis/include/hiredis/hiredis.h" ] || {
    printf 'old_hiredis: no hiredis 0.14 in %s: scripts/setup gets it on Debian and Ubuntu\n' "$hiredis" >&2
    exit 1
}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
source=${BASH_SOURCE[0]%/*}/old_hiredis.c
program=$folder/program

# build LIBRARY...: the order on the command line decides whose symbols win, if both have one.
build() {
    "${compile[@]}" "$source" -o "$program" "$@" -Wl,-rpath,"${shared%/*}" -Wl,-rpath,"$hiredis/lib"
}
compile=("$@" -std=c11 -Wall -Wextra -Werror "-I$include" "-I$hiredis/include")
# What a program that links the archive has to link as well.
read -ra private < <(PKG_CONFIG_PATH=$modules pkg-config --static --libs vouch | sed -E 's/-lvouch|-L[^ ]*//g')

for vouch in "$shared" "$static"; do
    for other in "$hiredis/lib/libhiredis.so" "$hiredis/lib/libhiredis.a"; do
        for order in "$vouch $other" "$other $vouch"; do
            # shellcheck disable=SC2086 # two words
            build $order "${private[@]}"
            "$with_server" "$program" </dev/null || {
                printf 'old_hiredis: linked with %s it ended with %d\n' "$order" $? >&2
                exit 1
            }
        done
    done
done

# The header that takes a hiredis says which it needs.
if printf '#include <vouch/hiredis.h>\n' | "${compile[@]}" -x c -fsyntax-only - 2>"$folder/said"; then
    printf 'old_hiredis: vouch/hiredis.h compiles with 0.14\n' >&2
    exit 1
fi
grep -q 'needs hiredis 1.0 or later' "$folder/said" || {
    cat "$folder/said" >&2
    exit 1
}
printf 'old_hiredis: eight programs with both ran\n'
