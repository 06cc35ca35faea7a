"""The manual pages: correct for mandoc, and complete: every verb, every option, every key."""

import os
import re
import shutil
import tempfile
import unittest

from tests.e2e.harness import SOURCE, postigo, run

PAGES = ("postigo.8", "postigo-ctl.1", "postigo.toml.5")
folder = None


def setUpModule():
    global folder
    if shutil.which("mandoc") is None:
        raise unittest.SkipTest("mandoc is missing (deploy/packages.sh test installs it)")
    folder = tempfile.mkdtemp(prefix="pgo-manual-", dir="/tmp")
    unittest.addModuleCleanup(shutil.rmtree, folder)
    for page in PAGES:
        with open(os.path.join(folder, page), "w", encoding="utf-8") as file:
            file.write(run(postigo(), "manual", page).stdout)


def shown(page):
    """The page as it is read, without the overstrikes of bold and underlined letters."""
    text = run("mandoc", "-Tascii", "-Owidth=200", os.path.join(folder, page)).stdout
    return re.sub(r".\x08", "", text)


def helped(*words):
    return run(postigo(), *words, "--help").stdout


class Manual(unittest.TestCase):
    def test_mandoc_finds_nothing(self):
        for page in PAGES:
            done = run("mandoc", "-Tlint", "-Wstyle", os.path.join(folder, page), check=False)
            said = [line for line in (done.stdout + done.stderr).splitlines() if "referenced manual not found" not in line]
            self.assertEqual([], said, page)

    def test_groff_finds_nothing(self):
        if shutil.which("groff") is None:
            self.skipTest("groff is missing")
        for page in PAGES:
            done = run("groff", "-ww", "-mandoc", "-Tascii", os.path.join(folder, page))
            self.assertEqual("", done.stderr, page)

    def test_nothing_is_lost_on_the_way(self):
        """A backslash or a dot in a sentence would vanish, or be a request."""
        for page in PAGES:
            self.assertNotRegex(shown(page), r"\\[(a-z]", page)
        self.assertIn('"250ms"', shown("postigo.toml.5"))
        self.assertRegex(shown("postigo.8"), r"--dump\s+Print the effective configuration, secrets as \*\*\*\.")

    def test_every_verb_and_its_options(self):
        page = shown("postigo-ctl.1")
        verbs = re.findall(r"^  (\w+) ", helped("ctl").split("Subcommands:\n", 1)[1], re.M)
        self.assertGreater(len(verbs), 10)
        shared = set(re.findall(r"(--\w[\w-]*)", helped("ctl")))
        for verb in verbs:
            found = re.search(rf"^     {verb}\b.*\n(?:(?:      .*)?\n)*", page, re.M)
            self.assertTrue(found, verb)
            for option in set(re.findall(r"^  (--\w[\w-]*)", helped("ctl", verb), re.M)) - shared:
                self.assertIn(option, found.group(0), verb)

    def test_every_command(self):
        page = shown("postigo.8")
        for words in (["serve"], ["check"], ["route"], ["user", "add"], ["user", "import"], ["version"], ["completion"]):
            self.assertRegex(page, rf"(?m)^     {' '.join(words)}\b")
            for option in set(re.findall(r"(--\w[\w-]*)", helped(*words))) - {"--help"}:
                self.assertIn(option, page, words)

    def test_every_key(self):
        """Against the tables of config/README.md, which another test keeps true."""
        page = shown("postigo.toml.5")
        with open(os.path.join(SOURCE, "config", "README.md"), encoding="utf-8") as file:
            parts = re.split(r"^### `(\[.*\])`$", file.read(), flags=re.M)[1:]
        self.assertGreater(len(parts), 20)
        for section, text in zip(parts[::2], parts[1::2]):
            found = re.search(rf"^   {re.escape(section)}\n((?:     .*|)\n)*", page, re.M)
            self.assertTrue(found, section)
            for key in re.findall(r"^\| `(\w+)` \|", text, re.M):
                self.assertRegex(found.group(0), rf"(?m)^     {key}\b", section)


if __name__ == "__main__":
    unittest.main()
