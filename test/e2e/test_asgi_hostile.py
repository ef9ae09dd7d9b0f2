# SPDX-License-Identifier: Apache-2.0
"""Applications that misuse what the server gives them: nothing of it may crash it, stop it or leave a request hanging."""
import ast
import time

import pytest
from plainserver import PlainServer

APP = r'''
import asyncio, gc

TEXT = [(b"content-type", b"text/plain")]
tasks = set()

async def say(send, what):
    await send({"type": "http.response.start", "status": 200, "headers": TEXT})
    await send({"type": "http.response.body", "body": what if isinstance(what, bytes) else repr(what).encode()})

def attempt(call, *args):
    try:
        return "returned", repr(call(*args))
    except BaseException as error:
        return type(error).__name__, str(error)

async def itself(scope, receive, send):
    """The driver of its own task, while it runs."""
    coroutine = asyncio.current_task().get_coro()
    got = [attempt(coroutine.close)[0], attempt(coroutine.send, None)[0], attempt(coroutine.throw, KeyError)[0],
           attempt(next, coroutine)[0]]
    await asyncio.sleep(0)
    got += [attempt(coroutine.close)[0], attempt(coroutine.send, None)[0]]
    await say(send, got)

def at_the_call(scope, receive, send):
    """The same before there is a coroutine of the application's."""
    coroutine = asyncio.current_task().get_coro()
    got = [attempt(coroutine.close)[0], attempt(coroutine.send, None)[0], attempt(coroutine.throw, KeyError())[0]]
    return say(send, got)

class Waiting:
    """Closes its driver from within __await__."""
    def __await__(self):
        coroutine = asyncio.current_task().get_coro()
        self.got = attempt(coroutine.close)[0], attempt(coroutine.throw, KeyError("x"))[0]
        yield

async def within_await(scope, receive, send):
    waiting = Waiting()
    await waiting
    await say(send, waiting.got)

async def within_headers(scope, receive, send):
    """send() and receive() from within what send() looks at."""
    got = []
    def headers():
        other = send({"type": "http.response.start", "status": 500})
        got.append(attempt(other.send, None)[0])
        got.append(attempt(receive().send, None)[0])
        got.append(attempt(operation.send, None)[0])
        got.append(attempt(operation.close)[0])
        got.append(attempt(operation.throw, KeyError)[0])
        got.append(attempt(asyncio.current_task().get_coro().close)[0])
        message.clear()
        yield from TEXT
    message = {"type": "http.response.start", "status": 200, "headers": headers(), "trailers": False}
    operation = send(message)
    await operation
    await send({"type": "http.response.body", "body": repr(got).encode()})

class Truth:
    def __init__(self, call):
        self.call = call
    def __bool__(self):
        self.call()
        return False

async def within_truth(scope, receive, send):
    got = []
    await send({"type": "http.response.start", "status": 200, "headers": TEXT})
    def again():
        message.clear()
        got.append(attempt(send({"type": "http.response.body", "body": b"inner"}).send, None)[0])
        gc.collect()
    message = {"type": "http.response.body", "body": bytes(bytearray(b"outer " * 100)), "more_body": Truth(again)}
    await send(message)

class Finalised:
    def __init__(self, call):
        self.call = call
        self.me = self
    def __del__(self):
        self.call()

async def within_finalisers(scope, receive, send):
    """Garbage that steps receive() and send() whenever the collector runs, which is at any allocation."""
    gc.set_threshold(1)
    got = set()
    def step():
        got.add(attempt(receive().send, None)[0])
        got.add(attempt(send({"type": "http.response.start", "status": 500}).send, None)[0])
        got.add(attempt(coroutine.close)[0])
    coroutine = asyncio.current_task().get_coro()
    try:
        for _ in range(40):
            Finalised(lambda: got.add(attempt(coroutine.close)[0]))
            try:
                await asyncio.wait_for(receive(), 0.0001)
            except asyncio.TimeoutError:
                pass
            Finalised(step)
            [[] for _ in range(20)]
            gc.collect()
    finally:
        gc.set_threshold(700)
    await asyncio.sleep(0)

async def dropped(scope, receive, send):
    """The operation is dropped while it runs."""
    box = {}
    def headers():
        box.clear()
        gc.collect()
        yield from TEXT
    box["operation"] = send({"type": "http.response.start", "status": 200, "headers": headers()})
    attempt(box["operation"].send, None)
    await send({"type": "http.response.body", "body": b"fine"})

async def throws(scope, receive, send):
    operation = receive()
    got = [attempt(operation.throw, 1)[0], attempt(receive().throw, KeyError, None, 5)[0],
           attempt(receive().throw, "text")[0], attempt(receive().throw, KeyError("k"))[0],
           attempt(receive().throw, KeyError, "v")[0], attempt(receive().throw)[0]]
    operation = receive()
    operation.close()
    got.append(attempt(operation.send, None)[0])
    await say(send, got)

async def exits_behind(scope, receive, send):
    """A background task that wants to end the process."""
    kind = {b"exit": SystemExit, b"interrupt": KeyboardInterrupt}[scope["query_string"]]
    async def end():
        raise kind(3)
    task = asyncio.create_task(end())
    tasks.add(task)
    await say(send, b"begun")

async def stops_loop(scope, receive, send):
    asyncio.get_running_loop().stop()
    await say(send, b"stopped it")

async def slow_after_cancel(scope, receive, send):
    """A receive() that is given up must not make the time-out of a body strike later."""
    try:
        await asyncio.wait_for(receive(), 0.05)
    except asyncio.TimeoutError:
        pass
    await asyncio.sleep(2.2)
    message = await receive()
    await say(send, (message["type"], message.get("body")))

async def waits(scope, receive, send):
    message = await receive()
    await say(send, (message["type"], message.get("body")))

async def blocks(scope, receive, send):
    import time
    time.sleep(2.2)
    await say(send, b"blocked")

async def ok(scope, receive, send):
    await say(send, b"ok")

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        raise RuntimeError("none")
    await globals()[scope["path"][1:]](scope, receive, send)

def plain(scope, receive, send):
    return globals()[scope["path"][1:]](scope, receive, send)
'''


