# SPDX-License-Identifier: Apache-2.0
"""Clients of every protocol that keep one server busy for hours, check every answer, and count what its access log says."""
import contextlib
import os
import pathlib
import random
import select
import ssl
import statistics
import struct
import threading
import time

import http2client as h2
import plainserver
import serverload as load
import soakapps
import soakscripts as scripts
import wsclient as ws

APPS = {"wsgi": soakapps.WSGI, "asgi": soakapps.ASGI}
PATIENCE = 600  # seconds: who measures stops all of this for minutes
OPTIONS = [part for name in ("header", "body", "write", "idle", "websocket-pong", "websocket-close", "graceful")
           for part in (f"--{name}-timeout", str(PATIENCE))] + ["--rate-min", "1", "--access-log", "common"]
SAY_SECONDS = 30
HELD = 40  # connections that idle or drip
SCRIPTS = 24  # of each kind
KEPT = 2 * 10 + 2  # descriptors: the pipe of each thread of the server's pool that once waited for a window of HTTP/2


def converse(sock, data, take):
    """Sends data while it gives what comes to take, until that has enough (True) or the server has closed (False)."""
    sock.setblocking(False)
    view, at = memoryview(data), 0
    while True:
        try:
            piece = sock.recv(1 << 18)
            if not piece:
                return False
            if take(piece):
                return True
            continue
        except (BlockingIOError, ssl.SSLWantReadError):
            pass
        except (ConnectionResetError, ssl.SSLEOFError):
            return False
        try:
            if at < len(view):
                at += sock.send(view[at:at + 65536])
                continue
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
            return False
        ready = select.select([sock], [sock] if at < len(view) else [], [], PATIENCE)
        assert ready[0] or ready[1], f"nothing came: {at} of {len(view)} bytes sent"


