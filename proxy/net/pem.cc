// PEM blocks one by one, so that a file which holds something else can be told what it holds. Not here: contexts
// (tls_server.cc, tls_client.cc), whether an account may read a file (the caller reads as that account).
#include "proxy/net/pem.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/mem.h>
#include <openssl/pem.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "config/report.h"
#include "parser/base/ascii.h"
#include "parser/base/secret.h"

namespace postigo {
namespace {

constexpr size_t kFileMax = 16 << 20;  // the system's bundle of authorities is a quarter of a megabyte

struct Block {
  std::string name;                                                               // "CERTIFICATE"
  std::string header;                                                             // of encrypted keys in the old form
  std::unique_ptr<uint8_t, decltype(&OPENSSL_free)> data{nullptr, OPENSSL_free};  // wiped when freed
  long size = 0;

  bool certificate() const {
    return name == "CERTIFICATE" || name == "X509 CERTIFICATE" || name == "TRUSTED CERTIFICATE";
  }
  bool key() const { return name.ends_with("PRIVATE KEY"); }
  bool encrypted() const { return name == "ENCRYPTED PRIVATE KEY" || header.find("ENCRYPTED") != std::string::npos; }
};

struct Contents {
  std::vector<Block> blocks;
  bool damaged = false;       // something after the last block looks like one and is none
  const char* der = nullptr;  // what it is, if it is DER and not PEM
};

Result<Secret> read_file(const std::string& file) {
  int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail(fmt::format("{}: cannot open it: {}", file, std::strerror(errno)));
  Secret text;
  std::array<char, 16384> buffer{};
  ssize_t got = 0;
  while (text.size() < kFileMax && (got = ::read(fd, buffer.data(), buffer.size())) > 0) {
    text.append({buffer.data(), static_cast<size_t>(got)});
  }
  int error = errno;
  wipe(buffer.data(), buffer.size());
  ::close(fd);
  if (got < 0) return fail(fmt::format("{}: cannot read it: {}", file, std::strerror(error)));
  return text;
}

// "-inform DER" of openssl's subcommand of that name reads it; empty for what only looks like DER.
const char* der_kind(Bytes text) {
  if (!text.starts_with('\x30')) return nullptr;
  auto data = reinterpret_cast<const uint8_t*>(text.data());
  auto size = static_cast<long>(text.size());
  const uint8_t* at = data;
  const char* kind = "";
  if (bssl::UniquePtr<X509>(d2i_X509(nullptr, &at, size))) {
    kind = "x509";
  } else if (at = data; bssl::UniquePtr<EVP_PKEY>(d2i_AutoPrivateKey(nullptr, &at, size))) {
    kind = "pkey";
  }
  ERR_clear_error();
  return kind;
}

Contents split(Bytes text) {
  Contents found;
  bssl::UniquePtr<BIO> source(BIO_new_mem_buf(text.data(), static_cast<ossl_ssize_t>(text.size())));
  char *name = nullptr, *header = nullptr;
  uint8_t* data = nullptr;
  long size = 0;
  while (PEM_read_bio(source.get(), &name, &header, &data, &size)) {
    Block& block = found.blocks.emplace_back();
    block.name = name;
    block.header = header;
    block.data.reset(data);
    block.size = size;
    OPENSSL_free(name);
    OPENSSL_free(header);
  }
  found.damaged = ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (found.blocks.empty() && !found.damaged) found.der = der_kind(text);
  return found;
}

// Why a file without the wanted kind of block is no use.
std::string nothing_in(const std::string& file, const Contents& found, const char* wanted) {
  if (found.damaged) return fmt::format("{}: damaged: a PEM block that cannot be read", file);
  if (found.der != nullptr && *found.der != 0) {
    return fmt::format("{0}: DER, not PEM: turn it into PEM with `openssl {1} -inform DER -in {0} -out {0}.pem`", file,
                       found.der);
  }
  if (found.der != nullptr) {
    return fmt::format("{0}: not PEM; if it is a PKCS#12 bundle: `openssl pkcs12 -nodes -in {0} -out {0}.pem`", file);
  }
  if (found.blocks.empty()) return fmt::format("{}: no PEM file: there is no -----BEGIN in it", file);
  std::string kinds;
  for (const Block& block : found.blocks) {
    if (kinds.find(block.name) == std::string::npos) kinds += (kinds.empty() ? "" : ", ") + block.name;
  }
  const char* hint = found.blocks[0].name.ends_with("CERTIFICATE REQUEST")
                         ? " (a request is what the authority turns into a certificate)"
                         : " (are certificate and key swapped?)";
  return fmt::format("{}: no {} in it, but {}{}", file, wanted, printable(kinds, 200), hint);
}

std::string date(int64_t time_s) { return fmt::format("{:%F %H:%M} UTC", fmt::gmtime(std::time_t{time_s})); }

std::string subject(const X509* certificate) {
  std::array<char, 256> name{};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name.data(), name.size());
  return name[0] != 0 ? fmt::format(" ({})", printable(name.data(), 100)) : "";
}

std::string mismatch(const KeyPair& pair, const std::string& certificate_file, const std::string& key_file) {
  for (size_t i = 1; i < pair.chain.size(); ++i) {
    bssl::UniquePtr<EVP_PKEY> key(X509_get_pubkey(pair.chain[i].get()));
    if (key == nullptr || EVP_PKEY_cmp(key.get(), pair.key.get()) != 1) continue;
    return fmt::format("{}: the server's own certificate must come first; it is number {}", certificate_file, i + 1);
  }
  return fmt::format("{}: not the key of {}{}: was only one of them renewed?", key_file, certificate_file,
                     subject(pair.chain[0].get()));
}

int64_t seconds_of(const ASN1_TIME* time) {
  int64_t result = 0;
  return ASN1_TIME_to_posix(time, &result) == 1 ? result : 0;
}

}  // namespace

