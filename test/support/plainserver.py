# SPDX-License-Identifier: Apache-2.0
"""The plain server (mse-enclave --plain) over a folder of Python files, as a user starts it."""
import http.client
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as found:
        return [int(child) for child in found.read().split()]


class PlainServer:
    def __init__(self, build, files, *options, application="app:app", bind="127.0.0.1:0", env=None, out=None):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="mse-plain-"))
        self.code = self.dir / "code"
        self.program = pathlib.Path(build) / "mse-enclave"
        self.bind = bind
        self.argv = [self.program, "--plain", application, "--bind", bind, "--app-dir", self.code, *options]
        self.env = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1",
                    **{k: os.environ[k] for k in ("ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS") if k in os.environ}, **(env or {})}
        self.out_fd = out  # instead of a file
        self.process = None
        self.patience = 30  # seconds of a client
        self.write(files)

    def write(self, files):
        for path, text in files.items():
            target = self.code / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)

    # ---- the process ----

    def start(self, wait=True):
        self.out = open(self.dir / "out", "ab")
        self.err = open(self.dir / "err", "ab")
        self.process = subprocess.Popen([str(a) for a in self.argv], stdin=subprocess.DEVNULL, stdout=self.out_fd or self.out,
                                        stderr=self.err, env=self.env, cwd=self.dir)
        if wait:
            self.wait_for(lambda: " is served (" in self.messages(), self.patience)
        return self

    def wait_for(self, condition, seconds=30):
        end = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, f"exit {self.process.returncode}\n{self.messages()}"
            assert time.monotonic() < end, f"waited in vain\n{self.messages()}"
            time.sleep(0.02)

    def stop(self, number=signal.SIGTERM, seconds=40):
        self.process.send_signal(number)
        return self.process.wait(seconds)

    def exit(self, seconds=20):
        return self.process.wait(seconds)

    def messages(self):
        return (self.dir / "err").read_text(errors="replace")

    def output(self):
        return (self.dir / "out").read_text(errors="replace")

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.remove()

    def remove(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        if self.process:
            self.out.close()
            self.err.close()
        shutil.rmtree(self.dir)

    def resident_kib(self):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.split("VmRSS:")[1].split()[0])

    # ---- its clients ----

    def port(self):
        return int(re.search(r"listening on \S+:(\d+)( \(.*)?$", self.messages(), re.M)[1])

    def dial(self):
        if self.bind.startswith("unix:"):
            raw = socket.socket(socket.AF_UNIX)
            raw.settimeout(self.patience)
            raw.connect(str(self.dir / self.bind.removeprefix("unix:")))
            return raw
        raw = socket.create_connection((self.bind.rpartition(":")[0].strip("[]"), self.port()), self.patience)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return raw

    def connection(self):
        connection = http.client.HTTPConnection("127.0.0.1", 1, timeout=30)
        connection.sock = self.dial()
        return connection

    def request(self, method, path, body=None, headers=None, connection=None):
        used = connection or self.connection()
        used.request(method, path, body=body, headers=headers or {})
        answer = used.getresponse()
        answer.data = answer.read()
        answer.text = answer.data.decode(errors="replace")
        if not connection:
            used.close()
        return answer

    def get(self, path="/", **options):
        return self.request("GET", path, **options)

    def raw(self, data, seconds=10):
        """What comes back until the server closes, or nothing more comes for a while."""
        with self.dial() as sock:
            sock.settimeout(seconds)
            sock.sendall(data)
            got = b""
            try:
                while piece := sock.recv(65536):
                    got += piece
            except TimeoutError:
                pass
            return got

    def url(self, path="/"):
        return f"http://127.0.0.1:{self.port()}{path}"
