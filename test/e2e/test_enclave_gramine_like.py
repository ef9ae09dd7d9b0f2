# SPDX-License-Identifier: Apache-2.0
"""What Gramine does not have is not used: WSGI and ASGI, from start to end, under a filter that answers ENOSYS."""
import contextlib
import json
import os
import re
import subprocess
import threading

import attackers
import http2client
import ownertls
import pytest
import testenclave
from cryptography.hazmat.primitives.asymmetric import ec

WSGI = """
def app(environ, start):
    start("200 OK", [])
    return [str(len(environ["wsgi.input"].read())).encode()]
"""
ASGI = """
import asyncio
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        return await send({"type": "lifespan.shutdown.complete"})
    size = 0
    while True:
        message = await receive()
        size += len(message["body"])
        if not message["more_body"]:
            break
    size = await asyncio.get_running_loop().run_in_executor(None, lambda: size)
    await asyncio.sleep(0.01)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(size).encode()})
"""


def epolls_watching_epolls(pid):
    """Descriptors of the process that are an epoll, watched by another of its epolls."""
    links = {}
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):  # a connection may end meanwhile
            links[int(fd)] = os.readlink(f"/proc/{pid}/fd/{fd}")
    epolls = [fd for fd, link in links.items() if link == "anon_inode:[eventpoll]"]
    assert epolls, "it has an epoll at all"
    watched = []
    for fd in epolls:
        with open(f"/proc/{pid}/fdinfo/{fd}") as info:
            watched += [int(target) for target in re.findall(r"^tfd:\s*(\d+)", info.read(), re.M)]
    return [fd for fd in watched if fd in epolls]


# [system call, its number on x86-64]; the C library has no function for some.
REFUSED = {"eventfd": 284, "eventfd2": 290, "signalfd": 282, "signalfd4": 289, "timerfd_create": 283, "inotify_init": 253,
           "inotify_init1": 294, "memfd_create": 319, "io_uring_setup": 425, "io_uring_enter": 426, "fork": 57, "vfork": 58,
           "clone3": 435, "landlock_create_ruleset": 444, "userfaultfd": 323, "pidfd_open": 434,
           "close_range": 436, "mremap": 25, "flock": 73, "link": 86, "symlink": 88, "lchown": 94, "getrusage": 98, "times": 100,
           "getresuid": 118, "getresgid": 120, "rt_sigqueueinfo": 129, "utime": 132, "prctl": 157, "sync": 162, "getxattr": 191}


def under_the_filter(build, code):
    return subprocess.run([build / "test/support/gramine_like", "/usr/bin/python3", "python3", "-c", code],
                          capture_output=True, text=True, timeout=20)


def test_the_filter_filters(build):
    """Else the tests below could not fail: each call is refused, a process is not made, a thread is."""
    code = ("import ctypes, os, threading\nlibc = ctypes.CDLL(None, use_errno=True)\n"
            f"for name, number in {REFUSED!r}.items():\n"
            "    print(name, libc.syscall(number, 0, 0, 0, 0), os.strerror(ctypes.get_errno()))\n")
    lines = under_the_filter(build, code).stdout.splitlines()
    assert lines == [f"{name} -1 Function not implemented" for name in REFUSED]
    assert "Function not implemented" in under_the_filter(build, "import os; os.fork()").stderr
    thread = "import threading; t = threading.Thread(target=print, args=('runs',)); t.start(); t.join()"
    assert under_the_filter(build, thread).stdout == "runs\n"


def filtered(build, files, *options, **settings):
    one = testenclave.Enclave(build, files, **settings)
    one.program = build / "test/support/gramine_like"
    one.argv = ["gramine_like", *options, str(build / "mse-enclave"), "mse-enclave"]
    return one


