# SPDX-License-Identifier: Apache-2.0
"""certbot renews the certificate of an app in owner mode again and again, with `mse cloud deploy -y` as its deploy hook, while
msed is killed at random moments and visitors come all the while. The short twins are test/e2e/test_take_over.py and
test_a_domain_is_taken_over_whole of test/e2e/test_kill.py."""
import collections
import random
import shlex
import threading
import time

import acme
import killing
from takeover import Long, Regular, Visitors, make_owned

NAME = "shop.localhost.example"
DRAIN_SECONDS = 8
LONG_PIECES = 24  # a response of 6 s
KILL_PAUSE = (0.5, 6.0)


class Killer:
    """kill -9 of msed at random moments, and a new start at once, as systemd would."""

    def __init__(self, cloud, rng):
        cloud.kill()
        self.cloud, self.rng, self.done = cloud, rng, threading.Event()
        self.supervisor = killing.Supervisor(cloud)
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.done.wait(self.rng.uniform(*KILL_PAUSE)):
            killing.kill_now(self.cloud)

    def end(self):
        self.done.set()
        self.thread.join()
        killing.wait_up(self.cloud)
        self.supervisor.close()
        return self.supervisor.deaths


def hook(cloud, folder):
    """What an owner's machine would have in /etc/letsencrypt/renewal-hooks/deploy."""
    script, env = folder / "hook", " ".join(f"{k}={shlex.quote(v)}" for k, v in cloud.env.items())
    script.write_text(f"#!/bin/sh\nexec env -i {env} {cloud.program('mse')} cloud deploy -y --json --path {folder}/shop/mse.toml "
                      f"> {folder}/deployed.json 2> {folder}/deployed.txt\n")
    script.chmod(0o700)
    return script


def limit_drain(cloud):
    """Room for the long response, and no slot of the hardware that is taken for longer."""
    config = cloud.data / "msed.toml"
    config.write_text(config.read_text().replace("drain_seconds = 30\n", f"drain_seconds = {DRAIN_SECONDS}\n"))


def leave_to_certbot(folder, live):
    config = folder / "shop" / "mse.toml"
    text = config.read_text().replace('"key.pem"', f'"{live}/privkey.pem"').replace('"chain.pem"', f'"{live}/fullchain.pem"')
    config.write_text(text)


def current(cloud):
    """The uuid of the app that has the domain, the only one that has."""
    with killing.database(cloud) as store:
        rows = store.execute("SELECT id FROM apps WHERE name = 'shop' AND replaces IS NULL AND replaced_by IS NULL AND "
                             "status = 'running'").fetchall()
    assert len(rows) == 1, rows
    return rows[0][0]


def renew(cloud, folder, authority, script, counts):
    """One renewal: the hook takes over, or fails and leaves everything as it was."""
    before = current(cloud)
    (folder / "deployed.json").write_text("")
    long = Long(cloud.port, NAME, LONG_PIECES)
    regular = Regular(cloud.port, NAME)
    authority.certbot(NAME, "--deploy-hook", script)
    killing.wait_up(cloud)
    is_done = (folder / "deployed.json").read_text() != ""
    assert not is_done or current(cloud) != before
    counts["taken over" if current(cloud) != before else "failed while msed was killed, nothing changed"] += 1
    long.check()
    return regular


def run(cloud, folder, seed, until):
    rng, counts = random.Random(seed), collections.Counter()
    cloud.mse("scaffold", "shop", cwd=folder)
    make_owned(folder / "shop", NAME)
    script = hook(cloud, folder)
    limit_drain(cloud)  # before msed is killed for the first time
    with acme.Authority(folder) as authority:
        leave_to_certbot(folder, authority.certbot(NAME))
        cloud.mse("deploy", cwd=folder / "shop")
        killer, regulars = Killer(cloud, rng), []
        with Visitors(cloud.port, NAME) as visitors:
            try:
                while time.monotonic() < until or counts["taken over"] < 2:
                    regulars.append(renew(cloud, folder, authority, script, counts))
            finally:
                deaths = killer.end()
            cloud.mse("deploy", "-y", cwd=folder / "shop")
            for regular in regulars:
                regular.check()
    assert visitors.failures == [], visitors.failures[:5]
    cloud.mse("stop", current(cloud), "-y")
    assert killing.settle(cloud) == []
    return (f"{len(visitors.seen)} new connections, none refused, {sum(r.count for r in regulars)} requests on connections that "
            f"were held, none lost, {deaths} kills of msed, renewals by certbot: "
            f"{', '.join(f'{n} {what}' for what, n in sorted(counts.items()))}")
