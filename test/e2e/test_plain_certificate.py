# SPDX-License-Identifier: Apache-2.0
"""mse-enclave --plain --cert --key: files that change while it serves. Nobody is cut off, and new handshakes take the new
pair; a pair that cannot be used changes nothing and is told once."""
import ssl

import pytest

import wsclient
from http2client import Connection, request
from plainserver import PlainServer
from renewing import APP, Pair, ask, dial, read, shown, wait_shown


@pytest.fixture
def pair(tmp_path):
    return Pair(tmp_path)


def test_nobody_is_cut_off(build, pair):
    with PlainServer(build, {"app.py": APP}, *pair.options()) as server, dial(server) as kept, dial(server) as waiting, \
            Connection(dial(server, "h2")) as http2, wsclient.Client(dial(server)) as websocket:
        first = shown(server)
        assert b"done" in ask(kept)
        waiting.sendall(b"GET /wait?1 HTTP/1.1\r\nHost: a\r\n\r\n")
        read(waiting, b"begun \r\n")
        stream = http2.head(request("/wait?1", authority="localhost"))
        http2.until(lambda: http2.replies[stream].body)
        pair.renew()
        wait_shown(server, pair.cert)
        assert shown(server) != first
        assert b"done" in ask(kept)
        websocket.sock.sendall(wsclient.frame(wsclient.TEXT, b"still here"))
        assert read(websocket.sock, b"still here")
        ask(kept, "/open?1")
        assert b"done" in read(waiting, b"\r\n0\r\n\r\n") and b"done" in ask(waiting)
        assert b"done" in http2.reply(stream).body
        assert http2.reply(http2.head(request("/", authority="localhost"))).status == 200
        server.wait_for(lambda: shown(server) and f"the certificate of '{pair.cert}' is shown from now on" in server.messages())
        assert server.messages().count("shown from now on") == 1
        assert server.stop() == 0


def test_each_worker_follows(build, pair):
    with PlainServer(build, {"app.py": APP}, "--workers", "2", *pair.options()) as server:
        pair.renew()
        workers = {}

        def all_show_it():
            with dial(server) as tls:
                is_new = ssl.DER_cert_to_PEM_cert(tls.getpeercert(True)).split() == pair.cert.read_text().split()
                workers[ask(tls).split(b"done by ")[1].split()[0]] = is_new
            return len(workers) == 2 and all(workers.values())
        server.wait_for(all_show_it)


def test_a_pair_that_cannot_be_used_changes_nothing_and_is_told_once(build, pair):
    """Files that are cut off or gone: test/unit/enclave/test_plain_tls.c."""
    with PlainServer(build, {"app.py": APP}, *pair.options()) as server:
        first = shown(server)
        already = len(server.messages())
        pair.renew(key=False)

        def is_told():
            assert shown(server) == first
            return "stays as it was" in server.messages()
        server.wait_for(is_told)
        said = server.messages()[already:]
        assert str(pair.cert) in said and "the private key does not fit the certificate" in said
        pair.renew()
        wait_shown(server, pair.cert)
        server.wait_for(lambda: shown(server) and "shown from now on" in server.messages())
        assert server.messages()[already:].count("\n") == 2
