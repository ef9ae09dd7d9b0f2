# SPDX-License-Identifier: Apache-2.0
"""The plain server under load: 2 GiB up and down, 10,000 idle connections, floods, millions of requests under ASan and a
sample under valgrind.

REQUESTS (default: as many as the minutes allow) is how many requests are wanted; ASAN_BUILD_DIR (default build-asan) holds
the instrumented server. The short twins are in test/e2e/test_server_load.py.
"""
import os
import pathlib
import re
import shutil
import statistics
import tempfile
import time

import idling
import plainserver
import serverload as load

ROOT = pathlib.Path(__file__).resolve().parents[2]
SIZE = 2 << 30
GROWTH_MAX = 32 << 20
IDLE = 10000
IDLE_KIB_MAX = 20
IDLE_APP = "def app(environ, start_response):\n    start_response('200 OK', [])\n    return [b'hello']\n"
RATE_MIN = 0.9
REQUESTS = int(os.environ.get("REQUESTS", 0))
ASAN = pathlib.Path(os.environ.get("ASAN_BUILD_DIR", ROOT / "build-asan"))
# Python keeps what it made until the end of the process: what it lost by then is its own business, ours is not.
SUPPRESSIONS = "leak:libpython\nleak:_Py\nleak:Py\n"


def bodies(build):
    found = []
    for kind, code in load.SEEN.items():
        with plainserver.PlainServer(build, {"app.py": code}, "--body-max", str(SIZE)) as server:
            growth = load.bodies_growth(server, SIZE)
        assert growth < GROWTH_MAX, f"{kind}: {growth >> 20} MiB"
        found.append(f"{kind} {growth / (1 << 20):.1f} MiB")
    return "2 GiB up (counted, chunked) and down; peak of resident memory grew by " + ", ".join(found)


def idle(build):
    """10,000 idle connections, each behind a request: at most 20 KiB more than in a bare OpenSSL server."""
    idling.allow_descriptors()
    with tempfile.TemporaryDirectory(prefix="mse-idle-") as folder:
        cert, key = idling.certificate(pathlib.Path(folder))
        with plainserver.PlainServer(build, {"app.py": IDLE_APP}, "--cert", str(cert), "--key", str(key),
                                     "--idle-timeout", "600", "--connections", str(2 * IDLE)) as server:
            server.cert, server.key = cert, key
            excess = idling.excess_kib(pathlib.Path(build), server, IDLE)
            assert excess <= IDLE_KIB_MAX, f"{excess:.1f} KiB each"
            assert idling.sleeps(server.process.pid, 2, 10)
    return f"{IDLE} idle TLS connections: {excess:.1f} KiB each beyond a bare server's"


def floods(build):
    """Clients that drip, idle, or do not read. By the server's CPU time for a request: seconds depend on who else runs."""
    found = []
    for kind, code in load.SEEN.items():
        with plainserver.PlainServer(build, {"app.py": code}) as server:
            usual, flooded = [], []
            for _ in range(5):
                usual.append(load.rate(server, 2))
                flood = load.Flood(server, 400).start((0, 2, 3, 1, 4) if kind == "asgi" else (0, 3)).settle()
                flooded.append(load.rate(server, 2, flood.drip))
                flood.stop()
            seconds = statistics.median(r for r, _ in flooded) / statistics.median(r for r, _ in usual)
            share = statistics.median(ns for _, ns in usual) / statistics.median(ns for _, ns in flooded)
        assert share >= RATE_MIN, f"{kind}: {share:.0%} of the usual rate by CPU time, {seconds:.0%} by the clock"
        found.append(f"{kind} {share:.0%} ({seconds:.0%} by the clock)")
        found.append(f"{kind} attacked over HTTP/2 {attacked(build, kind, code):.0%}")
    return "400 slow clients; others are served, by the server's CPU time, at " + ", ".join(found) + " of the usual rate"


