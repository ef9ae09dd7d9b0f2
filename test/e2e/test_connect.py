# SPDX-License-Identifier: Apache-2.0
"""`mse connect` against a running mse-enclave: what clients of every kind get through it."""
import concurrent.futures
import os
import pathlib
import random
import socket
import subprocess
import time

import pytest

import attackers
import connector
import standin

APP = r'''
import time

def drip():
    for _ in range(3):
        yield b"data: tick\n\n"
        time.sleep(0.15)

def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/echo":
        size = int(environ.get("CONTENT_LENGTH") or 0)
        start_response("200 OK", [("Content-Type", "application/octet-stream")])
        return [environ["wsgi.input"].read(size)]
    if path == "/length":
        size = 0
        while piece := environ["wsgi.input"].read(65536):
            size += len(piece)
        start_response("200 OK", [])
        return [str(size).encode()]
    if path == "/big":
        size = int(environ["QUERY_STRING"])
        start_response("200 OK", [("Content-Length", str(size))])
        return (b"x" * min(1 << 20, size - at) for at in range(0, size, 1 << 20))
    if path == "/redirect":
        start_response("302 Found", [("Location", environ["QUERY_STRING"]), ("Alt-Svc", 'h2=":1"')])
        return []
    if path == "/drip":
        start_response("200 OK", [])
        return drip()
    if path == "/headers":
        names = sorted(n for n in environ if n.startswith("HTTP_"))
        body = "\n".join(f"{n}={environ[n]}" for n in names).encode()
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]
    start_response("200 OK", [("Content-Length", "5")])
    return [b"hello"]
'''


@pytest.fixture(scope="module")
def enclave(world):
    with world.enclave({"app.py": APP}) as new:
        new.run()
        yield new


@pytest.fixture(scope="module")
def server(enclave):
    with attackers.passing(lambda _: enclave) as listener:
        yield listener


@pytest.fixture(scope="module")
def proxy(world, enclave, server):
    with connector.Connector(world, enclave.instance["domain"], server.port,
                             fingerprint=enclave.tee.mrenclave) as running:
        yield running


def test_a_get_goes_through_an_attested_connection(proxy):
    answer = proxy.request()
    assert (answer.status, answer.body) == (200, b"hello")
    verdict = proxy.wait_event("attested")["verdict"]
    assert verdict["verdict"] == "accept" and verdict["simulated"]


@pytest.fixture(scope="module")
def direct(world):
    """Straight to an enclave's port: for what would be slow through a relay in Python."""
    with world.enclave({"app.py": APP}, MSE_LISTEN="127.0.0.1:0") as new:
        new.run()
        with connector.Connector(world, new.instance["domain"], new.port(), fingerprint=new.tee.mrenclave) as running:
            yield running


# ---- HTTP ----

def test_heads_are_written_for_the_app(proxy, enclave, server):
    own = f"http://127.0.0.1:{proxy.port}"
    text = proxy.request(path="/headers", headers={
        "Origin": own, "Referer": own + "/page?x", "Sec-Fetch-Site": "same-origin", "Connection": "X-Secret",
        "X-Secret": "1", "Proxy-Connection": "close", "TE": "trailers", "Cookie": "a=b"}).body.decode()
    app = f"{enclave.instance['domain']}:{server.port}"
    assert f"HTTP_HOST={app}\n" in text
    assert f"HTTP_ORIGIN=https://{app}\n" in text and f"HTTP_REFERER=https://{app}/page?x\n" in text + "\n"
    assert "HTTP_COOKIE=a=b" in text and "SECRET" not in text and "PROXY" not in text and "HTTP_TE" not in text


def test_bodies_of_every_form(proxy):
    for size in (0, 1, 70000, 1 << 20):
        data = bytes(i * 7 % 251 for i in range(size))
        assert proxy.request("POST", "/echo", body=data).body == data
    chunks = [b"a" * 10, b"b" * 50000, b"c"]
    assert proxy.request("POST", "/length", body=iter(chunks)).body == b"50011"
    bad = b"POST /length HTTP/1.1\r\nHost: localhost:%d\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n" % proxy.port
    assert proxy.talk(bad).startswith(b"HTTP/1.1 400 ")


