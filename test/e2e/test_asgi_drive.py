# SPDX-License-Identifier: Apache-2.0
"""The loop's thread does the engine's work while it is busy (decision 0011): what goes on beside it, and afterwards."""
import contextlib
import socket
import ssl
import threading
import time

import pytest
from idling import certificate, sleeps
from plainserver import PlainServer

APP = r'''
import asyncio, os, sys, time

ticks = 0

async def tick():
    global ticks
    while True:
        await asyncio.sleep(0.001)
        ticks += 1

def block():
    """The whole loop, until it is told otherwise."""
    print("blocks", flush=True)
    while not os.path.exists("go"):
        time.sleep(0.005)

async def app(scope, receive, send):
    assert scope["type"] == "http"
    path, body, loop = scope["path"], b"done", asyncio.get_running_loop()
    if path == "/block":
        block()
    elif path == "/task":
        loop.call_later(0.01, block)
    elif path == "/loop":
        body = type(loop).__module__.encode()
    elif path == "/ticks":
        app.ticker = getattr(app, "ticker", None) or loop.create_task(tick())
        body = b"%d" % ticks
    elif path == "/later":
        await asyncio.sleep(0)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})
'''
GET = "GET {} HTTP/1.1\r\nHost: a\r\n\r\n"
LIMIT = 20


@pytest.fixture(params=["uvloop", "asyncio"])
def server(request, build, tmp_path):
    cert, key = certificate(tmp_path)
    files = {"app.py": APP}
    if request.param == "asyncio":
        files["uvloop.py"] = "raise ImportError\n"
    with PlainServer(build, files, "--cert", str(cert), "--key", str(key)) as found:
        yield found


def dial(server):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(socket.create_connection(("127.0.0.1", server.port()), LIMIT))


def ask(sock, path="/"):
    sock.sendall(GET.format(path).encode())


def answer(sock):
    """Status and body."""
    got = b""
    while b"\r\n\r\n" not in got:
        piece = sock.recv(1)
        assert piece, "the server has closed"
        got += piece
    size = int(got.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    body = b""
    while len(body) < size:
        body += sock.recv(size - len(body))
    return int(got.split()[1]), body


def get(server, path="/"):
    with dial(server) as sock:
        ask(sock, path)
        return answer(sock)[1]


def read(sock, size):
    while size > 0:
        got = sock.recv(min(size, 65536))
        assert got, "the server has closed"
        size -= len(got)


@contextlib.contextmanager
def flood(server, path="/", clients=2):
    """Requests without end, many at once on each connection; all of a reply's size are answered."""
    stop, failed = threading.Event(), []

    def run():
        try:
            with dial(server) as sock:
                ask(sock, path)
                first = sock.recv(65536)
                assert first.startswith(b"HTTP/1.1 200") and first.endswith(b"done")
                while not stop.is_set():
                    sock.sendall(GET.format(path).encode() * 100)
                    read(sock, 100 * len(first))
        except (OSError, AssertionError) as error:
            failed.append(error)
    threads = [threading.Thread(target=run) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield failed
    finally:
        stop.set()
        for thread in threads:
            thread.join(LIMIT)
            assert not thread.is_alive()


@pytest.mark.parametrize("path", ["/block", "/task"])
def test_a_blocked_loop_stops_no_handshakes_and_refusals(server, path):
    """Within the driver's handler, and in the loop's own time."""
    with dial(server) as blocking, flood(server) as failed:
        ask(blocking, path)
        server.wait_for(lambda: server.output() == "blocks\n")
        with dial(server) as refused:
            refused.sendall(b"GET / HTTP/1.1\r\nHost: a\nb\r\n\r\n")
            assert answer(refused)[0] == 400
        with dial(server) as waiting:
            ask(waiting)
            (server.code / "go").touch()
            assert answer(waiting) == (200, b"done")
        assert answer(blocking) == (200, b"done")
    assert not failed
    assert get(server) == b"done"


@pytest.mark.parametrize("path", ["/", "/later"])
def test_other_tasks_run_beside_a_flood(server, path):
    assert get(server, "/ticks") == b"0"
    with flood(server, path) as failed:
        server.wait_for(lambda: int(get(server, "/ticks")) > 100)
    assert not failed


def test_it_sleeps_behind_a_flood(server):
    with flood(server), flood(server, "/later"):
        for _ in range(20):
            assert get(server, "/later") == b"done"
    assert sleeps(server.process.pid, 1, 10)


def test_a_stop_within_a_flood(server):
    with flood(server) as failed:
        for _ in range(10):
            assert get(server) == b"done"
        assert server.stop() == 0
    assert len(failed) == 2  # whose connections were ended


def test_both_loops_are_meant(server, request):
    assert request.node.callspec.params["server"] in get(server, "/loop").decode()
