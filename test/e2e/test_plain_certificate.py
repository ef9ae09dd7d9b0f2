# SPDX-License-Identifier: Apache-2.0
"""mse-enclave --plain --cert --key: files that change while it serves. Nobody is cut off, and new handshakes take the new
pair; a pair that cannot be used changes nothing and is told once."""
import re
import ssl
import subprocess

import pytest

import attackers
import wsclient
from http2client import Connection, request
from plainserver import PlainServer
from renewing import APP, Pair, ask, dial, read, shown, wait_shown


@pytest.fixture
def pair(tmp_path):
    return Pair(tmp_path)


def test_nobody_is_cut_off(build, pair):
    with PlainServer(build, {"app.py": APP}, *pair.options()) as server:
        with dial(server) as kept, dial(server) as waiting, Connection(dial(server, "h2")) as http2, \
                wsclient.Client(dial(server)) as websocket:
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


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=30)


def made(folder, name, *key):
    """A key and its certificate."""
    openssl("req", "-x509", "-nodes", "-newkey", *key, "-subj", "/CN=a", "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem")
    return folder / f"{name}.pem", folder / f"{name}.key"


EC = "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"


def test_what_is_wrong_with_a_pair_is_named(build, tmp_path):
    cert, key = made(tmp_path, "good", *EC)
    _, other = made(tmp_path, "other", *EC)
    encrypted, nothing = tmp_path / "encrypted", tmp_path / "nothing"
    openssl("pkey", "-in", key, "-aes256", "-passout", "pass:x", "-out", encrypted)
    nothing.write_text("nothing\n")
    weak = made(tmp_path, "weak", "rsa:1024")
    for pair, said in [((cert, encrypted), "the private key is encrypted, wanted one without a passphrase"),
                       ((key, cert), "no certificate in the chain: it has a private key, are the two swapped?"),
                       ((cert, cert), "no private key: it has a certificate"), ((key, key), "no certificate in the chain: it has a private key"),
                       ((cert, nothing), "no private key"), ((nothing, key), "no certificate in the chain"),
                       ((nothing, nothing), "neither is PEM text"), ((cert, other), "the private key does not fit the certificate"),
                       (weak, "the RSA key is too weak: it has 1024 bits, wanted 2048 or more")]:
        done = subprocess.run([build / "mse-serve", "app:app", "--cert", pair[0], "--key", pair[1]], capture_output=True, text=True, timeout=20)
        assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
        assert done.stderr.startswith(f"mse-serve: '--cert' and '--key': '{pair[0]}' with '{pair[1]}': {said}"), said


def test_a_certificate_that_is_not_valid_is_told_and_served(build, tmp_path):
    certificate, private = attackers.make_certificate("localhost", days=-0.5)
    cert, key = tmp_path / "old.pem", tmp_path / "old.key"
    cert.write_bytes(attackers.pem(certificate))
    key.write_bytes(attackers.key_pem(private))
    with PlainServer(build, {"app.py": APP}, "--cert", cert, "--key", key, "--workers", "2") as server:
        assert re.search(rf"the certificate of '{cert}' has expired on \d{{4}}-\d\d-\d\dT[\d:]+Z: clients will refuse it\n", server.messages())
        assert server.messages().count("has expired") == 1
        with dial(server) as tls:
            assert b"done" in ask(tls)


def test_keys_of_each_kind_and_form_are_read(build, tmp_path):
    """As openssl writes them: PKCS #8, the older form of their kind, and behind their parameters."""
    pairs = [made(tmp_path, name, *key) for name, key in (("p256", EC), ("rsa", ("rsa:2048",)), ("ed25519", ("ed25519",)))]
    for (cert, key), name in zip(pairs[:2], ("ec", "rsa")):
        old = tmp_path / f"old-{name}"
        openssl("pkey", "-in", key, "-traditional", "-out", old)
        assert f"BEGIN {name.upper()} PRIVATE KEY" in old.read_text()
        pairs.append((cert, old))
    parameters = tmp_path / "parameters"
    openssl("ecparam", "-name", "prime256v1", "-out", parameters)
    behind = tmp_path / "behind"
    behind.write_text(parameters.read_text() + pairs[3][1].read_text())
    pairs.append((pairs[0][0], behind))
    for cert, key in pairs:
        with PlainServer(build, {"app.py": APP}, "--cert", str(cert), "--key", str(key)) as server:
            assert shown(server) == cert.read_text(), key
