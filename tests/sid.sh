#!/bin/sh
# Puts MySQL, with Group Replication, into a folder of its own: it is in no
# released Debian, but in sid. Nothing on the machine itself is changed, and
# the next call finds the folder and does nothing.
#
#   tests/sid.sh              prints the folder's name
#
# Packages come from the Debian mirror that this machine's own apt uses, checked
# with this machine's keys. They are unpacked, not installed: the tests start
# mysqld by its own loader and with its own libraries.
#
# Ends with 3, and says why, where it cannot be had: sid changes from day to
# day, and not every machine is root's or has a Debian mirror.
set -eu
umask 022

cache=${AMM_RIG_CACHE:-/var/cache/amm-rig}
folder=$cache/sid-mysql
packages=mysql-server-core

say() { printf 'sid: %s\n' "$*" >&2; }
cannot() { say "SKIPPED, there is no MySQL with Group Replication: $*"; exit 3; }

found() {
    [ -e "$folder/version" ] || return 1
    say "$(cat "$folder/version")"
    printf '%s\n' "$folder"
}
if found; then exit 0; fi

[ "$(id -u)" = 0 ] || cannot "unpacking it takes root"
for program in mmdebstrap flock timeout apt-get; do
    command -v $program >/dev/null || cannot "$program is not installed, run tests/install.sh first"
done
mkdir -p "$cache"

# One at a time; who waited finds it done.
exec 9>"$cache/lock"
flock -n 9 || { say "waiting for another that is at it"; flock 9; }
if found; then exit 0; fi

# The mirror of this machine's own Debian suite also carries sid.
mirror() {
    apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
        sed -n 's/^Debian|Debian|main|//p' | head -n 1
}
mirror=$(mirror)
if [ -z "$mirror" ]; then
    apt-get -q -o DPkg::Lock::Timeout=300 update >/dev/null 2>&1 || true
    mirror=$(mirror)
fi
[ -n "$mirror" ] || cannot "apt on this machine has no Debian mirror"

new=$folder.new
rm -rf "$new"
settings=$(mktemp)
trap 'rm -rf "$settings" "$new"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# How this machine reaches its mirror holds for sid as well. sid's index is
# often a few days past its date; its signature is checked all the same.
{
    apt-config dump | sed -n '/^Acquire::\(http\|https\|ftp\|Retries\|Check-Date\|ForceIPv[46]\)\b/p'
    printf '%s\n' 'Acquire::Check-Valid-Until "false";' \
        'Acquire::http::Timeout "30";' 'Acquire::https::Timeout "30";' \
        'APT::Install-Recommends "false";'
} >"$settings"

began=$(date +%s)
say "unpacking $packages of Debian sid into $folder, about 100 MB to download"
timeout 900 mmdebstrap --mode=root --variant=extract --format=directory \
    --include="$packages" --aptopt="$settings" sid "$new" "$mirror" 2>&1 |
    sed -n '/^[EI]: \|^Err\|rror/s/^/sid: /p' >&2
# A pipe tells nothing of its first command; what is there does.
for loader in "$new"/usr/lib/*/ld-linux*.so.*; do :; done
[ -x "$loader" ] && [ -x "$new/usr/sbin/mysqld" ] || cannot "unpacking it failed, see above"
[ -e "$new/usr/lib/mysql/plugin/group_replication.so" ] || cannot "sid's MySQL is without Group Replication today"
version=$("$loader" --library-path "$(dirname "$loader")" "$new/usr/sbin/mysqld" --no-defaults --version 2>&1) ||
    cannot "sid's MySQL does not run on this kernel: $version"

# The mirror's address and proxy are nobody's business here.
rm -rf "$new/etc/apt" "$new/var/lib/apt" "$new/etc/resolv.conf" "$new/etc/hostname"
printf 'MySQL %s\n' "${version#*Ver }" >"$new/version"
chmod 755 "$new"
rm -rf "$folder"
mv "$new" "$folder"
say "done in $(($(date +%s) - began)) s"
found
