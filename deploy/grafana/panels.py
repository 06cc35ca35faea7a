"""What the dashboards show, as rows of panels: titles, units, queries, limits. dashboards.py makes Grafana's JSON of it.

In queries $D is the choice of doors, $B that of backends, $L of listeners, $P of pools, as label matchers. A panel with
`alert` links to that section of the runbook.
"""

PART, COUNT, SECONDS, BYTES, PER_SECOND = "percentunit", "short", "s", "bytes", "cps"
RATE = "$__rate_interval"


def panel(title, unit, *queries, kind="timeseries", alert="", warn=None, bad=None, stack=False, width=8, tells=""):
    """queries: (expression, legend). warn, bad: from where it is yellow, red."""
    return {"title": title, "unit": unit, "queries": queries, "kind": kind, "alert": alert, "warn": warn, "bad": bad,
            "stack": stack, "width": width, "tells": tells}


def stat(title, unit, query, **more):
    return panel(title, unit, (query, ""), kind="stat", width=4, **more)


def per_second(family, by, more=""):
    return f"sum by ({by}) (rate({family}{{$D{more}}}[{RATE}]))"


FLEET = [
    ("Now", [
        stat("Doors that are up", COUNT, 'sum(up{job="postigo", $D})', alert="PostigoGone"),
        stat("Sessions", COUNT, 'sum(postigo_connections{$D, state="relay"})'),
        stat("Logins a second", PER_SECOND, per_second("postigo_auth_attempts_total", "job", ', result="ok"')),
        stat("Told to try later", PART, "max(instance_protocol:postigo_unavailable:ratio5m{$D})", warn=0.01, bad=0.05,
             alert="PostigoLoginsUnavailable"),
        stat("Backends down", COUNT, 'count(max by (backend) (postigo_backend_state{$D, state="down"}) == 1) or vector(0)',
             bad=1, alert="PostigoBackendDown"),
        stat("Alerts", COUNT, 'count(ALERTS{alertname=~"Postigo.*", alertstate="firing"}) or vector(0)', warn=1),
    ]),
    ("How full, of what may be", [
        panel("Connections", PART, ("instance:postigo_connections:ratio{$D}", "{{instance}}"), warn=0.75, bad=0.9,
              alert="PostigoNearlyFull"),
        panel("Descriptors", PART, ("instance:postigo_fds:ratio{$D}", "{{instance}}"), warn=0.7, bad=0.85,
              alert="PostigoDescriptorsNearlyGone"),
        panel("Memory of sessions", PART, ("instance:postigo_session_memory:ratio{$D}", "{{instance}}"), warn=0.5, bad=0.7,
              alert="PostigoMemoryNearlyFull"),
    ]),
    ("Who comes, and how it goes", [
        panel("Sessions by door", COUNT, ('sum by (instance) (postigo_connections{$D, state="relay"})', "{{instance}}"),
              stack=True),
        panel("Logins by result", PER_SECOND, (per_second("postigo_auth_attempts_total", "result") + " > 0", "{{result}}"),
              alert="PostigoNobodyLogsIn"),
        panel("Logins: 99 of 100 take less", SECONDS,
              ("max by (instance, protocol) (instance_protocol:postigo_login_seconds:p99_5m{$D})", "{{instance}} {{protocol}}"),
              warn=2, bad=5, alert="PostigoLoginsSlow"),
        panel("Bytes relayed", "Bps", (per_second("postigo_bytes_total", "dir"), "{{dir}}")),
        panel("Sessions by backend", COUNT, ("sum by (backend) (postigo_backend_sessions{$D})", "{{backend}}"), stack=True),
        panel("CPU is scarce: lag of loops, 99 of 100", SECONDS,
              ("max by (instance) (instance_worker:postigo_event_loop_lag_seconds:p99_5m{$D})", "{{instance}}"),
              warn=0.05, bad=0.25, alert="PostigoLoopLag"),
    ]),
    ("What runs", [
        panel("Versions", COUNT, ("count by (version) (postigo_build_info{$D})", "{{version}}"), kind="bargauge"),
        panel("Configurations in effect", COUNT, ("count by (hash) (postigo_config_info{$D})", "{{hash}}"), kind="bargauge",
              tells="Several hashes are normal if doors have addresses of their own in them."),
        panel("Last load took effect", COUNT, ("postigo_config_last_load_successful{$D}", "{{instance}}"), kind="bargauge",
              alert="PostigoReloadRefused"),
    ]),
]

