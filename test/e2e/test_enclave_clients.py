# SPDX-License-Identifier: Apache-2.0
"""Hostile clients of one enclave: strangers who send much, slowly, or all at once, before and after provisioning."""
import base64
import concurrent.futures
import json
import re
import resource
import select
import ssl
import threading
import time

import pytest

import http2client as h2
import testenclave

HELLO = """
import time
time.sleep(0.7)
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]
"""
ATTEST = "/.well-known/mse/attestation"
BATCH_MAX = 1024


@pytest.fixture
def enclave(build):
    with testenclave.Enclave(build, {"app.py": HELLO}) as new:
        yield new


def resident_kib(enclave):
    with open(f"/proc/{enclave.process.pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmHWM:\s+(\d+)", status.read())[1])


# ---- one socket, no gap ----

def test_who_connects_all_the_time_is_never_refused(enclave):
    """From the first moment the socket is there to the running application: every connection, handshake and answer."""
    enclave.start()
    seen, failures, is_over = [], [], threading.Event()

    def knock():
        while not is_over.is_set():
            try:
                answer = enclave.get()
                seen.append((answer.status, answer.headers["Mse-Status"]))
            except (OSError, testenclave.http.client.HTTPException) as error:
                failures.append(repr(error))
    knockers = [threading.Thread(target=knock) for _ in range(4)]
    for knocker in knockers:
        knocker.start()
    enclave.wait(lambda: len(seen) > 20)
    assert enclave.provision().status == 200
    enclave.wait_running()
    count = len(seen)
    enclave.wait(lambda: len(seen) > count + 20)
    is_over.set()
    for knocker in knockers:
        knocker.join()
    assert failures == []
    assert set(seen) == {(200, "Waiting"), (503, "Starting"), (200, None)}


def test_a_connection_lives_through_all_phases(enclave):
    """Kept alive from waiting to running; in the end it is the application that answers on it."""
    enclave.start()
    with enclave.connect() as tls:
        assert enclave.get(tls=tls).headers["Mse-Status"] == "Waiting"
        assert enclave.provision().status == 200
        assert enclave.get(tls=tls).headers["Mse-Status"] == "Starting"
        enclave.wait_running()
        assert enclave.get(tls=tls).text == "hello"


# ---- many nonces ----

def request(nonce):
    body = json.dumps({"version": 1, "nonce": nonce.hex()}).encode()
    return b"POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s" % (ATTEST.encode(), len(body), body)


def answer_of(tls):
    answer = testenclave.http.client.HTTPResponse(tls)
    answer.begin()
    return answer.status, answer.read()


def head_of(answer, leaf):
    """attested-channel.md section 4: from the leaf up, in a few lines."""
    sha256 = testenclave.sha256
    for level, sibling in enumerate(bytes.fromhex(text) for text in answer["path"]):
        pair = sibling + leaf if answer["index"] >> level & 1 else leaf + sibling
        leaf = sha256(b"\x01" + pair)
    return sha256(b"\x02mse-attest-1" + bytes([answer["depth"]]) + leaf)


