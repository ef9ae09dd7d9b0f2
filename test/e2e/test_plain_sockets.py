# SPDX-License-Identifier: Apache-2.0
"""mse-serve's sockets: several, their files' mode and group, those that systemd hands over, and what it is told."""
import grp
import os
import pathlib
import re
import signal
import socket
import stat
import subprocess
import time

import pytest
from plainserver import PlainServer

APP = """
import os
def app(environ, start):
    start("200 OK", [])
    names = [k for k in os.environ if k.startswith("LISTEN_")]
    return [" ".join([environ["REMOTE_ADDR"] or "unix", environ["SERVER_NAME"], *names]).encode()]
"""
WRONG = "raise RuntimeError('at the import')"


@pytest.fixture
def serve(build):
    started = []

    def run(*options, application=APP, **settings):
        started.append(PlainServer(build, {"app.py": application}, *options, **settings))
        return started[-1]

    yield run
    for server in started:
        server.remove()


def without_bind(server):
    at = server.argv.index("--bind")
    del server.argv[at:at + 2]
    return server


def ask(sock):
    with sock:
        sock.settimeout(10)
        sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        got = b""
        while piece := sock.recv(65536):
            got += piece
    return got.partition(b"\r\n\r\n")[2].decode()


def ask_unix(path):
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(str(path))
    return ask(sock)


def fails(server, code):
    assert server.start(wait=False).exit() == code, server.messages()
    return server.messages()


# ---- several ----

@pytest.mark.parametrize("options", [(), ("--workers", "2")], ids=["one", "workers"])
def test_several_binds(serve, options):
    server = serve("--bind", "[::1]:0", "--bind", "unix:s", *options).start()
    said = re.findall(r"listening on (\S+)", server.messages())
    assert [re.sub(r":\d+$", "", where) for where in said] == ["http://127.0.0.1", "http://[::1]", "unix:s"]
    ports = [int(where.rpartition(":")[2]) for where in said[:2]]
    assert ask(socket.create_connection(("127.0.0.1", ports[0]), 10)) == "127.0.0.1 127.0.0.1"
    assert ask(socket.create_connection(("::1", ports[1]), 10)) == "::1 127.0.0.1"
    assert ask_unix(server.dir / "s") == "unix 127.0.0.1"
    assert server.stop() == 0
    assert not (server.dir / "s").exists()


def test_one_of_several_is_taken(serve):
    first = serve().start()
    second = serve("--bind", f"127.0.0.1:{first.port()}", bind="unix:s")
    assert "something already listens there" in fails(second, 8)
    assert not (second.dir / "s").exists(), "what was opened before is gone"


def test_at_most_eight(serve):
    assert "'--bind' is given more than 8 times" in fails(serve(*["--bind", "127.0.0.1:0"] * 8), 2)


def test_every_ipv6_address_is_ipv6_alone_and_says_so(serve):
    server = serve(bind="[::]:0").start()
    assert re.search(r"listening on http://\[::\]:\d+ \(IPv6 alone: --bind 0.0.0.0:PORT too for both\)$", server.messages(), re.M)
    both = serve("--bind", "0.0.0.0:0", bind="[::]:0").start()
    assert "IPv6 alone" not in both.messages()


# ---- files ----

def mode_of(server):
    return stat.S_IMODE((server.dir / "s").stat().st_mode)


def test_mode_and_group(serve):
    server = serve(bind="unix:s").start()
    assert mode_of(server) == 0o600
    assert "listening on unix:s (mode 0600: for this user alone, see --socket-mode)" in server.messages()
    group = grp.getgrgid(os.getgid()) if os.getuid() else grp.getgrnam("www-data")
    server = serve("--socket-mode", "0660", "--socket-group", group.gr_name, bind="unix:s").start()
    assert mode_of(server) == 0o660 and (server.dir / "s").stat().st_gid == group.gr_gid
    assert f"listening on unix:s (mode 0660, group {group.gr_name})" in server.messages()


