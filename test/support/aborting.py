# SPDX-License-Identifier: Apache-2.0
"""Clients that leave at every byte: of their TLS handshake, of what they send within it, of what they are answered, and of a
WebSocket's handshake and frames. In order, and by a reset."""
import itertools
import random
import ssl

import hpack

import serverload
import wsclient
from http2client import DATA, END_HEADERS, END_STREAM, HEADERS, PREFACE, SETTINGS, frame, request

# For a test that wants WebSockets too: both are given back what they sent.
ECHO = """
async def app(scope, receive, send):
    assert scope["type"] != "lifespan"
    if scope["type"] == "http":
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, more = body + message["body"], message["more_body"]
        await send({"type": "http.response.start", "status": 200})
        return await send({"type": "http.response.body", "body": body})
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({**message, "type": "websocket.send"})
"""
REQUEST = b"POST /echo HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"


def http2_request():
    head = hpack.Encoder().encode(request("/echo", "POST", authority="a.localhost"))
    return (PREFACE + frame(SETTINGS) + frame(HEADERS, END_HEADERS, 1, head) + frame(DATA, 0, 1, b"hel")
            + frame(DATA, END_STREAM, 1, b"lo"))


def websocket_request():
    return (wsclient.handshake("/ws") + wsclient.frame(wsclient.TEXT, b"hello") + wsclient.frame(wsclient.PING, b"ping")
            + wsclient.frame(wsclient.BINARY, b"x" * 300) + wsclient.close(1000, b"end"))


class Aborted(Exception):
    pass


class Limited:
    """A socket for so many bytes each way; None: as many as there are."""

    def __init__(self, sock, most_out=None, most_in=None):
        self.sock, self.most_out, self.most_in, self.put, self.got = sock, most_out, most_in, 0, 0

    def send(self, data):
        left = len(data) if self.most_out is None else self.most_out - self.put
        self.sock.sendall(data[:left])
        self.put += min(left, len(data))
        if self.put == self.most_out:
            raise Aborted

    def recv(self):
        data = self.sock.recv(65536 if self.most_in is None else self.most_in - self.got)
        self.got += len(data)
        if self.got == self.most_in:
            raise Aborted
        return data


def talk_tls(context, limited, data, is_over):
    """A session: handshake, data, answer until is_over or the end."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="a.localhost")
    answer = b""

    def step(function):
        while True:
            try:
                return function()
            except ssl.SSLWantReadError:
                if outgoing.pending:
                    limited.send(outgoing.read())
                if not (piece := limited.recv()):
                    return b""
                incoming.write(piece)

    step(tls.do_handshake)
    tls.write(data)
    while not is_over(answer):
        try:
            piece = step(lambda: tls.read(65536))
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return
        if not piece:
            return
        answer += piece


def talk_plain(limited, data, is_over):
    limited.send(data)
    answer = b""
    while not is_over(answer) and (piece := limited.recv()):
        answer += piece


def abort_each(dial, talk, step, seed=0):
    """talk(limited) with a client that leaves after so many bytes: each step-th of both directions. How often."""
    with dial() as sock:
        whole = Limited(sock)
        talk(whole)
    count, start = 0, random.Random(seed).randrange(step)
    cuts = [{"most_out": size} for size in range(1 + start, whole.put + 1, step)]
    cuts += [{"most_in": size} for size in range(1 + start, whole.got, step)]
    for cut, is_reset in itertools.product(cuts, (False, True)):
        sock = dial()
        try:
            talk(Limited(sock, **cut))
        except (Aborted, ConnectionError):
            pass
        serverload.close(sock, is_reset)
        count += 1
    return count


def left_nothing(server, before):
    """before: its descriptors, when it had served a few."""
    server.wait_for(lambda: serverload.descriptors(server.process.pid) <= before)
    with server.dial() as sock:
        sock.sendall(REQUEST)
        assert sock.makefile("rb").read().endswith(b"hello")
    assert "Traceback" not in server.messages(), "a client that leaves is no error of the application's"


def abort_tls(server, is_http2, step, seed=0):
    """server: a serverload.TlsServer."""
    context = server.identity.context(alpn=["h2" if is_http2 else "http/1.1"])
    data = http2_request() if is_http2 else REQUEST
    ended = frame(DATA, END_STREAM, 1, b"")[3:]  # whatever its length is
    is_over = (lambda got: ended in got) if is_http2 else (lambda got: False)
    return abort_each(server.dial_plain, lambda limited: talk_tls(context, limited, data, is_over), step, seed)


def abort_websocket(server, step, seed=0):
    data = websocket_request()
    return abort_each(server.dial, lambda limited: talk_plain(limited, data, lambda got: False), step, seed)

