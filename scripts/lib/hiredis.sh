# shellcheck shell=bash
# hiredis >= 1.0: the system's; else the distribution's package; else the source package of the distribution's
# next release, built into .deps/hiredis. Needs common.sh, apt.sh and setup's helpers.

HIREDIS_RECIPE=1 # raise to have every checkout build again

hiredis_is_ready() {
    [ -n "${VOUCH_HIREDIS:-}" ] || system_hiredis_version >/dev/null ||
        is_made "$VOUCH_DEPS/hiredis" "recipe $HIREDIS_RECIPE"
}

# The first release that has hiredis >= 1.0, by distribution.
hiredis_release() {
    case $(os_field ID) in
    debian) printf 'trixie\n' ;;
    ubuntu) printf 'noble\n' ;;
    *) return 1 ;;
    esac
}

setup_hiredis() {
    local candidate
    hiredis_is_ready && return
    if has_apt; then
        candidate=$(apt_candidate libhiredis-dev) || candidate=
        if version_at_least "$candidate" 1.0; then
            apt_install libhiredis-dev && return
        fi
        build_hiredis && return
    fi
    say "hiredis: install hiredis >= 1.0, or set VOUCH_HIREDIS (CMake: -DVOUCH_HIREDIS=PATH) to a folder" \
        "with include/hiredis and lib of one" >&2
    return 1
}

build_hiredis() {
    local release work sources version
    release=$(hiredis_release) || return 1
    new_work_folder work
    release_source "$work/package" hiredis "$release" || return 1
    mkdir "$work/src" "$work/out"
    tar -xf "$work"/package/hiredis_*.orig.tar.* -C "$work/src" --strip-components=1 || return 1
    sources=$work/src
    version=$(sed -n 's/^#define HIREDIS_\(MAJOR\|MINOR\|PATCH\) \([0-9]*\)$/\2/p' "$sources/hiredis.h" | paste -sd.)
    version_at_least "$version" 1.0 || return 1

    say "hiredis: building $version into .deps/hiredis"
    compile_hiredis "$sources" "$work/out" "$version" || return 1
    put_in_place "$work/out" "$VOUCH_DEPS/hiredis" "recipe $HIREDIS_RECIPE"
}

# Compiled directly: hiredis' Makefile takes its install folder from LIBRARY_PATH in the environment. Symbols
# are hidden, so that a shared library that takes these objects in does not export them, and position
# independent, so that one can.
compile_hiredis() {
    local sources=$1 out=$2 version=$3 unit include=$2/include/hiredis
    local flags=(-std=gnu99 -O2 -DNDEBUG -D_FILE_OFFSET_BITS=64 -fPIC -fvisibility=hidden)
    mkdir -p "$include/adapters" "$out/lib/pkgconfig" "$out/share" &&
        cp "$sources/COPYING" "$out/share/" &&
        cp "$sources"/{alloc,async,hiredis,hiredis_ssl,net,read,sds,sockcompat}.h "$include/" &&
        cp "$sources"/adapters/*.h "$include/adapters/" || return 1

    for unit in alloc async hiredis net read sds sockcompat; do
        logged "${CC:-cc}" "${flags[@]}" -c "$sources/$unit.c" -o "$sources/$unit.o" || return 1
    done
    logged ar rcs "$out/lib/libhiredis.a" "$sources"/*.o || return 1
    write_hiredis_module hiredis "$version" >"$out/lib/pkgconfig/hiredis.pc" || return 1

    has_module openssl || return 0
    logged "${CC:-cc}" "${flags[@]}" -c "$sources/ssl.c" -o "$sources/ssl.o" || return 1
    logged ar rcs "$out/lib/libhiredis_ssl.a" "$sources/ssl.o" || return 1
    write_hiredis_module hiredis_ssl "$version" 'Requires: hiredis openssl' >"$out/lib/pkgconfig/hiredis_ssl.pc"
}

# write_hiredis_module NAME VERSION [LINE]: a pkg-config module that finds its own folder.
write_hiredis_module() {
    # shellcheck disable=SC2016 # the variables are pkg-config's
    printf '%s\n' 'prefix=${pcfiledir}/../..' 'libdir=${prefix}/lib' 'includedir=${prefix}/include' '' \
        "Name: $1" "Description: $1, built by scripts/setup" "Version: $2" ${3:+"$3"} \
        "Libs: -L\${libdir} -l$1" 'Cflags: -I${includedir} -I${includedir}/hiredis -D_FILE_OFFSET_BITS=64'
}

# ---- the old one ----
#
# hiredis 0.14, which Debian 12 and Ubuntu 22.04 ship: a test links it and vouch into one program. Unpacked into
# .deps, since its package cannot be installed beside a newer one.

OLD_HIREDIS_RECIPE=1

# The last release that has it, by distribution.
old_hiredis_release() {
    case $(os_field ID) in
    debian) printf 'bookworm\n' ;;
    ubuntu) printf 'jammy\n' ;;
    *) return 1 ;;
    esac
}

setup_old_hiredis() {
    local made=$VOUCH_DEPS/hiredis-0.14 release work header library
    ! is_made "$made" "recipe $OLD_HIREDIS_RECIPE" || return 0
    has_apt && release=$(old_hiredis_release) || return 1
    new_work_folder work
    release_unpack "$work/tree" libhiredis-dev "$release" || return 1
    header=$(find "$work/tree/usr/include" -name hiredis.h) || return 1
    library=$(find "$work/tree/usr/lib" -name libhiredis.a) || return 1
    grep -q '^#define HIREDIS_MAJOR 0$' "$header" || return 1
    mkdir -p "$work/out/include" "$work/out/lib"
    cp -a "${header%/*}" "$work/out/include/" &&
        cp -a "${library%/*}"/libhiredis.{a,so*} "$work/out/lib/" &&
        cp "$work/tree/usr/share/doc/libhiredis-dev/copyright" "$work/out/" || return 1
    put_in_place "$work/out" "$made" "recipe $OLD_HIREDIS_RECIPE"
    say "hiredis: 0.14 of $release in .deps/hiredis-0.14, to test beside"
}
