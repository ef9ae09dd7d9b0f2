# SPDX-License-Identifier: Apache-2.0
"""A deployment that takes over from the running one (docs/decisions/0010-renewal.md): real haproxy, real enclaves, mse."""
import os
import signal
import time

import pytest

import killing
import takeover
from takeover import Long, Regular, Talk, Visitors, ask, dial, make_owned, renew

NAME = "shop.owner.localhost"
DRAIN_SECONDS = 5


@pytest.fixture
def draining(fresh_cloud):
    """A cloud whose drain limit is short enough to be seen."""
    config = fresh_cloud.data / "msed.toml"
    assert "drain_seconds = 30\n" in config.read_text()
    config.write_text(config.read_text().replace("drain_seconds = 30\n", f"drain_seconds = {DRAIN_SECONDS}\n"))
    fresh_cloud.kill(signal.SIGTERM)
    fresh_cloud.start()
    return fresh_cloud


def status(cloud, app):
    return cloud.mse_json("status", app["id"])


def row_of(cloud, app_id):
    return next(line for line in cloud.mse("list").stdout.splitlines() if line.startswith(app_id))


def context_of(cloud, app):
    return os.path.join(cloud.env["MSE_CONF_PATH"], "context", app["id"], "context.mse")


def domain_leads_to(cloud, leaf):
    with dial(cloud.port, NAME) as tls:
        assert ask(tls, NAME).startswith(b"HTTP/1.1 200 ")
        return tls.getpeercert(True) == leaf


def check_verified(cloud, app, folder):
    """The owner's check of whatever the domain ends in now."""
    verdict = cloud.mse_json("verify", f"{NAME}:{cloud.port}", "--context", context_of(cloud, app), "--code",
                             folder / "mse_src", cwd=folder.parent)
    assert verdict["verdict"] == "accept" and verdict["measurement"] == app["fingerprint"]


def failing_deploy(cloud, folder, *options):
    refused = cloud.mse("deploy", *options, cwd=folder, check=False)
    assert refused.returncode == 1, refused
    return refused.stderr


def interrupted_deploy(cloud, folder, phase):
    client = cloud.signalled_deploy(folder, phase, signal.SIGINT, "-y")[0]
    said = client.communicate(timeout=60)[1].decode()
    assert client.returncode == 130, said
    return said


def one_of_two_deploys(cloud, folder, old):
    """The second that would replace the same app is told so, and ends nothing; what the first has made."""
    first = cloud.signalled_deploy(folder, "Starting the enclave", signal.SIGSTOP, "-y")[0]
    assert "(has yet to take it over)" in row_of(cloud, next(a["id"] for a in cloud.mse_json("list")["apps"] if a["replaces"]))
    said = failing_deploy(cloud, folder, "-y")
    assert f"the app {old['id']} is being replaced by " in said and "has been stopped" not in said
    first.send_signal(signal.SIGCONT)
    said = first.communicate(timeout=60)[1].decode()
    assert first.returncode == 0, said
    new = next(a["id"] for a in cloud.mse_json("list")["apps"] if a["id"] != old["id"])
    assert f"The previous app {old['id']} finishes what it has begun" in said and new in said
    return cloud.mse_json("status", new)


def test_a_renewal_refuses_nobody(draining, project):
    """One that fails, one that is interrupted, then one that takes over, with visitors all the while."""
    cloud, folder = draining, project(draining, "shop")
    leaf = make_owned(folder, NAME)
    old = cloud.mse_json("deploy", cwd=folder)
    with Visitors(cloud.port, NAME) as visitors:
        check_failures(cloud, folder, old, leaf)
        check_take_over(cloud, folder, old, leaf, visitors)
    assert visitors.failures == []
    print(f"{len(visitors.seen)} connections, none refused")


def check_failures(cloud, folder, old, leaf):
    renew(folder, NAME)
    assert cloud.signalled_deploy(folder, "Starting the enclave", signal.SIGKILL, "-y")[0].wait() == -signal.SIGKILL
    (folder / "mse_src" / "app.py").write_text("raise RuntimeError('no such thing')\n")
    said = failing_deploy(cloud, folder, "-y")
    assert "An earlier deployment of 'shop' was cut off; its app " in said
    assert "no such thing" in said and f"The app {old['id']} goes on as before" in said
    (folder / "mse_src" / "app.py").write_text(takeover.APP)
    said = interrupted_deploy(cloud, folder, "Attesting the application")
    assert f"The app {old['id']} goes on as before" in said
    assert [(a["id"], a["status"]) for a in cloud.mse_json("list")["apps"]] == [(old["id"], "running")]
    assert domain_leads_to(cloud, leaf)
    check_verified(cloud, old, folder)
    assert sorted(status for status in killing.apps_in_store(cloud).values()) == ["on_error", "running", "stopped", "stopped"]


def check_take_over(cloud, folder, old, leaf, visitors):
    long, talk = Long(cloud.port, NAME, 18), Talk(cloud.port, NAME)
    regulars = [Regular(cloud.port, NAME) for _ in range(3)]
    renewed = renew(folder, NAME)
    new = one_of_two_deploys(cloud, folder, old)
    switched = time.monotonic()
    assert new["replaces"] is None and new["domain_name"] == old["domain_name"] == NAME
    assert new["fingerprint"] == old["fingerprint"] and new["config_domain_name"] != old["config_domain_name"]
    assert "it finishes what it has begun" in row_of(cloud, old["id"])
    assert status(cloud, old)["replaced_by"] == new["id"] and status(cloud, old)["status"] == "running"
    assert talk.is_alive()
    long.check()
    killing.wait_until(lambda: sum(at > switched for at, _ in visitors.seen) > 20)
    assert {shown for at, shown in visitors.seen if at > switched} == {renewed}
    assert visitors.count(leaf) > 20
    check_verified(cloud, new, folder)
    for regular in regulars:
        regular.check()
    talk.check()
    assert talk.ended_at - switched > DRAIN_SECONDS - 1.5, "it was closed before the limit"
    killing.wait_until(lambda: status(cloud, old)["status"] == "stopped")
    assert status(cloud, old)["reason"] == f"replaced by {new['id']}"
    assert status(cloud, new)["status"] == "running"
    assert killing.settle(cloud) == []


def test_a_stop_lets_a_response_end(fresh_cloud, project):
    """msed brings haproxy to what it wants every two seconds: that must not cut what the enclave still answers."""
    cloud, folder = fresh_cloud, project(fresh_cloud, "shop")
    make_owned(folder, NAME)
    app = cloud.mse_json("deploy", cwd=folder)
    long = Long(cloud.port, NAME, 9)
    cloud.mse("stop", app["id"], "-y")
    long.check()
    assert killing.settle(cloud) == []
