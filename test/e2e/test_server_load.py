# SPDX-License-Identifier: Apache-2.0
"""Big bodies, aborts, floods and many requests, in short: test/long/servers.py has the whole."""
import aborting
import pytest
import serverload as load
from plainserver import PlainServer

MIB = 1 << 20


@pytest.fixture(params=["wsgi", "asgi"])
def server(build, request):
    with PlainServer(build, {"app.py": load.SEEN[request.param]}, "--threads", "4") as new:
        yield new


def test_bodies_need_no_memory(server):
    growth = load.bodies_growth(server, 64 * MIB)
    assert growth < 32 * MIB, f"{growth / MIB:.1f} MiB"


@pytest.mark.parametrize("kind", ["wsgi", "asgi"])
def test_bodies_over_http2_need_no_memory(build, kind):
    with load.TlsServer(build, {"app.py": load.SEEN[kind]}) as server:
        growth = load.bodies_growth(server, 64 * MIB, is_http2=True)
    assert growth < 32 * MIB, f"{growth / MIB:.1f} MiB"


def test_aborts_at_every_byte(server):
    server.get("/")
    before = load.descriptors(server.process.pid)
    count = load.abort_everywhere(server, server.dial)
    server.wait_for(lambda: load.descriptors(server.process.pid) <= before + 1)
    assert server.get("/").text == "hello" and count > 800
    assert "Traceback" not in server.messages(), "a client that leaves is no error of the application's"


@pytest.mark.parametrize("kind", ["wsgi", "asgi"])
@pytest.mark.parametrize("is_http2", [False, True])
def test_aborts_within_tls(build, kind, is_http2):
    """Within the ClientHello, the rest of the handshake, the request and the answer; every byte of them in test/long."""
    with load.TlsServer(build, {"app.py": load.SEEN["wsgi"] if kind == "wsgi" else aborting.ECHO}) as server:
        aborting.abort_tls(server, is_http2, 97)
        before = load.descriptors(server.process.pid)
        assert aborting.abort_tls(server, is_http2, 5) > 500
        aborting.left_nothing(server, before)


@pytest.mark.parametrize("kind", ["wsgi", "asgi"])
def test_aborts_of_websockets(build, kind):
    """Within the handshake, the frames, and what comes back. To WSGI it is a request with something behind it."""
    with PlainServer(build, {"app.py": load.SEEN["wsgi"] if kind == "wsgi" else aborting.ECHO}) as server:
        aborting.abort_websocket(server, 97)
        before = load.descriptors(server.process.pid)
        assert aborting.abort_websocket(server, 2) > 500
        aborting.left_nothing(server, before)


def share_beside_a_flood(server):
    usual, _ = load.rate(server, 0.7)
    flood = load.Flood(server, 300).start(kinds=(0, 2, 3) if "asgi" in server.messages() else (0, 3))
    flooded, _ = load.rate(server, 0.7, flood.drip)
    flood.stop()
    return flooded / usual


def test_a_flood_leaves_others_served(server):
    """The bound is generous and the best of three counts, since other tests run beside this one."""
    shares = []
    while len(shares) < 3 and (not shares or shares[-1] <= 0.3):
        shares.append(share_beside_a_flood(server))
    assert shares[-1] > 0.3, shares
    server.wait_for(lambda: load.descriptors(server.process.pid) < 60)


@pytest.mark.parametrize("kind", ["wsgi", "asgi"])
def test_attacks_of_http2_leave_others_served(build, kind):
    """Rapid reset, floods of PING and SETTINGS, CONTINUATION without end: each is cut; slow reads wait by themselves."""
    with load.TlsServer(build, {"app.py": load.SEEN[kind]}) as server:
        _, usual = load.rate(server, 0.5)
        flood = load.Http2Flood(server)
        _, flooded = load.rate(server, 1.2, flood.drip)
        flood.drip()
        flood.stop()
        assert flood.cut >= 8 and flood.cut % 4 == 0, flood.cut
        assert flooded < 3 * usual, f"{flooded:.0f} ns of CPU for a request, usually {usual:.0f}"
        server.wait_for(lambda: load.descriptors(server.process.pid) < 40)


def test_many_requests_leave_nothing(server):
    rng = load.seeded(1)
    load.many_requests(server, rng, 400)
    objects = int(server.get("/objects").text)
    held = load.descriptors(server.process.pid)
    load.many_requests(server, rng, 2000)
    server.wait_for(lambda: load.descriptors(server.process.pid) <= held + 1)
    assert int(server.get("/objects").text) < objects + 200
