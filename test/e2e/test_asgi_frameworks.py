# SPDX-License-Identifier: Apache-2.0
"""FastAPI, Starlette and Django over ASGI in the plain server, and a FastAPI application deployed to a cloud."""
import asyncio
import json
import ssl
import subprocess
import textwrap
import time

import pytest
import websockets
from plainserver import PlainServer

FASTAPI = '''
import asyncio, contextvars, threading
from typing import List
from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, Request
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import PlainTextResponse, StreamingResponse
from pydantic import BaseModel
from starlette.middleware.base import BaseHTTPMiddleware

app = FastAPI()
events = []
user = contextvars.ContextVar("user", default="nobody")

class Timing(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        user.set(request.headers.get("x-user", "nobody"))
        response = await call_next(request)
        response.headers["x-middle"] = "here"
        return response

app.add_middleware(Timing)

@app.on_event("startup")
async def startup():
    await asyncio.sleep(0.01)
    events.append("started")

@app.on_event("shutdown")
async def shutdown():
    print("shut down", flush=True)

class Item(BaseModel):
    name: str
    sizes: List[int] = []

def current():
    return user.get()

@app.get("/")
async def hello():
    return {"hello": "world"}

@app.get("/events")
async def events_():
    return events

@app.post("/items/{number}")
async def item(number: int, item: Item, q: str = "none"):
    return {"number": number, "item": item, "q": q}

@app.get("/thread")
def thread(name: str = Depends(current)):
    """A plain function: it runs in a pool of threads, in the request's context."""
    return name

local = threading.local()

@app.get("/count")
def count():
    """Of the requests that this thread has answered."""
    local.count = getattr(local, "count", 0) + 1
    return local.count

@app.get("/missing")
async def missing():
    raise HTTPException(status_code=404, detail="nothing here", headers={"X-Why": "test"})

@app.get("/wrong")
async def wrong():
    raise RuntimeError("of the application")

@app.get("/background")
async def background(tasks: BackgroundTasks):
    tasks.add_task(later)
    return "answered"

async def later():
    await asyncio.sleep(0.05)
    events.append("later")

@app.get("/stream")
async def stream():
    async def pieces():
        for i in range(100):
            yield f"line {i}\\n"
            if i % 10 == 0:
                await asyncio.sleep(0)
    return StreamingResponse(pieces(), media_type="text/plain")

@app.get("/endless")
async def endless(request: Request):
    async def pieces():
        try:
            while True:
                yield b"x" * 100
                await asyncio.sleep(0.01)
        finally:
            events.append("stream ended")
    return StreamingResponse(pieces())

@app.post("/upload")
async def upload(request: Request):
    size = 0
    async for piece in request.stream():
        size += len(piece)
    return size
'''


@pytest.fixture(scope="module")
def fastapi(build):
    with PlainServer(build, {"app.py": FASTAPI}) as server:
        yield server


def loaded(server, path, **options):
    return json.loads(server.get(path, **options).text)


def wait_event(server, name):
    end = time.monotonic() + 10
    while name not in loaded(server, "/events"):
        assert time.monotonic() < end, f"'{name}' never came"
        time.sleep(0.02)


def test_fastapi_answers(fastapi):
    assert loaded(fastapi, "/") == {"hello": "world"}
    assert "started" in loaded(fastapi, "/events")
    answer = fastapi.request("POST", "/items/7?q=x", body=json.dumps({"name": "n", "sizes": [1, 2]}),
                             headers={"Content-Type": "application/json"})
    assert json.loads(answer.text) == {"number": 7, "item": {"name": "n", "sizes": [1, 2]}, "q": "x"}
    assert answer.headers["x-middle"] == "here"
    bad = fastapi.request("POST", "/items/x", body="{}", headers={"Content-Type": "application/json"})
    assert bad.status == 422 and len(json.loads(bad.text)["detail"]) == 2
    assert fastapi.get("/openapi.json").status == fastapi.get("/docs").status == 200


