# SPDX-License-Identifier: Apache-2.0
"""make demo itself: it works, leaves nothing behind, and each of its steps can fail."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import pytest

import testcloud

STEPS = re.findall(r"^def (\w+)\(demo\):", open(os.path.join(os.path.dirname(__file__), "../demo/demo.py")).read(), re.M)
STEPS.remove("keep")


@pytest.fixture
def short():
    """A temporary folder with a short path: unix sockets below it have at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="d-") as folder:
        yield pathlib.Path(folder)


def run_demo(root, build, folder, *arguments, keep=""):
    env = dict(os.environ, TMPDIR=str(folder), KEEP=keep)
    return subprocess.run([sys.executable, root / "test/demo/demo.py", "--build", build, *arguments], env=env,
                          capture_output=True, text=True, timeout=300)


def test_demo_works_and_leaves_nothing(root, build, short):
    result = run_demo(root, build, short)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Nothing is left running." in result.stdout
    assert testcloud.processes_of(short) == []
    assert list(short.iterdir()) == []


@pytest.mark.parametrize("step", STEPS)
def test_an_altered_step_fails_the_demo(root, build, images, bills, short, step):
    result = run_demo(root, build, short, "--alter", step, "--images-from", images, "--bills-from", bills)
    assert result.returncode == 1, result.stdout
    assert f"demo failed at '{step}'" in result.stderr
    assert testcloud.processes_of(short) == []


def test_a_kept_demo_can_be_used_and_ended_as_it_says(root, build, images, bills, short):
    """What KEEP=1 prints is pasted into a shell: the cloud answers, and after the last lines nothing is left."""
    result = run_demo(root, build, short, "--images-from", images, "--bills-from", bills, keep="1")
    assert result.returncode == 0, result.stdout + result.stderr
    use, end = (re.findall(r"^  (.*)$", part, re.M) for part in result.stdout.split("The cloud is up.")[1].split("To end it:"))
    try:
        used = subprocess.run(["bash", "-ec", "\n".join(use)], capture_output=True, text=True, timeout=60)
        assert used.returncode == 0, used.stderr
        assert "helloworld on " in used.stdout and used.stdout.endswith("Hello world")
    finally:
        ended = subprocess.run(["bash", "-ec", "\n".join(end)], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    assert testcloud.processes_of(short) == []
    assert list(short.iterdir()) == []
