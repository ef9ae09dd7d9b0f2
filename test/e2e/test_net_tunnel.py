# SPDX-License-Identifier: Apache-2.0
"""Another protocol behind a request (RFC 9110 7.8): who gets a tunnel, and that it carries every byte."""
import os
import threading

import pytest

from conftest import BUILD
from netserver import Identity, Server, read_all

ASK = b"GET /tunnel HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
YES = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


@pytest.fixture(scope="module")
def server():
    with Server(BUILD) as new:
        yield new


def exactly(sock, size):
    data = b""
    while len(data) < size:
        piece = sock.recv(size - len(data))
        assert piece, f"closed after {data[:200]!r}"
        data += piece
    return data


def test_bytes_in_both_directions(server):
    with server.connect() as sock:
        sock.sendall(ASK)
        assert exactly(sock, len(YES)) == YES
        for piece in b"a", b"\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", bytes(range(256)):
            piece = piece.replace(b".", b",")
            sock.sendall(piece)
            assert exactly(sock, len(piece)) == piece


def test_what_comes_behind_the_head_at_once_belongs_to_the_tunnel(server):
    assert server.say(ASK + b"early" + b".") == YES + b"early."


def test_the_client_ends_it(server):
    with server.connect() as sock:
        sock.sendall(ASK + b"bye")
        sock.shutdown(1)
        assert read_all(sock) == YES + b"bye"


def test_the_server_ends_it_and_what_still_comes_eats_nothing(server):
    with server.connect() as sock:
        sock.sendall(ASK)
        assert exactly(sock, len(YES)) == YES
        sock.sendall(b"." + b"x" * 20000)
        assert exactly(sock, 1) == b"."


@pytest.mark.parametrize("request_bytes", [
    ASK.replace(b"HTTP/1.1", b"HTTP/1.0").replace(b"Upgrade\r\nUpgrade", b"Upgrade, close\r\nUpgrade"),
    ASK.replace(b"Connection: Upgrade", b"Connection: close"),
    ASK.replace(b"Upgrade: websocket", b"Upgrade: h2c").replace(b": Upgrade", b": Upgrade, close"),
    ASK.replace(b"GET", b"POST").replace(b": Upgrade", b": Upgrade, close"),
])
def test_who_gets_none(server, request_bytes):
    assert server.say(request_bytes).startswith(b"HTTP/1.1 426 ")


@pytest.mark.parametrize("fields", [b"connection: keep-alive, UPGRADE\r\nupgrade: foo/1, WebSocket\r\n",
                                    b"Connection: keep-alive\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"])
def test_lists_of_tokens(server, fields):
    assert server.say(b"GET /tunnel HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\n.") == YES + b"."


def test_much_through_tls(tmp_path):
    identity = Identity(tmp_path, "one")
    with Server(BUILD, cert=identity.cert, key=identity.key) as server, server.connect_tls(identity) as sock:
        sock.settimeout(30)
        sock.sendall(ASK)
        assert exactly(sock, len(YES)) == YES
        data = os.urandom(3 << 20).replace(b".", b",")
        sender = threading.Thread(target=sock.sendall, args=(data,))
        sender.start()
        assert exactly(sock, len(data)) == data
        sender.join()
