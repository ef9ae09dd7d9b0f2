# SPDX-License-Identifier: Apache-2.0
"""WSGI (PEP 3333) of the plain server: every path under wsgiref.validate, files, and clients that leave.

test_enclave_wsgi.py has the same protocol inside an enclave; here is what it does not ask.
"""
import json
import pathlib
import re
import socket
import subprocess
import time

import pytest
from plainserver import PlainServer

VALID = '''
import io, json, os, sys
from wsgiref.validate import validator

CLOSED = []
PLAIN = [("Content-Type", "text/plain")]


class Closing:
    def __init__(self, name, pieces):
        self.name, self.pieces = name, iter(pieces)
    def __iter__(self):
        return self
    def __next__(self):
        return next(self.pieces)
    def close(self):
        CLOSED.append(self.name)


def echo(environ, start):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start("200 OK", PLAIN + [("Content-Length", str(len(body)))])
    return [body]


def chunks(environ, start):
    total = 0
    while piece := environ["wsgi.input"].read(1000):
        total += len(piece)
    start("200 OK", PLAIN)
    return [str(total).encode()]


def lines(environ, start):
    source = environ["wsgi.input"]
    first, second, rest = source.readline(), source.readline(3), source.readlines()
    start("200 OK", PLAIN)
    return [repr((first, second, rest)).encode()]


def iterate(environ, start):
    start("200 OK", PLAIN)
    return (b"<" + line + b">" for line in environ["wsgi.input"])


def write(environ, start):
    put = start("200 OK", PLAIN)
    put(b"one ")
    put(b"two ")
    return [b"three"]


def replaced(environ, start):
    start("200 OK", PLAIN)
    try:
        raise KeyError("a")
    except KeyError:
        start("503 Late", PLAIN, sys.exc_info())
    return [b"replaced"]


def errors(environ, start):
    environ["wsgi.errors"].write("written ")
    environ["wsgi.errors"].writelines(["in ", "lines\\n"])
    environ["wsgi.errors"].flush()
    start("200 OK", PLAIN)
    return [b""]


def nothing(environ, start):
    start("204 No Content", [])
    return Closing("nothing", [])


def unchanged(environ, start):
    start("304 Not Modified", [("ETag", '"a"')])
    return []


def pieces(environ, start):
    start("200 OK", PLAIN)
    return Closing("pieces", [b"a", b"", b"b"])


def bare(environ, start):
    start("200 OK", PLAIN + ([("Content-Length", "4")] if environ["QUERY_STRING"] else []))
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [b"body"]


def seen(environ, start):
    start("200 OK", PLAIN)
    return [json.dumps({k: v for k, v in environ.items() if isinstance(v, (str, bool, list))}).encode()]


def closed(environ, start):
    start("200 OK", PLAIN)
    return [json.dumps(CLOSED).encode()]


APPS = {"/" + f.__name__: validator(f) for f in
        (echo, chunks, lines, iterate, write, replaced, errors, nothing, unchanged, pieces, bare, seen, closed)}


def app(environ, start):
    return APPS[environ["PATH_INFO"]](environ, start)
'''