@pytest.fixture(scope="module")
def server(build):
    with PlainServer(build, {"app.py": APP}, "--body-timeout", "1") as started:
        yield started
        assert started.get("/ok").text == "ok"


def said(server, path, **options):
    answer = server.get(path, **options)
    assert answer.status == 200, (answer.status, server.messages())
    return ast.literal_eval(answer.text)


def test_a_request_steps_itself(server):
    assert said(server, "/itself") == ["ValueError"] * 6


def test_a_request_steps_itself_before_there_is_a_coroutine(build):
    with PlainServer(build, {"app.py": APP}, "--interface", "asgi", application="app:plain") as server:
        assert said(server, "/at_the_call") == ["ValueError"] * 3


def test_closing_from_within_await(server):
    assert said(server, "/within_await") == ("ValueError", "ValueError")


def test_sending_from_within_headers(server):
    assert said(server, "/within_headers") == ["RuntimeError", "RuntimeError", "ValueError", "ValueError", "ValueError",
                                               "ValueError"]


def test_sending_from_within_a_truth(server):
    assert server.get("/within_truth").text == "outer " * 100


def test_finalisers_that_step(server):
    for _ in range(3):
        assert server.get("/within_finalisers").status in (200, 500)
        assert server.get("/ok").text == "ok"


def test_an_operation_that_is_dropped_while_it_runs(server):
    assert server.get("/dropped").text == "fine"


def test_what_is_thrown_must_be_an_exception(server):
    assert said(server, "/throws") == ["TypeError", "TypeError", "TypeError", "KeyError", "KeyError", "RuntimeError",
                                       "RuntimeError"]


@pytest.mark.parametrize("path", ["/exits_behind?exit", "/exits_behind?interrupt", "/stops_loop"])
def test_what_comes_out_of_the_loop_ends_no_server(server, path):
    server.get(path)
    for _ in range(3):
        assert server.get("/ok").text == "ok"


CHUNKED = b" HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


def gets_its_body(sock):
    answer = sock.recv(65536)
    assert answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"('http.request', b'abc')"), answer


def test_a_receive_that_was_given_up_leaves_no_time_out(server):
    """Nor does the time count in which the application does not ask, with a body that is here."""
    with server.dial() as sock:
        sock.sendall(b"POST /slow_after_cancel" + CHUNKED)
        time.sleep(0.3)
        sock.sendall(b"3\r\nabc\r\n0\r\n\r\n")
        gets_its_body(sock)


def test_the_time_of_a_blocked_loop_is_not_the_client_s(server):
    with server.dial() as waiting, server.dial() as blocking:
        waiting.sendall(b"POST /waits" + CHUNKED)
        time.sleep(0.3)
        blocking.sendall(b"GET /blocks HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(0.3)
        waiting.sendall(b"3\r\nabc\r\n0\r\n\r\n")
        gets_its_body(waiting)
        assert blocking.recv(65536).endswith(b"blocked")
