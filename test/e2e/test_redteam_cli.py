# SPDX-License-Identifier: Apache-2.0
"""What a hostile cloud tries against the terminal of whoever runs mse."""
import http.server
import json
import os
import subprocess
import threading

import pytest

# Clear the screen; and U+009B, the same in one character; a title; an answer typed into the terminal.
EVIL = "x\x1b[2J\u009b31m\x1b]0;owned\x07\x08\r\x7f"
APP = {"id": "00000000-0000-0000-0000-000000000001", "name": EVIL, "status": "running" + EVIL, "domain_name": "d" + EVIL,
       "hardware_name": EVIL, "reason": EVIL, "created_at": EVIL, "docker": EVIL}


class Hostile(http.server.BaseHTTPRequestHandler):
    answers = {}

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, body = next((a for p, a in self.answers.items() if self.path.startswith(p)), (404, {"message": "no"}))
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


@pytest.fixture
def mse(build, tmp_path):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hostile)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Hostile.answers = {"/users/me": (200, {"email": "a@b.c"})}
    env = {**os.environ, "HOME": str(tmp_path), "MSE_CONF_PATH": str(tmp_path / "conf"), "NO_COLOR": "1",
           "MSE_BASE_URL": f"http://127.0.0.1:{server.server_port}"}

    def run(*argv, stdin=""):
        result = subprocess.run([build / "mse", "--color", "never", "cloud", *argv], env=env, input=stdin.encode(),
                                capture_output=True, timeout=60)
        return result.returncode, result.stdout.decode(), result.stderr.decode()
    assert run("login", "--token-stdin", stdin="mse_x\n")[0] == 0
    yield run
    server.shutdown()


def steers(text):
    """The first character that a terminal would obey."""
    return next((repr(c) for c in text if (ord(c) < 32 and c not in "\n\t") or 0x7f <= ord(c) < 0xa0), None)


def test_the_detector_detects():
    assert all(steers(c) for c in "\x1b\u009b\x07\x08\r\x7f") and steers("é\n\t✅") is None


def test_names_of_apps(mse):
    Hostile.answers["/apps/"] = (200, APP)
    Hostile.answers["/apps"] = (200, [APP])
    for command in (["list"], ["status", APP["id"]]):
        code, out, err = mse(*command)
        assert code == 0 and "owned" in out, (command, out, err)
        assert steers(out) is None and steers(err) is None, (command, out)


def test_sentences_of_errors(mse):
    Hostile.answers["/apps"] = (400, {"message": EVIL + "\n\u2705 Verification success"})
    code, out, err = mse("list")
    assert code == 1 and "owned" in err and steers(err) is None
    assert err.count("\n") == 1, "a cloud's sentence cannot look like lines of mse's own"


def test_links_of_the_sign_in(mse):
    Hostile.answers["/oauth/device/code"] = (200, {
        "device_code": "d", "user_code": EVIL, "verification_uri": "https://a/" + EVIL, "interval": 0, "expires_in": 1,
        "verification_uri_complete": "https://b/" + EVIL})
    Hostile.answers["/oauth/token"] = (400, {"error": "access_denied"})
    mse("logout")
    code, out, err = mse("login", "--device")
    assert code == 1 and "https://b/x" in err and steers(out + err) is None, (code, out, err)
