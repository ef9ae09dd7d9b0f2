# SPDX-License-Identifier: Apache-2.0
"""A data directory that is copied away and put back, as docs/operations.md says, is the same cloud."""
import contextlib
import signal
import time

import testcloud


def wait_running(cloud, app_id, seconds=30):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        seen = cloud.mse_json("status", app_id)
        if seen["status"] == "running":
            return
        assert seen["status"] != "on_error", seen
        time.sleep(0.1)
    raise AssertionError(f"status {seen['status']}\n{cloud.log_text()[-2000:]}")


def answer_of(cloud, app):
    certificate = cloud.folder / "cert.pem"
    cloud.mse("verify", f"{app['domain_name']}:{cloud.port}", "--fingerprint", app["fingerprint"])
    # 503 Mse-Status: Starting while a resumed enclave loads the application.
    page = cloud.curl(f"https://{app['domain_name']}:{cloud.port}/", "--retry", "20", "--retry-delay", "1",
                      cacert=certificate)
    return page.stdout, certificate.read_bytes()


def end(cloud):
    """What a node's shutdown does: msed first, then the machine with everything on it."""
    cloud.kill(signal.SIGTERM)
    for pid, words in testcloud.processes_of(cloud.data):
        if words.split(" ")[0].endswith(("mse-sim", "haproxy")):
            with contextlib.suppress(ProcessLookupError):  # it may end with the one before
                testcloud.os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + 20
    while testcloud.processes_of(cloud.data) and time.monotonic() < until:
        time.sleep(0.05)
    assert testcloud.processes_of(cloud.data) == []


def test_backup_and_restore(fresh_cloud, project):
    cloud = fresh_cloud
    app = cloud.mse_json("deploy", cwd=project(cloud))
    before = answer_of(cloud, app)
    end(cloud)
    backup = cloud.folder / "backup.tar"
    testcloud.run(["tar", "-C", cloud.data.parent, "--exclude", "run/*", "-cpf", backup, cloud.data.name])
    lost = cloud.folder / "lost"
    cloud.data.rename(lost)
    testcloud.run(["tar", "-C", cloud.data.parent, "-xpf", backup])
    cloud.start()
    wait_running(cloud, app["id"])
    assert answer_of(cloud, app) == before, "the same app with the same key and certificate"
    cloud.mse("stop", app["id"], "-y")
