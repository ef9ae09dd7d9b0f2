# SPDX-License-Identifier: Apache-2.0
"""TLS records and TCP segments of every size, both ways, byte for byte: records that come in pieces or many at once, sends that are
taken in part, clients that read slowly in odd pieces. The client's TLS is in memory, so the test decides what the socket sees."""
import hashlib
import http.client
import itertools
import random
import select
import socket
import ssl
import time

import pytest
from netserver import Identity
from plainserver import PlainServer

APPS = {"wsgi": '''
import hashlib, random

def app(environ, start):
    size = int(environ["QUERY_STRING"] or 0)
    start("200 OK", [("Content-Type", "application/octet-stream")])
    if environ["PATH_INFO"] == "/bytes":
        data, step = random.Random(size).randbytes(size), size // 7 + 1
        return [data[at:at + step] for at in range(0, size, step)]
    seen, read = hashlib.sha256(), environ["wsgi.input"].read
    for piece in iter(lambda: read(size or 65536), b""):
        seen.update(piece)
    return [seen.hexdigest().encode()]
''', "asgi": '''
import hashlib, random

async def app(scope, receive, send):
    assert scope["type"] == "http"
    size = int(scope["query_string"] or 0)
    await send({"type": "http.response.start", "status": 200})
    if scope["path"] == "/bytes":
        data, step = random.Random(size).randbytes(size), size // 7 + 1
        for at in range(0, size, step):
            await send({"type": "http.response.body", "body": data[at:at + step], "more_body": True})
        return await send({"type": "http.response.body"})
    seen, more = hashlib.sha256(), True
    while more:
        message = await receive()
        seen.update(message["body"])
        more = message["more_body"]
    await send({"type": "http.response.body", "body": seen.hexdigest().encode()})
'''}
RECORD = 16384


class PiecedClient:
    """segments: how many bytes each send and recv has; a cycle."""

    def __init__(self, server, context, segments):
        self.sock, self.segments = server.dial(), itertools.cycle(segments)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="a.localhost")
        self.step(self.tls.do_handshake)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def flush(self):
        data = self.outgoing.read()
        while data:
            size = next(self.segments)
            self.sock.sendall(data[:size])
            data = data[size:]

    def step(self, function):
        while True:
            try:
                return function()
            except ssl.SSLWantReadError:
                self.flush()
                piece = self.sock.recv(next(self.segments))
                if piece:
                    self.incoming.write(piece)
                else:
                    self.incoming.write_eof()
            finally:
                self.flush()

    def send(self, data, records):
        """Each write is a record, or several full ones and the rest."""
        records = itertools.cycle(records)
        while data:
            size = next(records)
            self.tls.write(data[:size])
            data = data[size:]
            self.flush()

    def rest(self):
        got = bytearray()
        while True:
            try:
                piece = self.step(lambda: self.tls.read(RECORD))
            except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
                return bytes(got)
            if not piece:
                return bytes(got)
            got += piece


@pytest.fixture(scope="module")
def identity(tmp_path_factory):
    return Identity(tmp_path_factory.mktemp("identity"), "one")


@pytest.fixture(scope="module", params=list(APPS))
def server(build, identity, request):
    with PlainServer(build, {"app.py": APPS[request.param]}, "--cert", identity.cert, "--key", identity.key) as started:
        started.context = identity.context()
        yield started


def body_of(answer):
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 "), answer[:100]
    return body


@pytest.mark.parametrize("records, segments", [
    ([1, RECORD - 1, 7, RECORD, RECORD + 1, 3], [1 << 20]), ([65536, 65535, 65537], [1, 2, 3, 5, 1000, 16401, 16406]),
    ([1 << 20], [16405, 16406, 16407]), ([300], [4099, 65536, 65537]), ([200_000, 1], [65535, 65536, 1])])
def test_uploads(server, records, segments):
    for size in 1, RECORD - 1, 65536, 1_000_003:
        data = random.Random(size).randbytes(size)
        for ask in b"", b"16385", b"100000":
            with PiecedClient(server, server.context, segments) as client:
                client.send(b"POST /?%s HTTP/1.0\r\nContent-Length: %d\r\n\r\n%s" % (ask, size, data), records)
                assert body_of(client.rest()) == hashlib.sha256(data).hexdigest().encode(), (size, ask)


@pytest.mark.parametrize("segments", [[1, 2, 3, 5000], [1000, 16405, 16407], [65536]])
def test_downloads(server, segments):
    sizes = 1, RECORD - 1, RECORD, RECORD + 1, 65535, 65536, 65537, 262_144, 262_145, 2_000_003
    for size in sizes:
        with PiecedClient(server, server.context, segments) as client:
            client.send(b"GET /bytes?%d HTTP/1.0\r\n\r\n" % size, [1 << 20])
            assert body_of(client.rest()) == random.Random(size).randbytes(size), size


def test_downloads_that_stall(server):
    """The client takes nothing until the server cannot write, again and again: records are taken in part."""
    size = 8_000_001
    with PiecedClient(server, server.context, [100_001]) as client:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        client.send(b"GET /bytes?%d HTTP/1.0\r\n\r\n" % size, [1 << 20])
        got = bytearray()
        for _ in range(8):
            assert select.select([client.sock], [], [], 10)[0]
            time.sleep(0.05)
            piece = client.step(lambda: client.tls.read(RECORD))
            got += piece
            while client.incoming.pending:
                got += client.step(lambda: client.tls.read(RECORD))
        assert body_of(bytes(got) + client.rest()) == random.Random(size).randbytes(size)


def test_the_last_record_is_not_held_back(server):
    """What is announced with MSG_MORE and does not come would wait for 200 ms in the kernel."""
    connection = http.client.HTTPConnection("a.localhost")
    connection.sock = server.context.wrap_socket(server.dial(), server_hostname="a.localhost")
    began = time.monotonic()
    for size in range(65500, 65540):
        connection.request("GET", f"/bytes?{size}")
        assert len(connection.getresponse().read()) == size
    connection.close()
    assert time.monotonic() - began < 40 * 0.1