FILES = '''
import gzip, io, json, os, time
CLOSED, SHARED, DIR = [], [], os.getcwd()
PATH = os.path.join(DIR, "file")
with open(PATH, "wb") as made:
    for i in range(3_000_000 // 8):
        made.write(b"%07d\\n" % i)


class Own(io.BytesIO):
    def close(self):
        CLOSED.append("own")
        super().close()


class Watched(io.FileIO):
    def read(self, size=-1):
        CLOSED.append("read by Python")
        return super().read(size)
    def close(self):
        CLOSED.append("watched")
        super().close()


class Upper(io.BufferedReader):
    def read(self, size=-1):
        return super().read(size).upper()


class Writing:
    """Writes until its client is gone, then is closed."""
    def __init__(self, write):
        self.write = write
    def __iter__(self):
        return self
    def __next__(self):
        self.write(b"x" * 100000)
        return b""
    def close(self):
        time.sleep(0)
        CLOSED.append("writing")


class Late:
    """Writes behind its response."""
    def __init__(self, write):
        self.write = write
    def __iter__(self):
        return iter([b"whole"])
    def close(self):
        try:
            self.write(b"x")
        except Exception as error:
            CLOSED.append(f"{type(error).__name__}: {error}")


class Bare:
    """Nothing but read()."""
    def __init__(self):
        self.left = 3
    def read(self, size):
        self.left -= 1
        return b"%d" % size if self.left else b""


def app(environ, start):
    path, wrap = environ["PATH_INFO"], environ["wsgi.file_wrapper"]
    headers = [("Content-Type", "application/octet-stream")]
    if path == "/whole":
        start("200 OK", headers)
        file = open(PATH, "rb", buffering=0)
        if environ["QUERY_STRING"] == "shared":
            SHARED.append(os.dup(file.fileno()))
        return wrap(file)
    if path == "/position":
        shared = SHARED.pop()
        at = os.lseek(shared, 0, os.SEEK_CUR)
        os.close(shared)
        start("200 OK", headers)
        return [b"%d" % at]
    if path == "/watched":
        start("200 OK", headers)
        return wrap(Watched(PATH))
    if path == "/upper":
        file = Upper(io.FileIO(PATH + "-text", "wb+"))
        os.write(file.fileno(), b"small letters")
        file.seek(0)
        start("200 OK", headers)
        return wrap(file)
    if path == "/gzip":
        with gzip.open(PATH + ".gz", "wb") as packed:
            packed.write(b"unpacked " * 1000)
        start("200 OK", headers)
        return wrap(io.BufferedReader(gzip.open(PATH + ".gz")))
    if path == "/replaced":
        file = open(PATH, "rb", buffering=0)
        pieces = iter([b"in place", b" of read", b""])
        file.read = lambda size: next(pieces)
        start("200 OK", headers)
        return wrap(file)
    if path == "/writing":
        return Writing(start("200 OK", headers))
    if path == "/late":
        return Late(start("200 OK", headers))
    if path == "/part":
        file = open(PATH, "rb")
        file.readline()
        start("206 Partial Content", headers + [("Content-Length", "24")])
        return wrap(file, 65536)
    if path == "/promise":
        start("200 OK", headers + [("Content-Length", str(os.path.getsize(PATH) + 1))])
        return wrap(open(PATH, "rb"))
    if path == "/empty":
        start("200 OK", headers)
        return wrap(open(os.devnull, "rb"))
    if path == "/bytes":
        start("200 OK", headers)
        return wrap(Own(b"x" * 20000))
    if path == "/bare":
        start("200 OK", headers)
        return wrap(Bare(), 100)
    if path == "/pipe":
        ends = os.pipe()
        os.write(ends[1], b"through a pipe")
        os.close(ends[1])
        start("200 OK", headers)
        return wrap(os.fdopen(ends[0], "rb"))
    if path == "/text":
        start("200 OK", headers)
        return wrap(open(PATH))
    if path == "/unstarted":
        return wrap(open(PATH, "rb"))
    if path == "/wrapped":
        start("200 OK", headers)
        return (piece.lower() for piece in wrap(open(PATH, "rb"), 1000))
    if path == "/slow":
        def pieces():
            try:
                for _ in range(10000):
                    yield b"x" * 10000
            finally:
                CLOSED.append("slow")
        start("200 OK", headers)
        return pieces()
    start("200 OK", headers)
    return [json.dumps([CLOSED, len(os.listdir("/proc/self/fd"))]).encode()]
'''


@pytest.fixture(scope="module")
def valid(build):
    with PlainServer(build, {"app.py": VALID}) as server:
        yield server
        assert "AssertionError" not in server.messages(), server.messages()


@pytest.fixture(scope="module")
def files(build):
    with PlainServer(build, {"app.py": FILES}) as server:
        yield server


@pytest.mark.parametrize("path, length", [("/bare", None), ("/bare?sized", "4"), ("/echo", "0")])
def test_head(valid, path, length):
    """RFC 9110 8.6: the length of what GET would give, or none."""
    connection = valid.connection()
    answer = valid.request("HEAD", path, connection=connection)
    assert (answer.status, answer.headers["Content-Length"], answer.data) == (200, length, b"")
    assert valid.get("/bare", connection=connection).text == "body"


@pytest.mark.parametrize("body", [b"", b"x", b"y" * 100000])
def test_valid_echo(valid, body):
    answer = valid.request("POST", "/echo", body=body)
    assert (answer.status, answer.data) == (200, body)


def test_valid_chunked(valid):
    answer = valid.request("POST", "/chunks", body=iter([b"a" * 999, b"b" * 70000, b"c"]))
    assert answer.text == "71000"


