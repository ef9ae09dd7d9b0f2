# SPDX-License-Identifier: Apache-2.0
"""Every limit of HTTP/2 and WebSocket: an option of the plain server, held at its value and not one further
(docs/plain-server.md). Their ranges are in test_limits.py."""
import pathlib
import struct
import time

import pytest

from http2client import (COMPRESSION_ERROR, CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, FLOW_CONTROL_ERROR, GET,
                         HEADERS,
                         PING, PRIORITY, PROTOCOL_ERROR, REFUSED_STREAM, SETTINGS, WINDOW_UPDATE, Connection, frame,
                         request)
from netserver import Identity, temporary
from plainserver import PlainServer
from wsclient import BINARY, MORE, PONG, TEXT, Client
from wsclient import PING as WS_PING
from wsclient import frame as ws_frame

APP = """
import os, time
def app(environ, start):
    path, size = environ["PATH_INFO"], 0
    while path == "/hold" and not os.path.exists("go"):
        time.sleep(0.01)
    if path != "/hold":
        size = len(environ["wsgi.input"].read())
    start("200 OK", [])
    return [bytes(65536)] * 100 if path == "/big" else [b"%d" % size]
"""
OPTIONS = {"--target-max": 20, "--header-bytes-max": 400, "--headers-max": 5, "--body-max": 50, "--http2-streams": 3,
           "--http2-header-table": 100, "--http2-continuations": 3, "--http2-resets": 4, "--http2-pings": 5,
           "--http2-settings": 6, "--http2-empty-data": 4, "--http2-window-updates": 5, "--http2-others": 4}
ACKS, QUEUE, MEMORY = 10, 7, 200_000
MARK = bytes(7) + b"\1"


@pytest.fixture(scope="module")
def identity():
    return Identity(temporary(), "a.localhost")


def start(build, identity, options, app=APP):
    words = [str(word) for pair in options.items() for word in pair]
    server = PlainServer(build, {"app.py": app}, "--cert", identity.cert, "--key", identity.key, *words)
    server.identity = identity
    return server


def dial(server, **options):
    context = server.identity.context(alpn=["h2"])
    one = Connection(context.wrap_socket(server.dial(), server_hostname="a.localhost"), **options)
    one.encoder.header_table_size = OPTIONS["--http2-header-table"]
    return one


def req(path="/", method="GET", *more):
    return request(path, method, *more, authority="a.localhost")


@pytest.fixture(scope="module")
def server(build, identity):
    with start(build, identity, OPTIONS) as new:
        yield new


# ---- one request ----

def filled(size):
    """Fields of so many bytes, as RFC 9113 6.5.2 counts."""
    fields = req()
    return fields + [("x", "y" * (size - sum(len(name) + len(value) + 32 for name, value in fields) - 33))]


@pytest.mark.parametrize("fields, body, status", [
    (lambda over: req("/" + "a" * (19 + over)), None, 414),
    (lambda over: filled(400 + over), None, 431),
    (lambda over: req("/", "GET", *[("x", "y")] * (4 + over)), None, 431),  # :authority is one
    (lambda over: req("/", "POST"), b"x" * 50, 413),
    (lambda over: req("/", "POST", ("content-length", str(50 + over))), b"x" * 50, 413),
], ids=["target", "header-bytes", "header-count", "body", "body-with-length"])
def test_requests(server, fields, body, status):
    with dial(server) as one:
        for over, wanted in (0, 200), (1, status):
            stream = one.head(fields(over), END_STREAM if body is None else 0)
            if body is not None:
                one.data(stream, body + b"x" * over)
            assert one.reply(stream).status == wanted


def continued(one, count):
    block = one.encoder.encode(req())
    frames = [frame(HEADERS, END_STREAM, 1, block[:1])]
    frames += [frame(CONTINUATION, 0, 1, block[i:i + 1]) for i in range(1, count)]
    frames += [frame(CONTINUATION, END_HEADERS, 1, block[count:])]
    one.send(b"".join(frames))


