# shellcheck shell=bash
# The live tests against every line of servers that setup --matrix puts into .deps. To be sourced, after common.sh.

# Each line is there once at least. A test starts one server of each kind, so they go in pairs.
MATRIX=('redis-7.0 valkey-8.0' 'redis-8.0 valkey-8.1' 'redis-8.0 valkey-9.*')

# matrix_program NAME: prints the server's program; NAME may end in *, where a release moves on.
matrix_program() { list_servers | awk -v want="$1" '
    BEGIN { gsub(/\./, "\\.", want); gsub(/\*/, "[0-9]+", want) }
    $1 ~ "^" want "$" { sub(/^[^ ]* /, ""); found = $0 }
    END { if (found == "") exit 1; print found }'; }

matrix_version() {
    printf '%s %s' "${1%%-*}" "$(server_version "${1%%-*}" "$2" || printf '?')"
}

# matrix_row TITLE SECONDS VERDICT
matrix_row() { printf '%-40s %8s   %s\n' "$@"; }

# matrix_run PRESET [CTEST ARGUMENTS]: fails if a test failed or a server is missing; every pair runs all the same.
matrix_run() {
    local preset=$1 pair redis valkey title begin verdict rows=() failed=no
    shift
    for pair in "${MATRIX[@]}"; do
        if ! redis=$(matrix_program "${pair% *}") || ! valkey=$(matrix_program "${pair#* }"); then
            rows+=("$(matrix_row "$pair" - 'MISSING: see .deps/warnings and .deps/setup.log')")
            failed=yes
            continue
        fi
        title="$(matrix_version "${pair% *}" "$redis") + $(matrix_version "${pair#* }" "$valkey")"
        say "== $title"
        begin=$SECONDS
        verdict=passed
        VOUCH_REDIS_SERVER=$redis VOUCH_VALKEY_SERVER=$valkey ctest --test-dir "build/$preset" \
            --output-on-failure --no-tests=error -L live "$@" || verdict=FAILED
        [ "$verdict" = passed ] || failed=yes
        rows+=("$(matrix_row "$title" "$((SECONDS - begin))" "$verdict")")
    done
    say
    matrix_row servers seconds "live tests, $preset"
    printf '%s\n' "${rows[@]}"
    [ "$failed" = no ]
}
