#!/usr/bin/env bash
# The table of bad inputs in tests/README.md names tests: each must be there.
#
#   test_input_table.sh TESTS-FOLDER
set -euo pipefail
export LC_ALL=C

folder=$1
rows=0 wrong=0
# shellcheck disable=SC2016 # backticks of Markdown
while IFS= read -r named; do
    file=$folder/${named%%:*}.c
    name=${named#*:}
    rows=$((rows + 1))
    grep -qsF "START_TEST($name)" "$file" || {
        printf 'tests/README.md: no test %s in %s\n' "$name" "$file" >&2
        wrong=1
    }
done < <(awk '/^## Bad input/ { on = 1; next } /^## / { on = 0 } on' "$folder/README.md" |
    grep -oE '`[a-z]+/test_[a-z_]+:[a-z0-9_]+`' | tr -d '`')
[ $rows -gt 20 ] || {
    printf 'tests/README.md: only %d tests are named in the table of bad inputs\n' "$rows" >&2
    exit 1
}
[ $wrong = 0 ] && printf 'input table: %d tests named, all there\n' "$rows"
