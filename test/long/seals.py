# SPDX-License-Identifier: Apache-2.0
"""kill -9 of mse-enclave at seeded random moments of provisioning, running and resuming: resumed or asked again."""
import random
import threading
import time

import sealing

# From the provisioning request to the running application, and a little more; in the first of it the state is written.
SPANS_SECONDS = (0.02, 0.05, 0.25)


def moment(rng):
    return rng.uniform(0, rng.choice(SPANS_SECONDS))


def killed_in(one, seconds, action):
    """The action, and kill -9 after so many seconds of it; what it returns."""
    killer = threading.Timer(seconds, one.process.kill)
    killer.start()
    try:
        return action()
    finally:
        killer.join()
        one.wait_exit()


def one_life(build, rng, counts):
    with sealing.enclave(build) as one:
        one.start()
        identity = killed_in(one, moment(rng), lambda: provision_or_die(one))
        for _ in range(rng.randrange(3)):
            one.start(wait=False)
            killed_in(one, moment(rng), lambda: None)
            counts["killed"] += 1
        counts["killed"] += 1
        counts[sealing.check_after_kill(one, identity)] += 1


def provision_or_die(one):
    """None when it died before it could be asked who it is: then nothing of it may be left."""
    try:
        return sealing.provision(one)
    except (OSError, ValueError):
        return None


def run(build, seed, minutes):
    rng = random.Random(seed)
    counts = {"lives": 0, "killed": 0, "resumed": 0, "asked again": 0}
    until = time.monotonic() + minutes * 60
    while time.monotonic() < until or counts["lives"] < 3:
        one_life(build, rng, counts)
        counts["lives"] += 1
    return ", ".join(f"{count} {name}" for name, count in counts.items())
