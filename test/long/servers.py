# SPDX-License-Identifier: Apache-2.0
"""The plain server under load: 2 GiB up and down, 10,000 idle connections, floods. The short twins are in
test/e2e/test_server_load.py.
"""
import pathlib
import statistics
import tempfile

import idling
import plainserver
import serverload as load

SIZE = 2 << 30
GROWTH_MAX = 32 << 20
IDLE = 10000
IDLE_KIB_MAX = 20
IDLE_APP = "def app(environ, start_response):\n    start_response('200 OK', [])\n    return [b'hello']\n"
RATE_MIN = 0.9


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