def test_continuations(server):
    with dial(server) as one:
        continued(one, 3)
        one.until(lambda: 1 in one.replies and one.replies[1].ended)
        assert one.replies[1].status == 200
    with dial(server) as one:
        continued(one, 4)
        assert one.end() == PROTOCOL_ERROR


# ---- one connection ----

def reset_streams(one, count):
    block = one.encoder.encode(req())
    return b"".join(frame(HEADERS, END_STREAM | END_HEADERS, stream, block) + frame(3, 0, stream, struct.pack(">I", 8))
                    for stream in range(1, 2 * count, 2))


def empty_data(one, count):
    stream = one.head(req("/", "POST"), 0)
    return frame(DATA, 0, stream) * count


FLOODS = {"--http2-resets": reset_streams, "--http2-pings": lambda one, count: frame(PING, 0, 0, bytes(8)) * count,
          "--http2-empty-data": empty_data,
          # The preface has one, and the acknowledgement of the server's is one.
          "--http2-settings": lambda one, count: frame(SETTINGS) * (count - 2),
          "--http2-window-updates": lambda one, count: frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\1") * count,
          "--http2-others": lambda one, count: frame(PRIORITY, 0, 1, bytes(5)) * count}


@pytest.mark.parametrize("name", FLOODS)
def test_frames_in_a_second(server, name):
    for over in 0, 1:
        with dial(server) as one:
            one.until(lambda: one.settings)
            one.send(FLOODS[name](one, OPTIONS[name] + over))
            if over:
                assert one.end() == ENHANCE_YOUR_CALM
                continue
            # Ordered: when this is answered, what was before it is taken. A ping would be one of those that count.
            stream = 101
            one.replies.pop(stream, None)
            one.head(req(), END_STREAM, stream)
            assert one.reply(stream).status in (200, None) and one.goaway is None


def test_streams(server):
    assert OPTIONS["--http2-streams"] == 3
    with dial(server) as one:
        streams = [one.head(req("/", "POST"), 0) for _ in range(4)]
        one.until(lambda: one.replies[streams[3]].reset is not None or one.goaway)
        assert one.settings[3] == 3 and one.replies[streams[3]].reset in (REFUSED_STREAM, None)
        if one.goaway:
            return  # our settings were acknowledged before: then it is the connection's mistake (RFC 9113 5.1.2)
        for stream in streams[:3]:
            one.data(stream, b"x")
            assert one.reply(stream).body == b"1"


def size_update(size):
    """RFC 7541 6.3, for sizes over 31."""
    left = size - 31
    return b"\x3f" + (bytes([left]) if left < 128 else bytes([left & 127 | 128, left >> 7]))


def test_header_table(server):
    for over in 0, 1:
        with dial(server) as one:
            one.until(lambda: one.settings)
            assert one.settings[1] == 100
            block = size_update(100 + over) + one.encoder.encode(req())
            one.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, block))
            if over:
                assert one.end() == COMPRESSION_ERROR
            else:
                one.until(lambda: 1 in one.replies and one.replies[1].status == 200)


# ---- what the client does not take ----

@pytest.fixture(scope="module")
def patient(build, identity):
    """Counts no pings, so that what is answered to them is what is bounded."""
    options = {"--http2-streams": 1, "--http2-pings": 100_000, "--http2-queue": QUEUE, "--http2-acks": 100_000}
    with start(build, identity, options) as new:
        yield new


def pings(count):
    return frame(PING, 0, 0, bytes(8)) * (count - 1) + frame(PING, 0, 0, MARK)


def test_acknowledgements(build, identity):
    with start(build, identity, {"--http2-pings": 100_000, "--http2-acks": ACKS}) as server:
        for over in 0, 1:
            with dial(server) as one:
                one.until(lambda: one.settings)
                assert one.reply(one.head(req())).status == 200
                one.send(pings(ACKS + over))  # one record of TLS: they come together
                if over:
                    assert one.end() == ENHANCE_YOUR_CALM
                else:
                    one.until(lambda: one.acks == ACKS)


