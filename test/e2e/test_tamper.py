# SPDX-License-Identifier: Apache-2.0
"""One changed byte on the operator's side: deploy and verify refuse, name what differs, and no secret is sent."""
import hashlib
import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import time

import pytest

import testcloud

IMAGE = "mse-flask:20261122"


def image_folder(cloud):
    return cloud.data / "images" / IMAGE


def make_writable(path):
    path.chmod(0o644)
    path.parent.chmod(0o755)


def flip(path, at=-1):
    """Changes one byte of a file in place, whatever its mode."""
    make_writable(path)
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))


def process_named(cloud, name):
    for pid, _ in testcloud.processes_of(cloud.folder):
        if pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == name:
            return pid
    raise AssertionError(f"no {name} runs")


def refused_deploy(cloud, folder):
    """Runs deploy, which must fail; returns what it said. No app is left active, none was ever given its keys."""
    result = cloud.mse("deploy", cwd=folder, check=False)
    assert result.returncode == 1, result.stdout + result.stderr
    assert cloud.mse_json("list")["apps"] == []
    with sqlite3.connect(f"file:{cloud.data / 'cloud.db'}?mode=ro", uri=True) as database:
        assert "running" not in {row[0] for row in database.execute("SELECT status FROM apps")}
    contexts = pathlib.Path(cloud.env["MSE_CONF_PATH"]) / "context"
    assert not contexts.exists() or list(contexts.iterdir()) == []
    return result.stderr


class PausedLoader:
    """Holds the simulated loader while the operator changes what it is about to load."""

    def __init__(self, cloud):
        self.pid = process_named(cloud, "mse-sim")

    def __enter__(self):
        os.kill(self.pid, signal.SIGSTOP)

    def __exit__(self, *_):
        os.kill(self.pid, signal.SIGCONT)


