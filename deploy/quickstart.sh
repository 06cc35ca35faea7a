#!/bin/bash
# Postigo before two real Dovecots on this machine, from nothing, in one command.
#
#   deploy/quickstart.sh           installs what is needed, builds, starts, logs in, stays until Ctrl-C
#   deploy/quickstart.sh --check   the same without staying: exits 0 if every login was served, else 1
#
# Nothing outlives it but the packages and build/release: mail, certificate, configuration and logs are in a folder of
# their own under /tmp, and so is every port that the usual ones (1143 1993 1110 1995 9090) cannot give.
set -euo pipefail

source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build_dir=${POSTIGO_BUILD_DIR:-$source_dir/build/release}
password=secret
users=(alice bob carol dave)
# Logins a second, connections to each backend, connections by phase.
curves='/classic/graph?g0.expr=sum%20by%20%28protocol%29%20%28rate%28postigo_auth_attempts_total%5B1m%5D%29%29&g0.tab=0&g0.range_input=15m&g1.expr=sum%20by%20%28backend%29%20%28postigo_backend_connects_total%29&g1.tab=0&g1.range_input=15m&g2.expr=sum%20by%20%28state%29%20%28postigo_connections%29&g2.tab=0&g2.range_input=15m'
check=no
children=()
failed=0

say() { printf '%s\n' "$*"; }
step() { printf '\n[%d/6] %s\n' "$1" "$2"; }
die() { printf 'quickstart: %s\n' "$*" >&2; exit 1; }

usage() {
  sed -n '2,8s/^# \{0,1\}//p' "$0"
  exit "$1"
}

options() {
  case ${1-} in
    '') ;;
    --check) check=yes ;;
    -h | --help) usage 0 ;;
    *) usage 2 >&2 ;;
  esac
}

