# SPDX-License-Identifier: Apache-2.0
"""The plain server under load: 2 GiB up and down, 10,000 idle connections, floods. The short twins are in
test/e2e/test_server_load.py.
"""
import pathlib
import tempfile
import time

import aborting
import idling
import plainserver
import serverload as load
import soakapps

SIZE = 2 << 30
GROWTH_MAX = 32 << 20
IDLE = 10000
IDLE_KIB_MAX = 20
IDLE_APP = "def app(environ, start_response):\n    start_response('200 OK', [])\n    return [b'hello']\n"
RATE_MIN = 0.9
BURNS = """
import time

def app(environ, start_response):
    if "HTTP_X_BURN" in environ:
        end = time.thread_time() + 0.1
        while time.thread_time() < end:
            pass
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]
"""
PAIRS = 20  # of turns of a second
SETTLE_SECONDS = 1  # until what slow clients asked for has filled all buffers
FRAGMENTS_GROWTH_MAX = 64 << 20


def bodies(build):
    found = []
    for kind, code in load.SEEN.items():
        for make in plainserver.PlainServer, load.TlsServer:
            with make(build, {"app.py": code}, "--body-max", str(SIZE)) as server:
                growth = load.bodies_growth(server, SIZE, make is load.TlsServer)
            name = f"{kind} over HTTP/{2 if make is load.TlsServer else 1}"
            assert growth < GROWTH_MAX, f"{name}: {growth >> 20} MiB"
            found.append(f"{name} {growth / (1 << 20):.1f} MiB")
    return "2 GiB up (counted, chunked) and down; peak of resident memory grew by " + ", ".join(found)


def idle(build):
    """10,000 idle connections, each behind a request: at most 20 KiB more than in a bare OpenSSL server."""
    idling.allow_descriptors()
    found = []
    with tempfile.TemporaryDirectory(prefix="mse-idle-") as folder:
        cert, key = idling.certificate(pathlib.Path(folder))
        for protocol in "http1", "http2":
            with plainserver.PlainServer(build, {"app.py": IDLE_APP}, "--cert", str(cert), "--key", str(key),
                                         "--idle-timeout", "600", "--connections", str(2 * IDLE)) as server:
                server.cert, server.key = cert, key
                excess = idling.excess_kib(pathlib.Path(build), server, IDLE, protocol)
                assert excess <= IDLE_KIB_MAX, f"{protocol}: {excess:.1f} KiB each"
                assert idling.sleeps(server.process.pid, 2, 10)
                found.append(f"{excess:.1f} KiB each ({protocol})")
    return f"{IDLE} idle TLS connections, beyond a bare server's: " + ", ".join(found)


def aborts(build):
    """Clients that leave at every byte; no descriptor stays, and the next one is served."""
    counts = {}
    for code in load.SEEN["wsgi"], aborting.ECHO:
        with load.TlsServer(build, {"app.py": code}) as tls, plainserver.PlainServer(build, {"app.py": code}) as plain:
            for what, server, abort in (("HTTP/1.1 over TLS", tls, lambda step: aborting.abort_tls(tls, False, step)),
                                        ("HTTP/2", tls, lambda step: aborting.abort_tls(tls, True, step)),
                                        ("WebSocket", plain, lambda step: aborting.abort_websocket(plain, step))):
                abort(97)
                before = load.descriptors(server.process.pid)
                counts[what] = counts.get(what, 0) + abort(1)
                aborting.left_nothing(server, before)
    return "left in order and by reset, WSGI and ASGI: " + ", ".join(f"{what} {count} times" for what, count in counts.items()) + (
        "; no descriptor stayed")


def floods(build):
    """Clients that drip, idle, or do not read, and attacks. By the server's CPU time for a request, and by the clock, which
    wants a quiet machine."""
    lost = planted(build)
    found = [part(build, kind) for kind in load.SEEN for part in (flooded, attacked)] + [fragments(build)]
    return ("others are served, by the server's CPU time for a request, at " + ", ".join(found) +
            f" of the usual rate; beside a planted loss of some 15 % at {lost:.0%}")


def told(what, share):
    text = f"{share[0]:.0%} ({share[1]:.0%} by the clock) {what}"
    print(f"  {text}", flush=True)
    assert min(share) >= RATE_MIN, text
    return text


def flooded(build, kind):
    with plainserver.PlainServer(build, {"app.py": load.SEEN[kind]}) as server:
        flood = load.Flood(server, 400)
        kinds = (0, 2, 3, 1, 4) if kind == "asgi" else (0, 3)
        return told(f"beside 400 slow clients of {kind}",
                    load.shares_beside(server, flood, 8, lambda: time.sleep(SETTLE_SECONDS) if flood.start(kinds) else None,
                                       flood.stop, 2))


def attacked_shares(server, flood):
    """The attack ends with its turn: what it still held would be there in the next one."""
    return load.shares_beside(server, flood, PAIRS, end=flood.stop)


class Burn:
    """Takes a tenth of each second from everybody, and what the change to slow handlers and back costs."""

    def __init__(self, server):
        self.sock = server.dial()

    def drip(self):
        self.sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX-Burn: 1\r\n\r\n")

    def stop(self):
        self.sock.close()


def planted(build):
    """The judgement itself: it has to fail for a server that loses some 15 %."""
    with load.TlsServer(build, {"app.py": BURNS}) as server:
        share = load.shares_beside(server, Burn(server), PAIRS)
    assert max(share) < RATE_MIN, share
    return share[0]


def attacked(build, kind):
    """Rapid resets, floods of PING, SETTINGS and CONTINUATION, slow reads."""
    with load.TlsServer(build, {"app.py": load.SEEN[kind]}) as server:
        return told(f"beside attacks of HTTP/2 on {kind}", attacked_shares(server, load.Http2Flood(server)))


def fragments(build):
    """Messages that never end. Each may have its 16 MiB until it is cut."""
    with load.TlsServer(build, {"app.py": soakapps.ASGI}) as server:
        before = load.memory(server.process.pid, "VmRSS")
        flood = load.FragmentFlood(server)
        share = attacked_shares(server, flood)
        assert set(flood.codes) == {1008, 1009} and len(flood.codes) >= 12, flood.codes
        grown = load.memory(server.process.pid, "VmHWM") - before
        assert grown < FRAGMENTS_GROWTH_MAX, f"{grown >> 20} MiB"
    return told("beside WebSocket fragments without end", share)
