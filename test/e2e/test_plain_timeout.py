# SPDX-License-Identifier: Apache-2.0
"""--request-timeout: what becomes of a request whose answer does not begin, and of who serves beside it."""
import http.client
import time

import pytest

from plainserver import PlainServer, children

WSGI = """
import os, time
def hang():
    time.sleep(60)
def app(environ, start):
    if environ["PATH_INFO"] == "/hang":
        hang()
    start("200 OK", [])
    yield str(os.getpid()).encode()
    if environ["PATH_INFO"] == "/stream":
        time.sleep(1.6)
        yield b" whole"
"""
ASGI = """
import asyncio, os, time
def hang():
    time.sleep(60)
async def app(scope, receive, send):
    assert scope["type"] == "http"
    if scope["path"] == "/block":
        hang()
    try:
        if scope["path"] == "/hang":
            await asyncio.sleep(60)
    finally:
        print("left", scope["path"], flush=True)
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": str(os.getpid()).encode(), "more_body": True})
    if scope["path"] == "/stream":
        await asyncio.sleep(1.6)
    await send({"type": "http.response.body", "body": b" whole"})
"""


def beginning(server, path):
    """Asks, and does not wait."""
    connection = server.connection()
    connection.request("GET", path)
    return connection


@pytest.mark.parametrize("app, path, said", [(WSGI, "/hang", "GET /hang: no answer has begun within 1 s"),
                                             (ASGI, "/block", "the event loop has not run for 1 s")], ids=["wsgi", "asgi"])
def test_what_cannot_be_ended_costs_the_worker(build, app, path, said):
    """Its place is taken at once, and who was being answered gets the rest."""
    with PlainServer(build, {"app.py": app}, "--request-timeout", "1", "--graceful-timeout", "2", "--exit-timeout", "0") as server:
        first = children(server.process.pid)
        stream = beginning(server, "/stream")
        assert stream.sock.recv(12) == b"HTTP/1.1 200"
        hanging = beginning(server, path)
        server.wait_for(lambda: "a worker leaves: another takes its place" in server.messages())
        assert f"mse-enclave: {said}\n" in server.messages()
        assert " in hang\n" in server.messages(), "where it was"
        server.wait_for(lambda: server.messages().count(" is served (") == 2)
        assert server.get().text.split()[0] not in map(str, first)
        if app == WSGI:
            rest = b""
            while piece := stream.sock.recv(1000):
                rest += piece
            assert b" whole" in rest
        with pytest.raises((http.client.HTTPException, OSError)):
            hanging.getresponse()
        server.wait_for(lambda: not set(first) & set(children(server.process.pid)))
        assert server.stop() == 0


def test_a_request_that_waits_is_cancelled(build):
    with PlainServer(build, {"app.py": ASGI}, "--request-timeout", "1") as server:
        first = children(server.process.pid)
        began = time.monotonic()
        hanging, stream = beginning(server, "/hang"), beginning(server, "/stream")
        assert hanging.getresponse().status == 503
        assert 1 <= time.monotonic() - began < 20
        assert b" whole" in stream.getresponse().read(), "an answer that has begun may last"
        server.wait_for(lambda: "left /hang" in server.output())
        assert "mse-enclave: GET /hang: no answer has begun within 1 s: it is cancelled\n" in server.messages()
        assert "Traceback" not in server.messages() and children(server.process.pid) == first
        assert server.stop() == 0