int64_t not_before_s(const X509* certificate) { return seconds_of(X509_get0_notBefore(certificate)); }
int64_t not_after_s(const X509* certificate) { return seconds_of(X509_get0_notAfter(certificate)); }

Result<X509Chain> read_certificates(const std::string& file) {
  auto text = read_file(file);
  if (!text) return tl::unexpected(text.error());
  Contents found = split(text->reveal());
  X509Chain chain;
  for (const Block& block : found.blocks) {
    if (!block.certificate()) continue;
    const uint8_t* at = block.data.get();
    auto& made = chain.emplace_back(block.name.starts_with("TRUSTED") ? d2i_X509_AUX(nullptr, &at, block.size)
                                                                      : d2i_X509(nullptr, &at, block.size));
    if (made == nullptr) return fail(fmt::format("{}: certificate {} in it is damaged", file, chain.size()));
  }
  ERR_clear_error();
  if (chain.empty()) return fail(nothing_in(file, found, "certificate"));
  if (found.damaged) {
    return fail(fmt::format("{}: damaged after certificate {}: a PEM block that cannot be read", file, chain.size()));
  }
  return chain;
}

Result<bssl::UniquePtr<EVP_PKEY>> read_key(const std::string& file) {
  auto text = read_file(file);
  if (!text) return tl::unexpected(text.error());
  Contents found = split(text->reveal());
  for (const Block& block : found.blocks) {
    if (!block.key()) continue;
    if (block.encrypted()) {
      return fail(
          fmt::format("{0}: the key is encrypted, and nobody is there to type its passphrase: "
                      "`openssl pkey -in {0} -out {0}.plain`, chmod 600",
                      file));
    }
    const uint8_t* at = block.data.get();
    bssl::UniquePtr<EVP_PKEY> key(d2i_AutoPrivateKey(nullptr, &at, block.size));
    ERR_clear_error();
    if (key == nullptr) return fail(fmt::format("{}: the key in it is damaged or of an unknown kind", file));
    return key;
  }
  return fail(nothing_in(file, found, "private key"));
}

void check_times(const X509Chain& chain, const std::string& file, const std::string& key, config::Problems& problems) {
  int64_t now_s = std::time(nullptr);
  for (size_t i = 0; i < chain.size(); ++i) {
    int64_t from_s = not_before_s(chain[i].get()), until_s = not_after_s(chain[i].get());
    if (from_s <= now_s && now_s <= until_s) continue;
    std::string which = chain.size() == 1 ? "the certificate" : fmt::format("certificate {}", i + 1);
    std::string when = now_s < from_s ? "is not valid before " + date(from_s) : "has expired on " + date(until_s);
    problems.push_back(config::warning_at(
        key, fmt::format("{}: {}{} {}: it will be refused", file, which, subject(chain[i].get()), when)));
  }
}

std::optional<KeyPair> read_pair(const std::string& certificate_file, const std::string& key_file,
                                 const std::string& path, config::Problems& problems) {
  std::string certificate_path = config::below(path, "certificate");
  std::string key_path = key_file == certificate_file ? certificate_path : config::below(path, "key");
  auto chain = read_certificates(certificate_file);
  auto key = read_key(key_file);
  if (!chain) problems.push_back(config::error_at(certificate_path, chain.error().message));
  if (chain) check_times(*chain, certificate_file, certificate_path, problems);
  if (!key && (chain || key_file != certificate_file)) {
    const char* hint = key_file == certificate_file ? "; name its file with key = \"...\"" : "";
    problems.push_back(config::error_at(key_path, key.error().message + hint));
  }
  if (!chain || !key) return std::nullopt;
  KeyPair pair{std::move(*chain), std::move(*key)};
  bssl::UniquePtr<EVP_PKEY> expected(X509_get_pubkey(pair.chain[0].get()));
  if (expected == nullptr || EVP_PKEY_cmp(expected.get(), pair.key.get()) != 1) {
    problems.push_back(config::error_at(key_path, mismatch(pair, certificate_file, key_file)));
    return std::nullopt;
  }
  return pair;
}

}  // namespace postigo
