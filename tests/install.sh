#!/bin/sh
# Installs what building and testing amm needs from Debian's own packages.
#
#   tests/install.sh          all of it
#   tests/install.sh build    only what the extension is built with
#
# Does nothing, quickly, when nothing is missing. Starts no service and leaves
# none enabled that was not.
set -eu

say() { printf 'install: %s\n' "$*"; }
die() { printf 'install: %s\n' "$*" >&2; exit 1; }

what=${1:-all}
case $what in build|all) ;; *) die "unknown: $what (build, all)" ;; esac

command -v dpkg-query >/dev/null && command -v apt-get >/dev/null ||
    die "this is not Debian or Ubuntu: install PHP with its headers, libclang, MariaDB with Galera 4, rsync, nginx and Laravel by other means"

# Words are packages; of alternatives the first that can be had is taken.
build="gcc libc6-dev make php-cli:php php-dev:php libclang-14-dev|libclang-dev clang-14|clang"
rig="php-fpm:php libapache2-mod-php:php php-mysql:php php-mbstring:php php-xml:php php-laravel-framework phpunit
     mariadb-server mariadb-client galera-4 rsync nginx-light|nginx iproute2 lsof procps util-linux mmdebstrap"
[ "$what" = build ] && wanted=$build || wanted="$build $rig"

installed() {
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}
available() {
    LC_ALL=C apt-cache policy "$1" 2>/dev/null | grep -q 'Candidate: [^(]'
}

# The PHP that is there, or else the one that Debian's php-cli stands for.
php_version() {
    if command -v php >/dev/null; then
        php -n -r 'echo PHP_MAJOR_VERSION, ".", PHP_MINOR_VERSION;'
    else
        LC_ALL=C apt-cache depends php-cli 2>/dev/null |
            sed -n 's/^ *Depends: php\([0-9.]*\)-cli$/\1/p' | head -n 1
    fi
}

# What of $wanted is not there. Sets $missing.
find_missing() {
    version=$(php_version)
    missing=
    for word in $wanted; do
        case $word in
            libapache2-mod-php:php) word=${word%:php}$version ;;
            php-*:php) [ -n "$version" ] && word="php$version-${word#php-}" || word=${word}; word=${word%:php} ;;
        esac
        pick= found=
        for name in $(printf '%s' "$word" | tr '|' ' '); do
            if installed "$name"; then found=1; break; fi
            if [ -z "$pick" ] && available "$name"; then pick=$name; fi
        done
        [ -n "$found" ] || missing="$missing ${pick:-${word%%|*}}"
    done
    missing=${missing# }
}

find_missing
if [ -z "$missing" ]; then
    say "nothing is missing"
    exit 0
fi

# From here on root is needed.
if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null; then
    as_root=sudo
else
    die "missing: $missing. Run this as root, or install sudo"
fi

log=$(mktemp)
policy=/usr/sbin/policy-rc.d
made_policy=
clean_up() {
    rm -f "$log"
    [ -z "$made_policy" ] || $as_root rm -f "$policy"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Runs apt-get quietly; says what it said if it fails.
apt() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -q \
        -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1 && return
    tail -n 25 "$log" >&2
    return 1
}

began=$(date +%s)
say "updating the package lists"
apt update || die "the package lists cannot be updated: is there a network, and does /etc/apt name a mirror?"
find_missing

# Units and run-level links that start something, one a line.
enabled() {
    if command -v systemctl >/dev/null; then
        systemctl --root=/ list-unit-files --state=enabled --no-legend --no-pager 2>/dev/null |
            awk '{ print "unit " $1 }'
    fi
    for link in /etc/rc[2-5].d/S[0-9][0-9]*; do
        [ -e "$link" ] && printf 'script %s\n' "${link##*/S[0-9][0-9]}"
    done | sort -u
}

# No package's script may start its service while this is there.
if [ ! -e "$policy" ]; then
    made_policy=1
    printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
    $as_root chmod 755 "$policy"
fi
before=$(enabled)

say "downloading $(printf '%s\n' $missing | wc -l) packages and what they need: $missing"
apt install --no-install-recommends --download-only $missing ||
    die "not all of it can be had: $missing"
say "installing them"
apt install --no-install-recommends $missing || die "the installation failed"

enabled | while read -r kind name; do
    printf '%s\n' "$before" | grep -qxF "$kind $name" && continue
    case $name in apache*|mariadb*|mysql*|nginx*|php*|rsync*|garb*) ;; *) continue ;; esac
    say "leaving $name disabled"
    case $kind in
        unit) $as_root systemctl --root=/ disable "$name" >/dev/null 2>&1 || true ;;
        script) $as_root update-rc.d "$name" disable >/dev/null 2>&1 || true ;;
    esac
done

find_missing
[ -z "$missing" ] || die "still missing: $missing"
say "done in $(($(date +%s) - began)) s"
