# SPDX-License-Identifier: Apache-2.0
"""Clients that try to say one thing to `mse connect` and another to the enclave, and the owner's own TLS behind it
(attached-channel section 8; docs/testing-channel.md)."""
import pytest

import attackers
import connector
import standin

OWNED_DOMAIN = "shop.example.localhost"


class Taker:
    """Takes requests as an app would, by their own framing; seen holds (head, body)."""

    def __init__(self):
        self.seen = []

    def __call__(self, stream, _):
        while head := stream.head():
            fields = {name.lower(): value.strip() for name, _, value in
                      (line.partition(b":") for line in head.split(b"\r\n")[1:] if line)}
            body = stream.read(int(fields.get(b"content-length", 0)))
            if b"transfer-encoding" in fields:
                while not body.endswith(b"0\r\n\r\n") and (byte := stream.recv(1)):
                    body += byte
            self.seen.append((head, body))
            stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")


@pytest.fixture(scope="module")
def taker():
    return Taker()


@pytest.fixture(scope="module")
def proxy(world, victim, taker):
    with standin.StandIn(world, victim, taker) as other, \
            connector.Connector(world, victim.instance["domain"], other.port, fingerprint=victim.tee.mrenclave) as running:
        yield running


EVIL = b"GET /evil HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("head, rest, status", [
    (b"POST / HTTP/1.1", b"Content-Length: 4\r\n" + CHUNKED + b"0\r\n\r\n" + EVIL, 400),
    (b"POST / HTTP/1.1", b"Content-Length: 4, 4\r\n\r\nabcd", 400),
    (b"POST / HTTP/1.1", b"Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd", 400),
    (b"POST / HTTP/1.1", b"Content-Length: +4\r\n\r\nabcd", 400),
    (b"POST / HTTP/1.1", b"Content-Length: 0x4\r\n\r\nabcd", 400),
    (b"POST / HTTP/1.1", b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501),
    (b"POST / HTTP/1.1", b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400),
    (b"POST / HTTP/1.1", b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
    (b"POST / HTTP/1.1", b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400),
    (b"POST / HTTP/1.0", CHUNKED + b"0\r\n\r\n", 400),
    (b"POST / HTTP/1.1", CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n", 400),
    (b"POST / HTTP/1.1", CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n", 400),
    (b"POST / HTTP/1.1", CHUNKED + b"FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n", 400),
    (b"POST / HTTP/1.1", CHUNKED + b"5\nhello\r\n0\r\n\r\n", 400),
    (b"POST / HTTP/1.1", CHUNKED + b"5;a\nb\r\nhello\r\n0\r\n\r\n", 400),
    (b"GET / HTTP/1.1", b"X: a\r\n b\r\n\r\n", 400), (b"GET / HTTP/1.1", b"X: a\0b\r\n\r\n", 400),
    (b"GET / HTTP/1.1", b"X: a\rb\r\n\r\n", 400), (b"GET / HTTP/1.1", b"X: a\nY: b\r\n\r\n", 400),
    (b"GET / HTTP/1.1", b"Host: localhost\r\n\r\n", 400), (b"GET * HTTP/1.1", b"\r\n", 400),
    (b"GET / HTTP/1.1", b"Connection: sec-fetch-site\r\nSec-Fetch-Site: cross-site\r\n\r\n", 403),
    (b"GET / HTTP/1.1", b"Expect: 200-ok\r\n\r\n", 417), (b"PRI * HTTP/2.0", b"\r\n", 505),
    (b"CONNECT {domain} HTTP/1.1", b"\r\n", 400), (b"CONNECT /x HTTP/1.1", b"\r\n", 400),
    (b"CONNECT {domain}:443 HTTP/1.1", b"Content-Length: 5\r\n\r\nhello", 400),
    (b"CONNECT {domain}:443 HTTP/1.1", b"\r\n", 421), (b"CONNECT x@{domain}:443 HTTP/1.1", b"\r\n", 400),
    (b"GET http://x@{domain}/ HTTP/1.1", b"\r\n", 421), (b"GET http://{domain}\\@x/ HTTP/1.1", b"\r\n", 400),
    (b"GET http://{domain}/ HTTP/1.1", b"\r\n", 421), (b"GET /#x HTTP/1.1", b"\r\n", 400)])
def test_what_two_could_read_in_two_ways_reaches_nobody(proxy, taker, victim, head, rest, status):
    """Framing, line ends, names: refused whole, whatever the enclave's own parser would have made of it."""
    taker.seen.clear()
    head = head.replace(b"{domain}", victim.instance["domain"].encode())
    answer = proxy.talk(head + b"\r\nHost: localhost:%d\r\n" % proxy.port + rest)
    assert answer.startswith(b"HTTP/1.1 %d " % status) and answer.count(b"Mse-Error: ") == 1, answer
    assert taker.seen == []


@pytest.mark.parametrize("rest, body", [
    (b"Content-Length: %d\r\n\r\n" % len(EVIL) + EVIL, EVIL), (b"Connection: content-length\r\nContent-Length: 4\r\n\r\nabcd", b"abcd"),
    (b"Connection: transfer-encoding\r\n" + CHUNKED + b"4\r\nabcd\r\n0\r\n\r\n", b"4\r\nabcd\r\n0\r\n\r\n")])
def test_a_body_stays_a_body(proxy, taker, rest, body):
    taker.seen.clear()
    last = b"GET /last HTTP/1.1\r\nHost: localhost:%d\r\nConnection: close\r\n\r\n" % proxy.port
    answer = proxy.talk(b"POST / HTTP/1.1\r\nHost: localhost:%d\r\n" % proxy.port + rest + last)
    assert answer.count(b"HTTP/1.1 200 ") == 2
    assert [(head.split(b" ")[1], seen) for head, seen in taker.seen] == [(b"/", body), (b"/last", b"")]


def test_bytes_behind_an_upgrade_wait_for_its_answer(proxy, taker):
    """The app stays with HTTP: what the client said too early is another request, and judged as one."""
    taker.seen.clear()
    head = b"GET /chat HTTP/1.1\r\nHost: localhost:%d\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" % proxy.port
    answer = proxy.talk(head + EVIL)
    assert answer.count(b"HTTP/1.1 200 ") == 1 and answer.count(b"HTTP/1.1 421 ") == 1
    assert [head.split(b" ")[1] for head, _ in taker.seen] == [b"/chat"]


# ---- owner mode ----

def test_owner_mode_gets_the_full_verdict(world):
    """Section 8: the TLS key is the owner's, the evidence is of this very connection all the same."""
    with world.owned(OWNED_DOMAIN) as enclave:
        with attackers.passing(lambda _: enclave) as listener, \
                connector.Connector(world, OWNED_DOMAIN, listener.port, context=world.context(enclave)) as running:
            assert running.request().body == b"hello"
            verdict = running.wait_event("attested")["verdict"]
            assert verdict["verdict"] == "accept" and all(check["result"] != "failed" for check in verdict["checks"])

        def relay(tls, request):
            answer = attackers.ask(enclave, attackers.nonce_of(request))
            tls.sendall(attackers.http_answer(attackers.dump(answer)))
        with attackers.ending(attackers.server_context(*enclave.owner_tls), relay, []) as middle, \
                connector.Connector(world, OWNED_DOMAIN, middle.port, context=world.context(enclave)) as running:
            answer = running.request()
            assert (answer.status, answer.error) == (502, "fresh-binding"), "the owner in the middle"
