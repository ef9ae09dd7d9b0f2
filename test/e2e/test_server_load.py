# SPDX-License-Identifier: Apache-2.0
"""Big bodies, aborts, floods and many requests, in short: test/long/servers.py has the whole."""
import serverload as load
import pytest
from plainserver import PlainServer

MIB = 1 << 20


@pytest.fixture(params=["wsgi", "asgi"])
def server(build, request):
    with PlainServer(build, {"app.py": load.SEEN[request.param]}, "--threads", "4") as new:
        yield new


def test_bodies_need_no_memory(server):
    growth = load.bodies_growth(server, 64 * MIB)
    assert growth < 32 * MIB, f"{growth / MIB:.1f} MiB"


def test_aborts_at_every_byte(server):
    server.get("/")
    before = load.descriptors(server.process.pid)
    count = load.abort_everywhere(server, server.dial)
    server.wait_for(lambda: load.descriptors(server.process.pid) <= before + 1)
    assert server.get("/").text == "hello" and count > 800
    assert "Traceback" not in server.messages(), "a client that leaves is no error of the application's"


def test_a_flood_leaves_others_served(server):
    """The bound is generous, since other tests run beside this one."""
    usual, _ = load.rate(server, 0.7)
    flood = load.Flood(server, 300).start(kinds=(0, 2, 3) if "asgi" in server.messages() else (0, 3))
    flooded, _ = load.rate(server, 0.7, flood.drip)
    flood.stop()
    assert flooded > 0.3 * usual, f"{flooded:.0f} of {usual:.0f} a second"
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
