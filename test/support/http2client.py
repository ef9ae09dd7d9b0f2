# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 in raw frames, for what no real client sends. Streams answer as Reply objects."""
import socket
import struct
import time

import hpack

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM = ACK = 1
END_HEADERS = 4
PADDED = 8
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT = 0, 1, 2, 3, 4
REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, ENHANCE_YOUR_CALM = 7, 8, 9, 11
GET = [(":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "/")]


def request(path="/", method="GET", *more, authority="a"):
    return [(":method", method), (":scheme", "https"), (":authority", authority), (":path", path), *more]


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


class Reply:
    def __init__(self):
        self.fields = None  # of the final head
        self.informational = []
        self.trailers = None
        self.body = b""
        self.ended = False
        self.reset = None  # the code

    @property
    def status(self):
        return int(dict(self.fields)[":status"]) if self.fields else None


class Connection:
    """One connection; what arrives is sorted into replies, goaway and settings."""

    def __init__(self, sock, settings=b"", greet=True):
        self.sock = sock
        if sock.family != socket.AF_UNIX:  # many small frames: none is to wait for the acknowledgement of another
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.encoder = hpack.Encoder()
        self.decoder = hpack.Decoder()
        self.replies = {}
        self.settings = {}
        self.goaway = None  # (last stream, code), the last one
        self.goaways = []
        self.answers_pings = True
        self.acks = 0
        self.opened = {}  # bytes of WINDOW_UPDATE, by stream
        self.closed = False
        self.next_stream = 1
        self.pending = b""
        self.block = b""
        self.updates_window = True
        if greet:
            self.send(PREFACE + frame(SETTINGS, 0, 0, settings))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    # ---- out ----

    def send(self, data):
        self.sock.sendall(data)

    def head(self, fields, flags=END_STREAM, stream=None):
        """Sends a head; the stream's number."""
        if stream is None:
            stream = self.next_stream
            self.next_stream += 2
        self.replies.setdefault(stream, Reply())
        self.send(frame(HEADERS, flags | END_HEADERS, stream, self.encoder.encode(fields)))
        return stream

    def data(self, stream, payload, flags=END_STREAM):
        self.send(frame(DATA, flags, stream, payload))

    def reset(self, stream, code=CANCEL):
        self.send(frame(RST_STREAM, 0, stream, struct.pack(">I", code)))

    def window(self, stream, size):
        self.send(frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", size)))

    def setting(self, *pairs):
        self.send(frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", *pair) for pair in pairs)))

    # ---- in ----

    def take(self, kind, flags, stream, payload):
        reply = self.replies.setdefault(stream, Reply())
        if kind in (HEADERS, CONTINUATION):
            self.block += payload
            self.flags = flags if kind == HEADERS else self.flags
            if not flags & END_HEADERS:
                return
            fields = [tuple(field) for field in self.decoder.decode(self.block)]
            self.block = b""
            flags = self.flags
            status = dict(fields).get(":status")
            if status is None:
                reply.trailers = fields
            elif status.startswith("1"):
                reply.informational.append(fields)
            else:
                reply.fields = fields
        elif kind == DATA:
            reply.body += payload
            if payload and self.updates_window:
                self.window(0, len(payload))
                self.window(stream, len(payload))
        elif kind == RST_STREAM:
            reply.reset = struct.unpack(">I", payload)[0]
        elif kind == GOAWAY:
            self.goaway = struct.unpack(">II", payload[:8])
            self.goaways.append(self.goaway)
        elif kind == WINDOW_UPDATE:
            self.opened[stream] = self.opened.get(stream, 0) + struct.unpack(">I", payload)[0]
        elif kind == PING and flags & ACK:
            self.acks += 1
        elif kind == PING:
            self.pinged = payload
            if self.answers_pings:
                self.send(frame(PING, ACK, 0, payload))
        elif kind == SETTINGS and not flags & ACK:
            for at in range(0, len(payload), 6):
                key, value = struct.unpack(">HI", payload[at:at + 6])
                self.settings[key] = value
            self.send(frame(SETTINGS, ACK))
        if kind in (DATA, HEADERS) and flags & END_STREAM:
            reply.ended = True

    def pump(self, seconds):
        """Takes what comes within seconds, at least one piece; False when the server has closed."""
        self.sock.settimeout(seconds)
        try:
            piece = self.sock.recv(65536)
        except socket.timeout:
            return True
        except OSError:
            piece = b""
        if not piece:
            self.closed = True
            return False
        self.pending += piece
        while len(self.pending) >= 9:
            size = int.from_bytes(self.pending[:3], "big")
            if len(self.pending) < 9 + size:
                break
            kind, flags = self.pending[3], self.pending[4]
            stream = int.from_bytes(self.pending[5:9], "big") & 0x7fffffff
            payload = self.pending[9:9 + size]
            self.pending = self.pending[9 + size:]
            try:
                self.take(kind, flags, stream, payload)
            except OSError:
                pass
        return True

    def until(self, condition, seconds=10):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"in vain: {self}"
            if not self.pump(0.2):
                break
        assert condition(), f"closed: {self}"

    def reply(self, stream, seconds=10):
        """The whole reply of a stream, or its reset."""
        reply = self.replies[stream]
        self.until(lambda: reply.ended or reply.reset is not None, seconds)
        return reply

    def end(self, seconds=10):
        """Until the server closes; the code of its GOAWAY (None: it sent none)."""
        self.until(lambda: self.closed, seconds)
        return self.goaway[1] if self.goaway else None

    def __str__(self):
        return f"goaway {self.goaway} closed {self.closed} {[(k, vars(v)) for k, v in self.replies.items()]}"[:2000]
