#!/usr/bin/env bash
# What the linter finds in scripts as people write them is what people/expected.txt says, no more and no less:
# lint_people.sh VOUCH-LINT FOLDER. With --judge FOLDER it prints the rate: how many of them an
# expert keeps.
set -euo pipefail
if [ "$1" = --judge ]; then
    awk '/^#/ || !NF { next }
        / info / { hints++; dropped_hints += /^- /; next }
        { n++; dropped += /^- / }
        END {
            printf "%d errors and warnings, %d kept (%.1f %%); %d hints, %d kept\n", n, n - dropped,
                100 * (n - dropped) / n, hints, hints - dropped_hints
        }' "$2/expected.txt"
    exit
fi
lint=$(realpath "$1")
cd "$2"
found=$(mktemp)
trap 'rm -f "$found"' EXIT
status=0
"$lint" --fail-on info ./*.lua >"$found" || status=$?
[ "$status" = 1 ] || {
    echo "vouch-lint ended with $status" >&2
    exit 1
}
# file:line severity rule, of lines like file:line:column: severity: message [rule]
diff <(sed -nE 's/^- //; s/^([a-z_]+\.lua:[0-9]+ [a-z]+ [a-z0-9-]+):.*/\1/p' expected.txt | sort) \
    <(sed -nE 's,^(\./)?([a-z_]+\.lua:[0-9]+):[0-9]+: ([a-z]+): .*\[([a-z0-9-]+)\]$,\2 \3 \4,p' "$found" | sort) || {
    echo "expected.txt (<) and the linter (>) disagree" >&2
    exit 1
}
