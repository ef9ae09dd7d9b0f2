# SPDX-License-Identifier: Apache-2.0
"""The HTTP engine with real clients: limits, smuggling, slow clients, many connections, streaming, ends."""
import concurrent.futures
import socket
import struct
import subprocess
import time

import pytest

from conftest import BUILD
from netserver import Server, read_all, read_response, until

HOST = b"Host: a\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"


@pytest.fixture(scope="module")
def server():
    with Server(BUILD, server="mse") as new:
        yield new


def curl(*arguments):
    done = subprocess.run(["curl", "-sS", "-m", "20", *arguments], capture_output=True, timeout=60)
    return done.returncode, done.stdout


def status_of(answer):
    assert answer.startswith(b"HTTP/1.1 "), answer[:100]
    return int(answer[9:12])


# ---- what a request may be ----

REFUSED = [
    (b"GET / HTTP/1.1\nHost: a\n\n", 400),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\n\r\n", 400),
    (b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400),
    (b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400),
    (b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
    (b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
    (b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
    (b"GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    (b"GET /" + b"a" * 16384 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 100 + b"\r\n", 431),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 65536 + b"\r\n\r\n", 431),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", None),
    (b"GET / HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\n\r\n", 417),
]


@pytest.mark.parametrize("request_bytes,wanted", REFUSED)
def test_refused(server, request_bytes, wanted):
    # What follows on the connection must never be taken for a request.
    answer = server.say(request_bytes + GET) if wanted else server.say(request_bytes + b"\n")
    assert status_of(answer) == (wanted or 400)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"Connection: close" in answer and b"hello" not in answer


def test_accepted_at_the_limits(server):
    target = b"/show?" + b"a" * (16384 - 6)
    answer = server.say(b"GET " + target + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + b"X: y\r\n" * 98 + b"\r\n")
    assert status_of(answer) == 200 and target in answer and answer.count(b"header X=y") == 98
    head = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: \r\n\r\n"
    answer = server.say(head.replace(b"X: ", b"X: " + b"y" * (65536 - len(head))))
    assert status_of(answer) == 200


def test_chunked_smuggling(server):
    start = b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    for body in [b"3\nabc\r\n0\r\n\r\n", b"3\r\nabcd\r\n0\r\n\r\n", b"-3\r\nabc\r\n0\r\n\r\n", b"3 \r\nabc\r\n0\r\n\r\n",
                 b"fffffffffffffffff\r\n", b"1;" + b"x" * 257 + b"\r\na\r\n0\r\n\r\n",
                 b"0\r\n" + b"T: " + b"v" * 8192 + b"\r\n\r\n"]:
        answer = server.say(start + body + GET)
        assert status_of(answer) in (400, 413) and b"hello" not in answer, body[:40]
    answer = server.say(start + b"1;" + b"x" * 256 + b"\r\na\r\n0\r\nT: v\r\n\r\n" + GET.replace(HOST, HOST + b"Connection: close\r\n"))
    assert status_of(answer) == 200 and answer.endswith(b"hello\n")


def test_names_with_underscores_are_handed_over(server):
    answer = server.say(b"GET /show HTTP/1.1\r\nHost: a\r\nX_Y: 1\r\nX-Y: 2\r\nConnection: close\r\n\r\n")
    assert b"header X_Y=1\nheader X-Y=2\n" in answer


def test_target_forms(server):
    def show(target):
        return server.say(b"GET " + target + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert b"path /show\nquery a%20b\n" in show(b"/show?a%20b")
    assert b"path /show\nquery -\n" in show(b"http://a/show")
    assert b"target http://a/show?y\npath /show\nquery y\n" in show(b"http://a/show?y")


# ---- responses ----

def test_pipelined_requests_are_answered_in_order(server):
    one = b"GET /count HTTP/1.1\r\nHost: a\r\n\r\n"
    answer = server.say(one * 20 + one.replace(HOST, HOST + b"Connection: close\r\n"))
    bodies = [part.split(b"\r\n\r\n")[1] for part in answer.split(b"HTTP/1.1 200 OK")[1:]]
    assert bodies == [str(i).encode() for i in range(1, 22)]


def test_first_request_flag_and_keep_alive(server):
    with server.connect() as sock:
        for first in (b"first 1", b"first 0"):
            sock.sendall(GET.replace(b"/", b"/show", 1))
            assert first in read_response(sock)[2]


def test_http_1_0(server):
    assert server.say(b"GET / HTTP/1.0\r\n\r\n").endswith(b"hello\n")
    with server.connect() as sock:
        for _ in range(2):
            sock.sendall(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            status, fields, body = read_response(sock)
            assert (status, fields["connection"], body) == (200, "keep-alive", b"hello\n")
    answer = server.say(b"GET /stream?100000 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert len(answer.split(b"\r\n\r\n", 1)[1]) == 100000 and b"chunked" not in answer


def test_head_has_no_body(server):
    with server.connect() as sock:
        for target, length in ((b"/", "6"), (b"/stream?77s", "77")):
            sock.sendall(b"HEAD " + target + b" HTTP/1.1\r\n" + HOST + b"\r\n")
            data = b""
            while not data.endswith(b"\r\n\r\n"):
                data += sock.recv(1000)
            assert f"Content-Length: {length}\r\n".encode() in data
        sock.sendall(GET)
        assert read_response(sock)[2] == b"hello\n"


def test_date_and_server(server):
    with server.connect() as sock:
        sock.sendall(GET)
        fields = read_response(sock)[1]
    assert fields["server"] == "mse" and fields["date"].endswith(" gmt")


def test_unfinished_replies_are_seen_to_be_cut(server):
    assert curl(f"http://127.0.0.1:{server.port}/half")[0] == 18
    assert not server.say(GET.replace(b"/", b"/half", 1)).endswith(b"0\r\n\r\n")
    assert server.say(GET.replace(b"/", b"/abort", 1)) == b""
    assert status_of(server.say(GET.replace(b"/", b"/silent", 1))) == 500
    assert server.say(GET.replace(b"/", b"/close", 1)).endswith(b"bye\n")


def test_streams_of_curl(server):
    url = f"http://127.0.0.1:{server.port}"
    assert len(curl(f"{url}/stream?3000000")[1]) == 3000000
    assert len(curl(f"{url}/stream?3000000s")[1]) == 3000000
    assert curl("-d", "abc", f"{url}/echo")[1] == b"abc"
    assert curl("-d", "abc", "-H", "Transfer-Encoding: chunked", f"{url}/echo")[1] == b"abc"


# ---- bodies ----

def test_body_limit(server):
    url = f"http://127.0.0.1:{server.port}/echo"
    for chunked in ([], ["-H", "Transfer-Encoding: chunked"]):
        for size, status in ((1000, b"200"), (1001, b"413"), (300000, b"413")):
            done = subprocess.run(["curl", "-sS", "-m", "20", "-o", "/dev/null", "-w", "%{http_code}", "--data-binary", "@-",
                                   *chunked, url], input=b"x" * size, capture_output=True)
            assert done.stdout == status, (size, chunked, done.stderr)


def test_100_continue(server):
    start = b"POST /%s HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
    with server.connect() as sock:
        sock.sendall(start % b"echo")
        assert sock.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"abc")
        assert read_response(sock)[2] == b"abc"
        sock.sendall(GET)
        assert read_response(sock)[0] == 200
    # Who does not read is not asked for more, and the connection ends: a body may or may not follow.
    answer = server.say(start % b"count")
    assert status_of(answer) == 200 and b"Connection: close" in answer and b"100 Continue" not in answer


def test_unread_bodies(server):
    with server.connect() as sock:
        sock.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n" + b"x" * 60000 + GET)
        assert read_response(sock)[0] == 200
        assert read_response(sock)[2] == b"hello\n"
    # Too long to skip: the reply arrives all the same, then the end.
    with server.connect() as sock:
        sock.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n" + b"x" * 200000)
        assert read_response(sock)[2] == b"hello\n"
        assert read_all(sock) == b""


def test_large_upload_in_bounded_memory():
    with Server(BUILD) as server:
        size = 400_000_000
        script = f"head -c {size} /dev/zero | curl -sS -m 60 -T - http://127.0.0.1:{server.port}/upload"
        done = subprocess.run(["sh", "-c", script], capture_output=True)
        assert done.stdout == f"{size} 0\n".encode(), done.stderr
        assert server.resident_kib() < 30000


# ---- slow clients ----

def test_slow_heads():
    with Server(BUILD, header=400, idle=700) as server:
        began = time.monotonic()
        assert server.say(b"") == b""
        assert 0.3 < time.monotonic() - began < 1.5
        began = time.monotonic()
        answer = server.say(b"GET / HTTP/1.1\r\nHost:")
        assert status_of(answer) == 408 and 0.3 < time.monotonic() - began < 1.5
        # Dripping does not help.
        with server.connect() as sock:
            began = time.monotonic()
            answer = b""
            for byte in b"GET / HTTP/1.1\r\nX: " + b"y" * 100:
                try:
                    sock.sendall(bytes([byte]))
                except OSError:
                    break
                sock.settimeout(0.05)
                try:
                    answer += sock.recv(1000)
                    break
                except TimeoutError:
                    pass
            assert status_of(answer) == 408 and time.monotonic() - began < 1.5


def test_idle_connections_end():
    with Server(BUILD, header=5000, idle=400) as server:
        with server.connect() as sock:
            sock.sendall(GET)
            assert read_response(sock)[0] == 200
            began = time.monotonic()
            assert read_all(sock) == b""
            assert 0.3 < time.monotonic() - began < 1.5


def test_slow_bodies():
    with Server(BUILD, body=400) as server:
        began = time.monotonic()
        answer = server.say(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
        assert status_of(answer) == 408 and 0.3 < time.monotonic() - began < 1.5
        with server.connect(10) as sock:
            sock.sendall(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
            began = time.monotonic()
            sock.settimeout(0.1)
            answer = b""
            while not answer and time.monotonic() - began < 6:
                sock.sendall(b"x")
                try:
                    answer = sock.recv(1000)
                except TimeoutError:
                    pass
            assert status_of(answer) == 408


def test_clients_that_do_not_read():
    with Server(BUILD, write=400, threads=2) as server:
        lazy = [server.connect() for _ in range(4)]
        for sock in lazy:
            sock.sendall(b"GET /stream?100000000 HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(0.1)
        with server.connect(10) as sock:
            sock.sendall(GET)
            assert read_response(sock)[0] == 200
        for sock in lazy:
            sock.close()


def test_slow_clients_cost_no_thread():
    with Server(BUILD, threads=2) as server:
        slow = [server.connect() for _ in range(200)]
        for sock in slow:
            sock.sendall(b"GET / HTTP/1.1\r\nHo")
        began = time.monotonic()
        for _ in range(50):
            assert status_of(server.say(GET.replace(b"/", b"/close", 1))) == 200
        assert time.monotonic() - began < 2
        for sock in slow:
            sock.sendall(b"st: a\r\n\r\n")
        for sock in slow:
            assert read_response(sock)[0] == 200
            sock.close()


def test_slow_short_bodies_cost_no_thread():
    with Server(BUILD, threads=2, body=3000) as server:
        slow = [server.connect() for _ in range(50)]
        for sock in slow:
            sock.sendall(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc")
        began = time.monotonic()
        for _ in range(50):
            assert server.say(b"GET / HTTP/1.0\r\n\r\n").endswith(b"hello\n")
        assert time.monotonic() - began < 2
        for sock in slow:
            sock.sendall(b"def" + GET)
        for sock in slow:
            assert read_response(sock)[2] == b"abcdef"
            assert read_response(sock)[2] == b"hello\n"
            sock.close()


def test_slow_readers_cost_no_thread():
    with Server(BUILD, threads=2) as server:
        size = 900_000
        slow = []
        for _ in range(20):
            sock = socket.socket()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.settimeout(10)
            sock.connect(("127.0.0.1", server.port))
            sock.sendall(b"GET /blob?%d HTTP/1.1\r\nHost: a\r\n\r\n" % size + GET)
            slow.append(sock)
        began = time.monotonic()
        for _ in range(50):
            assert server.say(b"GET / HTTP/1.0\r\n\r\n").endswith(b"hello\n")
        assert time.monotonic() - began < 2
        for sock in slow:
            assert read_response(sock)[2] == (b"abcdefghijklmnopqrstuvwxyz" * (size // 26 + 1))[:size]
            assert read_response(sock)[2] == b"hello\n"
            sock.close()


@pytest.mark.parametrize("size", [0, 1, 16383, 16384, 16385, 65536, 1048576, 3000000])
def test_replies_of_every_size(server, size):
    with server.connect() as sock:
        for _ in range(2):
            sock.sendall(b"GET /blob?%d HTTP/1.1\r\nHost: a\r\n\r\n" % size)
            assert read_response(sock)[2] == (b"abcdefghijklmnopqrstuvwxyz" * (size // 26 + 1))[:size]


# ---- many ----

def test_5000_idle_connections():
    with Server(BUILD, threads=4) as server:
        before = server.resident_kib()
        threads = server.threads()
        idle = []
        for _ in range(5000):
            sock = server.connect()
            sock.sendall(GET)
            idle.append(sock)
        for sock in idle:
            assert read_response(sock)[0] == 200
        assert server.threads() == threads
        assert server.resident_kib() - before < 5000 * 4
        began = time.monotonic()
        for sock in idle[::100]:
            sock.sendall(GET)
            assert read_response(sock)[0] == 200
        assert time.monotonic() - began < 2
        for sock in idle:
            sock.close()


def test_connections_max():
    with Server(BUILD, connections=10) as server:
        held = [server.connect() for _ in range(10)]
        for sock in held:
            sock.sendall(GET)
            assert read_response(sock)[0] == 200
        with server.connect() as waiting:
            waiting.sendall(GET)
            waiting.settimeout(0.3)
            with pytest.raises(TimeoutError):
                waiting.recv(1)
            held.pop().close()
            waiting.settimeout(5)
            assert read_response(waiting)[0] == 200
        for sock in held:
            sock.close()


def test_a_deferred_reply_has_its_most():
    with Server(BUILD) as server:
        for size, wanted in (4 << 20, 200), ((4 << 20) + 1, 500):
            got = server.say(f"GET /defer?{size} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode(), 20)
            assert got.startswith(b"HTTP/1.1 %d " % wanted) and len(got.partition(b"\r\n\r\n")[2]) == (size if wanted == 200 else 0)


def test_deferred_replies_cost_no_thread():
    with Server(BUILD, threads=2) as server:
        socks = [server.connect(20) for _ in range(200)]
        began = time.monotonic()
        for sock in socks:
            sock.sendall(GET.replace(b"/", b"/defer", 1))
        for sock in socks:
            status, fields, body = read_response(sock)
            assert (status, fields["x-deferred"], body) == (200, "yes", b"later\n")
            sock.sendall(GET)
            assert read_response(sock)[0] == 200
        assert time.monotonic() - began < 5
        # Clients that go away meanwhile do no harm.
        for sock in socks:
            sock.sendall(GET.replace(b"/", b"/defer", 1))
            sock.close()
        assert status_of(server.say(GET.replace(b"/", b"/close", 1))) == 200


def test_threads_run_handlers_at_once():
    with Server(BUILD, threads=8) as server:
        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: server.say(b"GET /slow?300 HTTP/1.0\r\n\r\n"), range(8)))
        assert all(answer.endswith(b"slow\n") for answer in answers)
        assert time.monotonic() - began < 1.2


# ---- ends ----

def test_orderly_stop_drains():
    server = Server(BUILD, drain=5000)
    idle = server.connect()
    idle.sendall(GET)
    assert read_response(idle)[0] == 200
    busy = server.connect()
    busy.sendall(GET.replace(b"/", b"/slow?500", 1))
    time.sleep(0.1)
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        stopped = pool.submit(server.stop)
        assert read_all(idle) == b"" and time.monotonic() - began < 0.4
        with pytest.raises(ConnectionError):
            server.connect()
        status, fields, body = read_response(busy)
        assert (status, fields["connection"], body) == (200, "close", b"slow\n")
        stopped.result()
    assert time.monotonic() - began < 2


def test_forced_stop_cuts():
    server = Server(BUILD, drain=200)
    half = server.connect()
    half.sendall(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
    lazy = server.connect()
    lazy.sendall(b"GET /stream?100000000 HTTP/1.1\r\nHost: a\r\n\r\n")
    time.sleep(0.1)
    began = time.monotonic()
    server.stop()
    assert time.monotonic() - began < 2
    half.close()
    lazy.close()


# ---- unix sockets and the PROXY protocol ----

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def proxy_header(source="192.0.2.7", port=4711, extra=b""):
    addresses = socket.inet_aton(source) + socket.inet_aton("192.0.2.1") + struct.pack(">HH", port, 443)
    return SIGNATURE + b"\x21\x11" + struct.pack(">H", len(addresses) + len(extra)) + addresses + extra


def test_unix_socket(tmp_path):
    path = str(tmp_path / "a.sock")
    with Server(BUILD, unix=path) as server:
        assert server.say(b"GET / HTTP/1.0\r\n\r\n").endswith(b"hello\n")
        second = subprocess.run([BUILD / "test/support/net_server", f"unix={path}"], capture_output=True, text=True)
        assert second.returncode == 1 and "already listens" in second.stderr
    assert not (tmp_path / "a.sock").exists()
    # The next server may take the path while the last one drains, and keeps it.
    last = Server(BUILD, unix=path, drain=5000)
    busy = last.connect()
    busy.sendall(GET.replace(b"/", b"/slow?600", 1))
    time.sleep(0.1)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        stopped = pool.submit(last.stop)
        until(lambda: not (tmp_path / "a.sock").exists())
        with Server(BUILD, unix=path) as server:
            assert read_response(busy)[2] == b"slow\n"
            stopped.result()
            assert server.say(b"GET / HTTP/1.0\r\n\r\n").endswith(b"hello\n")
    busy.close()
    # A socket whose server was killed is replaced.
    killed = Server(BUILD, unix=path)
    killed.process.kill()
    killed.process.wait()
    with Server(BUILD, unix=path) as server:
        assert server.say(b"GET / HTTP/1.0\r\n\r\n").endswith(b"hello\n")


def test_proxy_required():
    with Server(BUILD, proxy=2, header=500) as server:
        request = b"GET /show HTTP/1.0\r\n\r\n"
        assert b"peer 1 192.0.2.7 4711 192.0.2.1 443" in server.say(proxy_header() + request)
        assert b"peer 1 192.0.2.7 4711" in server.say(proxy_header(extra=b"\x04\0\x05abcde") + request)
        assert b"peer 1 127.0.0.1 " in server.say(SIGNATURE + b"\x20\0\0\0" + request), "LOCAL is the proxy's own"
        for bad in (request, b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n" + request, SIGNATURE[:8], b"",
                    SIGNATURE + b"\x11\x11\0\x0c" + b"\0" * 12 + request,
                    SIGNATURE + b"\x21\x11" + struct.pack(">H", 2033) + b"\0" * 2033 + request):
            assert server.say(bad) == b""
        biggest = proxy_header(extra=b"\0" * (2048 - 28))
        assert b"peer 1 192.0.2.7" in server.say(biggest + request)
        # In single bytes: whatever the pieces, nothing behind the header is eaten.
        with server.connect() as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in proxy_header() + request:
                sock.sendall(bytes([byte]))
            assert b"peer 1 192.0.2.7" in read_all(sock)


def test_proxy_optional():
    with Server(BUILD, proxy=1) as server:
        request = b"GET /show HTTP/1.0\r\n\r\n"
        assert b"peer 1 192.0.2.7 4711" in server.say(proxy_header() + request)
        assert b"peer 1 127.0.0.1" in server.say(request)


def test_counts_return_to_zero(server):
    descriptors = f"/proc/{server.process.pid}/fd"
    import os
    until(lambda: len(os.listdir(descriptors)) < 16)
