# SPDX-License-Identifier: Apache-2.0
"""What clients meet on the whole path: real haproxy, an app deployed by mse, in each of the three TLS modes."""
import asyncio
import concurrent.futures
import hashlib
import json
import re
import socket
import ssl
import struct
import subprocess
import time

import pytest
import websockets

import takeover
import testcloud
from browser import BROWSER, visiting
from test_websocket_http2 import Http2, Stream
from wsclient import Client

MODES = ["self", "owner", "operator"]
OPTIONS = {"operator": ["--untrusted-ssl"]}

APP = r'''
import asyncio, hashlib, json
PAGE = b"""<body>waiting<script>
const log = [], socket = new WebSocket(location.href.replace('http', 'ws') + 'echo');
socket.binaryType = 'arraybuffer';
socket.onopen = () => socket.send('x'.repeat(300000));
socket.onmessage = e => { log.push(e.data.length); socket.close(3001, 'enough'); };
socket.onclose = e => fetch('report', {method: 'POST', body: 'seen: ' + log.join(' ') + ' ' + e.code + ' ' + e.wasClean});
</script>"""
ended, news = [], {}

async def respond(send, body, kind=b"text/plain"):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
    await send({"type": "http.response.body", "body": body})

async def read(receive):
    digest, size, more = hashlib.sha256(), 0, True
    while more:
        message = await receive()
        digest.update(message.get("body", b""))
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    return size, digest.hexdigest()

async def page(scope, receive, send):
    await respond(send, PAGE, b"text/html")

async def report(scope, receive, send):
    ended.append((await receive())["body"].decode())
    await respond(send, b"")

async def upload(scope, receive, send):
    await respond(send, json.dumps(await read(receive)).encode())

async def about(scope, receive, send):
    await respond(send, json.dumps([scope["client"], scope["scheme"], scope["http_version"]]).encode())

async def refuse(scope, receive, send):
    await send({"type": "http.response.start", "status": 413, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body"})

async def download(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for number in range(int(scope["query_string"])):
        await send({"type": "http.response.body", "body": b"%015d\n" % number * 65536, "more_body": True})
    await send({"type": "http.response.body"})

async def events(scope, receive, send):
    """Each message of /say is sent at once; the client's leaving is noted."""
    queue = news[scope["query_string"]] = asyncio.Queue()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    gone = asyncio.ensure_future(receive())
    await send({"type": "http.response.body", "body": b"data: open\n\n", "more_body": True})
    while True:
        one = asyncio.ensure_future(queue.get())
        await asyncio.wait([one, gone], return_when=asyncio.FIRST_COMPLETED)
        if gone.done():
            if gone.result()["type"] == "http.request":
                gone = asyncio.ensure_future(receive())
                one.cancel()
                continue
            one.cancel()
            return ended.append(gone.result()["type"] + " " + scope["query_string"].decode())
        await send({"type": "http.response.body", "body": b"data: " + one.result() + b"\n\n", "more_body": True})

async def say(scope, receive, send):
    news[scope["query_string"]].put_nowait((await receive())["body"])
    await respond(send, b"")

async def endings(scope, receive, send):
    await respond(send, json.dumps(ended).encode())

async def echo(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        if message.get("text") == "close":
            await send({"type": "websocket.close", "code": 4321, "reason": "as asked"})
        else:
            await send({**message, "type": "websocket.send"})
    ended.append("websocket %d %s" % (message["code"], scope["query_string"].decode()))

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        raise RuntimeError("none")
    await globals()[scope["path"][1:] or "page"](scope, receive, send)
'''


