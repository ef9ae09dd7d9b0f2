# SPDX-License-Identifier: Apache-2.0
"""Clients of a WebSocket that break rules, cost work or go away at any moment: bounded, and others are still served."""
import pathlib
import resource
import socket
import struct
import threading
import time

import pytest
from plainserver import PlainServer
from wsclient import BINARY, CLOSE, MORE, PING, TEXT, Client, close, frame, handshake

APP = r'''
import asyncio

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        raise RuntimeError("none")
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200})
        return await send({"type": "http.response.body", "body": str(len(asyncio.all_tasks())).encode()})
    await receive()
    await send({"type": "websocket.accept"})
    if scope["path"] == "/deaf":
        while True:
            await send({"type": "websocket.send", "bytes": b"x" * 65536})
    while (message := await receive())["type"] == "websocket.receive":
        await send({**message, "type": "websocket.send"})
    print(scope["path"], message["code"], flush=True)
'''


@pytest.fixture(scope="module")
def server(build):
    with PlainServer(build, {"app.py": APP}, "--write-timeout", "1", "--websocket-ping", "1",
                     "--websocket-max", "1000000", "--header-timeout", "5") as started:
        yield started


@pytest.fixture(autouse=True)
def others_are_served(server):
    with Client(server.dial(), "/other") as other:
        assert other.ask("before") == "before"
        yield
        assert other.ask("after") == "after"


def dial(server, path="/echo"):
    client = Client(server.dial(), path)
    assert client.status == 101
    return client


def settled(server, seconds=20):
    """Nothing of the attack is left: the tasks of this request, of the other client and of the server itself remain."""
    end = time.monotonic() + seconds
    while int(server.get("/").text) > 3:
        assert time.monotonic() < end, server.get("/").text
        time.sleep(0.05)


