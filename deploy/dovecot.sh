#!/bin/bash
# Runs one private Dovecot 2.3 in the foreground: own folder, own ports on loopback, nothing of the system's touched.
#
#   dovecot.sh DIR CERTIFICATE KEY IMAP IMAPS POP3 POP3S
#
# The caller fills DIR first: `users` (name:{SCHEME}password, one per line), optionally `masters` (the same form, for
# `user*master` and authzid) and `extra.conf` (read last). Mail is in DIR/mail/USER as Maildir, the log in
# DIR/dovecot.log. Works as root (then it becomes nobody) and as anybody else. Keep DIR short: sockets live in there.
# End it with SIGTERM; the process that this script becomes is Dovecot's master.
set -euo pipefail

die() { echo "dovecot.sh: $*" >&2; exit 1; }

(( $# == 7 )) || die 'usage: dovecot.sh DIR CERTIFICATE KEY IMAP IMAPS POP3 POP3S'
dir=$(cd "$1" && pwd) || die "$1 is not a folder"
certificate=$2 key=$3 imap=$4 imaps=$5 pop3=$6 pop3s=$7
dovecot=$(PATH=$PATH:/usr/sbin command -v dovecot) || die 'dovecot is missing (deploy/packages.sh run installs it)'
(( ${#dir} < 70 )) || die "$dir is too long for the sockets in it"
[[ -f $dir/users ]] || die "$dir/users is missing"

# Who Dovecot runs as: everything under one unprivileged user, so that no chroot and no second user is needed.
user=$(id -un) group=$(id -gn) become=()
if (( EUID == 0 )); then
  user=nobody group=$(id -gn nobody)
  become=(setpriv "--reuid=$user" "--regid=$group" --clear-groups)
fi

master_passdb() {
  [[ -f $dir/masters ]] || return 0
  cat <<END
passdb {
  driver = passwd-file
  args = $dir/masters
  master = yes
  result_success = continue
}
END
}

configuration() {
  cat <<END
protocols = imap pop3
listen = 127.0.0.1
base_dir = $dir/run
state_dir = $dir/state
log_path = $dir/dovecot.log
log_timestamp = "%Y-%m-%d %H:%M:%S.%{usecs} "
default_internal_user = $user
default_internal_group = $group
default_login_user = $user
default_client_limit = 8000
default_process_limit = 1000
mail_home = $dir/mail/%u
mail_location = maildir:~/Maildir
mail_uid = $user
mail_gid = $group
first_valid_uid = 1
first_valid_gid = 1
mail_max_userip_connections = 1000
mailbox_list_index = no
ssl = yes
ssl_cert = <$dir/certificate.pem
ssl_key = <$dir/key.pem
ssl_dh =
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_master_user_separator = *
auth_failure_delay = 0
auth_verbose = yes
login_trusted_networks = 127.0.0.0/8
login_log_format_elements = user=<%u> method=%m rip=%r rport=%b lip=%l %c session=<%{session}> real=%{real_rip}
namespace inbox {
  inbox = yes
  mailbox Sent {
    special_use = \Sent
    auto = create
  }
}
$(master_passdb)
passdb {
  driver = passwd-file
  args = $dir/users
}
userdb {
  driver = static
  args = uid=$user gid=$group home=$dir/mail/%u
}
service imap-login {
  chroot =
  service_count = 0
  process_limit = 4
  inet_listener imap {
    port = $imap
  }
  inet_listener imaps {
    port = $imaps
    ssl = yes
  }
}
service pop3-login {
  chroot =
  service_count = 0
  process_limit = 4
  inet_listener pop3 {
    port = $pop3
  }
  inet_listener pop3s {
    port = $pop3s
    ssl = yes
  }
}
service imap-urlauth-login {
  process_limit = 1
}
service anvil {
  chroot =
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service stats {
  chroot =
}
!include_try $dir/extra.conf
END
}

mkdir -p "$dir/run" "$dir/state" "$dir/mail"
cp "$certificate" "$dir/certificate.pem"
cp "$key" "$dir/key.pem"
configuration >"$dir/dovecot.conf"
(( EUID != 0 )) || chown -R "$user:$group" "$dir"
exec "${become[@]}" "$dovecot" -F -c "$dir/dovecot.conf"