def test_valid_lines(valid):
    answer = valid.request("POST", "/lines", body=b"one\ntwo and more\nthree\nend")
    assert answer.text == "(b'one\\n', b'two', [b' and more\\n', b'three\\n', b'end'])"
    assert valid.request("POST", "/iterate", body=b"a\nb\n\nc").data == b"<a\n><b\n><\n><c>"


@pytest.mark.parametrize("path, status, data", [
    ("/write", 200, b"one two three"), ("/replaced", 503, b"replaced"), ("/errors", 200, b""), ("/nothing", 204, b""),
    ("/unchanged", 304, b""), ("/pieces", 200, b"ab")])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_valid_replies(valid, method, path, status, data):
    connection = valid.connection()
    answer = valid.request(method, path, connection=connection)
    assert (answer.status, answer.data) == (status, b"" if method == "HEAD" else data)
    again = valid.request(method, path, connection=connection)
    assert again.status == status, "the connection goes on behind it"
    connection.close()


def test_valid_what_is_written_to_errors(valid):
    valid.get("/errors")
    assert "written in lines\n" in valid.messages()


def test_valid_environ(valid):
    seen = json.loads(valid.get("/seen?a=%20b", headers={"Host": "name:8080", "X_Port": "9", "X-Port": "8"}).text)
    assert seen["SERVER_PORT"] == "8080" and seen["QUERY_STRING"] == "a=%20b" and seen["SCRIPT_NAME"] == ""
    assert seen["HTTP_X_PORT"] == "8", "X_Port is not let through in place of X-Port"
    assert seen["wsgi.multithread"] is True and seen["wsgi.run_once"] is False
    assert [k for k in seen if k.startswith("HTTP_CONTENT_")] == []


def test_valid_results_are_closed(valid):
    for path in "/nothing", "/pieces":
        valid.get(path)
    assert {"nothing", "pieces"} <= set(json.loads(valid.get("/closed").text))


# ---- exc_info, and bodies that are only announced ----

WRONG = '''
import sys

GIVEN = {
    "nones": (None, None, None), "numbers": (1, 2, 3), "short": (ValueError, ValueError("a")), "list": [1, 2, 3],
    "class": (int, 1, None), "other": (ValueError, KeyError("a"), None), "text": (ValueError, "a", None),
    "traceback": (ValueError, ValueError("a"), 7), "none": (ValueError, None, None),
    "right": (ValueError, ValueError("a"), None), "instance": (ValueError("a"), None, None),
}


def app(environ, start):
    name = environ["PATH_INFO"][1:]
    if name == "read":
        start("200 OK", [])
        return [environ["wsgi.input"].read()]
    write = start("200 OK", [("Content-Type", "text/plain")])
    if environ["QUERY_STRING"] == "sent":
        write(b"sent ")
    try:
        start("200 OK", [("Content-Type", "text/plain")], GIVEN[name])
        said = "replaced"
    except BaseException as error:
        said = type(error).__name__
    return [said.encode()]
'''


def test_exc_info_must_be_an_exception(build):
    wanted = {"nones": "AssertionError", "none": "ValueError", "right": "ValueError", "instance": "ValueError",
              **dict.fromkeys(["numbers", "short", "list", "class", "other", "text", "traceback"], "TypeError")}
    with PlainServer(build, {"app.py": WRONG}) as server:
        for name, raised in wanted.items():
            assert server.get(f"/{name}?sent").text == "sent " + raised, name
            assert server.get(f"/{name}").text == ("replaced" if raised == "ValueError" else raised), name


def test_room_is_made_for_what_comes_not_for_what_is_announced(build):
    with PlainServer(build, {"app.py": WRONG}, "--body-max", "2000000000", "--body-timeout", "1") as server:
        body = bytes(range(256)) * 20000
        assert is_equal(server.request("POST", "/read", body=body).data, body)
        got = server.raw(b"POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 1900000000\r\n\r\n" + body)
        assert b" 408 " in got.partition(b"\r\n")[0]
        peak = int(re.search(r"VmPeak:\s+(\d+)", pathlib.Path(f"/proc/{server.process.pid}/status").read_text())[1])
        size = int(re.search(r"VmSize:\s+(\d+)", pathlib.Path(f"/proc/{server.process.pid}/status").read_text())[1])
        assert peak - size < 500_000, "KiB"


# ---- wsgi.file_wrapper ----

