# SPDX-License-Identifier: Apache-2.0
"""TLS, time and HTTP around the fresh attestation (attached-channel section 11; docs/testing-channel.md): what a
hostile server does to `mse cloud verify`, and what hostile clients do to mse-enclave."""
import concurrent.futures
import json
import os
import ssl
import subprocess
import threading
import time

import pytest

import attackers
import testenclave

HTTP_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def preload(build, **settings):
    return {"LD_PRELOAD": str(build / "test/support/libattack_preload.so"), **settings}


def closed(tls):
    """True if the other side says nothing and goes."""
    try:
        return tls.recv(100) == b""
    except (ssl.SSLError, ConnectionError):
        return True


# ---- 5: the exporter ----

@pytest.mark.parametrize("mode, name", [("fail", "exporter-unavailable"), ("zero", "fresh-binding"),
                                        ("label", "fresh-binding"), ("nocontext", "fresh-binding")])
def test_exporter_of_the_client(world, victim, build, mode, name):
    with attackers.passing(lambda _: victim) as proxy:
        seen = world.verify(victim, proxy.port, env=preload(build, ATTACK_EXPORTER=mode))
        assert seen.name == name, seen.text


@pytest.mark.parametrize("mode, name", [("fail", "attest-http"), ("zero", "fresh-binding"),
                                        ("label", "fresh-binding"), ("nocontext", "fresh-binding")])
def test_exporter_of_the_enclave(world, build, mode, name):
    with world.enclave(**preload(build, ATTACK_EXPORTER=mode)) as enclave:
        enclave.run()
        with attackers.passing(lambda _: enclave) as proxy:
            seen = world.verify(enclave, proxy.port)
            assert seen.name == name, seen.text
        if mode == "fail":
            with enclave.connect() as tls:
                tls.sendall(b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 88\r\n\r\n" % attackers.ATTEST_PATH.encode()
                            + b'{"version":1,"nonce":"%s"}' % (b"00" * 32))
                assert closed(tls), "never attested without an exporter"


# ---- 6, 7: TLS ----

def verify_against(world, victim, context):
    """mse against a server of ours with this TLS context; (verdict, resumptions that the server saw)."""
    def handle(tls, request):
        tls.sendall(attackers.http_answer(attackers.dump(attackers.ask(victim, attackers.nonce_of(request)))))
    with attackers.ending(context, handle) as proxy:
        names = [world.verify(victim, proxy.port).name for _ in range(2)]
    return names, context.session_stats()["hits"]


def test_a_server_that_offers_tickets_resumes_nothing(world, victim):
    certificate, key = attackers.stolen(victim)
    names, hits = verify_against(world, victim, attackers.server_context(certificate, key, tickets=4))
    assert (names, hits) == (["fresh-binding"] * 2, 0)


def client_hello_extensions(data):
    """Extension numbers of a ClientHello in one record."""
    assert data[0] == 22 and data[5] == 1
    at = 5 + 4 + 2 + 32
    at += 1 + data[at]
    at += 2 + int.from_bytes(data[at:at + 2], "big")
    at += 1 + data[at]
    end = at + 2 + int.from_bytes(data[at:at + 2], "big")
    at, found = at + 2, set()
    while at < end:
        found.add(int.from_bytes(data[at:at + 2], "big"))
        at += 4 + int.from_bytes(data[at + 2:at + 4], "big")
    return found


def test_the_client_offers_nothing_to_resume(world, victim):
    """On the wire: no pre_shared_key, early_data, session_ticket, post_handshake_auth; the name is sent."""
    first = []

    def serve(connection, _):
        first.append(connection.recv(65536))
    with attackers.Listener(serve) as listener:
        world.verify(victim, listener.port)
    found = client_hello_extensions(first[0])
    assert 0 in found and 43 in found
    assert not found & {41, 42, 35, 49}, found