def test_fastapi_context_reaches_threads(fastapi):
    assert loaded(fastapi, "/thread", headers={"X-User": "bob"}) == "bob"
    assert loaded(fastapi, "/thread") == "nobody"


def test_fastapi_threads_are_used_again(fastapi):
    """Each has connections to databases and the like in its thread's variables."""
    assert [loaded(fastapi, "/count") for _ in range(3)] == [1, 2, 3]


def test_fastapi_exceptions(fastapi):
    answer = fastapi.get("/missing")
    assert (answer.status, json.loads(answer.text), answer.headers["x-why"]) == (404, {"detail": "nothing here"}, "test")
    connection = fastapi.connection()
    assert fastapi.get("/wrong", connection=connection).status == 500
    fastapi.wait_for(lambda: "RuntimeError: of the application" in fastapi.messages())
    assert fastapi.get("/", connection=connection).status == 200


def test_fastapi_streams_and_uploads(fastapi):
    assert fastapi.get("/stream").text.splitlines() == [f"line {i}" for i in range(100)]
    assert loaded(fastapi, "/events")
    assert fastapi.request("POST", "/upload", body=b"x" * 3_000_000).text == "3000000"
    assert fastapi.request("POST", "/upload", body=iter([b"x" * 100_000] * 3)).text == "300000"


def test_fastapi_background_tasks(fastapi):
    assert fastapi.get("/background").text == '"answered"'
    wait_event(fastapi, "later")


