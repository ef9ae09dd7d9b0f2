# SPDX-License-Identifier: Apache-2.0
"""What a plain server is put through: big bodies, aborts, floods, millions of requests. Short in e2e, whole in test/long."""
import bisect
import contextlib
import hashlib
import os
import pathlib
import random
import re
import select
import signal
import socket
import statistics
import subprocess
import tempfile
import time

import http2client as h2
import netserver
import plainserver
import wsclient as ws

PIECE = 1 << 20
DRIP_SECONDS = 1  # tools of this kind take 10 and more
RESET = b"\1\0\0\0\0\0\0\0"
SEEN = {"wsgi": '''
import gc, hashlib, json, os

def app(environ, start):
    path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
    source = environ["wsgi.input"]
    if path == "/digest":
        seen = hashlib.blake2b()
        while piece := source.read(65536):
            seen.update(piece)
        body = [seen.hexdigest().encode()]
    elif path == "/bytes":
        left = int(query)
        def pieces(left=left):
            while left > 0:
                yield bytes(min(left, 65536))
                left -= 65536
        start("200 OK", [("Content-Type", "application/octet-stream")])
        return pieces()
    elif path == "/echo":
        body = [source.read()]
    elif path == "/pieces":
        start("200 OK", [("Content-Type", "text/plain")])
        return iter([b"one ", b"two ", b"three"])
    elif path == "/wrong":
        raise ValueError("wanted")
    elif path == "/objects":
        gc.collect()
        body = [str(len(gc.get_objects())).encode()]
    else:
        body = [b"hello"]
    start("200 OK", [("Content-Type", "text/plain"), ("X-Filler", "y" * 40)])
    return body
''', "asgi": '''
import gc, hashlib

async def body_of(receive):
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body

async def app(scope, receive, send):
    assert scope["type"] == "http"
    path, query = scope["path"], scope["query_string"]
    async def say(body, more=False):
        await send({"type": "http.response.body", "body": body, "more_body": more})
    if path == "/wrong":
        raise ValueError("wanted")
    body = b"hello"
    if path == "/digest":
        seen, more = hashlib.blake2b(), True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            seen.update(message["body"])
            more = message["more_body"]
        body = seen.hexdigest().encode()
    elif path == "/echo":
        body = await body_of(receive)
    elif path == "/objects":
        gc.collect()
        body = str(len(gc.get_objects())).encode()
    await send({"type": "http.response.start", "status": 200,
                "headers": [(b"content-type", b"text/plain"), (b"x-filler", b"y" * 40)]})
    if path == "/bytes":
        left = int(query)
        while left > 0:
            await say(bytes(min(left, 65536)), True)
            left -= 65536
        body = b""
    elif path == "/pieces":
        await say(b"one ", True)
        await say(b"two ", True)
        body = b"three"
    await say(body)
'''}


# ---- what a process holds ----