def deploy_with_change(cloud, folder, pattern, change):
    """Starts deploy, waits for the file that msed writes for the app, changes it before anything is loaded."""
    before = set((cloud.data / "apps").glob(pattern))
    with PausedLoader(cloud):
        client = subprocess.Popen([cloud.program("mse"), "cloud", "deploy"], env=cloud.env, cwd=folder,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        until = time.monotonic() + 120
        while not (new := set((cloud.data / "apps").glob(pattern)) - before):
            assert client.poll() is None, client.communicate()
            assert time.monotonic() < until, "no file came"  # the client waits for the loader: nothing more to hear of it
            time.sleep(0.02)
        time.sleep(0.3)
        change(new.pop())
    _, errors = client.communicate(timeout=120)
    assert client.returncode == 1, errors
    assert cloud.mse_json("list")["apps"] == []
    return errors


def edit_instance(path):
    document = json.loads(path.read_text())
    document["log_key"] = "11" * 32
    make_writable(path)
    path.write_text(json.dumps(document, separators=(",", ":")))


def test_a_byte_of_the_stored_code(fresh_cloud, project):
    errors = deploy_with_change(fresh_cloud, project(fresh_cloud), "*/code/app.py.enc", flip)
    assert "app.py.enc" in errors and "sha256" in errors


def test_a_field_of_the_instance_document(fresh_cloud, project):
    errors = deploy_with_change(fresh_cloud, project(fresh_cloud), "*/instance/instance.json", edit_instance)
    assert "instance-field:log_key" in errors


def test_a_byte_of_a_trusted_file(fresh_cloud, project):
    flip(image_folder(fresh_cloud) / "root/usr/lib/python3.11/json/__init__.py")
    errors = refused_deploy(fresh_cloud, project(fresh_cloud))
    assert "usr/lib/python3.11/json/__init__.py" in errors and "sha256" in errors


def test_a_byte_of_the_runtime(fresh_cloud, project):
    flip(image_folder(fresh_cloud) / "root/usr/bin/mse-enclave")
    errors = refused_deploy(fresh_cloud, project(fresh_cloud))
    assert "usr/bin/mse-enclave" in errors and "sha256" in errors


def rewrite_bill(cloud, path, sha256):
    bill_path = image_folder(cloud) / "bill.json"
    bill = json.loads(bill_path.read_text())
    for entry in bill["files"]:
        if entry["path"] == path:
            entry["sha256"] = sha256
    make_writable(bill_path)
    bill_path.write_text(json.dumps(bill, separators=(",", ":")))


def restart_msed(cloud):
    cloud.kill(signal.SIGTERM)
    cloud.start()


def test_the_bill(fresh_cloud, project):
    rewrite_bill(fresh_cloud, "usr/bin/mse-enclave", "ab" * 32)
    restart_msed(fresh_cloud)
    errors = refused_deploy(fresh_cloud, project(fresh_cloud))
    assert "bill-untrusted" in errors and "'usr/bin/mse-enclave' differs" in errors


def test_runtime_and_bill_together(fresh_cloud, project):
    runtime = image_folder(fresh_cloud) / "root/usr/bin/mse-enclave"
    flip(runtime)
    rewrite_bill(fresh_cloud, "usr/bin/mse-enclave", hashlib.sha256(runtime.read_bytes()).hexdigest())
    restart_msed(fresh_cloud)
    errors = refused_deploy(fresh_cloud, project(fresh_cloud))
    assert "bill-untrusted" in errors and "'usr/bin/mse-enclave' differs" in errors


def wait_status(cloud, app_id, wanted, seconds=30):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        seen = cloud.mse_json("status", app_id)
        if seen["status"] in wanted:
            return seen
        time.sleep(0.1)
    raise AssertionError(f"status {seen['status']}, wanted {wanted}\n{cloud.log_text()[-2000:]}")


def restart_node(cloud, change=lambda: None):
    """The machine goes down and comes up again: msed and the simulated TEE with all its sandboxes."""
    loader = process_named(cloud, "mse-sim")
    cloud.kill(signal.SIGKILL)
    os.kill(loader, signal.SIGKILL)
    until = time.monotonic() + 10
    while any(pathlib.Path(f"/proc/{pid}/comm").exists() for pid in (loader,)) and time.monotonic() < until:
        time.sleep(0.02)
    change()
    cloud.start()


@pytest.fixture
def running(fresh_cloud, project):
    folder = project(fresh_cloud)
    app = fresh_cloud.mse_json("deploy", cwd=folder)
    app["folder"] = folder
    app["address"] = f"{app['domain_name']}:{fresh_cloud.port}"
    return app


def verify(cloud, app, check=True):
    context = pathlib.Path(cloud.env["MSE_CONF_PATH"]) / "context" / app["id"] / "context.mse"
    return cloud.mse("verify", app["address"], "--context", context, "--code", app["folder"] / "mse_src", "--json",
                     check=check)


def test_a_restart_opens_the_sealed_state(fresh_cloud, running):
    before = json.loads(verify(fresh_cloud, running).stdout)
    certificate = (fresh_cloud.folder / "cert.pem").read_text()
    restart_node(fresh_cloud)
    wait_status(fresh_cloud, running["id"], {"running"})
    after = json.loads(verify(fresh_cloud, running).stdout)
    assert after["verdict"] == "accept" and after["measurement"] == before["measurement"]
    assert (fresh_cloud.folder / "cert.pem").read_text() == certificate


def test_a_restart_with_another_instance_document_does_not(fresh_cloud, running):
    instance = fresh_cloud.data / "apps" / running["id"] / "instance" / "instance.json"
    restart_node(fresh_cloud, lambda: edit_instance(instance))
    seen = wait_status(fresh_cloud, running["id"], {"on_error"})
    assert "instance-changed" in json.dumps(seen)
    assert verify(fresh_cloud, running, check=False).returncode == 1


def test_a_restart_with_changed_code_is_refused(fresh_cloud, running):
    code = fresh_cloud.data / "apps" / running["id"] / "code" / "app.py.enc"
    restart_node(fresh_cloud, lambda: flip(code))
    seen = wait_status(fresh_cloud, running["id"], {"on_error"})
    assert "app.py.enc" in json.dumps(seen)
    assert verify(fresh_cloud, running, check=False).returncode == 1
