# SPDX-License-Identifier: Apache-2.0
"""ASGI 3 as its specification says, rule by rule, through the real server. Raw applications; frameworks are in
test_asgi_frameworks.py, the enclave in test_enclave_asgi.py."""
import ast
import hashlib
import json
import os
import re
import signal
import socket
import threading
import time

import pytest
from plainserver import PlainServer

APP = r'''
import asyncio, contextvars, functools, hashlib, json, sys

seen = {}          # what happened behind a response, for another request to ask
local = contextvars.ContextVar("local", default="unset")
TEXT = [(b"content-type", b"text/plain")]

async def start(send, status=200, headers=(), **more):
    await send({"type": "http.response.start", "status": status, "headers": TEXT + list(headers), **more})

async def body(send, data=b"", more=False):
    await send({"type": "http.response.body", "body": data, "more_body": more})

async def say(send, what, **options):
    await start(send, **options)
    await body(send, what if isinstance(what, bytes) else repr(what).encode())

async def messages(receive):
    got = []
    while True:
        message = await receive()
        got.append(message)
        if message["type"] != "http.request" or not message["more_body"]:
            return got

async def read(receive):
    got = await messages(receive)
    return b"".join(m.get("body", b"") for m in got)

async def scope_(scope, receive, send):
    await say(send, {k: v for k, v in scope.items()})

async def own(scope, receive, send):
    """What one request writes into its scope, no other sees."""
    before = (dict(scope["state"]), dict(scope["extensions"]), dict(scope["asgi"]))
    scope["state"]["mine"] = scope["extensions"]["mine"] = scope["asgi"]["mine"] = 1
    await say(send, before)

async def echo(scope, receive, send):
    await say(send, await read(receive))

async def pieces(scope, receive, send):
    got = await messages(receive)
    await say(send, [(m["type"], len(m.get("body", b"")), m.get("more_body")) for m in got])

async def digest(scope, receive, send):
    size, sha = 0, hashlib.sha256()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            seen["digest"] = "disconnect"
            return
        size += len(message["body"])
        sha.update(message["body"])
        if not message["more_body"]:
            break
    await say(send, f"{size} {sha.hexdigest()}".encode())

async def unread(scope, receive, send):
    await say(send, b"not read")

async def after(scope, receive, send):
    await say(send, b"done")
    seen["after"] = await receive()

async def gone(scope, receive, send):
    """Waits for the client to go away, without a response."""
    await read(receive)
    seen["gone"] = "waits"
    seen["gone"] = await receive()

async def gone_while_streaming(scope, receive, send):
    await start(send)
    try:
        while True:
            await body(send, b"x" * 1000, True)
            await asyncio.sleep(0.005)
    except OSError as error:
        seen["streaming"] = type(error).__name__
        raise

async def watched(scope, receive, send):
    """A response beside a task that watches the client, as frameworks do."""
    await read(receive)
    watcher = asyncio.ensure_future(receive())
    await start(send)
    for i in range(3):
        await body(send, b"%d" % i, True)
        await asyncio.sleep(0.02)
    await body(send)
    seen["watched"] = await watcher

async def polled(scope, receive, send):
    await read(receive)
    count = 0
    for _ in range(30):
        try:
            await asyncio.wait_for(receive(), 0.002)
        except asyncio.TimeoutError:
            count += 1
    await say(send, str(count).encode())

async def as_task(scope, receive, send):
    first = await asyncio.create_task(receive())
    await asyncio.create_task(send({"type": "http.response.start", "status": 200, "headers": TEXT}))
    await asyncio.gather(send({"type": "http.response.body", "body": first["body"], "more_body": True}),
                         send({"type": "http.response.body", "body": b"|", "more_body": True}))
    await body(send, b"end")

async def never_awaited(scope, receive, send):
    """A call alone does nothing, as with a coroutine."""
    send({"type": "http.response.start", "status": 500})
    receive()
    await say(send, b"fine")

async def stream(scope, receive, send):
    await start(send)
    for i in range(5):
        await body(send, b"piece %d\n" % i, True)
    await body(send)

async def bare(scope, receive, send):
    """A body that is left out for HEAD, as frameworks do."""
    await start(send)
    await body(send, b"" if scope["method"] == "HEAD" else b"body")

async def sized(scope, receive, send):
    await start(send, headers=[(b"content-length", b"10")])
    await body(send, b"12345", True)
    await body(send, b"67890")

async def too_long(scope, receive, send):
    await start(send, headers=[(b"content-length", b"3")])
    try:
        await body(send, b"12345")
    except ValueError as error:
        seen["too_long"] = str(error)
        raise

async def too_short(scope, receive, send):
    await start(send, headers=[(b"content-length", b"5")])
    await body(send, b"123")

async def kinds(scope, receive, send):
    """What is like bytes."""
    await start(send)
    await body(send, bytearray(b"a"), True)
    await body(send, memoryview(b"xbx")[1:2], True)
    await send({"type": "http.response.body", "more_body": True})
    await send({"type": "http.response.body", "body": b"c"})

async def no_content(scope, receive, send):
    await send({"type": "http.response.start", "status": 204})
    await send({"type": "http.response.body"})

async def headers(scope, receive, send):
    await send({"type": "http.response.start", "status": 418, "headers": iter([
        [b"X-One", b"a"], (b"x-one", b"b"), (b"set-cookie", b"c=\xe9"), (b"transfer-encoding", b"chunked"),
        (b"server", b"mine")])})
    await body(send, b"teapot")

async def close(scope, receive, send):
    await say(send, b"bye", headers=[(b"connection", b"close")])

async def trailers(scope, receive, send):
    await start(send, trailers=True)
    await body(send, b"data")
    await send({"type": "http.response.trailers", "headers": [(b"x-first", b"1")], "more_trailers": True})
    await send({"type": "http.response.trailers", "headers": [(b"x-second", b"2")]})

async def hints(scope, receive, send):
    await send({"type": "http.response.early_hint", "links": [b"</a.css>; rel=preload", b"</b.js>; rel=preload"]})
    await asyncio.sleep(0.01)
    await say(send, b"hinted")

async def bad_hint(scope, receive, send):
    try:
        await send({"type": "http.response.early_hint", "links": [b"</a\nx>; rel=preload"]})
    except ValueError:
        await say(send, b"replied")

async def eager(scope, receive, send):
    """Begins to reply before it asks for the body."""
    await start(send)
    await body(send, b"first ", True)
    await receive()
    await body(send, b"last")

async def nothing(scope, receive, send):
    pass

async def only_start(scope, receive, send):
    await start(send)

async def half(scope, receive, send):
    await start(send)
    await body(send, b"half", True)

async def wrong(scope, receive, send):
    """Each message where it does not belong; the names of what was raised."""
    got = []
    async def attempt(message):
        try:
            await send(message)
            got.append("taken")
        except Exception as error:
            got.append(type(error).__name__)
    end = {"type": "http.response.body", "body": b""}
    await attempt(end)
    await attempt({"type": "http.response.trailers", "headers": []})
    await attempt({"type": "websocket.send", "text": ""})
    await attempt({"status": 200})
    await attempt("text")
    await attempt({"type": "http.response.start", "status": 99})
    await attempt({"type": "http.response.start", "status": "200"})
    await attempt({"type": "http.response.start", "status": 200, "headers": [(b"a", b"x\r\nb: c")]})
    await attempt({"type": "http.response.start", "status": 200, "headers": [(b"a b", b"x")]})
    await attempt({"type": "http.response.start", "status": 200, "headers": [("a", "b")]})
    await attempt({"type": "http.response.start", "status": 200, "headers": [(b"a\0", b"b")]})
    await attempt({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"-1")]})
    await attempt({"type": "http.response.start", "status": 200})
    await attempt({"type": "http.response.start", "status": 200})
    await attempt({"type": "http.response.early_hint", "links": []})
    await attempt({"type": "http.response.body", "body": "text"})
    await send({"type": "http.response.body", "body": repr(got).encode()})
    seen["late"] = []
    for message in end, {"type": "http.response.start", "status": 200}:
        try:
            await send(message)
        except Exception as error:
            seen["late"].append(type(error).__name__)

async def raises(scope, receive, send):
    raise RuntimeError("of the application")

async def raises_after_start(scope, receive, send):
    await start(send)
    raise RuntimeError("behind the start")

async def raises_late(scope, receive, send):
    await asyncio.sleep(0.01)
    raise RuntimeError("behind a wait")

async def raises_in_the_middle(scope, receive, send):
    await start(send)
    await body(send, b"begun", True)
    raise RuntimeError("in the middle")

async def exits(scope, receive, send):
    raise SystemExit(7)

async def tasks(scope, receive, send):
    first = asyncio.current_task()
    await asyncio.sleep(0)
    second = asyncio.current_task()
    await asyncio.sleep(0.01)
    third = asyncio.current_task()
    is_listed = first in asyncio.all_tasks()
    await say(send, (first is not None, first is second is third, is_listed, isinstance(first, asyncio.Task),
                     asyncio.get_running_loop() is first.get_loop()))

async def context(scope, receive, send):
    before = local.get()
    local.set(scope["query_string"].decode())
    await asyncio.sleep(0.01)
    inner = await asyncio.create_task(child())
    await say(send, (before, local.get(), inner))

async def child():
    return local.get()

async def cancels_itself(scope, receive, send):
    asyncio.current_task().cancel()
    try:
        await asyncio.sleep(10)
    except asyncio.CancelledError:
        seen["cancelled"] = "where it waited"
        raise

async def survives(scope, receive, send):
    asyncio.current_task().cancel()
    try:
        await asyncio.sleep(10)
    except asyncio.CancelledError:
        asyncio.current_task().uncancel()
    await say(send, b"survived")

async def timeout(scope, receive, send):
    try:
        async with asyncio.timeout(0.01):
            await asyncio.sleep(10)
    except TimeoutError:
        await say(send, b"timed out")

async def timeout_around_receive(scope, receive, send):
    await read(receive)
    try:
        async with asyncio.timeout(0.02):
            await receive()
    except TimeoutError:
        await say(send, b"still there")

async def group(scope, receive, send):
    async with asyncio.TaskGroup() as tasks:
        all_ = [tasks.create_task(asyncio.sleep(0.01, i)) for i in range(10)]
    await say(send, sum(task.result() for task in all_))

async def executor(scope, receive, send):
    loop = asyncio.get_running_loop()
    await say(send, await loop.run_in_executor(None, lambda: "in a thread"))

async def background(scope, receive, send):
    await say(send, b"answered")
    await asyncio.sleep(0.05)
    seen["background"] = "done"

async def sleep(scope, receive, send):
    print("sleeps", flush=True)
    await asyncio.sleep(float(scope["query_string"]))
    await say(send, b"slept")

async def order(scope, receive, send):
    """The first step of a request comes before what was asked of the loop within it."""
    got = []
    asyncio.get_running_loop().call_soon(got.append, "callback")
    got.append("first step")
    await asyncio.sleep(0)
    got.append("second step")
    await say(send, got)

async def flood(scope, receive, send):
    """Sends without end; how much was taken is in seen."""
    await start(send)
    piece = b"x" * 65536
    seen["flood"] = 0
    try:
        while True:
            await body(send, piece, True)
            seen["flood"] += len(piece)
    finally:
        seen["flood_end"] = True

async def download(scope, receive, send):
    await start(send)
    piece = bytes(range(256)) * 256
    for _ in range(int(scope["query_string"])):
        await body(send, piece, True)
    await body(send)

async def hasty(scope, receive, send):
    """Does not wait until its last piece is taken, and ends."""
    await start(send)
    try:
        await asyncio.wait_for(body(send, b"x" * 8_000_000), 0.1)
    except asyncio.TimeoutError:
        seen["hasty"] = "timed out"

async def duplex(scope, receive, send):
    """Answers each piece as it comes."""
    await start(send)
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        await body(send, message["body"].upper(), True)
        if not message["more_body"]:
            return await body(send)

async def ask(scope, receive, send):
    value = seen.pop(scope["query_string"].decode(), None)
    await say(send, value)

async def lifespan(scope, receive, send):
    seen["lifespan"] = {k: v for k, v in scope.items()}
    assert (await receive())["type"] == "lifespan.startup"
    scope["state"]["began"] = "yes"
    await send({"type": "lifespan.startup.complete"})
    assert (await receive())["type"] == "lifespan.shutdown"
    print("shutdown", flush=True)
    await send({"type": "lifespan.shutdown.complete"})

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        return await lifespan(scope, receive, send)
    name = scope["path"].split("/")[1]
    await globals()[name if name in globals() else name + "_"](scope, receive, send)
'''


