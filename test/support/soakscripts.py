# SPDX-License-Identifier: Apache-2.0
"""What the clients of a soak say, made beforehand and said again and again, and what they have to be answered."""
import hashlib
import re
import struct

import hpack
import http2client as h2
import wsclient as ws

HOST = "a.localhost"
LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.I)
H2_STATUS = {0x88: 200, 0x8d: 404, 0x8e: 500}
H2_STREAMS = 60  # of a round
H2_ROUNDS = 5
H1_REQUESTS = 250
BAD = [b"GET / HTTP/1.1\nHost: a\n\n", b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01", b"\0",
       b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", b"GET /" + b"a" * 20000,
       b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
       b"GET /hello HTTP/1.1\r\nHost: a\r\nX: " + b"b" * 70000 + b"\r\n\r\n", b"POST /cut HTTP/1.1\r\nHost: a\r\n\r\n",
       b"GET /hello HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 7\r\n\r\n"]
H2_BAD = [b"nothing of it", h2.frame(h2.HEADERS, 5, 2, b"\x82"), h2.frame(h2.DATA, 0, 1, b"x"), h2.frame(h2.PING, 0, 0, b"1"),
          h2.frame(h2.PING, 0, 0, bytes(8)) * 300, h2.frame(h2.HEADERS, 5, 1, b"\xff" * 20), b"\xff\xff\xff\0\0\0\0\0\1",
          b"".join(h2.frame(h2.HEADERS, 5, i, b"\x82\x87\x84\x41\x01a") + h2.frame(h2.RST_STREAM, 0, i, b"\0\0\0\x08")
                   for i in range(1, 801, 2))]


class Request:
    def __init__(self, method, path, wanted, body=b"", fields=(), expects=False, is_chunked=False):
        self.method, self.path, self.wanted, self.body = method, path, wanted, body
        self.fields, self.expects, self.is_chunked = list(fields), expects, is_chunked


def some_request(rng):
    """One of a mix: most are small, all have a known answer."""
    fields = [(f"x-{i}", "v" * rng.randrange(30)) for i in range(rng.randrange(6))]
    body = rng.randbytes(rng.choice((0, 1, 100, 100, 5000)))
    kind = rng.random()
    if kind < 0.45:
        return Request("GET", f"/hello?{rng.randrange(100)}", (200, b"hello"), fields=fields)
    if kind < 0.70:
        return Request("POST", "/echo", (200, body), body, fields, is_chunked=kind < 0.58)
    if kind < 0.75:
        return Request("HEAD", "/hello", (200, b""), fields=fields)
    if kind < 0.83:
        return Request("GET", "/pieces", (200, b"one two three"), fields=fields)
    if kind < 0.88:
        return Request("GET", f"/missing/{rng.randrange(1000)}", (404, b"nothing"), fields=fields)
    if kind < 0.93:
        return Request("POST", "/early", (200, b"early"), body, fields, is_chunked=kind < 0.9)
    if kind < 0.96:
        return Request("GET", "/hints", (200, b"hinted"), fields=[("te", "trailers")])
    if kind < 0.98:
        return Request("POST", "/echo", (200, body), body, expects=bool(body))
    if kind < 0.998:
        size = rng.choice((0, 1, 65535, 65536, 65537, 20000, 200000))
        return Request("GET", f"/bytes?{size}", (200, bytes(size)))
    return Request("GET", "/wrong", (500, b"internal server error\n"))


# ---- HTTP/1.1 ----

def h1_request(request, last=False):
    fields = [("Host", HOST), *request.fields]
    if last:
        fields.append(("Connection", "close"))
    elif request.fields and request.fields[0][0] == "te":
        fields.append(("Connection", "TE"))
    if request.expects:
        fields.append(("Expect", "100-continue"))
    body = request.body
    if request.is_chunked:
        fields.append(("Transfer-Encoding", "chunked"))
        body = b"".join(b"%x;e=f\r\n" % len(body[at:at + 700]) + body[at:at + 700] + b"\r\n" for at in range(0, len(body), 700))
        body += b"0\r\nT: v\r\n\r\n"
    elif request.method == "POST":
        fields.append(("Content-Length", str(len(body))))
    head = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"{request.method} {request.path} HTTP/1.1\r\n{head}\r\n".encode() + body


