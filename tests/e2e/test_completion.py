"""What bash, zsh and fish offer at a tab, each asked itself, with the script that `postigo completion` prints."""

import os
import re
import shlex
import shutil
import tempfile
import unittest

from tests.e2e.harness import postigo, run
from tests.e2e.harness.terminal import Terminal

folder = None


def setUpModule():
    global folder
    folder = tempfile.mkdtemp(prefix="pgo-completion-", dir="/tmp")
    unittest.addModuleCleanup(shutil.rmtree, folder)
    for name in ("one.toml", "two.toml"):
        with open(os.path.join(folder, name), "w", encoding="ascii"):
            pass


def script(shell):
    path = os.path.join(folder, shell)
    with open(path, "w", encoding="utf-8") as file:
        file.write(run(postigo(), "completion", shell).stdout)
    return path


def verbs():
    """Those of the help, which CLI11 writes."""
    listed = run(postigo(), "ctl", "--help").stdout.split("Subcommands:\n", 1)[1]
    return set(re.findall(r"^  (\w+) ", listed, re.M))


class Mistakes(unittest.TestCase):
    def test_a_shell_that_nobody_knows(self):
        for words in ([], ["tcsh"]):
            done = run(postigo(), "completion", *words, check=False)
            self.assertEqual((2, ""), (done.returncode, done.stdout))
            self.assertTrue(done.stderr)


class Shell:
    """The questions; each shell says in offered() how it is asked. A line ends where the cursor is."""

    name = None

    @classmethod
    def setUpClass(cls):
        if shutil.which(cls.name) is None:
            raise unittest.SkipTest(f"{cls.name} is missing (deploy/packages.sh test installs it)")
        cls.script = script(cls.name)

    def offered(self, line):
        raise NotImplementedError

    def test_syntax(self):
        done = run(self.name, "-n", self.script)
        self.assertEqual("", done.stdout + done.stderr)

    def test_commands(self):
        self.assertEqual({"check", "completion", "ctl"}, self.offered("postigo c"))
        self.assertNotIn("manual", self.offered("postigo "))

    def test_verbs_of_ctl(self):
        self.assertEqual({"backend", "backends"}, self.offered("postigo ctl ba"))
        self.assertEqual(verbs(), self.offered("postigo ctl "))
        self.assertEqual(verbs(), self.offered("postigo ctl --json -c one.toml "))

    def test_arguments_by_their_place(self):
        self.assertLessEqual({"auto", "down", "drain"}, self.offered("postigo ctl backend mail1 "))
        self.assertLessEqual({"auto", "down", "drain"}, self.offered("postigo ctl backend backends "))
        self.assertEqual({"bash", "zsh", "fish"}, self.offered("postigo completion "))

    def test_values_of_an_option(self):
        self.assertEqual({"imap", "pop3"}, self.offered("postigo ctl who --user ann --protocol "))
        self.assertEqual({"imap", "pop3"}, self.offered("postigo route --protocol "))
        self.assertEqual({"SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"}, self.offered("postigo auth test --mechanism SCRAM-SHA-2"))

    def test_options(self):
        self.assertEqual({"--password", "--password-stdin"}, self.offered("postigo user add --pass"))
        self.assertEqual({"--limit"}, self.offered("postigo ctl who --lim"))
        self.assertEqual({"--json"}, self.offered("postigo ctl who --user ann --js"), "an option of ctl's")

    def test_files(self):
        self.assertEqual({f"{folder}/one.toml"}, self.offered(f"postigo check -c {folder}/on"))
        self.assertEqual({f"{folder}/two.toml"}, self.offered(f"postigo ctl who --config {folder}/tw"))


class Bash(Shell, unittest.TestCase):
    name = "bash"

    def offered(self, line):
        words = re.findall(r"=|[^\s=]+", line) + ([""] if line[-1] in " " else [])
        done = run("bash", "-uc", f'source {self.script}; COMP_WORDS=({" ".join(map(shlex.quote, words))}); '
                   'COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _postigo; printf "%s\\n" "${COMPREPLY[@]}"')
        self.assertEqual("", done.stderr)
        return {word for word in done.stdout.split("\n") if word}

    def test_a_value_behind_an_equals_sign(self):
        self.assertEqual({"pop3"}, self.offered("postigo route --protocol=p"))
        self.assertEqual({"imap", "pop3"}, self.offered("postigo route --protocol="))

    def test_at_the_keyboard(self):
        terminal = Terminal("bash", "--norc", "--noprofile", "-i", environment=dict(os.environ, PS1="$ "))
        self.addCleanup(terminal.close)
        terminal.type(f"bind 'set enable-bracketed-paste off'; . {self.script}; echo re''ady\n")
        terminal.read_until("ready")
        terminal.type("postigo ctl und\t")
        terminal.read_until("postigo ctl undrain ")


class Zsh(Shell, unittest.TestCase):
    """zsh completes only at a keyboard; what it would offer is written down where it adds its matches."""

    name = "zsh"
    SETUP = r"""
unsetopt zle_bracketed_paste prompt_cr prompt_sp
PS1='$ '
autoload -U compinit && compinit -u -D
compadd() {
  local -a seen
  if (( ! ${@[(I)-[ODA]*]} )); then builtin compadd -O seen "$@"; print -rl -- $seen >>$OFFERED; fi
  builtin compadd "$@"
}
offer() { zle list-choices; print; print over }
zle -N offer
bindkey '^X' offer
source $SCRIPT
print re''ady
"""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.offers, setup = os.path.join(folder, "offers"), os.path.join(folder, "setup")
        with open(setup, "w", encoding="ascii") as file:
            file.write(cls.SETUP)
        cls.terminal = Terminal("zsh", "-f", "-i", environment=dict(os.environ, OFFERED=cls.offers, SCRIPT=cls.script))
        cls.addClassCleanup(cls.terminal.close)
        cls.terminal.type(f"source {setup}\n")
        cls.terminal.read_until("ready\r?\n")

    def offered(self, line):
        with open(self.offers, "w", encoding="ascii"):
            pass
        self.terminal.type(f"\x15{line}\x18")
        shown = self.terminal.read_until("over\r?\n")
        self.assertNotIn("not found", shown)
        with open(self.offers, encoding="utf-8") as file:
            words = {word for word in file.read().split("\n") if word}
        return {os.path.join(folder, word) for word in words} if "/" in line else words

    def test_as_a_file_of_fpath(self):
        """Named after its function, loaded at the first tab."""
        shutil.copy(self.script, os.path.join(folder, "_postigo"))
        terminal = Terminal("zsh", "-f", "-i", environment=dict(os.environ, FPATH_MORE=folder))
        self.addCleanup(terminal.close)
        terminal.type("unsetopt zle_bracketed_paste; fpath=($FPATH_MORE $fpath); autoload -U compinit; compinit -u -D; "
                      "print re''ady\n")
        terminal.read_until("ready\r?\n")
        terminal.type("postigo ctl und\t")
        terminal.read_until("undrain ")


class Fish(Shell, unittest.TestCase):
    name = "fish"

    def offered(self, line):
        done = run("fish", "--no-config", "-c", f"source {self.script}; complete -C {shlex.quote(line)}",
                   env=dict(os.environ, HOME=folder))
        self.assertEqual("", done.stderr)
        return {row.split("\t")[0] for row in done.stdout.split("\n") if row}


if __name__ == "__main__":
    unittest.main()
