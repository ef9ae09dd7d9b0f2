# SPDX-License-Identifier: Apache-2.0
"""Starts build/test/support/net_server (src/net with a handler for tests) and speaks to it in raw bytes."""
import pathlib
import socket
import ssl
import subprocess
import tempfile
import time


class Server:
    """One server process; options are those of net_server.c."""

    def __init__(self, build, **options):
        argv = [str(build / "test/support/net_server")] + [f"{key}={value}" for key, value in options.items()]
        self.unix = options.get("unix")
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        line = self.process.stdout.readline().decode()
        assert line.startswith("ready "), self.process.stderr.read().decode()
        self.port = int(line.split()[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Stops in order; the process must end by itself and cleanly."""
        if self.process.stdin.closed:
            return
        self.process.stdin.close()
        try:
            code = self.process.wait(20)
        finally:
            if self.process.poll() is None:
                self.process.kill()
        errors = self.process.stderr.read().decode()
        assert code == 0 and errors == "", f"exit {code}: {errors}"

    def connect(self, timeout=5):
        if self.unix:
            sock = socket.socket(socket.AF_UNIX)
            sock.settimeout(timeout)
            sock.connect(self.unix)
            return sock
        return socket.create_connection(("127.0.0.1", self.port), timeout)

    def connect_tls(self, identity, name="a.localhost", timeout=5, **versions):
        context = identity.context(**versions)
        return context.wrap_socket(self.connect(timeout), server_hostname=name)

    def say(self, data, timeout=5):
        """Sends bytes on a new connection and returns everything until the server closes."""
        with self.connect(timeout) as sock:
            sock.sendall(data)
            return read_all(sock)

    def threads(self):
        return len(list(pathlib.Path(f"/proc/{self.process.pid}/task").iterdir()))

    def resident_kib(self):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.split("VmRSS:")[1].split()[0])


def read_all(sock):
    """Until the end, which may be a reset."""
    data = b""
    while True:
        try:
            piece = sock.recv(65536)
        except ConnectionResetError:
            return data
        if not piece:
            return data
        data += piece


def read_response(sock):
    """(status, fields in lower case, body) of one response with Content-Length, and not a byte of the next."""
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        piece = sock.recv(1)
        assert piece, f"closed after {data!r}"
        data += piece
    lines = data.decode().rstrip().split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in lines[1:])
    left = int(fields.get("content-length", "0"))
    body = bytearray()
    while len(body) < left:
        piece = sock.recv(min(65536, left - len(body)))
        assert piece, f"closed after {len(body)} of {left} bytes"
        body += piece
    return int(lines[0].split()[1]), fields, bytes(body)


class Identity:
    """A self-signed certificate with its key, in files."""

    def __init__(self, directory, name):
        self.cert = str(directory / f"{name}.pem")
        self.key = str(directory / f"{name}.key")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
             self.key, "-out", self.cert, "-subj", f"/CN={name}", "-days", "2", "-addext",
             "subjectAltName=DNS:a.localhost,DNS:unknown.test"], check=True, capture_output=True)

    def context(self, minimum=None, maximum=None, alpn=None):
        context = ssl.create_default_context(cafile=self.cert)
        if minimum:
            context.minimum_version = minimum
        if maximum:
            context.maximum_version = maximum
        if alpn:
            context.set_alpn_protocols(alpn)
        return context


def temporary():
    return pathlib.Path(tempfile.mkdtemp(prefix="net-e2e-"))


def until(condition, seconds=5):
    """Polls until condition() holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.01)
