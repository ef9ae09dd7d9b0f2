# SPDX-License-Identifier: Apache-2.0
"""The websocket part of ASGI 3 as its specification says, rule by rule, with raw frames. Where it is silent: as uvicorn
does. Real clients are in test_websocket_clients.py, hostile ones in test_websocket_attacks.py."""
import ast
import signal
import socket
import struct
import threading
import time

import pytest
from plainserver import PlainServer
from wsclient import BINARY, CLOSE, MORE, PING, PONG, TEXT, Client, answer_of, close, frame, handshake

APP = r'''
import asyncio, sys

seen = {}

async def connect(receive):
    assert await receive() == {"type": "websocket.connect"}

async def accept(receive, send, **more):
    await connect(receive)
    await send({"type": "websocket.accept", **more})

async def say(send, what):
    await send({"type": "websocket.send", "text": what if isinstance(what, str) else repr(what)})

async def scope_(scope, receive, send):
    await accept(receive, send)
    await say(send, {k: v for k, v in scope.items()})

async def echo(scope, receive, send):
    """Gives everything back, and tells how it ended."""
    await accept(receive, send)
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            seen[scope["query_string"].decode()] = message, await receive()
            return
        assert message["type"] == "websocket.receive" and len(message) == 2, message
        await send({**message, "type": "websocket.send"})

async def collect(scope, receive, send):
    await accept(receive, send)
    await asyncio.sleep(0.05)
    got = []
    while (message := await receive())["type"] == "websocket.receive":
        got.append(message["text"])
    seen["collect"] = got + [message["code"]]

async def chosen(scope, receive, send):
    offered = scope["subprotocols"]
    await accept(receive, send, subprotocol=offered[-1] if offered else None,
                 headers=[(b"x-app", b"1"), [b"set-cookie", b"a=b"], (b"set-cookie", b"c=d")])
    await say(send, offered)

async def kinds(scope, receive, send):
    await accept(receive, send, subprotocol=None, headers=())
    for data in b"b", bytearray(b"a"), memoryview(b"xmx")[1:2]:
        await send({"type": "websocket.send", "bytes": data})
    await send({"type": "websocket.send", "bytes": None, "text": "t"})
    await send({"type": "websocket.send", "bytes": b"first", "text": None})
    await send({"type": "websocket.send", "text": "\u20ac"})
    await send({"type": "websocket.send", "text": ""})

async def reject(scope, receive, send):
    await connect(receive)
    await send({"type": "websocket.close"})
    seen["reject"] = await receive()
    try:
        await send({"type": "websocket.accept"})
    except RuntimeError as error:
        seen["reject_late"] = str(error)

async def reject_at_once(scope, receive, send):
    await send({"type": "websocket.close", "code": 4000})

async def deny(scope, receive, send):
    await connect(receive)
    await send({"type": "websocket.http.response.start", "status": 401, "headers": [(b"www-authenticate", b"x")]})
    await send({"type": "websocket.http.response.body", "body": b"not ", "more_body": True})
    await send({"type": "websocket.http.response.body", "body": b"you"})
    seen["deny"] = await receive()

async def deny_whole(scope, receive, send):
    await send({"type": "websocket.http.response.start", "status": 404})
    await send({"type": "websocket.http.response.body", "body": b"nothing"})

async def deny_half(scope, receive, send):
    await send({"type": "websocket.http.response.start", "status": 404})

async def closes(scope, receive, send):
    await accept(receive, send)
    await send({"type": "websocket.close", "code": 4001, "reason": "as I like"})
    seen["closes"] = await receive()
    for message in {"type": "websocket.send", "text": "x"}, {"type": "websocket.close"}:
        try:
            await send(message)
        except Exception as error:
            seen["closes_late"] = seen.get("closes_late", []) + [type(error).__name__]

async def closes_plainly(scope, receive, send):
    await accept(receive, send)
    await send({"type": "websocket.close"})

async def returns(scope, receive, send):
    await accept(receive, send)

async def returns_at_once(scope, receive, send):
    pass

async def raises_at_once(scope, receive, send):
    raise RuntimeError("before accept")

async def raises(scope, receive, send):
    await accept(receive, send)
    await say(send, "soon")
    raise RuntimeError("after accept")

async def exits(scope, receive, send):
    await accept(receive, send)
    sys.exit(3)

async def wrong(scope, receive, send):
    got = []
    async def attempt(message):
        try:
            await send(message)
            got.append("taken")
        except Exception as error:
            got.append(type(error).__name__)
    await connect(receive)
    await attempt({"type": "websocket.send", "text": "early"})
    await attempt({"type": "websocket.http.response.body", "body": b""})
    await attempt({"type": "http.response.start", "status": 200})
    await attempt({"type": "websocket.nonsense"})
    await attempt({"text": "x"})
    await attempt("text")
    await attempt({"type": "websocket.accept", "headers": [(b"a", b"b\r\nc: d")]})
    await attempt({"type": "websocket.accept", "headers": [("a", "b")]})
    await attempt({"type": "websocket.accept", "headers": [(b"sec-websocket-protocol", b"x")]})
    await attempt({"type": "websocket.accept", "headers": [(b"upgrade", b"x")]})
    await attempt({"type": "websocket.accept", "subprotocol": "not-offered"})
    await attempt({"type": "websocket.accept", "subprotocol": b"bytes"})
    await attempt({"type": "websocket.accept"})
    await attempt({"type": "websocket.accept"})
    await attempt({"type": "websocket.http.response.start", "status": 404})
    await attempt({"type": "websocket.send"})
    await attempt({"type": "websocket.send", "bytes": b"both", "text": "not this"})
    await attempt({"type": "websocket.send", "text": b"bytes"})
    await attempt({"type": "websocket.send", "bytes": "text"})
    await attempt({"type": "websocket.send", "text": "\udc80"})
    for code in 0, 999, 1005, 1006, 1015, 5000, 70000, "1000", -1:
        await attempt({"type": "websocket.close", "code": code})
    await attempt({"type": "websocket.close", "reason": "r" * 124})
    await say(send, got)

async def to_nobody(scope, receive, send):
    """Sends after the client has left."""
    await accept(receive, send)
    got = [await receive()]
    for message in {"type": "websocket.send", "text": "x"}, {"type": "websocket.close"}:
        try:
            await send(message)
            got.append("taken")
        except OSError as error:
            got.append(type(error).__mro__[-4].__name__)
    seen["to_nobody"] = got

async def streams(scope, receive, send):
    """Never receives."""
    await accept(receive, send)
    try:
        while True:
            await say(send, "tick")
            await asyncio.sleep(0.01)
    except OSError:
        seen["streams"] = await receive()
        raise

async def gone_early(scope, receive, send):
    await connect(receive)
    seen["gone_early"] = "waits"
    seen["gone_early"] = await receive()

async def accepts_beside(scope, receive, send):
    """A receive() that waits from before the accept."""
    await connect(receive)
    waiting = asyncio.create_task(receive())
    await asyncio.sleep(0.05)
    await send({"type": "websocket.accept"})
    await say(send, (await waiting).get("text"))

async def held(scope, receive, send):
    """Receives only when told to over another request."""
    await accept(receive, send)
    held.go = asyncio.Event()
    await held.go.wait()
    count = 0
    while (await receive())["type"] == "websocket.receive":
        count += 1
        if count % 100 == 0:
            await say(send, str(count))

async def go(scope, receive, send):
    held.go.set()
    await http(send, b"gone")

async def flood(scope, receive, send):
    await accept(receive, send)
    piece = b"x" * 65536
    seen["flood"] = 0
    try:
        while True:
            await send({"type": "websocket.send", "bytes": piece})
            seen["flood"] += len(piece)
    finally:
        seen["flood_end"] = True

async def crowds(scope, receive, send):
    """Returns when its client takes no more."""
    await accept(receive, send)
    try:
        while True:
            await asyncio.wait_for(send({"type": "websocket.send", "bytes": bytes(10000)}), 0.5)
    except asyncio.TimeoutError:
        seen["crowds"] = True

big = b"0123456789abcdef" * 131072  # 2 MiB, once

async def share(scope, receive, send):
    """The same large message for everybody, over both protocols."""
    if scope["type"] == "websocket":
        await accept(receive, send)
        await send({"type": "websocket.send", "bytes": big})
        seen["share"] = await receive()
    else:
        await http(send, big)

async def polls(scope, receive, send):
    await accept(receive, send)
    count = 0
    while True:
        try:
            message = await asyncio.wait_for(receive(), 0.002)
            return await say(send, "polled" if count else "at once")
        except asyncio.TimeoutError:
            count += 1

async def both_ways(scope, receive, send):
    """Sends from one task, receives in another."""
    await accept(receive, send)
    async def ticks():
        for i in range(50):
            await say(send, "tick")
            await asyncio.sleep(0)
    task = asyncio.create_task(ticks())
    got = [(await receive())["text"] for _ in range(50)]
    await task
    await say(send, len(got))

async def cancelled(scope, receive, send):
    await accept(receive, send)
    asyncio.current_task().cancel()
    await receive()

async def sleeps(scope, receive, send):
    await accept(receive, send)
    try:
        await asyncio.sleep(100)
    except asyncio.CancelledError:
        print("cancelled", flush=True)
        raise

async def stopped(scope, receive, send):
    await accept(receive, send)
    message = await receive()
    print("told", message["code"], flush=True)

async def http(send, body):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": body})

async def ask(scope, receive, send):
    await http(send, repr(seen.pop(scope["query_string"].decode(), None)).encode())

async def kind(scope, receive, send):
    await http(send, scope["type"].encode())

async def lifespan(scope, receive, send):
    await receive()
    scope["state"]["began"] = "yes"
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        return await lifespan(scope, receive, send)
    name = scope["path"].split("/")[1]
    await globals()[name if name in globals() else name + "_"](scope, receive, send)
'''


