#!/usr/bin/env bash
# The layers of src/ keep to their places.
#
#   test_layers.sh SOURCE NM FOLDER LINT-FOLDER OBJECT...
#
# FOLDER has libvouch.so and libvouch.a; LINT-FOLDER the linter's, or is empty if it is no part of the build.
#
# 1. A file includes only headers of its own layer and of those below it.
# 2. An object calls only functions of its own layer, of those below it, and of the C library; of the C library
#    a layer without I/O calls only what computes: no socket, file, clock, sleep, thread or randomness.
# 3. Each library exports exactly what the public headers declare with VOUCH_API.
set -euo pipefail
export LC_ALL=C
# shellcheck source=tests/unit/exports.sh
. "${BASH_SOURCE[0]%/*}/exports.sh"

source=$1
nm=$2
folder=$3
lint_folder=$4
shift 4
result=0
fault() {
    printf 'layers: %s\n' "$*" >&2
    result=1
}

# A layer and those below it. Modules (pipeline, transaction) stand side by side, the collector sends
# pipelines.
declare -A may_use=(
    [base]='base'
    [lua]='base lua'
    [command]='base command'
    [net]='base command net'
    [client]='base command net client'
    [pipeline]='base command net client pipeline'
    [commit]='base command net client commit'
    [transaction]='base command net client commit transaction'
    [script]='base lua command net client commit script'
    [ratelimit]='base command script ratelimit'
    [stream]='base command net client pipeline transaction script stream'
    [lint]='base lua command lint'
    [collector]='base command net client pipeline collector'
)

# What computes and does nothing else.
pure='abort calloc ceil floor fmax fmod free frexp malloc memchr memcmp memcpy memmove memset pow qsort realloc snprintf strchr strcmp strcspn
    strlen strncmp strnlen strspn strtod vsnprintf __assert_fail __errno_location'
# The files that do I/O, and what each may call beside that. Everything new here is a decision.
declare -A io=(
    [net/transport_socket.c]='close connect getsockopt poll recv sendmsg setsockopt shutdown socket strerror_r
        __xpg_strerror_r'
    [net/endpoint.c]='freeaddrinfo gai_strerror getaddrinfo'
    [net/resolver.c]='close eventfd pthread_attr_destroy pthread_attr_init pthread_attr_setdetachstate
        pthread_create pthread_sigmask sigfillset write'
    [net/tls_context.c]='ERR_* SSL_* TLS_client_method X509_* inet_pton strerror_r __xpg_strerror_r'
    [net/transport_tls.c]='BIO_* ERR_clear_error SSL_*'
    [client/driver_poll.c]='clock_gettime close ppoll read'
    [client/client.c]='eventfd getpid getrandom madvise mmap munmap write'
    [collector/api.c]='getpid'
    [script/digest.c]='EVP_Digest EVP_sha1'
    [lint/folder.c]='closedir fclose ferror fopen fread opendir readdir strerror'
)
# The linter's engine alone knows Lua 5.4: what computes, and none of what opens files or the system.
lua='luaL_argerror luaL_buff* luaL_check* luaL_error luaL_getmetafield luaL_len luaL_loadbufferx luaL_newmetatable
    luaL_opt* luaL_pushresult* luaL_ref luaL_requiref luaL_setfuncs luaL_setmetatable luaL_testudata luaL_tolstring
    luaL_traceback luaL_unref luaL_addlstring luaL_addstring luaL_addvalue luaL_prepbuffsize luaL_typeerror lua_*
    luaopen_base luaopen_math luaopen_string luaopen_table luaopen_utf8'
# Of what is called client_, link_ …, modules without I/O of their own may start and drive nothing.
driver_calls='client_now client_usable client_start client_drive client_wake'
declare -A drives=([pipeline/api.c]=yes [collector/api.c]=yes [transaction/api.c]=yes [script/api.c]=yes [script/library_api.c]=yes [stream/api.c]=yes [stream/delivery_api.c]=yes [stream/end_api.c]=yes [client/client.c]=yes
    [client/driver_connect.c]=yes [client/driver_poll.c]=yes)

