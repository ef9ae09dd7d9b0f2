# SPDX-License-Identifier: Apache-2.0
"""Clients that are slow on purpose cost no thread: others are served meanwhile, and the slow ones are cut in the end."""
import array
import fcntl
import select
import termios
import time

import pytest
from conftest import BUILD
from netserver import Server, read_response, temporary, until
from plainserver import PlainServer

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
ENDLESS = """
def pieces():
    while True:
        yield b"x" * 20

def app(environ, start):
    start("200 OK", [])
    return pieces()
"""
ENDLESS_ASGI = """
async def app(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200})
    while True:
        await send({"type": "http.response.body", "body": b"x" * 20, "more_body": True})
"""

BIG = 100000  # fits into a socket, which cannot be written to then
GATED = """
import pathlib
import time

HERE = pathlib.Path(__file__).parent

def app(environ, start):
    if environ["PATH_INFO"] == "/hold":
        (HERE / "held").touch()
        while not (HERE / "go").exists():
            time.sleep(0.01)
    body = b"x" * (%d if environ["PATH_INFO"] == "/big" else 6)
    start("200 OK", [("Content-Length", str(len(body)))])
    return [body]
""" % BIG


def probe(server, seconds):
    begun = time.monotonic()
    with server.connect(seconds + 10) as sock:
        sock.sendall(GET)
        assert read_response(sock)[2] == b"hello\n"
    took = time.monotonic() - begun
    assert took < seconds, f"{took:.1f} s"


def test_a_refusal_waits_for_nobody():
    """Some of these have filled the socket to the last byte when the refusal comes: it is left unsaid."""
    folder = temporary()
    path = folder / "s"
    with Server(BUILD, unix=str(path), threads=1) as server:
        held = []
        for count in range(100, 400):
            sock = server.connect()
            held.append(sock)
            sock.setblocking(False)
            try:
                sock.send(GET * count + b"BAD\r\n\r\n")
            except BlockingIOError:
                pass
        probe(server, 5)
        for sock in held:
            sock.close()
    folder.rmdir()


def test_unfinished_bodies_cost_no_thread():
    """Each of them held a thread for 100 ms."""
    with Server(BUILD, threads=1) as server:
        held = [server.connect() for _ in range(60)]
        for sock in held:
            sock.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab")
        probe(server, 3)
        assert read_response(held[0])[2] == b"hello\n"
        # Who finishes in time goes on; who does not is cut.
        held[1].sendall(b"cde\r\n0\r\n\r\n" + GET)
        assert read_response(held[1])[2] == b"hello\n" and read_response(held[1])[2] == b"hello\n"
        assert held[0].recv(100) == b""
        for sock in held:
            sock.close()


@pytest.mark.parametrize("code", [ENDLESS, ENDLESS_ASGI], ids=["wsgi", "asgi"])
def test_who_takes_a_little_now_and_then_is_cut(build, code):
    """Each small piece that is taken would push the time-out back for ever."""
    with PlainServer(build, {"app.py": code}, "--write-timeout", "1", bind="unix:app.sock") as server:
        with server.dial() as sock:
            sock.sendall(GET)
            end = time.monotonic() + 15
            while not is_closed(sock) and time.monotonic() < end:
                time.sleep(0.2)
                sock.recv(20)
            assert is_closed(sock), "it went on for 15 seconds at 100 bytes a second"


def test_who_never_reads_is_ended():
    """Its socket has no event to give, neither when its buffers are to go nor when its time is over."""
    folder = temporary()
    path = folder / "s"
    with Server(BUILD, unix=str(path), idle=1500) as server:
        with server.connect() as sock:
            sock.sendall(get(f"/blob?{BIG}"))
            until(lambda: is_closed(sock), 10)
    folder.rmdir()


def test_who_never_reads_holds_no_place_of_the_application(build):
    """Its request is next when a place is free, and its socket has no event to give."""
    with PlainServer(build, {"app.py": GATED}, "--threads", "1", bind="unix:app.sock") as server:
        with server.dial() as deaf, server.dial() as holder, server.dial() as other:
            deaf.sendall(get("/big"))
            until(lambda: ioctl(deaf, termios.FIONREAD) >= BIG)
            holder.sendall(get("/hold"))
            until((server.code / "held").exists)
            deaf.sendall(get("/"))
            until(lambda: ioctl(deaf, termios.TIOCOUTQ) == 0)
            (server.code / "go").touch()
            other.settimeout(10)
            other.sendall(get("/"))
            assert [read_response(sock)[2] for sock in (holder, other)] == [b"x" * 6] * 2
            assert [len(read_response(deaf)[2]) for _ in range(2)] == [BIG, 6]


def get(path):
    return f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()


def ioctl(sock, request):
    answer = array.array("i", [0])
    fcntl.ioctl(sock, request, answer)
    return answer[0]


def is_closed(sock):
    """The other end is gone, behind whatever it has sent."""
    poll = select.poll()
    poll.register(sock, select.POLLHUP | select.POLLRDHUP)
    return bool(poll.poll(0))
