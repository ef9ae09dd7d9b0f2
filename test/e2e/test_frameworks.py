# SPDX-License-Identifier: Apache-2.0
"""What people do with Flask, Bottle, Django (WSGI and ASGI), Starlette and FastAPI, by curl, one contract for all.

Each application has the same paths: sessions in signed cookies, static files with conditional requests, uploads, downloads,
redirects, several cookies, its own error pages, work behind the response, streaming up and down.
"""
import json
import os
import re
import subprocess

import pytest
from plainserver import PlainServer

FLASK = '''
import threading
from flask import Flask, Response, g, jsonify, redirect, request, session, stream_with_context, url_for
app = Flask(__name__, static_folder="static", static_url_path="/static")
app.secret_key = "test"
DONE = []

@app.before_request
def before():
    g.started = True

@app.after_request
def after(response):
    response.headers["X-Middle"] = "here" if g.started else "lost"
    return response

@app.get("/login/<name>")
def login(name):
    session["name"] = name
    return redirect(url_for("me"))

@app.get("/me")
def me():
    return session.get("name", "nobody")

@app.post("/upload")
def upload():
    return jsonify(field=request.form["field"], sizes=[len(f.read()) for f in request.files.getlist("f")])

@app.post("/count")
def count():
    total = 0
    while piece := request.stream.read(65536):
        total += len(piece)
    return str(total)

@app.get("/lines")
def lines():
    @stream_with_context
    def made():
        for i in range(int(request.args["n"])):
            yield f"{i}\\n"
    return Response(made(), mimetype="text/plain")

@app.get("/cookies")
def cookies():
    response = Response("two")
    response.set_cookie("a", "1")
    response.set_cookie("b", "2")
    return response

@app.get("/later")
def later():
    threading.Timer(0.05, lambda: DONE.append("done")).start()
    return "soon"

@app.get("/seen")
def seen():
    return "".join(DONE)

@app.errorhandler(404)
def missing(error):
    return "my own page", 404

@app.get("/wrong")
def wrong():
    raise RuntimeError("of the application")
'''

BOTTLE = '''
import json, threading
import bottle
app = bottle.Bottle()
DONE = []

@app.hook("after_request")
def after():
    bottle.response.headers["X-Middle"] = "here"

@app.get("/login/<name>")
def login(name):
    bottle.response.set_cookie("s", name, secret="test", path="/")
    bottle.response.status = 302
    bottle.response.headers["Location"] = "/me"
    return ""

@app.get("/me")
def me():
    return bottle.request.get_cookie("s", "nobody", secret="test")

@app.get("/static/<path:path>")
def static(path):
    return bottle.static_file(path, root="static")

@app.post("/upload")
def upload():
    sizes = [len(f.file.read()) for f in bottle.request.files.getall("f")]
    return json.dumps({"field": bottle.request.forms["field"], "sizes": sizes})

@app.post("/count")
def count():
    total = 0
    while piece := bottle.request.environ["wsgi.input"].read(65536):
        total += len(piece)
    return str(total)

@app.get("/lines")
def lines():
    bottle.response.content_type = "text/plain"
    for i in range(int(bottle.request.query.n)):
        yield f"{i}\\n"

@app.get("/cookies")
def cookies():
    bottle.response.set_cookie("a", "1")
    bottle.response.set_cookie("b", "2")
    return "two"

@app.get("/later")
def later():
    threading.Timer(0.05, lambda: DONE.append("done")).start()
    return "soon"

@app.get("/seen")
def seen():
    return "".join(DONE)

@app.error(404)
def missing(error):
    return "my own page"

@app.get("/wrong")
def wrong():
    raise RuntimeError("of the application")
'''

