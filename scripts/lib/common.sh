# shellcheck shell=bash
# Shared by the scripts of this folder: where things are, which servers and which hiredis to use.
# To be sourced. Sets VOUCH_ROOT (the checkout) and VOUCH_DEPS (what scripts/setup made); changes nothing.

VOUCH_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
VOUCH_DEPS=$VOUCH_ROOT/.deps

say() { printf '%s\n' "$*"; }
warn() { printf 'warning: %s\n' "$*" >&2; }
die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

has_command() { command -v "$1" >/dev/null 2>&1; }
has_module() { pkg-config --exists "$1" 2>/dev/null; }

# version_at_least HAVE WANT
version_at_least() {
    [ -n "$1" ] && [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

# server_version KIND PROGRAM: prints the version if PROGRAM is a server of KIND (redis or valkey).
# The kind is asked of the program, since some systems install Valkey under the name redis-server. "Valkey
# server v=8.0.1", but Valkey 7.2 says "Server v=7.2.14".
server_version() {
    local says='Redis server'
    [ "$1" = redis ] || says='Valkey server|Server'
    [ -x "$2" ] || return 1
    "$2" --version 2>/dev/null | sed -nE "s/^($says) v=([0-9.]+).*/\2/p" | grep .
}

# find_server_named NAME: prints the server that setup put into .deps under NAME, such as redis-8.0.
find_server_named() {
    local program=$VOUCH_DEPS/servers/$1/server
    [ -x "$program" ] && printf '%s\n' "$program"
}

# list_servers: prints one line for each server in .deps, "NAME PROGRAM", oldest first.
list_servers() {
    local program
    for program in "$VOUCH_DEPS"/servers/*/server; do
        [ -x "$program" ] && printf '%s %s\n' "$(basename "$(dirname "$program")")" "$program"
    done | sort -V
}

# find_server KIND OVERRIDE OLDEST NAME: the override; else KIND-server on PATH; else NAME from .deps;
# else the oldest of its kind in .deps.
find_server() {
    local kind=$1 override=$2 oldest=$3 name=$4 program
    if [ -n "$override" ]; then
        program=$(command -v "$override") || {
            warn "${kind^} server '$override' is not a program"
            return 1
        }
        printf '%s\n' "$program"
        return
    fi
    if program=$(command -v "$kind-server") &&
        version_at_least "$(server_version "$kind" "$program")" "$oldest"; then
        printf '%s\n' "$program"
        return
    fi
    find_server_named "$name" && return
    list_servers | sed -n "s/^$kind-[^ ]* //p" | head -n 1 | grep .
}

# Print the program to test with, or fail. Override with VOUCH_REDIS_SERVER, VOUCH_VALKEY_SERVER.
find_redis() { find_server redis "${VOUCH_REDIS_SERVER:-}" 7.0 redis-7.0; }
find_valkey() { find_server valkey "${VOUCH_VALKEY_SERVER:-}" 7.2 valkey-8.0; }

system_hiredis_version() {
    local version
    version=$(pkg-config --modversion hiredis 2>/dev/null) && version_at_least "$version" 1.0 &&
        printf '%s\n' "$version"
}

# hiredis_prefix: prints what to pass as -DVOUCH_HIREDIS, or an empty line if the system's will do.
# Fails if there is no hiredis >= 1.0. Override with VOUCH_HIREDIS.
hiredis_prefix() {
    if [ -n "${VOUCH_HIREDIS:-}" ]; then
        printf '%s\n' "$VOUCH_HIREDIS"
    elif system_hiredis_version >/dev/null; then
        printf '\n'
    elif [ -e "$VOUCH_DEPS/hiredis/lib/libhiredis.a" ]; then
        printf '%s\n' "$VOUCH_DEPS/hiredis"
    else
        return 1
    fi
}
