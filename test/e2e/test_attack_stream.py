# SPDX-License-Identifier: Apache-2.0
"""Servers that never stop talking (docs/testing-channel.md): messages of TLS itself that end no call of the TLS library,
records in crumbs, names that nobody resolves. Each client is over in time, and at once when it is told to end."""
import concurrent.futures
import contextlib
import ctypes
import signal
import subprocess
import threading
import time

import pytest
from OpenSSL import SSL, crypto

import attackers
import connector
import standin

LIBSSL = ctypes.CDLL("libssl.so.3")
TOO_MANY = "messages of TLS without any data"


# ---- what OpenSSL's users in Python cannot say ----

def pointer(tls):
    return ctypes.c_void_p(int(SSL._ffi.cast("uintptr_t", tls._ssl)))


def key_update(tls):
    assert LIBSSL.SSL_key_update(pointer(tls), 0) == 1
    assert LIBSSL.SSL_do_handshake(pointer(tls)) == 1


def ticket(tls):
    assert LIBSSL.SSL_new_session_ticket(pointer(tls)) == 1
    assert LIBSSL.SSL_do_handshake(pointer(tls)) == 1


def both(tls):
    ticket(tls)
    key_update(tls)


class Talker:
    """Ends TLS with the true key, and goes on with say(tls) until the other side has gone."""

    def __init__(self, enclave, say, before=lambda tls: None):
        certificate, key = attackers.stolen(enclave)
        self.context = SSL.Context(SSL.TLS_SERVER_METHOD)
        self.context.set_min_proto_version(SSL.TLS1_3_VERSION)
        self.context.use_certificate(crypto.X509.from_cryptography(certificate))
        self.context.use_privatekey(crypto.PKey.from_cryptography_key(key))
        self.say, self.before = say, before
        self.said = 0
        self.listener = attackers.Listener(self._connection)
        self.port = self.listener.port

    def _connection(self, raw, _):
        tls = SSL.Connection(self.context, raw)
        tls.set_accept_state()
        with contextlib.suppress(SSL.Error, AssertionError, OSError):
            tls.do_handshake()
            self.before(tls)
            while True:
                self.say(tls)
                self.said += 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.__exit__()


def crumbs(raw):
    """One record that is never whole, a byte at a time."""
    raw.sendall(b"\x17\x03\x03\x40\x00")
    while True:
        raw.sendall(b"x")
        time.sleep(0.02)


class Crumbler(Talker):
    def __init__(self, enclave):
        super().__init__(enclave, None)

    def _connection(self, raw, number):
        tls = SSL.Connection(self.context, raw)
        tls.set_accept_state()
        with contextlib.suppress(SSL.Error, OSError):
            tls.do_handshake()
            self.said += 1
            crumbs(raw)


# ---- tickets and key updates without end ----

@pytest.mark.parametrize("say", [ticket, key_update, both])
def test_messages_of_tls_without_end(world, victim, say):
    """Before any answer: the client does not listen for ever, nor until its deadline."""
    with Talker(victim, say) as talker:
        begin = time.monotonic()
        seen = world.verify(victim, talker.port)
        assert seen.name == "attest-http" and TOO_MANY in seen.text, seen.text
        assert time.monotonic() - begin < 5 and talker.said >= 17


@pytest.mark.parametrize("more, name", [(0, "fresh-binding"), (14, "fresh-binding"), (15, "attest-http")])
def test_a_few_tickets_are_fine(world, victim, more, name):
    """Two are sent by most servers, also by this one; sixteen are the bound."""
    def answer(tls):
        for _ in range(more):
            ticket(tls)
        request = attackers.read_request(standin.Stream(tls, None))
        tls.sendall(attackers.http_answer(attackers.dump(attackers.ask(victim, attackers.nonce_of(request)))))
        time.sleep(5)
    with Talker(victim, answer) as talker:
        seen = world.verify(victim, talker.port)
        assert seen.name == name and (TOO_MANY in seen.text) == (more == 15), seen.text


@pytest.mark.parametrize("say", [ticket, key_update])
def test_the_relay_does_not_listen_to_it_either(world, victim, say):
    """Behind true evidence: one such connection is lost, others go on, and SIGTERM is heard."""
    flooding = threading.Event()

    def serve(stream, number):
        head = stream.head()
        while b"GET /flood" not in head:
            stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
            head = stream.head()
        flooding.set()
        with contextlib.suppress(AssertionError):
            while True:
                say(stream.tls)
    with standin.StandIn(world, victim, serve, tickets=True) as other, \
            connector.Connector(world, victim.instance["domain"], other.port, fingerprint=victim.tee.mrenclave) as running:
        with running.raw(b"GET /flood HTTP/1.1\r\nHost: localhost:%d\r\n\r\n" % running.port) as client:
            assert flooding.wait(20)
            begin = time.monotonic()
            assert running.request().body == b"hello"
            assert time.monotonic() - begin < 5
            assert b" 502 " in connector.read_all(client)
            client.close()
            begin = time.monotonic()
            assert running.stop() == 0
            assert time.monotonic() - begin < 1


# ---- crumbs ----

def ended(process, seconds):
    begin = time.monotonic()
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=20)
    assert time.monotonic() - begin < seconds, (out, err)
    return process.returncode


def ask_slowly(world, victim):
    """getaddrinfo knows no deadline and no signal: it is not waited for."""
    env = {"LD_PRELOAD": str(world.build / "test/support/libattack_preload.so"), "ATTACK_RESOLVER_SECONDS": "30"}
    with connector.Connector(world, "slow.example", 443, fingerprint=victim.tee.mrenclave, env=env) as running:
        begin = time.monotonic()
        error = running.request().error
        asked = time.monotonic()
        assert running.stop() == 0
        return error, asked - begin, time.monotonic() - asked


def test_what_never_ends_is_over_in_time(world, victim):
    """10 seconds for an answer or a name, whatever arrives meanwhile; a second when it is told to end."""
    with Crumbler(victim) as crumbler, concurrent.futures.ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(world.verify, victim, crumbler.port)
        named = pool.submit(ask_slowly, world, victim)
        words = [str(world.build / "mse"), "cloud", "verify", f"{victim.instance['domain']}:{crumbler.port}", "--pccs",
                 world.pccs.url, "--fingerprint", victim.tee.mrenclave.hex()]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        end = time.monotonic() + 10
        while crumbler.said < 2:
            assert time.monotonic() < end
            time.sleep(0.02)
        assert ended(process, 1) == 130
        assert waiting.result(20).name == "attest-timeout"
        error, asked, ended_in = named.result(30)
        assert error == "unreachable" and asked < 15 and ended_in < 1


def test_connect_ends_at_once_while_crumbs_come(world, victim):
    with Crumbler(victim) as crumbler, \
            connector.Connector(world, victim.instance["domain"], crumbler.port, fingerprint=victim.tee.mrenclave) as running:
        end = time.monotonic() + 10
        while not crumbler.said:
            assert time.monotonic() < end
            time.sleep(0.02)
        begin = time.monotonic()
        assert running.stop() == 0
        assert time.monotonic() - begin < 1