def attacked(build, kind, code):
    """The share of the usual rate, by the server's CPU time, beside rapid resets, floods and slow reads of HTTP/2."""
    with load.TlsServer(build, {"app.py": code}) as server:
        flood, usual, flooded = load.Http2Flood(server), [], []
        for _ in range(3):
            usual.append(load.rate(server, 2)[1])
            flooded.append(load.rate(server, 2, flood.drip)[1])
        flood.stop()
    share = statistics.median(usual) / statistics.median(flooded)
    assert share >= RATE_MIN, f"{kind}: {share:.0%} of the usual rate by CPU time beside attacks of HTTP/2"
    return share


def run_requests(build, code, seed, until, wanted, env=None, wrapper=()):
    """(how many, bytes that the process grew by after the first tenth). The server must end well, with nothing to report."""
    server = plainserver.PlainServer(build, {"app.py": code}, env=env)
    server.argv = [*wrapper, *server.argv]
    with server:
        rng, done, first = load.seeded(seed), 0, None
        while time.monotonic() < until and (not wanted or done < wanted):
            done += load.many_requests(server, rng, 2000)
            if first is None and (time.monotonic() > until - 60 or done >= 20000):
                first = load.memory(server.process.pid, "VmRSS")
        grown = load.memory(server.process.pid, "VmRSS") - (first or 0)
        assert server.stop() == 0, server.messages()[-4000:]
        said = re.sub(r"Traceback.*?ValueError: wanted\n", "", server.messages(), flags=re.S)
        assert "Sanitizer" not in said and "runtime error" not in said, said[-4000:]
        assert own_errors(said) == [], own_errors(said)[0]
    return done, grown


def own_errors(said):
    """Blocks of valgrind's whose first frame outside of the C library is of mse-enclave, and not of Python."""
    found = []
    for block in re.split(r"\n==\d+== *\n", said):
        frames = re.findall(r"^==\d+==    (?:at|by) 0x[0-9A-F]+: (.*)$", block, re.M)
        frames = [frame for frame in frames if not re.search(r"vgpreload|vg_replace|/libc\.so", frame)]
        if frames and "libpython" not in frames[0] and "/usr/lib/" not in frames[0]:
            found.append(block)
    return found


def requests(build, seed, minutes):
    assert (ASAN / "mse-enclave").exists(), f"make check-asan first, or say ASAN_BUILD_DIR: {ASAN}"
    suppressions = pathlib.Path(os.environ.get("TMPDIR", "/tmp")) / f"mse-long-lsan-{os.getpid()}"
    suppressions.write_text(SUPPRESSIONS)
    env = {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0", "PYTHONMALLOC": "malloc",
           "LSAN_OPTIONS": f"suppressions={suppressions}:print_suppressions=0", "UBSAN_OPTIONS": "print_stacktrace=1"}
    found, begun = [], time.monotonic()
    try:
        for i, (kind, code) in enumerate(load.SEEN.items()):
            until = begun + minutes * 60 * 0.45 * (i + 1)
            done, grown = run_requests(ASAN, code, seed, until, REQUESTS // 2, env)
            found.append(f"{done} {kind}")
    finally:
        suppressions.unlink()
    line = "mixed requests under ASan, UBSan and LSan: " + ", ".join(found) + "; no finding"
    return line + "; " + valgrind(build, seed, begun + minutes * 60)


def valgrind(build, seed, until):
    """A sample: errors of ours in memory; Python's own are known to it as such."""
    if not shutil.which("valgrind"):
        return "no valgrind on this machine"
    found = []
    for kind, code in load.SEEN.items():
        wrapper = ["valgrind", "--quiet", "--num-callers=20"]
        done, _ = run_requests(build, code, seed, max(until, time.monotonic() + 20), 2000, {"PYTHONMALLOC": "malloc"},
                               wrapper)
        found.append(f"{done} {kind}")
    return "under valgrind " + ", ".join(found)