def over_http2(one):
    """Streams that wait, each for the rest of its body, in threads or in the event loop; and a browser's habit, by curl."""
    context = testenclave.client_context()
    context.set_alpn_protocols(["h2"])
    domain = one.instance["domain"]
    with http2client.Connection(context.wrap_socket(one.dial(), server_hostname=domain)) as h2:
        streams = [h2.head(http2client.request("/", "POST", authority=domain), 0) for _ in range(20)]
        for stream in streams:
            h2.data(stream, bytes(1000), 0)
        assert epolls_watching_epolls(one.process.pid) == []
        for stream in streams:
            h2.data(stream, bytes(1000))
        assert [h2.reply(stream).body for stream in streams] == [b"2000"] * 20
    done = subprocess.run(["curl", "-sS", "--fail", "-k", "--http2", "-w", " %{http_version}", "--data-binary", "@/usr/bin/python3.11",
                           "--unix-socket", one.dir / "run/app.sock", f"https://{domain}/"], capture_output=True, text=True)
    assert done.stdout == f"{os.path.getsize('/usr/bin/python3.11')} 2", done.stderr


@pytest.mark.parametrize("code", [WSGI, ASGI])
def test_it_runs_without(build, code):
    with filtered(build, {"app.py": code}) as one:
        one.run(app_secrets={"a": 1})
        clients = [threading.Thread(target=lambda: one.request("POST", "/", body=bytes(200_000))) for _ in range(8)]
        for client in clients:
            client.start()
        assert epolls_watching_epolls(one.process.pid) == []
        for client in clients:
            client.join()
        assert one.request("POST", "/", body=bytes(200_000)).text == "200000"
        over_http2(one)
        assert one.request("GET", "/.well-known/mse/attestation").status == 405
        assert one.stop() == 0
        one.start()
        one.wait_running()
        assert one.get().text == "0"


LAST = """
import ctypes, os, threading
def app(environ, start):
    print("the last words", end="")
    if environ["PATH_INFO"] == "/crash":
        threading.Timer(0.05, ctypes.string_at, (8,)).start()
    start("200 OK", [])
    return [b"hello"]
"""


def unnested(one, build):
    """From first to last: an epoll in an epoll is an error."""
    one.env["LD_PRELOAD"] = str(build / "test/support/libepoll_preload.so")
    return one


def test_the_preload_refuses(build):
    """Else the tests below could not fail."""
    code = "import select; a = select.epoll(); b = select.epoll(); a.register(b.fileno())"
    done = subprocess.run(["/usr/bin/python3", "-c", code], capture_output=True, text=True,
                          env={"LD_PRELOAD": str(build / "test/support/libepoll_preload.so")})
    assert "NESTED EPOLL" in done.stderr and "Invalid argument" in done.stderr


@pytest.mark.parametrize("code", [WSGI, ASGI], ids=["wsgi", "asgi"])
def test_it_attests_without(build, code):
    """Waiting for the owner and running, on connections that live on, in owner mode; and no epoll is in another."""
    key = ec.generate_private_key(ec.SECP256R1())
    with ownertls.enclave(build, {"app.py": code}, key, MSE_LOGS="operator") as one:
        one.program = build / "test/support/gramine_like"
        one.argv = ["gramine_like", "--eventfd", str(build / "mse-enclave"), "mse-enclave"]
        unnested(one, build).start()
        assert attackers.ask(one, os.urandom(32), sni=testenclave.CONFIG_DOMAIN)["role"] == 1
        assert one.provision(one.body(ssl_private_key=ownertls.pem_of(key))).status == 200
        one.wait_running()
        assert one.certificate() == one.owner_leaf
        for name in (testenclave.CONFIG_DOMAIN, ownertls.DOMAIN):
            answer = attackers.ask(one, os.urandom(32), sni=name)
            assert answer["role"] == 2 and answer["ticket"]
        assert one.request("POST", "/", body=bytes(200_000)).text == "200000"
        over_http2(one)
        assert one.stop() == 0
        assert "NESTED EPOLL" not in one.log_text()


def test_a_crash_is_told_without(build):
    """The owner has the last words and the traceback of a process that dies by a signal."""
    with unnested(filtered(build, {"app.py": LAST}), build) as one:
        one.run()
        assert one.get("/crash").text == "hello"
        assert one.wait_exit() == -11
        assert "the last words" in one.app_log() and "Fatal Python error: Segmentation fault" in one.app_log()


