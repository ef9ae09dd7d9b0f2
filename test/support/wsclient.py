# SPDX-License-Identifier: Apache-2.0
"""A WebSocket client that says exactly what it is told, right or wrong: frames are bytes here."""
import base64
import hashlib
import os
import struct

TEXT, BINARY, CLOSE, PING, PONG, MORE = 1, 2, 8, 9, 10, 0
FIN = 0x80
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
KEY = base64.b64encode(b"sixteen bytes ok")


def handshake(path="/", host="a", key=KEY, version="13", extra=""):
    return (f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Key: {key.decode()}\r\nSec-WebSocket-Version: {version}\r\n{extra}\r\n").encode()


def answer_of(key=KEY):
    return base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()


def frame(opcode, data=b"", fin=True, mask=b"\x12\x34\x56\x78", size=None, reserved=0):
    """size: what to announce instead of the truth; mask None: unmasked."""
    size = len(data) if size is None else size
    bit = 0 if mask is None else 0x80
    head = bytes([(FIN if fin else 0) | reserved | opcode])
    if size < 126:
        head += bytes([bit | size])
    elif size < 65536:
        head += bytes([bit | 126]) + struct.pack(">H", size)
    else:
        head += bytes([bit | 127]) + struct.pack(">Q", size)
    if mask is None:
        return head + data
    return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))


def close(code=None, reason=b""):
    return frame(CLOSE, b"" if code is None else struct.pack(">H", code) + reason)


class Client:
    """A connection behind its handshake; status and fields are of the answer."""

    def __init__(self, sock, path="/", **options):
        self.sock = sock
        self.buffer = b""
        sock.sendall(handshake(path, **options))
        head = self.until(b"\r\n\r\n").decode()
        lines = head.rstrip().split("\r\n")
        self.status = int(lines[0].split()[1])
        self.lines = lines[1:]
        self.fields = {name.lower(): value for name, value in (line.split(": ", 1) for line in self.lines)}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def fill(self):
        piece = self.sock.recv(65536)
        if not piece:
            raise EOFError(self.buffer)
        self.buffer += piece

    def exactly(self, size):
        while len(self.buffer) < size:
            self.fill()
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def until(self, mark):
        while mark not in self.buffer:
            self.fill()
        return self.exactly(self.buffer.index(mark) + len(mark))

    def send(self, *frames):
        self.sock.sendall(b"".join(frames))

    def text(self, text):
        self.send(frame(TEXT, text.encode()))

    def receive(self):
        """(opcode, data) of the next frame: a server's are whole and unmasked."""
        first, size = self.exactly(2)
        assert first & 0xF0 == FIN, hex(first)
        assert size < 128, "a server's frame is masked"
        if size == 126:
            size = struct.unpack(">H", self.exactly(2))[0]
            assert size > 125
        elif size == 127:
            size = struct.unpack(">Q", self.exactly(8))[0]
            assert size > 65535
        return first & 15, self.exactly(size)

    def message(self):
        """The next message; pings before it are answered."""
        while (got := self.receive())[0] == PING:
            self.send(frame(PONG, got[1]))
        opcode, data = got
        assert opcode in (TEXT, BINARY), (opcode, data)
        return data.decode() if opcode == TEXT else data

    def ask(self, text):
        self.text(text)
        return self.message()

    def closed(self):
        """(code, reason) of the server's close, then the end of its bytes."""
        while True:
            opcode, data = self.receive()
            if opcode == CLOSE:
                break
        self.ended()
        return (struct.unpack(">H", data[:2])[0] if data else None), data[2:].decode()

    def close_code(self):
        """As closed(), but answers: for a server that closes first."""
        opcode, data = self.receive()
        assert opcode == CLOSE, (opcode, data)
        self.send(frame(CLOSE, data))
        self.ended()
        return struct.unpack(">H", data[:2])[0], data[2:].decode()

    def ended(self):
        try:
            assert self.sock.recv(100) == b""
        except ConnectionResetError:
            pass

    def body(self):
        return self.exactly(int(self.fields["content-length"]))


def random_text(size):
    return base64.b64encode(os.urandom(size))[:size].decode()
