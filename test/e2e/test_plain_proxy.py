# SPDX-License-Identifier: Apache-2.0
"""mse-serve behind HTTP proxies: whose word about the client counts, and where it arrives."""
import contextlib
import json
import os
import re
import socket
import struct
import subprocess
import time

import pytest
from plainserver import PlainServer

WSGI = """
import json
def app(environ, start):
    start("200 OK", [("Content-Type", "application/json")])
    keys = "REMOTE_ADDR", "REMOTE_PORT", "wsgi.url_scheme", "HTTPS", "SERVER_PORT", "HTTP_X_FORWARDED_FOR"
    return [json.dumps({k: environ[k] for k in keys if k in environ}).encode()]
"""
ASGI = """
import json
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        raise RuntimeError("none")
    shown = {"client": scope["client"], "scheme": scope["scheme"], "server": scope["server"]}
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(shown).encode()})
"""
SAID = {"X-Forwarded-For": "6.6.6.6, 203.0.113.7, 10.1.1.1", "X-Forwarded-Proto": "https"}
PROXY = b"\r\n\r\n\0\r\nQUIT\n\x21\x11"


def test_wsgi_and_the_access_log(build):
    with PlainServer(build, {"app.py": WSGI}, "--forwarded-allow-ips", "127.0.0.1,10.0.0.0/8", "--access-log", "common") as server:
        got = json.loads(server.get(headers={**SAID, "Host": "example.org"}).data)
        assert got == {"REMOTE_ADDR": "203.0.113.7", "wsgi.url_scheme": "https", "HTTPS": "on", "SERVER_PORT": "443",
                       "HTTP_X_FORWARDED_FOR": SAID["X-Forwarded-For"]}
        server.wait_for(lambda: server.output().startswith("203.0.113.7 - - ["))
        assert json.loads(server.get().data)["REMOTE_ADDR"] == "127.0.0.1", "the connection's, with nothing said"
        with contextlib.closing(server.connection()) as kept:  # each request of a connection has its own client
            seen = [json.loads(server.get(headers={"X-Forwarded-For": address}, connection=kept).data)["REMOTE_ADDR"]
                    for address in ("203.0.113.8:80", "2001:db8::1", "unknown")]
        assert seen == ["203.0.113.8", "2001:db8::1", "127.0.0.1"]


def test_asgi_and_a_unix_socket(build):
    with PlainServer(build, {"app.py": ASGI}, "--forwarded-allow-ips", "unix", "--access-log", "json", bind="unix:s") as server:
        got = json.loads(server.get(headers={**SAID, "Host": "example.org"}).data)
        assert got == {"client": ["10.1.1.1", 0], "scheme": "https", "server": ["localhost", 443]}
        server.wait_for(lambda: '"client":"10.1.1.1"' in server.output())
        assert json.loads(server.get(headers={"Host": "x"}).data)["client"] is None


@pytest.mark.parametrize("options", [(), ("--forwarded-allow-ips", "none"), ("--forwarded-allow-ips", "unix,10.0.0.0/8")])
def test_nobody_else_is_believed(build, options):
    with PlainServer(build, {"app.py": WSGI}, *options) as server:
        got = json.loads(server.get(headers=SAID).data)
        assert (got["REMOTE_ADDR"], got["wsgi.url_scheme"]) == ("127.0.0.1", "http")


def test_what_is_wrong_in_the_list_is_said(build):
    server = PlainServer(build, {"app.py": WSGI}, "--forwarded-allow-ips", "127.0.0.1,10.0.0.1/8")
    try:
        assert server.start(wait=False).exit() == 2
        assert "'--forwarded-allow-ips': '10.0.0.1/8' has bits of a host behind its prefix" in server.messages()
    finally:
        server.remove()