def h1_script(rng, count=H1_REQUESTS):
    """(bytes of pipelined requests, the last of which closes; the requests)."""
    requests = [some_request(rng) for _ in range(count - 1)] + [Request("GET", "/hello", (200, b"hello"))]
    return b"".join(h1_request(r, r is requests[-1]) for r in requests), requests


def h1_answer(data, at, is_head):
    """(status, body, where the next one begins) of one final answer."""
    while True:
        end = data.index(b"\r\n\r\n", at)
        head, status, at = data[at:end], int(data[at + 9:at + 12]), end + 4
        if status >= 200:
            break
    if is_head:
        return status, b"", at
    if found := LENGTH.search(head):
        size = int(found[1])
        return status, data[at:at + size], at + size
    assert b"ransfer-" in head or b"RANSFER-" in head, head
    body = []
    while True:
        end = data.index(b"\r\n", at)
        size = int(data[at:end], 16)
        if not size:
            break
        body.append(data[end + 2:end + 2 + size])
        at = end + 4 + size
    at = end + 2 if data[end + 2:end + 4] == b"\r\n" else data.index(b"\r\n\r\n", end) + 2
    return status, b"".join(body), at + 2


def h1_check(data, requests):
    at = 0
    for i, request in enumerate(requests):
        status, body, at = h1_answer(data, at, request.method == "HEAD")
        assert (status, body) == request.wanted, (i, request.method, request.path, status, body[:80], request.wanted[1][:80])
    assert at == len(data), data[at:at + 200]


# ---- HTTP/2 ----

def h2_request(rng, request, stream, encoder):
    fields = [(name, value) for name, value in request.fields]
    if request.expects:
        fields.append(("expect", "100-continue"))
    if request.method == "POST" and not request.is_chunked:
        fields.append(("content-length", str(len(request.body))))
    head = encoder.encode(h2.request(request.path, request.method, *fields, authority=HOST))
    if request.method != "POST":
        return h2.frame(h2.HEADERS, 5, stream, head)
    frames = [h2.frame(h2.HEADERS, 4, stream, head[:20]) if len(head) <= 20 else
              h2.frame(h2.HEADERS, 0, stream, head[:20]) + h2.frame(h2.CONTINUATION, 4, stream, head[20:])]
    has_trailers = request.is_chunked
    pieces = [request.body[at:at + 900] for at in range(0, len(request.body), 900)] or [b""]
    for piece in pieces:
        is_last = piece is pieces[-1] and not has_trailers
        if rng.randrange(4) == 0 and piece:
            frames.append(h2.frame(h2.DATA, h2.PADDED | is_last, stream, b"\x05" + piece + bytes(5)))
        else:
            frames.append(h2.frame(h2.DATA, int(is_last), stream, piece))
    if has_trailers:
        frames.append(h2.frame(h2.HEADERS, 5, stream, encoder.encode([("t", "v")])))
    return b"".join(frames)


def h2_script(rng, rounds=H2_ROUNDS):
    """[(bytes, {stream: request})]: rounds of streams at a time, on one connection."""
    encoder, stream, script = hpack.Encoder(), 1, []
    for number in range(rounds):
        data, streams = [], {}
        if number == 0:
            settings = struct.pack(">HI", 4, 1 << 24)
            data = [h2.PREFACE, h2.frame(h2.SETTINGS, 0, 0, settings), h2.frame(h2.SETTINGS, h2.ACK),
                    h2.frame(h2.WINDOW_UPDATE, 0, 0, struct.pack(">I", 1 << 30))]
        for _ in range(H2_STREAMS):
            streams[stream] = some_request(rng)
            data.append(h2_request(rng, streams[stream], stream, encoder))
            stream += 2
        if rng.randrange(2):
            data.append(h2.frame(h2.PING, 0, 0, bytes(8)))
        script.append((b"".join(data), streams))
    return script