DOOR = [
    ("Connections", [
        panel("By phase", COUNT, ("sum by (state) (postigo_connections{$D})", "{{state}}"), stack=True,
              alert="PostigoNearlyFull"),
        panel("Accepted", PER_SECOND, (per_second("postigo_connections_accepted_total", "listener", ", $L"), "{{listener}}")),
        panel("Turned away", PER_SECOND, (per_second("postigo_rejected_total", "listener, reason", ", $L"),
                                          "{{listener}} {{reason}}"), alert="PostigoTurnsAway"),
        panel("Sessions of listeners", COUNT, ("sum by (listener) (postigo_listener_sessions{$D, $L})", "{{listener}}"),
              ("sum by (listener) (postigo_listener_sessions_limit{$D, $L} > 0)", "limit of {{listener}}"),
              alert="PostigoListenerNearlyFull"),
        panel("How they ended", PER_SECOND, (per_second("postigo_disconnects_total", "side, reason") + " > 0",
                                             "{{side}}: {{reason}}"), alert="PostigoSessionsCut"),
        panel("Length: half of them less", SECONDS,
              (f"histogram_quantile(0.5, sum by (le, protocol) (rate(postigo_session_seconds_bucket{{$D}}[{RATE}])))",
               "{{protocol}}")),
    ]),
    ("TLS", [
        panel("Handshakes", PER_SECOND, (per_second("postigo_tls_handshakes_total", "listener", ", $L"), "{{listener}}")),
        panel("Resumed", PART, ("instance_listener:postigo_tls_resumed:ratio5m{$D, $L}", "{{listener}}")),
        panel("Handshakes: 99 of 100 take less", SECONDS,
              ("max by (listener) (instance_listener:postigo_tls_handshake_seconds:p99_5m{$D, $L})", "{{listener}}"), warn=1),
    ]),
    ("Logins", [
        panel("By result", PER_SECOND, (per_second("postigo_auth_attempts_total", "protocol, result") + " > 0",
                                        "{{protocol}} {{result}}"), alert="PostigoLoginsUnavailable"),
        panel("Refused, by reason", PER_SECOND, (per_second("postigo_logins_refused_total", "reason") + " > 0", "{{reason}}"),
              alert="PostigoDirectoryAway"),
        panel("From credentials to OK", SECONDS,
              ("max by (protocol) (instance_protocol:postigo_login_seconds:p50_5m{$D})", "{{protocol}}, half"),
              ("max by (protocol) (instance_protocol:postigo_login_seconds:p99_5m{$D})", "{{protocol}}, 99 of 100"),
              warn=2, bad=5, alert="PostigoLoginsSlow"),
        panel("Look-ups: 99 of 100 take less", SECONDS,
              ("max by (protocol) (instance_protocol:postigo_lookup_seconds:p99_5m{$D})", "{{protocol}}"), warn=1, bad=2,
              alert="PostigoLookupsSlow"),
        panel("What directories say", PER_SECOND, (per_second("postigo_route_lookups_total", "result"), "{{result}}")),
        panel("Jobs that wait for threads", PART, ("instance_pool:postigo_queue_jobs:ratio{$D}", "{{pool}}"), warn=0.25,
              bad=0.5, alert="PostigoJobsPileUp"),
    ]),
    ("Mail", [
        panel("Bytes relayed", "Bps", (per_second("postigo_bytes_total", "protocol, dir"), "{{protocol}} {{dir}}")),
        panel("Commands", PER_SECOND, (f"topk(10, {per_second('postigo_commands_total', 'protocol, verb')} > 0)",
                                       "{{protocol}} {{verb}}")),
        panel("Capability lists rewritten", PER_SECOND, (per_second("postigo_capability_rewrites_total", "protocol, kind"),
                                                         "{{protocol}} {{kind}}")),
    ]),
    ("The process", [
        panel("Lag of loops: 99 of 100 are less", SECONDS,
              ("instance_worker:postigo_event_loop_lag_seconds:p99_5m{$D}", "worker {{worker}}"), warn=0.05, bad=0.25,
              alert="PostigoLoopLag"),
        panel("Sessions of workers", COUNT, ("sum by (worker) (postigo_worker_sessions{$D})", "worker {{worker}}"), stack=True),
        panel("Descriptors, of what may be", PART, ("instance:postigo_fds:ratio{$D}", "open"), warn=0.7, bad=0.85,
              alert="PostigoDescriptorsNearlyGone"),
        panel("Memory", BYTES, ("sum(process_resident_memory_bytes{$D})", "resident"),
              ("sum(postigo_session_memory_bytes{$D})", "sessions"), ("sum(postigo_buffers_bytes{$D})", "buffers")),
        panel("Memory of sessions, of what may be", PART, ("instance:postigo_session_memory:ratio{$D}", "all sessions"),
              ("instance:postigo_login_bytes:ratio{$D}", "before login"), warn=0.5, bad=0.7, alert="PostigoMemoryNearlyFull"),
        panel("The log", PER_SECOND, (per_second("postigo_log_lines_total", "level"), "{{level}}"),
              (per_second("postigo_log_lines_lost_total", "reason"), "lost: {{reason}}"), alert="PostigoLogLost"),
        panel("Draining, and processes of before", COUNT, ("sum(postigo_draining{$D})", "draining"),
              ("sum(postigo_predecessors{$D})", "old processes"), ("sum(postigo_predecessor_sessions{$D})", "their sessions"),
              alert="PostigoDrainsOn"),
        panel("Users whose place is remembered", PART, ("instance:postigo_users_pinned:ratio{$D}", "of what may be"),
              alert="PostigoUsersNearlyForgotten"),
        panel("Moves of users", COUNT, ("sum(postigo_logins_held{$D})", "logins held"),
              ("sum(postigo_users_ordered{$D})", "users with an order"),
              (f"sum by (result) (increase(postigo_user_moves_total{{$D}}[{RATE}]))", "{{result}}"), alert="PostigoHeldLogins"),
    ]),
]

