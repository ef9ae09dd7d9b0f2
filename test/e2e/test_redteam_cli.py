# SPDX-License-Identifier: Apache-2.0
"""What a hostile cloud tries against the terminal of whoever runs mse."""
import os
import subprocess

import pytest

import lyingapi

# Clear the screen; and U+009B, the same in one character; a title; an answer typed into the terminal.
EVIL = "x\x1b[2J\u009b31m\x1b]0;owned\x07\x08\r\x7f"
APP = {"id": "00000000-0000-0000-0000-000000000001", "name": EVIL, "status": "running" + EVIL, "domain_name": "d" + EVIL,
       "hardware_name": EVIL, "reason": EVIL, "created_at": EVIL, "docker": EVIL}


@pytest.fixture
def hostile():
    with lyingapi.serving() as server:
        yield server


@pytest.fixture
def mse(build, hostile, tmp_path):
    env = {**os.environ, "HOME": str(tmp_path), "MSE_CONF_PATH": str(tmp_path / "conf"), "NO_COLOR": "1",
           "MSE_BASE_URL": hostile.url}

    def run(*argv, stdin=""):
        result = subprocess.run([build / "mse", "--color", "never", "cloud", *argv], env=env, input=stdin.encode(),
                                capture_output=True, timeout=60)
        return result.returncode, result.stdout.decode(), result.stderr.decode()
    assert run("login", "--token-stdin", stdin="mse_x\n")[0] == 0
    return run


def steers(text):
    """The first character that a terminal would obey."""
    return next((repr(c) for c in text if (ord(c) < 32 and c not in "\n\t") or 0x7f <= ord(c) < 0xa0), None)


def test_the_detector_detects():
    assert all(steers(c) for c in "\x1b\u009b\x07\x08\r\x7f") and steers("é\n\t✅") is None


def test_names_of_apps(mse, hostile):
    hostile.answers["/apps/"] = (200, APP)
    hostile.answers["/apps"] = (200, [APP])
    for command in (["list"], ["status", APP["id"]]):
        code, out, err = mse(*command)
        assert code == 0 and "owned" in out, (command, out, err)
        assert steers(out) is None and steers(err) is None, (command, out)


def test_sentences_of_errors(mse, hostile):
    hostile.answers["/apps"] = (400, {"message": EVIL + "\n\u2705 Verification success"})
    code, out, err = mse("list")
    assert code == 1 and "owned" in err and steers(err) is None
    assert err.count("\n") == 1, "a cloud's sentence cannot look like lines of mse's own"


def test_links_of_the_sign_in(mse, hostile):
    hostile.answers["/oauth/device/code"] = (200, {
        "device_code": "d", "user_code": EVIL, "verification_uri": "https://a/" + EVIL, "interval": 0, "expires_in": 1,
        "verification_uri_complete": "https://b/" + EVIL})
    hostile.answers["/oauth/token"] = (400, {"error": "access_denied"})
    mse("logout")
    code, out, err = mse("login", "--device")
    assert code == 1 and "https://b/x" in err and steers(out + err) is None, (code, out, err)
