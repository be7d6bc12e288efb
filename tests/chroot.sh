# Sourced by the tests/try-* scripts, from the repository's root: a bare Debian in a chroot made by debootstrap, with a
# clean clone of HEAD in /root/runnel. It lives in a mount and process namespace of its own: however this ends, its
# mounts and its processes end with it.
#
# Packages come from where this machine's own apt (and npm) takes them; the tests themselves have only a loopback.
# shellcheck shell=bash

fail() { printf '%s: %s\n' "${0##*/}" "$1" >&2; exit 1; }
say() { printf '== %s\n' "$1"; }

# Runs the calling script again, in its own namespaces and with CHROOT_ROOT set. Arguments: the script's.
chroot_enter() {
    local status=0
    [[ ${CHROOT_ROOT:-} == '' ]] || return 0
    ((EUID == 0)) || fail 'needs root'
    command -v debootstrap >/dev/null || fail 'needs debootstrap'
    CHROOT_ROOT=$(mktemp -d "${TMPDIR:-/var/tmp}/${0##*/}-XXXXXX")
    export CHROOT_ROOT
    unshare --mount --propagation private --pid --mount-proc --fork --kill-child "$0" "$@" || status=$?
    if [[ ${KEEP:-} == 1 ]]; then
        say "the chroot is $CHROOT_ROOT"
    else
        rm -rf --one-file-system "$CHROOT_ROOT"
    fi
    exit "$status"
}

# Sets what stands before a command: `inside`, in the chroot with nothing of this machine's environment but its way out
# to the packages; `inside_alone`, the same with nothing but a loopback.
chroot_commands() {
    local ways
    mapfile -t ways < <(env | grep -iE '^(npm_config_[a-z_]*|https?_proxy|no_proxy)=' || true)
    inside=(chroot "$CHROOT_ROOT" /usr/bin/env -i HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "${ways[@]}")
    # shellcheck disable=SC2016,SC2034
    inside_alone=(unshare --net bash -c 'ip link set lo up && exec "$@"' inside_alone "${inside[@]}")
}

# Argument: the release's code name.
chroot_make() {
    local mirror codename
    codename=$(. /etc/os-release && printf '%s' "$VERSION_CODENAME")
    # shellcheck disable=SC2016
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' |
        awk -v codename="$codename" '$2 == codename && $3 == "main" { print $1; exit }')
    [[ -n $mirror ]] || fail "this machine's apt has no $codename to take packages from"
    say "debootstrap $1"
    debootstrap --variant=minbase "$1" "$CHROOT_ROOT" "$mirror" >"$CHROOT_ROOT.log" 2>&1 ||
        { tail -20 "$CHROOT_ROOT.log"; rm -f "$CHROOT_ROOT.log"; fail 'debootstrap'; }
    rm -f "$CHROOT_ROOT.log"
    chmod 755 "$CHROOT_ROOT"
    # Another release than this machine's has what debootstrap was given.
    if [[ $1 == "$codename" ]]; then
        rm -f "$CHROOT_ROOT/etc/apt/sources.list"
        cp -a /etc/apt/sources.list* /etc/apt/keyrings "$CHROOT_ROOT/etc/apt/" 2>/dev/null || true
    fi
    cp -a /etc/apt/apt.conf.d "$CHROOT_ROOT/etc/apt/"
    rm -f "$CHROOT_ROOT"/etc/apt/apt.conf.d/*docker*
    chroot_copy_trust
    chroot_mount
    git clone --quiet --no-local . "$CHROOT_ROOT/root/runnel"
}

# Names and certificates that the way to the packages may need.
chroot_copy_trust() {
    cp /etc/resolv.conf /etc/hosts "$CHROOT_ROOT/etc/"
    mkdir -p "$CHROOT_ROOT/etc/ssl"
    cp -a /etc/ssl/certs "$CHROOT_ROOT/etc/ssl/"
    cp -aL /etc/ssl/certs/ca-certificates.crt "$CHROOT_ROOT/etc/ssl/certs/" 2>/dev/null || true
    [[ ! -f /root/.npmrc ]] || cp /root/.npmrc "$CHROOT_ROOT/root/"
}

chroot_mount() {
    local device dev=$CHROOT_ROOT/dev
    mount -t proc proc "$CHROOT_ROOT/proc"
    mount -t tmpfs -o mode=1777 tmpfs "$CHROOT_ROOT/tmp"
    mount -t tmpfs tmpfs "$dev"
    mkdir "$dev/shm" "$dev/pts"
    mount -t tmpfs -o mode=1777 tmpfs "$dev/shm"
    mount -t devpts -o newinstance,ptmxmode=0666 devpts "$dev/pts"
    for device in null zero full random urandom tty; do
        touch "$dev/$device"
        mount --bind "/dev/$device" "$dev/$device"
    done
    ln -s pts/ptmx "$dev/ptmx"
    ln -s /proc/self/fd "$dev/fd"
}

# Packages, over the network.
chroot_install() {
    say 'packages of the tests'
    "${inside[@]}" apt-get update -qq
    "${inside[@]}" apt-get install -y -qq --no-install-recommends "$@" >"$CHROOT_ROOT/tmp/packages.log" 2>&1 ||
        { tail -20 "$CHROOT_ROOT/tmp/packages.log"; fail 'packages'; }
}
