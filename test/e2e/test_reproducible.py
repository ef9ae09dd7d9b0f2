# SPDX-License-Identifier: Apache-2.0
"""mse-enclave comes out bit-identical from two clones in folders of different names, or nobody could check a bill."""
import configparser
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


def options_of(build):
    """What the build folder was set up with; options that hold a path of the machine decide nothing here."""
    stored = configparser.ConfigParser(interpolation=None)
    stored.read(build / "meson-private" / "cmd_line.txt")
    return [f"-D{key}={value}" for key, value in stored["options"].items() if key != "prefix"]


def make(place, build_dir, *options):
    """Without a compiler cache: it could hand the first one's objects to the second."""
    environment = dict(os.environ, CCACHE_DISABLE="1", CC="gcc", CXX="g++")
    if not (place / build_dir).exists():
        subprocess.run(["meson", "setup", build_dir, *options], cwd=place, env=environment, check=True, capture_output=True)
    made = subprocess.run(["ninja", "-C", build_dir, TARGET], cwd=place, env=environment, capture_output=True, text=True)
    assert made.returncode == 0, made.stdout[-3000:]
    return place / build_dir / TARGET


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def second(root, build, tmp_path_factory):
    """Another clone, deeper and with a blank in its name, with its program built in another folder of it."""
    place = tmp_path_factory.mktemp("b") / "another-folder with a blank" / "deeper"
    clone(root, place)
    return place, make(place, "out", *options_of(build))


def test_two_clones_give_the_same_bytes(build, second):
    """The program that all other tests run, and one built from the beginning elsewhere."""
    place, program = second
    assert digest(program) == digest(build / TARGET), "or the build folder is older than the sources"
    assert str(place.parents[1]).encode() not in program.read_bytes(), "the builder's folder is in the program"


def test_one_changed_constant_is_seen(build, second):
    """The twin that must differ: otherwise the test above could not fail."""
    place, _ = second
    main = place / "src/enclave/main.c"
    main.write_text(main.read_text() + "\nconst char mse_changed[] __attribute__((used)) = \"changed\";\n")
    assert digest(make(place, "out")) != digest(build / TARGET)
