# SPDX-License-Identifier: Apache-2.0
"""mse-enclave from start to stop: waiting, provisioning, sealed state, failures, logs (attached-channel.md 6 and 7)."""
import base64
import json
import os
import re
import signal
import threading
import time
import uuid

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

import testenclave

HELLO = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]
"""

# wait() returns when the test has made the file.
GATE = """
import os, time
def wait():
    print("waits", flush=True)
    while not os.path.exists(os.environ["HOME"] + "/open"):
        time.sleep(0.01)
"""

SHOW = """
import json, os, pathlib
def read(name):
    path = pathlib.Path(os.environ[name])
    return path.read_text() if path.exists() else None
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({"secrets": read("SECRETS_PATH"), "sealed": read("SEALED_SECRETS_PATH"),
                        "files": sorted(os.listdir(os.environ["MODULE_PATH"])),
                        "cwd": os.getcwd(), "env": dict(os.environ)}).encode()]
"""


@pytest.fixture
def enclave(build):
    with testenclave.Enclave(build, {"app.py": HELLO}) as new:
        yield new


def test_waits_then_runs(enclave):
    enclave.start()
    for path in ("/", "/any/path?x=1"):
        answer = enclave.get(path)
        assert (answer.status, answer.headers["Mse-Status"]) == (200, "Waiting")
    assert enclave.request("PUT", "/").status == 405
    assert enclave.request("POST", "/other", body=b"{}").status == 404
    assert enclave.provision().status == 200
    enclave.wait_running()
    answer = enclave.get()
    assert (answer.status, answer.text, answer.headers["Mse-Status"]) == (200, "hello", None)
    assert enclave.stop() == 0
    assert enclave.log_text().endswith("mse-enclave: stopped\n")


def test_starting_is_told_while_the_application_loads(build):
    with testenclave.Enclave(build, {"app.py": GATE + "wait()\n" + HELLO}) as enclave:
        enclave.start()
        assert enclave.provision().status == 200
        answer = enclave.get()
        assert (answer.status, answer.headers["Mse-Status"], answer.headers["Retry-After"]) == (503, "Starting", "1")
        (enclave.dir / "home/open").touch()
        enclave.wait_running()
        assert enclave.get().text == "hello"


def test_it_sleeps_when_idle(enclave):
    """Nothing polls: not while it waits for its owner, not while the application runs."""
    def switches():
        total = 0
        for task in os.listdir(f"/proc/{enclave.process.pid}/task"):
            with open(f"/proc/{enclave.process.pid}/task/{task}/status") as status:
                total += int(re.search(r"\nvoluntary_ctxt_switches:\s+(\d+)", status.read())[1])
        return total

    def is_asleep():
        before = switches()
        time.sleep(0.6)
        return switches() == before
    enclave.start()
    enclave.wait(is_asleep)
    assert enclave.provision().status == 200
    enclave.wait_running()
    enclave.wait(is_asleep)


def twin(enclave):
    """Another instance of the same release: same owner, code and key, other identity."""
    other = testenclave.Enclave(enclave.build, {"app.py": HELLO})
    other.owner_key = enclave.owner_key
    other.env["MSE_OWNER_KEY"] = enclave.env["MSE_OWNER_KEY"]
    return other


def wrong_requests(enclave):
    right = enclave.ticket()
    document = dict(enclave.instance, uuid=str(uuid.uuid4()))
    other_document = json.dumps(document, separators=(",", ":"), sort_keys=True).encode()
    yield "no JSON", b"{", right
    yield "no object", b"[]", right
    yield "member twice", json.dumps(enclave.body())[:-1].encode() + b',"uuid":"x"}', right
    yield "no uuid", enclave.body(uuid=None), right
    yield "other uuid", enclave.body(uuid=str(uuid.uuid4())), right
    yield "uuid in upper case", enclave.body(uuid=enclave.uuid.upper() + "X"), right
    yield "uuid no text", enclave.body(uuid=5), right
    yield "no ticket", enclave.body(), None
    yield "empty ticket", enclave.body(), b"\0"
    yield "ticket of another owner", enclave.body(), enclave.ticket(key=Ed25519PrivateKey.generate())
    yield "ticket for another identity", enclave.body(), enclave.ticket(identity=os.urandom(64))
    yield "ticket for another document", enclave.body(), enclave.ticket(document=other_document)
    yield "ticket for another release", enclave.body(), enclave.ticket(fingerprint=os.urandom(32))
    yield "ticket for a longer measurement", enclave.body(), enclave.ticket(fingerprint=os.urandom(48))
    yield "ticket cut", enclave.body(), right[:-1]
    yield "ticket longer", enclave.body(), right + b"\0"
    yield "ticket changed", enclave.body(), right[:-1] + bytes([right[-1] ^ 1])
    yield "no code key", enclave.body(code_secret_key=None), right
    yield "other code key", enclave.body(code_secret_key=os.urandom(32).hex()), right
    yield "short code key", enclave.body(code_secret_key=os.urandom(31).hex()), right
    yield "code key no hex", enclave.body(code_secret_key="x" * 64), right
    yield "sealed secrets no box", enclave.body(app_sealed_secrets="AAAA"), right
    yield "sealed secrets no base64", enclave.body(app_sealed_secrets="!"), right
    yield "sealed secrets no text", enclave.body(app_sealed_secrets={"a": 1}), right
    foreign = testenclave.raw_public(X25519PrivateKey.generate())
    box = testenclave.seal(foreign, b"{}")
    yield "sealed secrets for another", enclave.body(app_sealed_secrets=url64(box)), right
    own = enclave.identity()[32:]
    yield "sealed no JSON", enclave.body(app_sealed_secrets=url64(testenclave.seal(own, b"no"))), right
    other_key = json.dumps({"code_secret_key": os.urandom(32).hex()}).encode()
    yield "two code keys", enclave.body(app_sealed_secrets=url64(testenclave.seal(own, other_key))), right


def url64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def test_everything_wrong_is_401_and_changes_nothing(enclave):
    enclave.start()
    for name, body, ticket in wrong_requests(enclave):
        assert enclave.provision(body, ticket).status == 401, name
        answer = enclave.get()
        assert (answer.status, answer.headers["Mse-Status"]) == (200, "Waiting"), name
    assert os.listdir(enclave.dir / "state") == []
    assert os.listdir(enclave.dir / "app") == []
    assert os.listdir(enclave.dir / "home") == []
    assert enclave.provision().status == 200
    enclave.wait_running()


def test_a_body_over_16_mib_is_refused(enclave):
    enclave.start()
    limit = 16 << 20
    body = json.dumps(enclave.body(app_secrets={"x": "y"})).encode()
    with enclave.connect() as tls:
        tls.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (limit + 1))
        assert b" 401 " in tls.recv(100)
    # Exactly the limit is read and taken.
    assert enclave.provision(body + b" " * (limit - len(body))).status == 200
    enclave.wait_running()


def test_two_at_once_one_wins(enclave):
    enclave.start()
    ticket = enclave.ticket()
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(enclave.provision(ticket=ticket).status))
               for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(200) == 1, answers
    assert set(answers) <= {200, 401, 503, 405}, answers
    enclave.wait_running()


def test_ticket_of_the_first_does_not_open_the_twin(enclave):
    enclave.start()
    ticket = enclave.ticket()
    with twin(enclave) as other:
        other.uuid = enclave.uuid
        other.instance = dict(enclave.instance)
        other.code_key = enclave.code_key
        other.env["MSE_CODE_KEY_ID"] = enclave.env["MSE_CODE_KEY_ID"]
        other.write_code({"app.py": HELLO})
        other.write_instance()
        other.start()
        assert other.document() == enclave.document()
        assert other.provision(ticket=ticket).status == 401
        assert "ticket-binding" in other.log_text()


def test_the_originals_client_is_served_without_owner_key(build):
    with testenclave.Enclave(build, {"app.py": HELLO}, MSE_OWNER_KEY="", MSE_CODE_KEY_ID="") as enclave:
        enclave.start()
        assert enclave.provision(enclave.body(code_secret_key=os.urandom(32).hex()), ticket=None).status == 401
        assert enclave.provision(ticket=None).status == 200
        enclave.wait_running()


def test_only_the_measured_key_opens_even_if_another_would(build):
    """Section 11, 24: one ciphertext can be made for two keys; the key id decides before the files do."""
    with testenclave.Enclave(build, {"app.py": HELLO}, MSE_CODE_KEY_ID="ab" * 32) as enclave:
        enclave.start()
        assert enclave.provision().status == 401
        assert "not the measured one" in enclave.log_text()


@pytest.mark.parametrize("harm", ["changed", "plain", "link", "empty"])
def test_code_that_does_not_open_is_refused(build, harm):
    with testenclave.Enclave(build, {"app.py": HELLO, "sub/more.py": "x = 1"}) as enclave:
        path = enclave.dir / "code/sub/more.py.enc"
        if harm == "changed":
            data = bytearray(path.read_bytes())
            data[-1] ^= 1
            path.write_bytes(bytes(data))
        elif harm == "plain":
            (enclave.dir / "code/sub/extra.py").write_text("x = 2")
        elif harm == "link":
            (enclave.dir / "code/link.py.enc").symlink_to(path)
        else:
            path.write_bytes(b"")
        enclave.start()
        assert enclave.provision().status == 401
        assert enclave.get().headers["Mse-Status"] == "Waiting"


def test_secrets_and_files_reach_the_application(build):
    files = {"app.py": SHOW, "lib/__init__.py": "", "requirements.txt": "flask\n", "data.bin": os.urandom(100000)}
    with testenclave.Enclave(build, files) as enclave:
        enclave.start()
        sealed = {"token": "deep", "code_secret_key": enclave.code_key.hex()}
        box = testenclave.seal(enclave.identity()[32:], json.dumps(sealed).encode())
        answer = enclave.provision(enclave.body(code_secret_key=None, app_secrets={"a": [1, {"b": "ü"}]},
                                                app_sealed_secrets=base64.urlsafe_b64encode(box).decode()))
        assert answer.status == 200, enclave.log_text()
        enclave.wait_running()
        seen = json.loads(enclave.get().text)
        assert json.loads(seen["secrets"]) == {"a": [1, {"b": "ü"}]}
        # The code key is the runtime's: the application's file does not hold it.
        assert json.loads(seen["sealed"]) == {"token": "deep"}
        assert seen["files"] == ["app.py", "data.bin", "lib", "requirements.txt"]
        assert seen["cwd"] == str(enclave.dir / "app")
        # No more, no less than the measured environment (Python itself adds LC_CTYPE).
        assert {k: v for k, v in seen["env"].items() if k != "LC_CTYPE"} == enclave.env
        assert (enclave.dir / "app/data.bin").read_bytes() == files["data.bin"]
        assert oct((enclave.dir / "home/.cache/mse/secrets.json").stat().st_mode & 0o777) == "0o600"


def test_secrets_of_an_earlier_start_are_gone(build):
    """Where $HOME outlives the enclave: who provisions it next without secrets does not find the former ones."""
    with testenclave.Enclave(build, {"app.py": SHOW}, MSE_RESTART="owner") as enclave:
        enclave.run(app_secrets={"n": 1})
        assert json.loads(enclave.get().text)["secrets"] == '{"n":1}'
        enclave.stop()
        enclave.run()
        assert json.loads(enclave.get().text)["secrets"] is None


def test_restart_keeps_identity_and_certificate(build):
    with testenclave.Enclave(build, {"app.py": SHOW}) as enclave:
        enclave.run(app_secrets={"n": 1})
        before = enclave.certificate()
        quotes = len(enclave.tee.quotes)
        enclave.kill()
        for path in ("app", "home"):  # a new sandbox begins empty
            for entry in (enclave.dir / path).iterdir():
                entry.unlink() if entry.is_file() else __import__("shutil").rmtree(entry)
        enclave.start()
        enclave.wait_running()
        assert enclave.certificate() == before
        assert json.loads(json.loads(enclave.get().text)["secrets"]) == {"n": 1}
        assert len(enclave.tee.quotes) == quotes, "resuming needs no quote"


def test_sealed_state_holds_nothing_readable(enclave):
    enclave.run(app_secrets={"password": "correct horse battery"})
    blob = (enclave.dir / "state/sealed.bin").read_bytes()
    key = enclave.code_key
    for needle in (key, key.hex().encode(), b"correct horse", b"BEGIN", b'"uuid"', enclave.certificate()):
        assert needle not in blob
    assert oct((enclave.dir / "state/sealed.bin").stat().st_mode & 0o777) == "0o600"


def test_another_document_does_not_open_the_state(enclave):
    enclave.run()
    enclave.stop()
    enclave.instance["log_key"] = os.urandom(32).hex()
    enclave.write_instance()
    enclave.start(wait=False)
    assert enclave.wait_exit() == 5
    assert "mse-enclave: instance-changed: " in enclave.log_text()


@pytest.mark.parametrize("where", [0, 20, 50, 74, 90, -1])
def test_a_damaged_state_is_an_exit_not_a_new_start(enclave, where):
    enclave.run()
    enclave.stop()
    path = enclave.dir / "state/sealed.bin"
    data = bytearray(path.read_bytes())
    data[where] ^= 1
    path.write_bytes(bytes(data))
    enclave.start(wait=False)
    assert enclave.wait_exit() == 6
    assert "mse-enclave: sealed-state: " in enclave.log_text()
    assert path.read_bytes() == bytes(data), "the operator removes it, not we"


def test_another_machine_or_release_does_not_open_the_state(enclave):
    enclave.run()
    enclave.stop()
    secret = enclave.tee.secret
    enclave.tee.secret = os.urandom(32)
    enclave.start(wait=False)
    assert enclave.wait_exit() == 6
    enclave.tee.secret = secret
    enclave.tee.mrenclave = b"\x55" * 32
    enclave.start(wait=False)
    assert enclave.wait_exit() == 6


def test_restart_owner_never_seals(build):
    with testenclave.Enclave(build, {"app.py": HELLO}, MSE_RESTART="owner") as enclave:
        enclave.run()
        first = enclave.identity()
        assert os.listdir(enclave.dir / "state") == []
        assert enclave.stop() == 0
        enclave.start()
        assert enclave.get().headers["Mse-Status"] == "Waiting"
        assert enclave.identity() != first


def test_a_state_that_cannot_be_written_refuses(enclave):
    enclave.start()
    os.rmdir(enclave.dir / "state")
    assert enclave.provision().status == 401
    assert "cannot seal the state" in enclave.log_text()
    (enclave.dir / "state").mkdir()
    assert enclave.provision().status == 200


def exits(build, code, text, **settings):
    with testenclave.Enclave(build, {"app.py": HELLO}, **settings) as enclave:
        enclave.start(wait=False)
        assert enclave.wait_exit() == code
        assert text in enclave.log_text()
        assert not (enclave.dir / "run/app.sock").exists()


def test_exit_codes_of_bad_settings(build):
    exits(build, 2, "settings-invalid: setting 'MSE_RELEASE' is '2'", MSE_RELEASE="2")
    exits(build, 2, "settings-invalid: setting 'MSE_APPLICATION' is 'app'", MSE_APPLICATION="app")
    exits(build, 2, "settings-invalid: setting 'MSE_TEE'", MSE_TEE="none")
    exits(build, 2, "plain code without an owner key", MSE_TEE="gramine", MSE_PLAINCODE="1", MSE_OWNER_KEY="")
    exits(build, 7, "tee-failed: TEE 'sgx'", MSE_TEE="gramine")
    exits(build, 8, "listen-failed: ", MSE_LISTEN="unix:/nonexistent/app.sock")


def test_exit_codes_of_bad_instances(build):
    for change, text in (({"version": "2"}, "instance-malformed"), ({"tls": "acme"}, "does not serve"),
                         ({"tls": "owner"}, "'certificate' is empty"),
                         ({"expires": "2020-01-01T00:00:00Z"}, "expired")):
        with testenclave.Enclave(build, {"app.py": HELLO}) as enclave:
            enclave.instance.update(change)
            enclave.write_instance()
            enclave.start(wait=False)
            assert enclave.wait_exit() == 4, change
            assert text in enclave.log_text()


def test_import_failure_is_for_the_owner_only(build):
    files = {"app.py": "import helper\n", "helper.py": "import a_module_that_is_not_there\n"}
    with testenclave.Enclave(build, files) as enclave:
        enclave.start()
        assert enclave.provision().status == 200
        assert enclave.wait_exit() == 3
        assert "mse-enclave: application-failed: the application failed to load\n" in enclave.log_text()
        assert "a_module_that_is_not_there" not in enclave.log_text()
        assert "Traceback" not in enclave.log_text()
        assert "ModuleNotFoundError: No module named 'a_module_that_is_not_there'" in enclave.app_log()
        assert 'app/helper.py", line 1' in enclave.app_log()


ENDS_ITS_LOOP = """
import asyncio, threading

