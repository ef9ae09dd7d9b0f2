# SPDX-License-Identifier: Apache-2.0
"""Kill msed at chosen or random moments and look whether every app is where its owner would expect it."""
import contextlib
import json
import os
import pathlib
import signal
import socket
import sqlite3
import subprocess
import threading
import time

import testcloud

ACTIVE = {"spawning", "initializing", "running"}
SETTLE_SECONDS = 30


class Supervisor:
    """Starts msed again whenever it ends, as systemd would; arms the fault only for the first run."""

    def __init__(self, cloud, fault=None):
        self.cloud = cloud
        self.deaths = 0
        self.done = threading.Event()
        cloud.start(env={"MSED_FAULT": fault} if fault else None, wait=not fault)
        try:
            cloud.wait_healthy()
        except testcloud.Failed:
            pass  # it died at a point that every start passes: the thread below starts it again
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()

    def watch(self):
        while not self.done.is_set():
            try:
                self.cloud.msed.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
            if not self.done.is_set():
                self.deaths += 1
                self.cloud.start(wait=False)

    def close(self):
        self.done.set()
        self.thread.join()


class Poller:
    """Asks a running app again and again; every answer but the right one is kept."""

    def __init__(self, cloud, app, certificate):
        self.cloud, self.url, self.certificate = cloud, f"https://{app['domain_name']}:{cloud.port}/", certificate
        self.asked, self.failures, self.done = 0, [], threading.Event()
        self.thread = threading.Thread(target=self.poll)
        self.thread.start()

    def poll(self):
        while not self.done.is_set():
            answer = self.cloud.curl(self.url, cacert=self.certificate, check=False)
            self.asked += 1
            if answer.returncode != 0 or answer.stdout != "Hello world":
                self.failures.append((answer.returncode, answer.stdout, answer.stderr))
            time.sleep(0.05)

    def close(self):
        self.done.set()
        self.thread.join()


def wait_until(is_true):
    until = time.monotonic() + SETTLE_SECONDS
    while not is_true():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.02)


def wait_up(cloud):
    """Waits until the API answers, whatever dies and is started again meanwhile."""
    wait_until(lambda: cloud.curl(f"{cloud.url}/healthz", check=False).returncode == 0)


def wait_uploads_over(cloud):
    """Waits until msed works on no upload any more: from then on no app comes of one."""
    cloud.mse("list")
    wait_until(lambda: not any((cloud.data / "tmp").iterdir()))


@contextlib.contextmanager
def database(cloud, mode="ro"):
    """A connection to the cloud's database beside msed's own; what was changed is committed at the end."""
    with contextlib.closing(sqlite3.connect(f"file:{cloud.data / 'cloud.db'}?mode={mode}", uri=True, timeout=10)) as open_one:
        yield open_one
        open_one.commit()


def apps_in_store(cloud):
    with database(cloud) as store:
        return dict(store.execute("SELECT id, status FROM apps"))


def sandboxes(cloud):
    """uuids of the apps that have an enclave process."""
    found = []
    for pid, _ in testcloud.processes_of(cloud.folder):
        try:
            if pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == "bwrap":
                found.append(pid)
        except OSError:
            continue
    with_app = []
    for app in (cloud.data / "apps").iterdir():
        if any(str(app).encode() in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes() for pid in found):
            with_app.append(app.name)
    return with_app


def ask_socket(path, request):
    """All that a server on a unix socket answers to one request."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(path))
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode()


def running_in_engine(cloud):
    """uuids of what mse-sim says is starting or running."""
    answer = json.loads(ask_socket(cloud.data / "run" / "sim.sock", b'{"op":"list"}\n'))
    return {app["uuid"] for app in answer["apps"] if app["state"] != "exited"}


def routed(cloud):
    """Domains that the running haproxy leads somewhere."""
    names = set()
    for kind in ("apps", "ends"):
        text = ask_socket(cloud.data / "run" / "haproxy.sock", f"show map {cloud.data}/haproxy/{kind}.map\n".encode())
        names |= {line.split()[1] for line in text.splitlines() if line.startswith("0x")}
    return names


def app_rows(cloud):
    with database(cloud) as store:
        return store.execute("SELECT id, status, domain_name, config_domain_name FROM apps").fetchall()


def compare(what, seen, wanted):
    """Sentences about every difference between two sets."""
    return [f"{what} without an active app: {x}" for x in sorted(seen - wanted)] + \
           [f"active app without {what}: {x}" for x in sorted(wanted - seen)]


def wrong_folders(cloud, rows):
    """What lies below apps/ and run/ against what the store says; the log and the manifest of an ended app may stay."""
    wrong = [f"folder of an app that the store does not know: {p.name}" for p in (cloud.data / "apps").iterdir()
             if p.name not in {row[0] for row in rows}]
    for app_id, status, *_ in rows:
        folder = cloud.data / "apps" / app_id
        left = {p.name for p in folder.iterdir()} & {"code", "code.tar", "instance", "state"} if folder.exists() else set()
        if status in ACTIVE and not {"code", "instance"} <= left:
            wrong.append(f"{app_id}: {status} with {sorted(left)} only")
        if status not in ACTIVE and left:
            wrong.append(f"{app_id}: {status}, and {sorted(left)} are still there")
    return wrong


def invariants(cloud):
    """A list of what is wrong; empty when store, engine, processes, sockets, proxy and folders agree."""
    rows = app_rows(cloud)
    active = {row[0] for row in rows if row[1] in ACTIVE}
    domains = {name for row in rows if row[1] in ACTIVE for name in row[2:]}
    sockets = {p.parent.name for p in (cloud.data / "run").glob("*/app.sock")}
    return (compare("sandbox", set(sandboxes(cloud)), active) + compare("enclave", running_in_engine(cloud), active) +
            compare("route", routed(cloud), domains) +
            compare("socket", sockets, {app.replace("-", "")[:16] for app in active}) + wrong_folders(cloud, rows) +
            [f"left in tmp: {p.name}" for p in (cloud.data / "tmp").iterdir()])


def settle(cloud):
    """Waits until msed answers and nothing is wrong; returns what still is at the end."""
    until = time.monotonic() + SETTLE_SECONDS
    wrong = ["not looked at"]
    while wrong and time.monotonic() < until:
        time.sleep(0.1)
        try:
            cloud.wait_healthy()
            wrong = invariants(cloud)
        except (testcloud.Failed, OSError, ValueError, sqlite3.Error) as error:
            wrong = [str(error)]
    return wrong


def deploy_through(cloud, folder):
    """deploy -y while msed may die; returns the app on success, None on a clean failure."""
    result = cloud.mse("deploy", "-y", "--json", cwd=folder, check=False)
    assert result.returncode in (0, 1), result.stderr
    if result.returncode == 0:
        return json.loads(result.stdout)
    assert result.stderr.strip(), "failed without a word"
    return None


def check_outcome(cloud, app):
    wrong = settle(cloud)
    assert wrong == [], wrong
    if app:
        assert apps_in_store(cloud)[app["id"]] == "running"
        cloud.mse("verify", f"{app['domain_name']}:{cloud.port}", "--fingerprint", app["fingerprint"])


def kill_now(cloud):
    try:
        os.kill(cloud.msed.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
