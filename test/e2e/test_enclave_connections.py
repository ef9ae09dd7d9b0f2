# SPDX-License-Identifier: Apache-2.0
"""An enclave with streams of HTTP/2 and WebSockets open, WSGI and ASGI: a host that does not read its log blocks none of them, and
kill -9 leaves a state that resumes."""
import contextlib
import os
import pathlib
import re

import http2client as h2
import pytest
import sealing
import testenclave
from wsclient import Client

APPS = {"wsgi": """
import os

def app(environ, start_response):
    for n in range(int(environ["QUERY_STRING"] or 0)):
        print(n, "x" * 10_000)
    start_response("200 OK", [])
    return [open(os.environ["SECRETS_PATH"], "rb").read()]
""", "asgi": """
import os

async def app(scope, receive, send):
    assert scope["type"] != "lifespan"
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            for n in range(100):
                print(n, "y" * 10_000)
            await send({**message, "type": "websocket.send"})
        return
    if scope["path"] == "/hold":
        await receive()
        return await receive()
    for n in range(int(scope["query_string"] or 0)):
        print(n, "x" * 10_000)
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": open(os.environ["SECRETS_PATH"], "rb").read()})
"""}


@pytest.fixture(params=list(APPS))
def kind(request):
    return request.param


class Clients:
    """What is open to an enclave: streams that have ended, and some that wait; WebSockets."""

    def __init__(self, enclave, kind):
        self.streams, self.talks = [], []
        for _ in range(3):
            context = testenclave.client_context()
            context.set_alpn_protocols(["h2"])
            domain = enclave.instance["domain"]
            one = h2.Connection(context.wrap_socket(enclave.dial(), server_hostname=domain))
            one.fetch = lambda path, one=one: one.reply(one.head(h2.request(path, authority=domain)), 30)
            assert one.fetch("/").status == 200
            if kind == "asgi":
                one.head(h2.request("/hold", authority=domain))
                self.talks.append(Client(enclave.connect(), host=domain))
            self.streams.append(one)
        assert [talk.ask("hello") for talk in self.talks] == ["hello"] * len(self.talks)

    def close(self):
        for one in self.streams + self.talks:
            one.sock.close()


def resident_kib(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1])


def test_a_host_that_stops_reading_blocks_nobody(build, kind):
    """4 MB of output for each request, a megabyte for each message, and the log is a pipe that nobody reads."""
    with testenclave.Enclave(build, {"app.py": APPS[kind]}) as enclave:
        reader, enclave.log_to = os.pipe()
        enclave.start()
        os.close(enclave.log_to)
        assert enclave.provision(enclave.body(app_secrets={"a": 1})).status == 200
        enclave.wait(lambda: "Mse-Status" not in enclave.get("/").headers)
        with contextlib.closing(Clients(enclave, kind)) as clients:
            assert clients.streams[0].fetch("/?400").status == 200
            before = resident_kib(enclave.process.pid)
            for one in clients.streams:
                assert one.fetch("/?400").body == b'{"a":1}'
            assert [talk.ask("and you") for talk in clients.talks] == ["and you"] * len(clients.talks)
            assert resident_kib(enclave.process.pid) - before < 4096
        os.close(reader)


def test_killed_with_connections_open_it_resumes(build, kind):
    """While requests wait and messages are on their way; twice, since what resumed is killed too."""
    with testenclave.Enclave(build, {"app.py": APPS[kind]}) as enclave:
        enclave.start()
        identity = sealing.provision(enclave)
        enclave.wait_running()
        state = (enclave.dir / "state/sealed.bin").read_bytes()
        for _ in range(2):
            with contextlib.closing(Clients(enclave, kind)) as clients:
                clients.streams[0].head(h2.request("/?100000", authority=enclave.instance["domain"]))
                for talk in clients.talks:
                    talk.text("on its way")
                enclave.kill()
            assert (enclave.dir / "state/sealed.bin").read_bytes() == state
            assert sealing.check_after_kill(enclave, identity) == "resumed"
