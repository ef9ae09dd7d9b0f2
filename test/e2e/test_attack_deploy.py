# SPDX-License-Identifier: Apache-2.0
"""The host against the owner during `mse cloud deploy`: a real cloud whose app socket the attacker has taken
(attached-channel sections 6 and 11; docs/testing-channel.md)."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import threading
import time
import tomllib

import pytest

import attackers
import testenclave

PROXY_HEAD = 16
FROM_CLIENT = 0x21  # PROXY v2, command PROXY; msed's own probes are LOCAL


def app_of(cloud, sock):
    """The folder of the app whose folder in run/ is named by the first hex digits of its uuid."""
    return next(entry for entry in (cloud.data / "apps").iterdir()
                if entry.name.replace("-", "").startswith(sock.parent.name))


class Socket:
    """Takes the place of each new app socket. attack(connection, number, real) gets the clients' connections."""

    def __init__(self, cloud, attack):
        self.cloud, self.attack = cloud, attack
        self.known = set(self.sockets())
        self.ends, self.clients, self.app = False, 0, None
        self.listener = None
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def sockets(self):
        return (self.cloud.data / "run").glob("*/app.sock")

    def _watch(self):
        while not self.ends:
            for path in set(self.sockets()) - self.known:
                self._take(path)
            time.sleep(0.002)

    def _take(self, path):
        mode = path.stat()
        real = path.with_name("real.sock")
        path.rename(real)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        os.chown(path, mode.st_uid, mode.st_gid)
        path.chmod(mode.st_mode & 0o777)
        self.listener.listen(64)
        self.known.add(path)
        self.app = app_of(self.cloud, path)
        threading.Thread(target=self._accept, args=(self.listener, real), daemon=True).start()

    def _accept(self, listener, real):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection, real), daemon=True).start()

    def _serve(self, connection, real):
        with contextlib.suppress(OSError, ValueError), connection:
            head = connection.recv(PROXY_HEAD, socket.MSG_PEEK | socket.MSG_WAITALL)
            if len(head) == PROXY_HEAD and head[12] == FROM_CLIENT:
                self.clients += 1
                self.attack(connection, self.clients, real)
            else:
                join(connection, real)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ends = True
        self.thread.join()
        if self.listener:
            with contextlib.suppress(OSError):
                self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()


def dial(path):
    upstream = socket.socket(socket.AF_UNIX)
    upstream.connect(str(path))
    return upstream


def join(connection, path):
    with dial(path) as upstream:
        back = threading.Thread(target=attackers.pump, args=(upstream, connection), daemon=True)
        back.start()
        attackers.pump(connection, upstream)
        back.join()


def skip_proxy_header(connection):
    head = connection.recv(PROXY_HEAD, socket.MSG_WAITALL)
    connection.recv(int.from_bytes(head[14:16], "big"), socket.MSG_WAITALL)


@pytest.fixture
def folder(cloud, project):
    """A project to deploy; whatever app comes of it is stopped."""
    yield project(cloud)
    for app in cloud.mse_json("list")["apps"]:
        cloud.mse("stop", app["id"], "-y", check=False)


def deploy(cloud, folder, attack):
    with Socket(cloud, attack) as taken:
        result = cloud.mse("deploy", cwd=folder, check=False)
    result.text = result.stdout + result.stderr
    return result, taken


def log_of(taken):
    return (taken.app / "log").read_text(errors="replace")


def tickets(cloud, app):
    """Every ticket for the app that the owner's client has written down."""
    found = set()
    for path in pathlib.Path(cloud.env["MSE_CONF_PATH"]).rglob("*"):
        text = path.read_text(errors="replace") if path.is_file() else ""
        if app in text:
            found.update(re.findall(r'^ticket = "(.*)"$', text, re.M))
    return found