@pytest.mark.skipif(os.getuid() != 0, reason="not root: no other user can be had")
def test_another_user_of_the_group_connects(serve):
    group = grp.getgrnam("www-data").gr_gid
    server = serve("--socket-mode", "660", "--socket-group", str(group), bind="unix:s").start()
    server.dir.chmod(0o755)

    def curl(gid):
        return subprocess.run(["setpriv", "--reuid=1000", f"--regid={gid}", "--clear-groups", "curl", "-sS", "--unix-socket",
                               server.dir / "s", "http://x/"], capture_output=True, text=True, timeout=20)

    assert curl(group).stdout == "unix localhost"
    assert curl(1000).returncode == 7


@pytest.mark.parametrize("options, said", [
    (("--socket-mode", "0888"), "'--socket-mode' is '0888', expected 0600, 0660 or the like"),
    (("--socket-mode", "0466"), "its owner needs 0600"),
    (("--socket-mode", "1660"), "'--socket-mode' is '1660'"),
    (("--socket-group", "no-such-group"), "there is no group 'no-such-group'")])
def test_wrong_modes_and_groups(serve, options, said):
    assert said in fails(serve(*options, bind="unix:s"), 2)


def test_mode_without_a_file(serve):
    assert "are for '--bind unix:PATH'" in fails(serve("--socket-mode", "0660"), 2)


# ---- handed over ----

def free_port():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


@pytest.mark.parametrize("options", [(), ("--workers", "2")], ids=["one", "workers"])
def test_systemd_hands_sockets_over(serve, options):
    """systemd-socket-activate starts it at the first connection, which is answered."""
    server = without_bind(serve(*options))
    port = free_port()
    path = server.dir / "activated"
    server.argv = ["/usr/bin/systemd-socket-activate", "-l", f"127.0.0.1:{port}", "-l", path, *server.argv]
    server.start(wait=False)
    server.wait_for(lambda: path.exists())
    assert ask(socket.create_connection(("127.0.0.1", port), 10)) == "127.0.0.1 127.0.0.1"
    assert ask_unix(path) == "unix 127.0.0.1"
    assert f"listening on http://127.0.0.1:{port} (descriptor 3, handed over)\n" in server.messages()
    assert f"listening on unix:{path} (descriptor 4, handed over)\n" in server.messages()
    assert server.stop() == 0
    assert path.exists(), "it is systemd's"


def start_with(server, sock):
    """The socket as descriptor 5 of the server, and so named."""
    server.out = open(server.dir / "out", "ab")
    server.err = open(server.dir / "err", "ab")
    server.process = subprocess.Popen([str(a) for a in server.argv], stdin=subprocess.DEVNULL, stdout=server.out, stderr=server.err,
                                      env=server.env, cwd=server.dir, pass_fds=[5], preexec_fn=lambda: os.dup2(sock.fileno(), 5))
    return server


@pytest.mark.parametrize("name", ["fd:5", "fd://5"])
def test_a_descriptor_is_named(serve, name):
    """A socket of both families, which only others open: its IPv4 clients look as such."""
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as sock:
        server = start_with(serve(bind=name), sock)
        server.wait_for(lambda: " is served (" in server.messages())
        assert ask(socket.create_connection(("127.0.0.1", sock.getsockname()[1]), 10)) == "127.0.0.1 ::"


def test_what_is_no_listening_socket(serve):
    with socket.socket() as sock:
        server = start_with(serve(bind="fd:5"), sock)
        assert server.exit() == 8
        assert "'--bind': descriptor 5 is no stream socket that listens" in server.messages()
    assert "descriptor 9" in fails(serve(bind="fd:9"), 8)
    for name in "fd:2", "fd:x", "fd:":
        assert "'--bind': the descriptor" in fails(serve(bind=name), 2)


def test_two_masters(serve):
    server = serve()
    server.argv = ["/usr/bin/systemd-socket-activate", "-l", server.dir / "activated", *server.argv]
    server.start(wait=False)
    server.wait_for(lambda: (server.dir / "activated").exists())
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(server.dir / "activated"))
        assert server.exit() == 8
    assert "LISTEN_FDS hands sockets over (1), and '--bind' names others" in server.messages()


def test_sockets_for_another_process(serve):
    server = serve(env={"LISTEN_PID": "1", "LISTEN_FDS": "1"}).start()
    assert ask(server.dial()) == "127.0.0.1 127.0.0.1", "and the application does not see the variables"


# ---- descriptors ----

def limited(server, soft, hard):
    server.argv = ["/usr/bin/prlimit", f"--nofile={soft}:{hard}", *server.argv]
    return server.start()