# Ends every child with its whole process group, Postigo first, and removes the folder.
stop_all() {
  local status=$? pid
  trap '' INT TERM
  for pid in "${children[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in "${children[@]}"; do end_group "$pid"; done
  [[ -z ${state-} ]] || rm -rf "$state"
  (( ${#children[@]} == 0 )) || say 'Stopped: nothing is left running.'
  exit "$status"
}

end_group() {
  local tries
  for ((tries = 0; tries < 40; ++tries)); do
    kill -0 "$1" 2>/dev/null || break
    sleep 0.05
  done
  kill -KILL -- "-$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}

# Starts a program in a process group of its own; its id is in $child.
start() {
  local log=$1
  shift
  setsid "$@" >"$log" 2>&1 </dev/null 8>&- 9>&- &
  child=$!
  children=("$child" "${children[@]}")
}

taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Ports that the kernel does not give to clients' connections, if there are any such left on this machine.
lasting_ports() {
  local low=32768 high=60999 all
  read -r low high 2>/dev/null </proc/sys/net/ipv4/ip_local_port_range || true
  all=$(seq 10240 65000 | awk -v low="$low" -v high="$high" '$1 < low || $1 > high')
  (( $(wc -l <<<"$all") > 1000 )) || all=$(seq 10240 65000)
  echo "$all"
}

# Prints the port asked for, or a free one if that is taken (0: any).
free_port() {
  local port=$1
  while (( port == 0 )) || taken "$port"; do port=$(shuf -n 1 <<<"$ports"); done
  echo "$port"
}

# Runs a function that chooses ports and starts a program on them; again with others if one was taken meanwhile.
with_free_ports() {
  local start=$1 log=$2 try
  shift 2
  for try in 1 2 3 4 5; do
    if "$start" "$try" "$@"; then return 0; fi
    grep -qi 'in use' "$log" || break
  done
  cat "$log" >&2
  die "did not come up: $start $*"
}

north=() south=()  # their ports

# One at a time: a copy that starts meanwhile must not choose the same ports.
lock_ports() {
  exec 8</tmp
  flock 8
}

install_packages() {
  step 1 'Packages'
  "$source_dir/deploy/packages.sh" build run
}

build() {
  step 2 "Building into ${build_dir#"$source_dir"/} (the first time takes minutes: BoringSSL is built too)"
  mkdir -p "$build_dir"
  exec 9<"$build_dir"
  flock 9
  [[ -f $build_dir/build.ninja ]] ||
    cmake -S "$source_dir" -B "$build_dir" -G Ninja -DCMAKE_BUILD_TYPE=Release
  cmake --build "$build_dir" --target postigo
  exec 9>&-
  postigo=$build_dir/proxy/postigo
  [[ -x $postigo ]] || die "$postigo was not built"
  say "      $("$postigo" version | head -n 1)"
}

make_certificate() {
  step 3 'Certificate for localhost'
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj '/CN=localhost' \
    -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' -keyout "$state/key.pem" -out "$state/certificate.pem" 2>/dev/null
}

# A mailbox with one message; the same users are on both backends, so that only Postigo decides who is served where.
fill_mailbox() {
  local new=$1/mail/$2/Maildir/new
  mkdir -p "$new" "${new%new}cur" "${new%new}tmp"
  printf 'From: postigo@localhost\r\nTo: %s@localhost\r\nSubject: Welcome, %s\r\n\r\nThis mailbox is on backend %s.\r\n' \
    "$2" "$2" "${1##*/}" >"$new/1.welcome.localhost"
}

prepare_dovecot() {
  local user
  mkdir -p "$state/$1"
  for user in "${users[@]}"; do
    echo "$user:{PLAIN}$password" >>"$state/$1/users"
    fill_mailbox "$state/$1" "$user"
  done
}

# Its ports are in the array of its name afterwards: imap imaps pop3 pop3s.
start_dovecot() {
  local name=$2
  local -n chosen=$name
  chosen=("$(free_port 0)" "$(free_port 0)" "$(free_port 0)" "$(free_port 0)")
  start "$state/$name.log" "$source_dir/deploy/dovecot.sh" "$state/$name" "$state/certificate.pem" "$state/key.pem" \
    "${chosen[@]}"
  await "$child" dovecot_is_up "$name"
}

# Its own word, and not only a port that answers: that could be somebody else's.
dovecot_is_up() { grep -q 'starting up for imap, pop3' "$state/$1/dovecot.log" 2>/dev/null; }

# Waits until a command succeeds; fails if the process ends first.
await() {
  local pid=$1 tries
  shift
  for ((tries = 0; tries < 400; ++tries)); do
    kill -0 "$pid" 2>/dev/null || return 1
    if "$@"; then return 0; fi
    sleep 0.05
  done
  return 1
}

start_dovecots() {
  local name
  step 4 'Two Dovecots on loopback'
  for name in north south; do
    prepare_dovecot "$name"
    : >"$state/$name/dovecot.log"
    with_free_ports start_dovecot "$state/$name/dovecot.log" "$name"
  done
  say "      north: imap ${north[0]}, pop3 ${north[2]}"
  say "      south: imap ${south[0]}, pop3 ${south[2]}"
}

configuration() {
  cat <<END
# Postigo before two Dovecots. \`postigo check -c FILE\` explains what is wrong with a file, \`postigo route -c FILE USER\`
# tells where a user goes.

[server]
hostname = "localhost"

[admin]
address = "127.0.0.1:$admin_port"     # /metrics, /healthz, /readyz

[[listener]]
name = "imap"
protocol = "imap"
address = "127.0.0.1:$imap_port"
tls = "starttls"

[[listener]]
name = "imaps"
protocol = "imap"
address = "127.0.0.1:$imaps_port"
tls = "implicit"

[[listener]]
name = "pop3"
protocol = "pop3"
address = "127.0.0.1:$pop3_port"
tls = "starttls"

[[listener]]
name = "pop3s"
protocol = "pop3"
address = "127.0.0.1:$pop3s_port"
tls = "implicit"

[[tls.certificate]]
certificate = "$state/certificate.pem"
key = "$state/key.pem"

[[backend]]
name = "north"
host = "127.0.0.1"
imap_port = ${north[0]}
pop3_port = ${north[2]}
tls = { mode = "starttls", ca_file = "$state/certificate.pem", name = "localhost" }
trusted = true                      # tell it the client's address

[[backend]]
name = "south"
host = "127.0.0.1"
imap_port = ${south[0]}
pop3_port = ${south[2]}
tls = { mode = "starttls", ca_file = "$state/certificate.pem", name = "localhost" }
trusted = true

# Users are spread over the pool's shards by their names ...
[[pool]]
name = "main"
backends = ["north", "south"]

# ... but for those who have a rule of their own.
[[routing.rule]]
user = "alice"
pool = "main"
shard = "north"

[[routing.rule]]
user = "dave"
pool = "main"
shard = "south"
END
}

# The usual ports first; a port can be taken by somebody who does not answer, so the next try takes none of them.
launch_postigo() {
  local usual=(1143 1993 1110 1995 9090)
  (( $1 == 1 )) || usual=(0 0 0 0 0)
  imap_port=$(free_port "${usual[0]}") imaps_port=$(free_port "${usual[1]}")
  pop3_port=$(free_port "${usual[2]}") pop3s_port=$(free_port "${usual[3]}")
  admin_port=$(free_port "${usual[4]}")
  configuration >"$state/postigo.toml"
  start "$state/postigo.log" "$postigo" serve -c "$state/postigo.toml"
  postigo_pid=$child
  await "$child" curl -sfo "$state/ready" "http://127.0.0.1:$admin_port/readyz"
}

start_postigo() {
  step 5 'Postigo'
  with_free_ports launch_postigo "$state/postigo.log"
  say "      IMAP $imap_port, IMAPS $imaps_port, POP3 $pop3_port, POP3S $pop3s_port, admin $admin_port"
  say "      configuration: $state/postigo.toml"
}

# Which backend logged this user in since the counts in $before were taken: the Dovecots' own logs tell.
logins() { grep -c "$2-login: Info: Login: user=<$1>" "$state/$3/dovecot.log" 2>/dev/null || true; }

served_by() {
  local name end=$((SECONDS + 3))
  while (( SECONDS < end )); do
    for name in north south; do
      (( $(logins "$1" "$2" "$name") == ${before[$name]} )) || { echo "$name"; return; }
    done
    sleep 0.05
  done
  echo nobody
}

# log_in USER LABEL URL [curl options]: reads the welcome message and tells who served it.
log_in() {
  local user=$1 label=$2 url=$3 protocol=${3%%[s:]*} mail by
  shift 3
  declare -A before=([north]=$(logins "$user" "$protocol" north) [south]=$(logins "$user" "$protocol" south))
  if mail=$(curl -sS --max-time 20 --cacert "$state/certificate.pem" -u "$user:$password" "$@" "$url" 2>&1); then
    by=$(served_by "$user" "$protocol")
  else
    by='-'
  fi
  if [[ $by != - && $mail == *"Welcome, $user"*"on backend $by."* ]]; then
    printf '      %-7s %-14s %-6s %s\n' "$user" "$label" "$by" "$(grep -a '^Subject' <<<"$mail" | tr -d '\r')"
  else
    printf '      %-7s %-14s FAILED %s\n' "$user" "$label" "$mail"
    failed=1
  fi
}

log_everybody_in() {
  local user
  step 6 'Logging in with curl'
  printf '      %-7s %-14s %-6s %s\n' user over 'served by' ''
  for user in "${users[@]}"; do
    log_in "$user" IMAPS "imaps://127.0.0.1:$imaps_port/INBOX;MAILINDEX=1"
    log_in "$user" IMAP+STARTTLS "imap://127.0.0.1:$imap_port/INBOX;MAILINDEX=1" --ssl-reqd
    log_in "$user" POP3S "pop3s://127.0.0.1:$pop3s_port/1"
    log_in "$user" POP3+STLS "pop3://127.0.0.1:$pop3_port/1" --ssl-reqd
  done
}

# Our own configuration of Prometheus, for the port that Postigo has.
prometheus_configuration() {
  sed -e "s/127\.0\.0\.1:9090/127.0.0.1:$admin_port/" -e "s#\(recording\|alerts\)\.yml#$source_dir/deploy/prometheus/&#g" \
    "$source_dir/deploy/prometheus/prometheus.yml"
}

what_next() {
  local graph_port
  graph_port=$(free_port 9099)
  prometheus_configuration >"$state/prometheus.yml"
  cat <<END

Postigo is up. Metrics: http://127.0.0.1:$admin_port/metrics    its log: $state/postigo.log
Users: ${users[*]}; password: $password. Try next:

  curl --cacert $state/certificate.pem -u bob:$password 'imaps://127.0.0.1:$imaps_port/INBOX;MAILINDEX=1'
  $postigo route -c $state/postigo.toml bob

Curves of it, by Debian's Prometheus, in another terminal:

  $source_dir/deploy/packages.sh watch
  prometheus --config.file=$state/prometheus.yml --storage.tsdb.path=$source_dir/build/curves --web.listen-address=127.0.0.1:$graph_port

  http://127.0.0.1:$graph_port$curves

Ctrl-C ends it.
END
}

main() {
  options "$@"
  install_packages
  build
  state=$(mktemp -d /tmp/postigo-quickstart.XXXXXX)
  chmod 755 "$state"
  trap stop_all EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  make_certificate
  ports=$(lasting_ports)
  lock_ports
  start_dovecots
  start_postigo
  exec 8>&-
  log_everybody_in
  (( failed == 0 )) || { tail -n 20 "$state/postigo.log" >&2; die 'not every login was served'; }
  if [[ $check == yes ]]; then
    say $'\nEvery login was served: the check is good.'
    exit 0
  fi
  what_next
  trap 'exit 0' INT
  wait "$postigo_pid" || { tail -n 20 "$state/postigo.log" >&2; die 'Postigo has ended by itself'; }
}

main "$@"
