// libpam. Not here: threads (pam.cc).
#include "backends/directory/drivers/pam_service.h"

#include <security/pam_appl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <utility>

namespace postigo {
namespace {

// Modules overwrite and free what they are told; until then it is theirs.
void drop(pam_response* responses, int count) {
  for (int i = 0; i < count; ++i) {
    if (responses[i].resp == nullptr) continue;
    wipe(responses[i].resp, std::strlen(responses[i].resp));
    std::free(responses[i].resp);
  }
  std::free(responses);
}

// Whoever asks for what is not shown gets the password; other questions have no answer here, and what is only said is
// heard.
int answer_question(const pam_message& message, const Secret& password, pam_response& response) {
  if (message.msg_style == PAM_TEXT_INFO || message.msg_style == PAM_ERROR_MSG) return PAM_SUCCESS;
  if (message.msg_style != PAM_PROMPT_ECHO_OFF) return PAM_CONV_ERR;
  response.resp = static_cast<char*>(std::calloc(password.size() + 1, 1));
  if (response.resp == nullptr) return PAM_BUF_ERR;
  std::memcpy(response.resp, password.reveal().data(), password.size());
  return PAM_SUCCESS;
}

int converse(int count, const pam_message** messages, pam_response** responses, void* password) {
  if (count <= 0 || count > PAM_MAX_NUM_MSG) return PAM_CONV_ERR;
  auto* made = static_cast<pam_response*>(std::calloc(static_cast<size_t>(count), sizeof(pam_response)));
  if (made == nullptr) return PAM_BUF_ERR;
  for (int i = 0; i < count; ++i) {
    const int said = answer_question(*messages[i], *static_cast<const Secret*>(password), made[i]);
    if (said == PAM_SUCCESS) continue;
    drop(made, count);
    return said;
  }
  *responses = made;
  return PAM_SUCCESS;
}

// limits.auth_failure_delay is the one that counts; a module's would only hold a thread.
void no_delay(int, unsigned, void*) {}

Verdict verdict_of(int code) {
  switch (code) {
    case PAM_SUCCESS:
      return Verdict::ok;
    case PAM_AUTH_ERR:
    case PAM_MAXTRIES:
      return Verdict::bad_credentials;
    case PAM_USER_UNKNOWN:
      return Verdict::no_such_user;
    case PAM_ACCT_EXPIRED:
    case PAM_PERM_DENIED:
    case PAM_NEW_AUTHTOK_REQD:
    case PAM_AUTHTOK_EXPIRED:
    case PAM_CRED_EXPIRED:
      return Verdict::disabled;
    default:  // among them PAM_AUTHINFO_UNAVAIL, PAM_SYSTEM_ERR, PAM_CRED_INSUFFICIENT, PAM_OPEN_ERR
      return Verdict::try_later;
  }
}

class Conversation {
 public:
  Conversation(const std::string& service, const std::string& folder, const std::string& user, const Secret& password)
      : asked_{converse, const_cast<Secret*>(&password)} {
    code_ = folder.empty() ? pam_start(service.c_str(), user.c_str(), &asked_, &pam_)
                           : pam_start_confdir(service.c_str(), user.c_str(), &asked_, folder.c_str(), &pam_);
  }
  ~Conversation() {
    if (pam_ != nullptr) pam_end(pam_, code_);
  }
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  void introduce(const std::string& client_ip) {
    set(PAM_TTY, "postigo");  // some modules want one
    if (!client_ip.empty()) set(PAM_RHOST, client_ip.c_str());
    set(PAM_FAIL_DELAY, reinterpret_cast<const void*>(&no_delay));
  }
  void then(int (*step)(pam_handle_t*, int), int flags = 0) {
    if (code_ == PAM_SUCCESS) code_ = step(pam_, static_cast<int>(PAM_SILENT) | flags);
  }
  Heard heard() const {
    Heard heard{verdict_of(code_)};
    if (heard.verdict == Verdict::try_later) heard.detail = pam_strerror(pam_, code_);
    return heard;
  }
  // As modules have made it.
  std::string user() const {
    const void* name = nullptr;
    if (pam_get_item(pam_, PAM_USER, &name) != PAM_SUCCESS || name == nullptr) return {};
    return static_cast<const char*>(name);
  }

 private:
  void set(int item, const void* value) {
    if (code_ == PAM_SUCCESS) code_ = pam_set_item(pam_, item, value);
  }

  pam_conv asked_;
  pam_handle_t* pam_ = nullptr;
  int code_ = PAM_SYSTEM_ERR;
};

}  // namespace

Result<void> PamService::exists() const {
  if (name_.empty() || name_.find('/') != std::string::npos || name_.starts_with('.')) {
    return fail("pam_service: \"" + name_ + "\" is no name of a file in /etc/pam.d");
  }
  const std::string own[] = {folder_}, usual[] = {"/etc/pam.d", "/usr/lib/pam.d"};
  auto here = [&](const std::string& folder) { return access((folder + '/' + name_).c_str(), R_OK) == 0; };
  const bool found = folder_.empty() ? std::any_of(std::begin(usual), std::end(usual), here) : here(own[0]);
  if (found) return {};
  return fail("pam_service: cannot read " + (folder_.empty() ? usual[0] : folder_) + '/' + name_);
}

Heard PamService::authenticate(const std::string& user, const Secret& password, const std::string& client_ip) const {
  const bool possible = !password.empty() && password.reveal().find('\0') == Bytes::npos;
  if (!possible) return {Verdict::bad_credentials};
  Conversation conversation(name_, folder_, user, password);
  conversation.introduce(client_ip);
  conversation.then(pam_authenticate, PAM_DISALLOW_NULL_AUTHTOK);
  conversation.then(pam_acct_mgmt, PAM_DISALLOW_NULL_AUTHTOK);
  Heard heard = conversation.heard();
  if (heard.verdict == Verdict::ok) heard.name = conversation.user();
  return heard;
}

// Who may not come in is somebody, too.
Heard PamService::account(const std::string& user, const std::string& client_ip) const {
  const Secret none;
  Conversation conversation(name_, folder_, user, none);
  conversation.introduce(client_ip);
  conversation.then(pam_acct_mgmt);
  Heard heard = conversation.heard();
  if (heard.verdict == Verdict::ok) heard.name = conversation.user();
  heard.entry.disabled = heard.verdict == Verdict::disabled || heard.verdict == Verdict::bad_credentials;
  if (heard.entry.disabled) heard.verdict = Verdict::ok;
  return heard;
}

}  // namespace postigo
