# SPDX-License-Identifier: Apache-2.0
"""WebSocket over HTTP/2 (RFC 8441) to an ASGI application: the same messages, beside other streams."""
import ast

import h2.config
import h2.connection
import h2.events
import h2.settings
import pytest
from browser import BROWSER, visiting
from netserver import Identity
from plainserver import PlainServer
from wsclient import BINARY, CLOSE, PING, PONG, TEXT, Client, close, frame

APP = r'''
PAGE = """<body>waiting<script>
const log = [], socket = new WebSocket(location.href.replace('http', 'ws') + 'echo');
socket.onopen = () => socket.send('hello');
socket.onmessage = e => { log.push(e.data); if (log.length == 1) return; socket.close(3001, 'enough'); };
socket.onclose = e => fetch('report', {method: 'POST', body: log.join(' ') + ' ' + e.code + ' ' + e.wasClean});
</script>"""

async def respond(send, body, kind=b"text/plain"):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
    await send({"type": "http.response.body", "body": body})

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        raise RuntimeError("none")
    path = scope["path"]
    if scope["type"] == "http":
        if path == "/report":
            print("seen:", (await receive())["body"].decode(), flush=True)
        return await respond(send, PAGE.encode() if path == "/" else b"plain", b"text/html")
    await receive()
    if path == "/no":
        return await send({"type": "websocket.close"})
    await send({"type": "websocket.accept", "subprotocol": scope["subprotocols"][0] if scope["subprotocols"] else None})
    # Chromium may miss what comes with the answer to its handshake: its page speaks first.
    first = await receive() if path == "/echo" else None
    await send({"type": "websocket.send", "text": repr([scope["http_version"], scope["scheme"], path])})
    while (message := first or await receive())["type"] == "websocket.receive":
        first = None
        await send({**message, "type": "websocket.send"})
    print("ended", message["code"], flush=True)
'''


@pytest.fixture(scope="module")
def identity(tmp_path_factory):
    return Identity(tmp_path_factory.mktemp("identity"), "one")


@pytest.fixture(scope="module")
def server(build, identity):
    with PlainServer(build, {"app.py": APP}, "--cert", identity.cert, "--key", identity.key) as started:
        yield started


def secured(server, identity):
    return identity.context(alpn=["h2"]).wrap_socket(server.dial(), server_hostname="a.localhost")


class Http2:
    """One connection of HTTP/2 with a stream that is a WebSocket."""

    def __init__(self, sock):
        self.sock = sock
        assert self.sock.selected_alpn_protocol() == "h2"
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        self.h2.initiate_connection()
        self.flush()
        self.bytes, self.headers, self.ended, self.allows = {}, {}, set(), False
        while not self.allows:
            self.turn()

    def flush(self):
        self.sock.sendall(self.h2.data_to_send())

    def turn(self):
        data = self.sock.recv(65536)
        if not data:
            raise EOFError
        for event in self.h2.receive_data(data):
            if isinstance(event, h2.events.RemoteSettingsChanged):
                setting = event.changed_settings.get(h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL)
                self.allows = setting is not None and setting.new_value == 1
            elif isinstance(event, h2.events.ResponseReceived):
                self.headers[event.stream_id] = dict(event.headers)
            elif isinstance(event, h2.events.DataReceived):
                self.bytes[event.stream_id] = self.bytes.get(event.stream_id, b"") + event.data
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset)):
                self.ended.add(event.stream_id)
        self.flush()

    def ask(self, headers, end=True):
        stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream, headers, end_stream=end)
        self.flush()
        while stream not in self.headers:
            self.turn()
        return stream

    def connect(self, path, *more, version="13", host="a.localhost"):
        return self.ask([(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":path", path),
                         (":authority", host), ("sec-websocket-version", version), *more], end=False)


class Stream(Client):
    """A WebSocket in one stream, with the frames of wsclient."""

    def __init__(self, connection, path, *more, **options):
        self.http2, self.buffer, self.sock = connection, b"", connection.sock
        self.id = connection.connect(path, *more, **options)
        self.fields = connection.headers[self.id]
        self.status = int(self.fields[":status"])

    def fill(self):
        while not self.http2.bytes.get(self.id):
            if self.id in self.http2.ended:
                raise EOFError(self.buffer)
            self.http2.turn()
        self.buffer += self.http2.bytes.pop(self.id)

    def send(self, *frames):
        data = b"".join(frames)
        while data:
            room = min(self.http2.h2.local_flow_control_window(self.id), self.http2.h2.max_outbound_frame_size, len(data))
            if room == 0:
                self.http2.turn()
                continue
            self.http2.h2.send_data(self.id, data[:room])
            data = data[room:]
            self.http2.flush()

    def ended(self):
        while self.id not in self.http2.ended:
            self.http2.turn()


def test_messages(server, identity):
    connection = Http2(secured(server, identity))
    one = Stream(connection, "/one", ("sec-websocket-protocol", "first, second"))
    assert one.status == 200 and one.fields["sec-websocket-protocol"] == "first"
    assert "sec-websocket-accept" not in one.fields and "upgrade" not in one.fields
    assert ast.literal_eval(one.message()) == ["2", "wss", "/one"]
    two = Stream(connection, "/two")
    assert ast.literal_eval(two.message())[2] == "/two"
    one.text("to one")
    two.text("to two")
    assert (two.message(), one.message()) == ("to two", "to one")
    one.send(frame(PING, b"p"))
    assert one.receive() == (PONG, b"p")
    big = b"0123456789" * 30_000
    one.send(frame(BINARY, big))
    assert one.message() == big
    other = connection.ask([(":method", "GET"), (":scheme", "https"), (":path", "/x"), (":authority", "a.localhost")])
    assert connection.headers[other][":status"] == "200"
    one.send(close(1000, b"bye"))
    assert one.closed() == (1000, "bye")
    assert two.ask("still") == "still"
    server.wait_for(lambda: "ended 1000" in server.output())


def test_refusals(server, identity):
    connection = Http2(secured(server, identity))
    assert Stream(connection, "/no").status == 403
    old = Stream(connection, "/x", version="8")
    assert Stream(connection, "/x", ("content-length", "5")).status == 400, "a tunnel has no body"
    assert old.status == 426 and old.fields["sec-websocket-version"] == "13" and "upgrade" not in old.fields
    broken = Stream(connection, "/x")
    assert broken.receive()[0] == TEXT
    broken.send(frame(TEXT, b"a", mask=None))
    opcode, data = broken.receive()
    assert (opcode, data[:2]) == (CLOSE, b"\x03\xea")
    after = Stream(connection, "/x")
    assert after.receive()[0] == TEXT and after.ask("fine") == "fine"


def test_a_stream_that_is_reset_is_1006(server, identity):
    connection = Http2(secured(server, identity))
    one = Stream(connection, "/x")
    assert one.receive()[0] == TEXT
    connection.h2.reset_stream(one.id)
    connection.flush()
    server.wait_for(lambda: "ended 1006" in server.output())


def test_a_browser(server, tmp_path):
    if not BROWSER:
        pytest.skip("no chromium here: tools/install-packages brings it; RFC 8441 is spoken by python3-h2 above")
    with visiting(tmp_path, f"https://127.0.0.1:{server.port()}/", "--ignore-certificate-errors"):
        server.wait_for(lambda: "seen: " in server.output(), 60)
    assert "seen: ['2', 'wss', '/echo'] hello 3001 true\n" in server.output()
