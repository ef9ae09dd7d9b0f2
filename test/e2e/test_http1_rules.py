# SPDX-License-Identifier: Apache-2.0
"""The rules of RFC 9110 and 9112 that a server can break, one case for each: docs/testing-server.md is their table.

A refused request is followed by a good one on the same connection: that must never be answered.
"""
import email.utils
import re
import socket
import threading
import time

import pytest
from conftest import BUILD
from netserver import Server, read_all, read_response
from plainserver import PlainServer

GOOD = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
APP = """
def app(environ, start):
    path = environ["PATH_INFO"]
    if path == "/status":
        body = environ["wsgi.input"].read()
        start(environ["QUERY_STRING"].replace("+", " "), [("Content-Type", "text/plain")])
        return [b"content"]
    if path == "/part" and environ.get("HTTP_RANGE") == "bytes=2-3":
        start("206 Partial Content", [("Content-Range", "bytes 2-3/6")])
        return [b"ll"]
    if path == "/length":
        start("200 OK", [("Content-Length", "1000")])
        return [b"x" * 1000]
    if path == "/big":
        environ["wsgi.input"].read()
        start("200 OK", [])
        return [b"x" * 4000000]
    if path == "/lengths":
        start("200 OK", [("Content-Length", "7"), ("Content-Length", "2")])
        return [b"ok"]
    if path == "/control":
        start("200 O\x01K", [])
        return [b"ok"]
    if path == "/stream":
        start("200 OK", [])
        return iter([b"one", b"two"])
    start("200 OK", [("Content-Type", "text/plain")])
    return [repr((environ["REQUEST_METHOD"], path, sorted(k for k in environ if k.startswith("HTTP_")))).encode()]
"""


def head(*lines, line=b"POST /echo HTTP/1.1"):
    return b"\r\n".join([line, b"Host: a", *lines, b"", b""])


def chunked(body):
    return head(b"Transfer-Encoding: chunked") + body


