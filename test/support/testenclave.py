# SPDX-License-Identifier: Apache-2.0
"""One mse-enclave outside any sandbox, against a TEE that is a thread of the test.

The fake TEE speaks the protocol of descriptor 3. Its quotes have the layout of a real one where mse-enclave looks, and
no valid signature: what a verifier says to quotes is tested elsewhere.
"""
import base64
import contextlib
import ctypes
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import tempfile
import threading
import time
import uuid as uuid_module

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives import serialization as ser
from cryptography import x509

sodium = ctypes.CDLL("libsodium.so.23")
assert sodium.sodium_init() >= 0

OID_QUOTE = "1.2.840.113741.1337.6"
OID_INSTANCE = "1.2.840.113741.1337.100"
CONFIG_DOMAIN = "0123456789abcdef.mse.localhost"


def sha256(data):
    return hashlib.sha256(data).digest()


def raw_public(key):
    return key.public_key().public_bytes(ser.Encoding.Raw, ser.PublicFormat.Raw)


def raw_private(key):
    return key.private_bytes(ser.Encoding.Raw, ser.PrivateFormat.Raw, ser.NoEncryption())


def secretbox(key, data):
    """nonce || box, as PyNaCl writes it."""
    nonce = os.urandom(24)
    box = ctypes.create_string_buffer(len(data) + 16)
    assert sodium.crypto_secretbox_easy(box, data, ctypes.c_ulonglong(len(data)), nonce, key) == 0
    return nonce + box.raw


def seal(public, data):
    box = ctypes.create_string_buffer(len(data) + 48)
    assert sodium.crypto_box_seal(box, data, ctypes.c_ulonglong(len(data)), public) == 0
    return box.raw


def seal_open(private, box):
    data = ctypes.create_string_buffer(max(len(box) - 48, 1))
    public = raw_public(private)
    if sodium.crypto_box_seal_open(data, box, ctypes.c_ulonglong(len(box)), public, raw_private(private)) != 0:
        raise ValueError("the box does not open")
    return data.raw[:len(box) - 48]


