# SPDX-License-Identifier: Apache-2.0
"""Signals and the plain server: whom they reach, what they end, and what an application's own handlers change."""
import concurrent.futures
import os
import pty
import re
import resource
import signal
import socket
import subprocess
import threading
import time

import keptalive
import pytest
from plainserver import PlainServer, children

CHILDREN = """
import ctypes, multiprocessing, os, subprocess, threading, time

def twice(number):
    return 2 * number

def mask():
    with open("/proc/thread-self/status") as status:
        return [line.split()[1] for line in status if line.startswith("SigBlk")][0]

def ended(environ):
    child = subprocess.Popen(["sleep", "20"])
    child.terminate()
    return child.wait(10)

def forked(environ):
    child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(20,))
    child.start()
    child.terminate()
    child.join(10)
    return child.exitcode

def forkserver(environ):
    with multiprocessing.get_context("forkserver").Pool(1) as pool:
        return pool.map(twice, [1, 2])

def masks(environ):
    seen = [mask()]
    thread = threading.Thread(target=lambda: seen.append(mask()))
    thread.start()
    thread.join()
    return seen

def app(environ, start):
    answer = globals()[environ["PATH_INFO"][1:]](environ)
    start("200 OK", [])
    return [str(answer).encode()]
"""


def test_children_of_handlers_end_by_signals(build):
    """gunicorn's answers: a mask of the server's own goes on through fork and exec, and makes them immortal."""
    with PlainServer(build, {"app.py": CHILDREN}) as server:
        answers = {}

        def ask(name):
            answers[name] = server.get(f"/{name}").text
        clients = [threading.Thread(target=ask, args=(name,)) for name in ("ended", "forked", "forkserver", "masks")]
        for client in clients:
            client.start()
        for client in clients:
            client.join(30)
        assert answers == {"ended": "-15", "forked": "-15", "forkserver": "[2, 4]", "masks": str(["0" * 16] * 2)}
        assert server.process.poll() is None, "the child's signal is not the server's"


NAP = """
import time
def app(environ, start):
    print("in", flush=True)
    time.sleep(float(environ["QUERY_STRING"] or 0))
    start("200 OK", [])
    return [b"whole"]
"""


