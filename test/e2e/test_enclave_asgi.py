# SPDX-License-Identifier: Apache-2.0
"""ASGI inside mse-enclave: the same as in the plain server (test_asgi.py), over TLS, with the enclave's own around it."""
import socket
import threading
import time

import testenclave

APP = """
import asyncio, os
print("imported", flush=True)

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        assert (await receive())["type"] == "lifespan.startup"
        scope["state"]["secret"] = open(os.environ["SECRETS_PATH"]).read()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        print("shut down", flush=True)
        return await send({"type": "lifespan.shutdown.complete"})
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return print("gone", flush=True)
        body += message["body"]
        if not message["more_body"]:
            break
    if scope["path"] == "/sleep":
        await asyncio.sleep(0.5)
    if scope["path"] == "/gone":
        print((await receive())["type"], flush=True)
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for piece in scope["scheme"], scope["state"]["secret"], str(scope["client"]), str(len(body)):
        await send({"type": "http.response.body", "body": piece.encode() + b"|", "more_body": True})
    await send({"type": "http.response.body", "body": b""})
"""


def running(build, **settings):
    one = testenclave.Enclave(build, {"app.py": APP}, **settings)
    return one.run(app_secrets={"a": 1})


def test_from_provisioning_to_the_end(build):
    with running(build) as one:
        assert one.get().text == 'https|{"a":1}|None|0|'
        body = bytes(5_000_000)
        assert one.request("POST", "/", body=body).text.endswith("|5000000|")
        assert one.stop() == 0
        assert one.app_log() == "imported\nshut down\n"


def test_a_client_that_leaves_is_told_through_tls(build):
    with running(build) as one:
        tls = one.connect()
        tls.sendall(b"GET /gone HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(0.2)
        tls.unwrap().close()
        with one.connect() as other:
            other.sendall(b"GET /gone HTTP/1.1\r\nHost: a\r\n\r\n")
            time.sleep(0.2)
            other.shutdown(socket.SHUT_RDWR)
        one.wait(lambda: one.app_log().count("http.disconnect") == 2)


def test_more_requests_at_a_time_than_threads(build):
    """MSE_THREADS is for WSGI: requests of ASGI wait without one, and attestation and probes go on."""
    with running(build, MSE_THREADS="1") as one:
        began = time.monotonic()
        clients = [threading.Thread(target=one.get, args=("/sleep",)) for _ in range(30)]
        for client in clients:
            client.start()
        assert one.request("GET", "/.well-known/mse/attestation").status == 405
        for client in clients:
            client.join()
        assert time.monotonic() - began < 10, "one after another they take 15 s"


def test_a_stop_lets_requests_finish(build):
    with running(build) as one:
        answers = []
        client = threading.Thread(target=lambda: answers.append(one.get("/sleep").text))
        client.start()
        time.sleep(0.25)
        assert one.stop() == 0
        client.join()
        assert answers == ['https|{"a":1}|None|0|']


def test_it_resumes_from_its_sealed_state(build):
    with running(build) as one:
        one.kill()
        one.start()
        one.wait_running()
        assert one.get().text.startswith('https|{"a":1}|')


def test_a_failed_startup_is_the_owner_s_to_read(build):
    code = """
async def app(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no database"})
"""
    with testenclave.Enclave(build, {"app.py": code}) as one:
        one.start()
        assert one.provision().status == 200
        assert one.wait_exit() == 3
        assert "no database" in one.app_log() and "no database" not in one.log_text()


def test_the_interface_is_a_setting(build):
    code = """
def app(*arguments):
    async def asgi(scope, receive, send):
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"asgi"})
    if len(arguments) == 3:
        return asgi(*arguments)
    arguments[1]("200 OK", [])
    return [b"wsgi"]
"""
    for interface in "wsgi", "asgi":
        with testenclave.Enclave(build, {"app.py": code}, MSE_INTERFACE=interface) as one:
            one.run()
            assert one.get().text == interface
