# SPDX-License-Identifier: Apache-2.0
"""The applications of a soak: test/support/soaking.py knows what they answer."""

ROUTES = {
    "/hello": "b'hello'", "/echo": "what was sent", "/pieces": "three pieces", "/bytes?N": "N zeros", "/early": "reads nothing",
    "/missing": "404", "/wrong": "raises", "/cut": "raises behind the half", "/hints": "103 and trailers (ASGI)",
    "/digest": "of what was sent", "/objects": "how many the collector knows"}

WSGI = '''
import gc, hashlib

def pieces_of(left):
    while left > 0:
        yield bytes(min(left, 65536))
        left -= 65536

def cut(environ):
    yield b"half"
    raise ValueError("wanted")

def objects(environ):
    gc.collect()
    return [str(len(gc.get_objects())).encode()]

def digest(environ):
    seen = hashlib.blake2b()
    while piece := environ["wsgi.input"].read(65536):
        seen.update(piece)
    return [seen.hexdigest().encode()]

def wrong(environ):
    raise ValueError("wanted")

ROUTES = {"/": lambda environ: [b"hello"], "/hello": lambda environ: [b"hello"], "/early": lambda environ: [b"early"], "/wrong": wrong, "/cut": cut,
          "/echo": lambda environ: [environ["wsgi.input"].read()], "/objects": objects, "/digest": digest,
          "/pieces": lambda environ: iter([b"one ", b"two ", b"three"]), "/hints": lambda environ: [b"hinted"],
          "/bytes": lambda environ: pieces_of(int(environ["QUERY_STRING"]))}

def app(environ, start):
    found = ROUTES.get(environ["PATH_INFO"])
    body = found(environ) if found else [b"nothing"]
    start("200 OK" if found else "404 Not Found", [("Content-Type", "text/plain"), ("X-Filler", "y" * 40)])
    return body
'''

ASGI = '''
import asyncio, gc, hashlib

HEAD = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain"), (b"x-filler", b"y" * 40)]}

async def pieces(receive):
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise asyncio.CancelledError
        yield message["body"]
        if not message["more_body"]:
            return

async def answer(send, *parts, head=HEAD):
    await send(head)
    for part in parts[:-1]:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": parts[-1]})

async def hello(scope, receive, send):
    await answer(send, b"hello")

async def early(scope, receive, send):
    await answer(send, b"early")

async def echo(scope, receive, send):
    await answer(send, b"".join([piece async for piece in pieces(receive)]))

async def digest(scope, receive, send):
    seen = hashlib.blake2b()
    async for piece in pieces(receive):
        seen.update(piece)
    await answer(send, seen.hexdigest().encode())

async def in_pieces(scope, receive, send):
    await asyncio.sleep(0)
    await answer(send, b"one ", b"two ", b"three")

async def some(scope, receive, send):
    left = int(scope["query_string"])
    await send(HEAD)
    while left > 65536:
        await send({"type": "http.response.body", "body": bytes(65536), "more_body": True})
        left -= 65536
    await send({"type": "http.response.body", "body": bytes(left)})

async def wrong(scope, receive, send):
    raise ValueError("wanted")

async def cut(scope, receive, send):
    await send(HEAD)
    await send({"type": "http.response.body", "body": b"half", "more_body": True})
    raise ValueError("wanted")

async def hints(scope, receive, send):
    await send({"type": "http.response.early_hint", "links": [b"</a.css>; rel=preload"]})
    await send({**HEAD, "trailers": True})
    await send({"type": "http.response.body", "body": b"hinted"})
    await send({"type": "http.response.trailers", "headers": [(b"x-sum", b"1")]})

async def objects(scope, receive, send):
    gc.collect()
    await answer(send, str(len(gc.get_objects())).encode())

ROUTES = {"/": hello, "/hello": hello, "/early": early, "/wrong": wrong, "/cut": cut, "/echo": echo, "/objects": objects, "/digest": digest,
          "/pieces": in_pieces, "/hints": hints, "/bytes": some}

async def messages(receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        if message.get("text") == "close me":
            return await send({"type": "websocket.close", "code": 4000, "reason": "wanted"})
        await send({**message, "type": "websocket.send"})

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        raise RuntimeError("none")
    if scope["type"] == "websocket":
        return await messages(receive, send)
    if scope["path"] in ROUTES:
        return await ROUTES[scope["path"]](scope, receive, send)
    await answer(send, b"nothing", head={**HEAD, "status": 404})
'''
