# SPDX-License-Identifier: Apache-2.0
"""mse-enclave comes out bit-identical from two clones in folders of different names, or nobody could check a bill."""
import hashlib
import os
import shutil
import subprocess

import pytest

TARGET = "src/enclave/mse-enclave"


def clone(root, place):
    """The files that git knows, as they are in the working tree."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=root, check=True, capture_output=True).stdout.decode()
    for name in filter(None, names.split("\0")):
        source, copy = root / name, place / name
        if not source.exists() and not source.is_symlink():
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, copy, follow_symlinks=False)


def build(place, build_dir):
    """Without a compiler cache: it could hand the first clone's objects to the second."""
    environment = dict(os.environ, CCACHE_DISABLE="1", CC="gcc", CXX="g++")
    if not (place / build_dir).exists():
        subprocess.run(["meson", "setup", build_dir, "-Dtests=false"], cwd=place, env=environment, check=True,
                       capture_output=True)
    made = subprocess.run(["ninja", "-C", build_dir, TARGET], cwd=place, env=environment, capture_output=True, text=True)
    assert made.returncode == 0, made.stdout[-3000:]
    return place / build_dir / TARGET


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def first(root, tmp_path_factory):
    """A clone with its program built, and the program's digest."""
    place = tmp_path_factory.mktemp("a")
    clone(root, place)
    return place, digest(build(place, "build"))


def test_two_clones_give_the_same_bytes(root, first, tmp_path):
    second = tmp_path / "another-folder with a blank" / "deeper"
    clone(root, second)
    program = build(second, "out")
    assert digest(program) == first[1]
    assert str(tmp_path.parent).encode() not in program.read_bytes(), "the builder's folder is in the program"


def test_one_changed_constant_is_seen(first):
    """The twin that must differ: otherwise the test above could not fail."""
    place, before = first
    main = place / "src/enclave/main.c"
    main.write_text(main.read_text() + "\nconst char mse_changed[] __attribute__((used)) = \"changed\";\n")
    assert digest(build(place, "build")) != before