@pytest.fixture(scope="module")
def server(build):
    with PlainServer(build, {"app.py": APP}, "--body-timeout", "2", "--write-timeout", "2",
                     "--websocket-max", "1000000") as started:
        yield started


def dial(server, path, **options):
    return Client(server.dial(), path, **options)


def accepted(server, path, **options):
    client = dial(server, path, **options)
    assert client.status == 101, client.lines
    return client


def asked(server, name, seconds=10):
    """What the application noted, once it has."""
    end = time.monotonic() + seconds
    while (got := ast.literal_eval(server.get("/ask?" + name).text)) is None:
        assert time.monotonic() < end, name
        time.sleep(0.01)
    return got


# ---- the handshake ----

def test_the_answer(server):
    with accepted(server, "/returns") as client:
        assert client.fields["sec-websocket-accept"] == answer_of()
        assert client.fields["upgrade"].lower() == "websocket" and client.fields["connection"] == "Upgrade"
        assert "content-length" not in client.fields and "sec-websocket-extensions" not in client.fields


@pytest.mark.parametrize("options,status", [
    ({"version": "12"}, 426),
    ({"version": "8"}, 426),
    ({"version": ""}, 426),
    ({"key": b"c2hvcnQ="}, 400),
    ({"key": b"sixteen-bytes-ok-not-64=="}, 400),
    ({"key": b""}, 400),
    ({"extra": "Sec-WebSocket-Key: c2l4dGVlbiBieXRlcyBvaw==\r\n"}, 400),
    ({"extra": "Sec-WebSocket-Version: 13\r\n"}, 426),
    ({"extra": "Content-Length: 3\r\n"}, 400),
    ({"extra": "Sec-WebSocket-Protocol: a b\r\n"}, 400),
])
def test_refused_handshakes(server, options, status):
    request = handshake("/echo", **options)
    with server.dial() as sock:
        sock.sendall(request + (b"abc" if b"Content-Length: 3" in request else b""))
        answer = sock.recv(65536).decode()
    assert answer.startswith(f"HTTP/1.1 {status} ")
    version = "Sec-WebSocket-Version: 13\r\n" in answer, "\r\nUpgrade: websocket\r\n" in answer, "\r\nConnection: Upgrade\r\n" in answer
    assert set(version) == {status == 426}, answer