class Twin:
    """The host's second copy of the app that is being deployed: same measurement, same document, other keys."""

    def __init__(self, cloud):
        self.cloud, self.enclave, self.lock = cloud, None, threading.Lock()

    def path(self, real):
        """Its socket; real: that of the first, whose files it copies."""
        with self.lock:
            if not self.enclave:
                self._start(app_of(self.cloud, real))
        return self.enclave.dir / "run/app.sock"

    def is_left_alone(self):
        """It was met, and got neither keys nor a ticket."""
        return (self.enclave.get().headers["Mse-Status"] == "Waiting"
                and "provision" not in self.enclave.log_text())

    def _start(self, app):
        enclave = testenclave.Enclave(self.cloud.build)
        enclave.tee = attackers.Tee(attackers.Vendor(self.cloud.build, folder=self.cloud.data / "sim"))
        manifest = tomllib.loads((app / "manifest.toml").read_text())
        enclave.tee.mrenclave = bytes.fromhex(json.loads(self.cloud.mse("status", app.name, "--json").stdout)["fingerprint"])
        for name in ("MSE_OWNER_KEY", "MSE_CODE_KEY_ID", "MSE_APPLICATION", "MSE_RESTART"):
            enclave.env[name] = manifest["loader"]["env"][name]
        enclave.instance = json.loads((app / "instance/instance.json").read_text())
        enclave.write_instance()
        self.enclave = enclave.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.enclave:
            self.enclave.remove()
            self.enclave.tee.vendor.close()


# ---- the control ----

def test_a_socket_that_only_passes_on(cloud, folder):
    result, taken = deploy(cloud, folder, lambda connection, _, real: join(connection, real))
    assert result.returncode == 0, result.text
    assert taken.clients >= 2, "role 1, and role 2 on a connection of its own"


# ---- 20, 21: the owner is met by somebody who ends TLS ----

def test_nothing_is_sent_to_who_ends_tls(cloud, folder):
    log = []

    def attack(connection, _, real):
        skip_proxy_header(connection)
        context = attackers.server_context(*attackers.make_certificate("whatever"))
        with context.wrap_socket(connection, server_side=True) as tls:
            seen = bytearray()
            log.append(seen)
            head, body = attackers.read_request(tls, seen)
            with dial(real) as raw:
                ours = attackers.ssl.SSLContext(attackers.ssl.PROTOCOL_TLS_CLIENT)
                ours.check_hostname, ours.verify_mode = False, attackers.ssl.CERT_NONE
                with ours.wrap_socket(raw, server_hostname="x") as upstream:
                    upstream.sendall(head + b"\r\n\r\n" + body)
                    answer = b""
                    while b"\r\n\r\n" not in answer or len(answer) < 4000:
                        answer += upstream.recv(65536)
                    tls.sendall(answer)
            with contextlib.suppress(OSError):
                while piece := tls.recv(65536):
                    seen += piece
    result, taken = deploy(cloud, folder, attack)
    assert result.returncode == 1 and "tls-key" in result.text, result.text
    assert len(log) >= 1
    for seen in log:
        assert seen.startswith(b"POST /.well-known/mse/attestation HTTP/1.1\r\n")
        assert b"code_secret_key" not in seen and b"Mse-Ticket" not in seen and seen.count(b"HTTP/1.1") == 1
    assert "provision" not in log_of(taken)


# ---- 13: the swallowed 200 ----

EVIDENCE_SIZE = 12000  # handshake (one certificate with its quote) and attestation answer (two quotes) have more


class Line:
    """Passes on until the owner's keys were sent, and cuts the line when the answer to them comes."""

    def __init__(self):
        self.has_cut = False

    def join(self, connection, real):
        with dial(real) as upstream:
            state = {"back": 0, "posted": False}

            def back():
                with contextlib.suppress(OSError):
                    while piece := upstream.recv(65536):
                        if state["posted"]:
                            self.has_cut = True
                            break
                        state["back"] += len(piece)
                        connection.sendall(piece)
                for end in (connection, upstream):
                    with contextlib.suppress(OSError):
                        end.shutdown(socket.SHUT_RDWR)
            thread = threading.Thread(target=back, daemon=True)
            thread.start()
            with contextlib.suppress(OSError):
                while piece := connection.recv(65536):
                    state["posted"] = state["back"] > EVIDENCE_SIZE
                    upstream.sendall(piece)
            thread.join()


def test_swallowed_answer_is_found_again(cloud, folder):
    """The owner's client signs no second ticket: it asks the same identity and finds its ticket there."""
    line = Line()

    def attack(connection, number, real):
        line.join(connection, real) if number == 1 else join(connection, real)
    result, taken = deploy(cloud, folder, attack)
    assert line.has_cut and result.returncode == 0, result.text
    assert log_of(taken).count("provision") == 1, "asked once, taken once"
    assert len(tickets(cloud, taken.app.name)) == 1


