# SPDX-License-Identifier: Apache-2.0
"""http.response.pathsend of ASGI: a file as a body, over HTTP/1.1, TLS and HTTP/2."""
import concurrent.futures
import json
import os
import subprocess

import pytest
import testenclave
from netserver import Identity
from plainserver import PlainServer

APP = '''
import json, os, urllib.parse

seen = []

def names(query):
    return dict(urllib.parse.parse_qsl(query.decode(), keep_blank_values=True))

async def app(scope, receive, send):
    assert scope["type"] == "http" and scope["extensions"]["http.response.pathsend"] == {}
    asked = names(scope["query_string"])
    headers = [(b"content-length", asked["length"].encode())] if "length" in asked else []
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if scope["path"] != "/file":
        return await send({"type": "http.response.body", "body": json.dumps(seen).encode()})
    path = eval(asked["path"])
    try:
        await send({"type": "http.response.pathsend", **({} if path is None else {"path": path})})
        seen.append("sent")
    except Exception as error:
        seen.append([type(error).__name__, isinstance(error, OSError)])
        await send({"type": "http.response.body", "body": b"refused"})
'''
SIZE = 3_000_001


def start(build, identity=None, *options):
    tls = ["--cert", identity.cert, "--key", identity.key] if identity else []
    return PlainServer(build, {"app.py": APP}, *tls, *options)


@pytest.fixture(scope="module")
def identity(tmp_path_factory):
    return Identity(tmp_path_factory.mktemp("identity"), "one")


@pytest.fixture(scope="module")
def servers(build, identity):
    with start(build) as plain, start(build, identity) as tls:
        yield plain, tls


def url(server, path, *more):
    query = "&".join([f"path={path!r}", *more])
    return f"{server.url()}file?{query}".replace("'", "%27")


def curl(server, address, *options):
    if server.argv.count("--cert"):
        address = address.replace("http:", "https:")
    return subprocess.run(["curl", "-sSk", "--max-time", "20", *options, address], capture_output=True, check=True).stdout


@pytest.fixture(params=["plain", "http1.1", "http2"])
def fetch(servers, request):
    server = servers[request.param != "plain"]
    return lambda path, *options, more=(): curl(server, url(server, path, *more), "--" + request.param.replace("plain", "http1.1"),
                                                *options)


