# SPDX-License-Identifier: Apache-2.0
"""Attackers on the attested channel (docs/testing-channel.md): everything the operator of a node can put between
`mse` and a real mse-enclave, and more, because the test also plays the TEE and so knows every key.

Quotes come from a simulated vendor (attack_tool), so the verifier that judges them is the real one. All listeners are
on the loopback; every thread ends with its listener.
"""
import base64
import contextlib
import ctypes
import datetime
import hashlib
import hmac
import http.server
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import urllib.parse

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import testenclave

ATTEST_PATH = "/.well-known/mse/attestation"
FRESH_TAG = b"mse-attest-1"
SEALED_FIELDS = ("ratls_key", "x25519_key", "certificate", "document", "ticket", "code_key", "secrets",
                 "sealed_secrets", "tls_key")
sodium = testenclave.sodium


# ---- the vendor and the TEE, both played by the test ----

class Vendor:
    """A simulated vendor with one machine: collateral on disk, quotes on demand."""

    def __init__(self, build, like=None, folder=None):
        """like: another machine of that vendor; folder: the vendor and machine of a cloud's data."""
        self.tool = pathlib.Path(build) / "test/support/attack_tool"
        self.build = pathlib.Path(build)
        self.own = None if folder else pathlib.Path(tempfile.mkdtemp(prefix="mse-vendor-"))
        self.dir = folder or self.own / "sim"
        if like:
            subprocess.run([self.tool, "machine", like.dir, self.dir], check=True)
        elif not folder:
            subprocess.run([self.build / "test/support/sim_tool", "pki", self.dir], check=True)
        self.quotes = subprocess.Popen([self.tool, "quotes", self.dir], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       text=True)
        self.lock = threading.Lock()

    def other_machine(self):
        return Vendor(self.build, like=self)

    def quote(self, mrenclave, report_data):
        with self.lock:
            self.quotes.stdin.write(f"{mrenclave.hex()} {report_data.hex()}\n")
            self.quotes.stdin.flush()
            return bytes.fromhex(self.quotes.stdout.readline())

    @property
    def root(self):
        return self.dir / "root.pem"

    def collateral(self):
        """What a folder for --collateral holds: {name: bytes}."""
        chain = (self.dir / "tcb_signer.pem").read_bytes() + self.root.read_bytes()
        files = {name: (self.dir / name).read_bytes() for name in ("tcb_info.json", "qe_identity.json", "pck_crl.der")}
        return {**files, "root_ca_crl.der": (self.dir / "root_crl.der").read_bytes(),
                "tcb_info_issuer_chain.pem": chain, "qe_identity_issuer_chain.pem": chain}

    def close(self):
        self.quotes.stdin.close()
        self.quotes.wait(10)
        self.quotes.stdout.close()
        if self.own:
            shutil.rmtree(self.own)


class Tee(testenclave.FakeTee):
    """Descriptor 3 with quotes that verify. What it quotes can be changed: edit(report_data) -> (mrenclave, vendor)."""

    def __init__(self, vendor):
        super().__init__(mrenclave=os.urandom(32))
        self.vendor = vendor
        self.edit = lambda report_data: (self.mrenclave, self.vendor)

    def quote(self, report_data):
        mrenclave, vendor = self.edit(report_data)
        return vendor.quote(mrenclave, report_data)

    def sealing_key(self, key_id):
        return hmac.new(self.secret, self.mrenclave + key_id, "sha256").digest()


def is_fresh(report_data):
    return report_data[32:44] == FRESH_TAG


def unseal(enclave):
    """What only the TEE's key opens: the fields of sealed.bin. A test that plays the TEE has that key."""
    blob = (enclave.dir / "state/sealed.bin").read_bytes()
    assert blob.startswith(b"mse-seal-1")
    key_id, instance, box = blob[10:42], blob[42:74], blob[74:]
    associated = b"mse-seal-1" + instance + enclave.tee.mrenclave
    nonce, box = box[:24], box[24:]
    plain = ctypes.create_string_buffer(len(box))
    size = ctypes.c_ulonglong()
    assert sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
        plain, ctypes.byref(size), None, box, ctypes.c_ulonglong(len(box)), associated,
        ctypes.c_ulonglong(len(associated)), nonce, enclave.tee.sealing_key(key_id)) == 0
    data, fields = plain.raw[:size.value], {}
    for name in SEALED_FIELDS:
        length = int.from_bytes(data[:4], "big")
        fields[name], data = data[4:4 + length], data[4 + length:]
    assert data == b""
    return fields


# ---- keys and certificates ----

