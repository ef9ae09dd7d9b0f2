# SPDX-License-Identifier: Apache-2.0
"""One server under one load: starting it, its CPU time and memory, wrk, h2load and openssl s_time against it."""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time

import servers

STARTS = 7
P99_TURNS = 3
CONNECTIONS = 32
START_LIMIT = 30
TICKS = os.sysconf("SC_CLK_TCK")


def pinned(core, argv):
    return ["taskset", "-c", str(core), *argv] if shutil.which("taskset") and os.cpu_count() > 1 else argv


@contextlib.contextmanager
def children_on(core):
    """What is started within runs there from its first instruction: no other program is loaded before it."""
    before = os.sched_getaffinity(0)
    if len(before) > 1:
        os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


def members(group):
    """Processes of a process group."""
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[2]) == group:
                    yield entry, fields


def cpu_seconds(group):
    """On the CPU, user and system, by the scheduler's own count of nanoseconds."""
    total = 0
    for entry, _ in members(group):
        for task in (entry / "task").iterdir():
            with contextlib.suppress(OSError):
                total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def memory_kib(group):
    """Proportional: pages that processes of the server share count once."""
    total = 0
    for entry, _ in members(group):
        with contextlib.suppress(OSError):
            total += int(re.search(r"^Pss:\s+(\d+)", (entry / "smaps_rollup").read_text(), re.M)[1])
    return total


def environment(apps):
    """Nothing of the caller's decides for Python's servers whether a module is compiled anew at each start."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**kept, "PYTHONPATH": str(apps)}


class Server:
    """One server over one application, in a process group of its own, on core 0."""

    def __init__(self, name, case, setup):
        kind, module, self.path, _ = servers.CASES[case]
        self.name, self.port = name, free_port()
        words = {"app": f"{module}:app", "kind": kind, "port": self.port, **setup}
        if name == "nginx":
            (setup["folder"] / f"nginx-{self.port}.conf").write_text(servers.NGINX.format(**words))
        self.log = open(setup["folder"] / f"log-{self.port}", "w+")
        argv = [part.format(**words) for part in servers.SERVERS[name][2]]
        with children_on(0):
            self.began = time.monotonic()
            self.process = subprocess.Popen(argv, cwd=setup["apps"], stdout=subprocess.DEVNULL, stderr=self.log,
                                            env=environment(setup["apps"]), start_new_session=True)

    def url(self, path=None):
        return f"https://127.0.0.1:{self.port}{path or self.path}"

    def answers(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection(("127.0.0.1", self.port), 5) as plain:
            with context.wrap_socket(plain) as sock:
                sock.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                return b" 200 " in sock.recv(64)

    def wait(self):
        """Seconds from the start to the first 200."""
        while time.monotonic() - self.began < START_LIMIT and self.process.poll() is None:
            with contextlib.suppress(OSError):
                if self.answers():
                    return time.monotonic() - self.began
            time.sleep(0.001)
        self.log.seek(0)
        raise RuntimeError(f"it does not answer: {self.log.read()[-300:]}")

    def end(self):
        for number in signal.SIGTERM, signal.SIGKILL:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
                break
        self.log.close()


def run(server, argv):
    """(output, CPU seconds of the server)."""
    before = cpu_seconds(server.process.pid)
    out = subprocess.run(pinned(1, argv), capture_output=True, text=True, check=True).stdout
    return out, cpu_seconds(server.process.pid) - before


def milliseconds(text):
    number, unit = re.fullmatch(r"(-?[\d.]+|-?nan)(us|ms|s|m)", text).groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60000}[unit]


def wrk(server, seconds, script=None):
    out, spent = run(server, ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency",
                              *(["-s", script] if script else []), server.url()])
    requests = int(re.search(r"(\d+) requests in", out)[1])
    errors = re.search(r"(Socket errors|Non-2xx).*", out)
    return {"rate": float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]), "cpu_us": 1e6 * spent / max(requests, 1),
            "p50_ms": milliseconds(re.search(r"^\s+50%\s+(\S+)", out, re.M)[1]), "errors": errors[0] if errors else ""}


def h2load(server, seconds, words):
    out, spent = run(server, ["h2load", "-t1", "-D", str(seconds), *words, server.url()])
    done = int(re.search(r"(\d+) succeeded", out)[1])
    failed = int(re.search(r"(\d+) failed", out)[1])
    return {"rate": float(re.search(r"([\d.]+) req/s", out)[1]), "cpu_us": 1e6 * spent / max(done, 1),
            "protocol": re.search(r"Application protocol: (\S+)", out)[1], "errors": f"{failed} failed" if failed else ""}


def p99_ms(server, seconds, rate, folder, words=()):
    """At so many requests a second, spread over the connections; rate None: as many as it can. words: more for h2load."""
    log = folder / f"requests-{server.port}"
    log.unlink(missing_ok=True)
    pace = ["--rps", f"{rate / CONNECTIONS:.2f}"] if rate else []
    row = h2load(server, seconds, ["--h1", f"-c{CONNECTIONS}", "--log-file", str(log), *pace, *words])
    times = sorted(int(line.split("\t")[2]) for line in log.read_text().splitlines())
    return {**row, "p99_ms": times[int(len(times) * 0.99)] / 1000 if times else None}


def handshakes(server, seconds):
    """Full handshakes, one after the other: CPU of the server for each."""
    out, spent = run(server, ["openssl", "s_time", "-connect", f"127.0.0.1:{server.port}", "-new", "-time", str(seconds)])
    count = max(int(number) for number in re.findall(r"(\d+) connections in", out))
    return {"count": count, "cpu_us": 1e6 * spent / max(count, 1)}
