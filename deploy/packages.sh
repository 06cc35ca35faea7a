#!/bin/sh
# Installs the Debian packages that a purpose needs, and only what is missing.
#
#   packages.sh [build|run|watch|test|bench]...      (default: build)
#
#   build  compile Postigo        run    the quick start's mail server and tools
#   watch  Prometheus, to look at its curves
#   test   the tests              bench  the other proxies that bench/run.sh measures beside Postigo, and its charts
#
# Nothing missing: no root, no network, no output. No daemon is started, and none is left to start at the next boot.
set -eu

# libcurl4-openssl-dev: the policy server is asked over HTTP, on the loops too
# libpq-dev, libmariadb-dev, libldap-dev, libhiredis-dev, libpam0g-dev: where users are known already
# libidn-dev: SASLprep (RFC 4013), which nobody should write again
# libidn2-dev: international domains as UTS 46 reads them; libidn knows the older rules only, and libre2-dev matches
# operators' expressions in linear time, so that no name is a trap
# libc-ares-dev: name servers are asked on the loops; getaddrinfo has four threads, and four dead names stop them all
BUILD='g++ cmake ninja-build ccache pkg-config
  libuv1-dev libc-ares-dev libcurl4-openssl-dev libtomlplusplus-dev libcli11-dev libfmt-dev
  libexpected-dev libre2-dev libsqlite3-dev libargon2-dev libcrypt-dev nlohmann-json3-dev
  libpq-dev libmariadb-dev libldap-dev libhiredis-dev libpam0g-dev libidn-dev libidn2-dev
  ca-certificates debian-archive-keyring xz-utils'
RUN='dovecot-imapd dovecot-pop3d curl openssl'
WATCH='prometheus'
# prometheus scrapes us and brings promtool, fail2ban is for fail2ban-regex, valgrind for the bench's instruction counts,
# mmdebstrap unpacks mail servers that exclude one another (tests/differential), systemd is for systemd-analyze. zsh and
# fish are asked what they complete, mandoc and groff read the manual pages, dpkg-dev finds what the Debian package links,
# lintian judges it, postfix and dovecot-lmtpd deliver mail to where we say. postgresql, mariadb-server, slapd,
# redis-server and libpam-pwdfile know users, nginx asks programs who know them; gsasl speaks mechanisms, as mbsync does
# with libsasl2-modules. rsyslog reads what is sent to syslog. matplotlib draws dashboards where there is
# no Grafana. chromium and selenium look at the page; with npm, if it is here, axe-core judges it
TEST='libgtest-dev libgmock-dev libbenchmark-dev clang libclang-rt-14-dev clang-format dovecot-imapd dovecot-pop3d curl openssl python3
  python3-matplotlib isync fetchmail neomutt prometheus fail2ban binutils procps valgrind mmdebstrap debian-archive-keyring
  offlineimap3 systemd haproxy zsh fish mandoc groff-base dpkg-dev lintian postfix dovecot-lmtpd
  postgresql mariadb-server slapd ldap-utils redis-server libpam-pwdfile gsasl libsasl2-modules nginx
  libnginx-mod-mail rsyslog chromium chromium-driver python3-selenium'
# libbenchmark-dev: the micro-benchmarks are of the same build. mmdebstrap unpacks the newest HAProxy, nginx and Dovecot
BENCH='nginx libnginx-mod-mail haproxy dovecot-imapd dovecot-pop3d perdition openssl python3 python3-matplotlib
  libbenchmark-dev procps mmdebstrap debian-archive-keyring'

POLICY=/usr/sbin/policy-rc.d
WANTS=/etc/systemd/system

# Ends with one line.
die() { echo "packages: $*" >&2; exit 1; }

# Prints the packages of the purposes named.
wanted() {
  for purpose in "${@:-build}"; do
    case $purpose in
      build) echo "$BUILD" ;;
      run) echo "$RUN" ;;
      watch) echo "$WATCH" ;;
      test) echo "$TEST" ;;
      bench) echo "$BENCH" ;;
      *) die "unknown purpose '$purpose' (build, run, watch, test, bench)" ;;
    esac
  done
}

# Prints those of its arguments that are not installed for this machine's architecture.
missing() {
  installed=" $(dpkg-query -W -f '${db:Status-Abbrev}${Package}:${Architecture}\n' "$@" 2>/dev/null |
    sed -n "s/^.i //; s/:$(dpkg --print-architecture)\$//p; s/:all\$//p" | tr '\n' ' ') "
  for package in "$@"; do
    case $installed in *" $package "*) ;; *) echo "$package" ;; esac
  done
}

# Prints the units that systemd would start at boot.
enabled_units() { find "$WANTS" -path "$WANTS/*.wants/*" -printf '%f\n' 2>/dev/null | sort -u; }

# Makes maintainer scripts leave daemons alone, unless the machine has a policy of its own already.
hold_daemons() {
  units=$(enabled_units)
  [ -e "$POLICY" ] || {
    held=yes
    printf '#!/bin/sh\nexit 101\n' >"$POLICY"
    chmod 755 "$POLICY"
  }
}

# Puts everything back; a unit that the packages have enabled is disabled again.
release_daemons() {
  [ -z "$held" ] || rm -f "$POLICY"
  command -v systemctl >/dev/null 2>&1 || return 0
  for unit in $(enabled_units); do
    case " $(echo "$units" | tr '\n' ' ') " in
      *" $unit "*) ;;
      *) systemctl disable --quiet "$unit" >/dev/null 2>&1 || true ;;
    esac
  done
}

# Runs apt-get without questions and without output, unless it fails.
quietly() {
  if ! DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=600 "$@" \
    </dev/null >"$log" 2>&1 9>&-; then
    tail -n 15 "$log" >&2
    die "'apt-get $*' failed"
  fi
}

# Installs as root. The lock keeps a second copy from losing the policy while the first still needs it.
install() {
  log=$(mktemp)
  held=
  units=
  exec 9<"${POLICY%/*}"
  flock 9
  trap 'release_daemons; rm -f "$log"' EXIT
  trap 'exit 130' HUP INT TERM
  hold_daemons
  echo "packages: installing $*"
  quietly update
  quietly install --no-install-recommends "$@"
}

command -v dpkg-query >/dev/null 2>&1 || die "this is not Debian; wanted are: $(wanted "$@" | tr -s ' \n' '  ')"
list=$(wanted "$@")
# shellcheck disable=SC2086 # a list of words
list=$(missing $list | sort -u | tr '\n' ' ')
if [ -z "$list" ]; then exit 0; fi
if [ "$(id -u)" -ne 0 ]; then
  # without a terminal sudo could not ask for a password
  if command -v sudo >/dev/null 2>&1 && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then exec sudo sh "$0" "$@"; fi
  die "run as root: apt-get install --no-install-recommends $list"
fi
# shellcheck disable=SC2086
install $list
