#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The application server against others: `make bench-server`, or bench_server.py [--only NAMES] [--cases NAMES] [--plain].

One process of the server on one core, wrk on the other, TLS 1.3, keep-alive, 32 connections. Servers that are not
installed are left out with a line that says so. --probe PROGRAM measures a fixed upper bound too: it is started as
PROGRAM wsgi|asgi PORT MODULE:APP CERT KEY. What counts across runs on a busy machine is the CPU time of a request;
requests per second compare only rows of one run. --json writes one object per row to stdout instead of the table.
"""
import argparse
import contextlib
import importlib.util
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

APPS = pathlib.Path(__file__).parent / "apps"
BUILD = pathlib.Path(os.environ.get("MSE_BUILD_DIR", pathlib.Path(__file__).parents[2] / "build"))
POST = 'wrk.method = "POST"\nwrk.body = string.rep("x", 1048576)\n'

# name: (kind, module, path, is a POST of one MiB)
CASES = {
    "wsgi-hello": ("wsgi", "hello_wsgi", "/", False),
    "flask-json": ("wsgi", "json_flask", "/", False),
    "wsgi-1m-down": ("wsgi", "hello_wsgi", "/big", False),
    "wsgi-1m-up": ("wsgi", "hello_wsgi", "/echo", True),
    "asgi-hello": ("asgi", "hello_asgi", "/", False),
    "fastapi-json": ("asgi", "json_fastapi", "/", False),
    "asgi-1m-down": ("asgi", "hello_asgi", "/big", False),
    "asgi-1m-up": ("asgi", "hello_asgi", "/echo", True),
}

# name: (kinds, what must be there, command, further words for TLS)
SERVERS = {
    "mse": (("wsgi", "asgi"), None,
            [str(BUILD / "mse-enclave"), "--plain", "{app}", "--app-dir", "{apps}", "--bind", "127.0.0.1:{port}"],
            ["--cert", "{cert}", "--key", "{key}"]),
    "probe": (("wsgi", "asgi"), "probe", ["{probe}", "{kind}", "{port}", "{app}"], ["{cert}", "{key}"]),
    "uvicorn": (("asgi",), "uvicorn",
                [sys.executable, "-m", "uvicorn", "--log-level", "warning", "--no-access-log", "--port", "{port}", "{app}"],
                ["--ssl-certfile", "{cert}", "--ssl-keyfile", "{key}"]),
    "hypercorn": (("asgi",), "hypercorn",
                  [sys.executable, "-m", "hypercorn", "-b", "127.0.0.1:{port}", "-k", "asyncio", "{app}"],
                  ["--certfile", "{cert}", "--keyfile", "{key}"]),
    "gunicorn": (("wsgi",), "gunicorn",
                 [sys.executable, "-m", "gunicorn", "-k", "gthread", "-w", "1", "--threads", "8", "--keep-alive", "75",
                  "-b", "127.0.0.1:{port}", "{app}"], ["--certfile", "{cert}", "--keyfile", "{key}"]),
}


def make_certificate(folder):
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-keyout", key, "-out", cert], check=True, capture_output=True)
    return cert, key


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


def cpu_seconds(group):
    """User and system time of all processes of the group."""
    total = 0
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[2]) == group:
                total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def resident_kib(group):
    total = 0
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.getpgid(int(entry.name)) == group:
                    total += int(re.search(r"VmRSS:\s+(\d+)", (entry / "status").read_text())[1])
            except (OSError, TypeError):
                continue
    return total


def milliseconds(text):
    number, unit = re.fullmatch(r"(-?[\d.]+|-?nan)(us|ms|s|m)", text).groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60000}[unit]


class Server:
    """One server over one application, in a process group of its own, on core 0."""

    def __init__(self, command, words):
        self.port = int(words["port"])
        argv = [part.format(**words) for part in command]
        pinned = ["taskset", "-c", "0"] if shutil.which("taskset") and os.cpu_count() > 1 else []
        self.began = time.monotonic()
        self.process = subprocess.Popen([*pinned, *argv], cwd=APPS, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        env={**os.environ, "PYTHONPATH": str(APPS)}, start_new_session=True)

    def wait(self, url):
        while True:
            done = subprocess.run(["curl", "-sk", "--max-time", "2", "-o", "/dev/null", "-w", "%{http_code}", url],
                                  capture_output=True, text=True)
            if done.stdout == "200":
                return time.monotonic() - self.began
            if self.process.poll() is not None or time.monotonic() - self.began > 20:
                raise RuntimeError("it does not answer")
            time.sleep(0.01)

    def end(self):
        for number in signal.SIGTERM, signal.SIGKILL:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
                return


def load(server, url, seconds, script):
    """One repetition of wrk."""
    argv = ["wrk", "-t1", "-c32", f"-d{seconds}s", "--latency", *(["-s", script] if script else []), url]
    pinned = ["taskset", "-c", "1"] if shutil.which("taskset") and os.cpu_count() > 1 else []
    before = cpu_seconds(server.process.pid)
    out = subprocess.run([*pinned, *argv], capture_output=True, text=True, check=True).stdout
    spent = cpu_seconds(server.process.pid) - before
    requests = int(re.search(r"(\d+) requests in", out)[1])
    errors = re.search(r"(Socket errors|Non-2xx).*", out)
    return {"rps": float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]), "cpu_us": 1e6 * spent / max(requests, 1),
            "p50_ms": milliseconds(re.search(r"50%\s+(\S+)", out)[1]), "p99_ms": milliseconds(re.search(r"99%\s+(\S+)", out)[1]),
            "errors": errors[0] if errors else ""}


def measure(name, case, options, folder, cert, key):
    _, _, command, tls = SERVERS[name]
    kind, module, path, is_post = CASES[case]
    words = {"app": f"{module}:app", "apps": APPS, "port": free_port(), "cert": cert, "key": key, "kind": kind,
             "probe": options.probe}
    url = f"{'http' if options.plain else 'https'}://127.0.0.1:{words['port']}{path}"
    server = Server(command + ([] if options.plain else tls), words)
    try:
        started = server.wait(url if not is_post else url.replace(path, "/"))
        idle = resident_kib(server.process.pid)
        script = folder / "post.lua" if is_post else None
        load(server, url, 1, script)
        runs = sorted((load(server, url, options.seconds, script) for _ in range(options.repeat)), key=lambda r: r["rps"])
        return {"case": case, "server": name, "start_ms": round(started * 1000), "idle_kib": idle, **runs[len(runs) // 2]}
    finally:
        server.end()


def missing(name, options):
    needs = SERVERS[name][1]
    if needs == "probe":
        return None if options.probe else "no --probe PROGRAM"
    if needs and not importlib.util.find_spec(needs):
        return f"{needs} is not installed"
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", help="names of servers, with commas")
    parser.add_argument("--cases", help="names of cases, with commas")
    parser.add_argument("--plain", action="store_true", help="without TLS")
    parser.add_argument("--probe")
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("bench-server: wrk is not installed (apt-get install wrk)")
    names = options.only.split(",") if options.only else list(SERVERS)
    for name in names:
        if why := missing(name, options):
            print(f"left out: {name}: {why}", file=sys.stderr)
    names = [name for name in names if not missing(name, options)]
    if not options.json:
        print(f"{'case':14} {'server':10} {'req/s':>8} {'CPU us':>7} {'p50 ms':>7} {'p99 ms':>7} {'start ms':>8} {'idle KiB':>8}")
    with tempfile.TemporaryDirectory(prefix="mse-bench-") as folder:
        folder = pathlib.Path(folder)
        (folder / "post.lua").write_text(POST)
        cert, key = make_certificate(folder)
        for case in options.cases.split(",") if options.cases else CASES:
            for name in names:
                if CASES[case][0] not in SERVERS[name][0] or (name == "probe" and "1m" in case):
                    continue
                try:
                    row = measure(name, case, options, folder, cert, key)
                except RuntimeError as error:
                    print(f"left out: {name} for {case}: {error}", file=sys.stderr)
                    continue
                if options.json:
                    print(json.dumps(row), flush=True)
                else:
                    print(f"{case:14} {name:10} {row['rps']:8.0f} {row['cpu_us']:7.1f} {row['p50_ms']:7.2f} {row['p99_ms']:7.2f} "
                          f"{row['start_ms']:8} {row['idle_kib']:8} {row['errors']}", flush=True)


if __name__ == "__main__":
    main()
