# SPDX-License-Identifier: Apache-2.0
"""Rules of the ASGI specification (HTTP and lifespan) one by one, where test_asgi.py does not ask. docs/testing-server.md lists them."""
import json

import pytest
from plainserver import PlainServer

APP = '''
import asyncio, json

seen = {}
HEADERS = {
    "/cookies": [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"), (b"X-Upper", b"\\xe9")],
    "/list-pairs": [[b"x-list", b"1"]],
    "/newline": [(b"x-evil", b"a\\r\\nx-injected: b")],
    "/newline-name": [(b"x-evil\\r\\nx-injected", b"a")],
    "/empty-name": [(b"", b"a")],
    "/text": [("x-text", "a")],
    "/not-pair": [(b"a", b"b", b"c")],
    "/framing": [(b"content-length", b"2"), (b"transfer-encoding", b"chunked"), (b"connection", b"keep-alive"),
                 (b"keep-alive", b"timeout=5"), (b"upgrade", b"h2c"), (b"te", b"x"), (b"proxy-connection", b"x")],
    "/too-long": [(b"content-length", b"1")],
    "/two-lengths": [(b"content-length", b"2"), (b"content-length", b"2")],
    "/length-text": [(b"content-length", b"two")],
}
STATUS = {"/100": 100, "/199": 199, "/600": 600, "/text-status": "200", "/none": None, "/404": 404, "/599": 599}


async def reply(send, status=200, headers=(), body=b"ok"):
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def lifespan(scope, receive, send):
    scope["state"].update(number=1, shared=[])
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return


def generated():
    yield b"x-made", b"1"
    yield b"x-made", b"2"


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        return await lifespan(scope, receive, send)
    path = scope["path"]
    if path in HEADERS:
        await reply(send, headers=HEADERS[path])
    elif path in STATUS:
        await reply(send, STATUS[path])
    elif path == "/generator":
        await reply(send, headers=generated())
    elif path == "/scope":
        shown = {k: v.decode() if isinstance(v, bytes) else v for k, v in scope.items() if k not in ("state", "extensions", "asgi")}
        shown["headers"] = [[n.decode(), v.decode("latin-1")] for n, v in scope["headers"]]
        shown["extensions"] = sorted(scope["extensions"])
        await reply(send, body=json.dumps(shown).encode())
    elif path == "/state":
        state = scope["state"]
        state["number"] += 1
        state["shared"].append(1)
        await reply(send, body=json.dumps([state["number"], len(state["shared"])]).encode())
    elif path == "/trailers":
        await send({"type": "http.response.start", "status": 200, "trailers": True})
        await send({"type": "http.response.body", "body": b"body"})
        await send({"type": "http.response.trailers", "headers": [(b"x-one", b"1")], "more_trailers": True})
        await send({"type": "http.response.trailers", "headers": [(b"x-two", b"2")]})
    elif path == "/hint":
        await send({"type": "http.response.early_hint", "links": [b"</a.css>; rel=preload"]})
        await send({"type": "http.response.early_hint", "links": []})
        await reply(send)
    elif path == "/twice":
        await reply(send)
        try:
            await reply(send)
        except Exception as error:
            seen["twice"] = f"{type(error).__name__}: {error}"
    elif path == "/receive-again":
        first = await receive()
        await reply(send)
        later = [(await receive())["type"] for _ in range(3)]
        seen["receive-again"] = [first["type"], first["more_body"], later]
    elif path == "/beside":
        # Two receive() at once: one gets the body, the other what follows.
        first, second = asyncio.ensure_future(receive()), asyncio.ensure_future(receive())
        await asyncio.wait([first, second], return_when=asyncio.FIRST_COMPLETED)
        await reply(send, body=str(first.done()).encode())
        seen["beside"] = [(await first)["type"], (await second)["type"]]
    elif path == "/unknown":
        try:
            await send({"type": "http.response.zerocopysend", "file": 0})
        except Exception as error:
            await reply(send, body=type(error).__name__.encode())
    elif path == "/seen":
        await reply(send, body=json.dumps(seen).encode())
'''


