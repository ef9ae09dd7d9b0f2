# SPDX-License-Identifier: Apache-2.0
"""kill -9 of msed at every store commit and every engine and proxy call, with an app that is served all the while.

The points are those that msed itself lists; test/long/run.py kills at random moments too.
"""
import contextlib
import http.client
import shutil
import sqlite3
import subprocess

import pytest

import apiclient
import killing
import signin
import smallimages
import takeover
import testcloud

# Points that a deployment does not reach, with the test that does; test_every_fault_point kills at all others.
ELSEWHERE = {f"{point}:{when}": test for when in ("before", "after") for point, test in {
    "signin-code-take": "test_a_code_counts_once", "signin-refresh-rotate": "test_a_refresh_token_turns_once",
    "signin-sweep": "test_the_sweep", "db-write": "test_every_single_write", "user-add": "test_a_user_is_whole_or_absent",
    "db-migrate": "test_a_migration_is_whole_or_absent", "app-take-over": "test_a_domain_is_taken_over_whole",
    "take-over-switch": "test_a_domain_is_taken_over_whole", "image-hide": "test_a_refreshed_image_is_whole",
    "image-exchange": "test_a_refreshed_image_is_whole"}.items()}
LOST = (OSError, http.client.HTTPException)
WRITES_MAX = 40


def fault_points(build):
    return set(testcloud.run([build / "msed", "--list-fault-points"]).stdout.split())


def test_every_point_has_its_test(build):
    assert set(ELSEWHERE) <= fault_points(build)
    assert all(callable(globals()[test]) for test in ELSEWHERE.values())


def test_every_fault_point(fresh_cloud, project, build):
    cloud = fresh_cloud
    points = sorted(fault_points(build) - set(ELSEWHERE))
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


@pytest.fixture
def killed(cloud):
    """killed(point): the shared cloud's msed, started anew with the fault armed. No app of it is touched."""
    supervisors = []

    def arm(point):
        while supervisors:
            supervisors.pop().close()
        cloud.kill()
        supervisors.append(killing.Supervisor(cloud, point))
        return supervisors[-1]
    yield arm
    for supervisor in supervisors:
        supervisor.close()
    cloud.kill()  # a fault may still be armed
    cloud.start()


