# SPDX-License-Identifier: Apache-2.0
"""The real runtime, a real image and a Flask app in mse-sim's sandbox, provisioned by its owner."""
import json
import os
import shutil
import subprocess
import tempfile

import pytest

import simnode
import testenclave
from conftest import BUILD

APP = """
import os, threading
from flask import Flask
app = Flask(__name__)

@app.get("/")
def hello():
    return "Hello world"

@app.get("/tries")
def tries():
    found = {}
    for name, what in {"fork": os.fork, "passwd": lambda: open("/etc/passwd").read(),
                       "tee": lambda: os.write(3, b"M"), "root": lambda: os.listdir("/"),
                       "planted": lambda: __import__("planted")}.items():
        try:
            found[name] = str(what())
        except BaseException as error:
            found[name] = type(error).__name__
    return found

@app.get("/count")
def count():
    path = os.path.join(os.environ["TMP_PATH"], "count")
    threading.Thread(target=lambda: open(path, "a").write("x")).start()
    return "ok"
"""


@pytest.fixture(scope="module")
def image():
    with tempfile.TemporaryDirectory(prefix="sim-image-") as folder:
        root = os.path.join(folder, "root")
        subprocess.run([BUILD / "test/support/sim_tool", "image", "mse-flask:20261122", BUILD / "mse-enclave", root],
                       check=True)
        os.chmod(folder, 0o755)
        yield root


@pytest.fixture(scope="module", params=simnode.USERS)
def node(request):
    with simnode.started(BUILD, request.param) as new:
        yield new


class Tee:
    mrenclave = b""


class Sandboxed(testenclave.Enclave):
    """The enclave of testenclave.py, started by mse-sim instead of directly."""

    def __init__(self, node, image, files, **settings):
        super().__init__(BUILD, files, **settings)
        keys = [self.env["MSE_OWNER_KEY"], self.env["MSE_CODE_KEY_ID"]]
        shutil.rmtree(self.dir / "app")
        self.app = simnode.App(node, [], image=image, keys=keys)
        shutil.rmtree(self.app.dir / "code")
        shutil.copytree(self.dir / "code", self.app.dir / "code")
        (self.app.dir / "instance/commands").unlink()
        self.write_instance()
        self.app.write_manifest()
        shutil.rmtree(self.dir)
        self.dir = self.app.dir
        self.env["MSE_LISTEN"] = f"unix:{self.dir}/run/app.sock"  # where the test finds it; inside it has another name
        node.own(self.dir)
        self.tee = Tee()
        self.tee.mrenclave = bytes.fromhex(self.app.fingerprint)

    def write_instance(self):
        super().write_instance()
        if hasattr(self, "app"):
            (self.app.dir / "instance/instance.json").write_bytes(self.document())

    def start(self, wait=True):
        self.log_start = len(self.app.log())
        assert self.app.launch(memory_mb=512, cores=2)["state"] == "running"
        self.wait(lambda: self.can_connect() or self.app.inspect()["state"] == "exited")
        assert self.app.inspect()["state"] == "running", self.app.inspect()
        return self

    def wait_running(self, seconds=30):
        def is_running():
            status = self.app.inspect()
            assert status["state"] == "running", (status, self.app_log())
            return "mse-enclave: running\n" in self.log_text()[self.log_start:]
        self.wait(is_running, seconds)

    def stop(self):
        self.app.stop(10000)

    def remove(self):
        self.app.stop()


def test_an_app_runs_provisioned_and_boxed_in(node, image):
    with Sandboxed(node, image, {"app.py": APP}) as enclave:
        (enclave.app.image / "usr/lib/python3/dist-packages/planted.py").write_text("raise SystemExit")
        enclave.run()
        assert enclave.get("/").text == "Hello world"
        assert enclave.get("/count").text == "ok"
        found = json.loads(enclave.get("/tries").text)
        assert found == {"fork": "PermissionError", "passwd": (enclave.app.image / "etc/passwd").read_text(),
                         "tee": "OSError", "root": "PermissionError", "planted": "PermissionError"}
        usage = node.ask({"op": "usage", "uuid": enclave.app.uuid})["usage"]
        assert usage["memory"] > 10 << 20


def test_a_restart_resumes_from_sealed_state_and_a_move_does_not(node, image):
    with Sandboxed(node, image, {"app.py": APP}) as enclave:
        enclave.run()
        before = enclave.certificate()
        enclave.stop()
        assert enclave.app.inspect()["stopped"] is True
        enclave.start()
        enclave.wait_running()
        assert enclave.certificate() == before
        assert enclave.get("/").text == "Hello world"
        enclave.stop()
        # Another node secret, as on another machine: the state does not open.
        other = simnode.Node(BUILD, as_user=node.as_user)
        try:
            other.start()
            enclave.app.node = other
            enclave.app.launch(memory_mb=512)
            assert "sealed-state" in enclave.app.wait_exit()["reason"]
            (enclave.dir / "state/sealed.bin").unlink()
            enclave.start()
            assert enclave.get("/").headers.get("Mse-Status") == "Waiting"
            assert enclave.certificate() != before
            enclave.stop()
        finally:
            other.remove()
            enclave.app.node = node


def test_what_the_bill_forgot_fails_by_name(node, image, tmp_path):
    """A module that is in the image's folder but not in its bill: as on SGX, the import is refused."""
    smaller = tmp_path / "image"
    shutil.copytree(image, smaller, symlinks=True)
    with Sandboxed(node, smaller, {"app.py": APP + "\nimport planted\n"}) as enclave:
        (enclave.app.image / "usr/lib/python3/dist-packages/planted.py").write_text("value = 1\n")
        enclave.start()
        assert enclave.provision().status == 200
        status = enclave.app.wait_exit(30)
        assert "application-failed" in status["reason"]
        assert "planted" in status["reason"] + enclave.app_log()


def test_the_application_cannot_say_why_it_ended(node, image):
    """Through every descriptor that it shares with the runtime; its own output is kept as it is."""
    forged = "mse-enclave: sealed-state: forged"
    app = ("import os\n" + APP + f"\nfor fd in range(3, 128):\n    try:\n        os.write(fd, b'{forged}\\n')\n"
           f"    except OSError:\n        pass\nprint('{forged}', flush=True)\nos._exit(6)\n")
    with Sandboxed(node, image, {"app.py": app}) as enclave:
        enclave.start()
        assert enclave.provision().status == 200
        status = enclave.app.wait_exit(30)
        assert status["reason"] == "ended with status 6"
        assert forged in enclave.app.log(), "nothing was forged"