def test_more_nonces_at_once_than_fit_a_quote(enclave):
    """1100 clients ask at the same moment: three quotes answer them all, and nobody has another's proof."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    enclave.start()

    def arrive(_):
        """One that has asked something already may think for longer before it asks again."""
        tls = enclave.connect()
        assert enclave.get(tls=tls).status == 200
        return tls
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        clients = list(pool.map(arrive, range(BATCH_MAX + 76)))
    try:
        enclave.tee.quotes.clear()
        enclave.tee.quote_seconds = 1.5  # in which the others gather
        for number, tls in enumerate(clients):
            tls.sendall(request(number.to_bytes(32, "big")))
        answers = [answer_of(tls) for tls in clients]
    finally:
        for tls in clients:
            tls.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert {status for status, _ in answers} == {200}
    parsed = [json.loads(text) for _, text in answers]
    places = [(answer["quote"], answer["index"]) for answer in parsed]
    assert len(set(places)) == len(clients)
    quotes = {quote for quote, _ in places}
    assert 2 <= len(quotes) == len(enclave.tee.quotes) <= 4
    for answer in parsed:
        assert answer["depth"] == len(answer["path"]) <= 10 and answer["index"] < 2 ** answer["depth"]
    full = max(quotes, key=[quote for quote, _ in places].count)
    assert sum(quote == full for quote, _ in places) <= BATCH_MAX
    # Each two neighbours in the tree agree on what is above them, which is what the quote is over.
    siblings = {(a["quote"], a["index"]): a for a in parsed}
    quoted = base64.b64decode(full)[48 + 320:48 + 352]
    index = next(i for quote, i in places if quote == full and (full, i ^ 1) in siblings)
    mine, neighbour = siblings[full, index], siblings[full, index ^ 1]
    assert head_of(mine, bytes.fromhex(neighbour["path"][0])) == quoted
    assert head_of(neighbour, bytes.fromhex(mine["path"][0])) == quoted


def test_one_connection_may_ask_twelve_times_a_minute(enclave):
    enclave.start()
    with enclave.connect() as tls:
        statuses = []
        for number in range(13):
            tls.sendall(request(bytes([number]) * 32))
            statuses.append(answer_of(tls)[0])
    assert statuses == [200] * 12 + [429]


@pytest.mark.parametrize("body, status", [
    (b"", 400), (b"{}", 400), (b'{"version":2,"nonce":"' + b"00" * 32 + b'"}', 400),
    (b'{"version":1,"nonce":"' + b"00" * 31 + b'"}', 400), (b" " * 1025, 400), (b" " * 100_000, 400),
])
def test_malformed_requests_of_attestation(enclave, body, status):
    enclave.start()
    assert enclave.request("POST", ATTEST, body=body).status == status


EXPECTING = request(bytes(32)).replace(b"\r\nContent-Length", b"\r\nExpect: %s\r\nContent-Length", 1)


@pytest.mark.parametrize("expect", [b"100-continue", b"100-Continue", b"200-ok"])
def test_attestation_tells_nothing_beforehand(enclave, expect):
    """Neither the body nor a 100 is waited for; the claim of its connection is given back, and others are answered."""
    enclave.start()
    head = (EXPECTING % expect).partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    assert b"\r\nExpect: " in head
    with enclave.connect() as tls:
        tls.sendall(head)
        assert answer_of(tls)[0] == 417
        tls.sendall(b"x")
        assert tls.recv(1) == b""  # what follows might be the body, or not
    assert enclave.request("POST", ATTEST, body=request(bytes(32)).partition(b"\r\n\r\n")[2]).status == 200


def test_attestation_tells_nothing_beforehand_over_http2(enclave):
    enclave.start()
    context = testenclave.client_context()
    context.set_alpn_protocols(["h2"])
    body = request(bytes(32)).partition(b"\r\n\r\n")[2]
    with h2.Connection(context.wrap_socket(enclave.dial(), server_hostname=enclave.instance["domain"])) as one:
        def ask(*more):
            fields = h2.request(ATTEST, "POST", ("content-length", str(len(body))), *more, authority=enclave.instance["domain"])
            return one.head(fields, 0)
        for expect in "100-continue", "200-ok":
            reply = one.reply(ask(("expect", expect)))
            assert reply.status == 417 and reply.informational == []
        stream = ask()  # the connection's own claim is free again
        one.data(stream, body)
        assert one.reply(stream).status == 200


# ---- slow clients ----

def slow_posts(enclave, path, count, head):
    """That many connections in the middle of a request whose body never ends."""
    clients = [enclave.connect() for _ in range(count)]
    for tls in clients:
        tls.sendall(b"POST %s HTTP/1.1\r\nHost: a\r\n%s\r\n" % (path, head) + (b"5\r\nslow " if b"chunked" in head else b"s"))
    return clients


def goes_on(enclave, began):
    """Evidence is had, and the owner comes through, in little time."""
    assert enclave.request("POST", ATTEST, body=request(bytes(32)).partition(b"\r\n\r\n")[2]).status == 200
    assert enclave.provision().status == 200
    enclave.wait_running()
    assert time.monotonic() - began < 8


@pytest.mark.parametrize("path, head", [
    (ATTEST.encode(), b"Transfer-Encoding: chunked\r\n"), (ATTEST.encode(), b"Content-Length: 1000\r\n"),
    (ATTEST.encode(), b"Content-Length: 1000000\r\n"), (b"/", b"Transfer-Encoding: chunked\r\n"),
    (b"/", b"Content-Length: 1000000\r\n"),
])
def test_slow_bodies_of_strangers_hold_no_thread(enclave, path, head):
    """Far more of them than threads: the owner comes through, and so does whoever wants evidence."""
    enclave.start()
    clients = slow_posts(enclave, path, 40, head)
    try:
        began = time.monotonic()
        assert enclave.get().headers["Mse-Status"] == "Waiting"
        goes_on(enclave, began)
    finally:
        for tls in clients:
            tls.close()


def test_slow_bodies_hold_no_thread_where_no_owner_is_named(build):
    """Anybody may send secrets then: long ones are read two at a time, others hear 503, and short ones always pass."""
    with testenclave.Enclave(build, {"app.py": HELLO}, MSE_OWNER_KEY="", MSE_CODE_KEY_ID="") as enclave:
        enclave.start()
        clients = slow_posts(enclave, b"/", 20, b"Transfer-Encoding: chunked\r\n")
        clients += slow_posts(enclave, b"/", 20, b"Content-Length: 1000000\r\n")
        try:
            began = time.monotonic()
            assert enclave.get().headers["Mse-Status"] == "Waiting"
            enclave.wait(lambda: len(select.select(clients, [], [], 0)[0]) == len(clients) - 2)
            answers = [tls.recv(4096) for tls in select.select(clients, [], [], 0)[0]]
            assert {answer[:13] for answer in answers} == {b"HTTP/1.1 503 "}
            assert all(b"\r\nRetry-After: " in answer for answer in answers)
            goes_on(enclave, began)
        finally:
            for tls in clients:
                tls.close()


def test_slow_readers_of_answers_hold_nobody(enclave):
    enclave.start()
    clients = [enclave.connect() for _ in range(40)]
    try:
        for tls in clients:
            tls.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 200)
        assert enclave.get().headers["Mse-Status"] == "Waiting"
        assert enclave.provision().status == 200
        enclave.wait_running()
    finally:
        for tls in clients:
            tls.close()


# ---- memory ----

def test_a_stranger_s_body_is_not_read(enclave):
    """Without the owner's ticket 16 MiB cost no memory: JSON of five million values would take a gigabyte."""
    enclave.start()
    before = resident_kib(enclave)
    body = b'{"x":[' + b"[]," * ((16 << 20) // 3 - 10) + b"[]]}"
    for _ in range(3):
        try:
            assert enclave.provision(body, ticket=None).status == 401
        except (ConnectionError, ssl.SSLError):
            pass  # it closed while we were still sending
    assert resident_kib(enclave) - before < 4096
    assert "ticket-missing" in enclave.log_text()
    assert enclave.get().headers["Mse-Status"] == "Waiting"


def test_values_of_a_request_are_counted(build):
    """Where the release names no owner anybody may send one: at the limit it is taken, one more is refused."""
    with testenclave.Enclave(build, {"app.py": HELLO}, MSE_OWNER_KEY="") as enclave:
        enclave.start()
        before = resident_kib(enclave)
        body = b'{"x":[' + b"[]," * ((16 << 20) // 3 - 10) + b"[]]}"
        assert enclave.provision(body, ticket=None).status == 401
        assert resident_kib(enclave) - before < 40 << 10
        assert "not JSON" in enclave.log_text()
        own = 4  # the object itself, its two other members, the array
        most = enclave.body(app_secrets=[1] * (100_000 - own))
        assert enclave.provision(enclave.body(app_secrets=most["app_secrets"] + [1]), ticket=None).status == 401
        assert enclave.provision(most, ticket=None).status == 200
