# SPDX-License-Identifier: Apache-2.0
"""docs/testing-server.md names tests that exist, and forgets none of test_http1_rules.py."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/testing-server.md").read_text()
# Of the tables of rules and limits; that of runs has no tests.
ROWS = [row for table in re.findall(r"(?:^\|.*\n)+", TEXT, re.M) if table.startswith(("| rule |", "| limit |"))
        for row in re.findall(r"^\| (.*) \|$", table, re.M)[1:] if not row.startswith("---")]
RULES = "test/e2e/test_http1_rules.py"


def functions(path):
    return set(re.findall(r"^(?:static void |(?:async )?def )(\w+)\(", (ROOT / path).read_text(), re.M))


def cases():
    """refused[ID] and taken[ID] of the two tables."""
    found, table = set(), None
    for line in (ROOT / RULES).read_text().splitlines():
        if start := re.match(r"(REFUSED|TAKEN) = \[$", line):
            table = start[1].lower()
        elif line == "]":
            table = None
        elif table and (row := re.match(r'    \("([\w.-]+)", ', line)):
            found.add(f"{table}[{row[1]}]")
    return found


def test_every_row_has_tests():
    assert len(ROWS) > 40
    assert [row for row in ROWS if "`" not in row.split(" | ")[3]] == []


def test_every_named_test_exists():
    own = functions(RULES) | cases()
    for row in ROWS:
        for name in re.findall(r"`([^`]+)`", row.split(" | ")[3]):
            path, _, function = name.rpartition("::")
            assert function in (functions(path) if path else own), name


def test_every_test_is_named():
    listed = set(re.findall(r"`([^`]+)`", "\n".join(row.split(" | ")[3] for row in ROWS)))
    own = cases() | {name for name in functions(RULES) if name.startswith("test_")} - {"test_refused", "test_taken"}
    assert sorted(own - listed) == []
    assert len(cases()) > 80


def test_every_limit_of_the_plain_server_has_a_row():
    """Those whose row ends in a number, their most."""
    page = (ROOT / "docs/plain-server.md").read_text()
    limits = set(re.findall(r"^\| `(--[\w-]+)` \|.* \d+ \|$", page, re.M))
    assert len(limits) > 30
    assert limits == {name for row in ROWS for name in re.findall(r"`(--[\w-]+)`", row.split(" | ")[1])}
