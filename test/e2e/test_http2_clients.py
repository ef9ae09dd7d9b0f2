# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 with real clients (curl, nghttp, h2load), over TLS: the engine, WSGI and ASGI applications."""
import json
import re
import subprocess

import pytest

from conftest import BUILD
from http2client import PING, Connection, frame, request
from netserver import Identity, Server, temporary
from plainserver import PlainServer

APPS = {
    "wsgi": '''
import json
def app(environ, start_response):
    body = environ["wsgi.input"].read()
    names = ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "SERVER_PROTOCOL", "HTTP_HOST", "wsgi.url_scheme")
    start_response("200 OK", [("Content-Type", "application/json")])
    yield json.dumps({name: environ[name] for name in names}).encode() + b"\\n"
    yield str(len(body)).encode() + b"\\n"
    if environ["PATH_INFO"] == "/big":
        for _ in range(40):
            yield b"x" * 50000
''',
    "asgi": '''
import json
async def app(scope, receive, send):
    assert scope["type"] == "http"
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    host = dict(scope["headers"])[b"host"].decode()
    about = {"REQUEST_METHOD": scope["method"], "PATH_INFO": scope["path"], "SERVER_PROTOCOL": scope["http_version"],
             "QUERY_STRING": scope["query_string"].decode(), "HTTP_HOST": host, "wsgi.url_scheme": scope["scheme"]}
    await send({"type": "http.response.early_hint", "links": [b" </style.css>; rel=preload\\t"]})
    headers = [(b"x-policy", b" default-src 'self'; "), (b"keep-alive", b"timeout=5"), (b"upgrade", b"h2c"), (b"te", b"x")]
    await send({"type": "http.response.start", "status": 200, "headers": headers, "trailers": True})
    await send({"type": "http.response.body", "body": json.dumps(about).encode() + b"\\n", "more_body": True})
    await send({"type": "http.response.body", "body": str(size).encode() + b"\\n", "more_body": True})
    if scope["path"] == "/big":
        for _ in range(40):
            await send({"type": "http.response.body", "body": b"x" * 50000, "more_body": True})
    await send({"type": "http.response.body"})
    await send({"type": "http.response.trailers", "headers": [(b"upgrade", b"x"), (b"x-sum", b"\\t7 "), (b"host", b"b")]})
''',
}

RUNS = {
    "wsgi": '''
import os, time
runs = []
def pieces():
    for _ in range(5):
        yield b"x" * 1000
    open("ended", "w").close()
def app(environ, start_response):
    path = environ["PATH_INFO"]
    runs.append(path)
    while path == "/hold" and not os.path.exists("go"):
        open("held", "w").close()
        time.sleep(0.01)
    start_response("200 OK", [])
    if path == "/bare":
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [b"body"]
    return pieces() if path == "/pieces" else [str(runs.count("/run")).encode()]
''',
    "asgi": '''
import os, time
runs = []
async def app(scope, receive, send):
    assert scope["type"] == "http"
    runs.append(scope["path"])
    while scope["path"] == "/hold" and not os.path.exists("go"):
        open("held", "w").close()
        time.sleep(0.01)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if scope["path"] == "/bare":
        return await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else b"body"})
    if scope["path"] == "/pieces":
        for _ in range(5):
            await send({"type": "http.response.body", "body": b"x" * 1000, "more_body": True})
    await send({"type": "http.response.body", "body": str(runs.count("/run")).encode()})
    if scope["path"] == "/pieces":
        open("ended", "w").close()
''',
}


@pytest.fixture(scope="module")
def identity():
    return Identity(temporary(), "a.localhost")


@pytest.fixture(scope="module")
def engine(identity):
    with Server(BUILD, cert=identity.cert, key=identity.key, server="mse") as server:
        server.identity = identity
        yield server


@pytest.fixture(scope="module", params=sorted(APPS))
def app(request, identity):
    with PlainServer(BUILD, {"app.py": APPS[request.param]}, "--cert", identity.cert, "--key", identity.key) as server:
        server.kind = request.param
        server.identity = identity
        yield server