BACKEND = [
    ("Health", [
        panel("State", COUNT, ("max by (backend, protocol, state) (postigo_backend_state{$D, $B}) == 1",
                               "{{backend}} {{protocol}} {{state}}"), kind="state-timeline", width=16,
              alert="PostigoBackendDown", tells="What counts for the next login: an operator's word, or what is believed."),
        panel("How often it fell", COUNT, (f"sum by (backend) (increase(postigo_backend_breaker_openings_total{{$D, $B}}[30m]))",
                                           "{{backend}}"), warn=1, bad=3, alert="PostigoBackendFlaps"),
        panel("Errors by reason", PER_SECOND, (per_second("postigo_backend_errors_total", "backend, reason", ", $B") + " > 0",
                                               "{{backend}} {{reason}}"), alert="PostigoBackendFails"),
        panel("Probes", PER_SECOND, (per_second("postigo_backend_probes_total", "backend, result", ", $B"),
                                     "{{backend}} {{result}}"), alert="PostigoProbesRefused"),
        panel("Logins that went on to another one", PER_SECOND, (per_second("postigo_retries_total", "instance"), "{{instance}}")),
    ]),
    ("How full", [
        panel("Sessions", COUNT, ("sum by (backend) (postigo_backend_sessions{$D, $B})", "{{backend}}"),
              alert="PostigoBackendNearlyFull"),
        panel("Sessions, of what may be", PART, ("max by (backend) (instance_backend:postigo_backend_sessions:ratio{$D, $B})",
                                                 "{{backend}}"), warn=0.75, bad=0.9, alert="PostigoBackendNearlyFull"),
        panel("Logins under way, of what may be", PART,
              ("max by (backend) (instance_backend:postigo_backend_logins:ratio{$D, $B})", "{{backend}}"), warn=0.25, bad=0.5,
              alert="PostigoBackendLoginsPileUp"),
        panel("Logins that wait for room", COUNT, ("sum by (backend) (postigo_backend_queue{$D, $B})", "{{backend}}"),
              alert="PostigoBackendLoginsPileUp"),
        panel("Ready connections", COUNT, ("sum by (backend) (postigo_ready_connections{$D, $B})", "{{backend}}")),
        panel("Sessions of pools", COUNT, ("sum by (pool) (postigo_pool_sessions{$D, $P})", "{{pool}}"),
              ("sum by (pool) (postigo_pool_sessions_limit{$D, $P})", "limit of {{pool}}"), alert="PostigoPoolNearlyFull"),
    ]),
    ("How fast", [
        panel("Connecting: 99 of 100 take less", SECONDS,
              ("max by (backend) (instance_backend:postigo_backend_connect_seconds:p99_5m{$D, $B})", "{{backend}}"), warn=0.5,
              bad=1, alert="PostigoBackendSlow"),
        panel("From the connection to its OK", SECONDS,
              ("max by (backend) (instance_backend:postigo_backend_login_seconds:p50_5m{$D, $B})", "{{backend}}, half"),
              ("max by (backend) (instance_backend:postigo_backend_login_seconds:p99_5m{$D, $B})", "{{backend}}, 99 of 100"),
              warn=1, bad=3, alert="PostigoBackendSlow"),
        panel("Connections", PER_SECOND, (per_second("postigo_backend_connects_total", "backend", ", $B"), "{{backend}}"),
              alert="PostigoNoSourcePort"),
    ]),
    ("Where users are", [
        panel("Users away from home, of all", PART, ("instance:postigo_users_away:ratio{$D}", "{{instance}}"), warn=0.1, bad=0.2,
              alert="PostigoUsersOffHome"),
        panel("Users who had to go to another one", PER_SECOND, (per_second("postigo_affinity_moves_total", "instance"),
                                                                 "{{instance}}")),
        panel("Users who are remembered", COUNT, ("sum by (instance) (postigo_users_pinned{$D})", "{{instance}}")),
    ]),
]

