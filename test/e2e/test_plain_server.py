# SPDX-License-Identifier: Apache-2.0
"""mse-enclave --plain: an ordinary application server, with real frameworks and real curl."""
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.parse

import pytest
from plainserver import PlainServer, children

HELLO = """
import os
def app(environ, start):
    start("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]
"""
ENVIRON = """
import json, os, sys
def app(environ, start):
    start("200 OK", [("Content-Type", "application/json")])
    shown = {k: v for k, v in environ.items() if isinstance(v, (str, bool))}
    return [json.dumps({"environ": shown, "path": sys.path, "cwd": os.getcwd(), "pid": os.getpid()}).encode()]
"""
FLASK = """
from flask import Flask, Response, request
app = Flask(__name__)

@app.get("/")
def hello():
    return "hello from flask"

@app.post("/file")
def file():
    return str(len(request.files["f"].read()))

@app.get("/stream")
def stream():
    return Response((f"line {i}\\n" for i in range(1000)), mimetype="text/plain")

@app.get("/wrong")
def wrong():
    raise RuntimeError("of the application")
"""
BOTTLE = """
import bottle
app = bottle.Bottle()

@app.get("/")
def hello():
    return "hello from bottle"

@app.post("/file")
def file():
    return str(len(bottle.request.files["f"].file.read()))

@app.get("/stream")
def stream():
    bottle.response.content_type = "text/plain"
    return (f"line {i}\\n" for i in range(1000))

@app.get("/wrong")
def wrong():
    raise RuntimeError("of the application")
"""
DJANGO = """
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path

settings.configure(SECRET_KEY="x", ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"],
                   LOGGING={"version": 1, "disable_existing_loggers": False,
                            "handlers": {"c": {"class": "logging.StreamHandler"}}, "root": {"handlers": ["c"]}})

def hello(request):
    return HttpResponse("hello from django")

def file(request):
    return HttpResponse(str(len(request.FILES["f"].read())))

def stream(request):
    return StreamingHttpResponse((f"line {i}\\n" for i in range(1000)), content_type="text/plain")

def wrong(request):
    raise RuntimeError("of the application")

urlpatterns = [path("", hello), path("file", file), path("stream", stream), path("wrong", wrong)]
app = get_wsgi_application()
"""
FRAMEWORKS = {"flask": FLASK, "bottle": BOTTLE, "django": DJANGO}


def curl(server, path, *options):
    done = subprocess.run(["curl", "-sS", "--max-time", "20", *options, server.url(path)], capture_output=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_frameworks_and_curl(build, name, tmp_path):
    upload = tmp_path / "upload"
    upload.write_bytes(os.urandom(300000))
    with PlainServer(build, {"app.py": FRAMEWORKS[name]}) as server:
        assert curl(server, "/") == f"hello from {name}".encode()
        assert curl(server, "/file", "-F", f"f=@{upload}") == b"300000"
        assert curl(server, "/stream").decode().splitlines() == [f"line {i}" for i in range(1000)]
        assert curl(server, "/wrong", "-o", "/dev/null", "-w", "%{http_code}") == b"500"
        assert "RuntimeError: of the application" in server.messages() + server.output()
        assert curl(server, "/", "-I").startswith(b"HTTP/1.1 200 OK\r\n")


def test_it_says_what_it_is(build):
    with PlainServer(build, {"app.py": HELLO}) as server:
        said = server.messages().splitlines()
        assert said[0] == "mse-enclave: plain server: no TEE, nothing is measured, attested or sealed"
        assert re.fullmatch(r"mse-enclave: listening on http://127.0.0.1:\d+", said[1])
        assert said[2] == "mse-enclave: app:app is served (wsgi)"
        phases = r"program \d+, TLS \d+, interpreter \d+, application \d+, threads \d+"
        server.wait_for(lambda: re.search(rf"\nmse-enclave: started in \d+ ms: {phases}\n", server.messages()))
        assert server.get().text == "hello"
        assert server.get("/.well-known/mse/attestation").text == "hello", "nothing of the enclave's own is there"
        assert server.stop() == 0
        assert server.messages().splitlines()[-1] == "mse-enclave: stopped"


def test_what_the_application_sees(build):
    with PlainServer(build, {"app.py": ENVIRON}) as server:
        seen = json.loads(server.get("/a%20b?c=d", headers={"Host": "a.host:81", "X_Evil": "1"}).text)
        environ = seen["environ"]
        assert seen["path"][0] == seen["cwd"] == str(server.code)
        assert environ["wsgi.url_scheme"] == "http" and "HTTPS" not in environ
        assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("127.0.0.1", "81")
        assert (environ["PATH_INFO"], environ["QUERY_STRING"]) == ("/a b", "c=d")
        assert (environ["REMOTE_ADDR"], environ["wsgi.multiprocess"]) == ("127.0.0.1", False)
        assert not [name for name in environ if "EVIL" in name]
        port = json.loads(server.get(headers={"Host": "a.host"}).text)["environ"]["SERVER_PORT"]
        assert port == "80"


def test_tls(build, tmp_path):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert],
                   check=True, capture_output=True)
    with PlainServer(build, {"app.py": ENVIRON}, "--cert", cert, "--key", key) as server:
        answer = subprocess.run(["curl", "-sS", "--cacert", cert, "--resolve", f"localhost:{server.port()}:127.0.0.1",
                                 "-w", "%{ssl_verify_result}", f"https://localhost:{server.port()}/"],
                                capture_output=True, text=True, timeout=20)
        assert answer.returncode == 0, answer.stderr
        environ = json.loads(answer.stdout[:-1])["environ"]
        assert environ["wsgi.url_scheme"] == "https" and environ["HTTPS"] == "on"
        assert "listening on https://" in server.messages()


