# SPDX-License-Identifier: Apache-2.0
"""Real WebSocket clients (python3-websockets, Chromium, curl) against FastAPI and Starlette, in the plain server, behind
`mse connect`, and the same messages under uvicorn."""
import asyncio
import contextlib
import socket
import subprocess

import pytest
import websockets
from browser import BROWSER, visiting
from plainserver import PlainServer
from uvicornserver import uvicorn
from wsclient import KEY, Client, answer_of

import attackers
import connector

APP = r'''
import asyncio
from fastapi import Depends, FastAPI, Query, Request, WebSocket, WebSocketDisconnect, WebSocketException
from fastapi.responses import HTMLResponse, PlainTextResponse
from starlette.endpoints import WebSocketEndpoint
from starlette.routing import WebSocketRoute

class Upper(WebSocketEndpoint):
    encoding = "text"

    async def on_connect(self, websocket):
        await websocket.accept(subprotocol="upper" if "upper" in websocket["subprotocols"] else None)

    async def on_receive(self, websocket, data):
        await websocket.send_text(data.upper())

    async def on_disconnect(self, websocket, close_code):
        app.state.left.append(close_code)

app = FastAPI(routes=[WebSocketRoute("/upper", Upper)])
app.state.left = []
room = set()

@app.get("/", response_class=HTMLResponse)
async def page():
    return """<body>waiting<script>
const log = [], socket = new WebSocket(location.href.replace('http', 'ws') + 'upper', ['none', 'upper']);
socket.binaryType = 'arraybuffer';
socket.onopen = () => { log.push('open ' + socket.protocol + ' ' + socket.extensions + '|'); socket.send('h\\u00e9llo'); };
socket.onmessage = e => { log.push(e.data.length > 100 ? e.data.length : e.data);
    if (log.length == 2) socket.send('x'.repeat(300000)); else socket.close(3001, 'enough'); };
socket.onclose = e => { log.push(e.code, e.reason, e.wasClean);
    fetch('report', {method: 'POST', body: log.join(' ')}); };
</script>"""

@app.post("/report")
async def report(request: Request):
    print("seen:", (await request.body()).decode(), flush=True)

@app.get("/left")
async def left():
    return app.state.left

@app.websocket("/json/{name}")
async def json_(websocket: WebSocket, name: str, q: str = Query("none")):
    await websocket.accept(headers=[(b"x-name", name.encode())])
    async for item in websocket.iter_json():
        await websocket.send_json({"name": name, "q": q, "item": item})

@app.websocket("/bytes")
async def bytes_(websocket: WebSocket):
    await websocket.accept()
    try:
        while True:
            await websocket.send_bytes(await websocket.receive_bytes())
    except WebSocketDisconnect as gone:
        app.state.left.append(gone.code)

@app.websocket("/room")
async def talk(websocket: WebSocket):
    await websocket.accept()
    room.add(websocket)
    try:
        async for text in websocket.iter_text():
            for other in list(room):
                await other.send_text(text)
    finally:
        room.remove(websocket)

async def who(token: str = Query(None)):
    if token != "good":
        raise WebSocketException(code=1008, reason="who are you?")
    return token

@app.websocket("/guarded")
async def guarded(websocket: WebSocket, token: str = Depends(who)):
    await websocket.accept()
    await websocket.send_text(token)
    raise WebSocketException(code=4003, reason="that was all")

@app.websocket("/crash")
async def crash(websocket: WebSocket):
    await websocket.accept()
    raise KeyError("in the application")
'''


@pytest.fixture(scope="module")
def server(build):
    with PlainServer(build, {"app.py": APP}, env={"PYTHONPATH": "/usr/lib/python3/dist-packages"}) as started:
        yield started


async def story(port):
    """What a client sees, in order; whatever server it is."""
    got = []
    at = f"ws://127.0.0.1:{port}"
    async with websockets.connect(at + "/json/me?q=7", compression=None) as one:
        got.append(one.response_headers["x-name"])
        await one.send('{"a": [1, 2]}')
        got.append(await one.recv())
    async with websockets.connect(at + "/upper", subprotocols=["other", "upper"], compression=None) as one:
        got.append(one.subprotocol)
        await one.send(["fra", "g", "ments"])
        got.append(await one.recv())
        await (await one.ping(b"there"))
        await one.send(b"bytes, where text is expected")
        with contextlib.suppress(websockets.ConnectionClosed):
            await one.recv()
        got.append(one.close_code)
    async with websockets.connect(at + "/bytes", max_size=None, compression=None) as one:
        for size in 0, 125, 126, 65535, 65536, 3_000_000:
            await one.send(b"x" * size)
            got.append(len(await one.recv()))
        await one.close(3456, "bye")
        got.append(one.close_code)
    for path in "/guarded", "/guarded?token=good", "/crash", "/nowhere":
        try:
            async with websockets.connect(at + path, compression=None) as one:
                async for message in one:
                    got.append(message)
                got.append((one.close_code, one.close_reason))
        except websockets.InvalidStatusCode as error:
            got.append(error.status_code)
        except websockets.ConnectionClosed as error:
            got.append((error.code, error.reason))
    return got