def soft_limit(server):
    text = pathlib.Path(f"/proc/{server.process.pid}/limits").read_text()
    return int(re.search(r"Max open files +(\d+)", text)[1])


def test_descriptors_are_raised_as_needed(serve):
    server = limited(serve("--connections", "300"), 64, 4096)
    assert 300 < soft_limit(server) < 700 and "cannot be had" not in server.messages()
    clients = [server.dial() for _ in range(200)]
    for client in clients:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert all(client.recv(100).startswith(b"HTTP/1.1 200 ") for client in clients)
    for client in clients:
        client.close()


def test_descriptors_that_cannot_be_had_are_said(serve):
    server = limited(serve(), 64, 256)
    assert soft_limit(server) == 256
    assert server.messages().count("--connections 10000 cannot be had with 256 descriptors (LimitNOFILE, ulimit -Hn)") == 1


# ---- what systemd is told ----

class Notices:
    def __init__(self, name):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(name)
        self.sock.settimeout(20)

    def next(self):
        return self.sock.recv(4096).decode()

    def none(self):
        self.sock.setblocking(False)
        with pytest.raises(BlockingIOError):
            self.sock.recv(4096)


@pytest.mark.parametrize("is_abstract", [False, True], ids=["file", "abstract"])
def test_systemd_is_told(serve, tmp_path, is_abstract):
    name = f"\0mse-serve-{os.getpid()}-{time.monotonic_ns()}" if is_abstract else str(tmp_path / "n")
    notices = Notices(name)
    server = serve(env={"NOTIFY_SOCKET": name.replace("\0", "@")}).start()
    assert notices.next() == "READY=1"
    assert server.stop() == 0
    assert notices.next() == "STOPPING=1"
    notices.none()


def test_the_parent_of_workers_tells(serve, tmp_path):
    notices = Notices(str(tmp_path / "n"))
    server = serve("--workers", "2", env={"NOTIFY_SOCKET": str(tmp_path / "n")}).start()
    assert notices.next() == "READY=1"
    assert server.get().text.startswith("127.0.0.1")
    server.process.send_signal(signal.SIGHUP)
    assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", notices.next())
    assert notices.next() == "READY=1"
    assert server.stop() == 0
    assert notices.next() == "STOPPING=1"
    notices.none()


def test_an_application_that_fails_is_not_ready(serve, tmp_path):
    notices = Notices(str(tmp_path / "n"))
    fails(serve(application=WRONG, env={"NOTIFY_SOCKET": str(tmp_path / "n")}), 3)
    notices.none()


def test_nobody_there_to_be_told(serve, tmp_path):
    server = serve(env={"NOTIFY_SOCKET": str(tmp_path / "nobody")}).start()
    assert server.messages().count("cannot tell NOTIFY_SOCKET: No such file or directory") == 1
    assert server.stop(signal.SIGINT) == 0
    assert server.messages().count("cannot tell") == 1
    long = serve(env={"NOTIFY_SOCKET": "/" + "x" * 108}).start()
    assert "NOTIFY_SOCKET is longer than 107 bytes" in long.messages()


def test_the_example_unit(build, root):
    """The file is the page's; systemd takes it; and what it passes exists."""
    page = re.search(r"<!-- unit -->\n```ini\n(.*?)```", (root / "docs/plain-server.md").read_text(), re.DOTALL)[1]
    unit = (root / "systemd/mse-serve.service").read_text()
    known = subprocess.run([build / "mse-serve", "--help"], capture_output=True, text=True, timeout=20).stdout
    assert {name for name in re.findall(r" (--[a-z-]+)", unit) if f"  {name} " not in known} == set()
    assert unit.partition("[Unit]")[2] == page.partition("[Unit]")[2]
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", root / "systemd/mse-serve.service"], capture_output=True,
                          text=True, timeout=20)
    said = [line for line in done.stderr.splitlines() if "mse-serve.service" in line and "is not executable" not in line]
    assert said == []


def test_a_descriptor_is_served_once(build):
    done = subprocess.run([build / "mse-serve", "app:app", "--bind", "fd:30", "--bind", "fd:30"], capture_output=True, text=True, timeout=20)
    assert done.returncode == 2 and done.stderr == "mse-serve: '--bind': 'fd:30' is given twice\n"