def test_unix_socket(build):
    with PlainServer(build, {"app.py": ENVIRON}, bind="unix:app.sock") as server:
        path = server.dir / "app.sock"
        done = subprocess.run(["curl", "-sS", "--unix-socket", path, "http://a.host/"], capture_output=True, timeout=20)
        assert json.loads(done.stdout)["environ"]["REMOTE_ADDR"] == ""
        assert server.stop() == 0
        assert not path.exists()


PATIENT = """
import time
def app(environ, start):
    if environ["PATH_INFO"] == "/slow":
        time.sleep(2)
    start("200 OK", [])
    return [b"done"]
"""


@pytest.mark.parametrize("options", [(), ("--workers", "2")])
def test_a_stop_leaves_the_socket_of_a_successor(build, options):
    """The next server may begin while the last one still lets requests finish."""
    with PlainServer(build, {"app.py": PATIENT}, *options, bind="unix:app.sock") as server:
        path = server.dir / "app.sock"
        with server.dial() as slow:
            slow.sendall(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
            time.sleep(0.2)  # for the request to be in the application: nothing tells
            server.process.send_signal(signal.SIGTERM)
            server.wait_for(lambda: not path.exists())
            with PlainServer(build, {"app.py": PATIENT}, bind=f"unix:{path}") as successor:
                assert slow.recv(100).startswith(b"HTTP/1.1 200")
                assert server.process.wait(20) == 0
                assert path.exists() and successor.get().text == "done"


def switches(pid):
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status") as status:
            total += int(re.search(r"\nvoluntary_ctxt_switches:\s+(\d+)", status.read())[1])
    return total


def wait_asleep(pids):
    end = time.monotonic() + 10
    while time.monotonic() < end:
        before = [switches(pid) for pid in pids]
        time.sleep(0.6)
        if [switches(pid) for pid in pids] == before:
            return
    raise AssertionError("it never sleeps")


def test_parent_and_workers_sleep_when_idle(build):
    with PlainServer(build, {"app.py": HELLO}, "--workers", "2") as server:
        server.wait_for(lambda: server.messages().count("is served") == 2)
        wait_asleep([server.process.pid, *children(server.process.pid)])


def test_sighup_starts_workers_anew(build):
    with PlainServer(build, {"app.py": HELLO}, "--workers", "2") as server:
        server.wait_for(lambda: server.messages().count("is served") == 2)
        before = children(server.process.pid)
        server.write({"app.py": HELLO.replace("hello", "again")})
        server.process.send_signal(signal.SIGHUP)
        server.wait_for(lambda: "all workers are new" in server.messages())
        assert server.get().text == "again"
        server.wait_for(lambda: not set(before) & set(children(server.process.pid)))
        assert "started anew: asked to (SIGHUP)" in server.messages()


def test_sighup_does_not_stop_one_process(build):
    """A service manager's reload."""
    with PlainServer(build, {"app.py": HELLO}) as server:
        server.process.send_signal(signal.SIGHUP)
        server.wait_for(lambda: "SIGHUP: one process alone is not started anew" in server.messages())
        assert server.get().text == "hello"


def test_access_log_formats(build):
    wanted = {
        "common": r'127\.0\.0\.1 - - \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000\] "GET /a\\"b\?c HTTP/1\.1" 200 5',
        "combined": r'127\.0\.0\.1 - - \[[^]]+\] "GET /a\\"b\?c HTTP/1\.1" 200 5 "http://from/" "me\\x1b\\xe9"',
        "none": "",
    }
    request = b'GET /a"b?c HTTP/1.1\r\nHost: a\r\nReferer: http://from/\r\nUser-Agent: me\xe9\r\nConnection: close\r\n\r\n'
    for name, pattern in wanted.items():
        with PlainServer(build, {"app.py": HELLO}, "--access-log", name) as server:
            assert b"200 OK" in server.raw(request)
            assert server.stop() == 0
            assert re.fullmatch(pattern.replace("\\\\x1b", "") + ("\n" if pattern else ""), server.output()), server.output()


def test_nobody_stays_out_of_the_access_log(build):
    """What escaping makes long is cut, not left out."""
    request = b"GET /here HTTP/1.1\r\nHost: a\r\nUser-Agent: " + b"\xff" * 25000 + b"\r\nConnection: close\r\n\r\n"
    for name in ("combined", "json"):
        with PlainServer(build, {"app.py": HELLO}, "--access-log", name) as server:
            assert b"200 OK" in server.raw(request)
            assert server.stop() == 0
            assert "/here" in server.output() and server.output().endswith('..."}\n' if name == "json" else '..."\n')


def test_nobody_reads_the_access_log(build):
    """Its reader holds nothing up; what finds no room is counted, in its place."""
    ends = os.pipe()
    with PlainServer(build, {"app.py": HELLO}, "--access-log", "json", out=ends[1]) as server:
        os.close(ends[1])
        connection = server.connection()
        for number in range(300):
            assert server.request("GET", f"/{number}/" + "x" * 7000, connection=connection).status == 200
        connection.close()
        with os.fdopen(ends[0]) as reader:
            lines = (json.loads(line) for line in reader)
            seen = 0
            while "target" in (line := next(lines)):
                assert line["target"].startswith(f"/{seen}/")
                seen += 1
            assert line["event"] == "dropped" and line["lines"] + seen == 300
            assert server.get("/after").status == 200
            assert next(lines)["target"] == "/after"


def test_access_log_json(build):
    with PlainServer(build, {"app.py": HELLO}, "--access-log", "json") as server:
        server.get("/x", headers={"User-Agent": 'a"\\é'.encode("latin-1").decode("latin-1")})
        server.request("HEAD", "/y")
        assert server.stop() == 0
        first, second = (json.loads(line) for line in server.output().splitlines())
        assert (first["method"], first["target"], first["status"], first["bytes"]) == ("GET", "/x", 200, 5)
        assert first["user_agent"] == 'a"\\é' and 0 <= first["duration_ms"] < 10000
        assert (second["method"], second["bytes"]) == ("HEAD", 0)


SLOW = """
import time
def app(environ, start):
    start("200 OK", [("Content-Type", "text/plain")])
    yield b"one "
    time.sleep(float(environ["QUERY_STRING"] or 0))
    yield b"two"
"""


def test_a_stop_lets_requests_finish(build):
    with PlainServer(build, {"app.py": SLOW}) as server:
        connection = server.connection()
        connection.request("GET", "/?1")
        answer = connection.getresponse()
        assert answer.read(4) == b"one "
        server.process.send_signal(signal.SIGTERM)
        assert answer.read() == b"two"
        assert server.exit() == 0


def test_a_stop_answers_what_was_sent_before(build):
    """Idle connections are closed by it, but not those whose next request is in the kernel already."""
    app = "import time\ndef app(environ, start):\n    time.sleep(0.003)\n    start('200 OK', [])\n    return [b'ok']\n"
    with PlainServer(build, {"app.py": app}) as server:
        clients = [server.dial() for _ in range(150)]
        for sock in clients:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert sock.recv(1000).endswith(b"ok")
        server.process.send_signal(signal.SIGSTOP)
        for sock in clients:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        server.process.terminate()
        server.process.send_signal(signal.SIGCONT)
        assert {sock.recv(1000)[:13] for sock in clients} <= {b"HTTP/1.1 200 ", b"HTTP/1.1 503 "}
        for sock in clients:
            sock.close()
        assert server.exit() == 0


def test_a_stop_does_not_wait_for_ever(build):
    with PlainServer(build, {"app.py": SLOW}, "--graceful-timeout", "1") as server:
        connection = server.connection()
        connection.request("GET", "/?60")
        assert connection.getresponse().read(4) == b"one "
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)   # twice: at once
        assert server.exit() == 0
        assert time.monotonic() - began < 5


