// The one place, with commands/usage.cc, that includes CLI11. One function per command says what its options are;
// nothing is decided here.
#include "proxy/options.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <functional>
#include <ostream>
#include <sstream>
#include <string>
#include <vector>

#include "config/protocol_keys.h"
#include "config/suggest.h"
#include "parser/sasl/mechanisms.h"
#include "proxy/ops/verbs.h"

namespace postigo {

namespace {

constexpr const char* kFooter =
    "Exit codes: 0 done, 1 it could not be done, 2 the command line makes no sense,\n"
    "3 the configuration has problems (all of them are told),\n"
    "75 somebody who is asked does not answer now.";

// All options of all commands; only the chosen command's are read.
struct Parsed {
  commands::ServeOptions serve;
  commands::CheckOptions check;
  commands::RouteOptions route;
  commands::AuthTestOptions auth_test;
  commands::UserOptions user;
  commands::CtlOptions ctl;
  std::string paper;  // which shell's script, which manual page
  std::string file = kDefaultConfiguration;
  std::function<int(commands::Streams)> command;
};

CLI::App* add_command(CLI::App& app, const char* name, const char* what) {
  CLI::App* command = app.add_subcommand(name, what);
  command->footer(kFooter);
  return command;
}

CLI::Option* add_file(CLI::App* command, Parsed& parsed) {
  CLI::Option* option = command->add_option("-c,--config", parsed.file, "Configuration file");
  return option->type_name("FILE")->capture_default_str();
}

void add_serve(CLI::App& app, Parsed& parsed) {
  CLI::App* command = add_command(app, "serve", "Run the proxy until SIGTERM or SIGINT");
  add_file(command, parsed);
  command->add_flag("--takeover", parsed.serve.takeover,
                    "Take the place of the Postigo that has the admin socket, if one runs: it hands its ports over and "
                    "ends with its last session");
  command->callback([&] {
    parsed.command = [&](commands::Streams io) {
      parsed.serve.file = parsed.file;
      return commands::serve(parsed.serve, io);
    };
  });
}

void add_check(CLI::App& app, Parsed& parsed) {
  CLI::App* command = add_command(app, "check", "Tell everything that is wrong with a configuration");
  CLI::Option* named = add_file(command, parsed);
  command->add_option("FILE", parsed.file, "The same, as a word")->type_name("")->excludes(named);
  command->add_flag("--dump", parsed.check.dump, "Print the effective configuration, secrets as ***");
  CLI::Option* against = command->add_flag("--against-running", parsed.check.against_running,
                                           "And what it would change: `postigo ctl diff FILE`");
  command->add_option("--socket", parsed.check.socket, "Admin socket of what runs; default: what the file says")
      ->needs(against)
      ->type_name("PATH");
  CLI::Option* connect =
      command->add_flag("--connect", parsed.check.connect,
                        "And try what it connects to, once: backends, directories, name servers, the policy server");
  connect->excludes(against);
  command->add_flag("--json", parsed.check.json, "Print what came of --connect as JSON")->needs(connect);
  command->callback([&] {
    parsed.command = [&](commands::Streams io) {
      parsed.check.file = parsed.file;
      return commands::check(parsed.check, io);
    };
  });
}

void add_route(CLI::App& app, Parsed& parsed) {
  CLI::App* command = add_command(app, "route", "Explain which shard and backend a user is sent to");
  add_file(command, parsed);
  command->add_option("USER", parsed.route.user, "As the user would log in")->required()->type_name("");
  command->add_option("--protocol", parsed.route.protocol, "imap or pop3; default: that of the first listener")
      ->check(CLI::IsMember(config::protocol_names()))
      ->type_name("NAME");
  command->add_flag("--json", parsed.route.json, "Print the answer as JSON");
  command->callback([&] {
    parsed.command = [&](commands::Streams io) {
      parsed.route.file = parsed.file;
      return commands::route(parsed.route, io);
    };
  });
}

// Never a password or a token as an argument: other users of the machine can see those.
void add_auth(CLI::App& app, Parsed& parsed) {
  CLI::App* auth = add_command(app, "auth", "Ask the directories as a login does");
  auth->require_subcommand(1);
  CLI::App* command = add_command(*auth, "test",
                                  "Ask for a user's secret, and tell what each directory says, whether he would be let "
                                  "in, and at which backend");
  commands::AuthTestOptions& options = parsed.auth_test;
  add_file(command, parsed);
  command->add_option("USER", options.user, "As the user would log in")->required()->type_name("");
  std::vector<std::string> mechanisms;
  for (const sasl::Mechanism& each : sasl::mechanisms()) mechanisms.emplace_back(each.name);
  command->add_option("--mechanism", options.mechanism, "How; the secret is a token for OAUTHBEARER and XOAUTH2")
      ->check(CLI::IsMember(mechanisms, CLI::ignore_case))
      ->capture_default_str()
      ->type_name("NAME");
  command->add_option("--authzid", options.authzid, "Whom he wants to act as")->type_name("USER");
  command->add_option("--protocol", options.protocol, "imap or pop3; default: that of the listener")
      ->check(CLI::IsMember(config::protocol_names()))
      ->type_name("NAME");
  command->add_option("--listener", options.listener, "Where he comes in; default: the first listener")
      ->type_name("NAME");
  command->add_option("--address", options.address, "Whence he comes")->capture_default_str()->type_name("ADDRESS");
  command->add_flag("--json", options.json, "Print the answer as JSON");
  command->callback([&] {
    parsed.command = [&](commands::Streams io) {
      parsed.auth_test.file = parsed.file;
      return commands::auth_test(parsed.auth_test, io);
    };
  });
}

using UserCommand = int (*)(const commands::UserOptions&, commands::Streams);

CLI::App* add_user_command(CLI::App& user, const char* name, const char* what, UserCommand run, Parsed& parsed) {
  CLI::App* command = add_command(user, name, what);
  add_file(command, parsed);
  command->add_option("--directory", parsed.user.directory, "Name of the [[directory]], if there are several")
      ->type_name("NAME");
  command->callback([&parsed, run] {
    parsed.command = [&parsed, run](commands::Streams io) {
      parsed.user.file = parsed.file;
      return run(parsed.user, io);
    };
  });
  return command;
}

void add_name(CLI::App* command, Parsed& parsed) {
  command->add_option("NAME", parsed.user.name, "User name, or @example.com for a whole domain")
      ->required()
      ->type_name("");
}

void add_placement(CLI::App* command, Parsed& parsed) {
  auto text = [&](const char* option, std::optional<std::string>& value, const char* what) {
    command
        ->add_option_function<std::string>(
            option, [&value](const std::string& given) { value = given; }, what)
        ->type_name("NAME");
  };
  text("--pool", parsed.user.pool, "Pool that the user lives in; \"\": by rules");
  text("--shard", parsed.user.shard, "Shard that the user lives in; \"\": by hash");
  text("--backend-user", parsed.user.backend_user, "Another name at the backend; \"\": the same");
  auto disabled = [&](bool value) { return [&parsed, value] { parsed.user.disabled = value; }; };
  CLI::Option* off = command->add_flag_callback("--disabled", disabled(true), "May not log in");
  command->add_flag_callback("--enabled", disabled(false), "May log in")->excludes(off);
}

struct FieldOption {
  const char *option, *field, *type, *doc;
};

void add_fields(CLI::App* command, Parsed& parsed, std::initializer_list<FieldOption> options) {
  for (const FieldOption& each : options) {
    command
        ->add_option_function<std::string>(
            each.option,
            [&parsed, field = each.field](const std::string& value) { parsed.user.fields.emplace_back(field, value); },
            each.doc)
        ->type_name(each.type);
  }
}

// From where, how and until when; "" takes a bound away.
void add_conditions(CLI::App* command, Parsed& parsed) {
  add_fields(command, parsed,
             {{"--networks", "networks", "NET,...", "From where; \"\": from anywhere"},
              {"--protocols", "protocols", "NAME,...", "With what: imap, pop3; \"\": with any"},
              {"--valid-until", "valid_until", "TIME", "Until when: \"2026-08-01 18:00\", in UTC; \"\": for good"}});
}

void add_circumstances(CLI::App* command, Parsed& parsed) {
  add_conditions(command, parsed);
  add_fields(
      command, parsed,
      {{"--listeners", "listeners", "NAME,...", "Through which listeners; \"\": through any"},
       {"--valid-from", "valid_from", "TIME", "From when on"},
       {"--disabled-until", "disabled_until", "TIME", "May not log in before"},
       {"--moving-until", "moving_until", "TIME", "Is told to come again until then: his mail is on its way"},
       {"--class", "class", "NAME", "A [[limits.class]] by its name; \"\": none"},
       {"--sessions-max", "sessions_max", "N", "Sessions that he may have, whatever his class; \"\": as that says"},
       {"--main-password", "main_password", "yes|no",
        "Whether his own password lets him in, and not only those for programs"}});
}

// Never a password as an argument: other users of the machine can see those.
void add_password(CLI::App* command, Parsed& parsed) {
  using Password = commands::UserOptions::Password;
  auto set = [&](Password value) { return [&parsed, value] { parsed.user.password = value; }; };
  CLI::Option* ask = command->add_flag_callback("--password", set(Password::ask), "Ask for a password on the terminal");
  CLI::Option* in = command->add_flag_callback("--password-stdin", set(Password::standard_input),
                                               "Read the password from standard input, one line");
  CLI::Option* none = command->add_flag_callback("--no-password", set(Password::none), "No password");
  command->add_flag("--scram", parsed.user.scram, "Store the password as keys for SCRAM-SHA-256");
  ask->excludes(in);
  ask->excludes(none);
  in->excludes(none);
}

void add_app_passwords(CLI::App& user, Parsed& parsed) {
  CLI::App* group = add_command(user, "app-password", "Manage a user's passwords for programs");
  group->require_subcommand(1);
  auto add = [&](const char* name, const char* what, UserCommand run) {
    CLI::App* command = add_user_command(*group, name, what, run, parsed);
    add_name(command, parsed);
    return command;
  };
  auto add_label = [&](CLI::App* command) {
    command->add_option("LABEL", parsed.user.label, "Whose device it is for: phone")->required()->type_name("");
  };
  CLI::App* command = add("add", "Make one and show it, once", commands::app_password_add);
  add_label(command);
  add_conditions(command, parsed);
  add("list", "List them, with their last use", commands::app_password_list);
  add_label(add("revoke", "Take one back", commands::app_password_revoke));
}

void add_user(CLI::App& app, Parsed& parsed) {
  CLI::App* user = add_command(app, "user", "Manage the users of a SQLite directory");
  user->require_subcommand(1);
  auto add = [&](const char* name, const char* what, UserCommand run) {
    return add_user_command(*user, name, what, run, parsed);
  };
  CLI::App* command = add("add", "Add a user; asks for a password if the directory checks them", commands::user_add);
  add_name(command, parsed);
  add_password(command, parsed);
  add_placement(command, parsed);
  add_circumstances(command, parsed);
  command = add("set", "Change a user; what is not named stays", commands::user_set);
  add_name(command, parsed);
  add_password(command, parsed);
  add_placement(command, parsed);
  add_circumstances(command, parsed);
  add_name(add("del", "Delete a user", commands::user_del), parsed);
  add("list", "List all users", commands::user_list);
  command =
      add("import",
          "Import users: name:{SCHEME}hash[:pool[:shard[:backend_user]]], Dovecot's passwd-file, or CSV with a header",
          commands::user_import);
  command->add_option("FILE", parsed.user.import_file, "\"-\": standard input")->required()->type_name("");
  command->add_flag("--replace", parsed.user.replace, "Replace users that exist");
  command = add("export", "Print all users, as `import` reads them", commands::user_export);
  command->add_flag("--hashes", parsed.user.hashes, "With their stored passwords; default: without");
  command->add_flag("--jsonl", parsed.user.jsonl, "A JSON object in each line, for other programs; default: CSV");
  add_name(command = add("rename", "Give a user another name", commands::user_rename), parsed);
  command->add_option("TO", parsed.user.to, "The new name")->required()->type_name("");
  add_name(command = add("verify", "Ask for a user's password and tell whether it is right", commands::user_verify),
           parsed);
  command->add_flag_callback(
      "--password-stdin", [&parsed] { parsed.user.password = commands::UserOptions::Password::standard_input; },
      "Read the password from standard input, one line");
  add_app_passwords(*user, parsed);
}

void add_parameter(CLI::App* command, const Parameter& parameter, Parsed& parsed) {
  std::string name(parameter.name), doc(parameter.doc);
  auto& given = parsed.ctl.parameters;
  auto note = [&given, name](const std::string& value) { given.emplace_back(name, value); };
  if (parameter.kind == Parameter::Kind::flag) {
    command->add_flag_callback(
        "--" + name, [note] { note("true"); }, doc);
    return;
  }
  const char* type = parameter.kind == Parameter::Kind::number          ? "N"
                     : parameter.kind == Parameter::Kind::configuration ? "FILE"
                     : parameter.kind == Parameter::Kind::duration      ? "TIME"
                                                                        : "";
  CLI::Option* option = command->add_option_function<std::string>(parameter.positional ? name : "--" + name, note, doc);
  option->required(parameter.required)->type_name(type);
  if (!parameter.choices.empty()) {
    option->check(CLI::IsMember(std::vector<std::string>(parameter.choices.begin(), parameter.choices.end())));
  }
}

// One of three, or the socket that the configuration names. Never a token as an argument.
void add_places(CLI::App* ctl, Parsed& parsed) {
  CLI::Option* socket = ctl->add_option("--socket", parsed.ctl.socket, "Its admin socket")->type_name("PATH");
  CLI::Option* url = ctl->add_option("--url", parsed.ctl.url, "Its api_address, as in http://127.0.0.1:9091");
  url->type_name("URL")->excludes(socket);
  ctl->add_option("--token-file", parsed.ctl.token_file, "Token for --url; default: $POSTIGO_TOKEN")
      ->needs(url)
      ->type_name("FILE");
  CLI::Option* doors = ctl->add_option("--door", parsed.ctl.doors, "Several at once, by their names in --doors");
  doors->delimiter(',')->type_name("NAME,...")->allow_extra_args(false)->excludes(socket)->excludes(url);
  ctl->add_option("--doors", parsed.ctl.doors_file,
                  "File with a [[door]] for each; default: ~/.config/postigo/ctl.toml")
      ->needs(doors)
      ->type_name("FILE");
}

// One command for each verb of the admin API.
void add_ctl(CLI::App& app, Parsed& parsed) {
  CLI::App* ctl = add_command(app, "ctl", "Ask the Postigo that runs, or tell it what to do");
  ctl->require_subcommand(1);
  ctl->fallthrough();
  add_file(ctl, parsed);
  add_places(ctl, parsed);
  ctl->add_flag("--json", parsed.ctl.json, "Print the answer as JSON");
  for (const Verb& verb : verbs()) {
    CLI::App* command = ctl->add_subcommand(std::string(verb.name), std::string(verb.doc));
    command->footer(kFooter);
    command->fallthrough();
    for (const Parameter& parameter : verb.parameters) add_parameter(command, parameter, parsed);
    command->callback([&parsed, &verb] {
      parsed.ctl.verb = verb.name;
      parsed.command = [&parsed](commands::Streams io) {
        parsed.ctl.file = parsed.file;
        return commands::ctl(parsed.ctl, io);
      };
    });
  }
}

void add_version(CLI::App& app, Parsed& parsed) {
  CLI::App* command = add_command(app, "version", "Print the versions of Postigo and of its TLS library");
  command->callback([&] { parsed.command = commands::version; });
}

// What is made of the command line itself. The pages are for the build, and in nobody's way.
void add_papers(CLI::App& app, Parsed& parsed) {
  using Print = int (*)(const std::string&, const commands::Usage&, commands::Streams);
  auto add = [&](CLI::App* command, const char* name, std::vector<std::string> known, Print print) {
    command->add_option(name, parsed.paper, "One of these")->required()->check(CLI::IsMember(known))->type_name("");
    command->callback([&app, &parsed, print] {
      parsed.command = [&app, &parsed, print](commands::Streams io) {
        return print(parsed.paper, commands::usage_of(app), io);
      };
    });
  };
  add(add_command(app, "completion", "Print a completion script for a shell"), "SHELL", {"bash", "zsh", "fish"},
      commands::completion);
  add(add_command(app, "manual", "Print a manual page")->group(""), "PAGE",
      {"postigo.8", "postigo-ctl.1", "postigo.toml.5"}, commands::manual);
}

std::string version_text() {
  std::ostringstream text;
  std::istringstream nothing;
  commands::version({nothing, text, text});
  std::string said = text.str();
  return said.substr(0, said.size() - 1);  // CLI11 ends the line
}

// The flags that other servers have taught people: -v and -t [-c FILE].
void add_habits(CLI::App& app, Parsed& parsed) {
  app.set_version_flag("-v,-V,--version", version_text, "Print the versions: `postigo version`");
  app.add_option("-c,--config", parsed.file, "Configuration file, for -t")->type_name("FILE");
  app.add_flag_callback(
      "-t",
      [&parsed] {
        parsed.command = [&parsed](commands::Streams io) {
          parsed.check.file = parsed.file;
          return commands::check(parsed.check, io);
        };
      },
      "Check the configuration: `postigo check`");
}

// CLI11 would only say that a command is missing. Empty if `word` is none of our business.
std::string unknown_command(const CLI::App& app, const std::string& word) {
  std::vector<std::string> known;
  for (const CLI::App* command : app.get_subcommands({})) known.push_back(command->get_name());
  bool strange = !word.starts_with('-') && std::find(known.begin(), known.end(), word) == known.end();
  if (!strange) return {};
  return "There is no command " + config::in_quotes(word) + config::did_you_mean(word, known);
}

}  // namespace

int run_command_line(int argc, const char* const* argv, commands::Streams io) {
  Parsed parsed;
  CLI::App app("Postigo: an IMAP and POP3 proxy that sends every user to his shard", "postigo");
  app.footer(kFooter);
  app.require_subcommand(0, 1);
  app.set_help_all_flag("--help-all", "Print the help of all commands");
  add_habits(app, parsed);
  add_serve(app, parsed);
  add_check(app, parsed);
  add_route(app, parsed);
  add_auth(app, parsed);
  add_user(app, parsed);
  add_ctl(app, parsed);
  add_version(app, parsed);
  add_papers(app, parsed);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::string stranger = argc > 1 ? unknown_command(app, argv[1]) : "";
    if (!stranger.empty()) {
      io.err << stranger << "\nRun with --help for more information.\n";
      return commands::kUsage;
    }
    int code = app.exit(error, io.out, io.err);
    return code == 0 ? commands::kOk : commands::kUsage;
  }
  if (!parsed.command) {
    io.err << "A command is required\nRun with --help for more information.\n";
    return commands::kUsage;
  }
  return parsed.command(io);
}

}  // namespace postigo
