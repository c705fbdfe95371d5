#!/usr/bin/env bash
# What `cmake --install` leaves behind can be found, linked and run, also after it was moved, and says nothing of
# where it was built.
#
#   test_install.sh SOURCE BUILD VERSION LIBDIR NM LINT WITH_SERVER COMPILER [FLAG...]
#
# LINT: yes if the linter is part of the build, else no.
set -euo pipefail
export LC_ALL=C
here=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
# shellcheck source=tests/unit/exports.sh
. "$here/../unit/exports.sh"
# shellcheck source=tests/install/consume.sh
. "$here/consume.sh"

source=$1 build=$2 version=$3 libdir=$4 nm=$5 lint=$6
# shellcheck disable=SC2034 # consume.sh's
with_server=$7
shift 7
# shellcheck disable=SC2034 # consume.sh's
compiler=("$@")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
result=0
fault() {
    printf 'install: %s\n' "$*" >&2
    result=1
}

# check_mentions PREFIX: binaries too, unless a sanitizer or the coverage has written the names of sources into them.
# .deps is where scripts/setup puts what tests need.
check_mentions() {
    local word file binaries=()
    case ${compiler[*]} in
    *-fsanitize* | *--coverage*) binaries=(--exclude='libvouch*' --exclude=vouch-lint) ;;
    esac
    for word in "$source" "$build" "$1" .deps/ tests/ CMakeFiles; do
        while read -r file; do
            fault "${file#"$1"/} mentions $word"
        done < <(grep -rlaF "${binaries[@]}" -- "$word" "$1")
    done
}

# check_headers PREFIX: those of the checkout, and no other file
check_headers() {
    local but=()
    [ "$lint" = yes ] || but=(-x lint.h)
    diff -r "${but[@]}" "$source/include/vouch" "$1/include/vouch" >&2 || fault "the installed headers are not the checkout's"
}

# check_lua PREFIX: what runs inside the server, to be read
check_lua() {
    diff -r "$source/scripts/lua" "$1/share/vouch/lua" >&2 || fault "the installed Lua is not the checkout's"
    [ "$lint" = no ] || diff -r "$source/src/lint/rules" "$1/share/vouch/lint/rules" >&2 ||
        fault "the installed rules are not the checkout's"
}

check_prefix() {
    consume_by_cmake "$1" "$1/$libdir" "$lint"
    consume_by_pkg_config "$1/$libdir"
    [ "$lint" = no ] || {
        consume_lint_by_pkg_config "$1/$libdir"
        run_program "$1/bin/vouch-lint"
    }
}

cmake --install "$build" --prefix "$folder/first" >"$folder/log" || {
    cat "$folder/log" >&2
    exit 1
}
check_mentions "$folder/first"
check_headers "$folder/first"
check_lua "$folder/first"
mapfile -t list < <(headers "$folder/first/include")
check_exports "$nm" 20 "$folder/first/$libdir/libvouch.so" "$folder/first/$libdir/libvouch.a" "${list[@]}"
[ "$lint" = no ] || check_exports "$nm" 10 "$folder/first/$libdir/libvouch-lint.so" \
    "$folder/first/$libdir/libvouch-lint.a" "$(lint_headers "$folder/first/include")"
for binary in "$folder/first/$libdir"/*.so "$folder/first/bin"/*; do
    [ ! -e "$binary" ] || ! readelf -d "$binary" | grep -E 'RPATH|RUNPATH' >&2 || fault "${binary##*/} has a path of its own"
done
check_prefix "$folder/first"
mkdir -p "$folder/another/place"
mv "$folder/first" "$folder/another/place/prefix"
check_prefix "$folder/another/place/prefix"
[ $result = 0 ] && printf 'install: %d programs found, linked and ran vouch %s\n' "$programs" "$version"
exit $result
