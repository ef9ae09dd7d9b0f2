# SPDX-License-Identifier: Apache-2.0
"""msed as an operator meets it: init, restart, expiry, a full disk, a second msed, a newer database, stop-all."""
import http.client
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import time

import pytest

import apiclient
import testcloud
from test_cloud_apps import deployed, token_of, wait_gone, wait_status


@pytest.fixture(scope="module")
def node(build, cloud, bills):
    """A cloud of this file's own that takes its image from the shared one."""
    new = testcloud.Cloud(build, bills=bills)
    new.clock = new.folder / "clock"
    try:
        new.init("--images-from", cloud.data, "--image", "mse-flask:20261122")
        start(new)
        yield new
    finally:
        log = new.log_text()
        left = new.remove()
    assert left == [], f"{left}\n{log[-2000:]}"


@pytest.fixture
def own(node):
    """The node with msed up, the right time, and no active app."""
    node.clock.unlink(missing_ok=True)
    if node.msed.poll() is not None:
        start(node)
    api = client_of(node)
    for app in api.get("/apps?status=spawning,initializing,running").json:
        api.ask("POST", f"/apps/{app['id']}/stop")
        wait_status(api, app["id"], "stopped", "on_error")
    return node


def start(cloud):
    """As Cloud.start, with a clock that the test can move."""
    with open(cloud.folder / "msed.log", "ab") as log:
        cloud.msed = subprocess.Popen([cloud.program("msed"), "--data-dir", cloud.data, "--clock-file", cloud.clock],
                                      env=cloud.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    cloud.wait_healthy()


def client_of(cloud):
    return apiclient.Client(cloud, token_of(cloud))


def msed(cloud, *arguments, **options):
    return testcloud.run([cloud.program("msed"), *arguments], env=cloud.env, **options)


def test_expiry_stops_an_app_and_logs_stay_four_days(own):
    """A second app, an hour ahead, tells when msed has looked at the clock."""
    api = client_of(own)
    app = deployed(api)
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3 * 3600))
    first = deployed(api, name="first", hardware="2g-eu-001", expires_at=soon)
    for one in (app, first):
        wait_status(api, one["id"], "initializing")
    own.clock.write_text(str(4 * 3600 - 120))
    wait_status(api, first["id"], "stopped", seconds=10)
    assert api.get(f"/apps/{app['id']}").json["status"] == "initializing"
    own.clock.write_text(str(4 * 3600 + 1))
    ended = wait_status(api, app["id"], "stopped", seconds=10)
    assert ended["reason"] == "expired"
    folder = own.data / "apps" / app["id"]
    assert wait_gone(folder / "code") and (folder / "log").exists()
    own.clock.write_text(str(4 * 3600 + 4 * 86400 - 60))
    assert wait_gone(own.data / "apps" / first["id"])
    assert "mse-enclave" in api.get(f"/apps/{app['id']}/logs").json["stdout"]
    own.clock.write_text(str(4 * 3600 + 4 * 86400 + 60))
    assert wait_gone(folder)
    assert api.get(f"/apps/{app['id']}/logs").json["stdout"] == ""


def test_apps_outlive_msed(own):
    api = client_of(own)
    app = deployed(api)
    wait_status(api, app["id"], "initializing")
    for how in (signal.SIGTERM, signal.SIGKILL):
        own.kill(how)
        assert answers(own, app["domain_name"])
        start(own)
        assert api.get(f"/apps/{app['id']}").json["status"] == "initializing"


