# SPDX-License-Identifier: Apache-2.0
"""Clients that send or take as fast as they can, with an application that always has something to do for them: others have
their turn."""
import subprocess
import time

import pytest

from netserver import Identity, temporary
from plainserver import PlainServer

SIZE = 32 << 20
APP = '''
import hashlib

async def app(scope, receive, send):
    assert scope["type"] == "http"
    seen, more = hashlib.sha512(), True
    while more:
        message = await receive()
        more = message.get("more_body", False)
        seen.update(message.get("body", b""))
    await send({"type": "http.response.start", "status": 200})
    left = int(scope["query_string"] or b"0")
    while left > 0:
        seen.update(bytes(65536))
        await send({"type": "http.response.body", "body": bytes(65536), "more_body": True})
        left -= 65536
    await send({"type": "http.response.body", "body": b"end"})
'''


@pytest.fixture(scope="module")
def server(build):
    identity = Identity(temporary(), "a.localhost")
    with PlainServer(build, {"app.py": APP}, "--cert", identity.cert, "--key", identity.key) as new:
        new.identity = identity
        yield new


def curl(server, path, *arguments):
    return subprocess.Popen(["curl", "-sSf", "-m", "100", "-o", "/dev/null", "--cacert", server.identity.cert, "--resolve",
                             f"a.localhost:{server.port()}:127.0.0.1", *arguments,
                             f"https://a.localhost:{server.port()}{path}"])


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
@pytest.mark.parametrize("way", ["up", "down"])
def test_others_have_their_turn(server, tmp_path, version, way):
    (tmp_path / "zeros").touch()
    with open(tmp_path / "zeros", "r+b") as zeros:
        zeros.truncate(SIZE)
    busy = curl(server, f"/?{SIZE}" if way == "down" else "/", version, *(["-T", tmp_path / "zeros"] if way == "up" else []))
    served, begun = 0, time.monotonic()
    context = server.identity.context()
    while busy.poll() is None:
        with context.wrap_socket(server.dial(), server_hostname="a.localhost") as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: a.localhost\r\nConnection: close\r\n\r\n")
            assert sock.recv(100).startswith(b"HTTP/1.1 200 ")
        served += busy.poll() is None
    took = time.monotonic() - begun
    assert busy.returncode == 0
    assert served >= 5, f"{served} others in {took:.2f} s"
