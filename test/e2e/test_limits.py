# SPDX-License-Identifier: Apache-2.0
"""Every limit of the plain server: an option, held at its value and not one further (docs/plain-server.md)."""
import pathlib
import re
import socket
import subprocess
import threading
import time

import pytest
from netserver import read_response
from plainserver import PlainServer

ROOT = pathlib.Path(__file__).resolve().parents[2]
APP = """
import time
def app(environ, start):
    if environ["PATH_INFO"] == "/slow":
        time.sleep(1)
    size = len(environ["wsgi.input"].read())
    start("200 OK", [("Content-Type", "text/plain")])
    return [b"%d" % size]
"""
OPTIONS = {"--target-max": "20", "--header-bytes-max": "300", "--headers-max": "5", "--chunk-extension-max": "8",
           "--trailer-max": "10", "--body-max": "50", "--connections": "40", "--header-timeout": "1", "--body-timeout": "1",
           "--idle-timeout": "1"}
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def server(build):
    with PlainServer(build, {"app.py": APP}, *[word for pair in OPTIONS.items() for word in pair]) as new:
        yield new


def head(target=b"/", fields=b""):
    return b"GET " + target + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + fields + b"\r\n"


def filled(size):
    """A head of so many bytes."""
    short = head(fields=b"X: \r\n")
    return short.replace(b"X: ", b"X: " + b"y" * (size - len(short)))


def chunks(extension=b"", trailer=b"", body=b"a"):
    return CHUNKED + b"%x" % len(body) + extension + b"\r\n" + body + b"\r\n0\r\n" + trailer + b"\r\n"


@pytest.mark.parametrize("good, bad, status", [
    (head(b"/" + b"a" * 19), head(b"/" + b"a" * 20), 414),
    (head(b"/?" + b"a" * 18), head(b"/?" + b"a" * 19), 414),
    (filled(300), filled(301), 431),
    (head(fields=b"X: y\r\n" * 3), head(fields=b"X: y\r\n" * 4), 431),
    (chunks(b";" + b"x" * 8), chunks(b";" + b"x" * 9), 413),
    (chunks(trailer=b"A: bcdefgh\r\n"), chunks(trailer=b"A: bcdefghi\r\n"), 413),
    (chunks(body=b"x" * 50), chunks(body=b"x" * 51), 413),
    (head(fields=b"Content-Length: 50\r\n") + b"x" * 50, head(fields=b"Content-Length: 51\r\n") + b"x" * 51, 413),
], ids=["target", "query", "header-bytes", "header-count", "extension", "trailer", "body-chunked", "body"])
def test_requests(server, good, bad, status):
    assert server.raw(good).startswith(b"HTTP/1.1 200 ")
    answer = server.raw(bad)
    assert int(answer[9:12]) == status and answer.count(b"HTTP/1.1 ") == 1, answer


def closes_after(server, data, seconds=10):
    with server.dial() as sock:
        sock.settimeout(seconds)
        sock.sendall(data)
        begun, got = time.monotonic(), b""
        while piece := sock.recv(1000):
            got += piece
        return time.monotonic() - begun, got