class App:
    """A deployed app as its clients reach it."""

    def __init__(self, cloud, folder, mode):
        self.cloud, self.folder, self.mode = cloud, folder, mode
        (folder / "mse_src" / "app.py").write_text(APP)
        config = folder / "mse.toml"
        config.write_text(config.read_text().replace("4g-eu-001", "2g-eu-001").replace('"/health"', '"/about"'))
        if mode == "owner":
            takeover.make_owned(folder, "paths.owner.localhost", code=None)
        self.deploy()

    def deploy(self, *more):
        self.id = None
        app = self.cloud.mse_json("deploy", *OPTIONS.get(self.mode, []), *more, cwd=self.folder)
        self.id, self.name = app["id"], app["domain_name"]
        return app

    @property
    def port(self):
        return self.cloud.port

    def context(self, alpn=None):
        """Whom the certificate is trusted by differs: the owner's is checked in owner mode, the cloud's in operator mode."""
        trusted = {"owner": self.folder / "chain.pem", "operator": self.cloud.ca}.get(self.mode)
        context = ssl.create_default_context(cafile=trusted)
        if not trusted:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if alpn:
            context.set_alpn_protocols(alpn)
        return context

    def dial(self, alpn=None, port=None):
        raw = socket.create_connection(("127.0.0.1", port or self.port), 30)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self.context(alpn).wrap_socket(raw, server_hostname=self.name)

    def websocket(self, path="/echo", port=None):
        return Client(self.dial(port=port), path, host=self.name)

    def url(self, path, scheme="https"):
        return f"{scheme}://{self.name}:{self.port}{path}"

    def curl(self, path, *more, **options):
        trust = ["-k"] if self.mode == "self" else []
        cacert = self.folder / "chain.pem" if self.mode == "owner" else None
        return self.cloud.curl(self.url(path), *trust, *more, cacert=cacert, **options).stdout

    def ended(self):
        return json.loads(self.curl("/endings"))

    def wait_ended(self, wanted):
        end = time.monotonic() + 60
        while wanted not in (seen := self.ended()):
            assert time.monotonic() < end, seen
            time.sleep(0.02)


@pytest.fixture(scope="module")
def apps(cloud, tmp_path_factory):
    """One app for each mode, deployed beside each other."""
    folder = tmp_path_factory.mktemp("paths")

    def deployed(mode):
        cloud.mse("scaffold", f"paths-{mode}", cwd=folder)
        return App(cloud, folder / f"paths-{mode}", mode)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        made = dict(zip(MODES, pool.map(deployed, MODES)))
    yield made
    for app in made.values():
        cloud.mse("stop", app.id, "-y", check=False)


@pytest.fixture(params=MODES)
def app(request, apps):
    return apps[request.param]


def test_websockets(app):
    """A client of another make: messages of every size, pings, either side's close."""
    async def story():
        options = {"host": "127.0.0.1", "port": app.port, "ssl": app.context(), "server_hostname": app.name, "max_size": None, "compression": None}
        async with websockets.connect(app.url("/echo?first", "wss"), **options) as one:
            for message in "text", "\u20ac" * 100_000, b"", b"x" * 65536, bytes(range(256)) * 12_000:
                await one.send(message)
                assert await one.recv() == message
            await (await one.ping(b"there"))
            await one.close(3456, "bye")
            assert one.close_code == 3456
        async with websockets.connect(app.url("/echo", "wss"), **options) as two:
            await two.send("close")
            await two.wait_closed()
            assert (two.close_code, two.close_reason) == (4321, "as asked")
    asyncio.run(asyncio.wait_for(story(), 60))
    app.wait_ended("websocket 3456 first")


@pytest.mark.parametrize("mode", ["self", "operator"])
def test_a_browser(apps, mode, tmp_path):
    """Over HTTP/2 (RFC 8441) where TLS passes, over HTTP/1.1 where haproxy ends it."""
    if not BROWSER:
        pytest.skip("no chromium here: tools/install-packages brings it; python3-websockets and python3-h2 speak to it too")
    with visiting(tmp_path, apps[mode].url("/"), "--ignore-certificate-errors"):
        apps[mode].wait_ended("seen: 300000 3001 true")


def test_what_alpn_chooses(app):
    """HTTP/2 where TLS passes. In operator mode one certificate is good for every app: browsers would send requests for one over
    a connection to another (docs/testing-server.md)."""
    passes = app.mode != "operator"
    with app.dial(["h2", "http/1.1"]) as tls:
        assert tls.selected_alpn_protocol() == ("h2" if passes else "http/1.1")
    assert json.loads(app.curl("/about", "--http2"))[1:] == ["https", "2" if passes else "1.1"]
    if passes:
        stream = Stream(Http2(app.dial(["h2"])), "/echo", host=app.name)
        assert stream.status == 200
        assert stream.ask("over HTTP/2") == "over HTTP/2"


def test_the_client_s_address(app):
    with app.dial() as tls:
        tls.sendall(f"GET /about HTTP/1.1\r\nHost: {app.name}\r\nConnection: close\r\n\r\n".encode())
        answer = takeover.read(tls, b"]")
        assert json.loads(answer.partition(b"\r\n\r\n")[2])[0] == list(tls.getsockname())


MB = 1 << 20
SIZE = 100 * MB


