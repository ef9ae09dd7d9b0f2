# SPDX-License-Identifier: Apache-2.0
"""docs/testing-attestation.md names tests that exist, for every case, and forgets none of the numbered tests."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/testing-attestation.md").read_text()
ROWS = re.findall(r"^\| (\w+) \|(.*)\|$", TEXT, re.M)
HEADER = (ROOT / "include/mse/attest.h").read_text()
CASES = 52


def named(row):
    return re.findall(r"`(test/[\w./]+)::(\w+)`", row)


def defined(source):
    """Names of tests in a file: functions, and those that the macros REFUSED and ACCEPTED make."""
    text = (ROOT / source).read_text()
    return set(re.findall(r"^(?:static void |REFUSED\(|ACCEPTED\()(\w+)", text, re.M))


def test_every_case_has_a_row_with_tests():
    assert [int(number) for number, _ in ROWS if number.isdigit()] == list(range(1, CASES + 1))
    assert [number for number, row in ROWS if not named(row)] == []
    assert len(ROWS) == len({number for number, _ in ROWS})


def test_every_named_test_exists():
    missing = [f"{number}: {path}::{name}" for number, row in ROWS for path, name in named(row)
               if name not in defined(path)]
    assert missing == []


def test_every_error_exists_and_its_test_names_it():
    errors = set(re.findall(r'X\(\w+, "([\w-]+)"\)', HEADER))
    for number, row in ROWS:
        column = row.split("|")[1]
        tests = "".join((ROOT / path).read_text() for path, _ in named(row))
        for error in re.findall(r"`([\w-]+)`", column):
            assert error in errors, f"{number}: {error}"
            assert f'"{error}"' in tests, f"{number}: no test names {error}"


def test_every_numbered_test_is_in_the_table():
    listed = {(path, name) for _, row in ROWS for path, name in named(row)}
    for file in sorted((ROOT / "test/unit/attest").glob("test_*.c")):
        path = f"test/unit/attest/{file.name}"
        for name in sorted(defined(path)):
            if re.match(r"refusal_|rule_|test_\d\d_", name):
                assert (path, name) in listed, f"{path}::{name}"
