// What the manual pages say beside the tables that they are made of, as mdoc(7).
#pragma once

namespace postigo::commands::text {

inline constexpr const char* kDate = "November 27, 2026";

inline constexpr const char* kProgramIs = "IMAP and POP3 proxy and load balancer";
inline constexpr const char* kCtlIs = "ask the Postigo that runs, or tell it what to do";
inline constexpr const char* kFileIs = "configuration of the Postigo mail proxy";

inline constexpr const char* kProgramSynopsis = R"(.Sh SYNOPSIS
.Nm
.Cm serve
.Op Fl c Ar FILE
.Nm
.Cm check
.Op Fl c Ar FILE
.Op Fl \-dump
.Nm
.Ar command
.Op Ar options
)";

inline constexpr const char* kProgramDescription = R"(.Sh DESCRIPTION
.Nm
ends TLS, learns who the user is, logs him in at the mail server that holds his
mailbox, corrects the capabilities on the way, and from then on moves bytes and
counts.
The same user always meets the same server.
.Pp
Without
.Fl c ,
the configuration is read from
.Pa /etc/postigo/postigo.toml ;
.Xr postigo.toml 5
has its keys.
Certificates that change on disk are taken up within seconds; a configuration
that changes is taken up by a reload, as a whole or not at all.
.Pp
.Fl \-help
behind any command tells its options,
.Fl \-help-all
those of all.
)";

inline constexpr const char* kCtlInBrief = R"(.It Cm ctl Ar verb
Ask the Postigo that runs, or tell it what to do: see
.Xr postigo-ctl 1 .
)";

inline constexpr const char* kProgramEnd = R"(.Sh SIGNALS
.Bl -tag -width Ds
.It Dv SIGHUP
Read the configuration again, as
.Ql postigo ctl reload
does.
.It Dv SIGUSR1
Open the log file again, after it was rotated.
.It Dv SIGUSR2
Upgrade: the program that is on disk now takes the place of the one that runs,
whose sessions stay with it until they end.
.It Dv SIGTERM , SIGINT , SIGQUIT
End: sessions are let go over
.Cm server.drain_time ;
a second signal means now.
.El
.Sh FILES
.Bl -tag -width Ds
.It Pa /etc/postigo/postigo.toml
The configuration.
.It Pa /run/postigo/admin.sock
The socket that
.Xr postigo-ctl 1
asks, if the configuration names it.
.It Pa /var/lib/postigo
What outlives a restart.
.It Pa /var/log/postigo
The log, if it is a file.
.El
.Sh EXIT STATUS
.Bl -tag -width Ds
.It 0
Done.
.It 1
It could not be done.
.It 2
The command line makes no sense.
.It 3
The configuration, or what it needs of this machine, has problems; all of them
were told.
.It 75
Nobody can say now: a directory does not answer.
.El
.Sh SEE ALSO
.Xr postigo-ctl 1 ,
.Xr postigo.toml 5
)";

inline constexpr const char* kCtlSynopsis = R"(.Sh SYNOPSIS
.Nm postigo Cm ctl
.Op Fl c Ar FILE
.Op Fl \-socket Ar PATH
.Op Fl \-json
.Ar verb
.Op Ar argument ...
.Nm postigo Cm ctl
.Fl \-url Ar URL
.Op Fl \-token-file Ar FILE
.Op Fl \-json
.Ar verb
.Op Ar argument ...
.Nm postigo Cm ctl
.Fl \-door Ar NAME , Ns Ar ...
.Op Fl \-doors Ar FILE
.Op Fl \-json
.Ar verb
.Op Ar argument ...
)";

inline constexpr const char* kCtlDescription = R"(.Sh DESCRIPTION
.Nm postigo Cm ctl
asks through the unix socket that
.Cm admin.socket
of the configuration names.
Root may ask, and whoever has the user or the group of the server.
With
.Fl \-url
it asks an
.Cm admin.api_address
instead, with a token; with
.Fl \-door
it asks several instances side by side,
and tells the answer of each under its name.
Each verb that changes something is one line in the server's log.
)";

inline constexpr const char* kCtlEnd = R"(.Sh ENVIRONMENT
.Bl -tag -width Ds
.It Ev POSTIGO_TOKEN
The token for
.Fl \-url ,
unless
.Fl \-token-file
names a file that holds it.
.El
.Sh FILES
.Bl -tag -width Ds
.It Pa ~/.config/postigo/ctl.toml
A
.Li [[door]]
for each instance, with a
.Cm name
and either a
.Cm socket
or a
.Cm url
with
.Cm token_file
(or
.Cm token ,
or
.Cm token_env ) .
.El
.Sh EXIT STATUS
.Bl -tag -width Ds
.It 0
Done.
.It 1
It could not be done, or was refused; standard error says why.
.It 2
The command line makes no sense.
.It 3
The configuration, or the file of doors, has problems;
or it names no socket, or no such door.
.El
.Pp
With several doors it is the worst of them.
.Sh EXAMPLES
Take a backend out of service, look until nobody is left, and put it back:
.Bd -literal -offset indent
postigo ctl backend mail1 drain
postigo ctl who --backend mail1
postigo ctl backend mail1 auto
.Ed
.Pp
What would another file change, and for how many sessions:
.Bd -literal -offset indent
postigo ctl diff /etc/postigo/postigo.toml.new
.Ed
.Sh SEE ALSO
.Xr postigo.toml 5 ,
.Xr postigo 8
)";

inline constexpr const char* kFileDescription = R"(.Sh DESCRIPTION
The configuration of
.Xr postigo 8
is a file in TOML.
.Ql postigo check
tells everything that is wrong with it, each problem with its line and column.
.Pp
Durations are strings with a unit: \(dq250ms\(dq, \(dq10s\(dq, \(dq35m\(dq,
\(dq12h\(dq, \(dq1d\(dq.
Sizes are numbers of octets, or strings: \(dq256k\(dq, \(dq1m\(dq.
Addresses are written \(dq192.0.2.1:993\(dq, \(dq[2001:db8::1]:993\(dq.
Relative paths are taken from the directory of the file.
Instead of a secret there may be the same key with
.Cm _file
or
.Cm _env
behind it.
.Pp
A listener, a certificate and a backend are all that is required:
.Bd -literal -offset indent
[[listener]]
protocol = "imap"
address = "0.0.0.0:993"

[[tls.certificate]]
certificate = "mail.pem"
key = "mail.key"

[[backend]]
host = "mail1.internal"
.Ed
)";

inline constexpr const char* kFileEnd = R"(.Sh FILES
.Bl -tag -width Ds
.It Pa /etc/postigo/postigo.toml
Where it is looked for.
.It Pa /usr/share/doc/postigo/examples/postigo.toml
Every key, with a comment.
.El
.Sh SEE ALSO
.Xr postigo-ctl 1 ,
.Xr postigo 8
)";

}  // namespace postigo::commands::text