def test_big_bodies(app, tmp_path):
    body = tmp_path / "body"
    with open(body, "wb") as out:
        for number in range(100):
            out.write(b"%015d\n" % number * 65536)
    wanted = hashlib.sha256(body.read_bytes()).hexdigest()
    assert json.loads(app.curl("/upload", "-T", body)) == [SIZE, wanted]
    app.curl("/download?100", "-o", tmp_path / "got")
    assert hashlib.sha256((tmp_path / "got").read_bytes()).hexdigest() == wanted


def test_expectations(app):
    """100 comes when the application reads, not before the body; a final status takes its place."""
    head = "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"
    with app.dial() as tls:
        tls.sendall(head.format("/upload", app.name).encode())
        assert takeover.read(tls, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        tls.sendall(b"body")
        assert takeover.read(tls, b"]").startswith(b"HTTP/1.1 200 ")
    with app.dial() as tls:
        tls.sendall(head.format("/refuse", app.name).encode())
        assert takeover.read(tls, b"\r\n\r\n").startswith(b"HTTP/1.1 413 ")


def reset(tls):
    tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    tls.close()


@pytest.mark.parametrize("leave", [ssl.SSLSocket.close, reset])
def test_events_come_at_once_and_a_leaving_client_is_noticed(app, leave):
    tls = app.dial()
    tls.sendall(f"GET /events?{leave.__name__} HTTP/1.1\r\nHost: {app.name}\r\n\r\n".encode())
    takeover.read(tls, b"data: open\n\n\r\n")
    for text in "one", "two":
        app.curl(f"/say?{leave.__name__}", "-d", text)
        takeover.read(tls, f"data: {text}\n\n\r\n".encode())
    leave(tls)
    app.wait_ended(f"http.disconnect {leave.__name__}")


@pytest.mark.parametrize("leave", [ssl.SSLSocket.close, reset])
def test_a_websocket_whose_client_leaves(app, leave):
    client = app.websocket(f"/echo?{leave.__name__}")
    assert client.ask("hello") == "hello"
    leave(client.sock)
    app.wait_ended(f"websocket 1006 {leave.__name__}")


class Proxy:
    """A second haproxy before the same apps, with other limits of time."""

    def __init__(self, cloud, folder, **limits):
        self.port = testcloud.free_port()
        text = (cloud.data / "haproxy" / "haproxy.cfg").read_text()
        text = text.replace(f":{cloud.port}", f":{self.port}")
        text = text.replace(str(cloud.data / "run" / "haproxy"), str(folder / "haproxy"))
        for name, limit in limits.items():
            text, count = re.subn(f"timeout {name} .*", f"timeout {name} {limit}", text)
            assert count == 1, text
        (folder / "haproxy.cfg").write_text(text)
        self.process = subprocess.Popen(["/usr/sbin/haproxy", "-db", "-f", folder / "haproxy.cfg"], stdin=subprocess.DEVNULL)

    def is_up(self):
        assert self.process.poll() is None
        try:
            socket.create_connection(("127.0.0.1", self.port), 5).close()
        except ConnectionRefusedError:
            return False
        return True

    def __enter__(self):
        end = time.monotonic() + 20
        while not self.is_up():
            assert time.monotonic() < end
            time.sleep(0.02)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)


def test_limits_of_time_do_not_cut_what_is_quiet(cloud, apps, tmp_path):
    """Neither a WebSocket nor a response; what counts is `timeout tunnel`, and that is hours."""
    with Proxy(cloud, tmp_path, client="1500ms", server="1500ms") as proxy:
        quiet = [app.websocket(port=proxy.port) for app in apps.values()]
        time.sleep(3.5)  # over twice the limits, which a handshake keeps on a busy machine too
        assert [client.ask("still") for client in quiet] == ["still"] * len(quiet)
    assert "    timeout tunnel 2h\n" in (cloud.data / "haproxy" / "haproxy.cfg").read_text()


def test_quiet_for_hours_is_cut(cloud, apps, tmp_path):
    with Proxy(cloud, tmp_path, tunnel="1s") as proxy:
        for client in [app.websocket(port=proxy.port) for app in apps.values()]:
            client.ended()


@pytest.mark.parametrize("mode", ["self", "operator"])
def test_a_deployment_while_it_is_open(apps, mode):
    """Who has a WebSocket is told to come again. (Owner mode: test_take_over.py.)"""
    app = apps[mode]
    talk = takeover.Talk(app.port, app.name, "/echo")
    before = app.name
    app.deploy("-y")
    assert app.name == before
    talk.check()
    with app.websocket() as again:
        assert again.ask("again") == "again"