def test_many_bodies_at_once_are_not_mixed_up(proxy):
    """Each is its own, whichever connection carried it, chunked or counted, in pieces of any size."""
    def one(number):
        rng = random.Random(number)
        data = rng.randbytes(rng.choice([0, 1, 100, 16384, 65536, 70000, 300000]))
        request = b"POST /echo HTTP/1.1\r\nHost: localhost:%d\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (
            proxy.port, len(data)) + data
        with proxy.raw() as client:
            for at in range(0, len(request), step := rng.choice([1000, 30000, 1 << 20])):
                client.sendall(request[at:at + step])
            head, _, body = connector.read_all(client).partition(b"\r\n\r\n")
        return head.startswith(b"HTTP/1.1 200 ") and body == data
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        assert all(pool.map(one, range(200)))


def test_one_connection_serves_many_requests(proxy, server):
    before = server.accepted
    client = proxy.open()
    for _ in range(20):
        client.request("GET", "/")
        assert client.getresponse().read() == b"hello"
    client.close()
    for _ in range(5):
        assert proxy.request().status == 200
    assert server.accepted - before <= 1, "attested once, used again"


def test_pipelined_requests_are_answered_in_order(proxy):
    request = b"GET / HTTP/1.1\r\nHost: localhost:%d\r\n\r\n" % proxy.port
    last = request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    assert proxy.talk(request * 3 + last).count(b"hello") == 4


def test_http_1_0(proxy):
    answer = proxy.talk(b"GET / HTTP/1.0\r\nHost: 127.0.0.1:%d\r\n\r\n" % proxy.port)
    assert answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"hello")


# ---- who may ask ----

@pytest.mark.parametrize("host, status", [
    ("127.0.0.1:{port}", 200), ("localhost:{port}", 200), ("LOCALHOST:{port}", 200),
    ("127.0.0.1", 421), ("localhost", 421), ("localhost:1", 421), ("[::1]:{port}", 421),
    ("127.0.0.2:{port}", 421), ("evil.example:{port}", 421), ("evil.example", 421), ("localhost.:{port}", 421),
    ("{domain}", 421), ("", 421)])
def test_the_host_must_be_ours(proxy, enclave, host, status):
    host = host.format(port=proxy.port, domain=enclave.instance["domain"])
    answer = proxy.request(headers={"Host": host})
    assert answer.status == status
    assert answer.error == (None if status == 200 else "misdirected")


@pytest.mark.parametrize("headers, status", [
    ({"Sec-Fetch-Site": "same-origin"}, 200), ({"Sec-Fetch-Site": "none"}, 200),
    ({"Sec-Fetch-Site": "cross-site"}, 403), ({"Sec-Fetch-Site": "same-site"}, 403), ({"Sec-Fetch-Site": ""}, 403),
    ({"Origin": "http://localhost:{port}"}, 200), ({"Origin": "https://{domain}"}, 403),
    ({"Origin": "http://evil.example"}, 403), ({"Origin": "null"}, 403), ({"Origin": "http://localhost:1"}, 403)])
def test_pages_of_other_sites_are_refused(proxy, enclave, headers, status):
    headers = {k: v.format(port=proxy.port, domain=enclave.instance["domain"]) for k, v in headers.items()}
    for method, body in (("GET", None), ("POST", b"x" * 100000)):
        answer = proxy.request(method, "/echo", body=body, headers=headers)
        assert answer.status == status
        assert answer.error == (None if status == 200 else "cross-site")


def test_the_evidence_is_not_for_clients(proxy):
    body = b'{"version":1,"nonce":"%s"}' % (b"00" * 32)
    assert proxy.request("POST", attackers.ATTEST_PATH, body=body).error == "reserved"