def test_an_enclave_takes_no_psk_and_no_early_data(victim, tmp_path):
    (tmp_path / "early").write_bytes(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    argv = ["openssl", "s_client", "-unix", victim.dir / "run/app.sock", "-servername", testenclave.CONFIG_DOMAIN,
            "-tls1_3", "-psk", "00" * 32, "-psk_identity", "client", "-early_data", tmp_path / "early"]
    seen = subprocess.run(argv, input=b"", capture_output=True, timeout=20)
    assert b"Reused, TLS" not in seen.stdout and b"Early data was accepted" not in seen.stdout
    assert b"HTTP/1.1" not in seen.stdout, "nothing was served for early data"


def test_tls_1_2_server(world, victim):
    context = attackers.server_context(*attackers.stolen(victim), maximum=ssl.TLSVersion.TLSv1_2)
    names, _ = verify_against(world, victim, context)
    assert names == ["tls-version"] * 2


def test_tls_1_2_client(victim):
    raw = attackers.dial(victim)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError, match="(?i)version"):
        context.wrap_socket(raw, server_hostname=testenclave.CONFIG_DOMAIN)


# ---- 11: time ----

def hold_back(tls, _):
    with pytest.raises(OSError):
        while tls.recv(1) != b"":
            pass
        raise OSError


def trickle(tls, request):
    body = attackers.dump({"version": 1})
    tls.sendall(HTTP_OK + b"Content-Length: 100000\r\n\r\n")
    while True:
        tls.sendall(b" " if len(body) else b"")
        time.sleep(0.2)


def silent_handshake(connection, _):
    while connection.recv(65536):
        pass


def test_an_answer_that_does_not_come(world, victim):
    """11: withheld, a byte at a time, and a handshake that never ends: each is over after 10 seconds."""
    context = attackers.server_context(*attackers.stolen(victim))
    with attackers.ending(context, hold_back) as withheld, attackers.ending(context, trickle) as trickled, \
            attackers.Listener(silent_handshake) as silent, concurrent.futures.ThreadPoolExecutor() as pool:
        begin = time.monotonic()
        found = list(pool.map(lambda listener: world.verify(victim, listener.port), (withheld, trickled, silent)))
        assert 9 < time.monotonic() - begin < 20
    assert [seen.name for seen in found[:2]] == ["attest-timeout"] * 2, [seen.text for seen in found]
    assert found[2].code == 1 and "TLS handshake" in found[2].text


@pytest.mark.parametrize("days", ["-400", "-20", "3", "400"])
def test_a_wrong_clock_of_the_enclave(world, build, days):
    """11: its clock is the host's, so it proves nothing, and spoils nothing either."""
    with world.enclave(**preload(build, ATTACK_CLOCK_DAYS=days)) as enclave:
        enclave.run()
        with attackers.passing(lambda _: enclave) as proxy:
            seen = world.verify(enclave, proxy.port)
            assert seen.name == "none", seen.text


def test_an_instance_that_expired_by_the_clients_clock(world, build):
    """The enclave's clock is set back, so that it goes on; the verifier's own clock decides."""
    with world.enclave(**preload(build, ATTACK_CLOCK_DAYS="-20")) as enclave:
        enclave.instance["expires"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 86400))
        enclave.write_instance()
        enclave.run()
        with attackers.passing(lambda _: enclave) as proxy:
            assert world.verify(enclave, proxy.port).name == "instance-field:expires"


# ---- 14: the answer's form; 20: what else is said ----

def answer_all(world, victim, answers):
    """The verdict's name for each raw answer, and then the end, of a server that holds the RA-TLS key."""
    context = attackers.server_context(*attackers.stolen(victim))

    def one(make):
        def handle(tls, request):
            tls.sendall(make(attackers.dump(attackers.ask(victim, attackers.nonce_of(request)))))
            if make in ends:
                tls.unwrap()
        with attackers.ending(context, handle) as proxy:
            seen = world.verify(victim, proxy.port)
        assert seen.code == 1 and "ACCEPTED" not in seen.text, seen.text
        return seen.name
    ends = {make for make, name in answers if name == "attest-http"}
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return list(pool.map(one, [make for make, _ in answers]))