class Group(PlainServer):
    """In a process group of its own, as a service or a terminal's job."""
    stdin = subprocess.DEVNULL

    def start(self, wait=True, workers=1):
        self.out = open(self.dir / "out", "ab")
        self.err = open(self.dir / "err", "ab")
        self.process = subprocess.Popen([str(a) for a in self.argv], stdin=self.stdin, stdout=self.out, stderr=self.err,
                                        env=self.env, cwd=self.dir, start_new_session=True)
        self.wait_for(lambda: self.messages().count(" is served (") == workers)
        return self

    def ask(self, seconds):
        """A request that the application naps in: the server has it when this returns."""
        sock = self.dial()
        sock.sendall(f"GET /?{seconds} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        return sock


def answer(sock):
    got = b""
    try:
        while piece := sock.recv(1000):
            got += piece
    except ConnectionResetError:
        pass
    sock.close()
    return got[-5:]


@pytest.mark.parametrize("options, workers", [(("--workers", "3"), 3), (("--reload",), 1), ((), 1)])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_for_the_group_cuts_nothing(build, options, workers, number):
    """systemd's stop and Ctrl-C reach parent and workers at once: that is one wish to stop, not two."""
    server = Group(build, {"app.py": NAP}, *options)
    try:
        server.start(workers=workers)
        clients = [server.ask(0.3) for _ in range(6)]
        server.wait_for(lambda: server.output().count("in") == 6)
        os.killpg(server.process.pid, number)
        assert [answer(client) for client in clients] == [b"whole"] * 6
        assert server.exit() == 0
        assert "started again" not in server.messages()
    finally:
        server.remove()


HANDLERS = """
import os, signal, sys
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
    signal.signal(number, lambda *a: print("of the application", flush=True))
signal.signal(signal.SIGUSR2, lambda *a: print("used", flush=True))
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
"""
ASGI = """
import asyncio, signal
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGTERM, print, "of the loop")
            await send({"type": message["type"] + ".complete"})
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"whole"})
"""


@pytest.mark.parametrize("app", [HANDLERS + NAP, HANDLERS + ASGI], ids=["wsgi", "asgi"])
@pytest.mark.parametrize("options", [(), ("--workers", "2")])
def test_an_applications_handlers_keep_no_server_alive(build, app, options):
    with PlainServer(build, {"app.py": app}, *options) as server:
        server.wait_for(lambda: server.messages().count(" is served (") == (2 if options else 1))
        assert server.get().text == "whole"
        said = server.messages()
        assert "mse-enclave: the application's handler of SIGTERM is set aside: that signal is the server's" in said
        assert "handler of SIGUSR2" not in said
        if not options:
            server.process.send_signal(signal.SIGUSR2)
            server.wait_for(lambda: "used" in server.output())
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 4
        assert "of the" not in server.output()


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("options", [(), ("--workers", "2")])
def test_asking_again_ends_it_at_once(build, number, options):
    server = Group(build, {"app.py": NAP}, *options)
    try:
        server.start(workers=2 if options else 1)
        below = children(server.process.pid) if options else []
        client = server.ask(60)
        server.wait_for(lambda: "in" in server.output())
        began = time.monotonic()
        server.process.send_signal(number)
        server.process.send_signal(number)  # a wrapper that hands on what the group got too
        time.sleep(0.3)  # a person
        assert server.process.poll() is None
        server.process.send_signal(number)
        assert server.exit() == 0
        assert time.monotonic() - began < 3
        assert server.messages().endswith("mse-enclave: stopped at once: asked to again\n")
        client.close()
        end = time.monotonic() + 10
        while any(map(is_alive, below)) and time.monotonic() < end:
            time.sleep(0.02)
        assert not any(map(is_alive, below))
    finally:
        server.remove()


THREAD = """
import threading, time
def sleeper():
    time.sleep(60)
threading.Thread(target=sleeper).start()
""" + NAP
BLOCKED = """
import time
async def app(scope, receive, send):
    if scope["type"] == "http":
        print("in", flush=True)
        time.sleep(60)
"""


STUCK = {
    "request": (NAP, True, "1 request did not end within 2 s: stopped without"),
    "thread": (THREAD, False, "threads or exit functions of the application did not end within 2 s: stopped without"),
    "loop": (BLOCKED, True, "the application did not end within 2 s: stopped without it"),
}


def stop_stuck(build, app, ask, said):
    with PlainServer(build, {"app.py": app}, "--graceful-timeout", "1", "--exit-timeout", "1") as server, server.dial() as client:
        if ask:
            client.sendall(b"GET /?60 HTTP/1.1\r\nHost: a\r\n\r\n")
            server.wait_for(lambda: "in" in server.output())
        began = time.monotonic()
        assert server.stop() == 0
        assert 1.9 < time.monotonic() - began < 6
        assert f"mse-enclave: {said}\n" in server.messages()
        where = "in sleeper" if app is THREAD else "in app"
        assert where in server.messages().partition(said)[2]


def test_what_does_not_end_is_named_and_left(build):
    """Whoever holds its threads, its exit or its loop for ever gets a limit, and is told where they were. All at once: each waits."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for done in [pool.submit(stop_stuck, build, *case) for case in STUCK.values()]:
            done.result()


STRAYS = """
import os, subprocess
def app(environ, start):
    child = subprocess.Popen(["sleep", "30"], close_fds=False)
    found = subprocess.run(["ls", "-l", f"/proc/{child.pid}/fd"], capture_output=True, text=True).stdout
    child.kill()
    child.wait()
    start("200 OK", [])
    return [found.encode()]
"""


@pytest.mark.parametrize("options", [(), ("--workers", "2"), ("--reload",)])
def test_children_have_none_of_the_servers_sockets(build, options):
    """One that outlives the server would keep its port."""
    with PlainServer(build, {"app.py": STRAYS}, *options) as server:
        assert "socket:" not in server.get().text


def test_a_debugger_has_the_terminal_of_reload(build):
    ours, theirs = pty.openpty()
    server = Group(build, {"app.py": "def app(e, s):\n    s('200 OK', [])\n    return [input().encode()]\n"}, "--reload")
    server.stdin = theirs
    try:
        server.start()
        os.write(ours, b"typed\n")
        assert server.get().text == "typed"
    finally:
        os.close(ours)
        os.close(theirs)
        server.remove()


def test_it_starts_without_descriptors(build):
    """Some init scripts close them: nothing of ours gets their numbers then."""
    app = "def app(e, s):\n    print('out')\n    s('200 OK', [])\n    return [b'served']\n"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = PlainServer(build, {"app.py": app}, bind=f"127.0.0.1:{port}")
    try:
        command = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *map(str, server.argv)]
        server.process = subprocess.Popen(command, env=server.env)
        server.out = server.err = open("/dev/null")
        end = time.monotonic() + 20
        got = None
        while got is None and time.monotonic() < end and server.process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", port), 20) as sock:
                    sock.sendall(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
                    got = answer(sock)
            except ConnectionRefusedError:
                time.sleep(0.02)
        assert got == b"erved" and server.process.poll() is None
        assert server.stop() == 0
    finally:
        server.remove()


@pytest.mark.parametrize("options", [(), ("--workers", "2")])
def test_signals_of_other_servers_end_nothing(build, options):
    """A logrotate made for gunicorn or nginx sends USR1, an operator TTIN for one more worker."""
    with PlainServer(build, {"app.py": NAP}, *options) as server:
        for name in ("SIGUSR1", "SIGUSR2", "SIGTTIN", "SIGTTOU"):
            server.process.send_signal(getattr(signal, name))
            server.wait_for(lambda: f"mse-enclave: {name} is not used here\n" in server.messages())
        server.process.send_signal(signal.SIGWINCH)
        assert server.get().text == "whole"


@pytest.mark.parametrize("options", [(), ("--workers", "2")])
def test_sigquit_waits_for_no_request(build, options):
    with PlainServer(build, {"app.py": NAP}, *options, "--exit-timeout", "1") as server:
        with server.dial() as client:
            client.sendall(b"GET /?60 HTTP/1.1\r\nHost: a\r\n\r\n")
            server.wait_for(lambda: "in" in server.output())
            began = time.monotonic()
            assert server.stop(signal.SIGQUIT) == 0
            assert time.monotonic() - began < 5


PID = """
import os, time
def app(environ, start):
    if environ["QUERY_STRING"]:
        print("in", flush=True)
    time.sleep(float(environ["QUERY_STRING"] or 0))
    start("200 OK", [])
    return [b"VERSION %d" % os.getpid()]
"""


def test_sighup_is_no_outage(build):
    """The new workers serve before the old ones stop, which answer what they have."""
    with PlainServer(build, {"app.py": PID}, "--workers", "2") as server:
        server.wait_for(lambda: server.messages().count(" is served (") == 2)
        slow = server.dial()
        slow.sendall(b"GET /?1.5 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        server.wait_for(lambda: "in" in server.output())
        server.write({"app.py": PID.replace("VERSION", "newer")})
        before = set(children(server.process.pid))
        server.process.send_signal(signal.SIGHUP)
        longest = 0
        while "all workers are new" not in server.messages():
            began = time.monotonic()
            assert server.get().status == 200
            longest = max(longest, time.monotonic() - began)
        server.wait_for(lambda: server.get().text.startswith("newer"))  # the last old one was told, and may be in accept()
        assert longest < 1
        slow.settimeout(20)
        got = b""
        while piece := slow.recv(1000):
            got += piece
        slow.close()
        assert b"VERSION" in got
        server.wait_for(lambda: not before & set(children(server.process.pid)))


def test_a_new_worker_that_fails_leaves_the_old_ones(build):
    with PlainServer(build, {"app.py": PID}, "--workers", "2") as server:
        server.wait_for(lambda: server.messages().count(" is served (") == 2)
        before = set(children(server.process.pid))
        server.write({"app.py": "broken ="})
        server.process.send_signal(signal.SIGHUP)
        server.wait_for(lambda: "a new worker ended with status 3 before it served" in server.messages())
        os.kill(next(iter(before)), signal.SIGKILL)
        server.wait_for(lambda: "a worker ended with status 3: it is started again in 10 s" in server.messages())
        assert server.get().text.startswith("VERSION")
        server.write({"app.py": PID.replace("VERSION", "mended")})
        server.process.send_signal(signal.SIGHUP)
        server.wait_for(lambda: server.get().text.startswith("mended"))
        assert server.stop() == 0


@pytest.mark.parametrize("options", [(), ("--workers", "2")])
@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGHUP])
def test_an_access_log_file_is_rotated(build, options, number):
    with PlainServer(build, {"app.py": PID}, *options, "--access-log-file", "access.log") as server:
        server.wait_for(lambda: server.messages().count(" is served (") == (2 if options else 1))
        log, old = server.dir / "access.log", server.dir / "access.log.1"
        server.get("/before")
        server.wait_for(lambda: '"GET /before HTTP/1.1" 200' in log.read_text())
        log.rename(old)
        server.process.send_signal(number)
        server.wait_for(log.exists)

        def has_new_line():
            server.get("/after")
            return "/after" in log.read_text()
        server.wait_for(has_new_line)
        assert log.stat().st_mode & 0o777 == 0o640 & ~os.umask(os.umask(0o22))
        assert server.stop() == 0
        assert server.output() == ""


def test_a_disk_that_is_full_stops_no_request(build):
    """It is told at once, and once; what has room again is written on."""
    server = PlainServer(build, {"app.py": PID}, "--access-log-file", "access.log")
    try:
        log = server.dir / "access.log"
        log.symlink_to("/dev/full")
        server.start()

        def is_told():
            assert server.get("/lost").status == 200
            return "access log: No space left on device: requests go on without\n" in server.messages()
        server.wait_for(is_told)
        log.unlink()
        server.process.send_signal(signal.SIGUSR1)
        server.wait_for(log.exists)
        server.get("/kept")
        server.wait_for(lambda: "/kept" in log.read_text())
        assert server.messages().count("No space left on device") == 1
        assert server.stop() == 0
    finally:
        server.remove()


def test_an_access_log_file_that_cannot_be(build):
    server = PlainServer(build, {"app.py": PID}, "--access-log-file", "no/such/dir.log")
    try:
        server.start(wait=False)
        assert server.exit() == 2
        assert "cannot open '" in server.messages() and "no/such/dir.log" in server.messages()
    finally:
        server.remove()


def test_a_worker_ends_after_its_requests(build):
    with PlainServer(build, {"app.py": PID}, "--max-requests", "5") as server:
        seen = {server.get().text for _ in range(13)}
        assert 2 <= len(seen) <= 3
        assert "a worker leaves: another takes its place" in server.messages()
        assert " is started again" not in server.messages()


BROKEN = """
import os, signal, time
if os.path.exists("../break"):
    if os.fork() == 0:
        os.close(1), os.close(2)
        with open("../child", "w") as file:
            file.write(str(os.getpid()))
        time.sleep(60)
    os.remove("../break")
    os.kill(os.getpid(), signal.SIGKILL)
def app(environ, start):
    start("200 OK", [])
    return [b"whole"]
"""


def test_a_worker_that_dies_while_its_child_lives_is_replaced(build):
    """What an application forks keeps the pipe that workers tell their parent by: nobody waits for its end."""
    with PlainServer(build, {"app.py": BROKEN}, "--workers", "2") as server:
        server.wait_for(lambda: server.messages().count(" is served (") == 2)
        (server.dir / "break").touch()
        os.kill(children(server.process.pid)[0], signal.SIGKILL)
        try:
            server.wait_for(lambda: server.messages().count(" is served (") == 3)
        finally:
            os.kill(int((server.dir / "child").read_text()), signal.SIGKILL)
        assert server.stop() == 0


RAISES = """
def wsgi(environ, start):
    raise ValueError("of the application")
async def asgi(scope, receive, send):
    raise ValueError("of the application")
"""


@pytest.mark.parametrize("name", ["wsgi", "asgi"])
def test_a_traceback_says_whose_it_was(build, name):
    with PlainServer(build, {"app.py": RAISES}, application=f"app:{name}") as server:
        assert server.get("/raise?x=1").status == 500
        server.wait_for(lambda: "ValueError: of the application" in server.messages())
        assert re.search(r"\n\[\d{4}-\d\d-\d\dT[\d:.]+Z\] GET /raise\?x=1\nTraceback ", server.messages())


QUICK = """
def app(environ, start):
    start("200 OK", [("Content-Length", "5")])
    return [b"whole"]
"""
QUICK_ASGI = """
async def app(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"whole"})
"""


@pytest.mark.parametrize("app", [QUICK, QUICK_ASGI], ids=["wsgi", "asgi"])
def test_who_keeps_his_connection_loses_nothing_at_a_stop(build, app):
    """Each is told that its next answer is the connection's last, before connections are closed."""
    with PlainServer(build, {"app.py": app}) as server:
        clients = keptalive.start(server, 8, comes_again=False)
        assert server.stop() == 0
        assert keptalive.end(clients) == []
        assert [client.farewells for client in clients] == [1] * 8