def test_threads_limit_what_runs_at_a_time(build):
    code = """
import threading, time
lock, now, most = threading.Lock(), 0, 0
def app(environ, start):
    global now, most
    with lock:
        now += 1
        most = max(most, now)
    time.sleep(0.1)
    with lock:
        now -= 1
    start("200 OK", [("Content-Type", "text/plain")])
    return [str(most).encode()]
"""
    with PlainServer(build, {"app.py": code}, "--threads", "3") as server:
        clients = [threading.Thread(target=server.get) for _ in range(12)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        assert server.get().text == "3"


def test_slow_requests_run_side_by_side(build):
    """As many at a time as there are threads, without a wait between their starts."""
    code = """
import time
def app(environ, start):
    time.sleep(0.01)
    start("200 OK", [("Content-Type", "text/plain")])
    return [b"slept"]
"""
    with PlainServer(build, {"app.py": code}, "--threads", "8") as server:
        def ask():
            connection = server.connection()
            for _ in range(50):
                assert server.get(connection=connection).text == "slept"
        began = time.monotonic()
        clients = [threading.Thread(target=ask) for _ in range(8)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        assert time.monotonic() - began < 3, "one after another they take 4 s"


def test_workers_are_processes(build):
    with PlainServer(build, {"app.py": ENVIRON}, "--workers", "3") as server:
        server.wait_for(lambda: server.messages().count("is served") == 3)
        seen = {}

        def look():
            for _ in range(20):
                answer = json.loads(server.get().text)
                assert answer["environ"]["wsgi.multiprocess"] is True
                seen[answer["pid"]] = True
        clients = [threading.Thread(target=look) for _ in range(4)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        assert server.process.pid not in seen and len(seen) >= 1
        victim = next(iter(seen))
        os.kill(victim, signal.SIGKILL)
        server.wait_for(lambda: server.messages().count("is served") == 4)
        assert "a worker ended with status 137: it is started again" in server.messages()
        assert server.get().status == 200
        assert server.stop() == 0
        with pytest.raises(ProcessLookupError):
            os.kill(victim, 0)


def test_workers_die_with_their_parent(build):
    with PlainServer(build, {"app.py": ENVIRON}, "--workers", "2") as server:
        pid = json.loads(server.get().text)["pid"]
        server.process.kill()
        server.process.wait(10)
        end = time.monotonic() + 10
        while os.path.exists(f"/proc/{pid}") and time.monotonic() < end:
            time.sleep(0.02)
        assert not os.path.exists(f"/proc/{pid}")


def test_reload(build):
    with PlainServer(build, {"app.py": HELLO}, "--reload") as server:
        assert server.get().text == "hello"
        server.write({"app.py": HELLO.replace("hello", "changed")})
        server.wait_for(lambda: server.messages().count("is served") == 2)
        assert server.get().text == "changed"
        server.write({"app.py": "syntax error"})
        server.wait_for(lambda: "waiting for a change" in server.messages())
        server.write({"sub/other.py": "", "app.py": HELLO.replace("hello", "mended")})
        server.wait_for(lambda: server.messages().count("is served") == 3)
        assert server.get().text == "mended"
        assert server.stop() == 0


@pytest.mark.parametrize("files, options, status, wanted", [
    ({"app.py": "1 +"}, [], 3, "SyntaxError"),
    ({"app.py": ""}, [], 3, "module 'app' has no variable 'app'"),
    ({"other.py": ""}, [], 3, "No module named 'app'"),
    ({"app.py": "app = 1"}, [], 3, "which cannot be called"),
    ({"app.py": "1 +"}, ["--workers", "2"], 3, "application-failed"),
    ({"app.py": HELLO}, ["--bind", "x"], 2, "'--bind': 'x', expected 'HOST:PORT' or 'unix:PATH'"),
    ({"app.py": HELLO}, ["--threads", "0"], 2, "'--threads'"),
    ({"app.py": HELLO}, ["--cert", "x.pem"], 2, "'--cert' and '--key' go together"),
    ({"app.py": HELLO}, ["--cert", "x.pem", "--key", "x.pem"], 2, "'--cert' and '--key': cannot open '"),
    ({"app.py": HELLO}, ["--root-path", "api"], 2, "'--root-path' is 'api', expected '/PATH'"),
    ({"app.py": HELLO}, ["--root-path", "/"], 2, "'--root-path' is '/', expected '/PATH'"),
    ({"app.py": HELLO}, ["--root-path", "/a%20b"], 2, "'--root-path' has a character"),
    ({"app.py": HELLO}, ["--root-path", "/" + 1024 * "a"], 2, "'--root-path' has more than 1024 characters"),
    ({"app.py": HELLO}, ["--interface", "cgi"], 2, "'--interface' is 'cgi'"),
    ({"app.py": HELLO}, ["--access-log", "apache"], 2, "no access log format"),
    ({"app.py": HELLO}, ["--worse"], 2, "unknown option '--worse'"),
])
def test_what_is_wrong_is_said(build, files, options, status, wanted):
    server = PlainServer(build, files, *options)
    try:
        server.start(wait=False)
        assert server.exit() == status
        assert wanted in server.messages()
    finally:
        server.remove()


def test_a_busy_port(build):
    with socket.create_server(("127.0.0.1", 0)) as busy:
        server = PlainServer(build, {"app.py": HELLO}, bind=f"127.0.0.1:{busy.getsockname()[1]}")
        try:
            server.start(wait=False)
            assert server.exit() == 8
            assert "listen-failed: cannot listen on 127.0.0.1:" in server.messages()
        finally:
            server.remove()


def test_limits_are_options(build):
    code = """
def app(environ, start):
    data = environ["wsgi.input"].read()
    start("200 OK", [("Content-Type", "text/plain")])
    return [str(len(data)).encode()]
"""
    with PlainServer(build, {"app.py": code}, "--body-max", "1000", "--header-timeout", "1") as server:
        assert server.request("POST", "/", body=b"x" * 1000).text == "1000"
        assert server.request("POST", "/", body=b"x" * 1001).status == 413
        assert server.raw(b"GET / HTTP/1.1\r\nHost: a\r\n").startswith(b"HTTP/1.1 408 ")


def test_the_environment_and_a_virtual_one_count(build, tmp_path):
    """Unlike in an enclave: PYTHONPATH and VIRTUAL_ENV are those of an ordinary python3."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/extra.py").write_text("name = 'extra'")
    code = "import extra\n" + HELLO.replace('b"hello"', "extra.name.encode()")
    with PlainServer(build, {"app.py": code}, env={"PYTHONPATH": str(tmp_path / "lib")}) as server:
        assert server.get().text == "extra"
    site = tmp_path / "venv/lib/python3.11/site-packages"
    site.mkdir(parents=True)
    (tmp_path / "venv/bin").mkdir()
    (tmp_path / "venv/bin/python3").symlink_to("/usr/bin/python3")
    (tmp_path / "venv/pyvenv.cfg").write_text("home = /usr/bin\ninclude-system-site-packages = false\n")
    (site / "extra.py").write_text("name = 'of the virtual environment'")
    with PlainServer(build, {"app.py": code}, env={"VIRTUAL_ENV": str(tmp_path / "venv")}) as server:
        assert server.get().text == "of the virtual environment"


@pytest.mark.parametrize("name", [["mse-test"], ["mse-enclave", "test"]])
@pytest.mark.parametrize("option", [["--application", "app:app"], ["--application=app:app"]])
def test_mse_test(build, name, option):
    with_name = PlainServer(build, {"app.py": HELLO}, env={"MODULE_PATH": "code"})
    with_name.argv = [build / name[0], *name[1:], *option, "--debug", "--bind", "127.0.0.1:0"]
    with with_name as server:
        assert server.get("/x").text == "hello"
        server.wait_for(lambda: '"GET /x HTTP/1.1" 200' in server.output())


@pytest.mark.parametrize("arguments, wanted", [
    ([], "the application is missing"), (["--application", "a:a", "--application", "b:b"], "given twice"),
    (["--application"], "'--application' wants a value: MODULE:APP"), (["--application", "app"], "MODULE:VARIABLE"),
    (["--application", "a:a", "--nothing"], "unknown option '--nothing'"),
    (["--application", "a:a", "--app-dir", "/nowhere", "--bind", "127.0.0.1:0"], "cannot enter '/nowhere'")])
def test_mse_test_says_what_is_wrong(build, arguments, wanted):
    done = subprocess.run([build / "mse-test", *arguments], capture_output=True, text=True, timeout=20)
    assert done.returncode in (2, 3) and wanted.lower() in done.stderr.lower(), done.stderr


@pytest.mark.parametrize("arguments, code, wanted", [
    (["--help"], 0, "mse-enclave --plain MODULE:APP"), (["-h"], 0, "usage: mse-enclave"), (["--version"], 0, "mse-enclave 0."),
    (["app:app"], 2, "'app:app': mse-enclave takes no arguments; a server without an enclave is 'mse-enclave --plain'"),
    (["--plain", "app:app", "--bind", ":8000"], 2, "'--bind': no address: 127.0.0.1 is this machine alone")])
def test_a_new_user_is_told_where_to_go(build, arguments, code, wanted):
    done = subprocess.run([build / "mse-enclave", *arguments], capture_output=True, text=True, timeout=20)
    assert done.returncode == code and wanted in done.stdout + done.stderr


def test_it_is_no_way_around_a_measured_release(build, tmp_path):
    (tmp_path / "app.py").write_text("print('imported')\n")
    for sign in ("MSE_RELEASE", "MSE_TEE", "MSE_ARGV"):
        done = subprocess.run([build / "mse-enclave", "--plain", "app:app", "--app-dir", tmp_path], capture_output=True, text=True,
                              env={**os.environ, sign: "1"}, timeout=20)
        assert done.returncode == 2 and f"--plain is refused where {sign} is" in done.stderr + done.stdout
        assert "imported" not in done.stdout + done.stderr


def test_no_continue_within_a_reply(build):
    app = ("def app(environ, start_response):\n    start_response('200 OK', [])\n    yield b'first '\n"
           "    environ['wsgi.input'].read()\n    yield b'last'\n")
    with PlainServer(build, {"app.py": app}) as server, server.dial() as sock:
        sock.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        got = sock.recv(1000)
        while b"first " not in got:
            got += sock.recv(1000)
        sock.sendall(b"data")
        while piece := sock.recv(1000):
            got += piece
    assert b"100 Continue" not in got and b"\r\nlast\r\n0\r\n\r\n" in got


def seen_below(server, path):
    environ = json.loads(server.get(path).text)["environ"]
    return environ["SCRIPT_NAME"], environ["PATH_INFO"]


def test_root_path_of_wsgi(build):
    """The proxy in front may take the prefix off or leave it."""
    with PlainServer(build, {"app.py": ENVIRON}, "--root-path", "/a/b") as server:
        for path in ("/a/b/x%20y?q=1", "/x%20y", "/%61/b/x%20y"):
            assert seen_below(server, path) == ("/a/b", "/x y"), path
        assert seen_below(server, "/a/b") == ("/a/b", "")
        assert seen_below(server, "/a/b/") == ("/a/b", "/")
        assert seen_below(server, "/a/bc") == ("/a/b", "/a/bc")
        for _ in range(20):  # nothing is read behind what was decoded
            assert seen_below(server, "/%61/b") == ("/a/b", "")
        assert seen_below(server, "/a/b%00x") == ("/a/b", "/a/b\0x")
        assert seen_below(server, "/a/b/x%41")[1] == "/xA"
        for part in ("/%61", "/%61/", "/a/%62c", "/%61/%62%2f"):
            assert seen_below(server, part)[1] == ("/" if part.endswith("%2f") else urllib.parse.unquote(part)), part
    longest = "/" + 1023 * "a"
    with PlainServer(build, {"app.py": ENVIRON}, "--root-path", longest) as server:
        assert seen_below(server, longest + "/x") == (longest, "/x")


ROOTED = {
    "flask": """
from flask import Flask, url_for
app = Flask(__name__)

@app.get("/x")
def x():
    return url_for("x")
""",
    "starlette": """
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

async def x(request):
    return PlainTextResponse(request.scope["root_path"] + request.app.url_path_for("x"))
app = Starlette(routes=[Route("/x", x, name="x")])
""",
}


@pytest.mark.parametrize("name", ROOTED)
def test_frameworks_below_a_root_path(build, name):
    with PlainServer(build, {"app.py": ROOTED[name]}, "--root-path", "/api") as server:
        assert server.get("/x").text == "/api/x"


def test_reload_sees_what_developers_change(build):
    """Other suffixes that were named, a package behind a link, a new folder; an editor writes beside and renames over."""
    app = "def app(e, s):\n    s('200 OK', [])\n    return []\n"
    server = PlainServer(build, {"app.py": app, "t/page.html": "1", "note.txt": "1", "../other/package/a.py": "1"}, "--reload", "--reload-include", "*.html",
                         "--reload-include", ".env")
    (server.code / "linked").symlink_to("../other/package")
    (server.code / "loop").symlink_to(".")
    try:
        server.start()

        def changes(path, text="22", is_seen=True):
            said = server.messages().count("its files changed")
            (server.code / path).parent.mkdir(exist_ok=True)
            fresh = server.code / (path + "~")
            fresh.write_text(text)
            fresh.rename(server.code / path)
            if is_seen:
                server.wait_for(lambda: server.messages().count("its files changed") == said + 1)
        changes("note.txt", is_seen=False)
        for path in ("t/page.html", "linked/a.py", "new/b.py", ".env"):
            changes(path)
        server.wait_for(lambda: server.messages().count(" is served (") >= 2 and server.get().status == 200)
        assert server.messages().count("its files changed") == 4
        assert server.stop() == 0
    finally:
        server.remove()


def test_options_come_by_the_environment(build):
    """A container's image says mse-serve, and whoever runs it says the rest."""
    env = {"MSE_SERVE_APP": "main:other", "MSE_SERVE_THREADS": "3", "MSE_SERVE_ACCESS_LOG": "json", "MSE_SERVE_ROOT_PATH": "/env",
           "MSE_SERVE_BIND": "127.0.0.1:0 unix:s", "MSE_SERVE_RELOAD": "false", "MSE_SERVE_WORKRES": "2", "MSE_SERVE_KEY": "",
           "MSE_SERVE_PORT": "tcp://10.0.0.1:80"}
    text = "import os\ndef other(e, s):\n    s('200 OK', [])\n    return [e['SCRIPT_NAME'].encode()]\n"
    server = PlainServer(build, {"main.py": text}, "--root-path", "/argv", env=env)
    server.argv = [build / "mse-serve", *server.argv[5:]]
    try:
        server.start()
        said = server.messages()
        assert "mse-serve: MSE_SERVE_WORKRES in the environment is no option: it is ignored\n" in said
        assert said.count(" is ignored") == 1 and said.count("listening on") == 2 and "mse-enclave" not in said
        assert server.get().text == "/argv", "the command line wins"
        server.wait_for(lambda: '"status":200' in server.output())
        assert server.stop() == 0
        assert server.messages().endswith("mse-serve: stopped\n")
    finally:
        server.remove()


@pytest.mark.parametrize("env, said", [
    ({"MSE_SERVE_THREADS": "x"}, "MSE_SERVE_THREADS: '--threads': "), ({"MSE_SERVE_RELOAD": "2"}, "MSE_SERVE_RELOAD is '2', expected 1 or 0"),
    ({"MSE_SERVE_BIND": "127.0.0.1:0 a:b"}, "MSE_SERVE_BIND: '--bind': "), ({"MSE_SERVE_WORKER_FD": "3"}, "the application is missing"),
    ({"MSE_SERVE_BIND": "127.0.0.1:0 " * 9}, "MSE_SERVE_BIND has more than 8 values"), ({"MSE_SERVE_APP": "a"}, "'a', expected 'module:variable'")])
def test_what_is_wrong_in_the_environment_is_named(build, env, said):
    operand = [] if said.startswith(("the app", "'a'")) else ["app:app"]
    done = subprocess.run([build / "mse-serve", *operand], env=env, capture_output=True, text=True, timeout=20)
    assert done.returncode == 2 and said in done.stderr.splitlines()[-1] and done.stderr.startswith("mse-serve: ")


def test_workers_speak_by_the_name_that_was_typed(build):
    server = PlainServer(build, {"app.py": "1 +"}, "--workers", "2")
    server.argv = [build / "mse-serve", *server.argv[2:]]
    try:
        server.start(wait=False)
        assert server.exit() == 3
        lines = server.messages().splitlines()
        assert "mse-serve: application-failed: the application failed to load" in lines
        assert lines[-1] == "mse-serve: ends with 3: no worker can serve"
        assert not [line for line in lines if line.startswith("mse-enclave")]
    finally:
        server.remove()