def unread_by(server, sock):
    """Bytes that have come to the server's socket, and were not taken."""
    ours, theirs = sock.getsockname()[1], server.port()
    for row in map(str.split, pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]):
        if row[1].endswith(f":{theirs:04X}") and row[2].endswith(f":{ours:04X}"):
            return int(row[4].split(":")[1], 16)
    raise AssertionError("no such connection")


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def outgoing(server, sock):
    ours, theirs = sock.getsockname()[1], server.port()
    for row in map(str.split, pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]):
        if row[1].endswith(f":{theirs:04X}") and row[2].endswith(f":{ours:04X}"):
            return int(row[4].split(":")[0], 16)
    raise AssertionError("no such connection")


def stalls(server, sock):
    """The server cannot write to it any more."""
    until(lambda: outgoing(server, sock) > 100_000)
    seen = [outgoing(server, sock)]
    until(lambda: seen.append(outgoing(server, sock)) or len(seen) > 10 and len(set(seen[-10:])) == 1)


def overfill(server, one, burst):
    """The kernel may take the answers to a burst after all. Once it does not, the server has ended, and reads no more."""
    for _ in range(50):
        one.send(burst)
        end = time.monotonic() + 1
        while unread_by(server, one.sock):
            if time.monotonic() > end:
                return
            time.sleep(0.01)
    raise AssertionError("all is taken")


def test_frames_that_nobody_takes(patient):
    most = QUEUE + 4
    for over in 0, 1:
        with dial(patient) as one:
            one.setting((4, 2 ** 31 - 1))
            one.window(0, 2 ** 31 - 65536)
            one.until(lambda: one.settings)
            stream = one.head(req("/big"))
            one.replies[stream].body = bytearray()
            stalls(patient, one.sock)
            one.updates_window = False
            one.send(pings(most + over))
            until(lambda: unread_by(patient, one.sock) == 0)
            if over:
                overfill(patient, one, pings(most + over))
                assert one.end(30) == ENHANCE_YOUR_CALM
            else:
                assert len(one.reply(stream, 30).body) == 100 * 65536 and one.goaway is None
                one.until(lambda: one.acks == most)


READS = """
import os, time
def app(environ, start):
    left = int(environ["QUERY_STRING"])
    while left and (data := environ["wsgi.input"].read(min(left, 65536))):
        left -= len(data)
    open("read", "a").write("x")
    while not os.path.exists("go"):
        time.sleep(0.01)
    start("200 OK", [])
    return [b"%d" % len(environ["wsgi.input"].read())]
"""


def room(one, stream, sent):
    """What may be sent of it, as far as its own window goes."""
    return one.settings[4] + one.opened.get(stream, 0) - sent


def upload(one, stream, size):
    """The most that might have been sent at a time."""
    sent = most = 0
    while sent < size:
        one.until(lambda: room(one, stream, sent) > 0)
        most = max(most, room(one, stream, sent))
        part = min(size - sent, 16384, room(one, stream, sent))
        one.data(stream, bytes(part), 0)
        sent += part
    return most, sent


@pytest.mark.parametrize("options, most", [
    ({}, 1 << 20), ({"--http2-window": 200_000}, 200_000), ({"--http2-window": 65536}, 65536),
    ({"--http2-memory": 1 << 20}, 131072), ({"--http2-memory": 1 << 18}, 65536)])