@pytest.mark.parametrize("data, status", [
    (b"GET / HTTP/1.1\r\n\r\n", 400), (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 60 + b"\r\n\r\n", 400),
    (b"GET / HTTP/2.0\r\n\r\n", 505), (b"GET /\n\n", 400), (b"GET /" + b"x" * 20000 + b" HTTP/1.1\r\n\r\n", 414),
    (b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501)])
def test_what_is_no_http(proxy, data, status):
    answer = proxy.talk(data)
    assert answer.startswith(b"HTTP/1.1 %d " % status) and b"Mse-Error: bad-request" in answer


@pytest.mark.parametrize("location, wanted", [
    ("https://{domain}/next?a=b", "/next?a=b"), ("https://{domain}:{port}/next", "/next"), ("https://{domain}", "/"),
    ("//{domain}/next", "/next"), ("http://{domain}/next", "/next"), ("https://{domain}//evil.example/", "/.//evil.example/"),
    ("https://{domain}.evil.example/", None), ("https://evil.example/", None), ("/next", None)])
def test_redirects_to_the_app_stay_here(proxy, enclave, server, location, wanted):
    location = location.format(domain=enclave.instance["domain"], port=server.port)
    answer = proxy.request(path="/redirect?" + location)
    assert answer.headers["Location"] == (wanted or location)
    assert answer.headers["Alt-Svc"] is None, "no other way to the app is offered"


# ---- streams ----

