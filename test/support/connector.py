# SPDX-License-Identifier: Apache-2.0
"""A running `mse connect`: its address, its news, and clients that speak to it."""
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

HEADERS = {"Accept": "application/json"}


class Answer:
    def __init__(self, response):
        self.status, self.headers = response.status, response.headers
        self.body = response.read()
        self.error = response.headers.get("Mse-Error")

    def json(self):
        return json.loads(self.body)


class Running:
    """mse connect with these words, in the background; events holds its lines of JSON."""

    def __init__(self, build, words, env, folder=None, reads_events=True, stderr=None, json=True):
        self.folder = folder or pathlib.Path(tempfile.mkdtemp(prefix="mse-connect-"))
        self.events = []
        self.errors = open(self.folder / "stderr", "w+", encoding="utf-8")
        words = [build / "mse", "connect", *(["--json"] if json else []), *words]
        self.process = subprocess.Popen([str(a) for a in words], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=self.errors if stderr is None else stderr, text=True)
        self.ready = self._read_event() if json else self._read_url()
        self.port = self.ready.get("port")
        self.url = self.ready.get("url")
        if reads_events and json:
            threading.Thread(target=self._read_events, daemon=True).start()

    def _read_event(self):
        line = self.process.stdout.readline()
        if not line:
            why = f"exit {self.process.wait(10)}: {self.stderr()}"
            self._forget()
            raise AssertionError(why)
        return json.loads(line)

    def _read_url(self):
        url = self.process.stdout.readline().strip()
        return {"url": url, "port": int(url.rpartition(":")[2])}

    def _forget(self):
        self.process.stdout.close()
        self.errors.close()
        shutil.rmtree(self.folder)

    def _read_events(self):
        for line in self.process.stdout:
            self.events.append(json.loads(line))

    def stderr(self):
        self.errors.seek(0)
        return self.errors.read()

    def wait_event(self, name, seconds=20):
        end = time.monotonic() + seconds
        while not (found := [e for e in self.events if e["event"] == name]):
            assert time.monotonic() < end, (self.events, self.stderr())
            time.sleep(0.02)
        return found[-1]

    def open(self, timeout=30):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def request(self, method="GET", path="/", body=None, headers=None, timeout=30):
        connection = self.open(timeout)
        try:
            connection.request(method, path, body=body, headers={**HEADERS, **(headers or {})})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def raw(self, data=b"", timeout=30):
        """A socket to it on which data was sent."""
        client = socket.create_connection(("127.0.0.1", self.port), timeout=timeout)
        client.sendall(data)
        return client

    def talk(self, data, timeout=30):
        """All that comes back until the end."""
        with self.raw(data, timeout) as client:
            return read_all(client)

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(20)

    def close(self):
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.stop()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        assert self.process.returncode == 0, f"exit {self.process.returncode}: {self.stderr()}"
        self._forget()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Connector(Running):
    """The same against domain:port with the world's vendor, and what is expected of the app."""

    def __init__(self, world, domain, port, *options, fingerprint=None, context=None, env=None, root=True,
                 pccs=True, **more):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="mse-connect-"))
        words = [f"{domain}:{port}", *(["--pccs", world.pccs.url] if pccs else []), *options]
        if root:
            words += ["--allow-simulation", world.vendor.root]
        if fingerprint:
            words += ["--fingerprint", fingerprint.hex()]
        if context:
            (folder / "context.mse").write_text(context)
            words += ["--context", folder / "context.mse"]
        super().__init__(world.build, words, {**environment(folder), **(env or {})}, folder, **more)


def environment(folder):
    return {"HOME": str(folder), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "NO_COLOR": "1",
            "MSE_CONF_PATH": str(folder / "conf")}


def read_all(client):
    data = bytearray()
    with contextlib.suppress(ConnectionResetError):
        while piece := client.recv(65536):
            data += piece
    return bytes(data)
