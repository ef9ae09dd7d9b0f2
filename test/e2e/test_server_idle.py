# SPDX-License-Identifier: Apache-2.0
"""What idle connections cost the application server: memory (10,000 of them in test/long/servers.py) and wake-ups."""
import pathlib

import http2client as h2
import pytest
from idling import allow_descriptors, certificate, excess_kib, held, sleeps
from netserver import Identity
from plainserver import PlainServer
from test_websocket_http2 import Http2, Stream
from wsclient import Client

CONNECTIONS = 500
EXCESS_KIB_MAX = 20
APPS = {
    "wsgi": "def app(environ, start_response):\n    start_response('200 OK', [])\n    return [b'hello']\n",
    "asgi": "async def app(scope, receive, send):\n"
            "    if scope['type'] != 'http':\n        raise RuntimeError('no lifespan')\n"
            "    await send({'type': 'http.response.start', 'status': 200})\n"
            "    await send({'type': 'http.response.body', 'body': b'hello'})\n",
}


@pytest.fixture(params=list(APPS))
def server(request, build, tmp_path):
    allow_descriptors()
    cert, key = certificate(tmp_path)
    with PlainServer(build, {"app.py": APPS[request.param]}, "--cert", str(cert), "--key", str(key)) as found:
        found.cert, found.key = cert, key
        yield found


@pytest.mark.parametrize("server", ["wsgi"], indirect=True)
@pytest.mark.parametrize("protocol", ["http1", "http2"])
def test_idle_connections_cost_little(build, server, protocol):
    excess = excess_kib(pathlib.Path(build), server, CONNECTIONS, protocol)
    assert excess <= EXCESS_KIB_MAX


def test_who_is_idle_sleeps(build, server):
    """Alone, and with connections that say nothing once their buffers are gone."""
    assert sleeps(server.process.pid, 2, 10)
    with held(pathlib.Path(build), server.port(), 50), held(pathlib.Path(build), server.port(), 50, "http2"):
        assert sleeps(server.process.pid, 2, 10)


HELD = {"wsgi": """
import threading
go = threading.Event()

def app(environ, start):
    if environ["PATH_INFO"] == "/hold":
        go.wait()
    if environ["PATH_INFO"] == "/go":
        go.set()
    start("200 OK", [])
    return [b"hello"]
""", "asgi": """
import asyncio
go = asyncio.Event()

async def app(scope, receive, send):
    assert scope["type"] != "lifespan"
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({**message, "type": "websocket.send"})
        return
    await receive()
    if scope["path"] == "/watch":
        return await receive()
    if scope["path"] == "/hold":
        await go.wait()
    if scope["path"] == "/go":
        go.set()
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": b"hello"})
"""}


@pytest.mark.parametrize("kind", ["wsgi", "asgi"])
def test_idle_streams_and_websockets_let_it_sleep(build, tmp_path, kind):
    """Connections of HTTP/2 and WebSockets over both are open, requests wait in the application: nobody wakes up. No pings: those
    are no idleness."""
    identity = Identity(tmp_path, "a.localhost")
    with PlainServer(build, {"app.py": HELD[kind]}, "--cert", identity.cert, "--key", identity.key,
                     "--websocket-ping", "86400") as server:
        def dial(alpn):
            return identity.context(alpn=[alpn]).wrap_socket(server.dial(), server_hostname="a.localhost")
        connections = [h2.Connection(dial("h2")) for _ in range(4)]
        for one in connections:
            assert one.reply(one.head(h2.request("/", authority="a.localhost"))).body == b"hello"
        paths = ["/hold", "/watch"] if kind == "asgi" else ["/hold"]
        held = [(one, one.head(h2.request(path, authority="a.localhost"))) for one, path in zip(connections, paths)]
        talks = []
        if kind == "asgi":
            talks = [Client(dial("http/1.1")) for _ in range(4)] + [Stream(Http2(dial("h2")), "/") for _ in range(2)]
            assert [talk.ask("hello") for talk in talks] == ["hello"] * 6
        assert sleeps(server.process.pid, 2, 10)
        assert [talk.ask("still here") for talk in talks] == ["still here"] * len(talks)
        assert connections[-1].reply(connections[-1].head(h2.request("/go", authority="a.localhost"))).status == 200
        assert held[0][0].reply(held[0][1]).body == b"hello"
        for one in connections + talks:
            one.sock.close()
