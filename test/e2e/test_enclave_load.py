# SPDX-License-Identifier: Apache-2.0
"""Slow requests and many connections: nobody is kept from a handshake, an attestation or a probe."""
import json
import threading
import time

import http2client as h2
import pytest

import testenclave

SLOW = """
import threading, time
running = most = 0
lock = threading.Lock()
order = []

def app(environ, start_response):
    global running, most
    path = environ["PATH_INFO"]
    if path == "/most":
        start_response("200 OK", [])
        return [str(most).encode()]
    if path == "/order":
        start_response("200 OK", [])
        return [",".join(order).encode()]
    with lock:
        running += 1
        most = max(most, running)
        order.append(path)
    time.sleep(0.6)
    with lock:
        running -= 1
    size = len(environ["wsgi.input"].read())
    start_response("200 OK", [])
    return [f"{path} {size}".encode() if size else path.encode()]
"""

ASK = json.dumps({"version": 1, "nonce": "00" * 32}).encode()


@pytest.fixture
def slow(build):
    with testenclave.Enclave(build, {"app.py": SLOW}, MSE_THREADS="2") as enclave:
        enclave.run()
        yield enclave


def in_background(enclave, paths, gap=0.0):
    """All are connected before the first asks: what a handshake takes changes no order."""
    answers, threads = {}, []
    clients = {path: enclave.connect() for path in paths}

    def ask(path):
        with clients[path] as tls:
            answers[path] = enclave.get(path, tls=tls)
    for path in paths:
        thread = threading.Thread(target=ask, args=(path,))
        thread.start()
        threads.append(thread)
        time.sleep(gap)
    return answers, threads


def test_requests_wait_their_turn_and_attestation_does_not(slow):
    paths = [f"/{n}" for n in range(8)]
    start = time.monotonic()
    answers, threads = in_background(slow, paths, gap=0.05)
    for _ in range(3):
        before = time.monotonic()
        answer = slow.request("POST", "/.well-known/mse/attestation", body=ASK)
        assert answer.status == 200
        assert time.monotonic() - before < 1.0, "a handshake and an attestation beside eight waiting requests"
    for thread in threads:
        thread.join()
    took = time.monotonic() - start
    assert {path: answer.text for path, answer in answers.items()} == {path: path for path in paths}
    assert took > 2.3, "two at a time"
    assert slow.get("/most").text == "2"
    assert slow.get("/order").text.split(",") == paths, "in the order they came"


def test_a_client_that_leaves_while_it_waits_harms_nobody(slow):
    _, threads = in_background(slow, ["/a", "/b"], gap=0.05)
    for _ in range(3):
        with slow.connect() as tls:
            tls.sendall(b"GET /gone HTTP/1.1\r\nHost: h\r\n\r\n")
            time.sleep(0.02)
    for thread in threads:
        thread.join()
    assert slow.get("/after").text == "/after"


def test_keep_alive_and_bodies_through_the_queue(slow):
    _, threads = in_background(slow, ["/a", "/b"], gap=0.05)
    with slow.connect() as tls:
        assert slow.request("POST", "/one", body=b"x" * 300000, tls=tls).text == "/one 300000"
        assert slow.request("GET", "/two", tls=tls).text == "/two"
    for thread in threads:
        thread.join()


def test_who_waits_at_a_stop_is_served(slow):
    answers, threads = in_background(slow, ["/0", "/1", "/2", "/3"], gap=0.05)
    assert slow.stop() == 0
    for thread in threads:
        thread.join()
    assert [(answers[path].status, answers[path].text) for path in ("/0", "/1", "/2", "/3")] == [
        (200, "/0"), (200, "/1"), (200, "/2"), (200, "/3")], "they were taken before it"


