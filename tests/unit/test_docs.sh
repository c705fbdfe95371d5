#!/usr/bin/env bash
# The API reference has everything that the headers offer, and scripts/docs fails if one thing of it is not
# documented. Run by .ci/run, since it needs doxygen, which scripts/setup --dev installs.
set -euo pipefail
export LC_ALL=C
source=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
# shellcheck source=tests/unit/exports.sh
. "$source/tests/unit/exports.sh"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
result=0
fault() {
    printf 'docs: %s\n' "$*" >&2
    result=1
}

# macros INCLUDE: but for guards, helpers and what every declaration wears
macros() {
    sed -nE 's/^#define +(VOUCH_[A-Z0-9_]*[A-Z0-9]|vouch_[a-z0-9_]+)([ (].*|$)/\1/p' "$1"/vouch/*.h |
        grep -vE '_H$|^VOUCH_(PP_.*|X|API|MUST|BEGIN|END)$' | sort -u
}

# without SED-EXPRESSION HEADER NAME: the headers, edited, are refused, and what is said names NAME
cases=0
without() {
    cases=$((cases + 1))
    rm -rf "$folder/include"
    cp -r "$source/include" "$folder/include"
    sed -i -E "$1" "$folder/include/vouch/$2"
    ! cmp -s "$source/include/vouch/$2" "$folder/include/vouch/$2" || fault "nothing in $2 matches $1"
    if "$source/scripts/docs" "$folder/include" "$folder/docs" >"$folder/said" 2>&1; then
        fault "nobody misses the words about $3"
    else
        grep -qE "$2:[0-9]+: error: .*$3" "$folder/said" || fault "about $3 it says: $(cat "$folder/said")"
    fi
}

"$source/scripts/docs" "$source/include" "$folder/docs" >/dev/null
while read -r name; do
    grep -qE "^<li>$name(\(\))?&#160;|^<li>$name(\(\))? " "$folder"/docs/globals*.html || fault "the reference lacks $name"
done < <(declared "$source"/include/vouch/*.h && macros "$source/include" && grep -ohE '\bVOUCH_(E[A-Z]+|OK)\b' \
    "$source/include/vouch/pipeline.h" | grep -vE '^VOUCH_END$' | sort -u)

without '/^\/\* Closes every connection/,/\*\/$/d' client.h vouch_client_close
without 's|^(    uint32_t lazy;).*|\1|' client.h lazy
without 's|^(#define VOUCH_CLIENT_MAX_CONNECTIONS 64).*|\1|' client.h VOUCH_CLIENT_MAX_CONNECTIONS
without 's|^(    VOUCH_APPLIED = 2,).*|\1|' error.h VOUCH_APPLIED
without '/^\/\* One reply, or/d' reply.h vouch_reply
without '/^\/\* The result of one command/,/\*\/$/d' result.h vouch_result
without 's|^(VOUCH_API void vouch_op_cancel.*)|VOUCH_API void vouch_new_thing(void);\n\1|' client.h vouch_op_cancel
without '/^\/\* Reads a source and lets all rules/,/\*\/$/d' lint.h vouch_lint_run
without 's|until vouch_results_free|until vouch_results_gone|' pipeline.h vouch_results_gone
[ $result = 0 ] && printf 'docs: complete; %d gaps noticed\n' $cases
exit $result