def client_context():
    """TLS without looking at the certificate: what is looked at is another test's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class FakeTee:
    """The other end of descriptor 3, for as many starts as wanted."""

    def __init__(self, mrenclave=b"\x4d" * 32):
        self.mrenclave = mrenclave
        self.secret = os.urandom(32)
        self.quotes = []        # report data of each quote asked for
        self.fail_quotes = False
        self.quote_seconds = 0
        self.under_way = 0
        self.most_under_way = 0

    def quote(self, report_data):
        body = bytearray(384)
        body[64:96] = self.mrenclave
        body[320:384] = report_data
        return b"\x03\x00" + bytes(46) + bytes(body) + b"fake"

    def answer(self, message):
        op, payload = message[:1], message[1:]
        if op == b"M":
            return b"0" + self.mrenclave
        if op == b"K":
            return b"0" + hmac.new(self.secret, self.mrenclave + payload, "sha256").digest()
        assert op == b"Q" and len(payload) == 64
        if self.fail_quotes:
            return b"1no quote today"
        self.quotes.append(payload)
        if self.quote_seconds:
            time.sleep(self.quote_seconds)
        return b"0" + self.quote(payload)

    def serve(self, sock):
        with contextlib.suppress(OSError):
            while message := sock.recv(16384):
                sock.send(self.answer(message))
        sock.close()

    def connect(self):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        threading.Thread(target=self.serve, args=(ours,), daemon=True).start()
        return theirs


class Response:
    def __init__(self, answer):
        self.status = answer.status
        self.headers = answer.headers
        self.body = answer.read()

    @property
    def text(self):
        return self.body.decode()


class Enclave:
    """Directories, settings and keys of one instance; start() and stop() as often as wanted."""

    def __init__(self, build, files=None, tls="self", domain=None, **settings):
        self.build = pathlib.Path(build)
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="mse-enclave-"))
        self.tee = FakeTee()
        self.owner_key = Ed25519PrivateKey.generate()
        self.log_key = X25519PrivateKey.generate()
        self.code_key = os.urandom(32)
        self.uuid = str(uuid_module.uuid4())
        self.process = None
        self.program = self.build / "mse-enclave"
        self.argv = ["mse-enclave"]
        self.more_descriptors = {}  # number in the child: ours
        self.log_to = None      # a descriptor instead of the file
        for name in ("code", "instance", "state", "run", "app", "home"):
            (self.dir / name).mkdir()
        self.instance = {
            "certificate": "", "config_domain": CONFIG_DOMAIN, "domain": domain or CONFIG_DOMAIN, "expires": "",
            "log_key": raw_public(self.log_key).hex(), "subject": "CN=" + CONFIG_DOMAIN, "tls": tls,
            "uuid": self.uuid, "version": "1",
        }
        self.env = {
            "HOME": str(self.dir / "home"), "PATH": "/usr/bin", "LANG": "C.UTF-8",
            "CODE_PATH": str(self.dir / "code"), "INSTANCE_PATH": str(self.dir / "instance"),
            "STATE_PATH": str(self.dir / "state"), "MODULE_PATH": str(self.dir / "app"),
            "SECRETS_PATH": str(self.dir / "home/.cache/mse/secrets.json"),
            "SEALED_SECRETS_PATH": str(self.dir / "home/.cache/mse/sealed_secrets.json"),
            "MSE_LISTEN": "unix:" + str(self.dir / "run/app.sock"), "MSE_TEE": "sim",
            "MSE_APPLICATION": "app:app", "MSE_HEALTHCHECK": "/", "MSE_RESTART": "sealed", "MSE_LOGS": "owner",
            "MSE_EGRESS": "none", "MSE_RELEASE": "1", "MSE_PLAINCODE": "0", "MSE_THREADS": "4",
            "MSE_OWNER_KEY": raw_public(self.owner_key).hex(),
            "MSE_CODE_KEY_ID": sha256(b"mse-code-key-1" + self.code_key).hex(),
            **{k: os.environ[k] for k in ("ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS") if k in os.environ},
        }
        self.env.update(settings)
        self.write_code(files or {})
        self.write_instance()

    # ---- what the host supplies ----

    def write_code(self, files):
        for path, text in files.items():
            data = text.encode() if isinstance(text, str) else text
            plain = path == "requirements.txt" or self.env["MSE_PLAINCODE"] == "1"
            target = self.dir / "code" / (path if plain else path + ".enc")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data if plain else secretbox(self.code_key, data))

    def document(self):
        return json.dumps(self.instance, separators=(",", ":"), sort_keys=True).encode()

    def write_instance(self):
        (self.dir / "instance/instance.json").write_bytes(self.document())

    # ---- the process ----

    def start(self, wait=True):
        theirs = self.tee.connect()
        self.log_start = (self.dir / "log").stat().st_size if (self.dir / "log").exists() else 0
        with open(self.dir / "log", "ab") as log:
            self.process = self._spawn(theirs, log.fileno() if self.log_to is None else self.log_to)
        theirs.close()
        if wait:
            self.wait_socket()
        return self

    def _spawn(self, theirs, log_fd):
        """posix_spawn moves the socket to number 3; Popen cannot."""
        pid = os.posix_spawn(
            str(self.program), self.argv, self.env,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, log_fd, 1),
                (os.POSIX_SPAWN_DUP2, log_fd, 2),
                (os.POSIX_SPAWN_DUP2, theirs.fileno(), 3),
                *[(os.POSIX_SPAWN_DUP2, ours, number) for number, ours in self.more_descriptors.items()],
            ])
        return Spawned(pid)

    def wait_socket(self, seconds=20):
        self.wait(lambda: self.process.poll() is not None or self.can_connect(), seconds)
        assert self.process.poll() is None, f"exit {self.process.returncode}\n{self.log_text()}"

    def dial(self):
        """A plain connection to wherever it listens."""
        listen = self.env.get("MSE_LISTEN", "127.0.0.1:0")  # without the setting: as the test's arguments say
        if listen.startswith("unix:"):
            raw = socket.socket(socket.AF_UNIX)
            target = listen.removeprefix("unix:")
        else:
            raw = socket.socket(socket.AF_INET6 if listen.startswith("[") else socket.AF_INET)
            target = (listen.rpartition(":")[0].strip("[]"), self.port())
        raw.settimeout(30)
        try:
            raw.connect(target)
        except OSError:
            raw.close()
            raise
        return raw

    def port(self):
        """As its log says it, since the system may have chosen."""
        said = re.findall(r"^mse-enclave: listening on .*:(\d+)$", self.log_text()[self.log_start:], re.M)
        if not said:
            raise ConnectionError("it does not listen yet")
        return int(said[-1])

    def can_connect(self):
        try:
            self.dial().close()
        except OSError:
            return False
        return True

    @staticmethod
    def wait(condition, seconds=20):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.02)

    def wait_exit(self, seconds=60):
        return self.process.wait(seconds)

    def wait_running(self, seconds=30):
        def is_running():
            if self.process.poll() is not None:
                raise AssertionError(f"exit {self.process.returncode}\n{self.log_text()}\n{self.app_log()}")
            return "mse-enclave: running\n" in self.log_text()[self.log_start:]
        self.wait(is_running, seconds)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(40)
        code = self.process.returncode if self.process else None
        self.process = None
        return code

    def kill(self):
        self.process.kill()
        self.process.wait(10)
        self.process = None

    def remove(self):
        if self.process and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.dir)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()

    # ---- its log ----

    def log_text(self):
        return (self.dir / "log").read_text(errors="replace")

    def app_log(self):
        return self.app_log_bytes().decode(errors="replace")

    def app_log_bytes(self):
        """What the owner reads: every mse-log-1 line opened with the log key."""
        return b"".join(seal_open(self.log_key, base64.b64decode(line.split(" ")[1], validate=True))
                        for line in self.log_text().splitlines() if line.startswith("mse-log-1 "))

    # ---- its clients ----

    def connect(self, sni=None):
        raw = self.dial()
        return client_context().wrap_socket(raw, server_hostname=sni or self.instance["domain"])

    def certificate(self, sni=None):
        with self.connect(sni) as tls:
            return tls.getpeercert(binary_form=True)

    def request(self, method, path, body=None, headers=None, sni=None, tls=None):
        connection = http.client.HTTPConnection("app", timeout=30)
        connection.sock = tls or self.connect(sni)
        connection.request(method, path, body=body, headers={"Host": self.instance["domain"], **(headers or {})})
        try:
            return Response(connection.getresponse())
        finally:
            if not tls:
                connection.close()

    def get(self, path="/", **options):
        return self.request("GET", path, **options)

    # ---- its owner ----

    def identity(self):
        parsed = x509.load_der_x509_certificate(self.certificate(CONFIG_DOMAIN))
        quote = next(e.value.value for e in parsed.extensions if e.oid.dotted_string == OID_QUOTE)
        return quote[48 + 320:48 + 384]

    def ticket(self, key=None, identity=None, document=None, fingerprint=None, deployed=1700000000):
        fingerprint = fingerprint or self.tee.mrenclave
        message = (b"mse-ticket-1" + (identity or self.identity()) + sha256(document or self.document())
                   + bytes([len(fingerprint)]) + fingerprint + deployed.to_bytes(8, "big"))
        return message + (key or self.owner_key).sign(message)

    def body(self, **changes):
        body = {"uuid": self.uuid, "code_secret_key": self.code_key.hex(), **changes}
        return {name: value for name, value in body.items() if value is not None}

    def provision(self, body=None, ticket=b"", **options):
        """ticket None: none is sent; b"": the right one."""
        headers = {"Content-Type": "application/json"}
        if ticket == b"":
            ticket = self.ticket()
        if ticket is not None:
            headers["Mse-Ticket"] = base64.b64encode(ticket).decode()
        data = body if isinstance(body, bytes) else json.dumps(body or self.body()).encode()
        return self.request("POST", "/", body=data, headers=headers, **options)

    def run(self, **changes):
        """From nothing to a running application."""
        self.start()
        answer = self.provision(self.body(**changes))
        assert answer.status == 200, self.log_text()
        self.wait_running()
        return self


class Spawned:
    """A child that posix_spawn made, with the few methods of Popen that are used."""

    def __init__(self, pid):
        self.pid = pid
        self.returncode = None

    def poll(self):
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, seconds):
        end = time.monotonic() + seconds
        while self.poll() is None:
            if time.monotonic() > end:
                raise TimeoutError(f"process {self.pid} still runs after {seconds} s")
            time.sleep(0.01)
        return self.returncode

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)