SECURITY = [
    ("Who guesses", [
        panel("Guesses, of all attempts", PART, ("instance_protocol:postigo_guesses:ratio10m{$D}", "{{instance}} {{protocol}}"),
              warn=0.1, bad=0.2, alert="PostigoRefusalsJump"),
        panel("Refused, by reason", PER_SECOND,
              (per_second("postigo_logins_refused_total", "reason",
                          ', reason=~"wrong|unknown|disabled|not_here|not_now|penalty|policy|not_allowed"'), "{{reason}}"),
              alert="PostigoGuessing"),
        panel("Made to wait", PER_SECOND, (per_second("postigo_logins_delayed_total", "instance"), "{{instance}}"),
              alert="PostigoGuessing"),
        panel("Who is remembered for it, of what may be", PART, ("instance:postigo_penalties:ratio{$D}", "{{instance}}"),
              warn=0.75, bad=0.9, alert="PostigoPenaltiesForgotten"),
        panel("Passwords compared here", PER_SECOND, (per_second("postigo_password_checks_total", "instance"), "{{instance}}")),
        panel("By mechanism", PER_SECOND, (per_second("postigo_auth_attempts_total", "mechanism") + " > 0", "{{mechanism}}")),
    ]),
    ("Limits", [
        panel("Refused by a limit", PER_SECOND, (per_second("postigo_limit_refused_total", "reason"), "{{reason}}"),
              alert="PostigoLimitsRefuse"),
        panel("Sessions of whoever has most", COUNT, ("max by (kind) (postigo_most_sessions{$D})", "{{kind}}"),
              ("max by (kind) (postigo_most_sessions_limit{$D} > 0)", "limit: {{kind}}"), alert="PostigoLimitsRefuse"),
        panel("What the policy server says", PER_SECOND, (per_second("postigo_policy_answers_total", "result"), "{{result}}"),
              alert="PostigoPolicyAway"),
    ]),
    ("TLS", [
        panel("Handshakes that fail, of all", PART, ("instance_listener:postigo_tls_failed:ratio5m{$D, $L}",
                                                     "{{instance}} {{listener}}"), warn=0.1, bad=0.2, alert="PostigoTlsFails"),
        panel("Versions", PER_SECOND, (per_second("postigo_tls_handshakes_total", "version", ', $L, result="ok"'), "{{version}}")),
        panel("Certificates: time that is left", SECONDS, ("min by (name, kind) (postigo_cert_not_after_seconds{$D}) - time()",
                                                           "{{name}} {{kind}}"), kind="bargauge",
              alert="PostigoCertificateEndsSoon"),
    ]),
    ("Strangers", [
        panel("Gone before they were logged in", PER_SECOND,
              (per_second("postigo_disconnects_total", "reason",
                          ', reason=~"tls_failed|tls_timeout|login_timeout|too_many_errors|proxy_header_.*|probe"'),
               "{{reason}}")),
        panel("Held before login, of what may be", PART, ("instance:postigo_login_bytes:ratio{$D}", "{{instance}}"), warn=0.5,
              bad=0.8, alert="PostigoLoginMemoryNearlyFull"),
        panel("Turned away", PER_SECOND, (per_second("postigo_rejected_total", "reason"), "{{reason}}"),
              alert="PostigoTurnsAway"),
    ]),
]

DASHBOARDS = {"fleet": ("Postigo: fleet", FLEET), "door": ("Postigo: door", DOOR), "backend": ("Postigo: backend", BACKEND),
              "security": ("Postigo: security", SECURITY)}
