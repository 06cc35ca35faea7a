// Files and names of TLS, for clients and towards backends. What is inside the files is for the TLS library to judge.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "config/check.h"
#include "config/secrets.h"
#include "config/suggest.h"
#include "config/units.h"

namespace postigo::config {

namespace {

// Empty, or why the file cannot be used.
std::string file_fault(const std::string& file) {
  int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return "cannot open " + in_quotes(file) + ": " + std::strerror(errno);
  struct stat info {};
  bool regular = ::fstat(fd, &info) == 0 && !S_ISDIR(info.st_mode);
  ::close(fd);
  return regular ? "" : in_quotes(file) + " is a directory";
}

void check_file(const std::string& file, const std::string& path, Report& report) {
  if (file.empty()) return;
  std::string fault = file_fault(file);
  if (!fault.empty()) report.error(path, fault);
}

// A key that was not written is in the certificate's file, which is then as secret as a key.
void check_pair(const std::string& certificate, const std::string& key, const std::string& path, Report& report) {
  check_file(certificate, below(path, "certificate"), report);
  if (key != certificate) check_file(key, below(path, "key"), report);
  if (!key.empty() && exposed_to_all(key)) {
    report.warning(below(path, key == certificate ? "certificate" : "key"),
                   "the private key in " + in_quotes(key) + " can be read by everybody: chmod 600");
  }
}

// A host name, or one with "*" as its first label (RFC 9525 6.3).
bool is_certificate_name(std::string_view name) {
  if (name.starts_with("*.")) name.remove_prefix(2);
  return is_host_name(name);
}

void check_certificate(const Certificate& x, const std::string& path, Report& report) {
  if (x.certificate_file.empty()) report.error(path, "certificate must be set to a PEM file");
  check_pair(x.certificate_file, x.key_file, path, report);
  for (size_t i = 0; i < x.names.size(); ++i) {
    if (x.names[i].empty() || is_certificate_name(x.names[i])) continue;
    report.error(at_index(path + ".names", i), in_quotes(x.names[i]) + " is not a host name or \"*.\" and a host name");
  }
}

void check_backend_tls(const TlsClient& x, const std::string& path, Report& report) {
  if (report.has(path) && !report.has(path + ".mode")) {
    report.error(path, "mode must be set: \"starttls\", \"implicit\" or \"off\"");
  }
  if (!x.verify && x.mode != Tls::off) {
    report.warning(path + ".verify", "nobody is kept from posing as this backend and reading passwords");
  }
  if (!x.name.empty() && !is_host(x.name)) report.error(path + ".name", in_quotes(x.name) + " is not a host name");
  check_file(x.ca_file, path + ".ca_file", report);
  if (x.certificate_file.empty() && !x.key_file.empty()) report.error(path + ".key", "needs certificate beside it");
  check_pair(x.certificate_file, x.key_file, path, report);
}

void check_client_certificates(const Live& live, Report& report) {
  check_file(live.tls.client_ca_file, "tls.client_ca", report);
  check_file(live.tls.client_crl_file, "tls.client_crl", report);
  bool used = false;
  for (size_t i = 0; i < live.listeners.size(); ++i) {
    const Listener& x = live.listeners[i];
    if (x.client_certificate == ClientCertificate::off) continue;
    used = true;
    std::string path = at_index("listener", i) + ".client_certificate";
    if (x.tls == Tls::off) report.error(path, "needs TLS, and this listener has none");
    if (live.tls.client_ca_file.empty()) report.error(path, "needs tls.client_ca: who may vouch for certificates");
  }
  if (used) return;
  for (const char* key : {"tls.client_ca", "tls.client_crl", "tls.client_name"}) {
    if (report.has(key)) report.warning(key, "has no effect: no [[listener]] has client_certificate");
  }
}

}  // namespace

void check_tls(const Config& config, Report& report) {
  const Live& live = config.live;
  for (size_t i = 0; i < live.tls.certificates.size(); ++i) {
    check_certificate(live.tls.certificates[i], at_index("tls.certificate", i), report);
  }
  check_client_certificates(live, report);
  for (size_t i = 0; i < live.backends.size(); ++i) {
    check_backend_tls(live.backends[i].tls, at_index("backend", i) + ".tls", report);
  }
}

}  // namespace postigo::config
