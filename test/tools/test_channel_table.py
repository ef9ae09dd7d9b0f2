# SPDX-License-Identifier: Apache-2.0
"""docs/testing-channel.md names tests that exist, for every attack of the design, and forgets none of test_attack_*."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/testing-channel.md").read_text()
ROWS = {int(number): row for number, row in re.findall(r"^\| (\d+) \|(.*)\|$", TEXT, re.M)}


def named(row):
    return re.findall(r"`(test/[\w./]+)(?:::(\w+))?`", row)


def exists(path, name):
    source = ROOT / path
    if not source.is_file():
        return False
    if not name:
        return True
    pattern = rf"^def {name}\(" if source.suffix == ".py" else rf"^static void {name}\("
    return re.search(pattern, source.read_text(), re.M) is not None


def test_every_attack_has_a_row():
    assert list(ROWS) == list(range(1, len(ROWS) + 1)) and len(ROWS) >= 30
    assert {number for number, row in ROWS.items() if not named(row)} == set()


def test_every_named_test_exists():
    missing = [f"{number}: {path}::{name}" for number, row in ROWS.items() for path, name in named(row)
               if not exists(path, name)]
    assert missing == []
    assert [each for each in named(TEXT) if each[1] and not exists(*each)] == [], "also outside of that table"
    assert not exists("test/e2e/test_attack_relay.py", "test_of_no_such_name"), "the search can fail"


def test_every_attack_test_is_in_the_table():
    listed = {(path, name) for row in ROWS.values() for path, name in named(row)}
    controls = {"test_the_honest_connection_is_accepted", "test_a_socket_that_only_passes_on"}
    for file in sorted((ROOT / "test/e2e").glob("test_attack_*.py")):
        for name in re.findall(r"^def (test_\w+)\(", file.read_text(), re.M):
            assert name in controls or (f"test/e2e/{file.name}", name) in listed, f"{file.name}::{name}"