@pytest.mark.parametrize("app", [QUICK, QUICK_ASGI], ids=["wsgi", "asgi"])
def test_who_keeps_his_connection_loses_nothing_when_workers_are_replaced(build, app):
    with PlainServer(build, {"app.py": app}, "--workers", "2") as server:
        clients = keptalive.start(server, 8, comes_again=True)
        server.process.send_signal(signal.SIGHUP)
        server.wait_for(lambda: "all workers are new" in server.messages())
        server.wait_for(lambda: len(children(server.process.pid)) == 2)
        assert keptalive.end(clients) == []
        assert sum(client.farewells for client in clients) > 0


def test_who_keeps_his_connection_loses_nothing_by_max_requests(build):
    with PlainServer(build, {"app.py": QUICK}, "--workers", "2", "--max-requests", "300") as server:
        clients = keptalive.start(server, 4, comes_again=True)
        server.wait_for(lambda: server.messages().count("app:app is served") >= 4)
        assert keptalive.end(clients) == []
        assert sum(client.farewells for client in clients) > 0


def test_a_stop_waits_for_no_idle_connection(build):
    """Of a client that asks nothing: half a second, no more; with --reload nothing."""
    for options in ((), ("--reload",)):
        with PlainServer(build, {"app.py": QUICK}, *options) as server:
            with server.dial():
                began = time.monotonic()
                assert server.stop() == 0
                assert time.monotonic() - began < 5


def test_a_worker_that_cannot_be_started_ends_nobody(build):
    """What the system lacks for a moment: the others serve on, and it is tried again."""
    with PlainServer(build, {"app.py": PID}, "--workers", "2") as server:
        server.wait_for(lambda: server.messages().count(" is served (") == 2)
        before = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (6, before[1]))
        os.kill(children(server.process.pid)[0], signal.SIGKILL)
        server.wait_for(lambda: "a worker cannot be started: " in server.messages())
        server.process.send_signal(signal.SIGHUP)
        server.wait_for(lambda: server.messages().count("a worker cannot be started: ") > 1)
        assert server.get().status == 200
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, before)
        server.wait_for(lambda: server.messages().count(" is served (") == 3)
        assert server.stop() == 0


FLOODED = """
import os, signal
for _ in range(70000):
    os.kill(os.getpid(), signal.SIGUSR2)
def app(environ, start):
    start("200 OK", [])
    return [b"whole"]
"""


def test_signals_beyond_the_pipe_stop_nobody(build):
    """The handler runs on the very thread that empties the pipe: it must not wait for room."""
    with PlainServer(build, {"app.py": FLOODED}) as server:
        assert server.get().text == "whole"
        assert server.stop() == 0
