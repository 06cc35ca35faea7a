// Cuts a template once and fills it for each name. Not here: what is escaped how (the drivers know where it stands).
#include "backends/directory/name_template.h"

#include <utility>

#include "backends/user_name.h"

namespace postigo {

Result<NameTemplate> NameTemplate::parse(std::string_view text, char more) {
  NameTemplate made;
  Part part;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      part.text += text[i];
      continue;
    }
    const char place = ++i < text.size() ? text[i] : '\0';
    if (place == '%') {
      part.text += '%';
    } else if (place != '\0' && (std::string_view("und").find(place) != std::string_view::npos || place == more)) {
      part.place = place;
      made.parts_.push_back(std::exchange(part, {}));
    } else {
      return fail(place == '\0' ? "a single % stands at the end: write %%"
                                : std::string("%") + place + " is not known: write %u, %n, %d" +
                                      (more == '\0' ? "" : std::string(", %") + more) + " or %%");
    }
  }
  if (!part.text.empty() || made.parts_.empty()) made.parts_.push_back(std::move(part));
  return made;
}

std::string NameTemplate::fill(std::string_view user,
                               const std::function<std::string(std::string_view)>& escape) const {
  std::string filled;
  for (const Part& part : parts_) {
    filled += part.text;
    if (part.place == 0) continue;
    filled += escape ? escape(value(part.place, user)) : std::string(value(part.place, user));
  }
  return filled;
}

std::string_view NameTemplate::value(char place, std::string_view user) {
  if (place == 'u') return user;
  const std::string_view domain = domain_of(user);
  if (place == 'd') return domain;
  return has_domain(user) ? user.substr(0, user.size() - domain.size() - 1) : user;
}

}  // namespace postigo