def test_what_is_no_handshake_is_a_request(server):
    for change in [("GET", "POST"), ("Connection: Upgrade", "Connection: close"), ("websocket\r", "h2c\r")]:
        request = handshake("/kind").decode().replace(*change).encode()
        with server.dial() as sock:
            sock.sendall(request)
            assert sock.recv(65536).endswith(b"\r\n\r\nhttp")


def test_extensions_are_not_taken(server):
    offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
    with accepted(server, "/echo", extra=offer) as client:
        assert "sec-websocket-extensions" not in client.fields
        assert client.ask("plain") == "plain"


def test_frames_behind_the_handshake_at_once(server):
    with server.dial() as sock:
        sock.sendall(handshake("/echo") + frame(TEXT, b"early"))
        got = b""
        while not got.endswith(b"\r\n\r\n\x81\x05early"):
            piece = sock.recv(65536)
            assert piece, got
            got += piece


def test_scope(server):
    with accepted(server, "/scope/%C3%A9?a=b%20c", extra="X-Y: z\r\nSec-WebSocket-Protocol: one, two\r\n"
                                                         "Sec-WebSocket-Protocol: three\r\n") as client:
        got = ast.literal_eval(client.message())
    headers = got.pop("headers")
    host, port = got.pop("client")
    assert host == "127.0.0.1" and port > 0
    assert got == {
        "type": "websocket", "asgi": {"version": "3.0", "spec_version": "2.5"}, "http_version": "1.1", "scheme": "ws",
        "path": "/scope/\u00e9", "raw_path": b"/scope/%C3%A9", "query_string": b"a=b%20c", "root_path": "",
        "server": ("127.0.0.1", 80), "subprotocols": ["one", "two", "three"], "state": {"began": "yes"},
        "extensions": {"websocket.http.response": {}}}
    assert (b"x-y", b"z") in headers and (b"upgrade", b"websocket") in headers