@pytest.mark.parametrize("data, wanted", [
    (b"", b""), (b"GET / HTTP/1.1\r\nHost:", b"HTTP/1.1 408 "), (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 200 "),
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab", b"HTTP/1.1 408 "),
    (CHUNKED + b"5\r\nab", b"HTTP/1.1 408 ")], ids=["nothing", "head", "idle", "body", "body-chunked"])
def test_times(server, data, wanted):
    took, got = closes_after(server, data)
    assert 0.9 < took < 8 and got.startswith(wanted), (took, got)


def test_connections(server):
    held = [server.dial() for _ in range(40)]
    try:
        for sock in held:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n")
        with server.dial() as more:
            more.settimeout(0.3)
            more.sendall(head())
            with pytest.raises(TimeoutError):
                more.recv(100)
            held.pop().close()
            more.settimeout(10)
            assert more.recv(100).startswith(b"HTTP/1.1 200 ")
    finally:
        for sock in held:
            sock.close()


def test_queue(build):
    """One runs, two wait, the fourth hears 503."""
    with PlainServer(build, {"app.py": APP}, "--threads", "1", "--queue", "2") as server:
        held, answers = [], []
        for _ in range(3):
            held.append(server.dial())
            held[-1].sendall(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
            time.sleep(0.1)  # so that they come in this order
        with server.dial() as more:
            more.sendall(head())
            status, fields, _ = read_response(more)
            assert (status, fields["retry-after"]) == (503, "1")
        for sock in held:
            sock.settimeout(20)
            thread = threading.Thread(target=lambda s=sock: answers.append(read_response(s)[0]))
            thread.start()
            thread.join()
            sock.close()
        assert answers == [200] * 3


def test_rate(build):
    """A body that comes at less than the least rate, for longer than a time-out, is cut, though it never stops coming."""
    with PlainServer(build, {"app.py": APP}, "--body-timeout", "1", "--rate-min", "100000") as server:
        with server.dial() as sock:
            sock.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
            end = time.monotonic() + 15
            sock.settimeout(0.1)
            answer = b""
            while not answer and time.monotonic() < end:
                try:
                    sock.sendall(b"x" * 100)
                    answer = sock.recv(100)
                except TimeoutError:
                    pass
            assert answer.startswith(b"HTTP/1.1 408 "), answer


def test_a_steady_body_is_not_late(build):
    """--body-timeout is for the time between two pieces, whether the body is read before the application runs or by it."""
    with PlainServer(build, {"app.py": APP}, "--body-timeout", "1") as server:
        head = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        senders = [(server.dial(), head + field, piece, last) for field, piece, last in [
            (b"Content-Length: 3000\r\n\r\n", b"x" * 500, b""), (b"Content-Length: 120000\r\n\r\n", b"x" * 20000, b""),
            (b"Transfer-Encoding: chunked\r\n\r\n", b"1f4\r\n" + b"x" * 500 + b"\r\n", b"0\r\n\r\n")]]
        for sock, start, _, _ in senders:
            sock.sendall(start)
        for _ in range(6):
            time.sleep(0.4)  # the pace: 1250 bytes a second, and more than a time-out in all
            for sock, _, piece, _ in senders:
                sock.sendall(piece)
        for sock, _, _, last in senders:
            sock.sendall(last)
        assert [read_response(sock)[0] for sock, *_ in senders] == [200] * 3


# option, least, most
RANGES = [("--threads", 1, 128), ("--workers", 1, 64), ("--connections", 1, 100000), ("--queue", 1, 8192),
          ("--stream-waits", 0, 100000), ("--http2-streams", 1, 1000), ("--http2-memory", 1, 1 << 40),
          ("--http2-header-table", 1, 65536), ("--http2-continuations", 1, 1000), ("--http2-resets", 1, 100000),
          ("--http2-pings", 1, 100000), ("--http2-settings", 2, 100000), ("--http2-empty-data", 1, 100000),
          ("--http2-window-updates", 1, 100000), ("--http2-others", 1, 100000), ("--http2-acks", 1, 100000),
          ("--http2-queue", 1, 100000), ("--http2-window", 65536, 1 << 24), ("--websocket-fragments", 1, 1 << 24), ("--websocket-controls", 1, 100000),
          ("--websocket-queue", 1, 65536), ("--websocket-queue-bytes", 1, 1 << 30),
          ("--websocket-pong-timeout", 1, 86400), ("--websocket-close-timeout", 1, 86400),
          ("--target-max", 1, 16384), ("--header-bytes-max", 1, 65536), ("--headers-max", 1, 100),
          ("--chunk-extension-max", 1, 256), ("--trailer-max", 1, 8192), ("--rate-min", 1, 1048576),
          ("--body-max", 0, 1 << 40), ("--header-timeout", 1, 86400), ("--body-timeout", 1, 86400),
          ("--idle-timeout", 1, 86400), ("--write-timeout", 1, 86400), ("--graceful-timeout", 0, 86400),
          ("--websocket-max", 1, 1 << 30), ("--websocket-ping", 1, 86400)]


def says(build, *options):
    """What is wrong with a command line: if nothing else, that there is no key."""
    argv = [build / "mse-enclave", "--plain", "app:app", "--cert", "/nowhere/cert", *map(str, options)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=20)
    assert done.returncode == 2
    return done.stderr


@pytest.mark.parametrize("name, least, most", RANGES, ids=[name for name, _, _ in RANGES])
def test_ranges(build, name, least, most):
    for value in (least - 1 if least else -1, most + 1):
        assert f"'{name}'" in says(build, name, value), value


def test_ends_of_ranges(build):
    for at in 1, 2:
        assert "'--cert' and '--key' go together" in says(build, *[word for row in RANGES for word in (row[0], row[at])])


@pytest.mark.parametrize("value", ["x", "", "0x10", "1 ", "+1"])
def test_no_numbers(build, value):
    for name in "--queue", "--body-max", "--http2-memory", "--websocket-max":
        assert f"'{name}'" in says(build, name, value)


def test_every_limit_is_documented(build):
    """The page, the help and the ranges above name the same options, with the same defaults and maxima."""
    done = subprocess.run([build / "mse-enclave", "--plain", "--help"], capture_output=True, text=True, timeout=20)
    lines = {line.split()[0]: line for line in done.stdout.splitlines() if line.startswith("  --")}
    page = (ROOT / "docs/plain-server.md").read_text().partition("## You come from")[0]
    rows = {name: row for row in re.findall(r"^\| (`--.*) \|$", page, re.M)
            for name in re.findall(r"`(--[\w-]+)`", row.split(" | ")[0])}
    assert set(lines) - {"--help", "--version"} == set(rows)
    for name, line in lines.items():
        default = re.search(r" \[([^]]*)\]$", line)
        if default and default[1] != "0":
            assert f"`{default[1].partition(';')[0]}`" in rows[name], f"{name}: its default is not in the table"
    for name, _, most in RANGES:
        assert f"| {most} |" in f"{rows[name]} |", f"{name}: its maximum {most} is not in the table"


def test_a_full_backlog_is_no_error(build):
    """Clients that come while nothing accepts wait."""
    with PlainServer(build, {"app.py": APP}, "--connections", "1") as server:
        first = server.dial()
        first.sendall(b"GET / HTTP/1.1\r\n")
        others = []
        for _ in range(50):
            other = socket.create_connection(("127.0.0.1", server.port()), 10)
            other.sendall(head())
            others.append(other)
        first.close()
        for other in others:
            assert other.recv(100).startswith(b"HTTP/1.1 200 ")
            other.close()