def lost_in_a_kill(ask):
    """True if the answer got lost: msed died, or haproxy, which goes on, says that nobody is there."""
    try:
        return ask().status in (502, 503, 504)
    except LOST:
        return True


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_code_counts_once(cloud, killed, when):
    """Before the commit the code is as good as new; after it the code is spent, and signing in anew works."""
    client = apiclient.Client(cloud)
    supervisor = killed(f"signin-code-take:{when}:1")
    flow = signin.Flow(client)
    code = flow.code()
    assert lost_in_a_kill(lambda: flow.tokens(code))
    killing.wait_until(lambda: supervisor.deaths == 1)
    killing.wait_up(cloud)
    again = flow.tokens(code)
    assert again.status == (200 if when == "before" else 400), again
    assert flow.tokens(code).json["error"] == "invalid_grant"
    assert signin.signed_in(client)["access_token"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_refresh_token_turns_once(cloud, killed, when):
    """After the commit the new token got lost: the old one ends the family, which costs a sign-in and no more."""
    client = apiclient.Client(cloud)
    other = signin.signed_in(client)["refresh_token"]
    token = signin.signed_in(client)["refresh_token"]
    supervisor = killed(f"signin-refresh-rotate:{when}:1")
    assert lost_in_a_kill(lambda: signin.refresh(client, token))
    killing.wait_until(lambda: supervisor.deaths == 1)
    killing.wait_up(cloud)
    assert signin.refresh(client, token).status == (200 if when == "before" else 400)
    assert signin.refresh(client, other).status == 200
    assert signin.signed_in(client)["access_token"]


def holders(cloud, domain):
    """uuids of the active apps whose domain it is, as the store says."""
    with killing.database(cloud) as database:
        return [row[0] for row in database.execute(
            "SELECT id FROM apps WHERE domain_name = ? AND replaces IS NULL AND replaced_by IS NULL AND status IN "
            "('spawning', 'initializing', 'running')", (domain,))]


def test_a_domain_is_taken_over_whole(cloud, killed, project):
    """Killed right before and behind the store's step and the proxy's: the domain is one app's, and nobody is refused."""
    name, folder = "whole.owner.localhost", project(cloud, "whole")
    leaves = [takeover.make_owned(folder, name, code=None)]
    app = cloud.mse_json("deploy", cwd=folder)
    with takeover.Visitors(cloud.port, name, end=b"\r\n\r\nHello world") as visitors:
        for point in ("app-take-over", "take-over-switch"):
            for when in ("before", "after"):
                supervisor = killed(f"{point}:{when}:1")
                leaves.append(takeover.renew(folder, name))
                new = cloud.mse_json("deploy", "-y", cwd=folder)
                assert supervisor.deaths == 1
                assert new["replaced"] == app["id"] and holders(cloud, name) == [new["id"]]
                visitors.await_leaf(leaves[-1])
                app = new
    assert visitors.failures == []
    assert all(visitors.count(leaf) for leaf in leaves)
    killing.wait_until(lambda: killing.apps_in_store(cloud)[app["id"]] == "running" and
                       [i for i, s in killing.apps_in_store(cloud).items() if s in killing.ACTIVE] == [app["id"]])
    cloud.mse("stop", app["id"], "-y")
    assert killing.settle(cloud) == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_sweep(cloud, killed, when):
    """What msed throws away at its start is thrown away at the next one, and nothing else is."""
    client = apiclient.Client(cloud)
    token = signin.signed_in(client)["refresh_token"]
    device = signin.begin_device(client)
    with killing.database(cloud, "rw") as database:
        database.execute("UPDATE device_grants SET expires_at = 1 WHERE user_code = ?", (device["user_code"],))
    supervisor = killed(f"signin-sweep:{when}:1")
    killing.wait_until(lambda: supervisor.deaths == 1)
    killing.wait_up(cloud)

    def swept():
        with killing.database(cloud) as database:
            return database.execute("SELECT count(*) FROM device_grants WHERE expires_at = 1").fetchone() == (0,)
    killing.wait_until(swept)
    assert signin.refresh(client, token).status == 200


def sign_in_by_device(client):
    """Every write that signing in makes outside of a transaction, and a wrong password; the tokens at the end."""
    assert signin.Flow(client).post(password="wrong password").status == 401
    device = signin.begin_device(client)
    assert signin.activate(client, device["user_code"]).status == 200
    answer = signin.poll_device(client, device)
    assert answer.status == 200, answer
    assert signin.signed_in(client)["refresh_token"]
    return answer.json


def test_every_single_write(cloud, killed):
    """Killed at the first write, the second, …, in turn before and after it: the whole sign-in works right after."""
    client = apiclient.Client(cloud)
    token = signin.signed_in(client)["refresh_token"]
    for number in range(1, WRITES_MAX):
        supervisor = killed(f"db-write:{'before' if number % 2 else 'after'}:{number}")
        try:
            sign_in_by_device(client)
            break
        except LOST + (AssertionError, KeyError, TypeError, ValueError):
            killing.wait_until(lambda: supervisor.deaths == 1)
        killing.wait_up(cloud)
        sign_in_by_device(client)
        token = signin.refresh(client, token).json["refresh_token"]
    assert 6 <= number < WRITES_MAX - 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_user_is_whole_or_absent(cloud, when):
    argv = [cloud.program("msed"), "user", "add", "--data-dir", cloud.data, "--email", f"{when}@example.com",
            "--password-stdin"]
    died = testcloud.run(argv, env={**cloud.env, "MSED_FAULT": f"user-add:{when}:1"}, stdin="a password\n", check=False)
    assert died.returncode == -9
    again = testcloud.run(argv, env=cloud.env, stdin="a password\n", check=False)
    assert (again.returncode == 0) == (when == "before"), again.stderr
    token = testcloud.run([cloud.program("msed"), "token", "create", "--data-dir", cloud.data, "--user",
                           f"{when}@example.com"], env=cloud.env).stdout.strip()
    projects = apiclient.Client(cloud, token).get("/projects?name=default").json
    assert [p["is_default"] for p in projects] == [True]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_migration_is_whole_or_absent(cloud, tmp_path, when):
    """The next start of any msed on that database finishes the migration, once."""
    died = testcloud.run([cloud.program("msed"), "init", "--data-dir", tmp_path / "new", "--engine", "fake",
                          "--password-stdin"], env={**cloud.env, "MSED_FAULT": f"db-migrate:{when}:1"},
                         stdin="a password\n", check=False)
    assert died.returncode == -9
    assert not (tmp_path / "new").exists()
    half_made = next(tmp_path.glob(".msed-init-*"))
    shutil.copy(cloud.data / "msed.toml", half_made)
    token = testcloud.run([cloud.program("msed"), "token", "create", "--data-dir", half_made, "--user", "a@b.example"],
                          env=cloud.env, check=False)
    assert "there is no user" in token.stderr
    with contextlib.closing(sqlite3.connect(half_made / "cloud.db")) as database:
        assert database.execute("SELECT count(*) FROM db_migrations").fetchone()[0] >= 1
        assert database.execute("SELECT count(*) FROM apps").fetchone() == (0,)


@pytest.mark.parametrize("point", ["image-hide", "image-exchange"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_refreshed_image_is_whole(build, tmp_path, point, when):
    """Killed at any step, msed starts with one version or the other, and the next refresh leaves nothing behind."""
    folder = smallimages.data_dir(build, tmp_path, "former")
    news = smallimages.write(tmp_path / "news", "new")
    assert smallimages.refresh(build, folder, news, MSED_FAULT=f"{point}:{when}:1").returncode == -9
    assert smallimages.current(folder) == ("new" if (point, when) == ("image-exchange", "after") else "former")
    again = smallimages.refresh(build, folder, news)
    assert again.returncode == 0, again.stderr
    assert smallimages.current(folder) == "new"
    assert smallimages.hidden(folder) == []
