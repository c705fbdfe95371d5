#!/usr/bin/env bash
# Arguments that must not compile, and their neighbours that must.
# test_refusals.sh INCLUDE-FOLDER C-COMPILER C++-COMPILER
set -euo pipefail
include=$1 cc=$2 cxx=$3
failed=0

# try LANGUAGE EXPRESSION: compiles vouch_batch_add with it
try() {
    local compiler=$cc standard=c11 language=c
    [ "$1" = c ] || { compiler=$cxx standard=c++17 language=c++; }
    printf '#include <stdbool.h>\n#include <vouch/vouch.h>\nvoid f(vouch_batch *, void *, unsigned char *, bool);\n%s\n' \
        "void f(vouch_batch *b, void *p, unsigned char *u, bool t) { (void)p; (void)u; (void)t; vouch_batch_add(b, \"X\", $2); }" |
        "$compiler" -std=$standard -x $language -I"$include" -fsyntax-only - 2>/dev/null
}
must() {
    try "$1" "$2" || { echo "does not compile as $1: $2" && failed=1; }
}
must_not() {
    if try "$1" "$2"; then
        echo "compiles as $1: $2"
        failed=1
    fi
}

for language in c c++; do
    must $language '"text"'
    must $language '1, 2u, 3L, 1.5, 1.5f, (short)1, (unsigned long long)1'
    must $language 'vouch_bytes(p, 3)'
    must_not $language p
    must_not $language u
    must_not $language t
    must_not $language '(char)1'
    must_not $language '(long double)1'
done
must_not c NULL
must_not c '(_Bool)1'
must_not c++ nullptr
must_not c++ true
exit $failed
