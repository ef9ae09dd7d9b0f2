# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 in raw frames: the rules of RFC 9113 that a server can break, floods, limits, stalls, ends."""
import array
import fcntl
import os
import pathlib
import socket
import struct
import termios
import time

import pytest

from conftest import BUILD
from http2client import (ACK, CANCEL, CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, FLOW_CONTROL_ERROR,
                         GET, GOAWAY, HEADERS, INTERNAL_ERROR, NO_ERROR, PADDED, PING, PREFACE, PRIORITY,
                         PROTOCOL_ERROR, PUSH_PROMISE, REFUSED_STREAM, RST_STREAM, SETTINGS, SETTINGS_TIMEOUT,
                         WINDOW_UPDATE, Connection, frame, request)
from netserver import Server, read_all, read_response, until


@pytest.fixture(scope="module")
def server():
    with Server(BUILD, h2c=1, server="mse") as new:
        yield new


def dial(server, **options):
    return Connection(server.connect(), **options)


def still_serves(server):
    with dial(server) as other:
        assert other.reply(other.head(GET)).body == b"hello\n"


# ---- the usual ----

def test_a_request_and_its_reply(server):
    with dial(server) as one:
        reply = one.reply(one.head(GET))
        fields = dict(reply.fields)
        assert reply.status == 200 and reply.body == b"hello\n" and fields["content-length"] == "6"
        assert fields["server"] == "mse" and fields["date"].endswith("GMT") and "connection" not in fields


def test_what_the_handler_sees(server):
    with dial(server) as one:
        stream = one.head(request("/show?a=b", "OPTIONS", ("cookie", "a=1"), ("x", "y"), ("cookie", "b=2"),
                                  authority="host.test:99"))
        text = one.reply(stream).body.decode()
        for line in ("method OPTIONS", "target /show?a=b", "path /show", "query a=b", "host host.test:99", "first 1",
                     "header host=host.test:99", "header cookie=a=1; b=2", "header x=y"):
            assert line + "\n" in text
        assert text.count("header cookie") == 1
        assert b"first 0" in one.reply(one.head(request("/show"))).body


def test_head_has_a_length_and_no_body(server):
    with dial(server) as one:
        reply = one.reply(one.head(request("/blob?50", "HEAD")))
        assert dict(reply.fields)["content-length"] == "50" and reply.body == b""


def test_streams_of_a_connection_run_at_once(server):
    with dial(server) as one:
        began = time.monotonic()
        slow = [one.head(request("/slow?600")) for _ in range(5)]
        assert one.reply(one.head(GET)).body == b"hello\n"
        assert not any(one.replies[stream].ended for stream in slow)
        for stream in slow:
            assert one.reply(stream).body == b"slow\n"
        assert time.monotonic() - began < 2.4


def test_more_streams_than_threads():
    with Server(BUILD, h2c=1, threads=2) as few, dial(few) as one:
        streams = [one.head(request("/slow?20")) for _ in range(60)]
        for stream in streams:
            assert one.reply(stream).body == b"slow\n"


def test_deferred_exchanges_are_completed_by_another_thread(server):
    with dial(server) as one:
        streams = [one.head(request("/defer")) for _ in range(20)]
        for stream in streams:
            reply = one.reply(stream)
            assert reply.body == b"later\n" and dict(reply.fields)["x-deferred"] == "yes"


def test_a_deferred_reply_has_its_most(server):
    with dial(server) as one:
        assert len(one.reply(one.head(request(f"/defer?{4 << 20}"))).body) == 4 << 20
        assert one.reply(one.head(request(f"/defer?{(4 << 20) + 1}"))).status == 500


def test_slots_belong_to_the_connection(server):
    with dial(server) as one, dial(server) as other:
        assert [one.reply(one.head(request("/count"))).body for _ in range(2)] == [b"1", b"2"]
        assert other.reply(other.head(request("/count"))).body == b"1"


# ---- bodies ----

def test_a_body_in_pieces_with_padding_and_trailers(server):
    with dial(server) as one:
        stream = one.head(request("/echo", "POST"), 0)
        one.data(stream, b"abc", 0)
        one.data(stream, bytes([5]) + b"def" + bytes(5), PADDED)
        one.head([("x-trailer", "1")], END_STREAM, stream)
        assert one.reply(stream).body == b"abcdef"


