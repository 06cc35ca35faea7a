"""What the e2e tests stand on: real Dovecots, certificates, raw clients, and the Postigo under test.

Only Python's standard library. Everything lives in one temporary folder per test file and is gone at the end.
"""

from tests.e2e.harness.certificates import Certificates
from tests.e2e.harness.dovecot import MASTER, MASTER_PASSWORD, ODD, ODD_PASSWORD, PASSWORD, SOURCE, Dovecot
from tests.e2e.harness.metrics import Metrics
from tests.e2e.harness.platform import Platform
from tests.e2e.harness.ports import free_ports
from tests.e2e.harness.postigo import Postigo, postigo, sanitized
from tests.e2e.harness.program import Program, run, wait_for
from tests.e2e.harness.wire import Gone, Imap, Pop3, Wire, plain

__all__ = ["MASTER", "MASTER_PASSWORD", "ODD", "ODD_PASSWORD", "PASSWORD", "SOURCE", "Certificates", "Dovecot", "Gone",
           "Imap", "Metrics", "Platform", "Pop3", "Postigo", "Program", "Wire", "free_ports", "plain", "postigo", "run",
           "sanitized", "wait_for"]
