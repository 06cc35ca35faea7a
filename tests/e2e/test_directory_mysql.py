"""Users in a real MariaDB: the cases of test_directory_postgresql.py."""

import unittest

from tests.e2e import test_directory_postgresql as cases
from tests.e2e.harness.databases import Mariadb

setUpModule = cases.setUpModule


class InMariadb(cases.Common, unittest.TestCase):
    server = Mariadb


if __name__ == "__main__":
    unittest.main()