@pytest.fixture(scope="module")
def server(build):
    with PlainServer(build, {"app.py": APP}) as new:
        yield new


def raw(server, path, fields=b""):
    return server.raw(b"GET " + path + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + fields + b"\r\n")


def loaded(server, path):
    return json.loads(server.get(path).text)


def test_rule_repeated_fields_stay_apart_and_in_order(server):
    got = raw(server, b"/cookies")
    assert b"\r\nset-cookie: a=1\r\nset-cookie: b=2\r\nX-Upper: \xe9\r\n" in got
    shown = json.loads(raw(server, b"/scope", b"X-A: 1\r\nx-b: 2\r\nX-A: 3\r\nX_C: \xe9\r\n").partition(b"\r\n\r\n")[2])
    assert [["x-a", "1"], ["x-b", "2"], ["x-a", "3"], ["x_c", "\u00e9"]] == shown["headers"][2:]


def test_rule_headers_may_be_any_iterable(server):
    assert b"\r\nx-list: 1\r\n" in raw(server, b"/list-pairs")
    assert b"\r\nx-made: 1\r\nx-made: 2\r\n" in raw(server, b"/generator")


@pytest.mark.parametrize("path", ["newline", "newline-name", "empty-name", "text", "not-pair", "two-lengths", "length-text",
                                  "too-long"])
def test_rule_a_header_that_cannot_be_sent_is_500(server, path):
    got = raw(server, b"/" + path.encode())
    assert got.startswith(b"HTTP/1.1 500 ") and b"injected" not in got and got.count(b"HTTP/1.1 ") == 1


def test_rule_framing_is_the_server_s(server):
    got = raw(server, b"/framing")
    assert b"h2c" not in got and b"timeout" not in got and got.lower().count(b"connection:") == 1
    assert got.lower().count(b"content-length:") == 1 and b"chunked" not in got and got.endswith(b"\r\n\r\nok")


@pytest.mark.parametrize("path, wanted", [("/100", 500), ("/199", 500), ("/600", 500), ("/text-status", 500), ("/none", 500),
                                          ("/404", 404), ("/599", 599)])
def test_rule_status_is_200_to_599(server, path, wanted):
    assert server.get(path).status == wanted


def test_rule_scope_has_every_member(server):
    shown = loaded(server, "/scope?a=%20")
    assert shown["type"] == "http" and shown["http_version"] == "1.1" and shown["method"] == "GET"
    assert (shown["path"], shown["raw_path"], shown["query_string"]) == ("/scope", "/scope", "a=%20")
    assert shown["root_path"] == "" and shown["scheme"] == "http" and shown["client"][0] == "127.0.0.1"
    assert shown["server"][0] == "127.0.0.1"
    assert {"http.response.early_hint", "http.response.trailers"} <= set(shown["extensions"])


def test_rule_state_is_copied_but_not_deeply(server):
    assert [loaded(server, "/state") for _ in range(3)] == [[2, 1], [2, 2], [2, 3]]


def test_rule_trailers_come_together_at_the_end(server):
    assert raw(server, b"/trailers", b"TE: trailers\r\n").endswith(b"4\r\nbody\r\n0\r\nx-one: 1\r\nx-two: 2\r\n\r\n")
    assert raw(server, b"/trailers").endswith(b"0\r\n\r\n")


