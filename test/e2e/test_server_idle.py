# SPDX-License-Identifier: Apache-2.0
"""What idle connections cost the application server: memory (10,000 of them in test/long/servers.py) and wake-ups."""
import pathlib

import pytest
from idling import allow_descriptors, certificate, excess_kib, held, sleeps
from plainserver import PlainServer

CONNECTIONS = 500
EXCESS_KIB_MAX = 20
APPS = {
    "wsgi": "def app(environ, start_response):\n    start_response('200 OK', [])\n    return [b'hello']\n",
    "asgi": "async def app(scope, receive, send):\n"
            "    if scope['type'] != 'http':\n        raise RuntimeError('no lifespan')\n"
            "    await send({'type': 'http.response.start', 'status': 200})\n"
            "    await send({'type': 'http.response.body', 'body': b'hello'})\n",
}


@pytest.fixture(params=list(APPS))
def server(request, build, tmp_path):
    allow_descriptors()
    cert, key = certificate(tmp_path)
    with PlainServer(build, {"app.py": APPS[request.param]}, "--cert", str(cert), "--key", str(key)) as found:
        found.cert, found.key = cert, key
        yield found


@pytest.mark.parametrize("server", ["wsgi"], indirect=True)
def test_idle_connections_cost_little(build, server):
    excess = excess_kib(pathlib.Path(build), server, CONNECTIONS)
    assert excess <= EXCESS_KIB_MAX


def test_who_is_idle_sleeps(build, server):
    """Alone, and with connections that say nothing once their buffers are gone."""
    assert sleeps(server.process.pid, 2, 10)
    with held(pathlib.Path(build), server.port(), 100):
        assert sleeps(server.process.pid, 2, 10)