DJANGO = '''
import asyncio, os, threading
from django.conf import settings
from django.http import HttpResponse, HttpResponseNotFound, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.views.static import serve
from django.views.decorators.csrf import csrf_exempt

settings.configure(SECRET_KEY="x" * 50, ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], DEFAULT_AUTO_FIELD="",
                   SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies", DATA_UPLOAD_MAX_MEMORY_SIZE=None,
                   MIDDLEWARE=["app.middle", "django.contrib.sessions.middleware.SessionMiddleware",
                               "django.middleware.csrf.CsrfViewMiddleware"],
                   LOGGING={"version": 1, "disable_existing_loggers": False,
                            "handlers": {"c": {"class": "logging.StreamHandler"}}, "root": {"handlers": ["c"]}})
DONE = []

from django.utils.decorators import sync_and_async_middleware

@sync_and_async_middleware
def middle(get_response):
    if asyncio.iscoroutinefunction(get_response):
        async def call(request):
            response = await get_response(request)
            response["X-Middle"] = "here"
            return response
    else:
        def call(request):
            response = get_response(request)
            response["X-Middle"] = "here"
            return response
    return call

def login(request, name):
    request.session["name"] = name
    return redirect("/me")

def me(request):
    return HttpResponse(request.session.get("name", "nobody"))

@csrf_exempt
def upload(request):
    return JsonResponse({"field": request.POST["field"], "sizes": [len(f.read()) for f in request.FILES.getlist("f")]})

@csrf_exempt
def count(request):
    total = 0
    while piece := request.read(65536):
        total += len(piece)
    return HttpResponse(str(total))

def lines(request):
    return StreamingHttpResponse((f"{i}\\n" for i in range(int(request.GET["n"]))), content_type="text/plain")

def cookies(request):
    response = HttpResponse("two")
    response.set_cookie("a", "1")
    response.set_cookie("b", "2")
    return response

def later(request):
    threading.Timer(0.05, lambda: DONE.append("done")).start()
    return HttpResponse("soon")

def seen(request):
    return HttpResponse("".join(DONE))

def missing(request, exception):
    return HttpResponseNotFound("my own page")

def wrong(request):
    raise RuntimeError("of the application")

handler404 = missing
urlpatterns = [path("login/<name>", login), path("me", me), path("upload", upload), path("count", count), path("lines", lines),
               path("cookies", cookies), path("later", later), path("seen", seen), path("wrong", wrong),
               path("static/<path:path>", serve, {"document_root": os.path.abspath("static")})]
'''
DJANGO_WSGI = DJANGO + "\nfrom django.core.wsgi import get_wsgi_application\napp = get_wsgi_application()\n"
DJANGO_ASGI = DJANGO + "\nfrom django.core.asgi import get_asgi_application\napp = get_asgi_application()\n"

STARLETTE = '''
import asyncio
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
DONE = []

class Middle:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        async def say(message):
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"X-Middle", b"here")]
            await send(message)
        await self.app(scope, receive, say)

async def login(request):
    request.session["name"] = request.path_params["name"]
    return RedirectResponse("/me", 302)

async def me(request):
    return PlainTextResponse(request.session.get("name", "nobody"))

async def upload(request):
    form = await request.form()
    return JSONResponse({"field": form["field"], "sizes": [len(await f.read()) for f in form.getlist("f")]})

async def count(request):
    total = 0
    async for piece in request.stream():
        total += len(piece)
    return PlainTextResponse(str(total))

async def lines(request):
    async def made():
        for i in range(int(request.query_params["n"])):
            yield f"{i}\\n"
    return StreamingResponse(made(), media_type="text/plain")

async def cookies(request):
    response = PlainTextResponse("two")
    response.set_cookie("a", "1")
    response.set_cookie("b", "2")
    return response

async def work():
    await asyncio.sleep(0.05)
    DONE.append("done")

async def later(request):
    return PlainTextResponse("soon", background=BackgroundTask(work))

async def seen(request):
    return PlainTextResponse("".join(DONE))

async def missing(request, error):
    return PlainTextResponse("my own page", 404)

async def wrong(request):
    raise RuntimeError("of the application")

def routes():
    return [Route("/login/{name}", login), Route("/me", me), Route("/upload", upload, methods=["POST"]),
            Route("/count", count, methods=["POST"]), Route("/lines", lines), Route("/cookies", cookies),
            Route("/later", later), Route("/seen", seen), Route("/wrong", wrong),
            Mount("/static", StaticFiles(directory="static"))]

app = Starlette(routes=routes(), exception_handlers={404: missing},
                middleware=[Middleware(Middle), Middleware(SessionMiddleware, secret_key="test")])
'''

