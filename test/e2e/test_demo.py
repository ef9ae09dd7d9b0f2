# SPDX-License-Identifier: Apache-2.0
"""make demo itself: it works, leaves nothing behind, and each of its steps can fail."""
import os
import re
import subprocess
import sys

import pytest

import testcloud

STEPS = re.findall(r"^def (\w+)\(demo\):", open(os.path.join(os.path.dirname(__file__), "../demo/demo.py")).read(), re.M)
STEPS.remove("keep")


def run_demo(root, build, tmp_path, *arguments):
    env = dict(os.environ, TMPDIR=str(tmp_path))
    env.pop("KEEP", None)
    return subprocess.run([sys.executable, root / "test/demo/demo.py", "--build", build, *arguments], env=env,
                          capture_output=True, text=True, timeout=300)


def test_demo_works_and_leaves_nothing(root, build, tmp_path):
    result = run_demo(root, build, tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Nothing is left running." in result.stdout
    assert testcloud.processes_of(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", STEPS)
def test_an_altered_step_fails_the_demo(root, build, tmp_path, step):
    result = run_demo(root, build, tmp_path, "--alter", step)
    assert result.returncode == 1, result.stdout
    assert f"demo failed at '{step}'" in result.stderr
    assert testcloud.processes_of(tmp_path) == []