def test_hundreds_of_clients_share_quotes(build):
    with testenclave.Enclave(build, {"app.py": SLOW}) as enclave:
        enclave.tee.quote_seconds = 0.3
        enclave.start()
        enclave.tee.quotes.clear()
        statuses = []

        def attest():
            statuses.append(enclave.request("POST", "/.well-known/mse/attestation", body=ASK).status)
        threads = [threading.Thread(target=attest) for _ in range(200)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert statuses == [200] * 200
        assert len(enclave.tee.quotes) < 20, "far fewer quotes than clients"


def test_thousands_of_requests_in_parallel(build):
    code = ("def app(environ, start):\n    start('200 OK', [])\n"
            "    return [environ['wsgi.input'].read()]\n")
    with testenclave.Enclave(build, {"app.py": code}) as enclave:
        enclave.run()
        wrong = []

        def work(number):
            with enclave.connect() as tls:
                for n in range(200):
                    body = f"{number}-{n}".encode() * (1 + n % 50)
                    if enclave.request("POST", "/", body=body, tls=tls).body != body:
                        wrong.append((number, n))
        threads = [threading.Thread(target=work, args=(n,)) for n in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []
        assert enclave.stop() == 0


HELD = """
import os

def app(environ, start_response):
    with open(os.environ["HOME"] + "/entered", "a") as entered:
        entered.write("x")
    if environ["PATH_INFO"] == "/down":
        start_response("200 OK", [])
        return (bytes(65536) for _ in range(1000))
    environ["wsgi.input"].read()
    start_response("200 OK", [])
    return [b"read"]
"""


def holders(enclave, is_http2, path):
    """Twelve requests over three connections, or twelve: bodies that do not come, or answers that nobody reads."""
    domain = enclave.instance["domain"]
    if not is_http2:
        for _ in range(12):
            tls = enclave.connect()
            tls.sendall(b"POST %s HTTP/1.1\r\nHost: %s\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n" % (
                path.encode(), domain.encode()))
            yield tls
        return
    for _ in range(3):
        one = dial_http2(enclave, b"\0\4\0\0\0\0" if path == "/down" else b"")
        for _ in range(4):
            one.data(one.head(h2.request(path, "POST", authority=domain), flags=0), b"x", flags=0)
        yield one


def dial_http2(enclave, settings=b""):
    context = testenclave.client_context()
    context.set_alpn_protocols(["h2"])
    return h2.Connection(context.wrap_socket(enclave.dial(), server_hostname=enclave.instance["domain"]), settings)


def attest_http2(enclave, connection):
    path, domain = "/.well-known/mse/attestation", enclave.instance["domain"]
    stream = connection.head(h2.request(path, "POST", ("content-length", str(len(ASK))), authority=domain), flags=0)
    connection.data(stream, ASK)
    return connection.reply(stream).status


@pytest.mark.parametrize("path", ["/up", "/down"])
@pytest.mark.parametrize("is_http2", [False, True], ids=["http1", "http2"])
def test_clients_that_hold_every_thread_hold_up_no_attestation(build, is_http2, path):
    """All threads of the application wait for clients, and more requests for these threads."""
    with testenclave.Enclave(build, {"app.py": HELD}, MSE_THREADS="2") as enclave:
        enclave.run()
        before = dial_http2(enclave)
        held = list(holders(enclave, is_http2, path))
        entered = enclave.dir / "home/entered"
        enclave.wait(lambda: entered.exists() and entered.read_text() == "xx")
        since = time.monotonic()
        assert enclave.request("POST", "/.well-known/mse/attestation", body=ASK).status == 200
        assert enclave.get(headers={"Host": "another.example"}).status == 421
        with dial_http2(enclave) as fresh:
            assert attest_http2(enclave, fresh) == 200
        with before:
            assert attest_http2(enclave, before) == 200
        if is_http2 and path == "/up":  # the connections that the waiting threads look after
            assert [attest_http2(enclave, one) for one in held] == [200, 200, 200]
        assert time.monotonic() - since < 5, "time-outs are 30 s"
        assert entered.read_text() == "xx"
        for one in held:
            (one.sock if is_http2 else one).close()