def test_a_long_body_opens_its_window(server):
    size = 300_000
    with dial(server) as one:
        one.until(lambda: 4 in one.settings)
        stream = one.head(request("/upload", "POST", ("content-length", str(size))), 0)
        sent = 0
        while sent < size:
            room = lambda: min(65535 + one.opened.get(0, 0), one.settings[4] + one.opened.get(stream, 0)) - sent
            one.until(lambda: room() > 0)
            part = min(size - sent, 16384, room())
            sent += part
            one.data(stream, b"x" * part, 0 if sent < size else END_STREAM)
        assert one.reply(stream).body.startswith(b"300000 ")


def test_a_body_longer_than_its_window_ends_the_stream_or_connection(server):
    with dial(server) as one:
        stream = one.head(request("/slow?500", "POST"), 0)
        for _ in range(5):
            one.data(stream, b"x" * 16384, 0)
        one.until(lambda: one.replies[stream].reset == FLOW_CONTROL_ERROR or
                  (one.goaway and one.goaway[1] == FLOW_CONTROL_ERROR))
    still_serves(server)


def test_a_body_over_the_handlers_limit(server):
    with dial(server) as one:
        stream = one.head(request("/echo", "POST"), 0)
        one.data(stream, b"x" * 1001, 0)
        assert one.reply(stream).status == 413
        stream = one.head(request("/echo", "POST"), 0)
        one.data(stream, b"x" * 1000)
        assert one.reply(stream).body == b"x" * 1000


def test_what_is_not_read_is_not_wanted(server):
    # RFC 9113 8.1: a whole reply, then RST_STREAM with NO_ERROR.
    with dial(server) as one:
        stream = one.head(request("/", "POST"), 0)
        one.until(lambda: one.replies[stream].reset is not None)
        assert one.replies[stream].body == b"hello\n" and one.replies[stream].reset == NO_ERROR
        one.data(stream, b"late", 0)
        assert one.reply(one.head(GET)).body == b"hello\n"


def test_continue(server):
    with dial(server) as one:
        stream = one.head(request("/echo", "POST", ("expect", "100-continue")), 0)
        one.until(lambda: one.replies[stream].informational)
        assert one.replies[stream].informational == [[(":status", "100")]]
        one.data(stream, b"now")
        assert one.reply(stream).body == b"now"
        assert one.reply(one.head(request("/echo", "POST", ("expect", "wonders")), 0)).status == 417


# ---- heads that are refused ----

def without(name):
    return [field for field in GET if field[0] != name]


RESET = [
    ("a name in upper case", GET + [("X-Upper", "1")]),
    ("no method", without(":method")),
    ("no scheme", without(":scheme")),
    ("no path", without(":path")),
    ("an empty path", request("")),
    ("a doubled pseudo field", GET + [(":path", "/b")]),
    ("an unknown pseudo field", [(":unknown", "1")] + GET),
    ("a pseudo field behind others", [("x", "y")] + GET),
    ("a pseudo field of replies", [(":status", "200")] + GET),
    ("connection", GET + [("connection", "close")]),
    ("keep-alive", GET + [("keep-alive", "1")]),
    ("proxy-connection", GET + [("proxy-connection", "close")]),
    ("transfer-encoding", GET + [("transfer-encoding", "chunked")]),
    ("upgrade", GET + [("upgrade", "websocket")]),
    ("te", GET + [("te", "gzip")]),
    ("two lengths", GET + [("content-length", "1"), ("content-length", "1")]),
    ("a length that is none", GET + [("content-length", "+1")]),
    ("a length without a body", GET + [("content-length", "5")]),
    ("a line feed in a value", GET + [("x", "a\nb")]),
    ("a zero byte in a value", GET + [("x", "a\0b")]),
]


@pytest.mark.parametrize("fields", [row[1] for row in RESET], ids=[row[0] for row in RESET])
def test_malformed_heads_reset_the_stream(server, fields):
    with dial(server) as one:
        stream = one.next_stream
        one.next_stream += 2
        block = hpack_raw(fields)
        one.replies.clear()
        one.send(frame(HEADERS, END_STREAM | END_HEADERS, stream, block))
        one.until(lambda: stream in one.replies and
                  (one.replies[stream].reset == PROTOCOL_ERROR or one.replies[stream].status == 400))
        assert one.replies[stream].body == b""
        assert one.reply(one.head(GET)).body == b"hello\n"


def hpack_raw(fields):
    """Literal fields without indexing: bytes that an encoder would not let through."""
    block = b""
    for name, value in fields:
        name, value = name.encode(), value.encode()
        assert len(name) < 127 and len(value) < 127
        block += b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value
    return block


