# SPDX-License-Identifier: Apache-2.0
"""An app in owner mode whose domain is taken over, and clients that tell whether anybody noticed."""
import socket
import ssl
import struct
import threading
import time

import testcloud
from wsclient import CLOSE, TEXT, Client, frame

APP = '''
import asyncio

async def pieces(send, count):
    for number in range(count):
        await send({"type": "http.response.body", "body": b"%08d" % number, "more_body": True})
        await asyncio.sleep(0.25)

async def http(scope, send):
    path = scope["path"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if path.startswith("/long/"):
        await pieces(send, int(path[6:]))
    await send({"type": "http.response.body", "body": b"done"})

async def websocket(receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        return await send({"type": "lifespan.shutdown.complete"})
    await (http(scope, send) if scope["type"] == "http" else websocket(receive, send))
'''


def renew(folder, name, new_key=True):
    """key.pem and chain.pem as an authority would renew them."""
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout"] if new_key else ["-key"]
    testcloud.run(["openssl", "req", "-x509", *key, folder / "key.pem", "-out", folder / "chain.pem", "-days", "30",
                   "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"])
    return ssl.PEM_cert_to_DER_cert((folder / "chain.pem").read_text())


def make_owned(folder, name, code=APP, hardware="2g-eu-001"):
    """Turns a scaffolded project into one in owner mode; returns its leaf."""
    config = folder / "mse.toml"
    text = config.read_text().replace("4g-eu-001", hardware)
    if code:
        (folder / "mse_src" / "app.py").write_text(code)
        text = text.replace('"/health"', '"/"')
    config.write_text(text + f'[cloud.ssl]\ndomain_name = "{name}"\nprivate_key = "key.pem"\ncertificate = "chain.pem"\n')
    return renew(folder, name)


def dial(port, name, timeout=20):
    """A new TLS connection to whatever certificate is shown: which one it was is the caller's to judge."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    raw = socket.create_connection(("127.0.0.1", port), timeout)
    return context.wrap_socket(raw, server_hostname=name)


def ask(tls, name, path="/", end=b"\r\n\r\ndone"):
    tls.sendall(f"GET {path} HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
    return read(tls, end)


def read(tls, end):
    got = b""
    while not got.endswith(end):
        piece = tls.recv(65536)
        if not piece:
            raise EOFError(f"closed after {got[-200:]!r}")
        got += piece
    return got


class Visitors:
    """Threads that come again and again, each time with a new connection; who was turned away is in failures."""

    def __init__(self, port, name, end=b"\r\n\r\ndone", threads=3):
        self.port, self.name, self.end = port, name, end
        self.seen, self.failures, self.done = [], [], threading.Event()  # seen: (time of connect, leaf)
        self.threads = [threading.Thread(target=self.run) for _ in range(threads)]
        for thread in self.threads:
            thread.start()

    def visit(self):
        began = time.monotonic()
        with dial(self.port, self.name) as tls:
            answer = ask(tls, self.name, end=self.end)
            assert answer.startswith(b"HTTP/1.1 200 "), answer
            self.seen.append((began, tls.getpeercert(True)))

    def run(self):
        while not self.done.is_set():
            try:
                self.visit()
            except (OSError, EOFError, AssertionError) as error:
                self.failures.append((time.monotonic(), repr(error)))
            time.sleep(0.02)

    def count(self, leaf):
        return sum(shown == leaf for _, shown in self.seen)

    def await_leaf(self, leaf, seconds=20):
        """Waits until somebody has been shown this certificate."""
        until = time.monotonic() + seconds
        while not self.count(leaf):
            assert time.monotonic() < until, "nobody is shown the new certificate"
            time.sleep(0.02)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.done.set()
        for thread in self.threads:
            thread.join()


class Long:
    """One response that takes seconds pieces/4, on a connection that has been used before."""

    def __init__(self, port, name, pieces):
        self.pieces, self.answer, self.fault = pieces, b"", None
        self.tls = dial(port, name, 60)
        assert ask(self.tls, name).startswith(b"HTTP/1.1 200 ")
        self.thread = threading.Thread(target=self.run, args=(name,))
        self.thread.start()

    def run(self, name):
        try:
            self.answer = ask(self.tls, name, f"/long/{self.pieces}", b"\r\n0\r\n\r\n")
        except (OSError, EOFError) as fault:
            self.fault = fault

    def check(self):
        self.thread.join()
        assert self.fault is None, self.fault
        wanted = b"".join(b"8\r\n%08d\r\n" % number for number in range(self.pieces)) + b"4\r\ndone\r\n0\r\n\r\n"
        assert self.answer.endswith(b"\r\n\r\n" + wanted), self.answer[-300:]


class Regular(threading.Thread):
    """Asks all the time on one connection, until an answer says that it is the last."""

    def __init__(self, port, name):
        super().__init__()
        self.name_asked, self.tls, self.count, self.fault = name, dial(port, name, 60), 0, None
        self.start()

    def run(self):
        try:
            while b"\r\nConnection: close\r\n" not in ask(self.tls, self.name_asked):
                self.count += 1
                time.sleep(0.02)
        except (OSError, EOFError) as fault:
            self.fault = fault
        self.tls.close()

    def check(self):
        """It has been sent away, and no request was lost."""
        self.join()
        assert self.fault is None and self.count > 0, self.fault


class Talk(threading.Thread):
    """A WebSocket that says something all the time, until it is closed; code is the close's, None for a cut."""

    def __init__(self, port, name, path="/"):
        super().__init__()
        self.talk = Client(dial(port, name, 60), path, host=name)
        self.count, self.code, self.fault, self.ended_at = 0, None, None, None
        assert self.talk.status == 101
        self.start()

    def run(self):
        try:
            while self.code is None:
                self.say()
                time.sleep(0.05)
        except (OSError, EOFError, AssertionError) as fault:
            self.fault = fault
        self.ended_at = time.monotonic()
        self.talk.sock.close()

    def say(self):
        self.talk.text(str(self.count))
        opcode, data = self.talk.receive()
        if opcode == CLOSE:
            self.talk.send(frame(CLOSE, data))
            self.code = struct.unpack(">H", data[:2])[0]
        else:
            assert (opcode, data) == (TEXT, str(self.count).encode()), (opcode, data)
            self.count += 1

    def check(self):
        """Closed as by a server that goes away, and not before."""
        self.join()
        assert (self.fault, self.code) == (None, 1012) and self.count > 0, (self.fault, self.code, self.count)
