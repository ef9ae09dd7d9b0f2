# SPDX-License-Identifier: Apache-2.0
"""`mse connect` for an app of a running cloud: by the stored context, through restarts and a later deployment."""
import time

import connector
import watching


def connect(cloud, app, *words):
    return connector.Running(cloud.build, [app["address"], *words], cloud.env)


def until_ok(running, seconds=30):
    end = time.monotonic() + seconds
    while (answer := running.request()).status != 200:
        assert time.monotonic() < end, answer.body
        time.sleep(0.1)
    return answer


def test_the_stored_context_says_what_is_expected(cloud, deployed, tmp_path):
    with connect(cloud, deployed) as running:
        assert running.ready["fingerprint_from"] == "context" and running.ready["domain"] == deployed["domain_name"]
        assert running.request().status == 200
        verdict = running.wait_event("attested")["verdict"]
        assert verdict["verdict"] == "accept"
        served = running.request("GET", "/whoami-not-there")
        assert served.status == 404 and served.error is None, "the app's own 404"
    cloud.mse("context", "--export", deployed["id"], "--output", tmp_path / "context.mse")
    with connect(cloud, deployed, "--context", tmp_path / "context.mse") as running:
        assert running.request().status == 200


def test_by_the_release(cloud, deployed, tmp_path):
    """The manifest names the code and its owner: a ticket is asked for, without any context."""
    manifest = cloud.data / "apps" / deployed["id"] / "manifest.toml"
    (tmp_path / "release.toml").write_bytes(manifest.read_bytes())
    with connect(cloud, deployed, "--release", tmp_path / "release.toml") as running:
        assert running.request().status == 200 and running.ready["fingerprint_from"] == "release"
    (tmp_path / "release.toml").write_bytes(manifest.read_bytes().replace(b'MSE_RESTART = "sealed"', b'MSE_RESTART = "owner"'))
    with connect(cloud, deployed, "--release", tmp_path / "release.toml") as running:
        assert running.request().error == "measurement"


def test_a_changed_folder_of_code_is_seen(cloud, deployed, tmp_path):
    """By connect and by watch, which both recompute the fingerprint from it."""
    context, code = tmp_path / "context.mse", deployed["folder"] / "mse_src"
    cloud.mse("context", "--export", deployed["id"], "--output", context)
    file = code / "app.py"
    good = file.read_bytes()
    expected = ["--context", context, "--code", code]
    with connect(cloud, deployed, *expected) as running, \
            watching.Watch(cloud.build, tmp_path, deployed["address"], "--interval", "1", "--allow-simulation",
                           cloud.data / "sim/root.pem", "--pccs", cloud.url, *expected) as watch:
        assert running.ready["fingerprint_from"] == "recomputed" and running.request().status == 200
        assert watch.wait("first")["measurement"] == deployed["fingerprint"]
        file.write_bytes(good + b"# another\n")
        watching.wait_for(lambda: running.request().error == "expectation")
        assert "app.py" in watch.wait("alarm")["message"]
        file.write_bytes(good)
        assert until_ok(running)
        watch.wait("recovery")


def test_msed_ends_and_comes_back(fresh_cloud, project):
    cloud, folder = fresh_cloud, project(fresh_cloud)
    app = cloud.mse_json("deploy", cwd=folder)
    app["address"] = f"{app['domain_name']}:{cloud.port}"
    with connect(cloud, app, "--max-age", "1") as running:
        assert running.request().status == 200
        cloud.kill()
        assert running.request().status == 200, "what stands needs no msed"
        cloud.start()
        assert until_ok(running)
        running.events.clear()
        time.sleep(1.1)
        assert running.request().status == 200, "attested anew behind the new msed"
        cloud.mse("stop", app["id"], "-y")
        end = time.monotonic() + 20
        while (answer := running.request()).status == 200:
            assert time.monotonic() < end
        assert answer.status == 502 and answer.error in ("unreachable", "upstream-closed", "expectation"), answer.body
