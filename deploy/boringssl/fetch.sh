#!/bin/sh
# Fetches the BoringSSL source that Debian ships and leaves what a build needs of it in DESTDIR.
#
#   fetch.sh DESTDIR
#
# Everything goes through apt: its mirror, its proxy, its signature check. The machine's own sources are
# only read (most images have no deb-src line); apt works on a private list and private directories, so
# neither root nor a change to the machine is needed. Two guards: apt's signatures, and the sums below.
# A finished DESTDIR returns at once; copies that run at the same time share one download.
set -eu

PACKAGE=android-platform-external-boringssl
SUITES='trixie sid bookworm'
OUTDATED=13.0.0+r24

# The only archives that are accepted: version and SHA-256 of the orig tarball.
pins() {
  echo '14.0.0+r45 f9223e8c15ad5d9e3f1cd50861f4c272658864661e2332bea5d60952aa0930cd'
  echo '13.0.0+r24 583b7aeee1fca68b8244d086cea6fca23bd19d517bd63f0b9de714e048f92a7d'
}

# Ends with one line that says what went wrong and what the way out is.
die() {
  echo "boringssl: $*; or unpack the source yourself and configure with -DBoringSSL_ROOT=DIRECTORY" >&2
  exit 1
}

# Refuses to start where a tool is missing, before anything is downloaded.
need() {
  for tool in "$@"; do
    command -v "$tool" >/dev/null 2>&1 || die "'$tool' is missing (deploy/packages.sh build installs it)"
  done
}

# True once DESTDIR is complete: the version file comes with the rename that publishes the folder.
finished() { [ -s "$dest/VERSION" ]; }

# Refuses a DESTDIR that could not be published later, before anything is downloaded.
check_place() {
  mkdir -p "$(dirname "$dest")" 2>/dev/null || die "cannot create $(dirname "$dest")"
  (: >>"$dest.lock") 2>/dev/null || die "cannot write $dest.lock"
  [ ! -e "$dest" ] || rmdir "$dest" 2>/dev/null || finished || die "$dest is in the way (not a finished download)"
}

# Names the version that is in use. The old one is worth a warning every time, not only when fetched.
report() {
  version=$(cat "$dest/VERSION")
  echo "boringssl: $version (Debian source) in $dest"
  [ "$version" != "$OUTDATED" ] || echo "boringssl: warning: $version still has CVE-2023-0286 (type confusion" \
    "in X.509 GENERAL_NAME); remove $dest and configure again where trixie or sid can be reached" >&2
}

# Prints the machine's Debian mirrors as deb-src stanzas for the suite @SUITE@, from both of apt's formats.
# A mirror is an entry with component main and a plain Debian suite, so security and third parties stay out.
# Options that weaken authentication (trusted, allow-insecure) are not taken over.
mirrors() {
  eval "$(apt-config shell list Dir::Etc::sourcelist/f parts Dir::Etc::sourceparts/d)"
  set --
  for file in "${list:-/etc/apt/sources.list}" "${parts:-/etc/apt/sources.list.d}"/*.list \
    "${parts:-/etc/apt/sources.list.d}"/*.sources; do
    [ ! -r "$file" ] || set -- "$@" "$file"
  done
  [ $# -gt 0 ] || return 0
  keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  [ -r "$keyring" ] || keyring=
  awk -v keyring="$keyring" '
    function is_debian(suites, components) {
      return (" " suites " ") ~ / (bookworm|trixie|forky|sid|oldstable|stable|testing|unstable)\/? / &&
             (" " components " ") ~ / main /
    }
    function emit(uris, key) {  # a mirror may name the key of one release only: the keyring has them all
      if (uris ~ /^cdrom:/ || seen[uris]++) return
      if (key ~ /^\// && keyring != "" && !index(key, keyring)) key = key " " keyring
      print "Types: deb-src\nURIs: " uris "\nSuites: @SUITE@\nComponents: main"
      print (key == "" ? "" : "Signed-By: " key "\n")
    }
    function end_stanza() {
      if ((" " f["types"] " ") ~ / deb(-src)? / && tolower(f["enabled"]) != "no" &&
          is_debian(f["suites"], f["components"])) emit(f["uris"], f["signed-by"])
      split("", f); name = ""
    }
    function one_line(line,    key, options, n, word, components, i) {
      if (match(line, /^deb(-src)?[ \t]+\[[^]]*\]/)) {
        options = substr(line, 1, RLENGTH); line = "deb" substr(line, RLENGTH + 1)
        if (match(options, /signed-by=[^] \t]+/)) key = substr(options, RSTART + 10, RLENGTH - 10)
        gsub(",", " ", key)
      }
      n = split(line, word)
      for (i = 4; i <= n; i++) components = components " " word[i]
      if (is_debian(word[3], components)) emit(word[2], key)
    }
    FNR == 1 { end_stanza() }
    /^[ \t]*#/ { next }
    FILENAME !~ /\.sources$/ { sub(/[ \t]+#.*/, ""); sub(/^[ \t]+/, ""); if (/^deb(-src)?[ \t]/) one_line($0); next }
    /^[ \t]*$/ { end_stanza(); next }
    /^[ \t]/ { f[name] = f[name] (name == "signed-by" ? "\n" $0 : " " $0); next }
    { name = tolower($0); sub(/:.*/, "", name); f[name] = $0; sub(/^[^:]*:[ \t]*/, "", f[name]) }
    END { end_stanza() }
  ' "$@"
}

