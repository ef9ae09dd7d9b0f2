# SPDX-License-Identifier: Apache-2.0
"""What the documents call a file of this tree is one. A part in capitals (NAME, NNNN) stands for any."""
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / name for name in ("README.md", "HACKING.md", "CONTRIBUTING.md", "SECURITY.md")] + sorted((ROOT / "docs").rglob("*.md"))
TREE = "src|test|tools|docs|sql|packaging|man|completion|include|examples"
NAMED = re.compile(rf"`((?:{TREE})/[\w./*{{}},-]+)")


def spread(text):
    """x.{c,h} is two."""
    found = re.search(r"\{([^}]*)\}", text)
    return [text] if not found else [one for part in found[1].split(",") for one in spread(text.replace(found[0], part, 1))]


def is_there(text):
    pattern = re.sub(r"[A-Z]{3,}", "*", text.rstrip("/."))
    return any(ROOT.glob(pattern))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_named_files_are_there(document):
    named = {one for text in NAMED.findall(document.read_text()) for one in spread(text)}
    assert [text for text in sorted(named) if not is_there(text)] == []


def test_it_finds_what_is_not_there():
    assert not is_there("src/cli/commands.c") and not is_there("src/none/NAME.c")
    assert is_there("src/cli/cmd_VERB.c") and is_there("test/unit/FOLDER/test_MODULE.c")
    assert spread("src/base/clock.{c,h}") == ["src/base/clock.c", "src/base/clock.h"]