STATUS = [
    ("no authority", [(":method", "GET"), (":scheme", "https"), (":path", "/")], 400),
    ("another Host", GET + [("host", "b")], 400),
    ("a user in the authority", request(authority="user@a"), 400),
    *[(f"the authority {host}", request(authority=host), 400) for host in ("a:abc", "a:65536", "::1", "[::1", ":1", "a%zz")],
    ("a fragment", request("/a#b"), 400),
    ("a star for GET", request("*"), 400),
    ("a byte above ASCII in the path", request("/\u00e4"), 400),
    ("a foreign scheme", [(":method", "GET"), (":scheme", "ftp"), (":authority", "a"), (":path", "/")], 400),
    ("a foreign method", request("/", "BREW"), 501),
    ("a proxy's CONNECT", [(":method", "CONNECT"), (":authority", "a:1")], 501),
    ("another protocol", request("/tunnel", "CONNECT", (":protocol", "connect-udp")), 501),
    ("a target too long", request("/" + "a" * 16384), 414),
    ("too many fields", GET + [("x", str(i)) for i in range(101)], 431),
    ("fields too long", GET + [("x", "y" * 65536)], 431),
    ("an expectation", GET + [("expect", "wonders")], 417),
    ("a second expectation", GET + [("expect", "100-continue"), ("expect", "wonders")], 417),
]


@pytest.mark.parametrize("fields,status", [row[1:] for row in STATUS], ids=[row[0] for row in STATUS])
def test_heads_that_are_answered(server, fields, status):
    with dial(server) as one:
        fields = sorted(fields, key=lambda field: not field[0].startswith(":"))
        block = one.encoder.encode(fields)
        stream, one.next_stream = one.next_stream, one.next_stream + 2
        pieces = [block[at:at + 16384] for at in range(0, len(block), 16384)]
        for i, piece in enumerate(pieces):
            one.send(frame(CONTINUATION if i else HEADERS, (0 if i else END_STREAM) |
                           (END_HEADERS if i == len(pieces) - 1 else 0), stream, piece))
        one.until(lambda: stream in one.replies and (one.replies[stream].ended or one.replies[stream].reset is not None))
        reply = one.replies[stream]
        assert reply.status == status or (status in (400, 501) and reply.reset == PROTOCOL_ERROR)
        assert one.reply(one.head(GET)).body == b"hello\n"


def test_heads_at_the_limits(server):
    with dial(server) as one:
        text = one.reply(one.head(request("/show", "GET", *[("x", str(i)) for i in range(99)]))).body
        assert text.count(b"header x=") == 99
        size = 65536 - sum(len(name) + len(value) + 32 for name, value in GET) - 1 - 32
        for more, status in (0, 200), (1, 431):
            fields = GET + [("x", "y" * (size + more))]
            block = one.encoder.encode(fields, huffman=False)
            stream, one.next_stream = one.next_stream, one.next_stream + 2
            pieces = [block[at:at + 16384] for at in range(0, len(block), 16384)]
            for i, piece in enumerate(pieces):
                one.send(frame(CONTINUATION if i else HEADERS, (0 if i else END_STREAM) |
                               (END_HEADERS if i == len(pieces) - 1 else 0), stream, piece))
            one.until(lambda: stream in one.replies and one.replies[stream].ended)
            assert one.replies[stream].status == status


def test_crumbs_of_a_cookie_are_one_field(server):
    """Browsers cut a cookie at each of its pairs (RFC 9113 8.2.3)."""
    crumbs = [("cookie", f"c{i}=v{i}") for i in range(500)]
    with dial(server) as one:
        head = request("/show", "GET", *crumbs[:200], *[("x", str(i)) for i in range(98)], *crumbs[200:])
        text = one.reply(one.head(head)).body
        assert text.count(b"header x=") == 98 and text.count(b"header cookie=") == 1
        assert b"header cookie=" + "; ".join(value for _, value in crumbs).encode() + b"\n" in text
        assert one.reply(one.head(request("/show", "GET", ("cookie", ""), ("cookie", "a")))).body.count(b"header cookie=; a\n") == 1


def test_frames_of_streams_that_are_over_change_nothing(server):
    with dial(server) as one:
        one.next_stream = 5
        assert one.reply(one.head(GET)).body == b"hello\n"
        one.send(frame(DATA, END_STREAM, 5, b"late"))
        one.send(frame(HEADERS, END_STREAM | END_HEADERS, 3, one.encoder.encode(GET)))
        assert one.reply(one.head(GET)).body == b"hello\n" and 3 not in one.replies


# ---- frames that end the connection ----