FASTAPI = STARLETTE + '''
from typing import List
from fastapi import BackgroundTasks, FastAPI, File, Form, Request, UploadFile

app = FastAPI(middleware=[Middleware(Middle), Middleware(SessionMiddleware, secret_key="test")],
              exception_handlers={404: missing})

@app.post("/upload")
async def take(field: str = Form(), f: List[UploadFile] = File()):
    return {"field": field, "sizes": [len(await one.read()) for one in f]}

@app.get("/later", response_class=PlainTextResponse)
def plain_later(tasks: BackgroundTasks):
    tasks.add_task(work)
    return "soon"

app.router.routes += routes()
'''
APPS = {"flask": FLASK, "bottle": BOTTLE, "django-wsgi": DJANGO_WSGI, "django-asgi": DJANGO_ASGI, "starlette": STARLETTE,
        "fastapi": FASTAPI}
BIG = bytes(range(256)) * 8000


@pytest.fixture(scope="module", params=APPS)
def server(build, request):
    with PlainServer(build, {"app.py": APPS[request.param], "static/a.css": "a { b: c }\n"}) as new:
        (new.code / "static/big").write_bytes(BIG)
        new.wait_for(lambda: "is served" in new.messages())
        yield new


def curl(server, path, *options, data=None):
    done = subprocess.run(["curl", "-sS", "--max-time", "20", *map(str, options), server.url(path)], capture_output=True,
                          input=data, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout


def status(server, path, *options):
    return curl(server, path, "-o", "/dev/null", "-w", "%{http_code}", *options).decode()


def test_sessions(server, tmp_path):
    jar = tmp_path / "jar"
    assert curl(server, "/me") == b"nobody"
    assert curl(server, "/login/anna", "-L", "-c", jar, "-b", jar) == b"anna"
    assert curl(server, "/me", "-b", jar) == b"anna"
    assert curl(server, "/me") == b"nobody"


def test_static_files(server):
    assert curl(server, "/static/a.css") == b"a { b: c }\n"
    assert curl(server, "/static/big") == BIG
    head = curl(server, "/static/big", "-I").decode()
    assert f"content-length: {len(BIG)}\r\n" in head.lower()
    changed = next(line for line in head.splitlines() if line.lower().startswith("last-modified: ")).split(": ", 1)[1]
    assert status(server, "/static/big", "-H", f"If-Modified-Since: {changed}") == "304"
    assert status(server, "/static/none") == "404"


def test_uploads(server, tmp_path):
    sizes = [0, 1, 700000]
    for size in sizes:
        (tmp_path / str(size)).write_bytes(os.urandom(size))
    files = [word for size in sizes for word in ("-F", f"f=@{tmp_path / str(size)}")]
    answer = json.loads(curl(server, "/upload", "-F", "field=v\u00e4lue", *files))
    assert answer == {"field": "v\u00e4lue", "sizes": sizes}


@pytest.mark.parametrize("options", [(), ("-H", "Transfer-Encoding: chunked"), ("-H", "Expect: 100-continue")],
                         ids=["counted", "chunked", "expect"])
def test_a_body_is_streamed_in(server, options, request):
    wanted = len(BIG)
    if "django-wsgi" in request.node.name and "chunked" in request.node.name:
        wanted = 0  # its WSGI handler goes by CONTENT_LENGTH alone, on every server
    assert int(curl(server, "/count", "--data-binary", "@-", *options, data=BIG)) == wanted


def test_a_body_is_streamed_out(server):
    assert curl(server, "/lines?n=2000").split() == [b"%d" % i for i in range(2000)]


def test_several_cookies(server):
    head = curl(server, "/cookies", "-D", "-", "-o", "/dev/null").decode().lower()
    assert re.findall(r"set-cookie: +(\w=\d)", head) == ["a=1", "b=2"]


def test_work_goes_on_behind_the_response(server):
    assert curl(server, "/later") == b"soon"
    server.wait_for(lambda: server.get("/seen").text.startswith("done"))


def test_middleware_and_error_pages(server):
    head = curl(server, "/me", "-D", "-", "-o", "/dev/null").decode().lower()
    assert "x-middle: here\r\n" in head
    assert curl(server, "/no/such/page") == b"my own page" and status(server, "/no/such/page") == "404"
    assert status(server, "/upload", "-X", "PUT") in ("403", "405", "500")
    assert status(server, "/wrong") == "500"
    server.wait_for(lambda: "RuntimeError: of the application" in server.messages() + server.output())