class H2Answers:
    """Sorts the frames of a server without decoding more of a head than its status, which is the first byte of it."""

    def __init__(self):
        self.pending, self.wanted, self.left = b"", {}, 0

    def expect(self, streams):
        self.wanted, self.left = streams, len(streams)
        self.status, self.bodies = {}, {stream: [] for stream in streams}

    def take(self, data):
        """True when the round is answered."""
        data = self.pending + data
        at, size = 0, len(data)
        while size - at >= 9:
            end = at + 9 + int.from_bytes(data[at:at + 3], "big")
            if end > size:
                break
            kind, flags, stream = data[at + 3], data[at + 4], int.from_bytes(data[at + 5:at + 9], "big")
            if kind == h2.DATA:
                self.bodies[stream].append(data[at + 9:end])
            elif kind == h2.HEADERS:
                self.head(stream, data[at + 9:end])
            elif kind == h2.GOAWAY or kind == h2.RST_STREAM and data[at + 9:end] != bytes(4):
                raise AssertionError((kind, stream, data[at + 9:end]))
            if flags & h2.END_STREAM and kind <= h2.HEADERS:
                self.left -= 1
            at = end
        self.pending = data[at:]
        return self.left == 0

    def head(self, stream, block):
        first = block[1] if block[0] & 0xe0 == 0x20 else block[0]
        if stream not in self.status and first in H2_STATUS:
            self.status[stream] = H2_STATUS[first]

    def check(self):
        for stream, request in self.wanted.items():
            got = self.status.get(stream), b"".join(self.bodies[stream])
            assert got == request.wanted, (stream, request.method, request.path, got[0], got[1][:80], request.wanted[1][:80])


# ---- WebSocket ----

def mask(data, key):
    size = len(data)
    return (int.from_bytes(data, "big") ^ int.from_bytes((key * (size // 4 + 1))[:size], "big")).to_bytes(size, "big")


def ws_frame(rng, opcode, data, fin=True):
    key = rng.randbytes(4)
    return ws.frame(opcode, b"", fin, b"", len(data)) + key + mask(data, key)


def ws_script(rng, count=100):
    """(frames, the close or what asks for one, [(opcode, data)] that come back, how many pings, what the close says).

    Who closes at once gets no answer to what he said last: the two parts are said one after the other."""
    frames, wanted, pings = [], [], 0
    for _ in range(count):
        text = rng.randrange(2)
        data = rng.randbytes(rng.choice((0, 1, 125, 126, 1000, 1000, 5000, 70000)))
        data = data.hex().encode() if text else data
        opcode = ws.TEXT if text else ws.BINARY
        wanted.append((opcode, data))
        if rng.randrange(4):
            frames.append(ws_frame(rng, opcode, data))
            continue
        cuts = sorted(rng.randrange(len(data) + 1) for _ in range(rng.randrange(1, 4)))
        parts = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)])]
        for i, part in enumerate(parts):
            frames.append(ws_frame(rng, ws.MORE if i else opcode, part, i == len(parts) - 1))
            if pings < 20 and rng.randrange(8) == 0:
                frames.append(ws_frame(rng, ws.PING, b"p" * rng.randrange(126)))
                pings += 1
    by_server = rng.randrange(4) == 0
    end = ws_frame(rng, ws.TEXT, b"close me") if by_server else ws_frame(rng, ws.CLOSE, struct.pack(">H", 1000) + b"bye")
    return b"".join(frames), end, wanted, pings, 4000 if by_server else 1000


class WsAnswers:
    """Sorts the frames of a server."""

    def __init__(self, count):
        self.count, self.pending, self.messages, self.pongs, self.code = count, b"", [], 0, None

    def take(self, data):
        """True at the last message, and at a close."""
        data = self.pending + data
        at, size = 0, len(data)
        while size - at >= 2 and self.code is None:
            length, begin = data[at + 1], at + 2
            if length == 126:
                length, begin = int.from_bytes(data[at + 2:at + 4], "big"), at + 4
            elif length == 127:
                length, begin = int.from_bytes(data[at + 2:at + 10], "big"), at + 10
            if begin + length > size:
                break
            opcode, payload = data[at] & 15, data[begin:begin + length]
            if opcode == ws.PONG:
                self.pongs += 1
            elif opcode == ws.CLOSE:
                self.code = int.from_bytes(payload[:2], "big")
            elif opcode != ws.PING:
                self.messages.append((opcode, payload))
            at = begin + length
        self.pending = data[at:]
        return len(self.messages) >= self.count if self.count else self.code is not None

    def check(self, wanted, pings, code):
        assert (self.code, len(self.messages)) == (code, len(wanted)) and self.messages == wanted, (self.code, len(self.messages))
        assert (self.pongs > 0) == (pings > 0) and self.pongs <= pings, (self.pongs, pings)


def digest(data):
    return hashlib.blake2b(data).hexdigest().encode()
