// What values mean together. Each test breaks one thing in a file that is otherwise in order.
#include "tests/unit/config/support.h"

namespace postigo::config {
namespace {

using testing::HasSubstr;
using testing::Not;

class CheckTest : public ConfigTest {
 protected:
  std::string problem(const std::string& more) {
    Loaded loaded = small_and(more);
    EXPECT_EQ(loaded.problems.size(), 1u) << joined(loaded);
    return joined(loaded);
  }
  std::string error(const std::string& more) {
    EXPECT_FALSE(small_and(more).ok());
    return problem(more);
  }
  std::string warning(const std::string& more) {
    EXPECT_TRUE(small_and(more).ok());
    std::string text = problem(more);
    EXPECT_THAT(text, HasSubstr(": warning: "));
    return text;
  }
};

TEST_F(CheckTest, IdleTimeoutsBelowTheRfcs) {
  EXPECT_THAT(error("[limits]\nimap_idle_timeout = \"29m\"\n"), HasSubstr("at least 30m (RFC 9051 5.4;"));
  EXPECT_THAT(error("[limits]\npop3_idle_timeout = \"9m\"\n"), HasSubstr("at least 10m (RFC 1939 3)"));
  EXPECT_EQ(problems_of_small_and("[limits]\nimap_idle_timeout = \"30m\"\npop3_idle_timeout = \"10m\"\n"), "");
}

TEST_F(CheckTest, OtherLimits) {
  EXPECT_THAT(error("[limits]\nauth_failure_delay = \"60s\"\n"), HasSubstr("must be shorter than login_timeout"));
  EXPECT_THAT(error("[limits]\nrelay_high_water = \"1k\"\n"), HasSubstr("from 16k to 64m"));
}

TEST_F(CheckTest, AffinityNeedsBackendsThatServeTheSame) {
  std::string other = "[[backend]]\nhost = \"b\"\nimap_port = 143\n[[pool]]\nbackends = [\"10.0.0.1\", \"b\"]\n";
  EXPECT_EQ(problems_of_small_and(other), "");
  bool alike = problems_of_small_and(other + "affinity = true\n").empty();
  other = "[[backend]]\nhost = \"b\"\npop3_port = 110\n[[pool]]\nbackends = [\"10.0.0.1\", \"b\"]\n";
  bool like_pop3 = problems_of_small_and(other + "affinity = true\n").empty();
  EXPECT_FALSE(alike && like_pop3);
  EXPECT_THAT(error(other + "affinity = true\n"), HasSubstr("must serve the same protocols"));
  EXPECT_EQ(problems_of_small_and("[[pool]]\nbackends = [\"10.0.0.1\"]\naffinity = true\naffinity_time = \"1h\"\n"),
            "");
}

TEST_F(CheckTest, WeightsThatChangeSlowly) {
  const std::string from = "from = 2026-05-01T22:00:00+02:00", until = "until = 2026-05-08T20:00:00Z";
  auto shard = [](const std::string& weight, const std::string& more) {
    return "[[pool]]\n[[pool.shard]]\nbackends = [\"10.0.0.1\"]\nweight = " + weight + "\n" + more;
  };
  auto change = [](const std::string& keys) { return "transition = { " + keys + " }\n"; };
  Loaded loaded = small_and(shard("1.0", change("weight = 2.0, " + from + ", " + until)));
  EXPECT_EQ(joined(loaded), "");
  EXPECT_EQ(loaded.config.live.pools[0].shards[0].transition, (Transition{2.0, 1'777'665'600, 1'778'270'400}));
  EXPECT_THAT(error(shard("0", "")), HasSubstr("must be a number above 0, or have a transition"));
  EXPECT_THAT(error(shard("1.0", change("weight = 2.0, " + from))), HasSubstr("needs until"));
  EXPECT_THAT(error(shard("1.0", change(from + ", " + until))), HasSubstr("needs weight"));
  EXPECT_THAT(error(shard("1.0", change("weight = 2.0, " + until + ", from = 2026-05-08T20:00:00Z"))),
              HasSubstr("at least a minute behind from"));
  EXPECT_THAT(error(shard("1.0", change("weight = 0, " + from + ", " + until))),
              HasSubstr("no shard has a weight above 0 on 2026-05-08T20:00:00Z"));
  EXPECT_THAT(error(shard("1.0", change("weight = 2.0, " + until + ", from = 2026-05-01"))), HasSubstr("an offset"));
  EXPECT_THAT(error(shard("1.0", change("weight = 2.0, " + until + ", from = \"today\""))),
              HasSubstr("a date and time"));
}

// What follows from a mistake is not told beside it.
TEST_F(CheckTest, AMistakeInATransitionIsOneLine) {
  auto shard = [](const std::string& weight, const std::string& change) {
    return "[[pool]]\n[[pool.shard]]\nbackends = [\"10.0.0.1\"]\nweight = " + weight + "\ntransition = { " + change +
           " }\n";
  };
  const std::string times = "from = 2026-05-01T22:00:00Z, until = 2026-05-08T20:00:00Z";
  EXPECT_THAT(error(shard("0", "weight = 2.0, from = 2026-05-01T22:00:00Z, until = 2026-05-08T20:00:00")),
              HasSubstr("p.toml:16:67: pool.shard.transition.until: needs a date, a time and an offset"));
  EXPECT_THAT(error(shard("0", "weight = 2.0, from = 2026-05-01, until = 2026-05-08T20:00:00Z")),
              HasSubstr("an offset"));
  EXPECT_THAT(error(shard("1.0", "weight = -1, " + times)),
              HasSubstr("pool.shard.transition.weight: must be a number"));
  EXPECT_THAT(error(shard("-1", "weight = 0, " + times)), HasSubstr("pool.shard.weight: must be a number"));
}

TEST_F(CheckTest, WhatHasNoEffectOnAPool) {
  const std::string pool = "[[pool]]\nbackends = [\"10.0.0.1\"]\n";
  EXPECT_THAT(warning(pool + "affinity_time = \"1h\"\n"),
              HasSubstr("p.toml:14:17: warning: pool.affinity_time: has no effect without affinity = true"));
  EXPECT_THAT(warning(pool + "affinity_down = \"wait\"\n"), HasSubstr("pool.affinity_down: has no effect"));
  EXPECT_THAT(warning(pool + "zone_spill = 50\n"), HasSubstr("pool.zone_spill: has no effect without storage"));
  EXPECT_THAT(warning(pool + "storage = \"shared\"\nzone_spill = 50\n"),
              HasSubstr("pool.zone_spill: has no effect without [server] zone"));
}

TEST_F(CheckTest, WhereOtherProgramsAsk) {
  const std::string domain = "[routing]\ndefault_domain = \"example.com\"\n";
  EXPECT_EQ(problems_of_small_and(domain + "[lookup]\nsocketmap = \"/run/x\"\n"), "");
  EXPECT_EQ(problems_of_small_and(domain + "[lookup]\nsocketmap = \"[::1]:2527\"\n"), "");
  EXPECT_THAT(error(domain + "[lookup]\nsocketmap = \"run/x\"\n"), HasSubstr("neither a path"));
  EXPECT_THAT(error(domain + "[lookup]\nsocketmap = \"/run/x\"\ndomains = [\"@example.com\"]\n"),
              HasSubstr("is not a domain"));
  EXPECT_THAT(warning(domain + "[lookup]\nsocketmap = \"192.0.2.1:2527\"\n"), HasSubstr("keep strangers away"));
  EXPECT_THAT(warning("[lookup]\nsocketmap = \"/run/x\"\n"), HasSubstr("set domains"));
  EXPECT_THAT(error(domain + "[lookup]\nsocketmap = \"127.0.0.1:993\"\n"),
              HasSubstr("\"127.0.0.1:993\" overlaps with"));
  EXPECT_THAT(error(domain + "[lookup]\nsocketmap = \"localhost:993\"\n"),
              HasSubstr("p.toml:15:13: lookup.socketmap: \"127.0.0.1:993\" overlaps"));
  EXPECT_THAT(error(domain + "[lookup]\nsocketmap = \"/run/x\"\n[admin]\nsocket = \"/run/x\"\n"),
              HasSubstr("lookup.socketmap: is the socket of [admin]"));
  EXPECT_THAT(error(domain + "[lookup]\nsocketmap = \"/run/x\"\ndelimiter = \"@\"\n"),
              HasSubstr("lookup.delimiter: must not hold \"@\""));
}

TEST_F(CheckTest, NameServersAreAddresses) {
  EXPECT_THAT(error("[resolver]\nservers = [\"192.0.2.53\", \"dns.example.com\"]\n"),
              HasSubstr("p.toml:13:26: resolver.servers: a name server is given by its address"));
  EXPECT_THAT(error("[resolver]\nservers = [\"192.0.2.53:0\"]\n"), HasSubstr("1 to 65535"));
  EXPECT_EQ(problems_of_small_and("[resolver]\nservers = \"2001:db8::53\"\n"), "");
}

TEST_F(CheckTest, BackendsBySrvRecords) {
  auto with = [&](const std::string& lines) { return problems_of_small_and("[[backend]]\nname = \"x\"\n" + lines); };
  EXPECT_EQ(with("srv = [\"_imap._tcp.test\", \"_POP3._tcp.test\"]\n"), "");
  EXPECT_EQ(with("srv = [\"_imaps._tcp.test\"]\ntls = \"implicit\"\n"), "");
  EXPECT_THAT(with("srv = [\"_imaps._tcp.test\"]\n"),
              HasSubstr("p.toml:14:8: backend.srv: \"_imaps._tcp.test\" promises"));
  EXPECT_THAT(with("srv = [\"mail.test\"]\n"), HasSubstr("is no name of such records: write _imap._tcp.example.com"));
  EXPECT_THAT(with("srv = [\"_imap._tcp.a b\"]\n"), HasSubstr("is no name of such records"));
  EXPECT_THAT(with("srv = [\"_imap._tcp.test\", \"_imap._tcp.b.test\"]\n"),
              HasSubstr("records of this protocol already"));
  EXPECT_THAT(with("srv = [\"_imap._tcp.test\"]\nhost = \"a\"\n"), HasSubstr("backend.host: has no place beside srv"));
  EXPECT_THAT(with("srv = [\"_imap._tcp.test\"]\npop3_port = 1\n"), HasSubstr("backend.pop3_port: has no place"));
  EXPECT_THAT(with("srv = [\"_imap._tcp.test\"]\n[[backend]]\nname = \"x/a\"\nhost = \"a\"\n"),
              HasSubstr("targets are called x/HOST, which is what \"x/a\" could be"));
  for (const char* wrong : {"srv = \"_imap._tcp.test\"\n", "srv = [\"_smtp._tcp.test\"]\n"}) {
    const std::string told = with(wrong);
    EXPECT_EQ(std::count(told.begin(), told.end(), '\n'), 1) << "one line: " << told;
    EXPECT_THAT(told, HasSubstr("backend.srv: "));
  }
  EXPECT_THAT(with("srv = []\n"), HasSubstr("host must be set"));
  std::string rule = "srv = [\"_imap._tcp.test\"]\n[[routing.rule]]\nuser = \"u\"\nshard = \"x\"\n";
  EXPECT_THAT(with(rule), HasSubstr("routing.rule.shard: \"x\" is one shard for each target of SRV records"));
  EXPECT_EQ(with(rule + "[[pool]]\n[[pool.shard]]\nname = \"y\"\nbackends = [\"x\"]\n[[pool.shard]]\nname = \"x\"\n"
                        "backends = [\"10.0.0.1\"]\n"),
            "");
}

TEST_F(CheckTest, TimesOfTheResolver) {
  EXPECT_THAT(error("[resolver]\nttl_min = \"2h\"\n"), HasSubstr("must not be above ttl_max"));
  EXPECT_THAT(error("[resolver]\ntimeout = \"2m\"\n"), HasSubstr("at most 1m"));
  EXPECT_THAT(error("[resolver]\ntries = 0\n"), HasSubstr("resolver.tries"));
  EXPECT_EQ(problems_of_small_and("[resolver]\nrefresh_ttl = \"0s\"\nstale_ttl = \"0s\"\n"), "");
}

TEST_F(CheckTest, PenaltiesThatContradictThemselves) {
  EXPECT_THAT(error("[penalty]\ndelay = \"20s\"\n"), HasSubstr("p.toml:13:9: penalty.delay: must not be longer"));
  EXPECT_THAT(error("[penalty]\nipv6_wide = 64\n"), HasSubstr("penalty.ipv6_wide: must be fewer bits than ipv6"));
  EXPECT_THAT(error("[penalty]\nipv4 = 24\nipv4_wide = 24\n"), HasSubstr("penalty.ipv4_wide: must be fewer bits"));
  EXPECT_THAT(error("[penalty]\nexempt = [\"webmail\"]\n"), HasSubstr("penalty.exempt: \"webmail\" is no network"));
  EXPECT_THAT(warning("[penalty]\ndelay_max = \"59s\"\n"), HasSubstr("penalty.delay_max: is never reached"));
  EXPECT_EQ(problems_of_small_and("[penalty]\nenabled = false\nexempt = []\n"), "");
}

TEST_F(CheckTest, LimitsThatContradictEachOther) {
  EXPECT_THAT(error("[limits]\nsessions_per_user = 5\nsessions_per_user_address = 6\n"),
              HasSubstr("p.toml:14:29: limits.sessions_per_user_address: is never reached: sessions_per_user is less"));
  EXPECT_THAT(error("[limits]\nsessions_per_network = 5\nsessions_per_address = 6\n"), HasSubstr("is never reached"));
  EXPECT_THAT(error("[limits]\nsessions_max = 10\nsessions_per_user = 11\n"), HasSubstr("sessions_max is less"));
  EXPECT_THAT(error("[limits]\nconnections_per_s = 1\naddress_connections_per_s = 2\n"), HasSubstr("is never reached"));
  EXPECT_THAT(error("[limits]\nlogins_per_s = 1\naddress_logins_per_s = 2\n"), HasSubstr("is never reached"));
  EXPECT_THAT(error("[limits]\nipv6_network = 65\n"), HasSubstr("limits.ipv6_network: must not be more bits"));
  EXPECT_THAT(error("[limits]\nexempt = [\"x\"]\n"), HasSubstr("limits.exempt: \"x\" is no network"));
  EXPECT_THAT(error("[limits]\nmemory = \"8m\"\n"), HasSubstr("limits.memory: must not be less than login_memory"));
  EXPECT_THAT(error("[[limits.class]]\nsessions_per_user = 5\n"),
              HasSubstr("needs one of name, user, domain and pool"));
  EXPECT_THAT(error("[[limits.class]]\npool = \"zzz\"\n"), HasSubstr("there is no pool \"zzz\""));
  EXPECT_THAT(error("[[limits.class]]\ndomain = \"@example.org\"\n"), HasSubstr("write it without \"@\""));
  EXPECT_THAT(error("[[limits.class]]\ndomain = \"*.example.org\"\n"), HasSubstr("is not a domain"));
  EXPECT_THAT(error("[policy]\non_failure = \"closed\"\n"), HasSubstr("needs url"));
  EXPECT_EQ(
      problems_of_small_and("[limits]\nmemory = \"auto\"\nsessions_per_user = 5\n[[limits.class]]\nuser = \"x\"\n"),
      "");
}

// The first class that matches decides.
TEST_F(CheckTest, ClassesThatNobodyIsIn) {
  auto classes = [](const std::string& first, const std::string& second) {
    return "[[limits.class]]\n" + first + "\n[[limits.class]]\n" + second + "\n";
  };
  EXPECT_THAT(warning(classes("domain = \"a.org\"", "user = \"x@a.org\"")),
              HasSubstr("p.toml:14:1: warning: limits.class: nobody is in it: class 1 has all of its users"));
  EXPECT_THAT(warning(classes("domain = \"a.org\"", "domain = \"a.org\"\npool = \"default\"")), HasSubstr("class 1"));
  EXPECT_THAT(warning("[[limits.class]]\nuser = \"x@a.org\"\ndomain = \"b.org\"\n"), HasSubstr("not of this domain"));
  EXPECT_EQ(problems_of_small_and(classes("user = \"x@a.org\"", "domain = \"a.org\"")), "");
  EXPECT_EQ(problems_of_small_and(classes("domain = \"a.org\"\npool = \"default\"", "domain = \"a.org\"")), "");
  EXPECT_EQ(problems_of_small_and(classes("domain = \"a.org\"", "user = \"x@b.org\"")), "");
}

TEST_F(CheckTest, PolicyServers) {
  EXPECT_THAT(error("[policy]\nurl = \"ftp://x/\"\n"), HasSubstr("p.toml:13:7: policy.url: must begin with http"));
  EXPECT_THAT(error("[policy]\nurl = \"http://u:p@x/\"\n"), HasSubstr("must not have a query, blanks or a password"));
  EXPECT_THAT(error("[policy]\nurl = \"http:///\"\n"), HasSubstr("policy.url: names no server"));
  EXPECT_THAT(error("[policy]\nurl = \"http://127.0.0.1:99999/\"\n"), HasSubstr("policy.url: \"127.0.0.1:99999\": "));
  EXPECT_THAT(error("[policy]\nurl = \"https://a b/\"\n"), HasSubstr("must not have a query, blanks"));
  EXPECT_EQ(problems_of_small_and("[policy]\nurl = \"http://[::1]:8084/command\"\n"), "");
  EXPECT_THAT(error("[policy]\nurl = \"http://x/\"\npwhash = true\n"), HasSubstr("policy.pwhash: needs pwhash_nonce"));
  EXPECT_THAT(error("[policy]\nurl = \"http://x/\"\npwhash = true\npwhash_nonce_file = \"none\"\n"),
              HasSubstr("policy.pwhash_nonce_file: cannot open"));
  EXPECT_THAT(error("[policy]\nurl = \"http://x/\"\ntimeout = \"2m\"\n"), HasSubstr("must be shorter than"));
  EXPECT_THAT(warning("[policy]\nurl = \"http://x/\"\nbefore = false\nafter = false\nreport = false\n"),
              HasSubstr("has no effect"));
  EXPECT_EQ(problems_of_small_and("[policy]\nurl = \"https://wforce.example.com:8084/\"\n"), "");
}

TEST_F(CheckTest, Hostname) {
  EXPECT_THAT(error("[server]\nhostname = \"mail example\"\n"), HasSubstr("is not a host name"));
}

TEST_F(CheckTest, A27_WhoseHeadersAreBelieved) {
  std::string listener = "[[listener]]\nname = \"x\"\nprotocol = \"imap\"\naddress = \"127.0.0.1:994\"\n";
  EXPECT_THAT(error(listener + "proxy_protocol = \"accept\"\n"), HasSubstr("needs proxy_trusted"));
  EXPECT_THAT(error(listener + "proxy_protocol = \"require\"\nproxy_trusted = []\n"), HasSubstr("needs proxy_trusted"));
  EXPECT_THAT(error(listener + "proxy_trusted = [\"10.0.0.0/8\", \"balancer\"]\n"),
              HasSubstr("listener.proxy_trusted: \"balancer\" is no network"));
  EXPECT_THAT(error(listener + "proxy_trusted = [\"10.0.0.1/8\"]\n"), HasSubstr("bits behind its mask"));
  EXPECT_THAT(warning(listener + "proxy_protocol = \"accept\"\nproxy_trusted = [\"0.0.0.0/0\"]\n"),
              HasSubstr("everybody may claim"));
  EXPECT_EQ(problems_of_small_and(listener + "proxy_protocol = \"require\"\nproxy_trusted = [\"10.0.0.8\"]\n"), "");
  EXPECT_EQ(problems_of_small_and(listener + "proxy_trusted = [\"10.0.0.8\"]\n"), "");
}

TEST_F(CheckTest, A4_WhoSpeaksForUsers) {
  std::string listener = "[[listener]]\nname = \"x\"\nprotocol = \"imap\"\naddress = \"127.0.0.1:994\"\n";
  EXPECT_THAT(error(listener + "forward_trusted = [\"10.0.0.8\", \"dovecot\"]\n"),
              HasSubstr("forward_trusted: \"dovecot\" is no network"));
  EXPECT_THAT(warning(listener + "forward_trusted = [\"::/0\"]\n"), HasSubstr("everybody may speak"));
  EXPECT_THAT(warning(listener + "proxy_trusted = [\"10.0.0.8\"]\nforward_trusted = [\"10.0.0.0/24\"]\n"),
              HasSubstr("\"10.0.0.0/24\" is wider than \"10.0.0.8\" in proxy_trusted"));
  for (const char* fine : {"10.0.0.8", "10.0.0.8/29", "10.1.0.0/16"}) {
    std::string lists = "proxy_trusted = [\"10.0.0.8/29\"]\nforward_trusted = [\"" + std::string(fine) + "\"]\n";
    EXPECT_EQ(problems_of_small_and(listener + lists), "") << fine;
  }
}

TEST_F(CheckTest, ListenersNeedTheirKeys) {
  EXPECT_THAT(error("[[listener]]\nname = \"x\"\naddress = \"127.0.0.1:994\"\n"), HasSubstr("protocol must be set"));
  EXPECT_THAT(error("[[listener]]\nname = \"x\"\nprotocol = \"imap\"\n"), HasSubstr("address must be set"));
  EXPECT_THAT(error("[[listener]]\nname = \"x\"\nprotocol = \"imap\"\naddress = []\n"), HasSubstr("must not be empty"));
}

TEST_F(CheckTest, ListenersOfTheSameName) {
  EXPECT_THAT(error("[[listener]]\nprotocol = \"imap\"\naddress = \"127.0.0.1:994\"\n"),
              HasSubstr("p.toml:12:1: listener.name: the name \"imaps\" is taken"));
}

TEST_F(CheckTest, AddressesThatAreTaken) {
  std::string other = "[[listener]]\nname = \"x\"\nprotocol = \"imap\"\n";
  EXPECT_THAT(error(other + "address = [\"127.0.0.1:994\", \"0.0.0.0:993\"]\n"),
              HasSubstr("\"0.0.0.0:993\" is already the address of listener \"imaps\""));
  EXPECT_THAT(error(other + "address = [\"[::1]:994\", \"[0::1]:994\"]\n"), HasSubstr("is already the address"));
  EXPECT_THAT(error(other + "address = \"127.0.0.1:9090\"\n[admin]\n"), HasSubstr("the address of [admin]"));
}

TEST_F(CheckTest, AddressesThatOverlap) {
  std::string other = "[[listener]]\nname = \"x\"\nprotocol = \"imap\"\n";
  EXPECT_THAT(error(other + "address = \"127.0.0.1:993\"\n"),
              HasSubstr("p.toml:15:11: listener.address: \"127.0.0.1:993\" overlaps with \"0.0.0.0:993\" of listener"));
  EXPECT_THAT(error(other + "address = [\"127.0.0.1:994\", \"0.0.0.0:994\"]\n"), HasSubstr("overlaps with"));
  EXPECT_THAT(error(other + "address = [\"[::]:994\", \"[::1]:994\"]\n"), HasSubstr("overlaps with \"[::]:994\""));
  EXPECT_EQ(problems_of_small_and(other + "address = [\"[::]:993\", \"127.0.0.1:994\", \"127.0.0.2:994\"]\n"), "");
}

TEST_F(CheckTest, NamesToListenOn) {
  std::string other = "[[listener]]\nname = \"x\"\nprotocol = \"imap\"\n";
  EXPECT_THAT(error(other + "address = \"localhost:994\"\n"), HasSubstr("listener.address: \"localhost\" is a name"));
  EXPECT_THAT(error("[admin]\naddress = \"metrics.example.org:9090\"\n"), HasSubstr("admin.address: "));
}

TEST_F(CheckTest, NoMechanismAtAll) {
  EXPECT_THAT(error("[auth]\nmechanisms = []\n"), HasSubstr("p.toml:13:14: auth.mechanisms: must not be empty"));
  EXPECT_THAT(error("[auth]\nmechanisms = \"PLAIN\"\n"), HasSubstr("expected an array of strings"));
  EXPECT_EQ(small_and("").config.live.auth.mechanisms, (std::vector<std::string>{"PLAIN", "LOGIN"}));
}

TEST_F(CheckTest, TlsNeedsACertificate) {
  std::string text = "[[listener]]\nprotocol = \"imap\"\naddress = \"0.0.0.0:993\"\n[[backend]]\nhost = \"b\"\n";
  EXPECT_THAT(problems(text), HasSubstr("TLS needs a certificate: add [[tls.certificate]]"));
}

TEST_F(CheckTest, PlaintextLogins) {
  std::string other = "[[listener]]\nname = \"x\"\nprotocol = \"imap\"\ntls = \"off\"\n";
  EXPECT_THAT(error(other + "address = \"127.0.0.1:1143\"\n"), HasSubstr("nobody can log in with tls = \"off\""));
  EXPECT_THAT(
      warning(other + "address = \"10.0.0.9:1143\"\nplaintext_login = true\n"),
      HasSubstr("listener.plaintext_login: passwords may cross the network in clear text to \"10.0.0.9:1143\""));
  EXPECT_EQ(problems_of_small_and(other + "address = \"127.0.0.1:1143\"\nplaintext_login = true\n"), "");
}

TEST_F(CheckTest, PortsThatClientsKnow) {
  std::string other = "[[listener]]\nname = \"x\"\nprotocol = \"imap\"\n";
  EXPECT_THAT(warning(other + "address = \"[::1]:993\"\ntls = \"starttls\"\n"),
              HasSubstr("clients expect tls = \"implicit\" on port 993"));
  EXPECT_THAT(warning(other + "address = \"127.0.0.1:143\"\ntls = \"implicit\"\n"),
              HasSubstr("clients expect tls = \"starttls\" or \"off\" on port 143"));
}

TEST_F(CheckTest, ProtocolThatNoBackendServes) {
  EXPECT_THAT(warning("[[listener]]\nprotocol = \"pop3\"\naddress = \"0.0.0.0:995\"\n"),
              HasSubstr("no backend serves pop3"));
}

TEST_F(CheckTest, AdminForEverybody) {
  EXPECT_THAT(warning("[admin]\naddress = \"0.0.0.0:9090\"\n"), HasSubstr("without authentication"));
}

TEST_F(CheckTest, CertificateFiles) {
  EXPECT_THAT(error("[[tls.certificate]]\nnames = [\"a.example\"]\n"), HasSubstr("certificate must be set"));
  EXPECT_THAT(error("[[tls.certificate]]\ncertificate = \"none.pem\"\nkey = \"key.pem\"\n"),
              HasSubstr("none.pem\": No such file or directory"));
  EXPECT_THAT(error("[[tls.certificate]]\ncertificate = \"cert.pem\"\nkey = \".\"\n"), HasSubstr("is a directory"));
  directory_.write("open.pem", "key", 0644);
  EXPECT_THAT(warning("[[tls.certificate]]\ncertificate = \"cert.pem\"\nkey = \"open.pem\"\n"),
              HasSubstr("tls.certificate.key: the private key in"));
  EXPECT_THAT(warning("[[tls.certificate]]\ncertificate = \"open.pem\"\n"),
              HasSubstr("tls.certificate.certificate: the private key in"));
}

TEST_F(CheckTest, ServerNames) {
  std::string head = "[[tls.certificate]]\ncertificate = \"cert.pem\"\nnames = ";
  for (const char* name : {"a b", "*", "*.", "a.*.b", "**.a", "-a.b", "a..b"}) {
    EXPECT_THAT(error(head + "[\"" + name + "\"]\n"), HasSubstr("tls.certificate.names: ")) << name;
  }
  EXPECT_EQ(problems_of_small_and(head + "[\"*.a.example\", \"b.example\"]\n"), "");
}

TEST_F(CheckTest, BackendTls) {
  std::string head = "[[backend]]\nhost = \"b\"\n";
  EXPECT_THAT(error(head + "tls = { ca_file = \"cert.pem\" }\n"), HasSubstr("backend.tls: mode must be set"));
  EXPECT_THAT(warning(head + "tls = { mode = \"implicit\", verify = false }\n"), HasSubstr("posing as this backend"));
  EXPECT_THAT(error(head + "tls = { mode = \"implicit\", key = \"key.pem\" }\n"), HasSubstr("needs certificate"));
  EXPECT_THAT(error(head + "tls = { mode = \"implicit\", ca_file = \"none\" }\n"), HasSubstr("cannot open"));
  EXPECT_THAT(error(head + "tls = { mode = \"implicit\", name = \"a b\" }\n"), HasSubstr("is not a host name"));
  EXPECT_THAT(error(head + "tls = \"implict\"\n"), HasSubstr("did you mean \"implicit\"?"));
}

TEST_F(CheckTest, BackendHosts) {
  EXPECT_THAT(error("[[backend]]\nname = \"x\"\n"), HasSubstr("host must be set"));
  EXPECT_THAT(error("[[backend]]\nhost = \"b:143\"\n"), HasSubstr("write the port as imap_port or pop3_port"));
  EXPECT_THAT(error("[[backend]]\nhost = \"b c\"\n"), HasSubstr("is not a host name or an address"));
  EXPECT_THAT(error("[[backend]]\nhost = \"0.0.0.0\"\n"), HasSubstr("no address to connect to"));
  EXPECT_THAT(error("[[backend]]\nhost = \"10.0.0.1\"\n"), HasSubstr("the name \"10.0.0.1\" is taken"));
}

TEST_F(CheckTest, T63ABackendThatIsOurselves) {
  EXPECT_THAT(error("[[backend]]\nhost = \"127.0.0.1\"\nimap_port = 993\n"), HasSubstr("would connect to itself"));
  EXPECT_THAT(error("[[backend]]\nhost = \"localhost\"\nimap_port = 993\n"), HasSubstr("our own listener \"imaps\""));
  EXPECT_THAT(error("[server]\nhostname = \"me.example\"\n[[backend]]\nhost = \"ME.example\"\nimap_port = 993\n"),
              HasSubstr("would connect to itself"));
  std::string other = "[[listener]]\nname = \"x\"\nprotocol = \"imap\"\naddress = \"10.0.0.7:1993\"\n";
  EXPECT_THAT(error(other + "[[backend]]\nhost = \"10.0.0.7\"\npop3_port = 1993\n"), HasSubstr("backend.pop3_port"));
  EXPECT_EQ(problems_of_small_and(other + "[[backend]]\nhost = \"10.0.0.8\"\nimap_port = 1993\n"), "");
}

TEST_F(CheckTest, T67_SourceAddresses) {
  std::string head = "[[backend]]\nhost = \"10.0.0.9\"\nsource = ";
  EXPECT_THAT(error(head + "[\"mail.example.com\"]\n"),
              HasSubstr("p.toml:14:11: backend.source: \"mail.example.com\" is no address"));
  EXPECT_THAT(error(head + "[\"127.0.0.2:25\"]\n"), HasSubstr("without a port"));
  EXPECT_THAT(error(head + "[\"0.0.0.0\"]\n"), HasSubstr("leave source out"));
  EXPECT_THAT(error(head + "[\"127.0.0.2\", \"127.0.0.3\", \"127.0.0.2\"]\n"), HasSubstr("stands here twice"));
  EXPECT_THAT(error(head + "[\"::1\"]\n"), HasSubstr("no address in source can reach"));
  EXPECT_THAT(error(head + "\"127.0.0.2\"\n"), HasSubstr("expected an array of strings"));
  EXPECT_EQ(problems_of_small_and(head + "[\"127.0.0.2\", \"[::1]\"]\n"), "");
}

TEST_F(CheckTest, Pools) {
  EXPECT_THAT(error("[[pool]]\nbackends = [\"10.0.0.2\", \"10.0.0.1\"]\n"),
              HasSubstr("pool.backends: there is no backend \"10.0.0.2\" (did you mean \"10.0.0.1\"?)"));
  EXPECT_THAT(error("[[pool]]\nbackends = [\"10.0.0.1\", \"10.0.0.1\"]\n"), HasSubstr("stands here twice"));
  EXPECT_THAT(error("[[pool]]\nbackends = [\"10.0.0.1\"]\n[[pool]]\nbackends = [\"10.0.0.1\"]\n"),
              HasSubstr("the name \"default\" is taken"));
  EXPECT_THAT(error("[[pool]]\nbackends = [\"10.0.0.1\"]\n[[pool.shard]]\nbackends = [\"10.0.0.1\"]\n"),
              HasSubstr("either backends or [[pool.shard]]"));
  EXPECT_THAT(problems_of_small_and("[[pool]]\n"), HasSubstr("needs backends = [...] or [[pool.shard]]"));
}

TEST_F(CheckTest, Shards) {
  std::string head = "[[pool]]\n[[pool.shard]]\nbackends = [\"10.0.0.1\"]\n[[pool.shard]]\n";
  EXPECT_THAT(error(head + "name = \"x\"\n"), HasSubstr("backends must name at least one [[backend]]"));
  EXPECT_THAT(error(head + "backends = [\"10.0.0.1\"]\n"), HasSubstr("the name \"10.0.0.1\" is taken"));
  EXPECT_THAT(error(head + "name = \"x\"\nbackends = [\"nowhere\"]\n"),
              HasSubstr("p.toml:17:13: pool.shard.backends: there is no backend \"nowhere\""));
  EXPECT_THAT(problems_of_small_and(head + "backends = [\"10.0.0.1\", \"b\"]\n"),
              HasSubstr("pool.shard.name: must be set"));
}

TEST_F(CheckTest, BackendOutsideAllPools) {
  EXPECT_THAT(warning("[[backend]]\nhost = \"b\"\n[[pool]]\nbackends = [\"10.0.0.1\"]\n"),
              HasSubstr("\"b\" is in no pool"));
}

TEST_F(CheckTest, Routing) {
  EXPECT_THAT(error("[routing]\ndefault_pool = \"defualt\"\n"), HasSubstr("did you mean \"default\"?"));
  EXPECT_THAT(error("[routing]\ndefault_domain = \"@a.example\"\n"), HasSubstr("without \"@\""));
  std::string rule = "[[routing.rule]]\npool = \"default\"\n";
  EXPECT_THAT(error(rule), HasSubstr("needs exactly one of user, domain and regex"));
  EXPECT_THAT(error(rule + "user = \"a\"\nregex = \"b\"\n"), HasSubstr("needs exactly one of"));
  EXPECT_THAT(error(rule + "domain = \"@a.example\"\n"), HasSubstr("without \"@\""));
  EXPECT_THAT(error(rule + "domain = \"*.example\"\n"), HasSubstr("for patterns use regex"));
  EXPECT_THAT(error("[[routing.rule]]\nuser = \"a\"\n"), HasSubstr("needs pool or shard"));
  EXPECT_THAT(error("[[routing.rule]]\nuser = \"a\"\npool = \"x\"\nshard = \"y\"\n"),
              HasSubstr("there is no pool \"x\""));
  EXPECT_THAT(error(rule + "user = \"a\"\nshard = \"10.0.0.2\"\n"),
              HasSubstr("there is no shard \"10.0.0.2\" in pool \"default\" (did you mean \"10.0.0.1\"?)"));
}

TEST_F(CheckTest, Directories) {
  EXPECT_THAT(warning("[[directory]]\n"), HasSubstr("it knows nobody"));
  EXPECT_THAT(error("[[directory]]\ntype = \"sqlite\"\n"), HasSubstr("path must be set"));
  EXPECT_THAT(error("[[directory]]\npath = \"a.db\"\n[[directory.user]]\nname = \"a\"\n"),
              HasSubstr("directory.path: is for type \"sqlite\", \"passwd-file\" only"));
  EXPECT_THAT(error("[[directory]]\ntype = \"sqlite\"\npath = \"a\"\n[[directory.user]]\nname = \"a\"\n"),
              HasSubstr("for type \"static\" only"));
  std::string user = "[[directory]]\n[[directory.user]]\n";
  EXPECT_THAT(error(user), HasSubstr("name must be set"));
  EXPECT_THAT(error(user + "name = \"a\"\n[[directory.user]]\nname = \"A\"\n"),
              HasSubstr("the user \"a\" stands here twice"));
  EXPECT_THAT(error(user + "name = \"a\"\npool = \"x\"\n"), HasSubstr("directory.user.pool: there is no pool \"x\""));
  EXPECT_THAT(warning(user + "name = \"a\"\npassword = \"{PLAIN}canary\"\n"), HasSubstr("has no effect"));
  EXPECT_THAT(problems_of_small_and(user + "name = \"a\"\npassword = \"{PLAIN}canary\"\n"), Not(HasSubstr("canary")));
}

TEST_F(CheckTest, EachKindOfDirectoryHasItsNeeds) {
  const std::string of = "[[directory]]\ntype = ";
  EXPECT_THAT(error(of + "\"passwd-file\"\n"), HasSubstr("path must be set for type \"passwd-file\""));
  EXPECT_THAT(error(of + "\"mysql\"\n"), HasSubstr("servers must be set for type \"mysql\""));
  EXPECT_THAT(error(of + "\"ldap\"\nservers = [\"ldaps://a\"]\n[directory.ldap]\nbase = \"dc=a\"\n"),
              HasSubstr("ldap.base with ldap.filter, or ldap.bind_dn, must be set"));
  EXPECT_THAT(error(of + "\"http\"\n"), HasSubstr("http.url must be set"));
  EXPECT_THAT(problems_of_small_and(of + "\"oauth\"\n"), HasSubstr("oauth.issuer must be set"));
  EXPECT_THAT(error(of + "\"oauth\"\n[directory.oauth]\nissuer = \"https://a\"\n"),
              HasSubstr("a token opens no backend"));
  EXPECT_THAT(error(of + "\"pam\"\n[directory.redis]\ndatabase = 2\n"),
              HasSubstr("directory.redis: is for type \"redis\" only"));
  EXPECT_THAT(error(of + "\"redis\"\nservers = [\"a:1\"]\nfields = [\"shard\"]\n"),
              HasSubstr("\"shard\" is not \"theirs=ours\""));
}

TEST_F(CheckTest, ServersOfDatabases) {
  auto servers = [](const std::string& list, const std::string& more = "") {
    return "[[directory]]\ntype = \"postgresql\"\nservers = [" + list + "]\n" + more +
           "[directory.sql]\ndatabase = \"mail\"\nquery = \"SELECT 1 FROM users WHERE name = %u\"\n";
  };
  EXPECT_EQ(problems_of_small_and(servers("\"/run/postgresql\", \"localhost\", \"127.0.0.1:1\", \"[::1]:5432\"")), "");
  EXPECT_THAT(error(servers("\"localhost\", \"db:port\"")),
              HasSubstr("directory.servers: \"db:port\" is neither \"host:port\" nor the path of a unix socket"));
  EXPECT_THAT(warning(servers("\"db.internal\"")), HasSubstr("without TLS: set tls = \"on\""));
  EXPECT_EQ(problems_of_small_and(servers("\"db.internal\"", "tls = \"on\"\n")), "");
}

TEST_F(CheckTest, CheckingPasswordsNeedsAMasterIdentity) {
  EXPECT_THAT(error("[[directory]]\ncheck_password = true\ntype = \"sqlite\"\npath = \"a.db\"\n"),
              HasSubstr("needs a master identity"));
  std::string master = "[auth.backend_login]\nmode = \"master_authzid\"\nmaster_password = \"p\"\n";
  EXPECT_THAT(error(master + "[[directory]]\ncheck_password = true\ntype = \"sqlite\"\npath = \"a.db\"\n"),
              HasSubstr("master_user must be set"));
  EXPECT_THAT(warning(master + "master_user = \"m\"\n"), HasSubstr("is not used"));
  EXPECT_THAT(warning(master + "master_user = \"m\"\n[[directory]]\ncheck_password = true\n[[directory.user]]\nname = "
                               "\"a\"\n[[directory.user]]\nname = \"@b\"\n"),
              HasSubstr("has no password and so cannot log in"));
  EXPECT_THAT(warning("[auth.backend_login]\nmaster_user = \"m\"\n"), HasSubstr("have no effect"));
}

TEST_F(CheckTest, Capabilities) {
  EXPECT_THAT(error("[capabilities.imap]\nhide = [\"A B\"]\n"), HasSubstr("is not the name of a capability"));
  EXPECT_THAT(error("[capabilities.imap]\nadd = [\"EXPIRE NEVER\"]\n"), HasSubstr("is not a capability"));
  for (const char* name : {"AUTH=PLAIN", "starttls", "LOGINDISABLED", "IMAP4rev2", "COMPRESS=DEFLATE", "UNAUTHENTICATE",
                           "LOGIN-REFERRALS"}) {
    EXPECT_THAT(error(std::string("[capabilities.imap]\nadd = [\"") + name + "\"]\n"), HasSubstr("add")) << name;
  }
  EXPECT_THAT(error("[capabilities.pop3]\nadd = [\"SASL PLAIN\"]\n"), HasSubstr("not for the operator to add"));
}

}  // namespace
}  // namespace postigo::config
