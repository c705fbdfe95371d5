# shellcheck shell=bash
# Servers to test with, in .deps/servers/NAME/server. None is installed as a service: Debian's and Ubuntu's
# redis-tools and valkey-tools hold the server's program, without anything that starts it.
# Needs common.sh, apt.sh and setup's helpers.

SERVER_RECIPE=1 # raise to have every checkout unpack again

server_is_made() { is_made "$VOUCH_DEPS/servers/$1" "recipe $SERVER_RECIPE"; }

# link_server KIND: a server whose program the tools package already put on this system.
link_server() {
    local kind=$1 tool work version
    tool=$(command -v "$kind-server") || tool=$(command -v "$kind-check-rdb") || return 1
    new_work_folder work
    mkdir "$work/out"
    # The program is one for all; it runs as the server unless its name says otherwise.
    ln -s "$tool" "$work/out/server"
    version=$(server_version "$kind" "$work/out/server") || return 1
    version_at_least "$version" 7.0 || return 1
    keep_server "$work/out" "$kind" "$version"
}

# unpack_server KIND RELEASE...: the server of these releases with the libraries of the same, and a wrapper that
# starts it with them, whatever this system's C library.
unpack_server() {
    local kind=$1 work tree root loader program paths library
    shift
    new_work_folder work
    tree=$work/tree
    root=$work/out/root
    release_unpack "$tree" "$kind-tools" "$@" || return 1
    mkdir -p "$root/bin" "$root/lib"

    loader=$(find "$tree" -type f -name 'ld*.so*' -path '*/lib/*' | head -n 1)
    program=$root/bin/$kind-server
    [ -n "$loader" ] && cp -L "$tree/usr/bin/$kind-check-rdb" "$program" || return 1
    paths=$(find "$tree" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:)
    while read -r library; do
        cp -L "$library" "$root/lib/" || return 1
    done < <("$loader" --library-path "$paths" --list "$program" | sed -n 's/.* => \(\/.*\) (0x.*/\1/p')
    loader=${loader##*/}
    [ -e "$root/lib/$loader" ] || return 1

    cat >"$work/out/server" <<WRAPPER
#!/bin/sh
here=\$(dirname "\$(readlink -f "\$0")")
unset LD_PRELOAD # what is preloaded was built for another C library
exec "\$here/root/lib/$loader" --library-path "\$here/root/lib" "\$here/root/bin/$kind-server" "\$@"
WRAPPER
    chmod 755 "$work/out/server"
    keep_server "$work/out" "$kind" "$(server_version "$kind" "$work/out/server")"
}

# keep_server FOLDER KIND VERSION
keep_server() {
    local name
    [ -n "$3" ] || return 1
    name=$2-$(printf '%s' "$3" | cut -d. -f1-2)
    put_in_place "$1" "$VOUCH_DEPS/servers/$name" "recipe $SERVER_RECIPE" || return 1
    say "servers: ${2^} $3 in .deps/servers/$name"
}

# setup_redis, setup_valkey: one of each to test with. `attempt` turns a failure into a warning.
setup_redis() {
    local codename
    find_redis >/dev/null && return
    has_apt || return 1
    link_server redis && return
    codename=$(os_field VERSION_CODENAME)
    case $(os_field ID) in
    debian) unpack_server redis "$codename" ;;
    ubuntu) unpack_server redis "$(ubuntu_release)" ;;
    *) return 1 ;;
    esac
}

setup_valkey() {
    local codename
    find_valkey >/dev/null && return
    has_apt || return 1
    link_server valkey && return
    codename=$(os_field VERSION_CODENAME)
    case $(os_field ID)-$codename in
    debian-bookworm) unpack_server valkey bookworm bookworm-backports ;;
    debian-*) unpack_server valkey "$codename" ;;
    ubuntu-*)
        codename=$(ubuntu_release)
        unpack_server valkey "$codename" "$codename-updates"
        ;;
    *) return 1 ;;
    esac
}

# This Ubuntu release, or the first whose servers are new enough.
ubuntu_release() {
    case $(os_field VERSION_CODENAME) in
    focal | jammy) printf 'noble\n' ;;
    *) os_field VERSION_CODENAME ;;
    esac
}

# matrix_server NAME RELEASE...: NAME may end in * where a release moves on.
matrix_server() {
    local name=$1 kind=${1%%-*} made
    shift
    for made in "$VOUCH_DEPS"/servers/$name; do
        server_is_made "${made##*/}" && return
    done
    if [ "$name" = "$kind-$(server_version "$kind" "$(command -v "$kind-server")" | cut -d. -f1-2)" ]; then
        link_server "$kind"
    else
        unpack_server "$kind" "$@"
    fi
}

setup_matrix() {
    case $(os_field ID) in
    debian)
        attempt redis-7.0 matrix_server redis-7.0 bookworm
        attempt redis-8.0 matrix_server redis-8.0 trixie
        attempt valkey-8.0 matrix_server valkey-8.0 bookworm bookworm-backports
        attempt valkey-8.1 matrix_server valkey-8.1 trixie
        attempt valkey-9 matrix_server 'valkey-9.*' sid
        ;;
    ubuntu)
        attempt redis-7.0 matrix_server redis-7.0 noble
        attempt valkey-7.2 matrix_server valkey-7.2 noble noble-updates
        ;;
    *) remember "the matrix of servers is made on Debian and Ubuntu only" ;;
    esac
}
