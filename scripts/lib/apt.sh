# shellcheck shell=bash
# What setup asks of apt: packages of this system, and single packages of another release of the same
# distribution. Those come through a private apt configuration below .deps/apt, with the archive and the
# keyring that this system already uses, so that signatures are checked and the system is left alone.
# Needs common.sh and setup's `logged`.

has_apt() { has_command apt-get && has_command dpkg-deb; }

# os_field NAME: a field of os-release, such as ID or VERSION_CODENAME.
os_field() {
    # shellcheck disable=SC1091 # the system's file
    (. /etc/os-release 2>/dev/null && printf '%s\n' "${!1:-}")
}

# as_root COMMAND...: directly or through sudo, which asks for a password only at a terminal.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif [ -t 0 ]; then
        sudo "$@"
    else
        sudo -n "$@"
    fi
}

can_be_root() { [ "$(id -u)" = 0 ] || has_command sudo; }

# The lock waits for an apt that somebody else runs, as fresh machines do after they boot. RUNLEVEL=1 and
# the needrestart settings keep packages from starting or restarting services; a service that starts all the same
# must not inherit setup's own lock.
system_apt() {
    logged as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 RUNLEVEL=1 \
        apt-get -q -o DPkg::Lock::Timeout=300 "$@" </dev/null 9>&-
}

apt_updated=no
apt_update() {
    local try
    [ "$apt_updated" = no ] || return 0
    say "apt: reading the package lists"
    for try in 1 2 3; do
        if system_apt update; then
            apt_updated=yes
            return 0
        fi
        [ "$try" = 3 ] || sleep 5 # update does not wait for the lock of the lists
    done
    return 1
}

# apt_candidate PACKAGE: prints the version that would be installed, or fails.
apt_candidate() { apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: \([0-9].*\)/\1/p' | grep .; }

# apt_install PACKAGE...: reads the package lists only if they lack a package or turn out to be stale.
apt_install() {
    local package
    for package in "$@"; do
        apt_candidate "$package" >/dev/null || {
            apt_update || return 1
            break
        }
    done
    say "apt: installing $*"
    system_apt install -y --no-install-recommends "$@" && return
    [ "$apt_updated" = no ] || return 1
    apt_update && system_apt install -y --no-install-recommends "$@"
}

# archive_uri: the address of the distribution's own archive, as this system is configured. Other archives may
# use the same release names, so that the origin counts; it is known once the package lists were read.
archive_uri() {
    local id codename
    id=$(os_field ID)
    codename=$(os_field VERSION_CODENAME)
    {
        # shellcheck disable=SC2016 # the fields are apt's
        apt-get indextargets --format '$(ORIGIN) $(CODENAME) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
            awk -v id="$id" -v codename="$codename" \
                'tolower($1) == id && $2 == codename && $3 == "main" { print $4 }'
        # shellcheck disable=SC2016
        apt-get indextargets --no-release-info --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' \
            'Created-By: Packages' |
            awk -v id="$id" -v codename="$codename" \
                '$1 == codename && $2 == "main" && $3 ~ "/" id "/?$" { print $3 }'
    } 2>/dev/null | awk 'NR == 1 { print }' | grep .
}

# archive_keyring URI: the keyring file that the configuration names for URI (deb822 or one line), else the
# distribution's own; fails where there is neither, and apt's trusted keys apply.
archive_keyring() {
    local uri=${1%/} configured file
    configured=$(
        shopt -s nullglob
        for file in /etc/apt/sources.list.d/*.sources; do
            awk -v RS= -v uri="$uri" 'index($0, uri) { print }' "$file" |
                sed -n 's/^[Ss]igned-[Bb]y: *\(\/[^ ,]*\).*/\1/p'
        done
        for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
            [ -e "$file" ] || continue
            awk -v uri="$uri" 'index($0, uri) && /^deb/ { print }' "$file" |
                sed -n 's/.*signed-by=\(\/[^] ,]*\).*/\1/p'
        done
    )
    for file in $configured /usr/share/keyrings/"$(os_field ID)"-archive-keyring.{gpg,pgp}; do
        if [ -r "$file" ]; then
            printf '%s\n' "$file"
            return
        fi
    done
    return 1
}

# release_open INDEX RELEASE...: makes the private configuration for these releases and reads their Packages
# or Sources index. Sets release_apt, an array to call as a command: apt-get with that configuration.
release_open() {
    local index=$1 uri keyring release type=deb folder
    shift
    [ "$index" = Packages ] || type=deb-src
    folder=$VOUCH_DEPS/apt/$index-$(IFS=+ && printf '%s' "$*")
    release_apt=(apt-get -q -c "$folder/apt.conf")
    [ ! -e "$folder/read" ] || return 0

    uri=$(archive_uri) || {
        warn "apt knows no archive of $(os_field PRETTY_NAME); is its package list empty?"
        return 1
    }
    keyring=$(archive_keyring "$uri") || keyring=
    rm -rf "$folder"
    mkdir -p "$folder"/{parts,state/lists/partial,cache/archives/partial}
    : >"$folder/state/status"
    for release in "$@"; do
        printf '%s [target=%s%s] %s %s main%s\n' "$type" "$index" "${keyring:+ signed-by=$keyring}" "$uri" \
            "$release" "$([ "$(os_field ID)" != ubuntu ] || printf ' universe')"
    done >"$folder/sources.list"
    cat >"$folder/apt.conf" <<CONF
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear APT::Default-Release;
Acquire::Languages "none";
Acquire::Retries "2";
APT::Get::AllowUnauthenticated "false";
Dir::Etc::sourcelist "$folder/sources.list";
Dir::Etc::sourceparts "$folder/parts";
Dir::Etc::preferences "$folder/preferences";
Dir::Etc::preferencesparts "$folder/parts";
Dir::State "$folder/state";
Dir::State::status "$folder/state/status";
Dir::Cache "$folder/cache";
CONF
    # apt downloads as a user of its own, who may not be able to enter the checkout.
    if [ "$(id -u)" = 0 ] && ! runuser -u _apt -- test -x "$folder" 2>/dev/null; then
        printf 'APT::Sandbox::User "root";\n' >>"$folder/apt.conf"
    fi
    say "apt: reading the $index index of $*"
    logged "${release_apt[@]}" -o APT::Update::Error-Mode=any update || return 1
    touch "$folder/read"
}

# release_unpack FOLDER PACKAGE RELEASE...: PACKAGE and all that it depends on, of these releases, unpacked.
release_unpack() {
    local into=$1 package=$2 archives file
    shift 2
    release_open Packages "$@" || return 1
    archives=$VOUCH_DEPS/apt/Packages-$(IFS=+ && printf '%s' "$*")/cache/archives
    rm -f "$archives"/*.deb
    logged "${release_apt[@]}" install -y --no-install-recommends --download-only -t "${*: -1}" "$package" \
        </dev/null || return 1
    mkdir -p "$into"
    for file in "$archives"/*.deb; do
        dpkg-deb -x "$file" "$into" || return 1
    done
    rm -f "$archives"/*.deb
}

# release_source FOLDER PACKAGE RELEASE...: the files of a source package, downloaded and verified.
release_source() {
    local into=$1 package=$2
    shift 2
    release_open Sources "$@" || return 1
    mkdir -p "$into"
    chown _apt "$into" 2>/dev/null || true # lets apt download as its own user
    (cd "$into" && logged "${release_apt[@]}" source --download-only "$package" </dev/null)
}