def make_certificate(domain, days=30, issuer=None, key=None, is_ca=False):
    """(certificate, key); issuer: (certificate, key) of a CA, else signed by itself."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, domain)])
    now = datetime.datetime.utcnow()
    builder = (x509.CertificateBuilder().subject_name(name)
               .issuer_name(issuer[0].subject if issuer else name).public_key(key.public_key())
               .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
               .not_valid_after(now + datetime.timedelta(days=days))
               .add_extension(x509.BasicConstraints(is_ca, None), True))
    if not is_ca:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(domain)]), False)
    return builder.sign(issuer[1] if issuer else key, hashes.SHA256()), key


def pem(certificate):
    return certificate.public_bytes(ser.Encoding.PEM)


def key_pem(key):
    return key.private_bytes(ser.Encoding.PEM, ser.PrivateFormat.PKCS8, ser.NoEncryption())


def stolen(enclave):
    """(certificate, key) of the RA-TLS identity, taken out of the sealed state."""
    fields = unseal(enclave)
    return x509.load_der_x509_certificate(fields["certificate"]), ser.load_der_private_key(fields["ratls_key"], None)


def server_context(certificate, key, chain=b"", tickets=0, maximum=ssl.TLSVersion.TLSv1_3):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = maximum
    if maximum == ssl.TLSVersion.TLSv1_3:
        context.num_tickets = tickets
    with tempfile.NamedTemporaryFile() as file:
        file.write(pem(certificate) + chain + key_pem(key))
        file.flush()
        context.load_cert_chain(file.name)
    return context


# ---- listeners ----

class Listener:
    """A TCP port of the loopback; serve(connection, number) runs in a thread for each connection."""

    def __init__(self, serve):
        self.serve = serve
        self.accepted = 0
        self.open = set()
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.sock.accept()
            except OSError:
                return
            self.accepted += 1
            self.open.add(connection)
            threading.Thread(target=self._run, args=(connection, self.accepted), daemon=True).start()

    def _run(self, connection, number):
        with contextlib.suppress(OSError, ValueError):  # whoever leaves in the middle of it
            self.serve(connection, number)
        self.open.discard(connection)
        connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()
        for connection in list(self.open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def pump(source, sink):
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def dial(enclave):
    raw = socket.socket(socket.AF_UNIX)
    raw.connect(str(enclave.dir / "run/app.sock"))
    return raw


def join(connection, enclave):
    """Passes bytes both ways without looking at them, as a proxy by SNI does."""
    with dial(enclave) as upstream:
        back = threading.Thread(target=pump, args=(upstream, connection), daemon=True)
        back.start()
        pump(connection, upstream)
        back.join()


def passing(choose):
    """A listener that passes each connection to choose(number)."""
    return Listener(lambda connection, number: join(connection, choose(number)))


def ending(context, handle, log=None):
    """A listener that ends TLS itself; handle(tls, request) answers the first request. log: bytes seen, per connection."""
    def serve(connection, _):
        seen = bytearray()
        if log is not None:
            log.append(seen)
        connection.settimeout(40)
        with context.wrap_socket(connection, server_side=True) as tls:
            handle(tls, read_request(tls, seen))
            with contextlib.suppress(OSError):
                while piece := tls.recv(65536):
                    seen += piece
    return Listener(serve)


def read_request(tls, seen=None):
    """Head and body of one request with Content-Length."""
    data = seen if seen is not None else bytearray()
    while True:
        head, blank, body = bytes(data).partition(b"\r\n\r\n")
        size = re.search(rb"(?i)content-length: *(\d+)", head)
        if blank and len(body) >= (int(size[1]) if size else 0):
            return head, body
        piece = tls.recv(65536)
        if not piece:
            raise OSError("the client has left")
        data += piece


def nonce_of(request):
    return bytes.fromhex(json.loads(request[1])["nonce"])


def ask(enclave, nonce, tls=None, sni=None):
    """The attestation answer as a client of the enclave gets it, on a connection of its own."""
    body = json.dumps({"version": 1, "nonce": nonce.hex()}, separators=(",", ":"))
    answer = enclave.request("POST", ATTEST_PATH, body=body, tls=tls, sni=sni)
    assert answer.status == 200, (answer.status, answer.text)
    return json.loads(answer.text)


def dump(answer):
    return json.dumps(answer, separators=(",", ":")).encode()


def http_answer(body, status="200 OK", headers=""):
    return (f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
            ).encode() + body


# ---- the vendor's service, and the client under attack ----

class Pccs:
    """Collateral over HTTPS with Intel's paths and header names."""

    def __init__(self, vendor):
        chain = urllib.parse.quote((vendor.dir / "tcb_signer.pem").read_text() + vendor.root.read_text())
        items = {"/tcb": ("tcb_info.json", "TCB-Info-Issuer-Chain"),
                 "/qe/identity": ("qe_identity.json", "SGX-Enclave-Identity-Issuer-Chain"),
                 "/pckcrl": ("pck_crl.der", "SGX-PCK-CRL-Issuer-Chain"), "/rootcacrl": ("root_crl.der", "X-None")}

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                file, header = items[urllib.parse.urlsplit(self.path).path.removeprefix("/sgx/certification/v4")]
                data = (vendor.dir / file).read_bytes()
                self.send_response(200)
                self.send_header(header, chain)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.socket = server_context(*make_certificate("127.0.0.1")).wrap_socket(self.server.socket,
                                                                                        server_side=True)
        self.url = f"https://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Verdict:
    """What `mse cloud verify` said: name is the error's, "none" when it was satisfied."""

    def __init__(self, result):
        self.code = result.returncode
        self.text = result.stdout + result.stderr
        found = re.search(r"is not verified: ([a-z-]+(?::[a-z_]+)?)", self.text)
        self.name = "none" if self.code == 0 else found[1] if found else "?"
        assert (self.code == 0) == ("ACCEPTED" in self.text), "verdict and exit code say the same\n" + self.text