@pytest.mark.parametrize("name, text", [("wsgi", WSGI), ("asgi", ASGI)], ids=["wsgi", "asgi"])
def test_proxy_v2_says_the_scheme(build, name, text):
    def ask(tls):
        addresses = socket.inet_aton("203.0.113.7") + socket.inet_aton("10.0.0.1") + struct.pack("!HH", 4711, 443)
        ssl = struct.pack("!BHBI", 0x20, 5, tls, 0)
        got = server.raw(PROXY + struct.pack("!H", len(addresses + ssl)) + addresses + ssl +
                         b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return json.loads(b"{" + got.partition(b"{")[2].rpartition(b"}")[0] + b"}")

    with PlainServer(build, {"app.py": text}, "--proxy", "required") as server:
        for tls in 0, 1:
            got = ask(tls)
            assert got["scheme" if name == "asgi" else "wsgi.url_scheme"] == ("https" if tls else "http")
            client = got["client"] if name == "asgi" else [got["REMOTE_ADDR"], int(got["REMOTE_PORT"])]
            assert client == ["203.0.113.7", 4711]


# ---- the configurations of the page, by the real programs ----

BOTH = WSGI.replace("import json", "import json, time").replace("    keys =", """    environ["wsgi.input"].read()
    if environ["PATH_INFO"] == "/stream":
        def parts():
            yield b"first\\n"
            time.sleep(1)
            yield b"last\\n"
        return parts()
    keys =""")
ECHO = """
import json
async def app(scope, receive, send):
    await receive()
    if scope["type"] != "websocket":
        raise RuntimeError("none")
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": json.dumps([scope["scheme"], scope["client"]])})
    await send({"type": "websocket.close"})
"""
OPTIONS = {"nginx": ("--forwarded-allow-ips", "unix"), "haproxy": ("--proxy", "required")}


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


def configure(root, name, folder, socket_path, port):
    """The page's text with this machine's paths, and what only a test needs in front."""
    text = re.search(rf"<!-- {name} -->\n```{name}\n(.*?)```", (root / "docs/plain-server.md").read_text(), re.DOTALL)[1]
    changes = {"/run/app/s.sock": socket_path, "/etc/ssl/example.org": folder / "example.org"}
    changes |= {"listen 443": f"listen 127.0.0.1:{port}"} if name == "nginx" else {"bind :443": f"bind 127.0.0.1:{port}"}
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, str(new))
    if name == "nginx":
        temporary = "".join(f"    {kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        user = "user root;\n" if os.getuid() == 0 else ""
        text = f"{user}daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log {folder}/error.log;\n" + \
            text.replace("http {\n", f"http {{\n    access_log off;\n{temporary}", 1)
    (folder / "conf").write_text(text)
    return ["/usr/sbin/nginx", "-e", folder / "error.log", "-c", folder / "conf"] if name == "nginx" else \
        ["/usr/sbin/haproxy", "-db", "-f", folder / "conf"]


@contextlib.contextmanager
def proxy(root, name, folder, server):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                    "/CN=example.org", "-addext", "subjectAltName=DNS:example.org", "-keyout", folder / "example.org.key", "-out",
                    folder / "example.org.pem"], check=True, capture_output=True, timeout=30)
    both = (folder / "example.org.pem").read_text() + (folder / "example.org.key").read_text()
    (folder / "example.org.both.pem").write_text(both)
    port = free_port()
    argv = configure(root, name, folder, server.dir / "s", port)
    with open(folder / "out", "wb") as out, subprocess.Popen(argv, stdout=out, stderr=out) as process:
        try:
            end = time.monotonic() + 20
            while subprocess.run(["curl", "-sk", "-o", "/dev/null", f"https://127.0.0.1:{port}/"], timeout=20).returncode == 7:
                assert process.poll() is None and time.monotonic() < end, (folder / "out").read_text()
                time.sleep(0.05)
            yield port
        finally:
            process.terminate()


def curl(folder, port, path, *options):
    return ["curl", "-sSN", "--max-time", "20", "--cacert", folder / "example.org.pem", "--connect-to", f"example.org:443:127.0.0.1:{port}",
            *options, f"https://example.org{path}"]


@pytest.mark.parametrize("name", OPTIONS)
def test_the_configurations_of_the_page(build, root, tmp_path, name):
    (tmp_path / "big").write_bytes(bytes(3 << 20))
    with PlainServer(build, {"app.py": BOTH}, *OPTIONS[name], bind="unix:s") as server, proxy(root, name, tmp_path, server) as port:
        got = json.loads(subprocess.run(curl(tmp_path, port, "/", "-H", "X-Forwarded-For: 6.6.6.6", "-H", "X-Forwarded-Proto: ftp"),
                                        capture_output=True, check=True, timeout=30).stdout)
        assert (got["REMOTE_ADDR"], got["wsgi.url_scheme"], got["SERVER_PORT"]) == ("127.0.0.1", "https", "443")
        upload = curl(tmp_path, port, "/", "--data-binary", f"@{tmp_path}/big", "-o", "/dev/null", "-w", "%{http_code}")
        assert subprocess.run(upload, capture_output=True, check=True, timeout=30).stdout == b"200"
        with subprocess.Popen(curl(tmp_path, port, "/stream"), stdout=subprocess.PIPE) as stream:
            began = time.monotonic()
            assert stream.stdout.readline() == b"first\n"
            assert time.monotonic() - began < 0.9, "it is not held back"
            assert stream.stdout.read() == b"last\n"
            assert time.monotonic() - began < 15, "and its end comes"


@pytest.mark.parametrize("name", OPTIONS)
def test_websockets_through_the_configurations(build, root, tmp_path, name):
    options = *OPTIONS[name], "--websocket-close-timeout", "1"
    with PlainServer(build, {"app.py": ECHO}, *options, bind="unix:s") as server, proxy(root, name, tmp_path, server) as port:
        headers = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="]
        words = [word for header in headers for word in ("-H", header)]
        done = subprocess.run(curl(tmp_path, port, "/", "--http1.1", *words, "-i"), capture_output=True, timeout=30)
        assert done.stdout.startswith(b"HTTP/1.1 101 "), done
        assert re.search(rb'\["wss", \["127\.0\.0\.1", \d+\]\]', done.stdout), done