def test_subprotocol_and_headers(server):
    with accepted(server, "/chosen", extra="Sec-WebSocket-Protocol: v1.app, v2.app\r\n") as client:
        assert client.fields["sec-websocket-protocol"] == "v2.app"
        assert [line for line in client.lines if line.startswith(("x-app", "set-cookie"))] == [
            "x-app: 1", "set-cookie: a=b", "set-cookie: c=d"]
        assert client.message() == "['v1.app', 'v2.app']"
    with accepted(server, "/chosen") as client:
        assert "sec-websocket-protocol" not in client.fields and client.message() == "[]"


@pytest.mark.parametrize("path", ["/reject", "/reject_at_once"])
def test_rejected_before_accept(server, path):
    with dial(server, path) as client:
        assert client.status == 403
    if path == "/reject":
        assert asked(server, "reject") == {"type": "websocket.disconnect", "code": 1006, "reason": ""}
        assert "websocket.accept" in asked(server, "reject_late")


def test_denial_response(server):
    with dial(server, "/deny") as client:
        assert client.status == 401 and client.fields["www-authenticate"] == "x"
        assert client.fields["transfer-encoding"] == "chunked"
        assert client.until(b"0\r\n\r\n") == b"4\r\nnot \r\n3\r\nyou\r\n0\r\n\r\n"
    assert asked(server, "deny") == {"type": "websocket.disconnect", "code": 1006, "reason": ""}
    with dial(server, "/deny_whole") as client:
        assert (client.status, client.body()) == (404, b"nothing")
        # The connection lives on: it is a response as any other.
        client.sock.sendall(b"GET /kind HTTP/1.1\r\nHost: a\r\n\r\n")
        client.until(b"http")