def close(loop):
    while not loop.is_closed():
        try:
            loop.call_soon_threadsafe(loop.stop)
            loop.close()
        except RuntimeError:
            pass

async def app(scope, receive, send):
    assert scope["type"] == "http"
    if scope["path"] == "/end":
        threading.Thread(target=close, args=(asyncio.get_running_loop(),), daemon=True).start()
        await asyncio.sleep(100)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"up"})
"""


def test_an_application_that_ends_its_loop(build):
    with testenclave.Enclave(build, {"app.py": ENDS_ITS_LOOP}) as enclave:
        enclave.start()
        assert enclave.provision().status == 200
        enclave.wait_running()
        with enclave.connect() as sock:
            sock.sendall(b"GET /end HTTP/1.1\r\nHost: x\r\n\r\n")
            assert enclave.wait_exit() == 3
        assert "mse-enclave: application-failed: the application has ended its event loop\n" in enclave.log_text()


@pytest.mark.parametrize("code, text", [
    ("x = 1", "AttributeError: module 'app' has no variable 'app'"),
    ("app = 5", "TypeError: 'app:app' is of type 'int', which cannot be called"),
    ("raise SystemExit(0)", "SystemExit"),
    ("def app(", "SyntaxError"),
    ("import sys\nsys.exit('bye')", "SystemExit: bye"),
])
def test_other_failures_to_load(build, code, text):
    with testenclave.Enclave(build, {"app.py": code}) as enclave:
        enclave.start()
        assert enclave.provision().status == 200
        assert enclave.wait_exit() == 3
        assert text in enclave.app_log()


def test_logs_of_the_operator_are_plain(build):
    code = "import sys\nprint('to stdout')\nprint('to stderr', file=sys.stderr)\n" + HELLO
    with testenclave.Enclave(build, {"app.py": code}, MSE_LOGS="operator") as enclave:
        enclave.run()
        enclave.stop()
        assert "to stdout\n" in enclave.log_text() and "to stderr\n" in enclave.log_text()
        assert "mse-log-1" not in enclave.log_text()


def test_logs_of_the_owner_are_sealed(build):
    code = ("import os, sys\nprint('to stdout')\nprint('to stderr', file=sys.stderr)\nos.write(1, b'raw ' * 10000)\n"
            "print('no newline', end='')\n") + HELLO
    with testenclave.Enclave(build, {"app.py": code}) as enclave:
        enclave.run()
        enclave.stop()
        for line in enclave.log_text().splitlines():
            assert re.fullmatch(r"mse-enclave: .*|mse-log-1 [A-Za-z0-9+/]+=*", line), line
            assert len(line) < 32768
        assert enclave.app_log() == "to stdout\nto stderr\n" + "raw " * 10000 + "no newline"


def test_without_log_key_output_is_discarded(build):
    with testenclave.Enclave(build, {"app.py": "print('secret')\n" + HELLO}) as enclave:
        enclave.instance["log_key"] = ""
        enclave.write_instance()
        enclave.run()
        enclave.stop()
        assert "secret" not in enclave.log_text() and "mse-log-1" not in enclave.log_text()
        assert "no log key" in enclave.log_text()


def test_a_host_that_does_not_read_the_log_stops_nobody(build):
    """stdout is a full pipe: the application writes megabytes and goes on."""
    code = HELLO + "\nimport sys\ndef talk():\n    for _ in range(200): print('x' * 10000)\ntalk()\n"
    with testenclave.Enclave(build, {"app.py": code}, MSE_LOGS="operator") as enclave:
        reader, writer = os.pipe()
        enclave.log_to = writer
        enclave.start()
        os.close(writer)
        assert enclave.provision().status == 200
        enclave.wait(lambda: enclave.get().text == "hello", seconds=20)
        os.close(reader)


def test_sigterm_lets_a_running_request_finish(build):
    code = GATE + "def app(environ, start_response):\n    wait()\n    start_response('200 OK', [])\n    return [b'done']\n"
    with testenclave.Enclave(build, {"app.py": code}) as enclave:
        enclave.run()
        answers = []
        asker = threading.Thread(target=lambda: answers.append(enclave.get().text))
        asker.start()
        enclave.wait(lambda: "waits" in enclave.app_log())
        enclave.process.send_signal(signal.SIGTERM)
        enclave.wait(lambda: not enclave.can_connect())
        (enclave.dir / "home/open").touch()
        assert enclave.wait_exit() == 0
        asker.join()
        assert answers == ["done"]


def test_sigterm_while_waiting_and_exit_functions(build):
    code = "import atexit\natexit.register(lambda: print('good bye'))\n" + HELLO
    with testenclave.Enclave(build, {"app.py": code}) as enclave:
        enclave.start()
        assert enclave.stop() == 0
        enclave.run()
        assert enclave.stop() == 0
        assert enclave.app_log().endswith("good bye\n")


def threads_apart(pid):
    """Folders of threads that have other descriptors than the process. A connection may come or go while one looks."""
    tasks = [f"/proc/{pid}/task/{task}" for task in os.listdir(f"/proc/{pid}/task")]
    return [task for task in tasks if set(os.listdir(task + "/fd")) != set(os.listdir(f"/proc/{pid}/fd"))]


def test_no_thread_swallows_sigterm(build):
    """The thread with descriptors of its own takes no signals: it could not wake the main thread."""
    with testenclave.Enclave(build, {"app.py": HELLO}) as enclave:
        enclave.start()
        apart = []

        def one_is_apart():
            apart[:] = threads_apart(enclave.process.pid)
            return len(apart) == 1
        enclave.wait(one_is_apart)
        with open(apart[0] + "/status") as status:
            blocked = int(re.search(r"SigBlk:\s+(\w+)", status.read())[1], 16)
        assert blocked >> (signal.SIGTERM - 1) & 1
        assert enclave.stop() == 0


def test_an_applications_handler_keeps_no_enclave_alive(build):
    code = "import signal\nsignal.signal(signal.SIGTERM, lambda *a: print('of the application'))\n" + HELLO
    with testenclave.Enclave(build, {"app.py": code}) as enclave:
        enclave.run()
        start = time.monotonic()
        assert enclave.stop() == 0
        assert time.monotonic() - start < 8
        assert "the application's handler of SIGTERM is set aside" in enclave.log_text()


def test_sigterm_ends_an_import_that_does_not(build):
    with testenclave.Enclave(build, {"app.py": "import time\nprint('here')\ntime.sleep(600)\n"}) as enclave:
        enclave.start()
        assert enclave.provision().status == 200
        enclave.wait(lambda: "here" in enclave.app_log())
        start = time.monotonic()
        assert enclave.stop() == 0
        assert time.monotonic() - start < 5


def test_a_second_sigterm_does_not_wait(build):
    with testenclave.Enclave(build, {"app.py": GATE + "import atexit\natexit.register(wait)\n" + HELLO}) as enclave:
        enclave.run()
        enclave.process.send_signal(signal.SIGTERM)
        enclave.wait(lambda: "waits" in enclave.app_log())
        assert enclave.process.poll() is None
        began = time.monotonic()
        # Within 0.2 s of the first it is the same one, told twice.
        enclave.wait(lambda: enclave.process.send_signal(signal.SIGTERM) or enclave.process.poll() is not None, 5)
        assert enclave.wait_exit() == 0 and time.monotonic() - began < 6


def test_a_failed_import_with_running_threads_still_exits_3(build):
    code = ("import threading, time\nthreading.Thread(target=lambda: time.sleep(600)).start()\n"
            "raise RuntimeError('no')\n")
    with testenclave.Enclave(build, {"app.py": code}) as enclave:
        enclave.start()
        assert enclave.provision().status == 200
        enclave.wait(lambda: "application-failed" in enclave.log_text())
        # The line comes a moment before the end is limited: the first signal may be too early to count.
        enclave.wait(lambda: enclave.process.send_signal(signal.SIGTERM) or enclave.process.poll() is not None, 5)
        assert enclave.wait_exit() == 3


def test_a_stale_socket_is_replaced(enclave):
    enclave.start()
    enclave.kill()
    assert (enclave.dir / "run/app.sock").exists()
    enclave.start()
    enclave.wait(enclave.can_connect)
    assert enclave.get().headers["Mse-Status"] == "Waiting"


def test_no_core_dumps_and_no_tracing(enclave):
    enclave.start()
    limits = open(f"/proc/{enclave.process.pid}/limits").read() if os.getuid() == 0 else None
    if limits:
        assert re.search(r"Max core file size\s+0\s+0", limits)
    # PR_SET_DUMPABLE 0: /proc/PID belongs to root, whoever runs it.
    assert os.stat(f"/proc/{enclave.process.pid}/environ").st_uid == 0
    enclave.process.send_signal(signal.SIGABRT)
    enclave.wait_exit()
    assert list(enclave.dir.rglob("core*")) == []


ASKED_ALL_THE_TIME = {
    "wsgi": """