def test_swallowed_answer_and_a_twin(cloud, folder):
    """The next connection meets a twin that waits for keys: it gets none, and no ticket."""
    line = Line()
    with Twin(cloud) as twin:
        def attack(connection, number, real):
            line.join(connection, real) if number == 1 else join(connection, twin.path(real))
        result, _ = deploy(cloud, folder, attack)
        assert line.has_cut and result.returncode == 1, result.text
        assert twin.is_left_alone(), twin.enclave.log_text()


# ---- 19: the second connection ----

def test_role_2_is_attested_on_its_own_connection(cloud, folder):
    """Keys went to the right enclave; the next connection is led to a twin."""
    with Twin(cloud) as twin:
        result, _ = deploy(cloud, folder, lambda connection, number, real: join(
            connection, real if number == 1 else twin.path(real)))
        assert result.returncode == 1 and "role: the enclave says role 1, expected 2" in result.text, result.text
        assert twin.is_left_alone(), twin.enclave.log_text()


# ---- section 6, step 1: what the operator's API says ----

class ApiLiar:
    """The operator's API, by its own key, with texts exchanged in both directions."""

    def __init__(self, cloud, to_client):
        self.path = cloud.data / "run/api.sock"
        self.real = self.path.with_name("api-real.sock")
        self.tls = attackers.ssl.SSLContext(attackers.ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(cloud.data / "tls/api.pem", cloud.data / "tls/api.key")
        self.upstream = attackers.ssl.SSLContext(attackers.ssl.PROTOCOL_TLS_CLIENT)
        self.upstream.load_verify_locations(cloud.ca)
        self.name, self.to_client = f"api.{cloud.base_domain}", to_client

    def __enter__(self):
        self.path.rename(self.real)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        self.listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.real.rename(self.path)

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self._serve, args=(self.listener.accept()[0],), daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(OSError), connection, dial(self.real) as raw:
            skip_proxy_header(connection)
            with self.tls.wrap_socket(connection, server_side=True) as tls, \
                    self.upstream.wrap_socket(raw, server_hostname=self.name) as upstream:
                threading.Thread(target=self._back, args=(upstream, tls), daemon=True).start()
                attackers.pump(tls, upstream)

    def _back(self, upstream, tls):
        with contextlib.suppress(OSError):
            while piece := upstream.recv(65536):
                tls.sendall(self.to_client(piece))
            tls.shutdown(socket.SHUT_RDWR)


def test_a_uuid_is_given_once(cloud, folder, tmp_path):
    """The cloud answers a second deployment with the uuid of the first: no second identity for it."""
    first = cloud.mse_json("deploy", cwd=folder)["id"]
    context = pathlib.Path(cloud.env["MSE_CONF_PATH"]) / "context" / first
    shutil.copytree(context, tmp_path / "kept")
    cloud.mse("stop", first, "-y")  # makes room, but takes the context away
    shutil.copytree(tmp_path / "kept", context)

    def lie(piece):
        found = re.search(rb'"id": ?"([0-9a-f-]{36})"', piece)
        if b"instance" in piece and b"fingerprint" in piece and found:
            return piece.replace(found[1], first.encode())
        return piece
    before = tickets(cloud, first)
    with ApiLiar(cloud, lie):
        result = cloud.mse("deploy", cwd=folder, check=False)
        after = tickets(cloud, first)
        shutil.rmtree(context)
    text = result.stdout + result.stderr
    assert result.returncode == 1 and f"uuid of an app that is known already: {first}" in text, text
    assert after == before and len(before) == 1
    assert "Attesting" not in text


@pytest.mark.parametrize("old, new, wanted", [
    (rb'\\"tls\\":\\"self\\"', rb'\"tls\":\"acme\"', "the cloud wrote another instance document"),
    (rb'\\"log_key\\":\\"[0-9a-f]{4}', rb'\"log_key\":\"0000', "the cloud wrote another instance document"),
    (rb'"fingerprint": ?"[0-9a-f]{4}', rb'"fingerprint":"0000', "measurement: the cloud started 0000"),
])
def test_another_document_than_the_owner_expects(cloud, folder, old, new, wanted):
    """Refused before anything is attested or sent."""
    with ApiLiar(cloud, lambda piece: re.sub(old, lambda _: new, piece)):
        result = cloud.mse("deploy", cwd=folder, check=False)
    text = result.stdout + result.stderr
    assert result.returncode == 1 and wanted in text, text
    assert "Attesting" not in text