@pytest.fixture(scope="module")
def server(build):
    with PlainServer(build, {"app.py": APP}, "--body-timeout", "2", "--write-timeout", "2") as started:
        yield started


@pytest.fixture
def traceback(server):
    """What the application's stderr got during the test."""
    before = len(server.messages())
    return lambda: server.messages()[before:]


def value(server, path, **options):
    answer = server.get(path, **options)
    assert answer.status == 200, answer.text
    return ast.literal_eval(answer.text)


def eventually(server, name, wanted=None):
    """What the application left behind, once it is there."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        got = value(server, f"/ask?{name}")
        if got is not None and (wanted is None or got == wanted):
            return got
        time.sleep(0.02)
    raise AssertionError(f"nothing came of '{name}'")


# ---- scope ----

def test_scope(server):
    with server.dial() as sock:
        port = sock.getsockname()[1]
        sock.sendall(b"POST /scope/%E2%82%AC%2f?a=%20b&c HTTP/1.1\r\nHost: a.host:8000\r\nX-Two: 1\r\nX_Low: 3\r\nx-TWO: 2\r\n"
                     b"Content-Length: 0\r\nConnection: close\r\n\r\n")
        got = b""
        while piece := sock.recv(65536):
            got += piece
    scope = ast.literal_eval(got.split(b"\r\n\r\n")[1].decode())
    assert scope == {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.5"}, "http_version": "1.1", "method": "POST",
        "scheme": "http", "path": "/scope/\u20ac/", "raw_path": b"/scope/%E2%82%AC%2f", "query_string": b"a=%20b&c",
        "root_path": "", "client": ("127.0.0.1", port), "server": ("127.0.0.1", 8000), "state": {"began": "yes"},
        "extensions": {"http.response.trailers": {}, "http.response.early_hint": {}, "http.response.pathsend": {}},
        "headers": [(b"host", b"a.host:8000"), (b"x-two", b"1"), (b"x_low", b"3"), (b"x-two", b"2"),
                    (b"content-length", b"0"), (b"connection", b"close")],
    }


def test_scope_of_an_old_request(server):
    scope = ast.literal_eval(server.raw(b"GET /scope HTTP/1.0\r\n\r\n").split(b"\r\n\r\n")[1].decode())
    assert (scope["http_version"], scope["headers"], scope["server"]) == ("1.0", [], ("127.0.0.1", 80))


@pytest.mark.parametrize("sent, seen", [("/scope/%ff", "/scope/\ufffd"), ("/scope/%zz%4", "/scope/%zz%4"),
                                        ("/scope/%00", "/scope/\0"), ("/scope//./..", "/scope//./..")])
def test_paths(server, sent, seen):
    assert value(server, sent)["path"] == seen


def test_a_scope_is_the_request_s_own(server):
    first, second = value(server, "/own"), value(server, "/own")
    assert first == second and "mine" not in second[0]


# ---- receive ----

def test_small_bodies_come_whole(server):
    answer = server.request("POST", "/pieces", body=b"x" * 60000)
    assert ast.literal_eval(answer.text) == [("http.request", 60000, False)]
    assert value(server, "/pieces") == [("http.request", 0, False)]


def test_long_bodies_come_in_pieces(server):
    data = os.urandom(3_000_000)
    got = ast.literal_eval(server.request("POST", "/pieces", body=data).text)
    assert sum(size for _, size, _ in got) == len(data)
    assert all(0 < size <= 65536 and more for _, size, more in got[:-1]) and got[-1][2] is False
    answer = server.request("POST", "/digest", body=data)
    assert answer.text == f"{len(data)} {hashlib.sha256(data).hexdigest()}"


def test_chunked_bodies(server):
    answer = server.request("POST", "/echo", body=iter([b"one ", b"", b"two ", b"x" * 100000]))
    assert answer.data == b"one two " + b"x" * 100000


def test_a_body_is_asked_for(server):
    head = b"POST /%s HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
    with server.dial() as sock:
        sock.sendall(head % b"echo")
        assert sock.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"data")
        assert sock.recv(1000).endswith(b"\r\n\r\ndata")
    assert b"100 Continue" not in server.raw(head % b"unread"), "not if the application does not read it"


def test_a_body_that_is_not_read(server):
    connection = server.connection()
    for _ in range(3):
        assert server.request("POST", "/unread", body=b"x" * 10000, connection=connection).text == "not read"


def test_too_large_a_body(build):
    with PlainServer(build, {"app.py": APP}, "--body-max", "1000") as small:
        assert small.request("POST", "/digest", body=b"x" * 1000).text.startswith("1000 ")
        assert small.request("POST", "/digest", body=b"x" * 1001).status == 413
        assert small.request("POST", "/digest", body=iter([b"x" * 600, b"x" * 600])).status == 413


def test_a_body_that_stops_coming(server):
    began = time.monotonic()
    got = server.raw(b"POST /digest HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + b"x" * 70000)
    assert got.startswith(b"HTTP/1.1 408 ") and 1.5 < time.monotonic() - began < 9


def test_a_client_that_leaves_within_its_body(server):
    with server.dial() as sock:
        sock.sendall(b"POST /digest HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + b"x" * 70000)
    assert eventually(server, "digest") == "disconnect"


def test_after_the_response_the_client_counts_as_gone(server):
    connection = server.connection()
    assert server.get("/after", connection=connection).text == "done"
    assert eventually(server, "after") == {"type": "http.disconnect"}
    assert server.get("/unread", connection=connection).text == "not read", "the connection goes on"


def test_a_client_that_leaves_is_told(server):
    with server.dial() as sock:
        sock.sendall(b"GET /gone HTTP/1.1\r\nHost: a\r\n\r\n")
        eventually(server, "gone", "waits")
    assert eventually(server, "gone") == {"type": "http.disconnect"}


def test_a_client_that_leaves_while_it_is_sent_to(server, traceback):
    with server.dial() as sock:
        sock.sendall(b"GET /gone_while_streaming HTTP/1.1\r\nHost: a\r\n\r\n")
        assert sock.recv(100)
    assert eventually(server, "streaming") == "BrokenPipeError"
    assert traceback() == "", "its leaving is no error of the application's"


def test_watching_the_client_beside_a_response(server):
    connection = server.connection()
    assert server.get("/watched", connection=connection).text == "012"
    assert eventually(server, "watched") == {"type": "http.disconnect"}
    assert server.get("/watched", connection=connection).text == "012"


def test_the_next_request_comes_while_the_client_is_watched(server):
    """Pipelined bytes are not the client's leaving, and are not lost."""
    one = b"GET /watched HTTP/1.1\r\nHost: a\r\n\r\n"
    last = b"GET /unread HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    got = server.raw(one + one + last)
    assert got.count(b"HTTP/1.1 200 OK") == 3 and got.endswith(b"not read")


