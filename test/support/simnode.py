# SPDX-License-Identifier: Apache-2.0
"""One mse-sim on a data directory of its own, asked over its control socket, and the little image its tests run."""
import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid

USER = 1000  # the ordinary user of tests that run as root
USERS = ["root", "user"] if os.getuid() == 0 else ["user"]  # as whom mse-sim is tried


class SimError(Exception):
    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class App:
    """The folders of one app, as msed would make them."""

    def __init__(self, node, commands, egress="none", code=None, image=None, keys=()):
        self.node = node
        self.keys = list(keys)
        self.uuid = str(uuid.uuid4())
        self.dir = node.dir / "apps" / self.uuid
        for name in ("code", "instance", "state", "run"):
            (self.dir / name).mkdir(parents=True)
        (self.dir / "code" / "app.py.enc").write_bytes(code or b"nothing that runs")
        (self.dir / "instance" / "commands").write_text("".join(line + "\n" for line in commands))
        self.image = self.dir / "image"
        shutil.copytree(image or node.image, self.image, symlinks=True)
        self.egress = egress
        self.write_manifest()
        self.request = {
            "op": "launch", "uuid": self.uuid, "manifest": str(self.dir / "manifest.toml"), "image": str(self.image),
            "code": str(self.dir / "code"), "instance": str(self.dir / "instance"), "state": str(self.dir / "state"),
            "run": str(self.dir / "run"), "log": str(self.dir / "log"), "memory_mb": 64, "cores": 1,
            "egress": egress, "allowed": [],
        }
        node.own(self.dir)

    def write_manifest(self):
        done = subprocess.run([self.node.build / "test/support/sim_tool", "manifest", self.image, self.dir / "code",
                               self.egress, *self.keys], capture_output=True, text=True, check=True)
        (self.dir / "manifest.toml").write_text(done.stdout)
        self.fingerprint = done.stderr.strip()

    def launch(self, **changes):
        return self.node.ask({**self.request, **changes})["status"]

    def inspect(self):
        return self.node.ask({"op": "inspect", "uuid": self.uuid}).get("status")

    def stop(self, grace_ms=1000):
        self.node.ask({"op": "stop", "uuid": self.uuid, "grace_ms": grace_ms})

    def wait_exit(self, seconds=20):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            status = self.inspect()
            if status["state"] == "exited":
                return status
            time.sleep(0.01)
        raise AssertionError(f"still runs after {seconds} s: {self.log()}")

    def wait_log(self, text, seconds=20):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if text in self.log():
                return
            time.sleep(0.01)
        raise AssertionError(f"no {text!r} in the log: {self.log()}")

    def log(self):
        path = self.dir / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def results(self, name):
        """What the probe printed behind "NAME: "."""
        return [line.split(": ", 1)[1] for line in self.log().splitlines() if line.startswith(name + ": ")]

    def run(self, **changes):
        self.launch(**changes)
        status = self.wait_exit()
        assert "done" in self.log().splitlines(), (status, self.log())
        return status


class Node:
    def __init__(self, build, as_user=False, options=()):
        self.build = pathlib.Path(build)
        self.as_user = as_user and os.getuid() == 0
        self.options = list(options)
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="sim-"))
        (self.dir / "sim").mkdir()
        self.image = self.dir / "image"
        (self.image / "usr/bin").mkdir(parents=True)
        (self.image / "usr/lib").mkdir()
        shutil.copy2(self.build / "test/support/sim_probe", self.image / "usr/bin/mse-enclave")
        (self.image / "usr/lib/trusted.txt").write_text("trusted\n")
        (self.image / "lib").symlink_to("usr/lib")
        self.make_pki()
        self.own(self.dir)
        self.process = None

    def make_pki(self):
        subprocess.run([self.build / "test/support/sim_tool", "pki", self.dir / "sim"], check=True)

    def own(self, path):
        if self.as_user:
            subprocess.run(["chown", "-R", f"{USER}:{USER}", str(path)], check=True)

    def command(self, *more):
        command = [str(self.build / "src/sim/mse-sim"), "--data-dir", str(self.dir), *self.options, *more]
        if self.as_user:
            command = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", *command]
        return command

    def start(self):
        self.log_file = open(self.dir / "stderr", "a")
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=self.log_file,
                                        stderr=self.log_file, start_new_session=True)
        until = time.monotonic() + 10
        while time.monotonic() < until:
            try:
                self.ask({"op": "ping"})
                return self
            except OSError:
                assert self.process.poll() is None, (self.dir / "stderr").read_text()
                time.sleep(0.01)
        raise AssertionError("mse-sim does not answer: " + (self.dir / "stderr").read_text())

    def ask_raw(self, data):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(60)
            sock.connect(str(self.dir / "run/sim.sock"))
            sock.sendall(data)
            answer = b""
            while not answer.endswith(b"\n"):
                piece = sock.recv(65536)
                if not piece:
                    raise ConnectionError("no answer")
                answer += piece
        return json.loads(answer)

    def ask(self, request):
        reply = self.ask_raw(json.dumps(request).encode() + b"\n")
        if not reply["ok"]:
            raise SimError(reply["error"], reply["message"])
        return reply

    def app(self, *commands, **options):
        return App(self, commands, **options)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            assert self.process.wait(30) == 0, (self.dir / "stderr").read_text()

    def processes(self):
        """Process ids of whatever has this data directory on its command line."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if str(self.dir).encode() in line:
                found.append(int(entry.name))
        return found

    def groups(self):
        """Control groups of this data directory's apps."""
        prefix = "mse-" + hashlib.sha256(str(self.dir.resolve()).encode()).hexdigest()[:8]
        return list(pathlib.Path("/sys/fs/cgroup").glob(f"**/{prefix}-*"))

    def wait_clean(self, seconds=20):
        """Nothing of this node is left: a process that was told to end may need a moment on a busy machine."""
        until = time.monotonic() + seconds
        while (self.processes() or self.groups()) and time.monotonic() < until:
            time.sleep(0.01)
        assert self.processes() == []
        assert self.groups() == []

    def remove(self):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)


@contextlib.contextmanager
def started(build, user):
    """A node that runs as one of USERS; afterwards nothing of it may be left."""
    node = Node(build, as_user=user == "user")
    try:
        node.start()
        yield node
    finally:
        node.remove()
    node.wait_clean()