def test_window(build, identity, options, most):
    """Wider while a body is read on, up to its limit and a quarter of the memory; not one byte more."""
    size = 6 << 20
    with start(build, identity, options, app=READS) as server, dial(server) as one:
        one.until(lambda: one.settings)
        stream = one.head(req(f"/?{size}", "POST"), 0)
        widest, sent = upload(one, stream, size)
        server.wait_for(lambda: (server.code / "read").exists())
        one.send(pings(1))
        one.until(lambda: one.acks == 1)  # behind the last window that was opened
        widest = max(widest, room(one, stream, sent))
        assert most // 2 < widest <= most
        one.data(stream, b"", 0)
        for over in 0, 1:  # what may come is taken, though nobody reads any more
            left = room(one, stream, sent) + over
            while left:
                part = min(left, 16384)
                one.data(stream, bytes(part), 0)
                left, sent = left - part, sent + part
            one.send(pings(1))
            if over:
                one.until(lambda: one.goaway or one.replies[stream].reset is not None)
                assert one.replies[stream].reset == FLOW_CONTROL_ERROR or one.goaway[1] == FLOW_CONTROL_ERROR
            else:
                one.until(lambda: one.acks == 2)
                assert one.goaway is None and one.replies[stream].reset is None
        (server.code / "go").touch()


def test_windows_of_many_are_bounded_by_the_memory(build, identity):
    """60 bodies are read on, then no more, and each client fills what it may: a quarter of the memory, and the least windows."""
    memory, size, count = 16 << 20, 600_000, 60
    with start(build, identity, {"--http2-memory": memory, "--threads": count}, app=READS) as server:
        before = server.resident_kib()
        clients = [dial(server) for _ in range(count)]
        held = 0
        for one in clients:
            one.until(lambda: one.settings)
            stream = one.head(req(f"/?{size}", "POST"), 0)
            _, sent = upload(one, stream, size)
            one.until(lambda: room(one, stream, sent) >= 32768)
            one.stream, one.sent = stream, sent
        until(lambda: len((server.code / "read").read_bytes()) == count)
        for one in clients:
            one.send(pings(1))
            one.until(lambda: one.acks)
            left = room(one, one.stream, one.sent)
            held += left
            while left:
                part = min(left, 16384)
                one.data(one.stream, bytes(part), 0)
                left -= part
        assert memory // 8 < held <= memory // 4 + count * 65536
        assert server.resident_kib() - before < (2 * held >> 10) + (16 << 10)
        (server.code / "go").touch()
        for one in clients:
            one.data(one.stream, b"", END_STREAM)
            assert one.reply(one.stream, 30).status == 200
            one.sock.close()


def test_memory(build, identity):
    """A stream whose body nobody reads counts with its window of 16 KiB and its own state."""
    with start(build, identity, {"--http2-memory": MEMORY, "--threads": 40}) as server, dial(server) as one:
        one.until(lambda: one.settings)
        streams = [one.head(req("/hold", "POST"), 0) for _ in range(30)]
        one.send(pings(1))
        one.until(lambda: one.acks)
        refused = [stream for stream in streams if one.replies[stream].reset == REFUSED_STREAM]
        taken = len(streams) - len(refused)
        assert streams[taken:] == refused
        assert (taken - 1) * 16384 < MEMORY <= taken * (16384 + 8192), taken
        with dial(server) as other:  # the first of a connection is not refused for others
            assert other.reply(other.head(req())).status == 200
        (server.code / "go").touch()
        for stream in streams[:taken]:
            assert one.reply(stream).status == 200


BIG = """
body = bytes(1 << 20)
async def app(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": body})
"""


def test_memory_of_replies_in_steps(build, identity):
    """What an ASGI application sends at once is handed over as there is room for, not all of it."""
    options = {"--http2-memory": 1 << 20, "--stream-waits": 200}
    with start(build, identity, options, BIG) as server, dial(server) as one:
        assert len(one.reply(one.head(req())).body) == 1 << 20
        one.setting((4, 0))
        before = server.resident_kib()
        streams = [one.head(req()) for _ in range(100)]
        one.until(lambda: all(one.replies[stream].status == 200 or one.replies[stream].reset for stream in streams))
        taken = [stream for stream in streams if one.replies[stream].reset is None]
        assert len(taken) > 10 and server.resident_kib() - before < 6 << 10
        for stream in taken[:-1]:
            one.reset(stream)
        one.setting((4, 65535))
        assert len(one.reply(taken[-1], 30).body) == 1 << 20


