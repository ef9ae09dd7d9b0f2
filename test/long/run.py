#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""make check-long: random kills, soaks, big bodies, fuzzing. Records commit, seed and counts in docs/testing.md.

SEED (default: the time) makes a run repeatable; MINUTES (default 10) is shared by the parts.
"""
import datetime
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test" / "support"))
import killing  # noqa: E402  (found by the line above)
import testcloud  # noqa: E402

BUILD = pathlib.Path(os.environ.get("MSE_BUILD_DIR", ROOT / "build"))
SEED = int(os.environ.get("SEED", time.time()))
MINUTES = float(os.environ.get("MINUTES", 10))
BIG_BODY = 2 << 30


def deployed(cloud, folder, name, hardware):
    cloud.mse("scaffold", name, cwd=folder)
    config = folder / name / "mse.toml"
    config.write_text(config.read_text().replace("4g-eu-001", hardware))
    return folder / name, cloud.mse_json("deploy", cwd=folder / name)


def random_kills(cloud, folder, rng, until):
    steady_folder, steady = deployed(cloud, folder, "steady", "4g-eu-001")
    cloud.mse("verify", f"{steady['domain_name']}:{cloud.port}")
    victim = folder / "victim"
    cloud.mse("scaffold", "victim", cwd=folder)
    config = victim / "mse.toml"
    config.write_text(config.read_text().replace("4g-eu-001", "2g-eu-001"))
    certificate = cloud.folder / "steady.pem"
    certificate.write_bytes((cloud.folder / "cert.pem").read_bytes())
    poller = killing.Poller(cloud, steady, certificate)
    supervisor = killing.Supervisor(cloud) if cloud.msed.poll() is not None else None
    kills = rounds = deploys = 0
    try:
        cloud.kill()
        supervisor = supervisor or killing.Supervisor(cloud)
        while time.monotonic() < until:
            import threading
            stop = threading.Event()

            def killer():
                nonlocal kills
                while not stop.wait(rng.uniform(0.05, 2.0)):
                    killing.kill_now(cloud)
                    kills += 1
            thread = threading.Thread(target=killer)
            thread.start()
            app = killing.deploy_through(cloud, victim)
            stop.set()
            thread.join()
            killing.check_outcome(cloud, app)
            rounds += 1
            if app:
                deploys += 1
                cloud.mse("stop", app["id"], "-y", check=False)
    finally:
        if supervisor:
            supervisor.close()
        poller.close()
    assert poller.failures == [], poller.failures[:3]
    cloud.mse("stop", steady["id"], "-y")
    return f"{kills} random kills in {rounds} deployments ({deploys} succeeded); {poller.asked} requests meanwhile, 0 failed"


def soak(cloud, folder, rng, until):
    count = 0
    cloud.mse("scaffold", "soak", cwd=folder)
    while time.monotonic() < until or count == 0:
        app = cloud.mse_json("deploy", "-y", cwd=folder / "soak")
        cloud.mse("verify", f"{app['domain_name']}:{cloud.port}")
        cloud.mse("stop", app["id"], "-y")
        count += 1
    assert killing.sandboxes(cloud) == []
    return f"{count} deployments, verifications and stops in a row, nothing left"


def fuzz(until):
    seconds = max(5, int(until - time.monotonic()) // 12)
    result = subprocess.run(["make", "fuzz", f"SECONDS={seconds}"], cwd=ROOT, capture_output=True, text=True)
    lines = [line for line in result.stdout.splitlines() if line.endswith("no finding") or "FINDING" in line]
    assert result.returncode == 0 and lines, result.stdout[-2000:] + result.stderr[-2000:]
    return f"{seconds} s each under ASan and UBSan: " + "; ".join(lines)


def bit_flips():
    """Every single bit of quotes, reports and AMD's certificates, changed: the unit tests do a few of them."""
    counts = []
    for program, ending in [("attest_sgx_quote", "changed quotes refused"), ("attest_snp_flips", "changed SEV-SNP bits refused")]:
        result = subprocess.run([BUILD / f"test/unit/test_{program}"], capture_output=True, text=True,
                                env=os.environ | {"MSE_TEST_LONG": "1", "MSE_TEST_SOURCE_DIR": str(ROOT)})
        found = [line for line in result.stdout.splitlines() if line.endswith(ending)]
        assert result.returncode == 0 and found, result.stdout[-2000:] + result.stderr[-2000:]
        counts.append(found[0])
    return "; ".join(counts)


def record(lines):
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout
    path = ROOT / "docs" / "testing.md"
    head = "# Long test runs\n\nWritten by `make check-long`, newest last.\n"
    text = path.read_text() if path.exists() else head
    today = datetime.date.today().isoformat()
    text += f"\n## {today}, commit {commit.strip()}, seed {SEED}\n\n" + "".join(f"- {line}\n" for line in lines)
    path.write_text(text)


def main():
    rng = random.Random(SEED)
    lines = []
    share = MINUTES * 60 / 3
    cloud = testcloud.Cloud(BUILD)
    try:
        cloud.init()
        cloud.start()
        cloud.trust_and_login()
        with tempfile.TemporaryDirectory(prefix="mse-long-") as folder:
            for part in (random_kills, soak):
                print(f"{part.__name__} …", flush=True)
                lines.append(f"{part.__name__}: {part(cloud, pathlib.Path(folder), rng, time.monotonic() + share)}")
                print(lines[-1], flush=True)
    finally:
        left = cloud.remove()
    assert left == [], left
    lines.append(f"bit_flips: {bit_flips()}")
    print(lines[-1])
    lines.append(f"fuzz: {fuzz(time.monotonic() + share)}")
    print(lines[-1])
    record(lines)
    print(f"{len(lines)} passed, 0 failed")


if __name__ == "__main__":
    main()