# Gives apt a state, a cache and a list of its own, and no hooks: those belong to the machine's own update.
write_apt_conf() {
  mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$work/download"
  cat >"$work/apt.conf" <<END
Dir::State "$work/state";
Dir::Cache "$work/cache";
Dir::Etc::sourcelist "$work/suite.sources";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
#clear APT::Update;
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
APT::Get::AllowUnauthenticated "false";
END
  if [ "$(id -u)" -eq 0 ] && id _apt >/dev/null 2>&1; then chown _apt "$work/download"; fi
}

# Runs apt-get inside the private directories.
private_apt() { (cd "$work/download" && apt-get -c "$work/apt.conf" -qq "$@"); }

# Prints "FILE SHA256" of the orig tarball that the suite in use offers.
offered() {
  private_apt source --only-source --tar-only --download-only --print-uris "$PACKAGE" 2>/dev/null |
    awk '/^\x27/ && / SHA256:/ { sub(/SHA256:/, "", $4); print $2, $4; exit }'
}

# Downloads a pinned tarball from one suite; sets $version and $tarball. False: this suite cannot serve.
download_from() {
  sed "s/@SUITE@/$1/" "$work/mirrors" >"$work/suite.sources"
  private_apt update >>"$work/log" 2>&1 || true
  offer=$(offered)
  [ -n "$offer" ] || return 1
  version=$(pins | awk -v sum="${offer#* }" '$2 == sum { print $1 }')
  if [ -z "$version" ]; then
    echo "E: $1 offers $offer, which is not pinned" >>"$work/log"
    return 1
  fi
  echo "boringssl: downloading $version from $1"
  tarball=$work/download/${offer%% *}
  private_apt source --only-source --tar-only --download-only "$PACKAGE" >>"$work/log" 2>&1 || return 1
  echo "${offer#* }  $tarball" | sha256sum --check --status ||
    die "$version from $1 has the wrong SHA-256 ($(sha256sum <"$tarball"))"
}

# Unpacks the library sources of the two architectures that have assembly: 10 MB of the tarball's 240.
unpack() {
  tar -xJf "$tarball" -C "$1" --strip-components=1 --no-same-owner --wildcards --no-wildcards-match-slash \
    --exclude='*_test.*' --exclude='*.txt' --exclude='*.pl' --exclude='*.go' --exclude='*.py' \
    --exclude='*/src/ssl/test' --exclude='*/src/crypto/test' \
    '*/android-sources.cmake' '*/err_data.c' '*/BORINGSSL_REVISION' '*/NOTICE' '*/src/LICENSE' \
    '*/src/include' '*/src/crypto' '*/src/ssl' '*/src/third_party/fiat' '*/linux-x86_64' '*/linux-aarch64' ||
    die "cannot unpack $version"
  chmod 755 "$1"
  echo "$version" >"$1/VERSION"
}

# Fetches and publishes DESTDIR with one rename, so that nobody ever sees half of it.
fetch() {
  mirrors >"$work/mirrors"
  [ -s "$work/mirrors" ] || die "apt has no Debian mirror configured (main of bookworm, trixie, sid, stable ...)"
  write_apt_conf
  version=
  for suite in $SUITES; do
    if download_from "$suite"; then break; else version=; fi
  done
  [ -n "$version" ] || die "no pinned source in $SUITES ($(grep '^[EW]: ' "$work/log" | grep -v 'ignored, or old' | tail -n 1 || true))"
  stage=$(mktemp -d "$dest.XXXXXX")
  unpack "$stage"
  mv -T "$stage" "$dest" 2>/dev/null || die "cannot write $dest"
}

# Removes what an interrupted or failed run leaves behind.
clean_up() { rm -rf "$work" ${stage:+"$stage"}; }

if [ $# -ne 1 ] || [ -z "$1" ]; then echo "usage: fetch.sh DESTDIR" >&2; exit 2; fi
case $1 in /*) dest=${1%/} ;; *) dest=$PWD/${1%/} ;; esac
if finished; then report; exit 0; fi
need apt-get apt-config awk flock sha256sum tar xz
check_place
exec 9>>"$dest.lock"
flock 9
if finished; then report; exit 0; fi
stage=
work=$(mktemp -d "${TMPDIR:-/tmp}/boringssl.XXXXXX")
trap clean_up EXIT
trap 'exit 130' HUP INT TERM
chmod 755 "$work" # apt downloads as its own user
fetch
report