class World:
    """One vendor, its service, and a client that trusts this vendor's root."""

    def __init__(self, build):
        self.build = pathlib.Path(build)
        self.vendor = Vendor(build)
        self.pccs = Pccs(self.vendor)
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="mse-client-"))

    def close(self):
        self.pccs.close()
        self.vendor.close()
        shutil.rmtree(self.home)

    def enclave(self, files=None, tee=None, **options):
        hello = ("def app(environ, start_response):\n    start_response('200 OK', [])\n    return [b'hello']\n")
        new = testenclave.Enclave(self.build, files or {"app.py": hello}, **options)
        new.tee = tee or Tee(self.vendor)
        return new

    def twin(self, enclave, same_machine=True):
        """What the host can start any time: same release, same code, same document; other keys."""
        other = self.enclave()
        other.tee = Tee(self.vendor if same_machine else self.vendor.other_machine())
        other.tee.mrenclave = enclave.tee.mrenclave
        other.owner_key, other.log_key = enclave.owner_key, enclave.log_key
        other.code_key, other.uuid = enclave.code_key, enclave.uuid
        other.instance = dict(enclave.instance)
        for name in ("MSE_OWNER_KEY", "MSE_CODE_KEY_ID"):
            other.env[name] = enclave.env[name]
        shutil.rmtree(other.dir / "code")
        shutil.copytree(enclave.dir / "code", other.dir / "code")
        other.write_instance()
        return other

    def owned(self, domain):
        """A running instance in owner mode, with the owner's own TLS key (owner_tls)."""
        certificate, key = make_certificate(domain)
        enclave = self.enclave(tls="owner", domain=domain)
        enclave.instance["certificate"] = hashlib.sha256(certificate.public_bytes(ser.Encoding.DER)).hexdigest()
        enclave.write_instance()
        (enclave.dir / "instance/fullchain.pem").write_bytes(pem(certificate))
        enclave.owner_tls = (certificate, key)
        enclave.start()
        assert enclave.provision(enclave.body(ssl_private_key=key_pem(key).decode())).status == 200
        enclave.wait_running()
        return enclave

    def verify(self, enclave, port, *more, context=None, root=None, env=None, domain=None, timeout=60):
        """mse cloud verify against port: by fingerprint, or with all that a context file says."""
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.home))
        argv = [self.build / "mse", "cloud", "verify", f"{domain or enclave.instance['domain']}:{port}",
                "--pccs", self.pccs.url, *more]
        if root is not False:
            argv += ["--allow-simulation", root or self.vendor.root]
        if context is None:
            argv += ["--fingerprint", enclave.tee.mrenclave.hex()]
        else:
            (folder / "context.mse").write_text(context)
            argv += ["--context", folder / "context.mse"]
        result = subprocess.run([str(a) for a in argv], cwd=folder, capture_output=True, text=True, timeout=timeout,
                                stdin=subprocess.DEVNULL,
                                env={"HOME": str(folder), "PATH": "/usr/bin", "LANG": "C.UTF-8", "NO_COLOR": "1",
                                     "MSE_CONF_PATH": str(folder / "conf"), **(env or {})})
        return Verdict(result)

    def ratls_alone(self, enclave, port):
        """The name that RA-TLS without fresh evidence gives to the connection."""
        result = subprocess.run([self.vendor.tool, "ratls", self.vendor.dir, str(port), enclave.instance["domain"],
                                 enclave.tee.mrenclave.hex()], capture_output=True, text=True, timeout=30)
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()

    @staticmethod
    def context(enclave, **changes):
        """What the owner's context file says of this instance after an honest deployment."""
        values = {
            "fingerprint": enclave.tee.mrenclave.hex(), "document": enclave.document().decode(),
            "owner": testenclave.raw_public(enclave.owner_key).hex(), "identity": None, "ticket": None, **changes}
        lines = ["version = \"2.0\"", "[config]", "name = \"app\"", "project = \"default\"",
                 "python_application = \"app:app\"", "docker = \"mse-flask:20261122\"", "[instance]",
                 f"id = \"{enclave.uuid}\"", f"config_domain_name = \"{enclave.instance['config_domain']}\"",
                 "enclave_size = 1024", "expires_at = 2036-01-01T00:00:00Z",
                 f"ssl_certificate_origin = \"{enclave.instance['tls']}\"",
                 f"domain_name = \"{enclave.instance['domain']}\""]
        for name in ("fingerprint", "identity", "document", "ticket"):
            if values[name] is not None:
                lines.append(f"{name} = '{values[name]}'")
        lines.append("[instance.nonces]")
        if values["owner"]:
            lines += ["[owner]", f"public_key = \"{values['owner']}\""]
        return "\n".join(lines) + "\n"


def encode(data):
    return base64.b64encode(data).decode()
