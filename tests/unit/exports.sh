# shellcheck shell=bash
# To be sourced: what a library exports, against what the public headers declare with VOUCH_API.

# declared INCLUDE: comments and preprocessor lines out; then the name before the first parenthesis of each
# declaration.
declared() {
    cat "$1"/vouch/*.h | sed -e '/^#/d' -e 's|/\*[^*]*\*/||g' -e '/^ *\/\*/,/\*\//d' | tr '\n' ' ' |
        grep -oE 'VOUCH_API [^;(]*\(' | grep -oE '[a-z0-9_]+\($' | tr -d '(' | sort
}

# check_exports NM INCLUDE libvouch.so libvouch.a: calls `fault` for each that differs.
check_exports() {
    local nm=$1 shared=$3 static=$4 names
    names=$(declared "$2")
    [ "$(wc -l <<<"$names")" -ge 20 ] || fault "found only these declarations in the headers: $names"
    diff <(printf '%s\n' "$names") \
        <("$nm" -P -D --defined-only "$shared" | awk '$2 != "A" { sub(/@.*/, "", $1); print $1 }' | sort) >&2 ||
        fault "libvouch.so does not export exactly what the headers declare (< declared, > exported)"
    diff <(printf '%s\n' "$names") \
        <("$nm" -P -g --defined-only "$static" | awk 'NF > 1 && $1 !~ /^_/ { print $1 }' | sort) >&2 ||
        fault "libvouch.a does not define exactly what the headers declare (< declared, > defined)"
}
