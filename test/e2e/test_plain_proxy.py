# SPDX-License-Identifier: Apache-2.0
"""mse-serve behind HTTP proxies: whose word about the client counts, and where it arrives."""
import contextlib
import json
import socket
import struct

import pytest
from plainserver import PlainServer

WSGI = """
import json
def app(environ, start):
    start("200 OK", [("Content-Type", "application/json")])
    keys = "REMOTE_ADDR", "REMOTE_PORT", "wsgi.url_scheme", "HTTPS", "SERVER_PORT", "HTTP_X_FORWARDED_FOR"
    return [json.dumps({k: environ[k] for k in keys if k in environ}).encode()]
"""
ASGI = """
import json
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        raise RuntimeError("none")
    shown = {"client": scope["client"], "scheme": scope["scheme"], "server": scope["server"]}
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(shown).encode()})
"""
SAID = {"X-Forwarded-For": "6.6.6.6, 203.0.113.7, 10.1.1.1", "X-Forwarded-Proto": "https"}
PROXY = b"\r\n\r\n\0\r\nQUIT\n\x21\x11"


def test_wsgi_and_the_access_log(build):
    with PlainServer(build, {"app.py": WSGI}, "--forwarded-allow-ips", "127.0.0.1,10.0.0.0/8", "--access-log", "common") as server:
        got = json.loads(server.get(headers={**SAID, "Host": "example.org"}).data)
        assert got == {"REMOTE_ADDR": "203.0.113.7", "wsgi.url_scheme": "https", "HTTPS": "on", "SERVER_PORT": "443",
                       "HTTP_X_FORWARDED_FOR": SAID["X-Forwarded-For"]}
        server.wait_for(lambda: server.output().startswith("203.0.113.7 - - ["))
        assert json.loads(server.get().data)["REMOTE_ADDR"] == "127.0.0.1", "the connection's, with nothing said"
        with contextlib.closing(server.connection()) as kept:  # each request of a connection has its own client
            seen = [json.loads(server.get(headers={"X-Forwarded-For": address}, connection=kept).data)["REMOTE_ADDR"]
                    for address in ("203.0.113.8:80", "2001:db8::1", "unknown")]
        assert seen == ["203.0.113.8", "2001:db8::1", "127.0.0.1"]


def test_asgi_and_a_unix_socket(build):
    with PlainServer(build, {"app.py": ASGI}, "--forwarded-allow-ips", "unix", "--access-log", "json", bind="unix:s") as server:
        got = json.loads(server.get(headers={**SAID, "Host": "example.org"}).data)
        assert got == {"client": ["10.1.1.1", 0], "scheme": "https", "server": ["localhost", 443]}
        server.wait_for(lambda: '"client":"10.1.1.1"' in server.output())
        assert json.loads(server.get(headers={"Host": "x"}).data)["client"] is None


@pytest.mark.parametrize("options", [(), ("--forwarded-allow-ips", "none"), ("--forwarded-allow-ips", "unix,10.0.0.0/8")])
def test_nobody_else_is_believed(build, options):
    with PlainServer(build, {"app.py": WSGI}, *options) as server:
        got = json.loads(server.get(headers=SAID).data)
        assert (got["REMOTE_ADDR"], got["wsgi.url_scheme"]) == ("127.0.0.1", "http")


def test_what_is_wrong_in_the_list_is_said(build):
    server = PlainServer(build, {"app.py": WSGI}, "--forwarded-allow-ips", "127.0.0.1,10.0.0.1/8")
    try:
        assert server.start(wait=False).exit() == 2
        assert "'--forwarded-allow-ips': '10.0.0.1/8' has bits of a host behind its prefix" in server.messages()
    finally:
        server.remove()


@pytest.mark.parametrize("name, text", [("wsgi", WSGI), ("asgi", ASGI)], ids=["wsgi", "asgi"])
def test_proxy_v2_says_the_scheme(build, name, text):
    def ask(tls):
        addresses = socket.inet_aton("203.0.113.7") + socket.inet_aton("10.0.0.1") + struct.pack("!HH", 4711, 443)
        ssl = struct.pack("!BHBI", 0x20, 5, tls, 0)
        got = server.raw(PROXY + struct.pack("!H", len(addresses + ssl)) + addresses + ssl +
                         b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return json.loads(b"{" + got.partition(b"{")[2].rpartition(b"}")[0] + b"}")

    with PlainServer(build, {"app.py": text}, "--proxy", "required") as server:
        for tls in 0, 1:
            got = ask(tls)
            assert got["scheme" if name == "asgi" else "wsgi.url_scheme"] == ("https" if tls else "http")
            client = got["client"] if name == "asgi" else [got["REMOTE_ADDR"], int(got["REMOTE_PORT"])]
            assert client == ["203.0.113.7", 4711]
