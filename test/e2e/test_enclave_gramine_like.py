# SPDX-License-Identifier: Apache-2.0
"""What Gramine does not have is not used: WSGI and ASGI, from start to end, under a filter that answers ENOSYS."""
import os
import re
import subprocess
import threading

import pytest
import testenclave

WSGI = """
def app(environ, start):
    start("200 OK", [])
    return [str(len(environ["wsgi.input"].read())).encode()]
"""
ASGI = """
import asyncio
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        return await send({"type": "lifespan.shutdown.complete"})
    size = 0
    while True:
        message = await receive()
        size += len(message["body"])
        if not message["more_body"]:
            break
    size = await asyncio.get_running_loop().run_in_executor(None, lambda: size)
    await asyncio.sleep(0.01)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(size).encode()})
"""


def epolls_watching_epolls(pid):
    """Descriptors of the process that are an epoll, watched by another of its epolls."""
    links = {}
    for fd in os.listdir(f"/proc/{pid}/fd"):
        links[int(fd)] = os.readlink(f"/proc/{pid}/fd/{fd}")
    epolls = [fd for fd, link in links.items() if link == "anon_inode:[eventpoll]"]
    assert epolls, "it has an epoll at all"
    watched = []
    for fd in epolls:
        with open(f"/proc/{pid}/fdinfo/{fd}") as info:
            watched += [int(target) for target in re.findall(r"^tfd:\s*(\d+)", info.read(), re.M)]
    return [fd for fd in watched if fd in epolls]


@pytest.mark.parametrize("code, wanted", [
    ("import os; os.eventfd(0)", "Function not implemented"),
    ("import os; os.memfd_create('x')", "Function not implemented"),
    ("import os; os.fork()", "Function not implemented"),
    ("import threading; t = threading.Thread(target=print, args=('runs',)); t.start(); t.join()", "runs"),
])
def test_the_filter_filters(build, code, wanted):
    """Else the test below could not fail."""
    done = subprocess.run([build / "test/support/gramine_like", "/usr/bin/python3", "python3", "-c", code],
                          capture_output=True, text=True, timeout=20)
    assert wanted in done.stdout + done.stderr


@pytest.mark.parametrize("code", [WSGI, ASGI])
def test_it_runs_without(build, code):
    with testenclave.Enclave(build, {"app.py": code}) as one:
        one.program = build / "test/support/gramine_like"
        one.argv = ["gramine_like", str(build / "mse-enclave"), "mse-enclave"]
        one.run(app_secrets={"a": 1})
        clients = [threading.Thread(target=lambda: one.request("POST", "/", body=bytes(200_000))) for _ in range(8)]
        for client in clients:
            client.start()
        assert epolls_watching_epolls(one.process.pid) == []
        for client in clients:
            client.join()
        assert one.request("POST", "/", body=bytes(200_000)).text == "200000"
        assert one.request("GET", "/.well-known/mse/attestation").status == 405
        assert one.stop() == 0
        one.start()
        one.wait_running()
        assert one.get().text == "0"