@pytest.mark.parametrize("path", ["/returns_at_once", "/raises_at_once", "/deny_half"])
def test_no_answer_is_500(server, path):
    with dial(server, path) as client:
        assert client.status == 500


# ---- messages ----

@pytest.mark.parametrize("text", ["", "a", "\u20ac\U0001f600", "x" * 125, "x" * 126, "x" * 65535, "x" * 65536, "x" * 999999])
def test_texts_of_every_size(server, text):
    with accepted(server, "/echo") as client:
        client.send(frame(TEXT, text.encode()))
        assert client.message() == text


def test_bytes_and_fragments(server):
    with accepted(server, "/echo") as client:
        client.send(frame(BINARY, bytes(range(256))))
        assert client.message() == bytes(range(256))
        client.send(frame(TEXT, b"\xe2", fin=False), frame(MORE, b"\x82", fin=False), frame(PING, b"now"),
                    frame(MORE, b"\xac"))
        got = [client.receive(), client.receive()]
        assert sorted(got) == [(TEXT, "\u20ac".encode()), (PONG, b"now")]


def test_kinds_of_data(server):
    with accepted(server, "/kinds") as client:
        assert [client.message() for _ in range(7)] == [b"b", b"a", b"m", "t", b"first", "\u20ac", ""]


def test_wrong_messages(server):
    with accepted(server, "/wrong", extra="Sec-WebSocket-Protocol: other\r\n") as client:
        assert ast.literal_eval(client.message()) == [
            "RuntimeError", "RuntimeError", "ValueError", "ValueError", "TypeError", "TypeError",
            "ValueError", "TypeError", "ValueError", "ValueError", "ValueError", "TypeError", "taken", "RuntimeError",
            "RuntimeError", "ValueError", "ValueError", "TypeError", "TypeError", "UnicodeEncodeError",
            "ValueError", "ValueError", "ValueError", "ValueError", "ValueError", "ValueError", "ValueError", "TypeError",
            "ValueError", "ValueError"]


def test_a_receive_from_before_the_accept(server):
    with accepted(server, "/accepts_beside") as client:
        assert client.ask("hello") == "hello"


def test_receive_with_time_outs(server):
    with accepted(server, "/polls") as client:
        time.sleep(0.05)
        assert client.ask("x") == "polled"


def test_both_directions_at_once(server):
    with accepted(server, "/both_ways") as client:
        for i in range(50):
            client.text(str(i))
        got = [client.message() for _ in range(51)]
    assert got == ["tick"] * 50 + ["50"]


def test_pings_are_answered_while_the_application_only_sends(server):
    with accepted(server, "/streams") as client:
        client.send(frame(PING, b"there?"))
        while (got := client.receive()) == (TEXT, b"tick"):
            pass
        assert got == (PONG, b"there?")
        client.send(close(1000))
        assert client.closed() == (1000, "")
    assert asked(server, "streams")["code"] == 1000


# ---- the end ----

@pytest.mark.parametrize("sent,answered,message", [
    (close(1000, b"bye"), 1000, {"code": 1000, "reason": "bye"}),
    (close(4999), 4999, {"code": 4999, "reason": ""}),
    (close(), None, {"code": 1005, "reason": ""}),
])
def test_the_client_closes(server, sent, answered, message):
    with accepted(server, f"/echo?closes-{answered}") as client:
        client.send(sent)
        assert client.closed() == (answered, message["reason"])
    wanted = {"type": "websocket.disconnect", **message}
    assert asked(server, f"closes-{answered}") == (wanted, wanted)


def test_messages_before_the_close_are_received(server):
    with accepted(server, "/collect") as client:
        client.send(frame(TEXT, b"one"), frame(TEXT, b"two"), close(1001))
        assert client.closed() == (1001, "")
    assert asked(server, "collect") == ["one", "two", 1001]


