# SPDX-License-Identifier: Apache-2.0
"""TLS of the HTTP engine with OpenSSL's and Python's clients: versions, resumption, names, certificates that change."""
import socket
import ssl
import subprocess

import pytest

from conftest import BUILD
from netserver import Identity, Server, read_response

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture(scope="module")
def identities(tmp_path_factory):
    directory = tmp_path_factory.mktemp("tls")
    return Identity(directory, "one"), Identity(directory, "two")


@pytest.fixture
def server(identities):
    one, two = identities
    with Server(BUILD, cert=one.cert, key=one.key, cert2=two.cert, key2=two.key, header=1000) as new:
        yield new


def s_client(server, *arguments, text=GET.decode()):
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-servername", "a.localhost", "-ign_eof",
         *arguments], input=text.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"), capture_output=True, text=True,
        timeout=20)
    return done.stdout + done.stderr


def test_tls_1_3_only(server, identities):
    with server.connect_tls(identities[0]) as sock:
        assert sock.version() == "TLSv1.3"
        sock.sendall(GET)
        assert read_response(sock)[2] == b"hello\n"
    for version in (ssl.TLSVersion.TLSv1_2,):
        with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
            server.connect_tls(identities[0], minimum=version, maximum=version)
    for old in ("-tls1_2", "-tls1_1", "-tls1"):
        assert "hello" not in s_client(server, old, "-cipher", "ALL:@SECLEVEL=0")


def test_nothing_to_resume(server, tmp_path):
    saved = tmp_path / "session"
    answer = s_client(server, "-sess_out", str(saved), "-tls1_3")
    assert "hello" in answer and "New Session Ticket" not in answer
    assert not saved.exists()
    answer = s_client(server, "-reconnect")
    assert "Reused" not in answer


def test_no_session_reused_by_python(server, identities):
    context = identities[0].context()
    first = context.wrap_socket(server.connect(), server_hostname="a.localhost")
    first.sendall(GET)
    assert read_response(first)[0] == 200
    # Python keeps a session object even where there is no ticket: offering it must resume nothing.
    second = context.wrap_socket(server.connect(), server_hostname="a.localhost", session=first.session)
    assert not second.session_reused
    second.sendall(GET)
    assert read_response(second)[0] == 200
    first.close()
    second.close()


def test_alpn(server, identities):
    with server.connect_tls(identities[0], alpn=["h2", "http/1.1"]) as sock:
        assert sock.selected_alpn_protocol() == "h2"
    with server.connect_tls(identities[0], alpn=["http/1.1"]) as sock:
        assert sock.selected_alpn_protocol() == "http/1.1"
    with server.connect_tls(identities[0]) as sock:
        assert sock.selected_alpn_protocol() is None
    with pytest.raises(ssl.SSLError, match="no application protocol"):
        server.connect_tls(identities[0], alpn=["spdy/1"])


@pytest.mark.parametrize("offered, chosen", [
    ("", "TLS_AES_128_GCM_SHA256"),
    ("TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"),
    ("TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_256_GCM_SHA384"),
    ("TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256"),
], ids=["default", "128", "256", "chacha"])
def test_cipher_suites(server, offered, chosen):
    """Ours comes first, but a client that names ChaCha20 first has it (no AES in hardware)."""
    told = s_client(server, *(["-ciphersuites", offered] if offered else []))
    assert f"Cipher is {chosen}" in told and "hello" in told


def test_names(server, identities):
    with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
        server.connect_tls(identities[0], "unknown.test")
    assert "hello" not in s_client(server, "-noservername")


def test_certificate_changes_under_open_connections(server, identities):
    one, two = identities
    with server.connect_tls(one) as old:
        old.sendall(GET.replace(b"/", b"/swap", 1))
        assert read_response(old)[2] == b"swapped\n"
        with pytest.raises(ssl.SSLCertVerificationError):
            server.connect_tls(one)
        with server.connect_tls(two) as new:
            new.sendall(GET)
            assert read_response(new)[0] == 200
        old.sendall(GET)
        assert read_response(old)[2] == b"hello\n"


def test_slow_and_broken_handshakes(server, identities):
    with server.connect() as silent:
        assert silent.recv(1) == b""
    with server.connect() as half:
        half.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        assert half.recv(100) == b""
    with server.connect() as plain:
        plain.sendall(GET)
        answer = plain.recv(100)
        assert b"HTTP" not in answer
    with server.connect_tls(identities[0]) as sock:
        sock.sendall(GET)
        assert read_response(sock)[0] == 200


def test_large_transfers(server, identities):
    with server.connect_tls(identities[0], timeout=20) as sock:
        size = 5_000_000
        sock.sendall(b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size)
        sock.sendall(bytes(size))
        assert read_response(sock)[2] == f"{size} 0\n".encode()
        sock.sendall(b"GET /stream?%ds HTTP/1.1\r\nHost: a\r\n\r\n" % size)
        assert len(read_response(sock)[2]) == size


def test_a_slow_reader_gets_every_byte(identities):
    one = identities[0]
    with Server(BUILD, cert=one.cert, key=one.key, threads=1) as server:
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.settimeout(10)
        raw.connect(("127.0.0.1", server.port))
        size = 1_000_000
        with one.context().wrap_socket(raw, server_hostname="a.localhost") as slow:
            slow.sendall(b"GET /blob?%d HTTP/1.1\r\nHost: a\r\n\r\n" % size + GET)
            with server.connect_tls(one) as other:
                other.sendall(GET)
                assert read_response(other)[0] == 200
            assert read_response(slow)[2] == (b"abcdefghijklmnopqrstuvwxyz" * (size // 26 + 1))[:size]
            assert read_response(slow)[2] == b"hello\n"


def test_curl(server, identities):
    done = subprocess.run(
        ["curl", "-sS", "-m", "10", "--cacert", identities[0].cert, "--resolve", f"a.localhost:{server.port}:127.0.0.1",
         f"https://a.localhost:{server.port}/export"], capture_output=True, text=True)
    assert len(done.stdout) == 64, done.stderr


def test_proxy_header_before_tls(identities):
    one = identities[0]
    from test_net_server import proxy_header
    for mode in (1, 2):
        with Server(BUILD, cert=one.cert, key=one.key, proxy=mode) as server:
            raw = server.connect()
            raw.sendall(proxy_header())
            with one.context().wrap_socket(raw, server_hostname="a.localhost") as sock:
                sock.sendall(GET.replace(b"/", b"/show", 1))
                assert b"peer 1 192.0.2.7 4711" in read_response(sock)[2]
    with Server(BUILD, cert=one.cert, key=one.key, proxy=1) as server:
        with server.connect_tls(one) as sock:
            sock.sendall(GET.replace(b"/", b"/show", 1))
            assert b"peer 1 127.0.0.1" in read_response(sock)[2]


def test_idle_tls_connections_are_cheap(identities):
    one = identities[0]
    with Server(BUILD, cert=one.cert, key=one.key, threads=2) as server:
        before = server.resident_kib()
        threads = server.threads()
        socks = []
        context = one.context()
        for _ in range(300):
            sock = context.wrap_socket(server.connect(), server_hostname="a.localhost")
            sock.sendall(GET)
            assert read_response(sock)[0] == 200
            socks.append(sock)
        assert server.threads() == threads
        assert (server.resident_kib() - before) / 300 < 60
        for sock in socks:
            sock.close()
