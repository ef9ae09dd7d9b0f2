# SPDX-License-Identifier: Apache-2.0
"""The services of Intel and AMD on the loopback, for test/e2e/test_collateral_*.py: paths, parameters, headers and
bodies as those vendors write them, over items of a test's own PKI or of the vectors; and faults on demand."""
import collections
import http.server
import json
import pathlib
import ssl
import subprocess
import threading
import time
import urllib.parse

TCB = {"3": "SGX-TCB-Info-Issuer-Chain", "4": "TCB-Info-Issuer-Chain"}
QE = "SGX-Enclave-Identity-Issuer-Chain"
PCK_CRL = "SGX-PCK-CRL-Issuer-Chain"

Reply = collections.namedtuple("Reply", "status type body headers", defaults=({},))


class Items:
    """What a PKI signed, as bytes; simulated() and vectors() fill it."""

    def __init__(self, **items):
        self.__dict__.update(items)


def simulated(build, folder):
    """A new simulated PKI: the project's own test CA."""
    subprocess.run([str(build / "test/support/sim_tool"), "pki", str(folder)], check=True, capture_output=True)
    def read(name):
        return (pathlib.Path(folder) / name).read_bytes()
    chain = read("tcb_signer.pem") + read("root.pem")
    tcb = read("tcb_info.json")
    return Items(root=str(pathlib.Path(folder) / "root.pem"), fmspc=json.loads(tcb)["tcbInfo"]["fmspc"],
                 ca="platform", tee="sgx", tcb_info=tcb, tcb_chain=chain,
                 qe_identity=read("qe_identity.json"), qe_chain=chain, pck_crl=read("pck_crl.der"),
                 pck_crl_chain=read("platform_ca.pem") + read("root.pem"), root_crl=read("root_crl.der"))


def of_vector(folder):
    """Intel collateral of one folder of ../shared/vectors."""
    folder = pathlib.Path(folder)
    def read(name):
        return (folder / name).read_bytes()
    tcb = read("tcb_info.json")
    ca = "platform" if "Platform" in subject_of(read("pck_crl_issuer_chain.pem")) else "processor"
    return Items(fmspc=json.loads(tcb)["tcbInfo"]["fmspc"], ca=ca, tee=folder.parent.name, tcb_info=tcb,
                 tcb_chain=read("tcb_info_issuer_chain.pem"), qe_identity=read("qe_identity.json"),
                 qe_chain=read("qe_identity_issuer_chain.pem"), pck_crl=read("pck_crl.der"),
                 pck_crl_chain=read("pck_crl_issuer_chain.pem"), root_crl=read("root_ca_crl.der"))


def subject_of(pem):
    from cryptography import x509
    return x509.load_pem_x509_certificate(pem).subject.rfc4514_string()


def encoded(pem):
    return urllib.parse.quote(pem.decode())


def intel_reply(items, version, tee, path, query):
    """One request below /TEE/certification/vN; None: 404."""
    if tee == "tdx" and version == "3":
        return None
    if path == "tcb" and tee == items.tee and query.get("fmspc", "").lower() == items.fmspc.lower():
        return Reply(200, "application/json", items.tcb_info, {TCB[version]: encoded(items.tcb_chain)})
    if path == "qe/identity" and tee == items.tee:
        return Reply(200, "application/json", items.qe_identity, {QE: encoded(items.qe_chain)})
    if path == "pckcrl" and query.get("ca") == items.ca:
        if query.get("encoding") != "der":
            return Reply(400, "text/plain", b"")
        return Reply(200, "application/pkix-crl", items.pck_crl, {PCK_CRL: encoded(items.pck_crl_chain)})
    return None


