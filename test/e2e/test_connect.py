# SPDX-License-Identifier: Apache-2.0
"""`mse connect` against a running mse-enclave: what clients of every kind get through it."""
import pytest

import attackers
import connector

APP = r'''
import time

def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/echo":
        size = int(environ.get("CONTENT_LENGTH") or 0)
        start_response("200 OK", [("Content-Type", "application/octet-stream")])
        return [environ["wsgi.input"].read(size)]
    if path == "/headers":
        names = sorted(n for n in environ if n.startswith("HTTP_"))
        body = "\n".join(f"{n}={environ[n]}" for n in names).encode()
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]
    start_response("200 OK", [("Content-Length", "5")])
    return [b"hello"]
'''


@pytest.fixture(scope="module")
def world(build):
    new = attackers.World(build)
    yield new
    new.close()


@pytest.fixture(scope="module")
def enclave(world):
    with world.enclave({"app.py": APP}) as new:
        new.run()
        yield new


@pytest.fixture(scope="module")
def server(enclave):
    with attackers.passing(lambda _: enclave) as listener:
        yield listener


@pytest.fixture(scope="module")
def proxy(world, enclave, server):
    with connector.Connector(world, enclave.instance["domain"], server.port,
                             fingerprint=enclave.tee.mrenclave) as running:
        yield running


def test_a_get_goes_through_an_attested_connection(proxy):
    answer = proxy.request()
    assert (answer.status, answer.body) == (200, b"hello")
    verdict = proxy.wait_event("attested")["verdict"]
    assert verdict["verdict"] == "accept" and verdict["simulated"]