def test_more_is_pipelined_than_is_kept(server):
    one = b"GET /watched HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 4000 + b"\r\n\r\n"
    last = b"GET /unread HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    got = server.raw(one * 10 + last)
    assert got.count(b"HTTP/1.1 200 OK") == 11 and got.endswith(b"not read")


def test_pipelined_bytes_do_not_hide_that_a_client_leaves(server):
    """More than is kept of the next request stands in front of the end."""
    with server.dial() as sock:
        sock.sendall(b"GET /gone HTTP/1.1\r\nHost: a\r\n\r\nPOST / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 40000)
        eventually(server, "gone", "waits")
        time.sleep(0.1)  # for its receive() to have looked
    assert eventually(server, "gone", {"type": "http.disconnect"})


def test_receive_can_be_given_up_and_asked_again(server):
    assert server.get("/polled").text == "30"
    assert server.get("/timeout_around_receive").text == "still there"


def test_receive_and_send_are_like_coroutines(server):
    assert server.request("POST", "/as_task", body=b"first").text == "first|end"
    assert server.get("/never_awaited").text == "fine"


# ---- send ----

def test_a_single_piece_has_its_length(server):
    answer = server.get("/unread")
    assert (answer.headers["Content-Length"], answer.headers["Transfer-Encoding"]) == ("8", None)


def test_pieces_are_chunks(server):
    connection = server.connection()
    for _ in range(2):
        answer = server.get("/stream", connection=connection)
        assert answer.headers["Transfer-Encoding"] == "chunked"
        assert answer.text == "".join(f"piece {i}\n" for i in range(5))


def test_pieces_for_an_old_client_end_with_the_connection(server):
    got = server.raw(b"GET /stream HTTP/1.0\r\n\r\n")
    assert b"Transfer-Encoding" not in got and got.endswith(b"piece 4\n")


def test_a_length_of_the_application_s(server):
    answer = server.get("/sized")
    assert (answer.headers["Content-Length"], answer.text) == ("10", "1234567890")


def test_a_body_longer_than_its_length(server):
    got = server.raw(b"GET /too_long HTTP/1.1\r\nHost: a\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 500 ") and b"12345" not in got
    assert "a body of 5 bytes, but a Content-Length of 3" in eventually(server, "too_long")


def test_a_body_shorter_than_its_length_is_500_before_the_head(server):
    got = server.raw(b"GET /too_short HTTP/1.1\r\nHost: a\r\n\r\nGET /unread HTTP/1.1\r\nHost: a\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 500 ") and b"123" not in got.split(b"HTTP/1.1 ")[1], "it was known before the head was sent"


def test_what_is_like_bytes_can_be_sent(server):
    assert server.get("/kinds").text == "abc"


@pytest.mark.parametrize("path, length", [("/unread", "8"), ("/sized", "10"), ("/stream", None), ("/bare", None)])
def test_head(server, path, length):
    connection = server.connection()
    answer = server.request("HEAD", path, connection=connection)
    assert (answer.status, answer.headers["Content-Length"], answer.data) == (200, length, b"")
    assert server.get("/unread", connection=connection).text == "not read"


def test_no_content(server):
    got = server.raw(b"GET /no_content HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 204 No Content\r\n") and got.endswith(b"\r\n\r\n")
    assert b"ength" not in got and b"hunked" not in got


def test_headers_and_status(server):
    got = server.raw(b"GET /headers HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    head, body = got.split(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0].startswith(b"HTTP/1.1 418 ") and body == b"teapot"
    assert lines.count(b"X-One: a") == lines.count(b"x-one: b") == lines.count(b"set-cookie: c=\xe9") == 1
    assert lines.count(b"server: mine") == 1 and b"chunked" not in got and b"Date: " in got


def test_the_application_may_close(server):
    got = server.raw(b"GET /close HTTP/1.1\r\nHost: a\r\n\r\n")
    assert got.endswith(b"bye") and b"Connection: close\r\n" in got


def test_trailers(server):
    request = b"GET /trailers HTTP/1.1\r\nHost: a\r\nConnection: close, TE\r\n%s\r\n"
    wanted = b"4\r\ndata\r\n0\r\n"
    assert server.raw(request % b"TE: gzip;q=0.5, trailers\r\n").endswith(wanted + b"x-first: 1\r\nx-second: 2\r\n\r\n")
    assert server.raw(request % b"TE: gzip\r\nTE: trailers\r\n").endswith(b"x-second: 2\r\n\r\n"), "a list in two fields"
    assert server.raw(request % b"").endswith(wanted + b"\r\n"), "not for whom did not ask"
    assert server.raw(b"GET /trailers HTTP/1.0\r\nTE: trailers\r\n\r\n").endswith(b"\r\n\r\ndata")


def test_early_hints(server):
    got = server.raw(b"GET /hints HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nLink: </b.js>; rel=preload\r\n\r\n"
                          b"HTTP/1.1 200 OK\r\n")
    assert b" 103 " not in server.raw(b"GET /hints HTTP/1.0\r\n\r\n")


def test_nothing_is_left_of_a_refused_hint(server):
    got = server.raw(b"GET /bad_hint HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 200 OK\r\n") and got.endswith(b"\r\n\r\nreplied") and b"103" not in got


def test_no_continue_within_a_reply(server):
    with server.dial() as sock:
        sock.sendall(b"POST /eager HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        got = sock.recv(1000)
        while b"first " not in got:
            got += sock.recv(1000)
        sock.sendall(b"data")
        while piece := sock.recv(1000):
            got += piece
    assert b"100 Continue" not in got and b"\r\nlast\r\n0\r\n\r\n" in got


def test_messages_out_of_place(server):
    runtime, value_, type_ = "RuntimeError", "ValueError", "TypeError"
    assert value(server, "/wrong") == [runtime, runtime, value_, type_, type_, value_, type_, value_, value_, type_, value_,
                                       value_, "taken", runtime, runtime, type_]
    assert eventually(server, "late") == [runtime, runtime]


# ---- what goes wrong ----

@pytest.mark.parametrize("path, wanted", [
    ("/raises", "RuntimeError: of the application"),
    ("/raises_late", "RuntimeError: behind a wait"),
    ("/raises_after_start", "RuntimeError: behind the start"),
    ("/exits", "SystemExit: 7"),
    ("/nothing", "the application returned without a response"),
    ("/only_start", "the application returned without a response"),
    ("/missing", "KeyError: 'missing_'"),
])
def test_no_response_is_500(server, traceback, path, wanted):
    connection = server.connection()
    answer = server.get(path, connection=connection)
    assert (answer.status, answer.text) == (500, "internal server error\n")
    assert wanted in traceback()
    assert server.get("/unread", connection=connection).text == "not read", "the connection goes on"


@pytest.mark.parametrize("path, wanted", [
    ("/raises_in_the_middle", "RuntimeError: in the middle"),
    ("/half", "returned before its response was complete"),
])
def test_half_a_response_is_cut(server, traceback, path, wanted):
    got = server.raw(b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n" % path.encode())
    assert b"200 OK" in got and not got.endswith(b"0\r\n\r\n")
    assert wanted in traceback()


# ---- tasks ----

def test_a_request_is_a_task(server):
    assert value(server, "/tasks") == (True,) * 5


def test_context_variables_are_the_request_s(server):
    results = []
    clients = [threading.Thread(target=lambda i=i: results.append((i, value(server, f"/context?{i}")))) for i in range(8)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert all(got == ("unset", str(i), str(i)) for i, got in results) and len(results) == 8


def test_cancellation(server, traceback):
    assert server.get("/cancels_itself").status == 500
    assert eventually(server, "cancelled") == "where it waited"
    assert server.get("/survives").text == "survived"
    assert server.get("/timeout").text == "timed out"
    assert traceback() == "", "to be cancelled is no error"


def test_asyncio_s_own(server):
    assert server.get("/group").text == "45"
    assert value(server, "/executor") == "in a thread"
    assert value(server, "/order") == ["first step", "callback", "second step"]


def test_work_goes_on_behind_the_response(server):
    began = time.monotonic()
    assert server.get("/background").text == "answered"
    assert eventually(server, "background") == "done"
    assert time.monotonic() - began < 5


def test_requests_wait_beside_each_other(server):
    began = time.monotonic()
    clients = [threading.Thread(target=server.get, args=("/sleep?0.4",)) for _ in range(60)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert time.monotonic() - began < 10, "one after another they take 24 s"


# ---- back-pressure ----

def test_a_client_that_does_not_read_stops_the_application(server):
    with server.dial() as sock:
        sock.sendall(b"GET /flood HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(0.5)
        first = value(server, "/ask?flood")
        assert first < 20 << 20, "what the system buffers, and no more"
        assert eventually(server, "flood_end") is True, "and the server's time-out ends it"


def test_a_client_that_reads_slowly_gets_all(server):
    with server.dial() as sock:
        sock.sendall(b"GET /download?200 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        got = 0
        while piece := sock.recv(1 << 20):
            got += len(piece)
            time.sleep(0.002)
    assert got > 200 * 65536


def resident(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{pid}/status").read())[1])


def is_held(server, sock):
    """Has the server's process an open descriptor for that client?"""
    ends = [f":{port:04X}" for port in (server.port(), sock.getsockname()[1])]
    rows = [line.split() for line in open("/proc/net/tcp").readlines()[1:]]
    return any(row[1].endswith(ends[0]) and row[2].endswith(ends[1]) and row[9] != "0" for row in rows)


def test_a_last_piece_is_sent_though_nobody_waits(server, traceback):
    with server.dial() as sock:
        sock.sendall(b"GET /hasty HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert eventually(server, "hasty") == "timed out"
        size = 0
        while piece := sock.recv(1 << 20):
            size += len(piece)
    assert size > 8_000_000 and traceback() == ""


def test_nobody_waits_for_who_takes_no_last_piece(server):
    """Its time-out is the write's."""
    with server.dial() as sock:
        sock.sendall(b"GET /hasty HTTP/1.1\r\nHost: a\r\n\r\n")
        assert eventually(server, "hasty") == "timed out"
        assert is_held(server, sock)
        server.wait_for(lambda: not is_held(server, sock))


def test_big_bodies_need_no_memory(server):
    value(server, "/tasks")
    before = resident(server.process.pid)
    size = 150 << 20
    with server.dial() as sock:
        sock.sendall(b"POST /digest HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % size)
        for _ in range(size >> 20):
            sock.sendall(bytes(1 << 20))
        assert str(size).encode() in sock.recv(1000)
    with server.dial() as sock:
        sock.sendall(b"GET /download?2400 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        got = 0
        while piece := sock.recv(1 << 20):
            got += len(piece)
    assert got > 2400 * 65536
    assert resident(server.process.pid) - before < 32 << 10


def test_both_ways_at_once(server):
    with server.dial() as sock:
        sock.sendall(b"POST /duplex HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n")
        for word in b"one", b"two":
            sock.sendall(b"3\r\n" + word + b"\r\n")
            got = b""
            while word.upper() not in got:
                got += sock.recv(1000)
        sock.sendall(b"0\r\n\r\n")
        assert sock.recv(1000).endswith(b"0\r\n\r\n")


def test_clients_that_abort_at_every_byte(server):
    """None of them costs anything: the next one is served, and no descriptor stays."""
    request = (b"POST /digest HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
    server.get("/unread")
    before = len(os.listdir(f"/proc/{server.process.pid}/fd"))
    for size in range(1, len(request) + 1):
        with server.dial() as sock:
            sock.sendall(request[:size])
            if size % 2:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    server.wait_for(lambda: len(os.listdir(f"/proc/{server.process.pid}/fd")) <= before + 1)
    assert server.get("/unread").text == "not read"


# ---- lifespan ----

def test_lifespan_scope(build):
    with PlainServer(build, {"app.py": APP}) as one:
        scope = value(one, "/ask?lifespan")
        assert scope == {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {"began": "yes"}}
        assert one.stop() == 0
        assert one.output() == "shutdown\n"


HELLO = """
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"state" if "state" in scope else b"none"})
"""


@pytest.mark.parametrize("code", [
    "    assert scope['type'] == 'http'\n",
    "    if scope['type'] == 'lifespan':\n        return\n",
    "    if scope['type'] == 'lifespan':\n        await receive()\n        raise NotImplementedError\n",
])
def test_no_lifespan_is_fine(build, code):
    with PlainServer(build, {"app.py": "async def app(scope, receive, send):\n" + code + HELLO}) as one:
        assert one.get().text == "none"
        assert "Error" not in one.messages()
        assert one.stop() == 0


def test_a_startup_that_fails(build):
    code = """
async def app(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no database"})
"""
    one = PlainServer(build, {"app.py": code})
    try:
        one.start(wait=False)
        assert one.exit() == 3
        assert "the application's lifespan failed: no database" in one.messages()
        assert one.messages().splitlines()[-1] == "mse-enclave: application-failed: the application failed to start"
    finally:
        one.remove()


def test_a_lifespan_may_wait_again_and_again(build):
    code = """
import asyncio
async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200})
        return await send({"type": "http.response.body", "body": b"served"})
    await receive()
    await send({"type": "lifespan.startup.complete"})
    while True:
        try:
            message = await asyncio.wait_for(receive(), 0.02)
        except asyncio.TimeoutError:
            continue
        print(message["type"], flush=True)
        return await send({"type": "lifespan.shutdown.complete"})
"""
    with PlainServer(build, {"app.py": code}) as one:
        time.sleep(0.2)
        assert one.get().text == "served"
        assert one.stop() == 0
        assert one.output() == "lifespan.shutdown\n"


def test_a_shutdown_that_fails(build):
    code = """
async def app(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    raise RuntimeError("at the shutdown")
"""
    with PlainServer(build, {"app.py": code}) as one:
        assert one.stop() == 0
        assert "RuntimeError: at the shutdown" in one.messages()


# ---- the end ----

def test_a_stop_lets_requests_finish(build):
    with PlainServer(build, {"app.py": APP}) as one:
        connection = one.connection()
        connection.request("GET", "/sleep?1")
        one.wait_for(lambda: one.output() == "sleeps\n")
        one.process.send_signal(signal.SIGTERM)
        assert connection.getresponse().read() == b"slept"
        assert one.exit() == 0
        assert one.output() == "sleeps\nshutdown\n"


def test_a_stop_cancels_what_does_not_end(build):
    code = """
import asyncio
async def app(scope, receive, send):
    assert scope["type"] == "http"
    print("waits", flush=True)
    try:
        await asyncio.sleep(100)
    except asyncio.CancelledError:
        print("cancelled", flush=True)
        raise
"""
    with PlainServer(build, {"app.py": code}, "--graceful-timeout", "1") as one:
        with one.dial() as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            one.wait_for(lambda: one.output() == "waits\n")
            began = time.monotonic()
            assert one.stop() == 0
            assert time.monotonic() - began < 8
        assert one.output() == "waits\ncancelled\n"


# ---- which interface ----

@pytest.mark.parametrize("code", [
    "async def app(scope, receive, send):\n    BODY",
    "class Framework:\n    async def __call__(self, scope, receive, send):\n        BODY\napp = Framework()",
    "async def inner(scope, receive, send):\n    BODY\ndef app(scope, receive, send):\n    return inner(scope, receive, send)",
    "import functools\nasync def inner(x, scope, receive, send):\n    BODY\napp = functools.partial(inner, 1)",
    "async def inner(scope, receive, send):\n    BODY\ndef app(scope, receive, send, x=1, *, y=2):\n    return inner(scope, receive, send)",
    "import functools\nasync def inner(scope, receive, send):\n    BODY\n"
    "@functools.wraps(inner)\ndef app(*arguments):\n    return inner(*arguments)",
    "class app:\n    def __init__(self, scope, receive, send):\n        self.args = scope, receive, send\n"
    "    def __await__(self):\n        return self.run(*self.args).__await__()\n"
    "    async def run(self, scope, receive, send):\n        BODY",
])
def test_asgi_is_recognized(build, code):
    body = ('await send({"type": "http.response.start", "status": 200}); '
            'await send({"type": "http.response.body", "body": b"asgi"})')
    with PlainServer(build, {"app.py": code.replace("BODY", body)}) as one:
        assert "is served (asgi)" in one.messages()
        assert one.get().text == "asgi"


@pytest.mark.parametrize("head", ["def app(environ, start, x=1)", "def app(environ, start, *, x=1)", "def app(environ, *rest)"])
def test_a_plain_function_of_wsgi_needs_no_inspect(build, head):
    """Which asyncio loads anyway, and which takes a third of a small application's start."""
    code = f"import sys\n{head}:\n    (rest[0] if 'rest' in locals() else start)('200 OK', [])\n    return [str('inspect' in sys.modules).encode()]"
    with PlainServer(build, {"app.py": code}) as one:
        assert "is served (wsgi)" in one.messages()
        assert one.get().text == "False"


def test_the_interface_may_be_said(build):
    code = """
def app(*arguments):
    async def asgi(scope, receive, send):
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"asgi"})
    if len(arguments) == 3:
        return asgi(*arguments)
    arguments[1]("200 OK", [])
    return [b"wsgi"]
"""
    for interface, wanted in ("auto", "wsgi"), ("wsgi", "wsgi"), ("asgi", "asgi"):
        with PlainServer(build, {"app.py": code}, "--interface", interface) as one:
            assert one.get().text == wanted


def test_it_sleeps_when_idle(server):
    """No wake-ups: nothing polls."""
    def switches():
        total = 0
        for task in os.listdir(f"/proc/{server.process.pid}/task"):
            status = open(f"/proc/{server.process.pid}/task/{task}/status").read()
            total += int(re.search(r"\nvoluntary_ctxt_switches:\s+(\d+)", status)[1])
        return total
    with server.connection().sock:
        time.sleep(0.3)
    end = time.monotonic() + 10
    while time.monotonic() < end:
        before = switches()
        time.sleep(0.5)
        if switches() == before:
            return
    raise AssertionError("it never sleeps")


def test_json_round_trip(server):
    data = {"a": [1, "\u20ac"]}
    answer = server.request("POST", "/echo", body=json.dumps(data).encode())
    assert json.loads(answer.text) == data