def test_a_client_sees_what_it_sees_under_uvicorn(server, tmp_path):
    with uvicorn(server.code, tmp_path) as port:
        wanted = asyncio.run(asyncio.wait_for(story(port), 60))
    got = asyncio.run(asyncio.wait_for(story(server.port()), 60))
    # uvicorn of Debian 12 ends a connection whose application raised without a word; we say 1011.
    assert wanted.count((1006, "")) == 1
    assert got == [(1011, "") if item == (1006, "") else item for item in wanted]
    assert got[-4:] == [403, "good", (4003, "that was all"), (1011, ""), 403][-4:]


def test_many_talk_to_each_other(server):
    async def talk():
        async with contextlib.AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(websockets.connect(f"ws://127.0.0.1:{server.port()}/room"))
                       for _ in range(50)]
            for i, client in enumerate(clients):
                await client.send(f"from {i}")
            for client in clients:
                assert sorted([await client.recv() for _ in clients]) == sorted(f"from {i}" for i in range(50))
    asyncio.run(asyncio.wait_for(talk(), 60))


def test_the_client_library_keeps_a_quiet_connection_alive(server):
    async def wait():
        async with websockets.connect(f"ws://127.0.0.1:{server.port()}/upper", ping_interval=0.1, ping_timeout=5) as one:
            await asyncio.sleep(0.5)
            await one.send("x")
            assert await one.recv() == "X"
    asyncio.run(asyncio.wait_for(wait(), 30))


def test_curl_shakes_hands(server):
    with subprocess.Popen(
        ["curl", "-sS", "-i", "-N", "--max-time", "20", "--http1.1", "-H", "Connection: Upgrade", "-H", "Upgrade: websocket",
         "-H", f"Sec-WebSocket-Key: {KEY.decode()}", "-H", "Sec-WebSocket-Version: 13", server.url("/guarded?token=good")],
        stdout=subprocess.PIPE) as process:
        got = b""
        while b"\x81\x04good\x88" not in got:
            piece = process.stdout.read1()
            assert piece, got
            got += piece
        process.terminate()  # it knows no frames, so it would not answer the close
    assert got.startswith(b"HTTP/1.1 101 ") and f"Sec-WebSocket-Accept: {answer_of()}".encode() in got


def test_a_browser(server, tmp_path):
    if not BROWSER:
        pytest.skip("no chromium here: tools/install-packages brings it; python3-websockets has the same story above")
    with visiting(tmp_path, server.url()):
        server.wait_for(lambda: "seen: " in server.output(), 60)
    assert "seen: open upper | H\u00c9LLO 300000 3001 enough true\n" in server.output()
    assert "3001" in server.get("/left").text


# ---- through mse connect ----

ECHO = r'''
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        raise RuntimeError("none")
    assert scope["type"] == "websocket", scope
    await receive()
    await send({"type": "websocket.accept", "subprotocol": scope["subprotocols"][0]})
    await send({"type": "websocket.send", "text": scope["scheme"] + " " + dict(scope["headers"])[b"host"].decode()})
    while (message := await receive())["type"] == "websocket.receive":
        await send({**message, "type": "websocket.send"})
'''


def test_through_mse_connect(build):
    world = attackers.World(build)
    try:
        with world.enclave({"app.py": ECHO}) as enclave:
            enclave.run()
            with attackers.passing(lambda _: enclave) as listener, \
                    connector.Connector(world, enclave.instance["domain"], listener.port,
                                        fingerprint=enclave.tee.mrenclave) as proxy:
                asyncio.run(asyncio.wait_for(speak(f"ws://127.0.0.1:{proxy.port}/", enclave.instance["domain"]), 60))
                cross_site(proxy)
    finally:
        world.close()


async def speak(url, domain):
    async with websockets.connect(url, subprotocols=["echo"], compression=None, max_size=None) as one:
        assert one.subprotocol == "echo"
        hello = await one.recv()
        assert hello.startswith(f"wss {domain}"), hello
        for data in "text", b"bytes", "\u20ac" * 100_000, b"y" * 2_000_000:
            await one.send(data)
            assert await one.recv() == data
        await one.close(4321, "done")
        assert one.close_code == 4321


def cross_site(proxy):
    """A page of another site gets no socket."""
    with socket.create_connection(("127.0.0.1", proxy.port), 10) as sock:
        client = Client(sock, host=f"127.0.0.1:{proxy.port}", extra="Sec-Fetch-Site: cross-site\r\n")
        assert client.status == 403
