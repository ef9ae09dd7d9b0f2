# SPDX-License-Identifier: Apache-2.0
"""A send() of a WebSocket that is given up (asyncio.wait_for) is not taken back: its message is begun, so it is sent whole, over
each transport; a ping, a close and later messages come behind it, and no more than it is kept."""
import concurrent.futures
import struct
import time

import pytest
from netserver import Identity
from plainserver import PlainServer
from test_websocket_http2 import Http2, Stream, secured
from wsclient import CLOSE, PING, PONG, TEXT, Client, close, frame

SIZE = 5 << 20  # more than the kernel takes
APP = '''
import asyncio

BIG = bytes(range(256)) * %d
state = {}

async def tried(send, message, seconds):
    try:
        await asyncio.wait_for(send({"type": "websocket.send", **message}), seconds)
        return "sent"
    except (asyncio.TimeoutError, OSError) as error:
        return type(error).__name__

async def app(scope, receive, send):
    assert scope["type"] != "lifespan"
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200})
        return await send({"type": "http.response.body", "body": repr(state.get(scope["path"])).encode()})
    await receive()
    await send({"type": "websocket.accept"})
    done = state[scope["path"]] = [await tried(send, {"bytes": BIG}, 0.3)]
    if scope["path"] == "/returns":
        return
    if scope["path"] == "/closes":
        return await send({"type": "websocket.close", "code": 3000})
    for _ in range(20):
        done.append(await tried(send, {"bytes": BIG}, 0.01))
    done.append((await receive())["type"])
    await send({"type": "websocket.send", "text": done[0]})
''' % (SIZE // 256)


@pytest.fixture(scope="module")
def identity(tmp_path_factory):
    return Identity(tmp_path_factory.mktemp("identity"), "one")


def connector(kind, server, identity):
    if kind == "plain":
        return lambda path: Client(server.dial(), path)
    if kind == "h2":
        return lambda path: Stream(Http2(secured(server, identity)), path)
    return lambda path: Client(identity.context().wrap_socket(server.dial(), server_hostname="a.localhost"), path)


def whole(client):
    """The message; the client has let a ping, and the time for its answer, pass before it reads."""
    time.sleep(3.3)
    assert client.exactly(10) == b"\x82\x7f" + struct.pack(">Q", SIZE)
    pieces, size = [client.buffer], len(client.buffer)
    while size < SIZE:  # not one growing buffer, which would be copied for each piece
        client.buffer = b""
        client.fill()
        pieces.append(client.buffer)
        size += len(client.buffer)
    data = b"".join(pieces)
    client.buffer = data[SIZE:]
    assert data[:SIZE] == bytes(range(256)) * (SIZE // 256)


def close_code(client):
    """On a slow machine another ping may come before."""
    while (got := client.receive())[0] == PING:
        client.send(frame(PONG, got[1]))
    assert got[0] == CLOSE
    client.send(frame(CLOSE, got[1]))
    client.ended()
    return struct.unpack(">H", got[1])[0]


def goes_on(dial):
    client = dial("/goes-on")
    client.fill()
    client.send(frame(PING, b"p"))
    whole(client)
    # In any order; the client is asked again, and has its time for the answer.
    assert sorted([client.receive(), client.receive()]) == [(PING, b""), (PONG, b"p")]
    client.send(frame(PONG, b""), frame(TEXT, b"go on"))
    assert client.message() == "TimeoutError"
    assert close_code(client) == 1000


def returns(dial):
    client = dial("/returns")
    whole(client)
    assert close_code(client) == 1000


def closes(dial):
    client = dial("/closes")
    whole(client)
    assert close_code(client) == 3000


def is_closed(dial):
    client = dial("/is-closed")
    client.fill()
    client.send(close(1000, b"enough"))
    whole(client)
    assert client.receive()[0] == CLOSE


def test_a_message_whose_send_is_given_up(build, identity):
    """What comes behind it: a pong, a ping and messages; the close of an application that ends, or says so; an answer to one."""
    options = "--websocket-ping", "1", "--websocket-pong-timeout", "2"
    with PlainServer(build, {"app.py": APP}, *options) as plain, \
         PlainServer(build, {"app.py": APP}, *options, "--cert", identity.cert, "--key", identity.key) as tls, \
         concurrent.futures.ThreadPoolExecutor(12) as pool:
        dials = connector("plain", plain, identity), connector("tls", tls, identity), connector("h2", tls, identity)
        clients = goes_on, returns, closes, is_closed
        for ended in [pool.submit(client, dial) for client in clients for dial in dials]:
            ended.result()


def test_messages_that_are_not_begun_are_not_kept(build):
    """One message is under way; of twenty more none is taken, and a client that takes nothing has its time-out."""
    with PlainServer(build, {"app.py": APP}, "--write-timeout", "1") as server:
        before = server.resident_kib()
        with Client(server.dial(), "/kept"):
            server.wait_for(lambda: "'websocket.disconnect'" in server.get("/kept").text)
            assert server.get("/kept").text == repr(["TimeoutError"] * 21 + ["websocket.disconnect"])
        assert server.resident_kib() - before < 8 << 10
