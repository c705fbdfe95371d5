#!/usr/bin/env bash
# Each public header compiles alone, and twice, without a warning, as C11 and as C++17; so does what a user writes
# with the macros.
#
#   test_headers.sh INCLUDE HIREDIS C-COMPILER C++-COMPILER [C-COMPILER C++-COMPILER...]
#
# HIREDIS is the prefix of a hiredis 1.0 or later, or empty for the system's.
set -euo pipefail
export LC_ALL=C
include=$1 hiredis=$2
shift 2
warnings=(-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)
result=0
fault() {
    printf 'headers: %s\n' "$*" >&2
    result=1
}

# compile COMPILER LANGUAGE STANDARD: the text on standard input
compile() {
    "$1" -x "$2" -std="$3" "${warnings[@]}" -I"$include" ${hiredis:+-isystem "$hiredis/include"} -fsyntax-only -
}

use='void use(vouch_batch *batch, const char *key);
void use(vouch_batch *batch, const char *key)
{
    vouch_client_options client = VOUCH_CLIENT_OPTIONS_INIT;
    vouch_pipeline_options pipeline = VOUCH_PIPELINE_OPTIONS_INIT;
    vouch_collector_options collector = VOUCH_COLLECTOR_OPTIONS_INIT;
    vouch_stats stats = VOUCH_STATS_INIT;
    vouch_batch_add(batch, "SET", key, vouch_bytes(key, 3), 1, 2u, 3L, 1.5, 1.5f, (short)4);
    vouch_batch_addv(batch, VOUCH_NONE);
    vouch_batch_arg(batch, 5);
    client.deadline_ms = VOUCH_NO_DEADLINE;
    pipeline.outages = collector.outages = client.outages;
    if (stats.commands || vouch_collector_add(NULL, NULL, NULL, "INCR", key) != VOUCH_OK)
        (void)pipeline;
}'

# check COMPILER LANGUAGE STANDARD
check() {
    local header name
    for header in "$include"/vouch/*.h; do
        name=vouch/${header##*/}
        printf '#include <%s>\n#include <%s>\n' "$name" "$name" | compile "$@" || fault "$name, by $1 as $3"
    done
    printf '#include <vouch/vouch.h>\n%s\n' "$use" | compile "$@" || fault "what users write, by $1 as $3"
}

compilers=$#
while [ $# -ge 2 ]; do
    check "$1" c c11
    check "$2" c++ c++17
    shift 2
done
# Who does not use hiredis does not have it.
for header in "$include"/vouch/*.h; do
    [ "${header##*/}" = hiredis.h ] || ! grep -n '# *include.*hiredis' "$header" /dev/null >&2 ||
        fault "${header##*/} includes hiredis: only vouch/hiredis.h may"
done
[ $result = 0 ] && printf 'headers: clean by %d compilers\n' "$compilers"
exit $result