def answers(cloud, name):
    """Whether the enclave's own TLS answers behind the public port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", cloud.port), timeout=10) as raw, \
            context.wrap_socket(raw, server_hostname=name) as tls:
        tls.sendall(f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
        return b"Mse-Status: Waiting" in tls.recv(4096)


def dial(cloud, name):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cloud.ca)
    raw = socket.create_connection(("127.0.0.1", cloud.port), timeout=10)
    return context.wrap_socket(raw, server_hostname=name)


def shown(cloud, name):
    with dial(cloud, name) as tls:
        return tls.getpeercert(True)


def is_answered(tls, name, path):
    tls.sendall(f"GET {path} HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
    return tls.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_certificates_are_renewed_while_msed_serves(own):
    """Made an hour before now, they are not valid yet for who lives two hours ago: due, as near their end."""
    api = client_of(own)
    app = deployed(api, dev_mode=True)
    wait_status(api, app["id"], "initializing")
    names = {f"api.{own.base_domain}": "/healthz", app["domain_name"]: "/"}
    old = {name: shown(own, name) for name in names}
    held = {name: dial(own, name) for name in names}
    own.clock.write_text(str(-2 * 3600))
    until = time.monotonic() + 20
    while any(shown(own, name) == old[name] for name in names):
        assert time.monotonic() < until, own.log_text()[-2000:]
        time.sleep(0.05)
    for name, path in names.items():
        assert is_answered(held[name], name, path), name
        held[name].close()
        with dial(own, name) as tls:
            assert is_answered(tls, name, path), name
    assert own.log_text().count("certificate_renewed") == 1


def test_what_happened_while_msed_was_away_is_found(own):
    api = client_of(own)
    app = deployed(api)
    wait_status(api, app["id"], "initializing")
    own.kill()
    for pid, command in testcloud.processes_of(own.folder):
        if app["id"] in command and pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == "bwrap":
            os.kill(pid, signal.SIGKILL)
            break
    start(own)
    assert wait_status(api, app["id"], "on_error")["reason"]


def test_a_stopped_app_does_not_come_back(own):
    api = client_of(own)
    app = deployed(api)
    wait_status(api, app["id"], "initializing")
    api.ask("POST", f"/apps/{app['id']}/stop")
    wait_status(api, app["id"], "stopped")
    own.kill()
    start(own)
    other = deployed(api)  # by the time it is up, msed has looked at every app
    wait_status(api, other["id"], "initializing")
    assert api.get(f"/apps/{app['id']}").json["status"] == "stopped"
    assert not [c for _, c in testcloud.processes_of(own.folder) if app["id"] in c]


def test_half_an_upload_is_swept_at_the_next_start(own):
    token = token_of(own)
    context = ssl.create_default_context(cafile=str(own.ca))
    name = f"api.{own.base_domain}"
    raw = socket.create_connection(("127.0.0.1", own.port))
    with context.wrap_socket(raw, server_hostname=name) as tls:
        tls.sendall((f"POST /apps HTTP/1.1\r\nHost: {name}\r\nAuthorization: Bearer {token}\r\nContent-Length: 100000\r\n"
                     "Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\nContent-Disposition: form-data; "
                     'name="code"\r\n\r\n' + "x" * 5000).encode())
        until = time.monotonic() + 10
        while not list((own.data / "tmp").iterdir()) and time.monotonic() < until:
            time.sleep(0.02)
        assert list((own.data / "tmp").iterdir())
        own.kill()
    (own.data / "apps" / "11111111-1111-4111-8111-111111111111").mkdir()
    start(own)
    assert list((own.data / "tmp").iterdir()) == []
    assert not (own.data / "apps" / "11111111-1111-4111-8111-111111111111").exists()


def test_a_second_msed_is_refused(own):
    result = msed(own, "--data-dir", own.data, check=False)
    assert result.returncode == 1 and "another msed serves" in result.stderr
    result = msed(own, "stop-all", "--data-dir", own.data, check=False)
    assert result.returncode == 1 and "another msed serves" in result.stderr


def test_stop_all_ends_everything(own):
    api = client_of(own)
    app = deployed(api)
    wait_status(api, app["id"], "initializing")
    own.kill(signal.SIGTERM)
    msed(own, "stop-all", "--data-dir", own.data)
    until = time.monotonic() + 10
    while testcloud.processes_of(own.folder) and time.monotonic() < until:
        time.sleep(0.05)
    assert testcloud.processes_of(own.folder) == []
    start(own)
    ended = api.get(f"/apps/{app['id']}").json
    assert (ended["status"], ended["reason"]) == ("stopped", "stopped by msed stop-all")


def test_a_newer_database_is_refused_and_left_alone(own):
    own.kill(signal.SIGTERM)
    with sqlite3.connect(own.data / "cloud.db") as database:
        database.execute("INSERT INTO db_migrations VALUES (999, '0999_future', '9.9', 0)")
    result = msed(own, "--data-dir", own.data, check=False)
    assert result.returncode == 1 and "newer than this program" in result.stderr and "0999_future" in result.stderr
    with sqlite3.connect(own.data / "cloud.db") as database:
        database.execute("DELETE FROM db_migrations WHERE number = 999")
    start(own)


def test_a_broken_pair_of_certificate_and_key_is_made_anew(own):
    own.kill(signal.SIGTERM)
    shutil.copy(own.data / "tls" / "token.key", own.data / "tls" / "api.key")
    start(own)
    assert "certificate_made_anew" in own.log_text()


def test_a_full_disk_is_one_clean_error(build, cloud):
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    small = testcloud.Cloud(build)
    small.data.mkdir()
    testcloud.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", small.data])
    try:
        (small.data / "x").write_bytes(b"")
        result = msed(small, "init", "--data-dir", small.data / "d", "--engine", "fake", "--password-stdin",
                      "--public-port", small.port, stdin="a long password here\n")
        small.data = small.data / "d"
        api = FakeEngineClient(small)
        try:
            answer = api.upload_zeros(9 << 20)
            assert answer.status == 507 and answer.json["message"] == "the cloud's disk is full", answer
            assert list((small.data / "tmp").iterdir()) == [] and list((small.data / "apps").iterdir()) == []
            assert api.get("/healthz").status == 200
        finally:
            api.close()
        assert result.returncode == 0
    finally:
        testcloud.run(["umount", small.data.parent])
        shutil.rmtree(small.folder)


class FakeEngineClient:
    """msed with the fake engine has no proxy: it is spoken to on its own socket."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.log = open(cloud.folder / "msed.log", "ab")
        self.process = subprocess.Popen([cloud.program("msed"), "--data-dir", cloud.data], stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log)
        self.token = token_of(cloud, "admin@localhost")
        until = time.monotonic() + 20
        while time.monotonic() < until and not self.is_up():
            time.sleep(0.05)

    def is_up(self):
        try:
            return self.get("/healthz").status == 200
        except OSError:
            return False

    def ask(self, head, body=b""):
        name = f"api.{self.cloud.base_domain}"
        context = ssl.create_default_context(cafile=str(self.cloud.ca))
        raw = socket.socket(socket.AF_UNIX)
        raw.settimeout(30)
        raw.connect(str(self.cloud.data / "run" / "api.sock"))
        with context.wrap_socket(raw, server_hostname=name) as tls:
            try:
                tls.sendall(head.replace("HOST", name).replace("TOKEN", self.token).encode())
                for piece in body:
                    tls.sendall(piece)
            except OSError:
                pass  # refused in the middle: the answer says why
            response = http.client.HTTPResponse(tls)
            response.begin()
            return apiclient.Answer(response)

    def get(self, path):
        return self.ask(f"GET {path} HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer TOKEN\r\nConnection: close\r\n\r\n")

    def upload_zeros(self, size):
        begin = '--b\r\nContent-Disposition: form-data; name="code"\r\n\r\n'
        head = (f"POST /apps HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer TOKEN\r\nContent-Length: {len(begin) + size}"
                "\r\nContent-Type: multipart/form-data; boundary=b\r\nConnection: close\r\n\r\n" + begin)
        return self.ask(head, (bytes(65536) for _ in range(size // 65536)))

    def close(self):
        self.process.terminate()
        self.process.wait(20)
        self.log.close()


def init(build, folder, *more, check=False, stdin="a long password here\n"):
    env = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    return testcloud.run([build / "msed", "init", "--engine", "fake", "--password-stdin", *more], env=env, check=check,
                         stdin=stdin)


def test_init_makes_all_or_nothing(build, tmp_path_factory):
    folder = pathlib.Path(testcloud.tempfile.mkdtemp(prefix="mse-"))
    try:
        good = init(build, folder, "--data-dir", folder / "d")
        assert good.returncode == 0 and "mse cloud trust add" in good.stdout
        assert sorted(p.name for p in folder.iterdir()) == ["d"]
        for secret in ("tls/ca.key", "tls/api.key", "tls/token.key", "cloud.db", "msed.toml"):
            assert (folder / "d" / secret).stat().st_mode & 0o077 == 0, secret
        again = init(build, folder, "--data-dir", folder / "d")
        assert again.returncode == 1 and "already" in again.stderr
        (folder / "full").mkdir()
        (folder / "full" / "file").write_text("x")
        assert "not empty" in init(build, folder, "--data-dir", folder / "full").stderr
        assert "characters" in init(build, folder, "--data-dir", folder / ("x" * 70)).stderr
        assert "e-mail" in init(build, folder, "--data-dir", folder / "e", "--admin", "nobody").stderr
        assert "10 to" in init(build, folder, "--data-dir", folder / "p", stdin="short\n").stderr
        assert "--public-port" in init(build, folder, "--data-dir", folder / "q", "--public-port", "70000").stderr
        assert "--base-domain" in init(build, folder, "--data-dir", folder / "r", "--base-domain", "A b").stderr
        assert sorted(p.name for p in folder.iterdir()) == ["d", "full"]
    finally:
        shutil.rmtree(folder)


def test_wrong_command_lines_are_one_sentence(build):
    for arguments in (["--nothing"], ["init"], ["user"], ["--data-dir"], ["--data-dir", "/nonexistent"],
                      ["token", "create", "--data-dir", "/x", "--user", "a@b", "--expires-in", "0"]):
        result = testcloud.run([build / "msed", *arguments], check=False)
        assert result.returncode == 1 and result.stderr.startswith("msed: ") and result.stderr.count("\n") == 1
    assert testcloud.run([build / "msed", "--version"]).stdout.startswith("msed ")
    assert "token create" in testcloud.run([build / "msed", "--help"]).stdout


def test_images_from_another_cloud_are_checked(build, cloud):
    folder = pathlib.Path(testcloud.tempfile.mkdtemp(prefix="mse-"))
    try:
        shutil.copytree(cloud.data / "images" / "mse-flask:20261122", folder / "images" / "mse-flask:20261122",
                        symlinks=True)
        victim = folder / "images" / "mse-flask:20261122" / "root" / "usr/lib/python3.11/json/__init__.py"
        victim.chmod(0o644)
        victim.write_bytes(victim.read_bytes() + b"#")
        refused = init(build, folder, "--data-dir", folder / "d", "--images-from", folder / "images")
        assert refused.returncode == 1 and "json/__init__.py' differs from its bill" in refused.stderr
        assert not (folder / "d").exists()
    finally:
        testcloud.run(["chmod", "-R", "u+w", folder])
        shutil.rmtree(folder)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("point", ["signin-code-take", "signin-refresh-rotate"])
def test_a_kill_at_a_commit_of_the_sign_in(own, point, when):
    """What was taken stays taken, what was not can be used; nobody gets two tokens for one."""
    from test_cloud_signin import Flow, refresh
    client = apiclient.Client(own)
    flow = Flow(client)
    code = flow.code()
    token = None if "code" in point else flow.tokens(code).json["refresh_token"]
    own.kill()
    own.start(env={"MSED_FAULT": f"{point}:{when}:1"})
    ask = (lambda: flow.tokens(code)) if token is None else (lambda: refresh(client, token))
    with pytest.raises((OSError, http.client.HTTPException)):
        ask()
    assert own.msed.wait(10) == -signal.SIGKILL
    start(own)
    again = ask()
    assert again.status == (200 if when == "before" else 400), again
