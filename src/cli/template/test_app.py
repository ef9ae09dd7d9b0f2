"""Tests of the application from outside; they run against the local and against the deployed one.

Run by unittest (see tests_cmd in mse.toml); pytest runs them too.
"""
import json
import unittest

from conftest import get, sent_secrets


class Application(unittest.TestCase):
    def test_health(self):
        self.assertEqual(get("/health")[0], 200)

    def test_hello(self):
        self.assertEqual(get("/"), (200, "Hello world"))

    def test_unknown_path(self):
        self.assertEqual(get("/nowhere")[0], 404)

    def test_secret(self):
        expected = sent_secrets()
        status, text = get("/whoami")
        self.assertEqual(status, 200)
        if expected is not None:
            self.assertEqual(json.loads(text), {"login": expected["login"]})


if __name__ == "__main__":
    unittest.main()