REFUSED = [
    ("bare-lf", b"GET / HTTP/1.1\nHost: a\n\n", 400),
    ("bare-lf-in-fields", b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400),
    ("bare-cr", head(b"X: a\rb"), 400),
    ("nul-in-value", head(b"X: a\0b"), 400),
    ("nul-in-name", head(b"X\0: a"), 400),
    ("nul-in-target", b"GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("control-in-value", head(b"X: a\x0bb"), 400),
    ("two-empty-lines", b"\r\n\r\n" + GOOD, 400),
    ("blank-before-first-field", b"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400),
    ("two-blanks", b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("tab-in-start-line", b"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("blank-in-target", b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("no-version", b"GET /\r\nHost: a\r\n\r\n", 400),
    ("version-in-lower-case", b"GET / http/1.1\r\nHost: a\r\n\r\n", 400),
    ("version-of-three-digits", b"GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400),
    ("version-2", b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    ("unknown-method", b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
    ("method-in-lower-case", b"get / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
    ("long-target", b"GET /" + b"a" * 16384 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    ("long-fields", head(b"X: " + b"y" * 65536), 431),
    ("many-fields", head(*[b"X: y"] * 100), 431),
    ("fragment", b"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("relative-target", b"GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("asterisk-of-get", b"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("connect", b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 501),
    ("no-host", b"GET / HTTP/1.1\r\n\r\n", 400),
    ("two-hosts", head(b"Host: a"), 400),
    ("host-list", b"GET / HTTP/1.1\r\nHost: a, b/c\r\n\r\n", 400),
    ("host-with-user", b"GET / HTTP/1.1\r\nHost: user@a\r\n\r\n", 400),
    ("host-port-letters", b"GET / HTTP/1.1\r\nHost: a:abc\r\n\r\n", 400),
    ("host-two-ports", b"GET / HTTP/1.1\r\nHost: a:80:90\r\n\r\n", 400),
    ("host-port-65536", b"GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", 400),
    ("host-port-0", b"GET / HTTP/1.1\r\nHost: a:0\r\n\r\n", 400),
    ("host-port-sign", b"GET / HTTP/1.1\r\nHost: a:+1\r\n\r\n", 400),
    ("host-port-of-6-digits", b"GET / HTTP/1.1\r\nHost: a:000080\r\n\r\n", 400),
    ("host-port-alone", b"GET / HTTP/1.1\r\nHost: :80\r\n\r\n", 400),
    ("host-bare-ip6", b"GET / HTTP/1.1\r\nHost: ::1\r\n\r\n", 400),
    ("host-open-bracket", b"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400),
    ("host-empty-bracket", b"GET / HTTP/1.1\r\nHost: []\r\n\r\n", 400),
    ("host-bracketed-name", b"GET / HTTP/1.1\r\nHost: [zz]\r\n\r\n", 400),
    ("host-behind-bracket", b"GET / HTTP/1.1\r\nHost: [::1]a\r\n\r\n", 400),
    ("host-broken-escape", b"GET / HTTP/1.1\r\nHost: a%zz\r\n\r\n", 400),
    ("host-short-escape", b"GET / HTTP/1.1\r\nHost: a%4\r\n\r\n", 400),
    ("absolute-of-another-host", b"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("absolute-with-user", b"GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("absolute-without-host", b"GET http:///a HTTP/1.1\r\nHost:\r\n\r\n", 400),
    ("absolute-beside-empty-host", b"GET http://a/ HTTP/1.1\r\nHost:\r\n\r\n", 400),
    ("absolute-with-user-of-1.0", b"GET http://u:p@a/ HTTP/1.0\r\n\r\n", 400),
    ("obs-fold", head(b"X: a", b" b"), 400),
    ("blank-before-colon", head(b"X : a"), 400),
    ("blank-before-colon-of-coding", head(b"Transfer-Encoding : chunked") + b"0\r\n\r\n", 400),
    ("no-colon", head(b"X"), 400),
    ("empty-name", head(b": a"), 400),
    ("no-token", head(b"X(a): b"), 400),
    ("length-and-coding", head(b"Content-Length: 3", b"Transfer-Encoding: chunked") + b"0\r\n\r\n", 400),
    ("coding-and-length", head(b"Transfer-Encoding: chunked", b"Content-Length: 3") + b"0\r\n\r\n", 400),
    ("two-lengths", head(b"Content-Length: 3", b"Content-Length: 4") + b"abcd", 400),
    ("two-equal-lengths", head(b"Content-Length: 3", b"Content-Length: 3") + b"abc", 400),
    ("length-list", head(b"Content-Length: 3, 3") + b"abc", 400),
    ("length-with-sign", head(b"Content-Length: +3") + b"abc", 400),
    ("length-below-zero", head(b"Content-Length: -1"), 400),
    ("length-in-hex", head(b"Content-Length: 0x3") + b"abc", 400),
    ("length-with-blank", head(b"Content-Length: 3 3") + b"abc", 400),
    ("length-empty", head(b"Content-Length:"), 400),
    ("length-over-63-bits", head(b"Content-Length: 9223372036854775808"), 400),
    ("length-over-64-bits", head(b"Content-Length: 18446744073709551619") + b"abc", 400),
    ("coding-twice", head(b"Transfer-Encoding: chunked, chunked") + b"0\r\n\r\n", 400),
    ("coding-in-two-fields", head(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked") + b"0\r\n\r\n", 400),
    ("coding-chunked-not-last", head(b"Transfer-Encoding: chunked, gzip") + b"0\r\n\r\n", 400),
    ("coding-identity", head(b"Transfer-Encoding: identity"), 501),
    ("coding-like-chunked", head(b"Transfer-Encoding: xchunked") + b"0\r\n\r\n", 501),
    ("coding-with-parameter", head(b"Transfer-Encoding: chunked;a=b") + b"0\r\n\r\n", 501),
    ("coding-in-quotes", head(b'Transfer-Encoding: "chunked"') + b"0\r\n\r\n", 501),
    ("coding-empty", head(b"Transfer-Encoding:"), 501),
    ("coding-with-comma", head(b"Transfer-Encoding: ,chunked") + b"0\r\n\r\n", 501),
    ("coding-of-1.0", b"POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("chunk-bare-lf", chunked(b"3\nabc\r\n0\r\n\r\n"), 400),
    ("chunk-data-bare-lf", chunked(b"3\r\nabc\n0\r\n\r\n"), 400),
    ("chunk-too-long", chunked(b"3\r\nabcd\r\n0\r\n\r\n"), 400),
    ("chunk-size-empty", chunked(b"\r\nabc\r\n0\r\n\r\n"), 400),
    ("chunk-size-sign", chunked(b"+3\r\nabc\r\n0\r\n\r\n"), 400),
    ("chunk-size-below-zero", chunked(b"-3\r\nabc\r\n0\r\n\r\n"), 400),
    ("chunk-size-0x", chunked(b"0x3\r\nabc\r\n0\r\n\r\n"), 400),
    ("chunk-size-blank-before", chunked(b" 3\r\nabc\r\n0\r\n\r\n"), 400),
    ("chunk-size-blank-behind", chunked(b"3 \r\nabc\r\n0\r\n\r\n"), 400),
    ("chunk-size-underscore", chunked(b"1_0\r\nabc\r\n0\r\n\r\n"), 400),
    ("chunk-size-over-64-bits", chunked(b"10000000000000003\r\nabc\r\n0\r\n\r\n"), 413),
    ("chunk-size-over-63-bits", chunked(b"8000000000000000\r\nabc\r\n0\r\n\r\n"), 413),
    ("chunk-size-of-17-digits", chunked(b"00000000000000003\r\nabc\r\n0\r\n\r\n"), 413),
    ("chunk-extension-control", chunked(b"3;a\x01\r\nabc\r\n0\r\n\r\n"), 400),
    ("chunk-extension-bare-lf", chunked(b"3;a\nabc\r\n0\r\n\r\n"), 400),
    ("chunk-extension-long", chunked(b"1;" + b"x" * 257 + b"\r\na\r\n0\r\n\r\n"), 413),
    ("chunk-extensions-many", chunked(b"1;" + b"x" * 129 + b"\r\na\r\n1;" + b"x" * 128 + b"\r\na\r\n0\r\n\r\n"), 413),
    ("trailer-obs-fold", chunked(b"0\r\nA: b\r\n c\r\n\r\n"), 400),
    ("trailer-bare-lf", chunked(b"0\r\nA: b\n\r\n"), 400),
    ("trailer-nul", chunked(b"0\r\nA: \0\r\n\r\n"), 400),
    ("trailer-no-colon", chunked(b"0\r\nA\r\n\r\n"), 400),
    ("trailer-blank-before-colon", chunked(b"0\r\nA : b\r\n\r\n"), 400),
    ("trailer-long", chunked(b"0\r\nA: " + b"v" * 8192 + b"\r\n\r\n"), 413),
    ("expect-other", head(b"Expect: wonders"), 417),
    ("expect-other-too", head(b"Content-Length: 1", b"Expect: 100-continue", b"Expect: wonders"), 417),
]

TAKEN = [
    ("one-empty-line", b"\r\n", b"GET / HTTP/1.1", b""),
    ("blanks-around-value", b"", b"GET / HTTP/1.1", b"X: \t a \t\r\n"),
    ("empty-value", b"", b"GET / HTTP/1.1", b"X:\r\n"),
    ("latin-1-value", b"", b"GET / HTTP/1.1", b"X: \xe9\r\n"),
    ("absolute-target", b"", b"GET HTTP://A/ HTTP/1.1", b""),
    ("address-in-a-query", b"", b"GET /?http:///a HTTP/1.1", b""),
    ("target-of-16384-bytes", b"", b"GET /?" + b"a" * 16382 + b" HTTP/1.1", b""),
    ("100-fields", b"", b"GET / HTTP/1.1", b"X: y\r\n" * 98),
    ("65536-bytes", b"", b"GET / HTTP/1.1", b"X: " + b"y" * (65536 - 51) + b"\r\n"),
    ("coding-in-any-case", b"", b"POST / HTTP/1.1", b"Transfer-Encoding: \tChUnKeD\r\n"),
    ("length-of-19-zeros", b"", b"POST / HTTP/1.1", b"Content-Length: 0000000000000000000\r\n"),
    ("upgrade-unknown", b"", b"GET / HTTP/1.1", b"Upgrade: wonder/1.0, h2c\r\n"),
    ("expect-100-in-any-case", b"", b"GET / HTTP/1.1", b"Expect: 100-CONTINUE\r\n"),
]


HOSTS = [b"a:65535", b"a:", b"[::1]", b"[::ffff:127.0.0.1]:1", b"a-b_c.d", b"%41", b"127.0.0.1:00080"]


@pytest.fixture(scope="module")
def server():
    with Server(BUILD, server="mse") as new:
        yield new


@pytest.fixture(scope="module")
def app(build):
    with PlainServer(build, {"app.py": APP}) as new:
        yield new


def status_of(answer):
    assert answer.startswith(b"HTTP/1.1 "), answer[:100]
    return int(answer[9:12])


@pytest.mark.parametrize("sent, wanted", [pytest.param(*row[1:], id=row[0]) for row in REFUSED])
def test_refused(server, sent, wanted):
    answer = server.say(sent + GOOD)
    assert status_of(answer) == wanted
    assert answer.count(b"HTTP/1.1 ") == 1 and b"hello" not in answer
    assert b"\r\nConnection: close\r\n" in answer


@pytest.mark.parametrize("before, line, fields", [pytest.param(*row[1:], id=row[0]) for row in TAKEN])
def test_taken(server, before, line, fields):
    body = b"0\r\n\r\n" if b"ChUnKeD" in fields else b""
    answer = server.say(before + line + b"\r\nHost: a\r\n" + fields + b"Connection: close\r\n\r\n" + body)
    assert status_of(answer) == 200 and answer.endswith(b"hello\n")


@pytest.mark.parametrize("host", HOSTS)
def test_hosts_that_are_taken(server, host):
    answer = server.say(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n")
    assert status_of(answer) == 200 and answer.endswith(b"hello\n")


# ---- bodies ----

@pytest.mark.parametrize("body, wanted", [
    (b"3\r\nabc\r\n0\r\n\r\n", b"abc"), (b"000000000000000A\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
    (b"1;" + b"x" * 256 + b"\r\na\r\n0\r\n\r\n", b"a"), (b"1;a=\"\\\"b\"\r\na\r\n00\r\n\r\n", b"a"),
    (b"1\r\na\r\n0\r\nA: " + b"v" * 8188 + b"\r\n\r\n", b"a")])
def test_chunked_bodies(server, body, wanted):
    last = head(b"Connection: close", line=b"GET / HTTP/1.1")
    answer = server.say(chunked(body) + last)
    assert status_of(answer) == 200 and wanted + b"HTTP/1.1 200" in answer and answer.endswith(b"hello\n")


def test_trailers_never_become_fields(server):
    """Whatever a trailer says of framing, routing or who asks: it is dropped (RFC 9110 6.5.1)."""
    forbidden = [b"Content-Length: 5", b"Transfer-Encoding: gzip", b"Host: b", b"Authorization: x", b"Cookie: a=b",
                 b"Content-Type: text/evil", b"Expect: wonders", b"Connection: close"]
    body = b"3\r\nabc\r\n0\r\n" + b"".join(line + b"\r\n" for line in forbidden) + b"\r\n"
    answer = server.say(chunked(body).replace(b"/echo", b"/show") + GOOD.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    assert answer.count(b"HTTP/1.1 200 OK") == 2 and b"evil" not in answer and b"header Cookie" not in answer


def test_a_get_may_have_a_body(server):
    answer = server.say(b"GET /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" + head(b"Connection: close", line=b"GET / HTTP/1.1"))
    assert b"\r\n\r\nabcHTTP/1.1 200" in answer and answer.endswith(b"hello\n")


def test_without_length_there_is_no_body(server):
    answer = server.say(head() + head(b"Connection: close", line=b"GET / HTTP/1.1"))
    assert answer.count(b"HTTP/1.1 200") == 2 and answer.endswith(b"hello\n")


# ---- Expect ----

def test_continue_is_sent_when_the_body_is_wanted(server):
    with server.connect() as sock:
        sock.sendall(head(b"Content-Length: 3", b"Expect: 100-continue"))
        assert sock.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"abc")
        assert read_response(sock)[2] == b"abc"


def test_continue_is_not_sent_to_who_did_not_wait(server):
    answer = server.say(head(b"Content-Length: 3", b"Expect: 100-continue", b"Connection: close") + b"abc")
    assert b"100 Continue" not in answer and answer.endswith(b"abc")


def test_continue_is_not_sent_to_1_0(server):
    answer = server.say(b"POST /echo HTTP/1.0\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc")
    assert b"100 Continue" not in answer and answer.endswith(b"abc")


def test_no_continue_without_a_body(server):
    answer = server.say(head(b"Expect: 100-continue", b"Connection: close", line=b"GET / HTTP/1.1"))
    assert answer.startswith(b"HTTP/1.1 200")


def test_the_final_status_alone_ends_the_connection(server):
    answer = server.say(head(b"Content-Length: 3", b"Expect: 100-continue", line=b"POST /count HTTP/1.1"))
    assert answer.startswith(b"HTTP/1.1 200") and b"\r\nConnection: close\r\n" in answer


# ---- responses ----

@pytest.mark.parametrize("status", [204, 304])
def test_no_body_and_no_length(app, status):
    with app.dial() as sock:
        for _ in range(2):
            sock.sendall(b"GET /status?%d+X HTTP/1.1\r\nHost: a\r\n\r\n" % status)
            _, fields, body = read_response(sock)
            assert body == b"" and "content-length" not in fields and "transfer-encoding" not in fields


def test_reset_content_is_empty(app):
    with app.dial() as sock:
        for _ in range(2):
            sock.sendall(b"GET /status?205+Reset HTTP/1.1\r\nHost: a\r\n\r\n")
            status, fields, _ = read_response(sock)
            assert (status, fields["content-length"]) == (205, "0")


def test_head_is_get_without_its_body(app):
    with app.dial() as sock:
        for path in b"/length", b"/stream", b"/":
            fields = {}
            for method in b"GET", b"HEAD":
                sock.sendall(method + b" " + path + b" HTTP/1.1\r\nHost: a\r\n\r\n")
                data = b""
                while not data.endswith(b"\r\n\r\n"):
                    data += sock.recv(1)
                fields[method] = {line.split(b":")[0] for line in data.splitlines()[1:-1]}
                if method == b"GET":
                    length = re.search(rb"Content-Length: (\d+)", data)
                    left = int(length[1]) if length else len(b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")
                    while left:
                        left -= len(sock.recv(left))
            assert fields[b"GET"] == fields[b"HEAD"]


def test_date(app):
    for path in "/", "/status?404+No", "/status?302+There":
        date = app.get(path).headers["Date"]
        assert re.fullmatch(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", date)
        assert abs(email.utils.parsedate_to_datetime(date).timestamp() - time.time()) < 30


def test_nobody_learns_the_version(app, server):
    assert app.get().headers["Server"] is None
    assert b"\r\nServer: mse\r\n" in server.say(b"GET / HTTP/1.0\r\n\r\n")


def test_ranges_are_the_application_s(app):
    answer = app.get("/part", headers={"Range": "bytes=2-3"})
    assert (answer.status, answer.headers["Content-Range"], answer.data) == (206, "bytes 2-3/6", b"ll")
    assert app.get("/length", headers={"Range": "bytes=0-1"}).status == 200


@pytest.mark.parametrize("target, path", [("*", ""), ("/a%2fb", "/a/b")])
def test_options(app, target, path):
    assert app.request("OPTIONS", target).text.startswith(f"('OPTIONS', '{path}', ")


def test_the_reason_is_the_application_s(app):
    for reason in b"Unavailable For Legal Reasons", b"x" * 80:
        got = app.raw(b"GET /status?451+" + reason.replace(b" ", b"+") + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert got.startswith(b"HTTP/1.1 451 " + reason + b"\r\n")
    assert app.get("/lengths").status == 500, "Content-Length given twice"
    assert app.get("/control").status == 500, "a control byte in the status"
    for status in b"199", b"600", b"999":
        got = app.raw(b"GET /status?" + status + b"+Fine HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert got.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")


# ---- connections ----

def test_a_connection_goes_on(app):
    connection = app.connection()
    for _ in range(3):
        answer = app.request("GET", "/", connection=connection)
        assert answer.headers["Connection"] is None and not answer.will_close
    connection.close()


@pytest.mark.parametrize("value", ["close", "Close", "x, close", "close, x"])
def test_close_is_honoured_and_said(app, value):
    got = app.raw(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: " + value.encode() + b"\r\n\r\n" + GOOD)
    assert got.count(b"HTTP/1.1 200") == 1 and b"\r\nConnection: close\r\n" in got


def test_1_0_closes_unless_asked(app):
    got = app.raw(b"GET / HTTP/1.0\r\n\r\n" + b"GET / HTTP/1.0\r\n\r\n")
    assert got.count(b"HTTP/1.1 200") == 1
    got = app.raw(b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n" * 2 + b"GET / HTTP/1.0\r\n\r\n")
    assert got.count(b"HTTP/1.1 200") == 3 and got.count(b"\r\nConnection: keep-alive\r\n") == 2


def test_1_0_gets_no_chunks(app):
    got = app.raw(b"GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert b"Transfer-Encoding" not in got and got.endswith(b"\r\n\r\nonetwo")


def test_pipelined_requests_are_answered_in_order(app):
    paths = [b"/%d" % i for i in range(50)]
    got = app.raw(b"".join(b"GET " + path + b" HTTP/1.1\r\nHost: a\r\n\r\n" for path in paths) +
                  b"GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert re.findall(rb"\('GET', '(/\w+)'", got) == [*paths, b"/last"]


def test_hop_by_hop_names_do_not_hide_fields(app):
    """Connection names fields for who is in between; the last server looks at them all the same."""
    answer = app.get("/", headers={"Connection": "X-Secret, close", "X-Secret": "1"})
    assert "HTTP_X_SECRET" in answer.text


def test_a_refusal_reaches_who_still_sends(app):
    """The answer is not lost in a reset (RFC 9112 9.6)."""
    with app.dial() as sock:
        sock.settimeout(10)
        sock.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n")
        try:
            for _ in range(100):
                sock.sendall(b"x" * 10000)
        except OSError:
            pass
        assert status_of(read_all(sock)) == 400


def test_what_follows_a_body_takes_no_answer_away(app):
    """The body was read to its last byte; a close with the rest in the kernel would be a reset."""
    with app.dial() as sock:
        sock.sendall(b"POST /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 100000\r\n\r\n" +
                     b"x" * 100000 + b"\r\n")
        size = 0
        while piece := sock.recv(16384):
            size += len(piece)
            time.sleep(0.001)  # so that the last of it is still in the server's kernel when it closes
        assert size > 4000000


@pytest.mark.parametrize("size, goes_on", [(60_000, True), (256 << 10, True), (1 << 20, False)])
def test_a_body_that_nobody_reads(app, size, goes_on):
    """Who keeps the connection is not cut off; who is, was told (RFC 9112 9.6)."""
    with app.dial() as sock:
        sock.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size)
        sender = threading.Thread(target=send_or_not, args=(sock, b"x" * size))
        sender.start()
        status, fields, _ = read_response(sock)
        sender.join()
        assert (status, fields.get("connection")) == (200, None if goes_on else "close")
        if goes_on:
            sock.sendall(GOOD)
            assert read_response(sock)[0] == 200


def send_or_not(sock, data):
    try:
        sock.sendall(data)
    except OSError:
        pass


def test_half_closed_clients_are_answered(app):
    with app.dial() as sock:
        sock.sendall(GOOD)
        sock.shutdown(socket.SHUT_WR)
        assert status_of(read_all(sock)) == 200