@pytest.mark.parametrize("frames,code", [
    (frame(TEXT, b"a", mask=None), 1002),
    (frame(TEXT, b"a", reserved=0x40), 1002),
    (frame(3, b"a"), 1002),
    (frame(MORE, b"a"), 1002),
    (frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"), 1002),
    (frame(PING, b"a", fin=False), 1002),
    (frame(PING, b"a" * 126), 1002),
    (close(1005), 1002),
    (frame(CLOSE, b"\x03"), 1002),
    (frame(TEXT, b"\xff"), 1007),
    (frame(TEXT, b"\xe2\x82"), 1007),
    (frame(TEXT, b"\xed\xa0", fin=False), 1007),
    (close(1000, b"\xff"), 1007),
    (frame(BINARY, b"a", size=1_000_001), 1009),
    (frame(BINARY, b"a", size=2 ** 62), 1009),
    (frame(BINARY, b"a" * 999_999, fin=False) + frame(MORE, b"bc"), 1009),
    (frame(PING) * 101, 1008),
    (frame(10) * 101, 1008),
    (frame(TEXT, b"", fin=False) + frame(MORE, b"", fin=False) * 100, 1008),
    (frame(TEXT, b"a", fin=False) + frame(MORE, b"b", fin=False) * 65536, 1008),
])
def test_rules(server, frames, code):
    with dial(server) as client:
        sender = threading.Thread(target=quietly, args=(client.send, frames))
        sender.start()
        assert client.closed()[0] == code
        sender.join()
    server.wait_for(lambda: f"/echo {code}" in server.output())


def quietly(call, *arguments):
    try:
        call(*arguments)
    except OSError:
        pass  # the server has closed in the middle


def test_limits_themselves_are_fine(server):
    with dial(server) as client:
        client.send(frame(BINARY, b"a" * 999_999, fin=False), frame(MORE, b"b"))
        assert len(client.message()) == 1_000_000
        client.send(frame(TEXT, b"a", fin=False), frame(MORE, b"b", fin=False) * 65534, frame(MORE, b"c"))
        assert len(client.message()) == 65536


def test_pings_at_the_limit(server):
    with dial(server) as client:
        client.send(frame(PING, b"p") * 100)
        client.text("end")
        while (got := client.receive())[0] != TEXT:
            assert got == (10, b"p")
        assert got == (TEXT, b"end")


def test_a_silent_client_is_asked_and_one_that_answers_stays(server):
    with dial(server) as client:
        for _ in range(2):
            assert client.receive() == (PING, b"")
            client.send(frame(10, b""))
        assert client.ask("still") == "still"


def test_announced_lengths_cost_no_memory(server):
    before = server.resident_kib()
    clients = [dial(server) for _ in range(50)]
    for client in clients:
        client.send(frame(BINARY, b"", size=1_000_000) + b"abc")
    server.get("/")
    assert server.resident_kib() - before < 8 << 10
    for client in clients:
        client.sock.close()
    settled(server)


def test_pings_of_a_client_that_does_not_read_pile_up_nowhere(server):
    before = server.resident_kib()
    with dial(server, "/deaf") as client:
        client.sock.settimeout(5)
        try:
            for _ in range(40):
                client.send(frame(PING, b"p" * 125) * 90)
                time.sleep(0.05)
        except OSError:
            pass
        assert server.resident_kib() - before < 8 << 10
    settled(server)


def test_slow_readers_are_cut(server):
    began = time.monotonic()
    clients = [dial(server, "/deaf") for _ in range(10)]
    settled(server)
    assert time.monotonic() - began < 15
    for client in clients:
        client.sock.close()


def test_an_abort_at_every_byte(server):
    whole = handshake("/echo") + frame(TEXT, b"hello", fin=False) + frame(PING, b"p") + frame(MORE, b"!") + close(1000)
    for size in range(1, len(whole) + 1):
        with server.dial() as sock:
            sock.sendall(whole[:size])
            if size % 2:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    settled(server)


def test_byte_by_byte(server):
    whole = handshake("/echo") + frame(TEXT, b"hello", fin=False) + frame(PING, b"p") + frame(MORE, b"!")
    with server.dial() as sock:
        for i in range(len(whole)):
            sock.sendall(whole[i:i + 1])
        got = b""
        while not got.endswith(b"hello!"):
            got += sock.recv(1000)
        assert b"\x8a\x01p" in got


def test_fragments_without_end(server):
    before = server.resident_kib()
    with dial(server) as client:
        stop = threading.Event()

        def drip():
            client.send(frame(BINARY, b"x", fin=False))
            while not stop.is_set():
                client.send(frame(MORE, b"x" * 1000, fin=False) * 50)

        sender = threading.Thread(target=quietly, args=(drip,))
        sender.start()
        assert client.closed()[0] == 1009
        stop.set()
        sender.join()
    assert server.resident_kib() - before < 8 << 10


def test_a_thousand_clients(server):
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, limit[1]), limit[1]))
    before = server.resident_kib()
    clients = []
    try:
        for i in range(1000):
            clients.append(dial(server))
        grown = server.resident_kib() - before
        for i, client in enumerate(clients):
            client.text(str(i))
        assert [client.message() for client in clients] == [str(i) for i in range(1000)]
        assert grown < 40 << 10
    finally:
        for client in clients:
            client.sock.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)
    settled(server)


def test_quiet_clients_cost_nothing(build):
    """No wake-up while nothing comes, but for pings."""
    with PlainServer(build, {"app.py": APP}, "--websocket-ping", "1000") as server:
        clients = [dial(server) for _ in range(50)]
        for client in clients:
            assert client.ask("x") == "x"
        before = switches(server)
        time.sleep(1)
        assert switches(server) - before < 50  # the server's own clock ticks
        for client in clients:
            client.sock.close()


def switches(server):
    """How often its threads went to sleep, so far."""
    tasks = pathlib.Path(f"/proc/{server.process.pid}/task").iterdir()
    return sum(int((task / "status").read_text().split("\nvoluntary_ctxt_switches:")[1].split()[0]) for task in tasks)
