#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""make check-long: random kills, soaks, big bodies, every bit of a quote, fuzzing. Records commit, seed and counts.

SEED (default: the time) makes the kills repeatable, as far as a scheduler lets them be; MINUTES (default 30) is shared by
the parts. PARTS (default: all) names some of them; only a run of all, that passed, is written into docs/results/DATE.md.
"""
import datetime
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "test" / "support"), str(ROOT / "test" / "long")]
import bodies  # noqa: E402  (found by the line above)
import chaos  # noqa: E402
import killing  # noqa: E402
import renewals  # noqa: E402
import seals  # noqa: E402
import servers  # noqa: E402
import soaks  # noqa: E402
import takeovers  # noqa: E402
import testcloud  # noqa: E402

BUILD = pathlib.Path(os.environ.get("MSE_BUILD_DIR", ROOT / "build"))
SEED = int(os.environ.get("SEED", time.time()))
MINUTES = float(os.environ.get("MINUTES", 30))
RESULTS = ROOT / "docs" / "results"
QUIETLY = ["chrt", "-i", "0", "nice", "-n", "19"]


def soak(cloud, folder, seed, until):
    """Deployments, verifications and stops in a row: nothing grows."""
    count = 0
    cloud.mse("scaffold", "soak", cwd=folder)
    while time.monotonic() < until or count == 0:
        app = cloud.mse_json("deploy", "-y", cwd=folder / "soak")
        cloud.mse("verify", f"{app['domain_name']}:{cloud.port}", cwd=folder)
        cloud.mse("stop", app["id"], "-y")
        count += 1
        if count == 5:
            before = descriptors(cloud)
    assert killing.settle(cloud) == []
    if count > 5:
        grown = {pid: (before[pid], now) for pid, now in descriptors(cloud).items() if now > before.get(pid, now) + 8}
        assert grown == {}, f"descriptors: {grown}"
    return f"{count} deployments, verifications and stops in a row, nothing left"


def descriptors(cloud):
    """Open descriptors of msed, mse-sim and haproxy, by what they are."""
    counts = {}
    for pid, words in testcloud.processes_of(cloud.folder):
        try:
            counts[f"{words.split()[0].split('/')[-1]} {pid}"] = len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir()))
        except OSError:
            continue
    return counts


def on_a_cloud(part, seed, minutes):
    cloud = testcloud.Cloud(BUILD)
    try:
        cloud.init()
        cloud.start()
        cloud.trust_and_login()
        with tempfile.TemporaryDirectory(prefix="mse-long-") as folder:
            line = part(cloud, pathlib.Path(folder), seed, time.monotonic() + minutes * 60)
    finally:
        left = cloud.remove()
    assert left == [], left
    return line


def bit_flips(seed, minutes):
    """Every single bit of quotes, reports and AMD's certificates, changed: the unit tests do a few of them."""
    found, env = [], os.environ | {"MSE_TEST_LONG": "1", "MSE_TEST_SOURCE_DIR": str(ROOT)}
    for program in sorted((BUILD / "test/unit").glob("test_attest_*")):
        if program.is_dir() or b"MSE_TEST_LONG" not in program.read_bytes():
            continue
        result = subprocess.run([program], capture_output=True, text=True, env=env)
        assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]
        found += [line for line in result.stdout.splitlines() if line.endswith("refused") and line[0].isdigit()]
    assert found
    return "; ".join(found)


def fuzz(seed, minutes):
    targets = len(list((ROOT / "test/fuzz").glob("fuzz_*.c")))
    seconds = max(2, int(minutes * 60 / targets))
    result = subprocess.run([*QUIETLY, "make", "fuzz", f"SECONDS={seconds}"], cwd=ROOT, capture_output=True, text=True)
    lines = [line for line in result.stdout.splitlines() if line.endswith("no finding") or "FINDING" in line]
    assert result.returncode == 0 and len(lines) == targets, "\n".join(lines) + result.stderr[-2000:]
    runs = sum(int(line.split()[1]) for line in lines)
    return f"{targets} targets for {seconds} s each under ASan and UBSan, {runs} runs, no finding"


# name, what runs it, its share of the minutes
PARTS = [
    ("random kills", lambda seed, minutes: on_a_cloud(chaos.run, seed, minutes), 0.3),
    ("soak", lambda seed, minutes: on_a_cloud(soak, seed, minutes), 0.2),
    ("big bodies", lambda seed, minutes: on_a_cloud(bodies.run, seed, minutes), 0.1),
    ("kills of an enclave", lambda seed, minutes: seals.run(BUILD, seed, minutes), 0.05),
    ("bit flips", bit_flips, 0.05),
    ("server bodies", lambda seed, minutes: servers.bodies(BUILD), 0),
    ("server idle", lambda seed, minutes: servers.idle(BUILD), 0),
    ("server aborts", lambda seed, minutes: servers.aborts(BUILD), 0),
    ("server floods", lambda seed, minutes: servers.floods(BUILD), 0),
    ("server certificates", lambda seed, minutes: renewals.run(BUILD), 0),
    ("take-overs", lambda seed, minutes: on_a_cloud(takeovers.run, seed, minutes), 0.05),
    ("server requests", lambda seed, minutes: soaks.requests(BUILD, seed, minutes), 0.1),
    ("server websockets", lambda seed, minutes: soaks.websockets(BUILD, seed, minutes), 0.05),
    ("server valgrind", lambda seed, minutes: soaks.valgrind(BUILD, seed, minutes), 0),
    ("fuzzing", fuzz, 0.1),
]


def record(lines):
    commit = subprocess.run(["git", "describe", "--always", "--dirty", "--abbrev=10"], cwd=ROOT, capture_output=True,
                            text=True).stdout.strip()
    today = datetime.date.today().isoformat()
    RESULTS.mkdir(exist_ok=True)
    with open(RESULTS / f"{today}.md", "a") as file:
        if file.tell() == 0:
            file.write(f"# Runs of {today}\n")
        file.write(f"\n### commit {commit}, seed {SEED}, {MINUTES:g} minutes\n\n" +
                   "".join(f"- {line}\n" for line in lines))


def main():
    wanted = os.environ.get("PARTS", "").split(",") if os.environ.get("PARTS") else [name for name, _, _ in PARTS]
    lines = []
    print(f"seed {SEED}", flush=True)
    for name, part, share in PARTS:
        if name not in wanted:
            continue
        print(f"{name} …", flush=True)
        began = time.monotonic()
        lines.append(f"{name}: {part(SEED, MINUTES * share)}")
        print(f"{lines[-1]} ({time.monotonic() - began:.0f} s)", flush=True)
    if len(lines) == len(PARTS):
        record(lines)
    print(f"{len(lines)} passed, 0 failed")


if __name__ == "__main__":
    main()
