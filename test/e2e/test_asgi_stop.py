# SPDX-License-Identifier: Apache-2.0
"""What a stop owes to an ASGI application: its requests end before its lifespan is shut down (docs/plain-server.md)."""
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
        assert server.get("/?0.7").text == "accepted"
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