FATAL = [
    ("no preface", b"GET / HTTP/2.0\r\n\r\n" * 3, None),
    ("data on stream 0", frame(DATA, 0, 0, b"x"), PROTOCOL_ERROR),
    ("headers on an even stream", frame(HEADERS, END_STREAM | END_HEADERS, 2, b"\x82\x86\x84"), PROTOCOL_ERROR),
    ("a push from a client", frame(PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\2\x82"), PROTOCOL_ERROR),
    ("a frame between a head and its rest", frame(HEADERS, END_STREAM, 1, b"\x82") + frame(PING, 0, 0, bytes(8)),
     PROTOCOL_ERROR),
    ("a continuation of nothing", frame(CONTINUATION, END_HEADERS, 1, b"\x82"), PROTOCOL_ERROR),
    ("a settings frame of 5 bytes", frame(SETTINGS, 0, 0, bytes(5)), 6),
    ("a ping of 7 bytes", frame(PING, 0, 0, bytes(7)), 6),
    ("a window of 0 for the connection", frame(WINDOW_UPDATE, 0, 0, bytes(4)), PROTOCOL_ERROR),
    ("a window that overflows", frame(WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff"), FLOW_CONTROL_ERROR),
    ("a frame too large", frame(DATA, 0, 1, bytes(16385)), 6),
    ("a head that cannot be decoded", frame(HEADERS, END_STREAM | END_HEADERS, 1, b"\xff\xff\xff\xff\xff"), 9),
]


@pytest.mark.parametrize("data,code", [row[1:] for row in FATAL], ids=[row[0] for row in FATAL])
def test_broken_frames_end_the_connection(server, data, code):
    with dial(server, greet=code is not None) as one:
        if code is None:
            data = PREFACE[:10] + b"x" * 40
        one.send(data)
        assert one.end() in ([code] if code is not None else [None, PROTOCOL_ERROR])
    still_serves(server)


# ---- floods, at the limit and beyond ----

def empty_data(one):
    stream = one.head(request("/slow?3000", "POST"), 0)
    return frame(DATA, 0, stream)


FLOODS = [
    ("pings", 100, lambda one: frame(PING, 0, 0, bytes(8))),
    ("settings", 19, lambda one: frame(SETTINGS)),
    ("empty data", 100, empty_data),
    ("priorities", 500, lambda one: frame(PRIORITY, 0, 1, b"\0\0\0\0\0")),
    ("window updates", 1000, lambda one: frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\1")),
]


@pytest.mark.parametrize("limit,make", [row[1:] for row in FLOODS], ids=[row[0] for row in FLOODS])
def test_floods(server, limit, make):
    for extra, ends in (-2, False), (4 * limit, True):
        with dial(server) as one:
            one.until(lambda: one.settings)
            one.updates_window = False
            one.send(make(one) * (limit + extra))
            if ends:
                assert one.end() == ENHANCE_YOUR_CALM
            else:
                assert one.reply(one.head(GET)).body == b"hello\n" and one.goaway is None
    still_serves(server)


def test_rapid_reset(server):
    with dial(server) as one:
        try:
            for _ in range(2000):
                one.reset(one.head(request("/slow?1000")))
        except OSError:
            pass
        one.until(lambda: one.closed)
        assert one.goaway is None or one.goaway[1] == ENHANCE_YOUR_CALM
    still_serves(server)


def test_streams_that_were_reset_count_until_their_handler_ends():
    with Server(BUILD, h2c=1, streams=4, threads=8) as small, dial(small) as one:
        # One that is reset before a thread has it costs nothing: so several tries.
        for attempt in range(20):
            streams = [one.head(request("/slow?700")) for _ in range(4)]
            one.send(frame(PING, 0, 0, bytes(8)))
            one.until(lambda: one.acks > attempt)
            for stream in streams:
                one.reset(stream)
            refused = one.reply(one.head(request("/slow?0")))
            if refused.reset is not None:
                break
        assert refused.reset == REFUSED_STREAM
        still_serves(small)
        end = time.monotonic() + 10
        while True:
            again = one.reply(one.head(GET))
            if again.reset is None:
                break
            assert again.reset == REFUSED_STREAM and time.monotonic() < end
            time.sleep(0.05)
        assert again.body == b"hello\n"


def test_as_many_streams_as_are_allowed():
    with Server(BUILD, h2c=1, streams=5, threads=2) as small:
        with dial(small) as one:
            one.until(lambda: one.settings)
            assert one.settings[3] == 5
            streams = [one.head(request("/upload", "POST"), 0) for _ in range(5)]
            for stream in streams:
                one.data(stream, b"x")
            for stream in streams:
                assert one.reply(stream).body.startswith(b"1 ")
        with dial(small) as one:
            one.until(lambda: one.settings)
            streams = [one.head(request("/upload", "POST"), 0) for _ in range(6)]
            # RFC 9113 5.1.2: of the stream or, once our settings were acknowledged, of the connection.
            one.until(lambda: one.replies[streams[5]].reset is not None or one.goaway)
            assert one.replies[streams[5]].reset == REFUSED_STREAM or one.goaway[1] == PROTOCOL_ERROR
        still_serves(small)


def test_streams_are_refused_when_the_servers_memory_is_spent():
    with Server(BUILD, h2c=1, threads=16, memory=60_000) as small, dial(small) as one:
        one.until(lambda: one.settings)
        # Each may hold 16 KiB before its handler reads.
        streams = [one.head(request("/slow?1000", "POST"), 0) for _ in range(6)]
        one.until(lambda: one.replies[streams[5]].reset == REFUSED_STREAM)
        assert one.replies[streams[0]].reset is None
        still_serves(small)  # the first stream of a connection is not refused for others
        assert one.reply(streams[0]).body == b"slow\n"
        until(lambda: one.reply(one.head(GET)).body == b"hello\n")


def test_replies_that_wait_share_the_servers_memory():
    with Server(BUILD, h2c=1, threads=12, memory=1 << 20) as small:
        ones = [dial(small, settings=struct.pack(">HI", 4, 0)) for _ in range(8)]
        try:
            before = small.resident_kib()
            streams = [one.head(request("/stream?3000000")) for one in ones]
            for one, stream in zip(ones, streams):
                one.until(lambda: one.replies[stream].status == 200)
            still_serves(small)
            assert small.resident_kib() - before < 6000
            for one, stream in zip(ones, streams):
                one.setting((4, 65535))
                assert len(one.reply(stream, 30).body) == 3_000_000
        finally:
            for one in ones:
                one.sock.close()


def test_a_head_without_end(server):
    with dial(server) as one:
        one.send(frame(HEADERS, END_STREAM, 1, b"\x82\x86\x84"))
        try:
            for _ in range(10_000):
                one.send(frame(CONTINUATION, 0, 1, b"\0\1x\1y"))
        except OSError:
            pass
        one.until(lambda: one.closed)
        assert one.goaway is None or one.goaway[1] in (ENHANCE_YOUR_CALM, PROTOCOL_ERROR, INTERNAL_ERROR)
    still_serves(server)


def test_a_bomb_of_fields_is_bounded(server):
    # One long field in the table, referred to again and again: 16 KiB of frames that decode to 16 MiB.
    with dial(server) as one:
        value = "v" * 4000
        assert one.reply(one.head(GET + [("x", value)])).status == 200
        block = one.encoder.encode(GET)
        index = one.encoder.encode([("x", value)])
        assert len(index) < 3
        before = server.resident_kib()
        stream, one.next_stream = one.next_stream, one.next_stream + 2
        one.send(frame(HEADERS, END_STREAM | END_HEADERS, stream, block + index * 4000))
        assert one.end() == ENHANCE_YOUR_CALM
        assert server.resident_kib() - before < 4096
    still_serves(server)


def test_priorities_change_nothing(server):
    with dial(server) as one:
        one.send(frame(PRIORITY, 0, 7, struct.pack(">IB", 0x80000005, 200)))
        stream = one.head(GET)
        one.send(frame(16, 0, 0, struct.pack(">I", stream) + b"u=0"))
        assert one.reply(stream).body == b"hello\n"


# ---- slow clients ----

def test_a_window_of_nothing_stalls_only_its_stream(server):
    with dial(server, settings=struct.pack(">HI", 4, 0)) as one:
        stalled = [one.head(request("/blob?60000")) for _ in range(60)]
        empty = one.head(request("/blob?0"))
        assert one.reply(empty).status == 200
        one.setting((4, 65535))
        for stream in stalled:
            assert len(one.reply(stream).body) == 60000


def test_handlers_that_wait_for_windows_move_each_other():
    # All threads wait for the client; nobody but they can read its WINDOW_UPDATEs.
    with Server(BUILD, h2c=1, threads=3) as few, dial(few, settings=struct.pack(">HI", 4, 10000)) as one:
        streams = [one.head(request("/stream?300000")) for _ in range(6)]
        for stream in streams:
            assert len(one.reply(stream, 30).body) == 300_000


def test_a_client_that_opens_no_window_is_given_up():
    with Server(BUILD, h2c=1, threads=2, write=700) as hasty, dial(hasty, settings=struct.pack(">HI", 4, 0)) as one:
        streams = [one.head(request("/stream?2000000")) for _ in range(4)] + [one.head(request("/blob?2000"))]
        for stream in streams:
            one.until(lambda: one.replies[stream].reset is not None or one.closed)
        still_serves(hasty)


def test_windows_opened_byte_by_byte_do_not_hold_a_stream():
    with Server(BUILD, h2c=1, threads=2, write=1000) as hasty, dial(hasty, settings=struct.pack(">HI", 4, 0)) as one:
        one.updates_window = False
        stream = one.head(request("/blob?60000"))
        end = time.monotonic() + 12
        while one.replies[stream].reset is None and not one.closed:
            assert time.monotonic() < end
            one.window(stream, 1)
            one.pump(0.05)
            time.sleep(0.05)  # what makes it slow is the case
        still_serves(hasty)


def test_a_client_that_does_not_read_is_given_up():
    with Server(BUILD, h2c=1, threads=2, write=700) as hasty:
        with dial(hasty) as one:
            one.setting((4, 2**31 - 1))
            one.window(0, 2**31 - 65536)
            for _ in range(8):
                one.head(request("/stream?20000000"))
            still_serves(hasty)
            until(lambda: len(tcp_of(hasty)) == 0, 15)


def tcp_of(server):
    """Established connections of the server's port."""
    wanted = f":{server.port:04X}"
    rows = [line.split() for line in open("/proc/net/tcp").read().splitlines()[1:]]
    return [row for row in rows if row[1].endswith(wanted) and row[3] == "01"]


def test_slow_heads_and_bodies_are_given_up():
    with Server(BUILD, h2c=1, header=600, body=600) as hasty:
        with dial(hasty, greet=False) as one:
            one.send(PREFACE[:20])
            one.end()
        with dial(hasty) as one:
            one.send(frame(HEADERS, END_STREAM, 1, b"\x82"))
            one.end()
        with dial(hasty) as one:
            stream = one.head(request("/echo", "POST", ("content-length", "5")), 0)
            one.data(stream, b"a", 0)
            assert one.reply(stream).status == 408
            stream = one.head(request("/echo", "POST"), 0)
            assert one.reply(stream).status == 408
            assert one.reply(one.head(GET)).body == b"hello\n"


def test_idle_connections_end_with_goaway():
    with Server(BUILD, h2c=1, idle=500) as hasty, dial(hasty) as one:
        assert one.reply(one.head(GET)).body == b"hello\n"
        for _ in range(3):
            one.send(frame(PING, 0, 0, bytes(8)))
            one.pump(0.2)
        assert one.end() == NO_ERROR


@pytest.mark.parametrize("pings", [False, True])
def test_connections_that_never_open_a_stream_end_too(pings):
    with Server(BUILD, h2c=1, idle=500) as hasty, dial(hasty) as one:
        one.until(lambda: one.settings)
        end = time.monotonic() + 10
        while not one.closed:
            assert time.monotonic() < end
            if pings:
                try:
                    one.send(frame(PING, 0, 0, bytes(8)))
                except OSError:
                    pass
                time.sleep(0.05)  # no flood of them
            one.pump(0.1)
        assert one.goaway[1] == NO_ERROR


def test_settings_must_be_acknowledged():
    with Server(BUILD, h2c=1, header=500) as hasty, dial(hasty) as one:
        # Nothing is read meanwhile: so nothing is acknowledged.
        one.head(request("/slow?3000"))
        until(lambda: len(tcp_of(hasty)) == 0, 15)
        assert one.end() == SETTINGS_TIMEOUT


def test_refusals_that_nobody_reads_end_the_connection():
    with Server(BUILD, h2c=1, streams=4, header=60_000) as small, dial(small) as one:
        one.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)  # little is on its way
        one.sock.settimeout(1)
        heads = b"".join(frame(HEADERS, END_HEADERS, stream, b"\x83\x86\x84\x41\1a")
                         for stream in range(1, 1_200_000, 2))
        try:
            one.send(heads)
        except OSError:
            pass
        one.sock.settimeout(10)
        answers = read_all(one.sock)
        at = answers.rfind(frame(GOAWAY, 0, 0, bytes(8))[:9])
        assert at >= 0 and struct.unpack(">I", answers[at + 13:at + 17])[0] == ENHANCE_YOUR_CALM
        assert small.resident_kib() < 50_000
        still_serves(small)


def drip(one, piece, is_over):
    for i in range(60):
        try:
            one.send(piece(i))
        except OSError:
            pass
        one.pump(0.1)
        if one.closed or is_over():
            return
        time.sleep(0.05)  # what makes it slow is the case
    assert False, f"in vain: {one}"


def test_a_head_that_drips_in_one_frame_is_given_up():
    whole = frame(HEADERS, END_STREAM | END_HEADERS, 1, b"\x82\x86\x84\x41\x60" + b"a" * 96)
    with Server(BUILD, h2c=1, header=600) as hasty, dial(hasty) as one:
        one.until(lambda: one.settings)
        drip(one, lambda i: whole[i:i + 1], lambda: False)


def test_an_awaited_body_that_drips_is_given_up():
    with Server(BUILD, h2c=1, body=600) as hasty, dial(hasty) as one:
        stream = one.head(request("/echo", "POST", ("content-length", "100")), 0)
        drip(one, lambda i: frame(DATA, 0, stream, b"x"), lambda: one.replies[stream].ended)
        assert one.replies[stream].status == 408


UNKNOWN = frame(99, 0, 0, bytes(16384))


def test_a_burst_as_its_time_runs_out_costs_no_thread():
    """More is here than is read at once when the session is told its end: it reads no more."""
    with Server(BUILD, h2c=1, threads=1, idle=300) as hasty, dial(hasty) as one, hasty.connect(10) as busy:
        assert one.reply(one.head(GET)).body == b"hello\n"
        busy.sendall(b"GET /slow?900 HTTP/1.1\r\nHost: a\r\n\r\n")
        one.send(UNKNOWN * 20)
        assert read_response(busy)[2] == b"slow\n"
        one.end()
        still_serves(hasty)


def test_an_ending_session_does_not_go_round_in_circles():
    """The client takes nothing, not even our GOAWAY, and goes on sending."""
    with Server(BUILD, h2c=1, threads=2, write=2000) as hasty, dial(hasty) as one:
        one.setting((4, 2**31 - 1))
        one.window(0, 2**31 - 65536)
        one.head(request("/stream?90000000"))
        until(lambda: unread(one.sock) > 100_000)
        one.send(frame(99) * 600 + UNKNOWN * 4)
        before = cpu_seconds(hasty)
        until(lambda: len(tcp_of(hasty)) == 0, 15)
        assert cpu_seconds(hasty) - before < 0.5
        still_serves(hasty)


def unread(sock):
    answer = array.array("i", [0])
    fcntl.ioctl(sock, termios.FIONREAD, answer)
    return answer[0]


def cpu_seconds(server):
    times = pathlib.Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")


# ---- ends ----

def test_replies_that_are_cut_reset_the_stream(server):
    with dial(server) as one:
        for path, code in ("/half", INTERNAL_ERROR), ("/abort", INTERNAL_ERROR):
            reply = one.reply(one.head(request(path)))
            assert reply.reset == code and not reply.ended
        assert one.reply(one.head(request("/silent"))).status == 500
        assert one.reply(one.head(GET)).body == b"hello\n"


def test_close_after_a_reply_says_goodbye(server):
    with dial(server) as one:
        assert one.reply(one.head(request("/close"))).body == b"bye\n"
        assert one.end() == NO_ERROR


def test_a_client_that_vanishes_at_every_moment(server):
    whole = PREFACE + frame(SETTINGS) + frame(HEADERS, END_HEADERS, 1, Connection(server.connect()).encoder.encode(
        request("/echo", "POST"))) + frame(DATA, END_STREAM, 1, b"body")
    for size in range(0, len(whole) + 1, 3):
        with server.connect() as sock:
            sock.sendall(whole[:size])
    still_serves(server)


def test_vanished_clients_free_their_handlers(server):
    for _ in range(10):
        with dial(server) as one:
            for path in ("/stream?5000000", "/slow?100", "/defer", "/upload"):
                one.head(request(path, "POST" if path == "/upload" else "GET"), 0 if path == "/upload" else END_STREAM)
            one.pump(0.05)
    still_serves(server)
    until(lambda: len(tcp_of(server)) == 0, 15)


MOST = (1 << 31) - 1


def test_requests_that_cross_the_goodbye_are_served():
    """The client has not heard of the stop yet, as far as the server knows."""
    server = Server(BUILD, h2c=1, drain=10000)
    with dial(server) as one:
        one.answers_pings = False
        assert one.reply(one.head(GET)).status == 200
        server.process.stdin.close()
        one.until(lambda: one.goaway)
        crossed = [one.head(GET) for _ in range(3)]
        assert [one.reply(stream).body for stream in crossed] == [b"hello\n"] * 3
        one.send(frame(PING, ACK, 0, one.pinged))
        assert one.end() == NO_ERROR
        assert one.goaways == [(MOST, NO_ERROR), (crossed[-1], NO_ERROR)]
    assert server.process.wait(10) == 0


def test_who_does_not_answer_the_goodbye_ends_too():
    server = Server(BUILD, h2c=1, drain=20000)
    with dial(server) as one:
        one.answers_pings = False
        assert one.reply(one.head(GET)).status == 200
        server.process.stdin.close()
        assert one.end(5) == NO_ERROR
    assert server.process.wait(5) == 0


def test_a_stop_lets_streams_finish():
    server = Server(BUILD, h2c=1, drain=10000)
    with dial(server) as one, dial(server) as idle:
        assert idle.reply(idle.head(GET)).status == 200
        slow = one.head(request("/slow?800"))
        one.send(frame(PING, 0, 0, bytes(8)))
        one.until(lambda: one.acks)
        server.process.stdin.close()
        assert idle.end() == NO_ERROR
        one.until(lambda: len(one.goaways) == 2)
        assert one.goaways == [(MOST, NO_ERROR), (slow, NO_ERROR)]
        late = one.head(GET)
        assert one.reply(slow).body == b"slow\n"
        one.until(lambda: one.closed)
        assert not one.replies[late].ended
    assert server.process.wait(20) == 0


def test_a_stop_tells_connections_whose_streams_ran_into_a_deadline():
    server = Server(BUILD, h2c=1, body=300, drain=20000)
    with dial(server) as one:
        stream = one.head(request("/echo", "POST", ("content-length", "5")), 0)
        assert one.reply(stream).status == 408
        assert one.reply(one.head(GET)).body == b"hello\n"
        server.process.stdin.close()
        assert one.end() == NO_ERROR
    assert server.process.wait(10) == 0


def test_goaway_of_the_client_ends_it(server):
    with dial(server) as one:
        stream = one.head(request("/slow?200"))
        one.send(frame(GOAWAY, 0, 0, bytes(8)))
        assert one.reply(stream).body == b"slow\n"
        one.end()


# ---- tunnels (RFC 8441) ----

def test_a_tunnel_carries_bytes_both_ways(server):
    with dial(server) as one:
        one.until(lambda: one.settings)
        assert one.settings[8] == 1
        stream = one.head(request("/tunnel", "CONNECT", (":protocol", "websocket")), 0)
        one.until(lambda: one.replies[stream].fields)
        assert one.replies[stream].status == 200
        sent = b""
        for piece in b"abc", bytes(range(47, 256)), b"x" * 9000:
            one.data(stream, piece, 0)
            sent += piece
            one.until(lambda: one.replies[stream].body == sent)
        one.data(stream, b"", END_STREAM)
        assert one.reply(stream).body == sent


def test_streams_that_wait_in_steps_are_counted():
    with Server(BUILD, h2c=1, waits=2) as small, dial(small) as one, dial(small) as other:
        answers = lambda status: other.reply(other.head(GET)).status == status
        tunnels = [one.head(request("/tunnel", "CONNECT", (":protocol", "websocket")), 0) for _ in range(2)]
        one.until(lambda: all(one.replies[stream].status == 200 for stream in tunnels))
        until(lambda: answers(503))
        one.data(tunnels[0], b"", END_STREAM)
        until(lambda: answers(200))
        one.data(tunnels[1], b"still", 0)
        one.until(lambda: one.replies[tunnels[1]].body == b"still")


def test_handlers_without_tunnels_see_none():
    with Server(BUILD, h2c=1, notunnels=1) as plain, dial(plain) as one:
        one.until(lambda: one.settings)
        assert 8 not in one.settings
        reply = one.reply(one.head(request("/tunnel", "CONNECT", (":protocol", "websocket")), 0))
        assert reply.status is None and reply.reset == PROTOCOL_ERROR
        assert one.reply(one.head(request("/show"))).status == 200


def test_a_tunnel_that_is_reset_ends_its_handler(server):
    with dial(server) as one:
        stream = one.head(request("/tunnel", "CONNECT", (":protocol", "websocket")), 0)
        one.until(lambda: one.replies[stream].fields)
        one.reset(stream)
        assert one.reply(one.head(GET)).body == b"hello\n"
