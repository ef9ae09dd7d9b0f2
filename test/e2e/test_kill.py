# SPDX-License-Identifier: Apache-2.0
"""kill -9 of msed at every store commit and every engine and proxy call, with an app that is served all the while.

The points are those that msed itself lists; test/long/run.py kills at random moments too.
"""
import subprocess

import killing
import testcloud


def fault_points(build):
    return testcloud.run([build / "msed", "--list-fault-points"]).stdout.split()


def test_every_fault_point(fresh_cloud, project, build):
    cloud = fresh_cloud
    points = [p for p in fault_points(build) if not p.startswith("signin-")]
    assert len(points) >= 10, points
    steady_folder = project(cloud, "steady")
    cloud.mse("scaffold", "victim", cwd=steady_folder.parent)
    victim_folder = steady_folder.parent / "victim"
    text = (victim_folder / "mse.toml").read_text()
    (victim_folder / "mse.toml").write_text(text.replace("4g-eu-001", "2g-eu-001"))
    steady = cloud.mse_json("deploy", cwd=steady_folder)
    cloud.mse("verify", f"{steady['domain_name']}:{cloud.port}", "--fingerprint", steady["fingerprint"])
    certificate = cloud.folder / "cert.pem"
    steady_certificate = cloud.folder / "steady.pem"
    steady_certificate.write_bytes(certificate.read_bytes())
    poller = killing.Poller(cloud, steady, steady_certificate)
    never_hit = []
    try:
        for point in points:
            cloud.kill()
            supervisor = killing.Supervisor(cloud, f"{point}:1")
            try:
                app = killing.deploy_through(cloud, victim_folder)
                killing.check_outcome(cloud, app)
                if app:
                    cloud.mse("stop", app["id"], "-y", check=False)
                    assert killing.settle(cloud) == [], point
                if not supervisor.deaths:
                    never_hit.append(point)
            except subprocess.TimeoutExpired as error:
                raise AssertionError(f"{point}: {error}") from error
            finally:
                supervisor.close()
    finally:
        poller.close()
    assert poller.asked > 20
    assert poller.failures == []
    assert never_hit == [], "points that this test does not reach"
    assert killing.apps_in_store(cloud)[steady["id"]] == "running"
