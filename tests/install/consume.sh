# shellcheck shell=bash
# shellcheck disable=SC2154 # set by the caller, as said below
# To be sourced: programs that find an installed vouch, link it and run. The caller sets
#   folder      to build in            with_server   tests/support/with_server
#   version     what is installed      compiler      an array: the compiler and its flags
# and defines `fault`.

consumer=$(cd "${BASH_SOURCE[0]%/*}/consumer" && pwd)

# needed PROGRAM: the shared libraries that it loads, and where it looks for them by itself.
needed() { readelf -d "$1" | sed -nE 's/.*\((NEEDED|RPATH|RUNPATH)\).*\[(.*)\]/\2/p'; }

programs=0 # that ran

# run_consumer NAME PROGRAM LIBRARY-FOLDER: NAME ends in _shared or _static, and that is what it must be; of the
# linter it begins with lint_.
run_consumer() {
    local name=$1 program=$2
    programs=$((programs + 1))
    case $name in
    lint_*_shared) needed "$program" | grep -qx 'libvouch-lint\.so\.0' || fault "$name does not load libvouch-lint.so.0" ;;
    *_shared) needed "$program" | grep -qx 'libvouch\.so\.0' || fault "$name does not load libvouch.so.0" ;;
    *_static) ! needed "$program" | grep -q vouch || fault "$name loads a shared libvouch" ;;
    esac
    LD_LIBRARY_PATH=$3 "$with_server" "$program" "$version" </dev/null || fault "$name ended with $?"
}

# consume_by_cmake PREFIX LIBRARY-FOLDER LINT: LINT is yes if the linter is there too.
consume_by_cmake() {
    local build=$folder/by_cmake name names=(by_cmake_shared by_cmake_static)
    [ "$3" = no ] || names+=(lint_by_cmake_shared lint_by_cmake_static)
    rm -rf "$build"
    {
        cmake -S "$consumer" -B "$build" -DCMAKE_PREFIX_PATH="$1" -DVERSION="$version" -DLINT="$3" \
            -DCMAKE_C_COMPILER="${compiler[0]}" -DCMAKE_C_FLAGS="${compiler[*]:1}" && cmake --build "$build"
    } >"$folder/log" 2>&1 || {
        cat "$folder/log" >&2
        fault "find_package finds nothing to build with in $1"
        return
    }
    grep -q "^vouch_DIR:PATH=$1/" "$build/CMakeCache.txt" || fault "find_package found another vouch than that in $1"
    for name in "${names[@]}"; do
        run_consumer "$name" "$build/$name" "$2"
    done
}

# consume_by_pkg_config LIBRARY-FOLDER
consume_by_pkg_config() {
    local name flags libs
    for name in by_pkg_config_shared by_pkg_config_static; do
        # The archive is asked for by its name; what it needs beside is pkg-config's to say.
        libs=$(PKG_CONFIG_PATH=$1/pkgconfig pkg-config --libs vouch)
        [ $name = by_pkg_config_shared ] ||
            libs=$(PKG_CONFIG_PATH=$1/pkgconfig pkg-config --static --libs vouch | sed 's/-lvouch/-l:libvouch.a/')
        flags=$(PKG_CONFIG_PATH=$1/pkgconfig pkg-config --cflags vouch)
        [ "$(PKG_CONFIG_PATH=$1/pkgconfig pkg-config --modversion vouch)" = "$version" ] ||
            fault "vouch.pc is of another version than $version"
        # shellcheck disable=SC2086 # words
        "${compiler[@]}" -std=c11 $flags "$consumer/main.c" -o "$folder/$name" $libs || {
            fault "$name does not build"
            continue
        }
        run_consumer $name "$folder/$name" "$1"
    done
}

# consume_lint_by_pkg_config LIBRARY-FOLDER
consume_lint_by_pkg_config() {
    local name libs flags
    for name in lint_by_pkg_config_shared lint_by_pkg_config_static; do
        libs=$(PKG_CONFIG_PATH=$1/pkgconfig pkg-config --libs vouch-lint)
        [ $name = lint_by_pkg_config_shared ] || libs=$(PKG_CONFIG_PATH=$1/pkgconfig pkg-config --static --libs vouch-lint |
            sed 's/-lvouch-lint/-l:libvouch-lint.a/')
        flags=$(PKG_CONFIG_PATH=$1/pkgconfig pkg-config --cflags vouch-lint)
        # shellcheck disable=SC2086 # words
        "${compiler[@]}" -std=c11 $flags "$consumer/lint.c" -o "$folder/$name" $libs || {
            fault "$name does not build"
            continue
        }
        run_consumer $name "$folder/$name" "$1"
    done
}

# run_program VOUCH-LINT: it needs no library of ours, and finds what is to be found.
run_program() {
    local said
    programs=$((programs + 1))
    ! needed "$1" | grep -q vouch || fault "vouch-lint loads a shared libvouch"
    [ "$("$1" --version)" = "vouch-lint $version" ] || fault "vouch-lint is of another version than $version"
    said=$(echo 'return 7 // 2' | "$1" --no-config - 2>/dev/null) && fault "vouch-lint finds nothing"
    [[ $said == *"[operator-53]"* ]] || fault "vouch-lint says: $said"
}