class Clients:
    """Threads that talk to one server. Counts what was answered rightly, by kind; the first failure ends all."""

    def __init__(self, server, kind, seed, is_h2=False, only=None):
        rng = random.Random(seed)
        self.server, self.kind, self.is_tls = server, kind, isinstance(server, load.TlsServer)
        self.seed, self.counts, self.fault, self.stopped = seed, {}, None, threading.Event()
        self.lock = threading.Lock()
        self.h1 = [scripts.h1_script(rng) for _ in range(SCRIPTS)]
        self.h2 = [scripts.h2_script(rng) for _ in range(SCRIPTS)] if self.is_tls else []
        self.ws = [scripts.ws_script(rng) for _ in range(SCRIPTS)] if kind == "asgi" else []
        turns = [(40, self.pipelined), (6, self.aborted), (3, self.bad), (2, self.large), (2, self.expecting)]
        if self.is_tls:
            turns += [(40, self.streams), (6, self.aborted_streams), (2, self.careful_streams), (1, self.bad_streams)]
        if kind == "asgi":
            turns += [(3, self.messages)] + ([(2, self.stream_messages)] if self.is_tls else [])
        self.turns = [turn for turn in turns if only is None or turn[1].__name__ in only]

    # ---- threads ----

    def run(self, count):
        loops = [self.busy] * count + [self.slow]
        self.threads = [threading.Thread(target=self.guarded, args=(loop, i), daemon=True) for i, loop in enumerate(loops)]
        for thread in self.threads:
            thread.start()

    def guarded(self, loop, number):
        try:
            loop(random.Random(self.seed * 100 + number))
        except Exception as e:  # of a thread: the one that started it tells
            self.fault = self.fault or e
            self.stopped.set()

    def busy(self, rng):
        weights, turns = zip(*self.turns)
        while not self.stopped.is_set():
            turn = rng.choices(turns, weights)[0]
            done = turn(rng)
            with self.lock:
                self.counts[turn.__name__] = self.counts.get(turn.__name__, 0) + done

    def stop(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join(PATIENCE)
        if self.fault:
            raise self.fault

    def slow(self, rng):
        """Holds connections that say nothing, or a byte now and then. To WSGI no bodies: each would have a thread to itself."""
        held = []
        while not self.stopped.wait(0.05):
            if len(held) >= HELD:
                with contextlib.suppress(OSError):
                    load.close(held.pop(rng.randrange(len(held)))[0], rng.randrange(2))
            sock, data = self.dial(), scripts.h1_request(scripts.some_request(rng))
            data = data[:data.index(b"\r\n\r\n")] if self.kind == "wsgi" else data
            held.append((sock, data[:rng.randrange(len(data))] if rng.randrange(4) else b""))
            for i, (sock, data) in enumerate(held):
                with contextlib.suppress(OSError):
                    sock.sendall(data[:1])
                    held[i] = sock, data[1:]
        for sock, _ in held:
            sock.close()

    def dial(self, alpn=None):
        return self.server.dial(alpn) if alpn else self.server.dial()

    # ---- HTTP/1.1 ----

    def pipelined(self, rng):
        data, requests = rng.choice(self.h1)
        got = []
        with self.dial() as sock:
            assert not converse(sock, data, got.append)
        scripts.h1_check(b"".join(got), requests)
        return len(requests)

    def aborted(self, rng):
        """Leaves at any byte of what it sends, or of what it gets, in order or by reset; sometimes within the handshake."""
        data, _ = rng.choice(self.h1)
        is_raw = self.is_tls and rng.randrange(8) == 0
        sock = plainserver.PlainServer.dial(self.server) if is_raw else self.dial()
        data = b"\x16\x03\x01\x01\0" + data[:rng.randrange(300)] if is_raw else data[:rng.randrange(min(len(data), 30000))]
        self.leave(sock, data, rng)
        return 0

    def leave(self, sock, data, rng):
        left = rng.choice((0, 1, 1000, 100000))

        def take(piece):
            nonlocal left
            left -= len(piece)
            return left <= 0
        with contextlib.suppress(OSError):
            if left:
                sock.settimeout(1)
                sock.sendall(data)
                take(sock.recv(min(left, 65536)))
            else:
                sock.setblocking(False)
                sock.send(data)
        load.close(sock, rng.randrange(2))

    def bad(self, rng):
        with self.dial() as sock, contextlib.suppress(OSError):
            sock.sendall(rng.choice(scripts.BAD))
            sock.settimeout(0.2)
            sock.recv(1000)
        return 0

    def large(self, rng):
        size = rng.choice((1 << 20, 3 << 20))
        with self.dial() as sock:
            got, zeros = [], bytes(size)
            head = b"POST /digest HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % size
            assert not converse(sock, head + zeros, got.append)
            assert scripts.h1_answer(b"".join(got), 0, False)[:2] == (200, scripts.digest(zeros))
        with self.dial() as sock:
            got = []
            assert not converse(sock, b"GET /bytes?%d HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % size, got.append)
            assert scripts.h1_answer(b"".join(got), 0, False)[:2] == (200, zeros)
        return 2

    def expecting(self, rng):
        """Waits for 100 Continue as curl does; an application that raises behind half of its answer is cut."""
        with self.dial() as sock:
            sock.sendall(b"POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: 5\r\n\r\n")
            got = sock.recv(1000)
            assert got == b"HTTP/1.1 100 Continue\r\n\r\n", got
            rest = []
            assert not converse(sock, b"hello", rest.append)
            assert scripts.h1_answer(b"".join(rest), 0, False)[:2] == (200, b"hello")
        if rng.randrange(20) == 0:
            with self.dial() as sock:
                got = []
                converse(sock, b"GET /cut HTTP/1.1\r\nHost: a\r\n\r\n", got.append)
                assert b"half" in b"".join(got) and not b"".join(got).endswith(b"0\r\n\r\n"), got
        return 1

    # ---- HTTP/2 ----

    def streams(self, rng):
        answers, done = scripts.H2Answers(), 0
        with self.dial(["h2"]) as sock:
            for data, streams in rng.choice(self.h2):
                answers.expect(streams)
                assert converse(sock, data, answers.take), "the server has closed"
                answers.check()
                done += len(streams)
        return done

    def aborted_streams(self, rng):
        script = rng.choice(self.h2)
        data = b"".join(data for data, _ in script[:rng.randrange(1, 3)])
        if rng.randrange(2):
            resets = b"".join(h2.frame(h2.RST_STREAM, 0, s, b"\0\0\0\x08") for s in script[0][1] if rng.randrange(2))
            self.leave(self.dial(["h2"]), script[0][0] + resets, rng)
        else:
            self.leave(self.dial(["h2"]), data[:rng.randrange(min(len(data), 30000))], rng)
        return 0

    def bad_streams(self, rng):
        with self.dial(["h2"]) as sock, contextlib.suppress(OSError):
            sock.sendall(h2.PREFACE + h2.frame(h2.SETTINGS) + rng.choice(scripts.H2_BAD))
            sock.settimeout(0.2)
            while sock.recv(65536):
                pass
        return 0

    def careful_streams(self, rng):
        """Within its windows and the server's: bodies up and down at once, one of them reset, ended by GOAWAY."""
        window = struct.pack(">HI", 4, rng.choice((1000, 16384, 65535)))
        with self.dial(["h2"]) as sock, h2.Connection(sock, settings=window) as connection:
            connection.until(lambda: connection.settings, PATIENCE)
            body = rng.randbytes(rng.choice((0, 16384, 100000)))
            down = connection.head(h2.request("/bytes?50000", authority=scripts.HOST))
            dropped = connection.head(h2.request("/bytes?5000000", authority=scripts.HOST))
            up = connection.head(h2.request("/digest", "POST", authority=scripts.HOST), flags=0)
            connection.reset(dropped)
            send_within(connection, up, body, h2.END_STREAM)
            assert connection.reply(down, PATIENCE).body == bytes(50000)
            reply = connection.reply(up, PATIENCE)
            assert (reply.status, reply.body) == (200, scripts.digest(body)), reply.reset
            connection.send(h2.frame(h2.GOAWAY, 0, 0, bytes(8)))
        return 2

    # ---- WebSocket ----

    def messages(self, rng):
        data, end, *wanted = rng.choice(self.ws)
        with self.dial() as sock:
            client = ws.Client(sock)
            assert client.status == 101, client.lines
            if rng.randrange(4) == 0:
                self.leave(sock, data[:rng.randrange(len(data))], rng)
                return 0
            answers = scripts.WsAnswers(len(wanted[0]))
            assert converse(sock, data, answers.take), (len(answers.messages), answers.code)
            answers.count = 0
            assert converse(sock, end, answers.take)
            answers.check(*wanted)
        return len(wanted[0])

    def stream_messages(self, rng):
        """Two WebSockets in streams of one connection, beside a request; one of them may be left."""
        with self.dial(["h2"]) as sock, h2.Connection(sock, settings=struct.pack(">HI", 4, 1 << 20)) as connection:
            connection.window(0, 1 << 30)
            connection.until(lambda: 8 in connection.settings, PATIENCE)
            head = h2.request("/", "CONNECT", ("sec-websocket-version", "13"), authority=scripts.HOST)
            opened = [connection.head([(":protocol", "websocket"), *head], flags=0) for _ in range(2)]
            connection.until(lambda: all(connection.replies[stream].fields for stream in opened), PATIENCE)
            done = 0
            for stream in opened:
                data, end, *wanted = rng.choice(self.ws)
                if rng.randrange(4) == 0:
                    send_within(connection, stream, data[:rng.randrange(20000)])
                    connection.reset(stream)
                    continue
                answers, reply = scripts.WsAnswers(len(wanted[0])), connection.replies[stream]
                send_within(connection, stream, data)
                connection.until(lambda: taken(answers, reply), PATIENCE)
                answers.count = 0
                send_within(connection, stream, end)
                connection.until(lambda: taken(answers, reply), PATIENCE)
                answers.check(*wanted)
                done += len(wanted[0])
        return done


def taken(answers, reply):
    """Gives the answers what has come of a reply; true if they have enough."""
    assert reply.reset is None, reply.reset
    body, reply.body = reply.body, b""
    return answers.take(body)


def send_within(connection, stream, data, flags=0):
    """DATA within both windows of the server, while its own is taken."""
    room = {0: 65535, stream: connection.settings.get(4, 65535)}
    seen = {0: getattr(connection, "spent", 0), stream: 0}
    at = 0
    while at < len(data) or (not data and flags):
        size = min(16384, len(data) - at, *(room[i] + connection.opened.get(i, 0) - seen[i] for i in room))
        if size > 0 or not data:
            connection.data(stream, data[at:at + size], flags if at + size == len(data) else 0)
            at += size
            seen = {i: spent + size for i, spent in seen.items()}
            connection.spent = seen[0]
            if not data:
                return
        else:
            connection.pump(PATIENCE)


# ---- what the server says of itself ----

class Log:
    """Counts the lines of an access log on a pipe."""

    def __init__(self):
        self.end, self.out = os.pipe()
        self.lines, self.dropped = 0, 0
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        with os.fdopen(self.end, "rb", buffering=1 << 16) as lines:
            for block in iter(lambda: lines.read1(1 << 16), b""):
                self.lines += block.count(b"\n")
                self.dropped += block.count(b" lines were left out here")

    def close(self):
        os.close(self.out)


class Samples:
    """Resident memory over the requests so far; the server's growth is what its second half adds."""

    def __init__(self, server):
        self.server, self.seen = server, []

    def take(self, done):
        self.seen.append((done, load.memory(self.server.process.pid, "VmRSS")))

    def growth(self):
        """Bytes from the median of the third quarter's first half to that of the last eighth."""
        last = self.seen[-1][0]
        middle = [rss for done, rss in self.seen if 0.5 * last <= done <= 0.625 * last]
        end = [rss for done, rss in self.seen if done >= 0.875 * last]
        return statistics.median(end) - statistics.median(middle) if middle else 0


def soak(build, kind, is_tls, seed, until, wanted, say=print, env=None, wrapper=(), threads=6, only=None, sample_seconds=2):
    """A dict of what was done: ends after so many lines of the access log
    and one of each kind that is in only, or at the time. The server must end well."""
    log = Log()
    server = (load.TlsServer if is_tls else plainserver.PlainServer)(build, {"app.py": APPS[kind]}, *OPTIONS)
    server.out_fd, server.env, server.patience = log.out, server.env | (env or {}), PATIENCE
    server.argv = [*wrapper, *server.argv]
    name = f"{kind} {'tls' if is_tls else 'plain'}"
    with server:
        clients, samples = Clients(server, kind, seed, only=only), Samples(server)
        fds, begun, said = load.descriptors(server.process.pid), time.monotonic(), 0
        clients.run(threads)
        while time.monotonic() < until and not clients.stopped.wait(sample_seconds):
            if log.lines >= wanted and set(clients.counts) >= (only or set()):
                break
            samples.take(log.lines)
            if time.monotonic() > said + SAY_SECONDS:
                said = time.monotonic()
                say(f"{name}: {log.lines} requests, {log.lines / (said - begun):.0f}/s, {samples.seen[-1][1] >> 20} MiB, "
                    f"{load.descriptors(server.process.pid)} descriptors, {clients.counts}")
        try:
            clients.stop()
        finally:
            said = server.messages()[-3000:]
            if clients.fault:
                say(f"{name}: {clients.fault!r}\n{said}")
        samples.take(log.lines)
        server.wait_for(lambda: load.descriptors(server.process.pid) <= fds + KEPT, PATIENCE)
        seconds = time.monotonic() - begun
        assert server.stop(seconds=PATIENCE) == 0, server.messages()[-6000:]
        log.close()
        log.thread.join(PATIENCE)
        text = server.messages()
    assert "Sanitizer" not in text and "runtime error" not in text, text[-6000:]
    assert log.lines >= sum(count for turn, count in clients.counts.items() if "messages" not in turn)
    return {"name": name, "requests": log.lines, "dropped": log.dropped, "seconds": seconds, "growth": samples.growth(),
            "resident": samples.seen[-1][1], "counts": clients.counts, "messages": text}
