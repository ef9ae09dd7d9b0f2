# SPDX-License-Identifier: Apache-2.0
"""Short answers of requests that come together leave together. Nobody waits for somebody else's handler for all that,
nor for what an application does behind its own answer."""
import pytest
from plainserver import PlainServer

CONNECTIONS = 8
ROUNDS = 12
APP = '''
import threading, time

READ = []
GO = threading.Event()


class Body:
    def __init__(self, environ, path):
        self.environ, self.path, self.left = environ, path, [b"do", b"ne"]
    def __iter__(self):
        return self
    def __next__(self):
        if not self.left:
            if self.path == "/iterator":
                GO.wait(30)
            raise KeyError("behind the end") if self.path == "/raises" else StopIteration
        piece, self.left = b"".join(self.left), []
        return piece
    def close(self):
        READ.append(self.environ["wsgi.input"].read())
        READ.append(self.environ["wsgi.input"].readline())
        if self.path == "/close":
            GO.wait(30)
        if self.path == "/closes":
            raise KeyError("in close")


def app(environ, start):
    path = environ["PATH_INFO"]
    if path == "/read":
        environ["wsgi.input"].readline()
    if path == "/handler":
        GO.wait(30)
    if path == "/gate":
        end = time.monotonic() + 0.002
        while time.monotonic() < end:
            pass
    if path == "/go":
        GO.set()
    if path == "/again":
        GO.clear()
    if path == "/what-was-read":
        text = repr(set(READ)).encode()
        start("200 OK", [("Content-Length", str(len(text)))])
        return [text]
    start("200 OK", [("Content-Length", "4")])
    if path == "/write":
        return iter([b"", b"done", b""])
    return Body(environ, path)
'''
FLASK = '''
import threading
import flask

GO = threading.Event()
app = flask.Flask("app")


@app.get("/<path>")
def answer(path):
    response = flask.make_response("done")
    if path == "close":
        response.call_on_close(lambda: GO.wait(30))
    if path == "go":
        GO.set()
    if path == "again":
        GO.clear()
    return response
'''


@pytest.fixture(scope="module")
def server(build):
    with PlainServer(build, {"app.py": APP}) as new:
        yield new


@pytest.fixture(scope="module")
def flask(build):
    with PlainServer(build, {"app.py": FLASK}) as new:
        yield new


def ask(sock, path, head="", body=""):
    sock.sendall(f"{'POST' if body else 'GET'} {path} HTTP/1.1\r\nHost: a\r\n{head}\r\n{body}".encode())


def await_done(sock):
    answer = b""
    while not answer.endswith(b"\r\n\r\ndone"):
        piece = sock.recv(4096)
        assert piece, answer
        answer += piece
    assert answer.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("path", ["/handler", "/iterator", "/close"])
def test_nobody_waits_for_another_s_application(server, path):
    answers_before(server, path, path != "/handler")


def test_flask_s_call_on_close_delays_no_answer(flask):
    answers_before(flask, "/close", True)


def answers_before(server, path, is_answered):
    """Requests that come while another is served, one of them at different places waits."""
    socks = [server.dial() for _ in range(CONNECTIONS)]
    gate = server.dial()
    for turn in range(ROUNDS):
        server.get("/again")
        ask(gate, "/gate")
        for number, sock in enumerate(socks):
            ask(sock, path if number == turn % CONNECTIONS else "/quick")
        await_done(gate)
        for number, sock in enumerate(socks):
            if is_answered or number != turn % CONNECTIONS:
                await_done(sock)
        server.get("/go")
        if not is_answered:
            await_done(socks[turn % CONNECTIONS])
    for sock in [*socks, gate]:
        sock.close()


def burst(server, path, head="", body=""):
    """The same from several at once, so that what may be held is."""
    socks = [server.dial() for _ in range(CONNECTIONS)]
    for sock in socks:
        ask(sock, path, head, body)
    for sock in socks:
        await_done(sock)
        sock.close()


@pytest.mark.parametrize("path,said", [("/raises", "KeyError: 'behind the end'"), ("/closes", "KeyError: 'in close'")])
def test_errors_behind_the_answer_are_reported(server, path, said):
    before = server.messages().count(said)
    burst(server, path + "?who=me")
    server.wait_for(lambda: server.messages().count(said) == before + CONNECTIONS)
    if path == "/raises":
        assert server.messages().count("] GET /raises?who=me\nTraceback") == CONNECTIONS


def test_the_body_is_at_its_end_behind_the_answer(server):
    """What was read ahead and not asked for is there, too."""
    burst(server, "/quick")
    burst(server, "/read", "Content-Length: 9\r\n", "one\nthree")
    assert server.get("/what-was-read").text.strip("{}").split(", ") in (["b''", "b'three'"], ["b'three'", "b''"])


def test_pieces_without_bytes_around_the_only_one(server):
    burst(server, "/write")