def test_the_client_vanishes(server):
    with accepted(server, "/echo?leaves") as client:
        assert client.ask("a") == "a"
    assert asked(server, "leaves")[0] == {"type": "websocket.disconnect", "code": 1006, "reason": ""}
    with accepted(server, "/echo?resets") as client:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert asked(server, "resets")[0]["code"] == 1006


def test_the_client_vanishes_before_the_accept(server):
    with server.dial() as sock:
        sock.sendall(handshake("/gone_early"))
        assert asked(server, "gone_early") == "waits"
    assert asked(server, "gone_early") == {"type": "websocket.disconnect", "code": 1006, "reason": ""}


def test_the_application_closes(server):
    with accepted(server, "/closes") as client:
        assert client.close_code() == (4001, "as I like")
    assert asked(server, "closes") == {"type": "websocket.disconnect", "code": 4001, "reason": "as I like"}
    assert asked(server, "closes_late") == ["RuntimeError", "RuntimeError"]
    for path, code in [("/closes_plainly", 1000), ("/returns", 1000), ("/exits", 1011), ("/cancelled", 1011)]:
        with accepted(server, path) as client:
            assert client.close_code() == (code, ""), path


def test_the_server_waits_for_the_answer_to_its_close(server):
    with accepted(server, "/closes_plainly") as client:
        assert client.receive() == (CLOSE, b"\x03\xe8")
        client.sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.sock.recv(1)
        client.sock.settimeout(10)
        client.send(frame(TEXT, b"nobody hears it"), frame(PING, b"x"), close(1000))
        client.ended()


def test_an_exception_is_1011(server):
    with accepted(server, "/raises") as client:
        assert client.message() == "soon" and client.close_code() == (1011, "")
    assert "RuntimeError: after accept" in server.messages()


def test_send_to_a_client_that_is_gone_is_an_oserror(server):
    with accepted(server, "/to_nobody") as client:
        client.send(close(1000))
        assert client.closed() == (1000, "")
    assert asked(server, "to_nobody")[1:] == ["OSError", "taken"]


# ---- back-pressure ----

def test_an_application_that_does_not_receive_holds_its_client_back(server):
    with accepted(server, "/held") as client:
        message = frame(TEXT, b"x" * 1000)
        client.sock.settimeout(1)
        sent = 0
        with pytest.raises(TimeoutError):
            while sent < 200_000:
                client.sock.sendall(message)
                sent += 1
        assert sent < 100_000  # what the buffers of the system hold
    server.get("/go")


def test_a_client_that_does_not_read_holds_the_application_back_until_its_time_is_over(server):
    with accepted(server, "/flood"):
        before = server.get("/ask?flood").text
        end = time.monotonic() + 10
        while server.get("/ask?flood_end").text != "True":
            assert time.monotonic() < end, before
            time.sleep(0.05)
    assert "BrokenPipeError" not in server.messages()


def test_a_close_reaches_a_client_that_reads_late(server):
    """Nobody waits for the frame: the application has ended."""
    with accepted(server, "/crowds") as client:
        assert asked(server, "crowds")
        while (got := client.receive())[0] == BINARY:
            pass
        assert got == (CLOSE, b"\x03\xe8")
        client.send(close(1000))
        client.ended()


def test_nothing_of_a_client_waits_for_the_collector(build):
    code = APP + '''
import gc
gc.disable()

async def count(scope, receive, send):
    await http(send, b"%d" % sum(type(each).__name__ == "Exchange" for each in gc.get_objects()))
'''
    with PlainServer(build, {"app.py": code}) as server:
        for _ in range(10):
            with accepted(server, "/collect") as client:
                client.send(frame(TEXT, b"x" * 1000), close(1000))
                assert client.closed() == (1000, "")
            with accepted(server, "/echo") as client:
                assert client.ask("a") == "a"
            with accepted(server, "/returns") as client:
                assert client.close_code() == (1000, "")
            with server.dial() as sock:  # its receive() watches the socket, as there is nothing accepted
                sock.sendall(handshake("/gone_early"))
                assert asked(server, "gone_early") == "waits"
            assert asked(server, "gone_early")["code"] == 1006
        server.wait_for(lambda: int(server.get("/count").text) <= 2)


