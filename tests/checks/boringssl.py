#!/usr/bin/python3
"""-DBoringSSL_ROOT=: which trees and prefixes it takes, with stand-ins of the right shape (the real thing is far away).

    boringssl.py SOURCE_DIR

What a real upstream tree makes of it (its warnings, its assembler, its speed) only a real one can tell.
"""

import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.abspath(sys.argv[1])

CONSUMER = f"""cmake_minimum_required(VERSION 3.25)
project(consumer LANGUAGES C CXX)
find_package(Threads REQUIRED)
include({ROOT}/deploy/cmake/BoringSSL.cmake)
add_executable(consumer main.c)
target_link_libraries(consumer PRIVATE BoringSSL::ssl)
"""
MAIN = "#include <openssl/base.h>\nint ssl_number(void);\nint main(void) { return ssl_number() - NUMBER; }\n"
BASE = "#define BORINGSSL_API_VERSION 77\n#define NUMBER 42\n"
SSL = "extern \"C\" int crypto_number(void);\nextern \"C\" int ssl_number(void) { return crypto_number() + 1; }\n"
# Upstream's: the archives at the top of the build folder, or each in a folder of its own as some years ago.
UPSTREAM = {
    "today": "project(BoringSSL LANGUAGES C CXX)\ninclude_directories(include)\n"
             "add_library(crypto crypto/crypto.cc)\nadd_library(ssl ssl/ssl_lib.cc)\n",
    "earlier": "project(BoringSSL LANGUAGES C CXX)\ninclude_directories(include)\n"
               "add_subdirectory(crypto)\nadd_subdirectory(ssl)\n",
}


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def run(*words, **options):
    return subprocess.run(words, capture_output=True, text=True, timeout=300, **options)


class BoringSslRoot(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="pgo-boringssl-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        write(f"{self.folder}/consumer/CMakeLists.txt", CONSUMER)
        write(f"{self.folder}/consumer/main.c", MAIN)

    def upstream(self, layout="today"):
        """A tree that looks like upstream's."""
        tree = f"{self.folder}/upstream"
        write(f"{tree}/CMakeLists.txt", "cmake_minimum_required(VERSION 3.16)\n" + UPSTREAM[layout])
        write(f"{tree}/crypto/CMakeLists.txt", "add_library(crypto crypto.cc)\n")
        write(f"{tree}/ssl/CMakeLists.txt", "add_library(ssl ssl_lib.cc)\n")
        write(f"{tree}/include/openssl/base.h", BASE)
        write(f"{tree}/crypto/crypto.cc", 'extern "C" int crypto_number(void) { return 41; }\n')
        write(f"{tree}/ssl/ssl_lib.cc", SSL)
        return tree

    def configure(self, root):
        environment = dict(os.environ, POSTIGO_CACHE=f"{self.folder}/cache")
        return run("cmake", "-S", f"{self.folder}/consumer", "-B", f"{self.folder}/build", f"-DBoringSSL_ROOT={root}",
                   env=environment)

    def build(self):
        done = run("cmake", "--build", f"{self.folder}/build")
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return run(f"{self.folder}/build/consumer").returncode

    def takes(self, root, said):
        done = self.configure(root)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertIn(said, done.stdout)
        self.assertEqual(0, self.build())

    def test_an_upstream_tree_of_either_layout(self):
        for layout in UPSTREAM:
            with self.subTest(layout):
                self.takes(self.upstream(layout), "unnamed source tree, BORINGSSL_API_VERSION 77")

    def test_a_checkout_is_named_by_its_revision(self):
        tree = self.upstream()
        for words in (["init", "-q"], ["add", "-A"], ["-c", "user.name=x", "-c", "user.email=x@example", "commit", "-qm",
                                                      "x"]):
            self.assertEqual(0, run("git", "-C", tree, *words).returncode)
        revision = run("git", "-C", tree, "rev-parse", "--short=12", "HEAD").stdout.strip()
        self.takes(tree, f"{revision} (upstream), BORINGSSL_API_VERSION 77")

    def test_changes_in_a_tree_are_picked_up(self):
        tree = self.upstream()
        self.takes(tree, "unnamed source tree")
        write(f"{tree}/crypto/crypto.cc", 'extern "C" int crypto_number(void) { return 50; }\n')
        self.assertEqual(0, self.configure(tree).returncode)
        self.assertEqual(9, self.build())

    def test_a_prefix_is_used_as_it_is(self):
        tree = self.upstream()
        self.takes(tree, "unnamed source tree")
        prefix = f"{self.folder}/prefix"
        os.makedirs(f"{prefix}/lib")
        os.rename(f"{tree}/include", f"{prefix}/include")
        built, = [name for name in os.listdir(f"{self.folder}/cache") if not name.endswith(".lock")]
        for name in ("libssl.a", "libcrypto.a"):
            os.rename(f"{self.folder}/cache/{built}/{name}", f"{prefix}/lib/{name}")
        self.takes(prefix, "installed prefix, BORINGSSL_API_VERSION 77")

    def test_what_is_neither_is_told(self):
        os.makedirs(f"{self.folder}/empty")
        done = self.configure(f"{self.folder}/empty")
        self.assertNotEqual(0, done.returncode)
        self.assertIn("holds neither include/openssl/base.h", done.stderr.replace("\n  ", " "))

    def test_openssl_is_not_taken_for_it(self):
        prefix = f"{self.folder}/openssl"
        for name in ("libssl.a", "libcrypto.a"):
            write(f"{prefix}/lib/{name}", "")
        write(f"{prefix}/include/openssl/base.h", "#define OPENSSL_VERSION_NUMBER 3\n")
        done = self.configure(prefix)
        self.assertNotEqual(0, done.returncode)
        self.assertIn("are not BoringSSL's", done.stderr.replace("\n  ", " "))

    def test_a_tree_that_does_not_build_shows_why(self):
        tree = self.upstream()
        write(f"{tree}/crypto/crypto.cc", "this is not C++\n")
        done = self.configure(tree)
        self.assertNotEqual(0, done.returncode)
        self.assertIn("crypto.cc", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
