# shellcheck shell=bash
# To be sourced: what a library exports, against what its public headers declare with VOUCH_API.

# headers INCLUDE, lint_headers INCLUDE: of the library vouch, and of the linter, which is a library of its own.
headers() { find "$1"/vouch -name '*.h' ! -name lint.h | sort; }
lint_headers() { printf '%s\n' "$1"/vouch/lint.h; }

# declared HEADER...: comments and preprocessor lines out; then the name before the first parenthesis of each
# declaration.
declared() {
    cat "$@" | sed -e '/^#/d' -e 's|/\*[^*]*\*/||g' -e '/^ *\/\*/,/\*\//d' | tr '\n' ' ' |
        grep -oE 'VOUCH_API [^;(]*\(' | grep -oE '[a-z0-9_]+\($' | tr -d '(' | sort
}

# check_exports NM LEAST SHARED STATIC HEADER...: calls `fault` for each that differs. LEAST: how many
# declarations there are at the least.
check_exports() {
    local nm=$1 least=$2 shared=$3 static=$4 names
    shift 4
    names=$(declared "$@")
    [ "$(wc -l <<<"$names")" -ge "$least" ] || fault "found only these declarations in the headers: $names"
    diff <(printf '%s\n' "$names") \
        <("$nm" -P -D --defined-only "$shared" | awk '$2 != "A" { sub(/@.*/, "", $1); print $1 }' | sort) >&2 ||
        fault "${shared##*/} does not export exactly what the headers declare (< declared, > exported)"
    diff <(printf '%s\n' "$names") \
        <("$nm" -P -g --defined-only "$static" | awk 'NF > 1 && $1 !~ /^_/ { print $1 }' | sort) >&2 ||
        fault "${static##*/} does not define exactly what the headers declare (< declared, > defined)"
}
