#!/usr/bin/env bash
# The Debian packages install into an empty root, serve programs there, and leave nothing when they are removed.
#
#   test_packages.sh SOURCE VERSION WITH_SERVER COMPILER
set -euo pipefail
export LC_ALL=C
# dpkg wants the administrator's programs on the path, also from those who are none.
export PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
# shellcheck source=tests/install/consume.sh
. "${BASH_SOURCE[0]%/*}/consume.sh"

source=$1 version=$2
# shellcheck disable=SC2034 # consume.sh's
with_server=$3
# shellcheck disable=SC2034 # consume.sh's
compiler=("$4")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
root=$folder/root
result=0
fault() {
    printf 'packages: %s\n' "$*" >&2
    result=1
}

# field FIELD DEB
field() { dpkg-deb -f "$2" "$1"; }

# names DEB: of the packages it depends on
names() { field Depends "$1" | tr ',' '\n' | sed -E 's/^ *([^ (|]+).*/\1/'; }

# make_root: empty but for the word of this system's dpkg that what the packages depend on is installed, in the
# versions that really are.
make_root() {
    local name
    mkdir -p "$root"/var/lib/dpkg/{info,updates,triggers}
    while read -r name; do
        dpkg-query -W -f 'Package: ${Package}\nStatus: ${Status}\nArchitecture: ${Architecture}\nVersion: ${Version}\nMaintainer: ${Maintainer}\nDescription: ${binary:Summary}\n\n' \
            "$name" || fault "this system has no $name, on which a package depends"
    done < <(for deb in "$@"; do names "$deb"; done | grep -v '^libvouch' | sort -u) >"$root/var/lib/dpkg/status"
    sed -n 's/^Package: //p' "$root/var/lib/dpkg/status" | while read -r name; do
        : >"$root/var/lib/dpkg/info/$name.list"
    done
}

in_root() {
    dpkg --root="$root" --log=/dev/null --force-not-root --force-script-chrootless "$@" >"$folder/log" 2>&1 || {
        cat "$folder/log" >&2
        fault "dpkg $1 failed"
    }
}

# contents: what is in the root, without dpkg's own files; then what dpkg has noted of vouch.
contents() {
    (cd "$root" && find . -path ./var/lib/dpkg -prune -o -print | sort)
    find "$root/var/lib/dpkg/info" -name '*vouch*'
    grep -A2 '^Package: .*vouch' "$root/var/lib/dpkg/status" || true
}

"$source/scripts/package" "$folder/packages" >/dev/null
packages=(libvouch0 libvouch-dev libvouch-lint0 libvouch-lint-dev vouch-lint)
debs=()
for name in "${packages[@]}"; do
    debs+=("$(echo "$folder/packages/$name"_*.deb)")
done
runtime=${debs[0]} development=${debs[1]} lint_runtime=${debs[2]} lint_development=${debs[3]} program=${debs[4]}
[ "$(find "$folder/packages" -name '*.deb' | wc -l)" = ${#packages[@]} ] || fault "there are other packages than ${packages[*]}"
names "$runtime" | grep -qx libc6 || fault "libvouch0 does not depend on libc6"
field Depends "$development" | grep -qF "libvouch0 (= $(field Version "$runtime"))" ||
    fault "libvouch-dev does not depend on the libvouch0 of its version"
for name in libvouch-lint0:lint_runtime libvouch-dev:development; do
    deb=${name#*:}
    field Depends "$lint_development" | grep -qF "${name%:*} (= $(field Version "${!deb}"))" ||
        fault "libvouch-lint-dev does not depend on the ${name%:*} of its version"
done
! names "$program" | grep vouch || fault "vouch-lint depends on a library of ours"

# Else programs would not find the library after it was installed.
for deb in "$runtime" "$lint_runtime"; do
    dpkg-deb -I "$deb" triggers | grep -qE '^activate(-noawait)? ldconfig$' || fault "${deb##*/} does not ask for ldconfig"
done

make_root "${debs[@]}"
contents >"$folder/before"
in_root --install "${debs[@]}"
for deb in "${debs[@]}"; do
    name=$(field Package "$deb")
    dpkg-query --root="$root" -W -f '${Status}\n' "$name" | grep -qx 'install ok installed' || fault "$name is not installed"
    cmp "$source/LICENSE" "$root/usr/share/doc/$name/copyright" || fault "$name comes without its licence"
done
in_root --verify
[ ! -s "$folder/log" ] || fault "dpkg --verify: $(cat "$folder/log")"

libraries=$(dirname "$(find "$root" -name libvouch.a)")
consume_by_cmake "$root/usr" "$libraries" yes
consume_by_pkg_config "$libraries"
consume_lint_by_pkg_config "$libraries"
run_program "$root/usr/bin/vouch-lint"

# Without the library nothing can be left that needs it.
if dpkg --root="$root" --force-not-root --remove libvouch0 >/dev/null 2>&1; then
    fault "libvouch0 can be removed from under libvouch-dev"
fi
in_root --remove libvouch-lint-dev libvouch-dev
in_root --purge "${packages[@]}"
contents >"$folder/after"
diff "$folder/before" "$folder/after" >&2 || fault "the packages left something behind (>)"
[ $result = 0 ] && printf 'packages: installed, used by %d programs and removed %s\n' "$programs" "${packages[*]}"
exit $result
