#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""make bench: figures as ratios to a named baseline measured in the same run. Prints, never judges."""
import os
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test" / "support"))
import bench_connect  # noqa: E402  (beside this file)
import testcloud  # noqa: E402  (found by the line above)

BUILD = pathlib.Path(os.environ.get("MSE_BUILD_DIR", ROOT / "build"))
RUNS = int(os.environ.get("RUNS", 21))


def milliseconds(argv, env=None, runs=RUNS):
    """Median wall time of a command, in ms."""
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        subprocess.run([str(a) for a in argv], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=True)
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def row(name, value, unit, baseline_name, baseline):
    print(f"{name:42} {value:9.2f} {unit:5} {value / baseline:7.2f} × {baseline_name} ({baseline:.2f} {unit})", flush=True)


def start_times(cloud):
    base = milliseconds(["/bin/true"])
    row("mse --version", milliseconds([BUILD / "mse", "--version"], cloud.env), "ms", "/bin/true", base)
    row("mse cloud context --list", milliseconds([BUILD / "mse", "cloud", "context", "--list"], cloud.env), "ms",
        "/bin/true", base)


def deploy_times(cloud, folder):
    cloud.mse("scaffold", "helloworld", cwd=folder)
    project = folder / "helloworld"
    plain = milliseconds(["/usr/bin/python3", "-c", "import flask"], runs=5)
    cloud.mse_json("deploy", "-y", cwd=project)  # the first one recomputes the bill and is not counted
    totals, phases = [], {}
    for _ in range(5):
        started = time.perf_counter()
        app = cloud.mse_json("deploy", "-y", cwd=project)
        cloud.curl(f"https://{app['domain_name']}:{cloud.port}/", "-k")
        totals.append((time.perf_counter() - started) * 1000)
        for name, spent in app["phases_ms"].items():
            phases.setdefault(name, []).append(spent)
    row("deploy of helloworld to served request", statistics.median(totals), "ms", "python3 -c 'import flask'", plain)
    for name, spent in phases.items():
        row(f"  of it {name}", statistics.median(spent), "ms", "whole deploy", statistics.median(totals))
    return app


ATTEST_BASES = {
    "warm": ("verdict, collateral prepared", "its signatures alone"),
    "cold": ("verdict from files", "all signatures and decoding alone"),
    "two": ("two threads: time between verdicts", "two processes, signatures alone"),
    "scale": ("two threads: time between verdicts", "two processes of verdicts"),
    "memory": ("a prepared set", "one MiB"),
    "worst": ("dearest input of 1 MB", "dearest honest input"),
}


def attest_times():
    """The verifier beside the same OpenSSL calls done bare: bench_attest prints NAME OURS BARE."""
    done = subprocess.run([BUILD / "test/bench/bench_attest"], capture_output=True, text=True, check=True)
    for line in done.stdout.splitlines():
        name, ours, bare = line.split()
        kind, _, what = name.partition("-")
        text, base = ATTEST_BASES[kind]
        row(f"attest {what}: {text}", float(ours), "B" if kind == "memory" else "µs", base, float(bare))


def request_times(cloud, app):
    address = f"https://{app['domain_name']}:{cloud.port}/"
    resolve = ["--resolve", f"{app['domain_name']}:{cloud.port}:127.0.0.1"]
    api = milliseconds(["curl", "-s", "-k", "--resolve", f"{cloud.api}:127.0.0.1", f"{cloud.url}/healthz"])
    row("one request to the app by curl", milliseconds(["curl", "-s", "-k", *resolve, address]), "ms", "msed /healthz", api)
    row("mse cloud verify (fresh attestation)", milliseconds([BUILD / "mse", "cloud", "verify",
        f"{app['domain_name']}:{cloud.port}"], cloud.env), "ms", "msed /healthz", api)


def main():
    cloud = testcloud.Cloud(BUILD)
    try:
        cloud.init()
        cloud.start()
        cloud.trust_and_login()
        start_times(cloud)
        app = deploy_times(cloud, cloud.folder)
        request_times(cloud, app)
        cloud.mse("stop", app["id"], "-y")
    finally:
        cloud.remove()
    bench_connect.run(BUILD, row)
    attest_times()
    subprocess.run([BUILD / "test/bench/bench_http"], check=True)


if __name__ == "__main__":
    main()