WHOLE = b"".join(b"%07d\n" % i for i in range(3_000_000 // 8))


def is_equal(got, wanted):
    """Not by assert, which would print megabytes."""
    return got == wanted


def test_a_file_is_sent_with_its_length(files):
    connection = files.connection()
    answer = files.request("GET", "/whole?shared", connection=connection)
    assert answer.headers["Content-Length"] == "3000000" and is_equal(answer.data, WHOLE)
    assert files.request("GET", "/position", connection=connection).text == "0", "the server reads it by itself"
    connection.close()


def test_a_write_behind_the_response_is_the_application_s_mistake(files):
    assert files.get("/late").text == "whole"
    files.wait_for(lambda: "AssertionError: the response has ended" in json.loads(files.get("/closed").text)[0])


def test_what_reads_in_its_own_way_is_read_so(files):
    assert is_equal(files.get("/watched").data, WHOLE)
    closed, _ = json.loads(files.get("/closed").text)
    assert "watched" in closed and "read by Python" in closed
    assert files.get("/upper").data == b"SMALL LETTERS"
    assert files.get("/gzip").data == b"unpacked " * 1000
    assert files.get("/replaced").data == b"in place of read"


def test_a_file_begins_where_it_stands_and_ends_at_content_length(files):
    answer = files.get("/part")
    assert (answer.status, answer.data) == (206, b"0000001\n0000002\n0000003\n")


def test_a_file_shorter_than_its_length_is_cut(files):
    got = files.raw(b"GET /promise HTTP/1.1\r\nHost: a\r\n\r\n")
    assert len(got.partition(b"\r\n\r\n")[2]) == 3000000
    assert "not" not in got.partition(b"\r\n\r\n")[0].decode().lower()


def test_head_of_a_file(files):
    connection = files.connection()
    for _ in range(2):
        answer = files.request("HEAD", "/whole", connection=connection)
        assert (answer.headers["Content-Length"], answer.data) == ("3000000", b"")
    connection.close()


@pytest.mark.parametrize("path, data", [
    ("/empty", b""), ("/bytes", b"x" * 20000), ("/bare", b"100100"), ("/pipe", b"through a pipe"), ("/wrapped", WHOLE)], ids=lambda value: value if isinstance(value, str) else "")
def test_what_is_no_file_of_the_system_is_read(files, path, data):
    assert is_equal(files.get(path).data, data)
    assert path != "/bytes" or "own" in json.loads(files.get("/closed").text)[0]


def test_mistakes_with_files_are_500(files):
    assert files.get("/text").status == 500
    assert files.get("/unstarted").status == 500
    assert "the body came before start_response" in files.messages() or \
        "without calling start_response" in files.messages()


def test_clients_that_leave_close_files_and_iterators(files):
    def count():
        return json.loads(files.get("/closed").text)
    _, before = count()
    for path in ("/whole", "/slow", "/writing") * 5:
        with files.dial() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            sock.recv(100)
    files.wait_for(lambda: count()[0].count("slow") >= 5 and count()[1] <= before)
    files.wait_for(lambda: count()[0].count("writing") >= 5)
    assert "SystemError" not in files.messages()


def test_flask_sends_files_with_curl(build, tmp_path):
    code = '''
from flask import Flask, send_file
app = Flask(__name__, static_folder="static")

@app.get("/file")
def file():
    return send_file("static/big", conditional=True)
'''
    data = bytes(range(256)) * 4000
    with PlainServer(build, {"app.py": code, "static/small.css": "a {}"}) as server:
        (server.code / "static/big").write_bytes(data)

        def curl(*options):
            done = subprocess.run(["curl", "-sS", "--max-time", "20", *options], capture_output=True, timeout=30)
            assert done.returncode == 0, done.stderr
            return done.stdout
        assert curl(server.url("/file")) == data
        assert curl("-r", "1000-1999", server.url("/file")) == data[1000:2000]
        assert curl(server.url("/static/small.css")) == b"a {}"
        etag = curl("-I", server.url("/static/small.css")).decode().partition("ETag: ")[2].split()[0]
        status = curl("-o", "/dev/null", "-w", "%{http_code}", "-H", f"If-None-Match: {etag}",
                      server.url("/static/small.css"))
        assert status == b"304"
        assert curl("-o", "/dev/null", "-w", "%{http_code}", server.url("/static/none")) == b"404"