class Service:
    """What is served. kind: "pcs", "pccs" (also rootcacrl, in hex) or "kds"; amd: {path with query: Reply}."""

    def __init__(self, kind, items=None, amd=None):
        self.kind, self.items, self.amd = kind, items, amd or {}

    def reply(self, target):
        parts = urllib.parse.urlsplit(target)
        query = dict(urllib.parse.parse_qsl(parts.query))
        words = parts.path.strip("/").split("/")
        if self.kind == "kds":
            return self.amd.get(target)
        if self.kind == "pcs" and parts.path == "/IntelSGXRootCA.der":
            return Reply(200, "application/pkix-crl", self.items.root_crl)
        if len(words) < 4 or words[0] not in ("sgx", "tdx") or words[1] != "certification":
            return None
        if self.kind == "pccs" and words[3:] == ["rootcacrl"] and words[0] == "sgx":
            return Reply(200, "application/x-pem-file", self.items.root_crl.hex().encode())
        return intel_reply(self.items, words[2].lstrip("v"), words[0], "/".join(words[3:]), query)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # head and body in one segment: else each waits for the other side's delayed ACK
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def do_GET(self):
        server = self.server.owner
        with server.lock:
            server.requests.append(self.path)
            fault = server.faults.popleft() if server.faults else server.always
        reply = server.service.reply(self.path) or Reply(404, "text/plain", b"nothing")
        try:
            (fault or Handler.send)(self, reply)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def send(self, reply, length=None):
        self.send_response(reply.status)
        for name, value in {"Content-Type": reply.type, **reply.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body) if length is None else length))
        self.end_headers()
        self.wfile.write(reply.body)


# ---- faults: each takes the handler and what it would have said ----

def slow(seconds):
    def fault(handler, reply):
        handler.server.owner.stopping.wait(seconds)
        handler.send(reply)
    return fault


def trickle(handler, reply):
    """A byte now and then, for ever."""
    handler.send(reply._replace(body=b""), length=len(reply.body))
    for byte in reply.body:
        if handler.server.owner.stopping.wait(0.05):
            break
        handler.wfile.write(bytes([byte]))
        handler.wfile.flush()
    handler.close_connection = True


def truncated(handler, reply):
    handler.send(reply._replace(body=reply.body[:len(reply.body) // 2]), length=len(reply.body))
    handler.close_connection = True


def status(code, **headers):
    def fault(handler, _):
        handler.send(Reply(code, "text/plain", b"no", {name.replace("_", "-"): value for name, value in headers.items()}))
    return fault


def changed(**change):
    """The reply with other members."""
    def fault(handler, reply):
        handler.send(reply._replace(**{name: value(getattr(reply, name)) if callable(value) else value
                                       for name, value in change.items()}))
    return fault


def dropped(handler, _):
    handler.close_connection = True
    handler.connection.close()


class Server:
    """Runs until closed. faults: for the next requests, in turn; always: for all others. requests: what was asked."""

    def __init__(self, service, tls=None):
        self.service, self.faults, self.always, self.requests = service, collections.deque(), None, []
        self.lock, self.stopping = threading.Lock(), threading.Event()
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.http.owner = self
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*map(str, tls))
            self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        self.url = f"{'https' if tls else 'http'}://localhost:{self.http.server_address[1]}"
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.stopping.set()
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()


class Tool:
    """test/support/collateral_tool with its standing arguments."""

    def __init__(self, build, **arguments):
        self.program, self.arguments = str(pathlib.Path(build) / "test/support/collateral_tool"), arguments

    def argv(self, **more):
        return [self.program] + [f"{name}={value}" for name, value in {**self.arguments, **more}.items()
                                 if value is not None]

    def __call__(self, **more):
        """The one answer as a dict; a crash is none."""
        done = subprocess.run(self.argv(**more), capture_output=True, timeout=60)
        assert done.returncode in (0, 1), done.stderr.decode()
        lines = [json.loads(line) for line in done.stdout.decode().splitlines()]
        return lines[0] if len(lines) == 1 else lines

    def start(self, **more):
        return subprocess.Popen(self.argv(**more), stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def wait_for(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