def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "5")])
    return [b"hello"]
""",
    "asgi": """
async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})
"""}


class Asker(threading.Thread):
    """Asks on one connection without a pause; last is the last whole answer, fault what happened instead of one."""

    def __init__(self, enclave):
        super().__init__()
        self.tls, self.last, self.fault = enclave.connect(), b"", None
        self.tls.settimeout(20)
        self.start()

    def ask(self):
        self.tls.sendall(b"GET / HTTP/1.1\r\nHost: " + testenclave.CONFIG_DOMAIN.encode() + b"\r\n\r\n")
        got = b""
        while not got.endswith(b"\r\n\r\nhello"):
            piece = self.tls.recv(65536)
            assert piece, "closed before its answer"
            got += piece
        return got

    def run(self):
        try:
            while b"\r\nConnection: close\r\n" not in self.last:
                self.last = self.ask()
                time.sleep(0.01)
        except (OSError, AssertionError) as fault:
            self.fault = fault
        self.tls.close()


@pytest.mark.parametrize("interface", sorted(ASKED_ALL_THE_TIME))
def test_who_asks_all_the_time_loses_no_request_at_a_stop(build, interface):
    with testenclave.Enclave(build, {"app.py": ASKED_ALL_THE_TIME[interface]}) as enclave:
        enclave.run()
        askers = [Asker(enclave) for _ in range(12)]
        enclave.wait(lambda: all(asker.last for asker in askers))
        began = time.monotonic()
        enclave.process.send_signal(signal.SIGTERM)
        assert enclave.wait_exit() == 0
        for asker in askers:
            asker.join()
        assert [asker.fault for asker in askers] == [None] * len(askers)
        assert time.monotonic() - began < 5