# What applications want of asyncio, each by its name; what needs another process is refused and says so.
NEEDS = """
import asyncio, json, os, signal, socket
async def executor():
    return await asyncio.get_running_loop().run_in_executor(None, lambda: "thread")
async def timer():
    return await asyncio.wait_for(asyncio.sleep(0.01, "slept"), 5)
async def sockets():
    async def echo(reader, writer):
        writer.write(await reader.readline())
        await writer.drain()
        writer.close()
    server = await asyncio.start_unix_server(echo, os.environ["HOME"] + "/echo")
    async with server:
        reader, writer = await asyncio.open_unix_connection(os.environ["HOME"] + "/echo")
        writer.write(b"echo\\n")
        return (await reader.read()).decode().strip()
async def tcp():
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        return len(await reader.read())
async def pipe():
    read, write = os.pipe()
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read, "rb"))
    os.write(write, b"through")
    os.close(write)
    return (await reader.read()).decode()
async def signals():
    got = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, got.set)
    os.kill(os.getpid(), signal.SIGUSR1)
    await asyncio.wait_for(got.wait(), 5)
    return "signal"
async def threads():
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    await asyncio.to_thread(loop.call_soon_threadsafe, future.set_result, "called")
    return await future
async def names():
    return (await asyncio.get_running_loop().getaddrinfo("127.0.0.1", 80))[0][4][1]
async def process():
    try:
        await asyncio.create_subprocess_exec("true")
    except OSError as error:
        return type(error).__name__
async def tasks():
    async with asyncio.TaskGroup() as group:
        made = [group.create_task(asyncio.sleep(0.001, n)) for n in range(50)]
    return sum(task.result() for task in made)
ALL = (executor, timer, sockets, tcp, pipe, signals, threads, names, process, tasks)
async def app(scope, receive, send):
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        message = await receive()
        await send({"type": "websocket.send", "text": message["text"].upper()})
        return await send({"type": "websocket.close"})
    if scope["type"] == "lifespan":
        raise RuntimeError("none")
    seen = {need.__name__: await need() for need in ALL} | {"loop": type(asyncio.get_running_loop()).__module__}
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(seen).encode()})
"""
WANTED = {"executor": "thread", "timer": "slept", "sockets": "echo", "tcp": 0, "pipe": "through", "signals": "signal",
          "threads": "called", "names": 80, "tasks": 1225}


@pytest.mark.parametrize("options, files, loop", [
    (["--eventfd"], {}, "uvloop"), ([], {}, "asyncio.unix_events"),
    (["--eventfd"], {"uvloop.py": "raise ImportError"}, "asyncio.unix_events"),
])
def test_what_asyncio_needs(build, options, files, loop):
    """uvloop cannot do without an eventfd, the one thing that a manifest may grant; then it is asyncio's own loop."""
    with filtered(build, {"app.py": NEEDS} | files, *options) as one:
        one.run()
        for _ in range(3):
            seen = json.loads(one.get().text)
            # uvloop asks the system, past the audit hook; asyncio asks Python.
            assert seen.pop("process") == ("OSError" if loop == "uvloop" else "PermissionError")
            assert seen == WANTED | {"loop": loop}
        assert epolls_watching_epolls(one.process.pid) == []
        with one.connect() as tls:
            tls.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
            assert tls.recv(4096).startswith(b"HTTP/1.1 101 ")
            tls.sendall(b"\x81\x85\0\0\0\0hello")
            assert tls.recv(100)[:7] == b"\x81\x05HELLO"
        assert one.stop() == 0


FLASK = """
import io, threading
from flask import Flask, Response, request
app = Flask(__name__)
@app.get("/")
def index():
    return Response((f"{n}," for n in range(5)), mimetype="text/plain")
@app.post("/upload")
def upload():
    file = request.files["file"]
    done = []
    thread = threading.Thread(target=lambda: done.append(len(file.read())))
    thread.start()
    thread.join()
    return str(done[0])
"""


def test_flask_streams_and_takes_files(build):
    with filtered(build, {"app.py": FLASK}) as one:
        one.run()
        assert one.get().text == "0,1,2,3,4,"
        answer = subprocess.run(["curl", "-sS", "--fail", "-k", "-F", "file=@/usr/bin/python3.11", "--unix-socket",
                                 one.dir / "run/app.sock", f"https://{testenclave.CONFIG_DOMAIN}/upload"],
                                capture_output=True, text=True)
        assert answer.stdout == str(os.path.getsize("/usr/bin/python3.11")), answer.stderr
        assert one.stop() == 0