def memory(pid, name):
    """VmRSS or VmHWM in bytes."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.split(f"{name}:")[1].split()[0]) << 10


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def cpu_ns(pid):
    """Time on a processor of all threads so far."""
    return sum(int((task / "schedstat").read_text().split()[0]) for task in pathlib.Path(f"/proc/{pid}/task").iterdir())


# ---- big bodies ----

def zeros_digest(size):
    seen, piece = hashlib.blake2b(), bytes(PIECE)
    for at in range(0, size, PIECE):
        seen.update(piece[:min(PIECE, size - at)])
    return seen.hexdigest().encode()


def upload_http1(server, size, is_chunked):
    with server.dial() as sock:
        sock.settimeout(300)
        length = b"Transfer-Encoding: chunked" if is_chunked else b"Content-Length: %d" % size
        sock.sendall(b"POST /digest HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + length + b"\r\n\r\n")
        piece = bytes(PIECE)
        for at in range(0, size, PIECE):
            part = piece[:min(PIECE, size - at)]
            sock.sendall(b"%x\r\n" % len(part) + part + b"\r\n" if is_chunked else part)
        if is_chunked:
            sock.sendall(b"0\r\n\r\n")
        got = b""
        while piece := sock.recv(65536):
            got += piece
    return got.rpartition(b"\r\n")[2]


def download_http1(server, size):
    done = subprocess.run(["curl", "-sS", "--max-time", "600", "-o", "/dev/null", "-w", "%{size_download}",
                           server.url(f"/bytes?{size}")], capture_output=True, text=True, timeout=700)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def curl_http2(server, path, *options, stdin=subprocess.DEVNULL):
    done = subprocess.run(["curl", "-sSk", "--http2", "--max-time", "900", "-w", "\n%{http_version} %{size_download}", *options,
                           server.url(path)], stdin=stdin, capture_output=True, timeout=1000)
    assert done.returncode == 0, done.stderr
    body, _, said = done.stdout.rpartition(b"\n")
    assert said.startswith(b"2 "), said
    return body, int(said.split()[1])


def upload_http2(server, size, is_chunked):
    """With its length, or without."""
    with tempfile.TemporaryFile(dir=server.dir) as zeros:
        zeros.truncate(size)
        length = [] if is_chunked else ["-H", f"Content-Length: {size}"]
        return curl_http2(server, "/digest", "-X", "POST", "-T", "-", *length, stdin=zeros)[0]


def download_http2(server, size):
    return curl_http2(server, f"/bytes?{size}", "-o", "/dev/null")[1]


def bodies_growth(server, size, is_http2=False):
    """Bytes by which the peak of resident memory grew over size bytes up (counted and chunked) and down."""
    pid = server.process.pid
    upload, download = (upload_http2, download_http2) if is_http2 else (upload_http1, download_http1)
    for warm in range(2):
        upload(server, 4 * PIECE, warm == 1)
        download(server, 4 * PIECE)
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")
    before = memory(pid, "VmRSS")
    wanted = zeros_digest(size)
    for is_chunked in False, True:
        assert upload(server, size, is_chunked) == wanted
    assert download(server, size) == size
    return memory(pid, "VmHWM") - before


# ---- aborts ----

REQUEST = (b"POST /echo HTTP/1.1\r\nHost: a\r\nX: y\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n3\r\nabc\r\n"
           b"0\r\nT: v\r\n\r\n")
GETS = [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /pieces HTTP/1.1\r\nHost: a\r\n\r\n"]


def close(sock, is_reset):
    if is_reset:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    sock.close()


def abort_everywhere(server, dial):
    """Closes at every byte of a request, and of each response; in order and by reset. How often."""
    count = 0
    for is_reset in False, True:
        for size in range(1, len(REQUEST) + 1):
            sock = dial()
            sock.sendall(REQUEST[:size])
            close(sock, is_reset)
            count += 1
        for get in (one.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") for one in GETS):
            sock = dial()
            sock.sendall(get)
            whole = b""
            while piece := sock.recv(65536):
                whole += piece
            sock.close()
            for size in range(1, len(whole)):
                sock = dial()
                sock.sendall(get)
                got = 0
                while got < size:
                    piece = sock.recv(size - got)
                    assert piece
                    got += len(piece)
                close(sock, is_reset)
                count += 1
    return count


# ---- floods ----

class Flood:
    """Clients that keep what they got: heads and bodies that never end, responses that nobody reads, idle connections."""

    def __init__(self, server, count):
        self.server, self.socks = server, []
        self.kinds = [b"GET / HTTP/1.1\r\nHost: a\r\nX: ", b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n",
                      b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", b"",
                      b"GET /bytes?100000000 HTTP/1.1\r\nHost: a\r\n\r\n"]
        # A WSGI application that is being read slowly, or sends slowly, has one of the threads: that is what they are for.
        self.count = count

    def start(self, kinds=None):
        for i in range(self.count):
            sock = self.server.dial()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            kind = self.kinds[(kinds or range(len(self.kinds)))[i % len(kinds or self.kinds)]]
            if kind:
                sock.sendall(kind)
            sock.setblocking(False)
            self.socks.append((sock, kind))
        return self

    def drip(self):
        """One byte more from each that still sends."""
        for sock, kind in self.socks:
            with contextlib.suppress(OSError):
                if kind.startswith(b"POST") and b"chunked" in kind:
                    sock.send(b"1\r\nx\r\n")
                elif kind and b"/bytes" not in kind:
                    sock.send(b"x")

    def stop(self):
        for sock, _ in self.socks:
            sock.close()
        self.socks = []


class TlsServer(plainserver.PlainServer):
    def __init__(self, build, files, *options):
        self.identity = netserver.Identity(netserver.temporary(), "a.localhost")
        super().__init__(build, files, "--cert", self.identity.cert, "--key", self.identity.key, *options)

    def url(self, path="/"):
        return super().url(path).replace("http:", "https:", 1)

    def dial_plain(self):
        return super().dial()

    def dial(self, alpn=None):
        context = self.identity.context(**({"alpn": alpn} if alpn else {}))
        return context.wrap_socket(self.dial_plain(), server_hostname="a.localhost")


class Http2Flood:
    """Attacks of HTTP/2, one of each kind a second: each breaks a limit, but the slow reader, who takes nothing."""

    def __init__(self, server):
        self.server, self.held, self.cut = server, [], 0

    def attacks(self):
        head = b"\x82\x87\x84\x41\x0ba.localhost"
        pairs = b"".join(h2.frame(h2.HEADERS, 5, stream, head) + h2.frame(h2.RST_STREAM, 0, stream, b"\0\0\0\x08")
                         for stream in range(1, 601, 2))
        yield pairs  # rapid reset
        yield h2.frame(h2.PING, 0, 0, bytes(8)) * 300
        yield h2.frame(h2.SETTINGS) * 300
        yield h2.frame(h2.HEADERS, 1, 1, head) + h2.frame(h2.CONTINUATION, 0, 1, b"") * 300
        yield None

    def drip(self):
        self.stop()
        for data in self.attacks():
            sock = self.server.dial(["h2"])
            with contextlib.suppress(OSError):
                sock.settimeout(5)
                if data:
                    sock.sendall(h2.PREFACE + h2.frame(h2.SETTINGS) + data)
                else:
                    slow = h2.Connection(sock, settings=b"\0\4\0\0\0\0")
                    slow.head(h2.request("/bytes?100000000", authority="a.localhost"))
                self.held.append((sock, data))

    def stop(self):
        for sock, data in self.held:
            self.cut += bool(data) and is_cut(sock)
            sock.close()
        self.held = []


class FragmentFlood:
    """Messages of WebSocket that never end, one of each kind a second: tiny fragments, empty ones, large ones, and one that drips."""

    def __init__(self, server):
        self.server, self.held, self.codes = server, [], []
        first = ws.frame(ws.BINARY, b"a", fin=False)
        self.kinds = [first + ws.frame(ws.MORE, b"b", fin=False) * 65600, first + ws.frame(ws.MORE, b"", fin=False) * 300,
                      first + ws.frame(ws.MORE, bytes(65536), fin=False, mask=bytes(4)) * 260, first]

    def drip(self):
        self.stop()
        for data in self.kinds:
            client = ws.Client(self.server.dial())
            client.sock.settimeout(5)
            with contextlib.suppress(OSError):
                client.send(data)
            self.held.append((client, data is not self.kinds[-1]))

    def stop(self):
        for client, breaks_limit in self.held:
            if breaks_limit:
                with contextlib.suppress(OSError, EOFError):
                    opcode, said = client.receive()
                    self.codes += [int.from_bytes(said[:2], "big")] if opcode == ws.CLOSE else []
            client.sock.close()
        self.held = []


def is_cut(sock):
    try:
        while sock.recv(65536):
            pass
        return True
    except TimeoutError:
        return False
    except OSError:
        return True


def rate(server, seconds, meanwhile=None):
    """(requests a second of one honest client on one connection, the server's own CPU nanoseconds for each)."""
    with server.dial() as sock:
        done, begun, next_drip = 0, time.monotonic(), 0
        cpu = cpu_ns(server.process.pid)
        while (now := time.monotonic()) < begun + seconds:
            sock.sendall(GETS[0])
            got = sock.recv(65536)
            assert got.endswith(b"hello"), got
            done += 1
            if meanwhile and now > next_drip:
                meanwhile()
                next_drip = time.monotonic() + DRIP_SECONDS
        return done / (time.monotonic() - begun), (cpu_ns(server.process.pid) - cpu) / done


class Turns:
    """Eight connections of h2load that ask all the time, counted in turns: undisturbed ones and ones beside something else, in pairs,
    so that what slows the whole machine for a while slows both of a pair."""

    def __init__(self, server, seconds):
        self.server, self.log = server, pathlib.Path(server.dir) / "h2load.log"
        self.client = subprocess.Popen(["h2load", "--h1", "-t1", "-c8", f"-D{seconds}", f"--log-file={self.log}", server.url()],
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.turns = []  # (begin, end) by the clock, CPU nanoseconds of the server meanwhile

    def take(self, seconds, meanwhile=lambda: None):
        began, cpu = time.time(), cpu_ns(self.server.process.pid)
        next_drip = began
        while (now := time.time()) < began + seconds:
            if now >= next_drip:
                meanwhile()
                next_drip += DRIP_SECONDS
            time.sleep(max(0, min(next_drip, began + seconds) - time.time()))
        self.turns.append((began, time.time(), cpu_ns(self.server.process.pid) - cpu))

    def results(self):
        """(requests a second, CPU nanoseconds for each) of each turn, in order. Ends the client."""
        assert self.client.poll() is None, "it was to ask until the last turn is over"
        self.client.send_signal(signal.SIGINT)
        self.client.communicate(timeout=30)
        counts = count_answers(self.log, [(int(begin * 1e6), int(end * 1e6)) for begin, end, _ in self.turns])
        self.log.unlink()
        assert all(counts), counts
        return [(count / (end - begin), cpu / count) for count, (begin, end, cpu) in zip(counts, self.turns)]


def count_answers(log, windows):
    """Lines of h2load's log (microseconds of the start, status, microseconds until the answer) with an answer in each window."""
    counts = [0] * len(windows)
    ends = [end for _, end in windows]
    with open(log) as lines:
        for line in lines:
            fields = line.split()
            if len(fields) < 3 or not line.endswith("\n"):
                continue
            assert fields[1] == "200", line
            at = int(fields[0]) + int(fields[2])
            i = bisect.bisect_left(ends, at)
            if i < len(ends) and at >= windows[i][0]:
                counts[i] += 1
    return counts


def shares(results):
    """(by CPU time for a request, by the clock): medians over pairs, of which each has its disturbed turn second, then first, …"""
    pairs = [(a, b) if i % 2 == 0 else (b, a) for i, (a, b) in enumerate(zip(results[::2], results[1::2]))]
    return (statistics.median(usual[1] / beside[1] for usual, beside in pairs),
            statistics.median(beside[0] / usual[0] for usual, beside in pairs))


def shares_beside(server, flood, pairs, begin=lambda: None, end=lambda: None, seconds=1):
    """What honest clients have beside a flood, of the usual rate. begin and end are outside of the turns."""
    turns = Turns(server, pairs * (2 * seconds + 10))
    turns.take(seconds)  # the first one warms up
    turns.turns.clear()
    try:
        for i in range(pairs):
            for is_beside in (False, True) if i % 2 == 0 else (True, False):
                if is_beside:
                    begin()
                turns.take(seconds, flood.drip if is_beside else lambda: None)
                if is_beside:
                    end()
        return shares(turns.results())
    finally:
        turns.client.kill()
        turns.client.communicate()
        flood.stop()


# ---- many requests ----

def mixed_requests(rng, count):
    """(bytes, statuses) of pipelined requests of every kind: good ones, and the application's failures."""
    sent, wanted = [], []
    for _ in range(count):
        kind = rng.randrange(12)
        body = rng.randbytes(rng.choice((0, 1, 100, 5000)))
        fields = b"".join(b"X-%d: %s\r\n" % (i, b"v" * rng.randrange(30)) for i in range(rng.randrange(6)))
        if kind < 5:
            sent.append(b"GET /hello?%d HTTP/1.1\r\nHost: a\r\n" % kind + fields + b"\r\n")
        elif kind < 7:
            sent.append(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n" % len(body) + fields + b"\r\n" + body)
        elif kind < 9:
            chunks = b"".join(b"%x;e=f\r\n" % len(body[at:at + 700]) + body[at:at + 700] + b"\r\n"
                              for at in range(0, len(body), 700))
            sent.append(b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n" + fields + b"\r\n" + chunks +
                        b"0\r\nT: v\r\n\r\n")
        elif kind == 9:
            sent.append(b"HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n")
        elif kind == 10:
            sent.append(b"GET /pieces HTTP/1.1\r\nHost: a\r\n\r\n")
        else:
            sent.append(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        wanted.append(200)
    return b"".join(sent), wanted


BAD = [b"GET / HTTP/1.1\nHost: a\n\n", b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n",
       b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", b"GET /" + b"a" * 20000, b"\x16\x03\x01", b"\0",
       b"GET /wrong HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
       b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"]


def exchange(sock, data, seconds=120):
    """Sends while it reads, until as many responses as wanted could have come or the end."""
    got, at, end = bytearray(), 0, time.monotonic() + seconds
    sock.setblocking(False)
    while time.monotonic() < end:
        ready, writable, _ = select.select([sock], [sock] if at < len(data) else [], [], 5)
        if writable:
            at += sock.send(data[at:at + 65536])
        if ready:
            piece = sock.recv(1 << 18)
            if not piece:
                return bytes(got)
            got += piece
    raise AssertionError("no end came")


def many_requests(server, rng, count):
    """count requests in connections of 200, each 20th connection ends badly. Raises if an answer is missing."""
    done = 0
    while done < count:
        data, wanted = mixed_requests(rng, min(200, count - done))
        bad = rng.choice(BAD) if rng.randrange(20) == 0 else b""
        last = bad or b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        with server.dial() as sock:
            if bad and len(bad) > 10000:
                sock.settimeout(30)
                sock.sendall(bad)
                sock.recv(100)
            else:
                got = exchange(sock, data + last)
                answers = len(re.findall(rb"HTTP/1\.1 200 OK\r\n", got))
                assert answers == len(wanted) + (0 if bad else 1), (answers, len(wanted), bad[:40])
                done += len(wanted)
        if rng.randrange(10) == 0:
            sock = server.dial()
            sock.sendall(data[:rng.randrange(len(data))])
            close(sock, rng.randrange(2))
    return done


def seeded(seed):
    return random.Random(seed)