def write(path, size):
    path.write_bytes((bytes(range(251)) * (size // 251 + 1))[:size])
    return path.read_bytes()


def test_a_file_is_the_body(fetch, tmp_path):
    path = tmp_path / "a file"
    data = write(path, SIZE)
    name = str(path).replace(" ", "%20")
    assert fetch(name) == data
    assert fetch(name, more=[f"length={SIZE}"]) == data
    assert fetch(name, more=["length=1000"]) == data[:1000]  # it has grown since the application looked
    head = fetch(name, "--head").decode().lower()
    assert f"content-length: {SIZE}\r\n" in head and head.count("http/") == 1
    path.write_bytes(b"")
    assert fetch(name, "--include").decode().lower().count("content-length: 0\r\n") == 1


def last(server):
    return json.loads(server.get("/seen").data)[-1]


@pytest.mark.parametrize("path, name, is_oserror", [
    ("relative", "ValueError", False), ("", "ValueError", False), ("/etc/host\\0name", "ValueError", False), (None, "ValueError", False),
    (5, "TypeError", False), ("/nothing/there", "FileNotFoundError", True), ("/etc", "IsADirectoryError", True),
    ("/dev/null", "OSError", True), ("FIFO", "OSError", True), ("LONG", "OSError", True)])
def test_what_is_refused(servers, tmp_path, path, name, is_oserror):
    server = servers[0]
    if path == "FIFO":
        os.mkfifo(tmp_path / "fifo")
        path = str(tmp_path / "fifo")
    more = []
    if path == "LONG":
        write(tmp_path / "short", 100)
        path, more = str(tmp_path / "short"), ["length=101"]
    before = len(os.listdir(f"/proc/{server.process.pid}/fd"))
    text = repr(path).replace("\\\\", "\\").replace("\\", "%5C").replace("'", "%27")
    got = subprocess.run(["curl", "-s", "--max-time", "5", f"{server.url()}file?path={text}&" + "&".join(more)], capture_output=True)
    # Where more was announced than the application says then, that is a mistake of its own.
    assert got.returncode == 0 and got.stdout == (b"internal server error\n" if more else b"refused")
    assert last(server) == [name, is_oserror]
    server.wait_for(lambda: len(os.listdir(f"/proc/{server.process.pid}/fd")) <= before)


def sparse(path, size):
    with open(path, "wb") as file:
        file.truncate(size)
    return path


@pytest.mark.parametrize("kind", ["plain", "http2"])
def test_it_needs_no_memory(servers, tmp_path, kind):
    server = servers[kind != "plain"]
    path = sparse(tmp_path / "large", 100 << 20)
    before = server.resident_kib()
    size = curl(server, url(server, str(path)), *(["--http2"] if kind == "http2" else []), "-o", "/dev/null", "-w", "%{size_download}")
    assert int(size) == 100 << 20
    assert server.resident_kib() - before < 8 << 10


def begin(server, path, *more):
    """A client that has read one byte of 20 MB."""
    sock = server.dial()
    sock.sendall(f"GET /file?path=%27{path}%27&{'&'.join(more)} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    return sock, sock.recv(1)


def rest(sock, got):
    with sock:
        while piece := sock.recv(1 << 20):
            got += piece
    return got.partition(b"\r\n\r\n")[2]


def test_a_file_that_changes_while_it_is_sent(servers, tmp_path):
    server, path = servers[0], tmp_path / "file"
    size = 20 << 20
    with open(sparse(path, size), "ab") as file:
        begun = begin(server, path)
        file.write(b"more" * 1000)
    assert rest(*begun) == bytes(size)
    begun = begin(server, path, f"length={size}")  # it had grown before
    assert rest(*begun) == bytes(size)
    begun = begin(server, path)
    path.unlink()
    assert len(rest(*begun)) == size + 4000
    assert last(server) == "sent"
    begun = begin(server, sparse(path, size))
    os.truncate(path, 1000)
    assert len(rest(*begun)) < size
    server.wait_for(lambda: last(server) == ["OSError", True])


def test_files_of_the_runtime_are_refused(build):
    with testenclave.Enclave(build, {"app.py": APP}) as enclave:
        enclave.run()
        for path in (enclave.dir / "state/sealed.bin", enclave.dir / "instance/instance.json", "/proc/self/mem"):
            assert enclave.get(f"/file?path=%27{path}%27").text == "refused"
            assert json.loads(enclave.get("/seen").text)[-1] == ["PermissionError", True]
        assert "Linux" in enclave.get("/file?path=%27/etc/os-release%27").text


THREADS = '''
import asyncio, threading


class Rest:
    """What is left of an operation of which one step was taken elsewhere."""
    def __init__(self, steps, given):
        self.steps, self.given = steps, given
    def __await__(self):
        yield self.given
        yield from self.steps


async def app(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200})
    message = {"type": "http.response.pathsend", "path": scope["query_string"].decode()}
    if scope["path"] != "/thread":
        return await send(message)
    steps = send(message).__await__()
    given, is_over = await asyncio.get_running_loop().run_in_executor(None, step, steps)
    if not is_over:
        await Rest(steps, given)


def step(steps):
    try:
        return next(steps), False
    except StopIteration:
        return None, True
'''


def test_files_that_are_sent_in_several_threads_are_not_mixed(build, tmp_path):
    """Applications may step send() wherever they like."""
    sizes = {"/thread": 60_000, "/loop": 50_001}
    for path, size in sizes.items():
        (tmp_path / path[1:]).write_bytes(path[1:2].encode() * size)
    with PlainServer(build, {"app.py": THREADS}) as server:
        def fetch(path):
            wanted = (tmp_path / path[1:]).read_bytes()
            return all(server.get(f"{path}?{tmp_path}{path}").data == wanted for _ in range(100))
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            assert all(pool.map(fetch, ["/thread", "/loop"] * 2))
        server.process.kill()  # uvloop is not made for other threads: the loop may sleep on
