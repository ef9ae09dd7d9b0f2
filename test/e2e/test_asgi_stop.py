# SPDX-License-Identifier: Apache-2.0
"""What a stop owes to an ASGI application: its requests end before its lifespan is shut down (docs/plain-server.md)."""
import pytest

from plainserver import PlainServer
from wsclient import Client

APP = '''
import asyncio

async def job(scope, receive, send):
    """Work behind a response, as BackgroundTask does it."""
    await send({"type": "http.response.start", "status": 202})
    await send({"type": "http.response.body", "body": b"accepted"})
    try:
        await asyncio.sleep(float(scope["query_string"]))
        print("mailed", flush=True)
    except asyncio.CancelledError:
        await asyncio.sleep(0.1)
        print("cancelled", flush=True)
        raise

async def talk(scope, receive, send):
    await send({"type": "websocket.accept"})
    try:
        while (await receive())["type"] != "websocket.disconnect":
            pass
    finally:
        await asyncio.sleep(0.3)
        print("left", flush=True)

async def lifespan(scope, receive, send):
    while True:
        message = await receive()
        if message["type"] == "lifespan.shutdown":
            print("shutdown", flush=True)
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return

async def app(scope, receive, send):
    await {"http": job, "websocket": talk, "lifespan": lifespan}[scope["type"]](scope, receive, send)
'''


def test_a_stop_lets_what_follows_a_response_finish(build):
    with PlainServer(build, {"app.py": APP}) as server, Client(server.dial()) as client:
        assert client.status == 101
        assert server.get("/?1.5").text == "accepted"
        server.process.terminate()
        assert client.close_code()[0] == 1012
        client.sock.close()
        assert server.exit() == 0
        assert server.output() == "left\nmailed\nshutdown\n"


def test_a_stop_cancels_what_follows_a_response_in_the_end(build):
    with PlainServer(build, {"app.py": APP}, "--graceful-timeout", "1") as server:
        assert server.get("/?100").text == "accepted"
        assert server.stop(seconds=10) == 0
        assert server.output() == "cancelled\nshutdown\n"


# Requests wait, and the loop is gone: nothing is left that could serve them.
CLOSED = '''
import asyncio, sys, threading

if WITHOUT_UVLOOP:
    sys.modules["uvloop"] = None

def close(loop):
    while not loop.is_closed():
        try:
            loop.call_soon_threadsafe(loop.stop)
            loop.close()
        except RuntimeError:
            pass

def spoil(loop):
    loop._selector.close()
    loop._write_to_self()

async def app(scope, receive, send):
    assert scope["type"] != "lifespan"
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
    if scope["path"] == "/end":
        threading.Thread(target=HOW, args=(asyncio.get_running_loop(),), daemon=True).start()
    await asyncio.sleep(100)
'''


def closed(how):
    return {"app.py": CLOSED.replace("HOW", how).replace("WITHOUT_UVLOOP", str(how == "spoil"))}


def is_cut(sock):
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("how", ["close", "spoil"])
def test_an_application_without_a_loop_has_failed(build, how):
    with PlainServer(build, closed(how)) as server, server.dial() as one, Client(server.dial(), "/wait") as talk:
        assert talk.status == 101
        one.sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        with server.dial() as other:
            other.sendall(b"GET /end HTTP/1.1\r\nHost: x\r\n\r\n")
            assert server.exit(8) == 3  # 3 s, but on a busy machine
        assert is_cut(one) and is_cut(talk.sock)
        assert "mse-enclave: application-failed: the application has ended its event loop\n" in server.messages()


def test_a_worker_without_a_loop_is_started_again(build):
    with PlainServer(build, closed("close"), "--workers", "2") as server, server.dial() as other:
        server.wait_for(lambda: server.messages().count(" is served (") == 2)
        other.sendall(b"GET /end HTTP/1.1\r\nHost: x\r\n\r\n")
        server.wait_for(lambda: server.messages().count(" is served (") == 3)
        assert "a worker ended with status 1: it is started again" in server.messages()
        assert server.stop() == 0