def port_of(server):
    return server.port() if callable(server.port) else server.port


def curl(server, path, *arguments):
    command = ["curl", "-sS", "-m", "30", "--http2", "--cacert", server.identity.cert, "--resolve",
               f"a.localhost:{port_of(server)}:127.0.0.1", "-w", "\n%{http_version} %{http_code}", *arguments,
               f"https://a.localhost:{port_of(server)}{path}"]
    done = subprocess.run(command, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    body, _, tail = done.stdout.rpartition(b"\n")
    version, status = tail.split()
    return version.decode(), int(status), body


def test_curl_speaks_it_by_itself(engine):
    assert curl(engine, "/") == ("2", 200, b"hello\n")
    assert curl(engine, "/", "--http1.1") == ("1.1", 200, b"hello\n")
    assert curl(engine, "/echo", "-d", "body")[2] == b"body"
    assert len(curl(engine, "/stream?3000000")[2]) == 3_000_000


def test_nghttp(app, tmp_path):
    """It multiplexes, uploads, and shows what came in frames."""
    (tmp_path / "body").write_bytes(b"u" * 300000)
    urls = [f"https://127.0.0.1:{app.port()}{path}" for path in ("/one?q", "/big")]
    argv = ["nghttp", "-v", "--no-dep", "-m3", "-H:authority: a.localhost", "-Hte: trailers"]
    for more, wanted, count in [([], b'"GET"', 6), (["-d", tmp_path / "body"], b'"POST"', 6)]:
        done = subprocess.run([*argv, *more, *urls], capture_output=True, timeout=60)
        said = done.stdout
        assert done.returncode == 0 and said.count(b":status: 200") == count and said.count(wanted) == count, said[-3000:]
        assert b"The negotiated protocol: h2" in said and b"RST_STREAM" not in said
        assert said.count(b"x" * 10000) >= 3 and said.count(b"300000\n") == (2 * count if more else 0)  # length and answer
        if app.kind == "asgi":
            assert said.count(b":status: 103") == count and said.count(b"x-sum: 7") == count, said[-3000:]


def test_the_exporter_is_the_connections(engine):
    assert len(curl(engine, "/export")[2]) == 64


def test_another_host_is_misdirected(engine, identity):
    with Connection(engine.connect_tls(identity, alpn=["h2"])) as one:
        assert one.reply(one.head(request(authority="other.test"))).status == 421
        assert one.reply(one.head(request(authority=f"A.localhost:{port_of(engine)}"))).status == 200
        # In the certificate beside the name that was asked for.
        assert one.reply(one.head(request(authority="unknown.test"))).status == 200


def h2load(server, path, *arguments):
    done = subprocess.run(["h2load", f"--connect-to=127.0.0.1:{port_of(server)}", *arguments,
                           f"https://a.localhost:{port_of(server)}{path}"], capture_output=True, timeout=100, text=True)
    assert done.returncode == 0, done.stderr
    return re.search(r"(\d+) succeeded, (\d+) failed, (\d+) errored", done.stdout).groups()


@pytest.mark.parametrize("path,count", [("/", 3000), ("/stream?300000", 60), ("/blob?200000", 60), ("/defer", 200)])
def test_h2load(engine, path, count):
    assert h2load(engine, path, "-c4", "-m20", f"-n{count}") == (str(count), "0", "0")


def test_many_uploads_at_once(engine, tmp_path):
    (tmp_path / "data").write_bytes(b"x" * 100_000)
    assert h2load(engine, "/upload", "-c4", "-m50", "-n200", "-d", str(tmp_path / "data")) == ("200", "0", "0")


def test_applications_see_the_version(app):
    version, status, body = curl(app, "/a?b=c", "-X", "PUT", "-d", "12345")
    about = json.loads(body.split(b"\n")[0])
    assert (version, status) == ("2", 200) and body.split(b"\n")[1] == b"5"
    assert about["SERVER_PROTOCOL"] == ("HTTP/2.0" if app.kind == "wsgi" else "2")
    assert about["REQUEST_METHOD"] == "PUT" and about["PATH_INFO"] == "/a" and about["QUERY_STRING"] == "b=c"
    assert about["HTTP_HOST"] == f"a.localhost:{port_of(app)}" and about["wsgi.url_scheme"] == "https"


def test_applications_stream(app, tmp_path):
    (tmp_path / "data").write_bytes(b"x" * 3_000_000)
    body = curl(app, "/big", "--data-binary", f"@{tmp_path}/data")[2]
    assert body.split(b"\n")[1] == b"3000000" and body.endswith(b"x" * 2_000_000)
    assert h2load(app, "/big", "-c4", "-m10", "-n40") == ("40", "0", "0")
    assert h2load(app, "/", "-c4", "-m30", "-n600") == ("600", "0", "0")


def test_hints_and_trailers_of_asgi(app):
    if app.kind == "wsgi":
        return
    context = app.identity.context(alpn=["h2"])
    with Connection(context.wrap_socket(app.dial(), server_hostname="a.localhost")) as one:
        reply = one.reply(one.head(request("/", "GET", ("te", "trailers"), authority="a.localhost")))
        assert reply.informational == [[(":status", "103"), ("link", "</style.css>; rel=preload")]]
        assert reply.trailers == [("x-sum", "7")] and ("x-policy", "default-src 'self';") in reply.fields
        assert not {"keep-alive", "upgrade", "te"} & dict(reply.fields).keys()
        assert one.reply(one.head(request(authority="a.localhost"))).trailers is None



@pytest.fixture(params=sorted(RUNS))
def counted(request, identity):
    with PlainServer(BUILD, {"app.py": RUNS[request.param]}, "--cert", identity.cert, "--key", identity.key,
                     "--threads", "1") as server:
        server.identity = identity
        yield server


def dial(server):
    context = server.identity.context(alpn=["h2"])
    return Connection(context.wrap_socket(server.dial(), server_hostname="a.localhost"))


def test_streams_that_are_reset_while_they_wait_cost_no_run(counted):
    with dial(counted) as one:
        hold = one.head(request("/hold", authority="a.localhost"))
        counted.wait_for((counted.code / "held").exists)
        for stream in [one.head(request("/run", authority="a.localhost")) for _ in range(60)]:
            one.reset(stream)
        one.send(frame(PING, 0, 0, bytes(8)))
        one.until(lambda: one.acks)
        (counted.code / "go").touch()
        assert one.reply(hold).status == 200
        assert one.reply(one.head(request("/run", authority="a.localhost"))).body == b"1"


def test_head_of_a_reply_in_pieces_runs_to_its_end(counted):
    with dial(counted) as one:
        reply = one.reply(one.head(request("/pieces", "HEAD", authority="a.localhost")))
        assert reply.status == 200 and reply.body == b""
        counted.wait_for((counted.code / "ended").exists)
    assert "Traceback" not in counted.messages()


def test_head_of_what_has_no_length_says_none(counted):
    with dial(counted) as one:
        reply = one.reply(one.head(request("/bare", "HEAD", authority="a.localhost")))
        assert reply.status == 200 and "content-length" not in dict(reply.fields)


WAITING = '''
async def app(scope, receive, send):
    assert scope["type"] == "http"
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        more = message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"whole"})
'''


def test_asgi_streams_beyond_the_descriptors_are_told_503(identity):
    with PlainServer(BUILD, {"app.py": WAITING}, "--cert", identity.cert, "--key", identity.key,
                     "--stream-waits", "3") as server:
        server.identity = identity
        with dial(server) as one:
            post = lambda: one.head(request("/", "POST", authority="a.localhost"), 0)
            streams = [post() for _ in range(9)]
            one.until(lambda: sum(one.replies[stream].status == 503 for stream in streams) == 6)
            for stream in streams:
                if one.replies[stream].status is None:
                    one.data(stream, b"x")
                    assert one.reply(stream).body == b"whole"
            stream = post()
            one.data(stream, b"x")
            assert one.reply(stream).body == b"whole"