def test_rule_hints_come_before_the_response(server):
    got = raw(server, b"/hint")
    assert got.startswith(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\nHTTP/1.1 103 ")
    assert got.endswith(b"\r\n\r\nok")


def test_rule_a_second_response_is_refused(server):
    assert server.get("/twice").text == "ok"
    assert "RuntimeError" in loaded(server, "/seen")["twice"]


def test_rule_receive_after_the_end_is_a_disconnect(server):
    assert server.get("/receive-again").text == "ok"
    server.wait_for(lambda: "receive-again" in loaded(server, "/seen"))
    assert loaded(server, "/seen")["receive-again"] == ["http.request", False, ["http.disconnect"] * 3]


def test_rule_several_may_receive(server):
    assert server.get("/beside").text in ("True", "False")
    server.wait_for(lambda: "beside" in loaded(server, "/seen"))
    assert sorted(loaded(server, "/seen")["beside"]) == ["http.disconnect", "http.request"]


def test_rule_what_is_not_offered_is_refused(server):
    """Extensions are in the scope; zerocopysend is not."""
    assert "http.response.zerocopysend" not in loaded(server, "/scope")["extensions"]
    assert server.get("/unknown").text == "ValueError"


LIFESPAN = '''
import asyncio

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        scope["state"]["word"] = b"served"
        await receive()
        {startup}
        await receive()
        {shutdown}
        return
    await send({{"type": "http.response.start", "status": 200, "headers": []}})
    await send({{"type": "http.response.body", "body": scope["state"]["word"]}})
'''
UP, DOWN = 'await send({"type": "lifespan.startup.complete"})', 'await send({"type": "lifespan.shutdown.complete"})'


@pytest.mark.parametrize("startup, shutdown, code, said", [
    (UP, DOWN, 0, ""), (UP, 'raise ValueError("at the end")', 0, "ValueError: at the end"),
    (UP, 'await send({"type": "lifespan.shutdown.failed", "message": "no end"})', 0, "no end"),
    (UP + "\n        raise ValueError('in between')", DOWN, 0, "ValueError: in between"),
    (UP + "\n        return", DOWN, 0, ""), (UP, "return", 0, ""),
    (UP, 'await asyncio.sleep(0.05); print("ended"); ' + DOWN, 0, "ended\n")])
def test_rule_lifespan_may_end_in_any_way(build, startup, shutdown, code, said):
    with PlainServer(build, {"app.py": LIFESPAN.format(startup=startup, shutdown=shutdown)}) as server:
        assert server.get().text == "served"
        assert server.stop() == code
        assert said in server.messages() + server.output()


GREEDY = '''
import asyncio, atexit

async def app(scope, receive, send):
    assert scope["type"] == "lifespan"
    atexit.register(print, "end")
    while True:
        message = await receive()
        if message["type"] == "lifespan.shutdown":
            other = asyncio.create_task(receive())
            await asyncio.sleep(0.1)
            print("closed", other.done())
        await send({"type": message["type"] + ".complete"})
'''


def test_rule_nothing_follows_the_shutdown(build):
    """Who receives beside it, or once more, waits; nobody else does."""
    with PlainServer(build, {"app.py": GREEDY}) as server:
        assert server.stop(seconds=8) == 0
        assert server.output() == "closed False\nend\n", server.messages()


TWO = '''
import asyncio

async def app(scope, receive, send):
    assert scope["type"] == "lifespan"
    await receive()
    one, two = asyncio.create_task(receive()), asyncio.create_task(receive())
    await asyncio.sleep(0.05)
    one.cancel()
    await asyncio.wait([one])
    await asyncio.sleep(0.05)
    print(one.cancelled(), two.done())
    await send({"type": "lifespan.startup.complete"})
    print((await two)["type"])
    await send({"type": "lifespan.shutdown.complete"})
'''


def test_rule_several_may_wait_for_the_shutdown(build):
    """Who gives up waiting ends nobody else's wait."""
    with PlainServer(build, {"app.py": TWO}) as server:
        assert server.stop(seconds=8) == 0
        assert server.output() == "True False\nlifespan.shutdown\n", server.messages()


def test_rule_a_failed_startup_is_not_served(build):
    failed = 'await send({"type": "lifespan.startup.failed", "message": "no database"})'
    server = PlainServer(build, {"app.py": LIFESPAN.format(startup=failed, shutdown="return")}).start(wait=False)
    try:
        assert server.exit() == 3 and "no database" in server.messages()
    finally:
        server.remove()