def test_fastapi_clients_that_leave(fastapi):
    with fastapi.dial() as sock:
        sock.sendall(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
        assert sock.recv(10)
    wait_event(fastapi, "stream ended")


def test_fastapi_with_curl_and_the_end(build):
    with PlainServer(build, {"app.py": FASTAPI}) as server:
        for path, wanted in ("/", b'{"hello":"world"}'), ("/thread", b'"nobody"'):
            done = subprocess.run(["curl", "-sS", "--max-time", "20", server.url(path)], capture_output=True, timeout=30)
            assert done.stdout == wanted
        assert server.stop() == 0
        assert server.output() == "shut down\n"


STARLETTE = '''
import asyncio, contextlib
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse
from starlette.routing import Route

done = []

@contextlib.asynccontextmanager
async def lifespan(app):
    yield {"database": "open"}
    print("closed", flush=True)

async def hello(request):
    return PlainTextResponse("hello " + request.path_params["name"] + " " + request.state.database)

async def file(request):
    return FileResponse(__file__)

async def later(request):
    return JSONResponse(done, background=BackgroundTask(done.append, 1))

async def large(request):
    return PlainTextResponse("x" * 100000)

async def gone(request):
    for _ in range(500):
        if await request.is_disconnected():
            done.append("gone")
            break
        await asyncio.sleep(0.01)
    return PlainTextResponse("")

app = Starlette(lifespan=lifespan, middleware=[Middleware(GZipMiddleware)], routes=[
    Route("/hello/{name}", hello), Route("/file", file), Route("/later", later), Route("/large", large),
    Route("/gone", gone)])
'''


def test_starlette(build):
    with PlainServer(build, {"app.py": STARLETTE}) as server:
        assert server.get("/hello/bob").text == "hello bob open"
        assert server.get("/file").text == STARLETTE
        assert server.request("HEAD", "/file").headers["Content-Length"] == str(len(STARLETTE))
        assert server.get("/later").text == "[]"
        server.wait_for(lambda: server.get("/later").text.startswith("[1"))
        zipped = server.get("/large", headers={"Accept-Encoding": "gzip"})
        assert zipped.headers["Content-Encoding"] == "gzip" and len(zipped.data) < 1000
        assert server.get("/nowhere").status == 404
        with server.dial() as sock:
            sock.sendall(b"GET /gone HTTP/1.1\r\nHost: a\r\n\r\n")
            time.sleep(0.1)
        server.wait_for(lambda: "gone" in server.get("/later").text)
        assert server.stop() == 0
        assert server.output() == "closed\n"


DJANGO = '''
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpResponse, JsonResponse
from django.urls import path
import asyncio

settings.configure(SECRET_KEY="x", ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"])

def hello(request):
    return HttpResponse("hello from django")

async def slow(request):
    await asyncio.sleep(0.01)
    return JsonResponse({"body": len(request.body), "scheme": request.scheme, "path": request.path})

urlpatterns = [path("", hello), path("slow", slow)]
app = get_asgi_application()
'''


def test_django(build):
    with PlainServer(build, {"app.py": DJANGO}) as server:
        assert "is served (asgi)" in server.messages()
        assert server.get().text == "hello from django"
        answer = server.request("POST", "/slow", body=b"x" * 100_000)
        assert json.loads(answer.text) == {"body": 100_000, "scheme": "http", "path": "/slow"}


# ---- the whole way ----

async def speak(cloud, domain, cert):
    """A WebSocket through haproxy, which passes TLS on to the enclave."""
    context = ssl.create_default_context(cafile=cert)
    async with websockets.connect(f"wss://{domain}:{cloud.port}/ws", host="127.0.0.1", server_hostname=domain,
                                  ssl=context) as one:
        for text in "hello", "x" * 200_000 + "y":
            await one.send(text)
            assert await one.recv() == text[::-1]


def test_a_fastapi_application_is_tested_and_deployed(cloud, tmp_path):
    """scaffold, localtest and deploy with the image mse-fastapi: asyncio in the sandbox, under its rules."""
    project = tmp_path / "fast"
    cloud.mse("scaffold", "fast", cwd=tmp_path)
    config = project / "mse.toml"
    config.write_text(config.read_text().replace("mse-flask:", "mse-fastapi:"))
    (project / "mse_src" / "app.py").write_text(textwrap.dedent('''
        import asyncio
        from fastapi import FastAPI, WebSocket

        app = FastAPI()
        print("fast started")

        @app.websocket("/ws")
        async def ws(websocket: WebSocket):
            await websocket.accept()
            async for text in websocket.iter_text():
                await websocket.send_text(text[::-1])

        @app.on_event("startup")
        async def startup():
            app.state.began = await asyncio.get_running_loop().run_in_executor(None, lambda: "in a thread")

        @app.get("/")
        async def hello():
            await asyncio.sleep(0)
            return {"message": "Hello world", "began": app.state.began}

        @app.get("/plain")
        def plain():
            return "from the pool"
    '''))
    assert cloud.mse("localtest", "--no-tests", cwd=project).returncode == 0
    made = json.loads(cloud.mse("deploy", "--json", "-y", cwd=project).stdout)
    try:
        cert = tmp_path / "cert.pem"
        verified = json.loads(cloud.mse("verify", f"{made['domain_name']}:{cloud.port}", "--fingerprint", made["fingerprint"],
                                        "--json", cwd=tmp_path).stdout)
        assert verified["verdict"].startswith("accept")
        for path, wanted in ("/", {"message": "Hello world", "began": "in a thread"}), ("/plain", "from the pool"):
            done = subprocess.run(["curl", "-sS", "--max-time", "20", "--cacert", cert, "--resolve",
                                   f"{made['domain_name']}:{cloud.port}:127.0.0.1",
                                   f"https://{made['domain_name']}:{cloud.port}{path}"],
                                  capture_output=True, text=True, timeout=30)
            assert json.loads(done.stdout) == wanted, done.stderr
        asyncio.run(asyncio.wait_for(speak(cloud, made["domain_name"], cert), 30))
        assert "fast started" in cloud.mse("logs", made["id"], cwd=project).stdout
    finally:
        cloud.mse("stop", made["id"], "-y", cwd=project)
