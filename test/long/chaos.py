# SPDX-License-Identifier: Apache-2.0
"""kill -9 of msed at seeded random moments while owners deploy, stop and sign in, and an app is served all the while.

After each round nobody kills any more, and everything must be where its owner expects it: what was deployed runs, what
was stopped has ended, and what a command could not finish is told by `mse list`, and can be stopped.
"""
import random
import re
import threading
import time

import apiclient
import killing
import signin

ROUND_SECONDS = 15
OWNERS = 2
KILL_PAUSE = (0.05, 4.0)
AGAIN_SECONDS = 0.2  # after something failed because nobody was there
LEFT = re.compile(r"`mse cloud stop ([0-9a-f-]{36})` ends it")


class Owner:
    """Deploys and stops one app again and again; knows what it should find."""

    def __init__(self, cloud, folder, name, rng, counts):
        cloud.mse("scaffold", name, cwd=folder)
        config = folder / name / "mse.toml"
        config.write_text(config.read_text().replace("4g-eu-001", "2g-eu-001"))
        self.cloud, self.folder, self.name, self.rng, self.counts = cloud, folder / name, name, rng, counts
        self.app = None         # the app that must be running
        self.is_certain = True  # whether the last command did what it was asked to

    def deploy(self):
        app = killing.deploy_through(self.cloud, self.folder)
        self.app, self.is_certain = app, app is not None
        self.counts["deployed" if app else "deployment failed"] += 1
        if not app:
            time.sleep(AGAIN_SECONDS)

    def stop(self):
        result = self.cloud.mse("stop", self.app["id"], "-y", cwd=self.folder, check=False)
        assert result.returncode in (0, 1), result.stderr
        self.is_certain = result.returncode == 0
        self.app = None
        self.counts["stopped" if self.is_certain else "stop failed"] += 1

    def verify(self):
        result = self.cloud.mse("verify", f"{self.app['domain_name']}:{self.cloud.port}", "--fingerprint",
                                self.app["fingerprint"], cwd=self.folder, check=False)
        assert result.returncode == 0 or "collateral" in result.stderr, result.stderr  # msed serves the collateral
        self.counts["verified" if result.returncode == 0 else "collateral was away"] += 1

    def act(self):
        if not self.app:
            return self.deploy()
        return self.rng.choice((self.deploy, self.stop, self.verify))()

    def check(self, active):
        """After the round: active are the ids of the active apps of this name. What is left over is ended."""
        if self.is_certain:
            assert active == ([self.app["id"]] if self.app else []), (self.name, self.app, active)
        if self.app:
            self.verify()
        elif active:
            told = self.cloud.mse("list").stderr
            known = [c["id"] for c in self.cloud.mse_json("context", "--list")["contexts"]]
            assert all(app in LEFT.findall(told) or app in known for app in active), (self.name, active, told)
            for app in active:
                self.cloud.mse("stop", app, "-y")
            self.counts["left over, told and stopped"] += 1
            self.is_certain = True


def sign_in(cloud, counts):
    """One sign-in by a browser, started anew when msed dies in it: it must work in the end, and once is once."""
    client = apiclient.Client(cloud)
    until = time.monotonic() + killing.SETTLE_SECONDS
    while True:
        try:
            tokens = signin.signed_in(client)
            assert apiclient.Client(cloud, tokens["access_token"]).get("/users/me").status == 200
            counts["signed in"] += 1
            return
        except (OSError, AssertionError, KeyError, TypeError, ValueError, apiclient.http.client.HTTPException):
            counts["sign-in begun anew"] += 1
            time.sleep(AGAIN_SECONDS)
            assert time.monotonic() < until, "nobody can sign in"


def repeat(action, until, failures):
    def run():
        try:
            while time.monotonic() < until:
                action()
        except BaseException as error:  # noqa: B902 (told by the main thread)
            failures.append(error)
    thread = threading.Thread(target=run)
    thread.start()
    return thread


def one_round(cloud, owners, rng, counts, seconds):
    """Everybody acts while msed is killed; then nobody does."""
    failures, until = [], time.monotonic() + seconds
    threads = [repeat(owner.act, until, failures) for owner in owners]
    threads.append(repeat(lambda: sign_in(cloud, counts), until, failures))
    while any(thread.is_alive() for thread in threads) and time.monotonic() < until + 120:
        time.sleep(rng.uniform(*KILL_PAUSE))
        if time.monotonic() < until:
            killing.kill_now(cloud)
            counts["kills"] += 1
    for thread in threads:
        thread.join()
    assert failures == [], failures


def check_round(cloud, owners, steady):
    wrong = killing.settle(cloud)
    assert wrong == [], wrong
    active = {}
    for app in cloud.mse_json("list")["apps"]:
        active.setdefault(app["name"], []).append(app["id"])
    assert active.pop("steady") == [steady["id"]]
    for owner in owners:
        owner.check(active.pop(owner.name, []))
    assert active == {}, f"apps of nobody: {active}"


def run(cloud, folder, seed, until):
    rng = random.Random(seed)
    counts = {name: 0 for name in ("kills", "rounds", "deployed", "deployment failed", "stopped", "stop failed", "verified",
                                   "collateral was away", "signed in", "sign-in begun anew",
                                   "left over, told and stopped")}
    cloud.mse("scaffold", "steady", cwd=folder)
    steady = cloud.mse_json("deploy", cwd=folder / "steady")
    cloud.mse("verify", f"{steady['domain_name']}:{cloud.port}", cwd=folder)
    poller = killing.Poller(cloud, steady, folder / "cert.pem")
    owners = [Owner(cloud, folder, f"owner-{n}", random.Random(rng.random()), counts) for n in range(OWNERS)]
    cloud.kill()
    supervisor = killing.Supervisor(cloud)
    try:
        while time.monotonic() < until or not counts["rounds"]:
            one_round(cloud, owners, rng, counts, ROUND_SECONDS)
            check_round(cloud, owners, steady)
            counts["rounds"] += 1
    finally:
        supervisor.close()
        poller.close()
    assert poller.failures == [], poller.failures[:3]
    for app in cloud.mse_json("list")["apps"]:
        cloud.mse("stop", app["id"], "-y")
    assert killing.settle(cloud) == []
    return ", ".join(f"{count} {name}" for name, count in counts.items()) + \
        f"; {poller.asked} requests to another app meanwhile, 0 failed"