def test_answers_of_a_wrong_form(world, victim):
    http_answer = attackers.http_answer
    rows = [
        (lambda b: http_answer(b[:-1]), "attest-malformed"),
        (lambda b: http_answer(b[:len(b) // 2]), "attest-malformed"),
        (lambda b: http_answer(b""), "attest-malformed"),
        (lambda b: http_answer(b + b" x"), "attest-malformed"),
        (lambda b: http_answer(b"[]"), "attest-malformed"),
        (lambda b: http_answer(b"<html>"), "attest-malformed"),
        (lambda b: http_answer(b[:-1] + b',"role":2}'), "attest-malformed"),
        (lambda b: http_answer(b[:-1] + b',"more":2}'), "attest-malformed"),
        (lambda b: http_answer(b.replace(b'"quote":"', b'"quote":"*')), "attest-malformed"),
        (lambda b: http_answer(b.replace(b'"role":2', b'"role":"2"')), "attest-malformed"),
        (lambda b: http_answer(b.replace(b'"version":1', b'"version":2')), "attest-version"),
        (lambda b: http_answer(b.replace(b'"quote":"AwAC', b'"quote":"BAAC')), None),
        (lambda b: http_answer(b" " * 131072 + b), "attest-http"),
        (lambda b: HTTP_OK + b"Content-Length: 10000000\r\n\r\n" + b" " * 300000, "attest-http"),
        (lambda b: HTTP_OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"40000\r\n" + b" " * 0x40000 + b"\r\n", "attest-http"),
        (lambda b: http_answer(b) + b"x", "attest-http"),
        (lambda b: http_answer(b) + b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "attest-http"),
        (lambda b: http_answer(b)[:-1], "attest-http"),
        (lambda b: http_answer(b)[:40], "attest-http"),
        (lambda b: b"", "attest-http"),
        (lambda b: b"SSH-2.0-OpenSSH\r\n", "attest-http"),
        (lambda b: http_answer(b, "200 OK", "Content-Length: 5\r\n"), "attest-http"),
        (lambda b: http_answer(b, "204 No Content"), "attest-http"),
        (lambda b: http_answer(b, "404 Not Found"), "attest-http"),
        (lambda b: http_answer(b, "101 Switching Protocols", "Upgrade: h2c\r\n"), "attest-http"),
        (lambda b: http_answer(b, "302 Found", "Location: https://elsewhere.localhost/\r\n"), "attest-http"),
        (lambda b: http_answer(b, "307 Temporary Redirect", "Location: /x\r\n"), "attest-http"),
    ]
    names = answer_all(world, victim, rows)
    for number, (name, (_, wanted)) in enumerate(zip(names, rows)):
        assert name == wanted or wanted is None and name not in ("?", "none", "the"), f"row {number}: {name}"


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
def test_a_busy_server_is_asked_a_few_times(world, victim, status):
    with attackers.ending(attackers.server_context(*attackers.stolen(victim)), lambda tls, _: (
            tls.sendall(attackers.http_answer(b"{}", status)), tls.unwrap())) as proxy:
        seen = world.verify(victim, proxy.port)
        assert seen.name == "attest-busy", seen.text
        assert 1 < proxy.accepted <= 5, "on new connections, by the same rules"


@pytest.mark.parametrize("early", [b"x", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                                   b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"])
def test_bytes_before_the_question(world, victim, early):
    """20: a server that speaks first is not listened to further."""
    context = attackers.server_context(*attackers.stolen(victim))

    def serve(connection, _):
        with context.wrap_socket(connection, server_side=True) as tls:
            tls.sendall(early)
            request = attackers.read_request(tls)
            tls.sendall(attackers.http_answer(attackers.dump(attackers.ask(victim, attackers.nonce_of(request)))))
            tls.unwrap()
    with attackers.Listener(serve) as proxy:
        assert world.verify(victim, proxy.port).name in ("attest-http", "attest-malformed")


def test_the_client_writes_one_request_and_nothing_else(world, victim):
    """20, on the wire: whatever comes back, before the verdict only the nonce has left."""
    log = []
    key = attackers.make_certificate(victim.instance["domain"])
    with attackers.ending(attackers.server_context(*key), lambda tls, request: tls.sendall(
            attackers.http_answer(attackers.dump(attackers.ask(victim, attackers.nonce_of(request))))), log) as proxy:
        assert world.verify(victim, proxy.port).name == "tls-key"
        time.sleep(0.2)
    assert len(log) == 1
    head, _, body = bytes(log[0]).partition(b"\r\n\r\n")
    assert head.startswith(b"POST /.well-known/mse/attestation HTTP/1.1\r\n")
    names = {line.split(b":")[0].lower() for line in head.split(b"\r\n")[1:]}
    assert names == {b"host", b"content-type", b"content-length"}
    assert set(json.loads(body)) == {"version", "nonce"} and len(body) < 128


# ---- 27: many clients ----

class CountingTee(attackers.Tee):
    """How many quotes were under way at once."""

    def __init__(self, vendor):
        super().__init__(vendor)
        self.count_lock = threading.Lock()

    def quote(self, report_data):
        with self.count_lock:
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
        time.sleep(0.05)
        try:
            return super().quote(report_data)
        finally:
            with self.count_lock:
                self.under_way -= 1


def test_many_clients_share_quotes(world):
    with world.enclave(tee=CountingTee(world.vendor)) as enclave:
        enclave.run()
        before = len(enclave.tee.quotes)
        with concurrent.futures.ThreadPoolExecutor(60) as pool:
            answers = list(pool.map(lambda _: attackers.ask(enclave, os.urandom(32)), range(240)))
        made = len({answer["quote"] for answer in answers})
        assert enclave.tee.most_under_way == 1
        assert len(enclave.tee.quotes) - before in (0, made)
        assert made < 60 and max(answer["depth"] for answer in answers) >= 2
        with attackers.passing(lambda _: enclave) as proxy, concurrent.futures.ThreadPoolExecutor(6) as pool:
            names = list(pool.map(lambda _: world.verify(enclave, proxy.port).name, range(6)))
        assert names == ["none"] * 6, "batched proofs convince the client"


def test_a_second_question_while_the_first_waits(world):
    """27: two requests sent at once on one connection; and the thirteenth in a minute."""
    with world.enclave() as enclave:
        enclave.run()
        body = b'{"version":1,"nonce":"%s"}' % (b"00" * 32)
        one = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (attackers.ATTEST_PATH.encode(), len(body)) + body
        with enclave.connect() as tls:
            tls.sendall(one * 14)
            seen = b""
            while seen.count(b"HTTP/1.1 ") < 14:
                seen += tls.recv(65536)
        assert seen.count(b"HTTP/1.1 200 ") <= 12 and seen.count(b"HTTP/1.1 429 ") >= 2
        with enclave.connect() as tls:
            attackers.ask(enclave, os.urandom(32), tls=tls)


READING = """
def app(environ, start_response):
    environ["wsgi.input"].read()
    start_response("200 OK", [])
    return [b"hello"]
"""


@pytest.mark.parametrize("path", [attackers.ATTEST_PATH, "/"])
def test_clients_that_never_finish(world, path):
    """Silence, half a handshake, half a head, half a short and a long body: the next honest client is served at once."""
    with world.enclave({"app.py": READING}) as enclave:
        enclave.run()
        held = []
        for number in range(60):
            raw = attackers.dial(enclave)
            if number % 2 == 0:
                raw.sendall(b"\x16\x03\x01")
            held.append(raw)
        head = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: " % path.encode()
        for start in (head, head + b"88\r\n\r\n{", head + b"8000000\r\n\r\n" + b" " * 100000):
            for _ in range(12):
                tls = enclave.connect()
                tls.sendall(start)
                held.append(tls)
        try:
            begin = time.monotonic()
            with attackers.passing(lambda _: enclave) as proxy:
                seen = world.verify(enclave, proxy.port)
                assert seen.name == "none", seen.text
                assert time.monotonic() - begin < 5
        finally:
            for connection in held:
                connection.close()