def memory_kib(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


def test_answers_stream(proxy):
    begin, times = time.monotonic(), []
    client = proxy.open()
    client.request("GET", "/drip")
    answer = client.getresponse()
    while answer.readline():
        times.append(time.monotonic() - begin)
    client.close()
    assert len(times) == 6 and times[-1] - times[0] > 0.2, "each piece as it comes"


def test_big_bodies_pass_in_little_memory(direct, tmp_path):
    """Both ways at the same time: /big makes, /length throws away. 2 GB with MSE_TEST_LONG."""
    down_size, up_size = ((1 << 31) + 12345, 1 << 31) if os.environ.get("MSE_TEST_LONG") else (400 << 20, 200 << 20)
    with open(tmp_path / "big", "wb") as file:
        file.truncate(up_size)
    down = subprocess.Popen(["curl", "-sS", f"{direct.url}/big?{down_size}"], stdout=subprocess.PIPE)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        up = pool.submit(curl, "-T", str(tmp_path / "big"), "-X", "POST", f"{direct.url}/length")
        assert sum(len(piece) for piece in iter(lambda: down.stdout.read(1 << 20), b"")) == down_size
        assert down.wait(10) == 0 and up.result().stdout == str(up_size).encode()
    assert memory_kib(direct.process) < 48 << 10


def test_a_slow_reader_slows_the_app(direct):
    """Nothing is read from the app that has no room: memory stays small while the client sleeps."""
    before = memory_kib(direct.process)
    with direct.raw(b"GET /big?200000000 HTTP/1.1\r\nHost: localhost:%d\r\nConnection: close\r\n\r\n" % direct.port) as slow:
        time.sleep(0.3)
        assert direct.request().status == 200
        assert memory_kib(direct.process) < before + (8 << 10)
        assert len(connector.read_all(slow)) > 200000000


# ---- curl ----

def curl(*words, check=True):
    result = subprocess.run(["curl", "-sS", "--max-time", "60", *words], capture_output=True)
    assert result.returncode == 0 or not check, result.stderr
    return result


def test_curl_as_server_and_as_proxy(proxy, enclave, server):
    domain = enclave.instance["domain"]
    assert curl(proxy.url).stdout == b"hello"
    assert curl("-I", proxy.url).stdout.startswith(b"HTTP/1.1 200")
    for url in (f"http://{domain}/", f"http://{domain}:{server.port}/"):
        assert curl("-x", proxy.url, url).stdout == b"hello", "absolute form"
        assert curl("-p", "-x", proxy.url, url).stdout == b"hello", "CONNECT"
    assert curl("-x", proxy.url, f"http://{domain}/", "-H", "Host: evil.example", "-w", "%{http_code}").stdout[-3:] == b"421"
    for words in (["-x"], ["-p", "-x"]):
        refused = curl(*words, proxy.url, "http://evil.example/", "-w", "%{http_code} %{http_connect}", check=False)
        assert b"421" in refused.stdout


def test_tls_inside_connect_is_refused(proxy, enclave):
    """curl -x URL https://DOMAIN: its TLS could end nowhere; it gets an alert and not a hanging connection."""
    refused = curl("-x", proxy.url, "-k", f"https://{enclave.instance['domain']}/", check=False)
    assert refused.returncode == 35 and b"alert" in refused.stderr, refused.stderr
    proxy.wait_event("tls-inside")


def test_expect_100_continue(proxy):
    data = b"e" * 3000000
    answer = subprocess.run(["curl", "-sS", "-H", "Expect: 100-continue", "--expect100-timeout", "20", "--data-binary", "@-",
                             f"{proxy.url}/length"], input=data, capture_output=True, timeout=30)
    assert answer.stdout == b"3000000"


def test_a_unix_socket(world, enclave, server, tmp_path):
    path = tmp_path / "app.sock"
    with connector.Connector(world, enclave.instance["domain"], server.port, "--listen", f"unix:{path}",
                             fingerprint=enclave.tee.mrenclave) as running:
        assert path.stat().st_mode & 0o777 == 0o600
        assert curl("--unix-socket", str(path), "http://anything/").stdout == b"hello"
        code = curl("--unix-socket", str(path), "http://x/", "-H", "Sec-Fetch-Site: cross-site", "-w", "%{http_code}")
        assert code.stdout[-3:] == b"403"
        assert running.stop() == 0
    assert not path.exists()


# ---- raw TCP and other protocols, against a stand-in that has the enclave's evidence ----

def echo(stream, _):
    while data := stream.recv():
        stream.sendall(data.upper())


def connect_tcp(world, enclave, port, *options):
    return connector.Connector(world, enclave.instance["domain"], port, "--tcp", *options, fingerprint=enclave.tee.mrenclave)


@pytest.mark.parametrize("options, pieces", [
    ([], (b"\x00\x01binary", b"QUIT\r\n", b"G", b"*1\r\n$4\r\nPING\r\n", b"\x00" + b"q" * 3000000)),
    (["--speaks", "text"], (b"EHLO there\r\n", b"GET key\r\n", b"\x00")),
    (["--speaks", "tls"], (b"\x16\x03\x01\x00\x05hello", b"\x00")),
    (["--speaks", "any"], (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x05hello", b"q" * 100000))])
def test_raw_bytes_both_ways(world, enclave, options, pieces):
    with standin.StandIn(world, enclave, echo) as other, connect_tcp(world, enclave, other.port, *options) as running:
        assert running.ready["mode"] == "tcp"
        for data in pieces:
            with running.raw(data) as client:
                client.shutdown(1)
                assert connector.read_all(client) == data.upper(), "half-closed, and all of it"
        assert other.served == len(pieces), "each client has a connection of its own"


def test_a_server_that_speaks_first_is_not_listened_to(world, enclave):
    """Before the verdict nothing but the evidence may come (section 4), on a raw port as elsewhere."""
    def greet(stream, _):
        stream.sendall(b"220 ready\r\n")
        stream.recv()
    with standin.StandIn(world, enclave, greet) as other, connect_tcp(world, enclave, other.port) as running:
        assert running.talk(b"QUIT\r\n") == b""
        assert running.wait_event("refused")["error"] == "attest-http"


@pytest.mark.parametrize("options", [[], ["--speaks", "tls"], ["--speaks", "text"]])
def test_a_raw_port_takes_no_http(world, enclave, options):
    """A browser may have been made to send it, in any method; nor does it learn whose port this is."""
    seen = []
    with standin.StandIn(world, enclave, lambda stream, _: seen.append(stream.recv())) as other, \
            connect_tcp(world, enclave, other.port, *options) as running:
        for method in (b"GET", b"OPTIONS", b"patch", b"M-SEARCH", b"a" * 33, b"x!#$%&'*+-.^_`|~9"):
            head = method + b" / HTTP/1.1\r\nHost: localhost:%d\r\n\r\n" % running.port
            answer = running.talk(head)
            assert answer.startswith(b"HTTP/1.1 403 ") and b"Mse-Error: raw-http" in answer
            assert enclave.instance["domain"].encode() not in answer
        assert running.talk(b"x" * 20000).startswith(b"HTTP/1.1 403 "), "a method without end"
        assert running.wait_event("client-refused")["error"] == "raw-http"
        if "tls" not in options:
            assert running.talk(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 60) == bytes([21, 3, 3, 0, 2, 2, 49])
        assert [s for s in seen if s] == []


def test_http_on_a_raw_port_that_names_it(world, enclave):
    seen = []

    def watch(stream, _):
        seen.append(stream.recv())
        stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    with standin.StandIn(world, enclave, watch) as other, \
            connect_tcp(world, enclave, other.port, "--speaks", "http") as running:
        for headers in ({"Host": "evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "none"},
                        {"Origin": "http://evil.example"}, {"Referer": "http://evil.example/"}):
            assert running.request("POST", "/", body=b"secret", headers=headers).status in (403, 421), headers
        assert running.talk(b"POST /" + b"x" * 70000 + b" HTTP/1.1\r\nHost: x\r\n\r\n").startswith(b"HTTP/1.1 400")
        with running.raw(b"GET / HTTP/1.1\r\nHost: evil.example\r\nX: ") as client:
            client.shutdown(socket.SHUT_WR)
            assert connector.read_all(client).startswith(b"HTTP/1.1 400"), "a head that ends in the middle"
        assert running.talk(b"\0\3\0\x24\x21\x12\xa4\x42" + b"x" * 48).startswith(b"HTTP/1.1 403"), "TURN"
        assert [s for s in seen if s] == []
        assert running.request().status == 200, "curl and the like may"


@pytest.mark.parametrize("options, told", [(["--tcp"], None), (["--tcp", "--speaks", "http"], 502), ([], 502)])
def test_the_verdict_is_for_who_asks_under_our_name(world, enclave, server, options, told):
    """A page whose name an attacker turned into 127.0.0.1 reads neither the verdict nor whose port this is."""
    domain = enclave.instance["domain"].encode()
    with connector.Connector(world, enclave.instance["domain"], server.port, *options, fingerprint=b"\x01" * 32) as running:
        ours = running.talk(b"GET / HTTP/1.1\r\nHost: localhost:%d\r\n\r\n" % running.port)
        assert (b" %d " % told in ours and domain in ours) if told else ours == b""
        for host in (b"evil.example:%d" % running.port, b"localhost"):
            theirs = running.talk(b"GET / HTTP/1.1\r\nHost: %s\r\n\r\n" % host)
            assert domain not in theirs and b"measurement" not in theirs, theirs


def test_psql(world, enclave):
    """A real psql; behind the attested connection a few lines of PostgreSQL's protocol."""
    def message(kind, body):
        return kind + (len(body) + 4).to_bytes(4, "big") + body

    def serve(stream, _):
        size = int.from_bytes(stream.read(4), "big")
        stream.read(size - 4)
        stream.sendall(message(b"R", bytes(4)) + message(b"Z", b"I"))
        while kind := stream.read(1):
            query = stream.read(int.from_bytes(stream.read(4), "big") - 4)
            if kind == b"X":
                return
            row = b"attested: " + query.rstrip(b"\x00")
            stream.sendall(message(b"T", b"\x00\x01c\x00" + bytes(6) + b"\x00\x00\x00\x19\xff\xff" + b"\xff" * 4 + b"\x00\x00")
                           + message(b"D", b"\x00\x01" + len(row).to_bytes(4, "big") + row)
                           + message(b"C", b"SELECT 1\x00") + message(b"Z", b"I"))
    with standin.StandIn(world, enclave, serve) as other, connect_tcp(world, enclave, other.port) as running:
        seen = subprocess.run(["psql", "-h", "127.0.0.1", "-p", str(running.port), "-U", "me", "-d",
                               "sslmode=disable gssencmode=disable dbname=x", "-At", "-c", "SELECT 42"],
                              capture_output=True, text=True, timeout=30)
        assert seen.stdout == "attested: SELECT 42\n", seen.stderr


@pytest.mark.parametrize("offer, answer, status", [
    ("websocket, h2c", None, 200), ("websocket\r\nUpgrade: h2c", None, 200), ("h2c", None, 200), ("websocket", "h2c", 502)])
def test_no_other_http_inside_an_upgrade(world, enclave, offer, answer, status):
    """Of a list the app could choose what is not judged here; nor may it answer with another protocol."""
    heads = []

    def serve(stream, _):
        heads.append(stream.head())
        if answer:
            stream.sendall(b"HTTP/1.1 101 x\r\nUpgrade: %s\r\nConnection: Upgrade\r\n\r\n" % answer.encode())
        else:
            stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    with standin.StandIn(world, enclave, serve) as other, \
            connector.Connector(world, enclave.instance["domain"], other.port, fingerprint=enclave.tee.mrenclave) as running:
        request = (f"GET / HTTP/1.1\r\nHost: localhost:{running.port}\r\nConnection: Upgrade, HTTP2-Settings\r\n"
                   f"Upgrade: {offer}\r\nHTTP2-Settings: AAMAAABk\r\n\r\n")
        with running.raw(request.encode()) as client:
            assert b" %d " % status in client.recv(1000)
        assert all((b"upgrade" in head.lower()) == bool(answer) and b"settings" not in head.lower() for head in heads)


def test_an_upgrade_passes_through(world, enclave):
    def serve(stream, _):
        head = stream.head().decode()
        assert "Upgrade: websocket\r\n" in head and "Connection: Upgrade\r\n" in head
        stream.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nfirst")
        echo(stream, 0)
    with standin.StandIn(world, enclave, serve) as other, \
            connector.Connector(world, enclave.instance["domain"], other.port, fingerprint=enclave.tee.mrenclave) as running:
        request = (f"GET /chat HTTP/1.1\r\nHost: localhost:{running.port}\r\nConnection: keep-alive, Upgrade\r\n"
                   "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n\r\n")
        with running.raw(request.encode()) as client:
            data = b""
            while not data.endswith(b"first"):
                data += client.recv(1000)
            assert data.startswith(b"HTTP/1.1 101 ")
            client.sendall(b"ping" * 100000)
            client.shutdown(1)
            assert connector.read_all(client) == b"PING" * 100000


# ---- a command beside it, addresses, what is expected ----

def run_connect(world, *words, **options):
    folder = options.pop("folder")
    return subprocess.run([str(w) for w in (world.build / "mse", "connect", *words)], capture_output=True, timeout=60,
                          env=connector.environment(folder), **options)


def test_a_command_beside_it(world, enclave, server, tmp_path):
    words = [f"{enclave.instance['domain']}:{server.port}", "--fingerprint", enclave.tee.mrenclave.hex(), "--pccs",
             world.pccs.url, "--allow-simulation", world.vendor.root, "--"]
    seen = run_connect(world, *words, "curl", "-sS", "{url}/", folder=tmp_path)
    assert (seen.returncode, seen.stdout) == (0, b"hello"), seen.stderr
    seen = run_connect(world, *words, "sh", "-c", "cat; curl -s $MSE_CONNECT_URL/; test $MSE_CONNECT_ADDRESS = {address}; "
                       "test $MSE_CONNECT_PORT = {port} && exit 7", folder=tmp_path, input=b"typed ")
    assert (seen.returncode, seen.stdout) == (7, b"typed hello"), seen.stderr
    assert run_connect(world, *words, "/no/such/program", folder=tmp_path).returncode == 1
    refused = run_connect(world, *words[:2], "00" * 32, *words[3:], "curl", "-sS", "-w", "%{http_code}", "{url}", folder=tmp_path)
    assert refused.stdout.endswith(b"502") and b"measurement" in refused.stdout and refused.returncode == 0


def test_what_loosens_is_told(world, enclave, server, tmp_path):
    """For a person on stderr, before anything passes; for programs in the verdict of the event."""
    words = [f"{enclave.instance['domain']}:{server.port}", "--fingerprint", enclave.tee.mrenclave.hex(), "--pccs",
             world.pccs.url, "--allow-simulation", world.vendor.root, "--allow-debug", "--allow-missing-crl"]
    seen = run_connect(world, *words, "--", "curl", "-sS", "{url}/", folder=tmp_path)
    assert seen.stdout == b"hello"
    for text in (b"SIMULATED: no hardware protects this", b"loosened: allow-debug: ", b"loosened: allow-missing-crl: ",
                 b"loosened: allow-simulation: "):
        assert text in seen.stderr, seen.stderr
    with connector.Connector(world, enclave.instance["domain"], server.port, "--allow-debug",
                             fingerprint=enclave.tee.mrenclave) as running:
        verdict = running.wait_event("attested")["verdict"]
        assert verdict["notice"].startswith("SIMULATED")
        assert {each["name"] for each in verdict["loosenings"]} == {"allow-debug", "allow-simulation"}
    with connector.Connector(world, enclave.instance["domain"], server.port, "--allow-debug",
                             fingerprint=b"\x01" * 32) as running:
        page = running.request(headers={"Accept": "text/html"})
        assert page.status == 502 and b"SIMULATED" in page.body and b"loosened: <code>allow-debug" in page.body


def test_an_address_for_others_is_named(world, enclave, server, tmp_path):
    words = [f"{enclave.instance['domain']}:{server.port}", "--fingerprint", enclave.tee.mrenclave.hex(), "--listen", "0.0.0.0:0"]
    seen = run_connect(world, *words, folder=tmp_path)
    assert seen.returncode == 1 and b"--expose" in seen.stderr
    with connector.Connector(world, enclave.instance["domain"], server.port, "--listen", "0.0.0.0:0", "--expose", "box.lan",
                             fingerprint=enclave.tee.mrenclave) as running:
        assert "is not the loopback" in running.stderr()
        assert running.request(headers={"Host": f"box.lan:{running.port}"}).status == 200
        assert running.url == f"http://box.lan:{running.port}"
        for host in ("other.lan", "0.0.0.0", "[::]"):
            assert running.request(headers={"Host": f"{host}:{running.port}"}).status == 421
        assert running.request(headers={"Host": f"localhost:{running.port}"}).status == 200


@pytest.mark.parametrize("words, text", [
    ([], b"nothing says which code"), (["--fingerprint", "00"], b"--fingerprint"), (["--listen", "x"], b"--listen"),
    (["--connections", "0"], b"--connections"), (["--connections", "4097"], b"--connections"), (["--max-age", "3601"], b"--max-age"),
    (["--wait", "0"], b"--wait"), (["--release", "/dev/null"], b"--release"), (["--context", "/none"], b"/none"),
    (["--policy", "/none"], b"--policy"), (["--expose", "x"], b"--expose"), (["--speaks", "http"], b"--tcp"), (["--tcp", "--speaks", "smtp"], b"--speaks"), (["--code", "."], b"--code goes with")])
def test_wrong_words(world, words, text, tmp_path):
    seen = run_connect(world, "app.localhost:1", *words, folder=tmp_path)
    assert seen.returncode == 1 and text in seen.stderr and seen.stdout == b"", seen