def read_whole(client, size):
    """A large binary message, asked for in time."""
    assert client.exactly(10) == b"\x82\x7f" + struct.pack(">Q", size)
    return client.exactly(size)


BIG = b"0123456789abcdef" * 131072


def test_a_large_message_is_there_once_for_all_clients(build):
    with PlainServer(build, {"app.py": APP}) as server:
        assert server.get("/share").data == BIG
        before = server.resident_kib()
        clients = [accepted(server, "/share") for _ in range(30)]
        requests = [server.dial() for _ in range(30)]
        for sock in requests:
            sock.sendall(b"GET /share HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert sock.recv(1)
        assert server.resident_kib() - before < 40 << 10  # 120 MiB, were each copied
        for client in clients:
            assert read_whole(client, len(BIG)) == BIG
            client.sock.close()
        for sock in requests:
            got = b""
            while piece := sock.recv(1 << 20):
                got += piece
            assert got.endswith(b"\r\n\r\n" + BIG)
            sock.close()


def test_nothing_comes_between_the_bytes_of_a_message(server):
    """A ping and a close while a large message is on its way: answered behind it."""
    with accepted(server, "/share") as client:
        client.send(frame(PING, b"p"), frame(PING, b"q"))
        time.sleep(0.1)
        client.send(close(1000, b"bye"))
        time.sleep(0.1)
        assert read_whole(client, len(BIG)) == BIG
        assert client.closed() == (1000, "bye")
    assert asked(server, "share") == {"type": "websocket.disconnect", "code": 1000, "reason": "bye"}
    with accepted(server, "/share") as client:
        client.send(frame(PING, b"p"))
        assert read_whole(client, len(BIG)) == BIG
        assert client.receive() == (PONG, b"p")
        client.send(close())
        assert client.closed() == (None, "")


# ---- stops ----

def test_a_stop_tells_clients_and_applications(build):
    with PlainServer(build, {"app.py": APP}, "--graceful-timeout", "1") as server:
        with accepted(server, "/stopped") as told, accepted(server, "/sleeps") as deaf:
            server.process.send_signal(signal.SIGTERM)
            assert told.close_code() == (1012, "") and deaf.close_code() == (1012, "")
            assert server.exit() == 0
        assert "told 1012" in server.output() and "cancelled" in server.output()


def test_over_tls(build, tmp_path):
    from netserver import Identity
    identity = Identity(tmp_path, "one")
    with PlainServer(build, {"app.py": APP}, "--cert", identity.cert, "--key", identity.key) as server:
        sock = identity.context().wrap_socket(server.dial(), server_hostname="a.localhost")
        with Client(sock, "/scope") as client:
            assert ast.literal_eval(client.message())["scheme"] == "wss"
        sock = identity.context().wrap_socket(server.dial(), server_hostname="a.localhost")
        with Client(sock, "/echo") as client:
            big = b"z" * 3_000_000
            # The whole of it is received before its echo begins; and a TLS socket is for one thread at a time.
            sock.sendall(frame(BINARY, big))
            assert client.message() == big


def test_to_wsgi_a_handshake_is_a_request(build):
    app = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["HTTP_UPGRADE"].encode()]
"""
    with PlainServer(build, {"app.py": app}) as server:
        with dial(server, "/") as client:
            assert (client.status, client.body()) == (200, b"websocket")


def test_the_access_log_has_a_line_for_each(build):
    with PlainServer(build, {"app.py": APP}, "--access-log", "common") as server:
        with accepted(server, "/kinds") as client:
            client.send(close(1000))
            while client.receive()[0] != CLOSE:
                pass
            client.ended()
        with dial(server, "/reject") as client:
            assert client.status == 403
        server.wait_for(lambda: '"GET /kinds HTTP/1.1" 101 ' in server.output() and '"GET /reject HTTP/1.1" 403 ' in server.output())