# Put there by the compiler, a sanitizer or a coverage build.
is_compilers() {
    case $1 in
    __asan_* | __ubsan_* | __tsan_* | __sanitizer_* | __gcov_* | __llvm_* | __stack_chk_fail | _GLOBAL_OFFSET_TABLE_) ;;
    *) return 1 ;;
    esac
}

has_word() { # has_word WORD WORDS...: a word that ends in '*' stands for all that begin with it
    local - word=$1 other
    shift
    set -f
    # shellcheck disable=SC2048 # split on purpose
    for other in $*; do
        # shellcheck disable=SC2053 # a pattern on purpose
        [[ $word != $other ]] || return 0
    done
    return 1
}

check_includes() {
    local folder layer file target
    for folder in "$source"/src/*/; do
        layer=$(basename "$folder")
        if [ -z "${may_use[$layer]:-}" ]; then
            fault "src/$layer is no layer this test knows: say what it stands on"
            continue
        fi
        while IFS=: read -r file target; do
            has_word "${target%%/*}" "${may_use[$layer]}" || fault "$file includes $target: an arrow that points up"
        done < <(cd "$source" && grep -oE '^ *# *include *"[^"]+"' -r "src/$layer" --include='*.[ch]' |
            sed -E 's/: *# *include *"([^"]+)"/:\1/')
    done
}

# name_of OBJECT: the source it was made from, such as net/conn.c.
name_of() {
    local folder=${1%/*} file=${1##*/}
    printf '%s/%s\n' "${folder##*/}" "${file%.o}"
}

declare -A home=() # which layer defines a symbol
find_homes() {
    local object layer symbol
    for object in "$@"; do
        layer=$(name_of "$object")
        layer=${layer%%/*}
        while read -r symbol; do
            home[$symbol]=$layer
        done < <("$nm" -P -g --defined-only "$object" | cut -d' ' -f1)
    done
}

check_symbol() { # check_symbol FILE LAYER SYMBOL
    local file=$1 layer=$2 symbol=$3 owner=${home[$3]:-} may="$pure ${io[$1]:-}"
    [[ $file != lint/engine*.c ]] || may+=" $lua"
    if has_word "$symbol" "$driver_calls"; then
        [ -n "${drives[$file]:-}" ] || fault "$file calls $symbol: only the public calls of a module drive"
    elif [ -n "$owner" ]; then
        has_word "$owner" "${may_use[$layer]}" || fault "$file calls $symbol of $owner: an arrow that points up"
    elif ! has_word "$symbol" "$may" && ! is_compilers "$symbol"; then
        # Built with _FORTIFY_SOURCE, memcpy is __memcpy_chk.
        local plain=${symbol#__}
        has_word "${plain%_chk}" "$may" || fault "$file calls $symbol: not among what it may call"
    fi
}

check_symbols() {
    local object file symbol
    find_homes "$@"
    for object in "$@"; do
        file=$(name_of "$object")
        [ -e "$source/src/$file" ] || fault "$object is made of no file of src/"
        while read -r symbol; do
            check_symbol "$file" "${file%%/*}" "$symbol"
        done < <("$nm" -P -u "$object" | cut -d' ' -f1)
    done
    for file in "${!io[@]}" "${!drives[@]}"; do
        [ -n "$lint_folder" ] || [[ $file != lint/* ]] || continue
        has_word "$file" "$(for object in "$@"; do name_of "$object"; done)" || fault "$file is not there any more"
    done
}

[ $# -ge ${#may_use[@]} ] || fault "no objects to look at"
check_includes
check_symbols "$@"
mapfile -t list < <(headers "$source/include")
check_exports "$nm" 20 "$folder/libvouch.so" "$folder/libvouch.a" "${list[@]}"
[ -z "$lint_folder" ] ||
    check_exports "$nm" 10 "$lint_folder/libvouch-lint.so" "$lint_folder/libvouch-lint.a" "$(lint_headers "$source/include")"
[ $result = 0 ] && printf 'layers: %d objects in %d layers\n' $# ${#may_use[@]}
exit $result