# ---- WebSocket ----

CHAT = """
import asyncio, os
async def app(scope, receive, send):
    assert scope["type"] == "websocket"
    await receive()
    await send({"type": "websocket.accept"})
    while scope["path"] == "/deaf" and not os.path.exists("go"):
        await asyncio.sleep(0.01)
    while (message := await receive())["type"] == "websocket.receive":
        if message.get("text") == "close":
            return
        await send({**message, "type": "websocket.send"})
"""
CHAT_OPTIONS = {"--websocket-max": 100, "--websocket-fragments": 4, "--websocket-controls": 5, "--websocket-queue": 3,
                "--websocket-queue-bytes": 50}


def start_chat(build, options):
    return PlainServer(build, {"app.py": CHAT}, *[str(word) for pair in options.items() for word in pair])


@pytest.fixture(scope="module")
def chat(build):
    with start_chat(build, CHAT_OPTIONS) as new:
        yield new


def fragments(count):
    return (ws_frame(TEXT, b"a", fin=False) + ws_frame(MORE, b"b", fin=False) * (count - 2) + ws_frame(MORE, b"c"))


@pytest.mark.parametrize("good, bad, code", [
    (ws_frame(BINARY, b"x" * 100), ws_frame(BINARY, b"x" * 101), 1009),
    (ws_frame(BINARY, b"x" * 99, fin=False) + ws_frame(MORE, b"x"),
     ws_frame(BINARY, b"x" * 100, fin=False) + ws_frame(MORE, b"x"), 1009),
    (fragments(4), fragments(5), 1008),
    (ws_frame(WS_PING) * 5 + ws_frame(TEXT, b"x"), ws_frame(WS_PING) * 6, 1008),
    (ws_frame(PONG) * 5 + ws_frame(TEXT, b"x"), ws_frame(PONG) * 6, 1008),
], ids=["message", "message-in-fragments", "fragments", "pings", "pongs"])
def test_websockets(chat, good, bad, code):
    with Client(chat.dial(), "/") as client:
        client.send(good)
        while client.receive()[0] not in (TEXT, BINARY):
            pass
    with Client(chat.dial(), "/") as client:
        client.send(bad)
        assert client.closed()[0] == code


@pytest.mark.parametrize("fits, fills", [([b"x"] * 2, [b"x"]), ([b"x" * 49], [b"x"])], ids=["messages", "bytes"])
def test_websocket_queue(build, fits, fills):
    """The client is read while there is room: a ping behind it is answered. One message more, and nothing is read."""
    with start_chat(build, CHAT_OPTIONS) as server, Client(server.dial(), "/deaf") as client:
        client.send(*[ws_frame(TEXT, data) for data in fits], ws_frame(WS_PING, b"1"))
        assert client.receive() == (PONG, b"1")
        client.send(*[ws_frame(TEXT, data) for data in fills], ws_frame(WS_PING, b"2"))
        client.sock.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.receive()
        client.sock.settimeout(20)
        (server.code / "go").touch()
        got = [client.receive() for _ in range(len(fits) + len(fills) + 1)]
        assert sorted(got) == sorted([(PONG, b"2")] + [(TEXT, data) for data in fits + fills])


def test_websocket_times(build):
    with start_chat(build, {"--websocket-ping": 1, "--websocket-pong-timeout": 1, "--websocket-close-timeout": 1}) as chat:
        with Client(chat.dial(), "/") as silent:
            begun = time.monotonic()
            assert silent.receive() == (WS_PING, b"")
            asked = time.monotonic() - begun
            assert silent.closed() == (1011, "no answer to a ping")
            assert 0.9 < asked < 8 and 0.9 < time.monotonic() - begun - asked < 8
        with Client(chat.dial(), "/") as client:
            client.text("close")
            begun = time.monotonic()
            while client.receive()[0] != 8:
                pass
            client.ended()
            assert 0.9 < time.monotonic() - begun < 8
