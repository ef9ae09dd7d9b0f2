# SPDX-License-Identifier: Apache-2.0
"""docs/openapi.yaml and the table of routes in msed list the same methods, paths and protection."""
import re

import testcloud


def documented(text):
    """METHOD PATH open|user for each operation; the file's own indentation is enough to read it."""
    found, path, method = {}, None, None
    for line in text.split("\npaths:\n")[1].splitlines():
        if match := re.fullmatch(r"  (/\S*):", line):
            path = match[1]
        elif match := re.fullmatch(r"    (get|post|put|patch|delete):", line):
            method = match[1].upper()
            found[method, path] = "user"
        elif line == "      security: []":
            found[method, path] = "open"
    return {f"{method} {path} {auth}" for (method, path), auth in found.items()}


def test_document_and_table_agree(build, root):
    routes = testcloud.run([build / "msed", "--list-routes"]).stdout.splitlines()
    assert len(routes) == len(set(routes)) > 20
    assert documented((root / "docs" / "openapi.yaml").read_text()) == set(routes)


def test_every_operation_has_a_summary(root):
    text = (root / "docs" / "openapi.yaml").read_text().split("\npaths:\n")[1]
    operations = re.findall(r"^    (?:get|post|put|patch|delete):\n      (\w+):", text, re.M)
    assert operations and set(operations) == {"summary"}
