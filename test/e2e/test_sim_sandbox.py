# SPDX-License-Identifier: Apache-2.0
"""What a simulated enclave can and cannot do, tried from inside its sandbox by test/support/sim_probe.c."""
import os
import socket
import sys

import pytest

import simnode
from conftest import BUILD


@pytest.fixture(scope="module", params=simnode.USERS)
def node(request):
    with simnode.started(BUILD, request.param) as new:
        yield new


ENVIRONMENT = """HOME=/root
KEY_PATH=/key
LANG=C.UTF-8
MODULE_PATH=/mse-app
MSE_APPLICATION=app:app
MSE_CODE_KEY_ID=
MSE_EGRESS=none
MSE_HEALTHCHECK=/
MSE_LISTEN=unix:/run/mse/app.sock
MSE_LOGS=owner
MSE_OWNER_KEY=
MSE_PLAINCODE=0
MSE_RELEASE=1
MSE_RESTART=sealed
MSE_TEE=sim
MSE_THREADS=8
PATH=/usr/bin
PYTHONDONTWRITEBYTECODE=1
PYTHONUNBUFFERED=1
SEALED_SECRETS_PATH=/root/.cache/mse/sealed_secrets.json
SECRETS_PATH=/root/.cache/mse/secrets.json
TMPDIR=/tmp
TMP_PATH=/tmp"""


def test_environment_arguments_and_descriptors_are_exactly_those_of_the_manifest(node):
    app = node.app("env", "fds")
    app.run()
    assert "\n".join(app.results("env")) == ENVIRONMENT
    assert app.results("argument") == ["mse-enclave"]
    assert app.results("fd") == ["0", "1", "2", "3"]


def test_no_capability_is_left(node):
    app = node.app("status")
    app.run()
    status = dict(line.split(":\t", 1) for line in app.results("status"))
    assert {name: int(status[name], 16) for name in status if name.startswith("Cap")} == {
        "CapInh": 0, "CapPrm": 0, "CapEff": 0, "CapBnd": 0, "CapAmb": 0}
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"


def test_threads_but_no_process(node):
    app = node.app("thread", "fork", "vfork", "exec /usr/lib/trusted.txt", "exec /.mse-sim-init")
    app.run()
    assert app.results("thread") == ["ok 0"]
    assert app.results("fork") == ["EPERM"]
    assert app.results("vfork") == ["EPERM"]
    assert app.results("exec") == ["EACCES", "EACCES"]


# Numbers of x86_64, and what they are.
LACKING = {
    101: "ptrace", 165: "mount", 166: "umount2", 155: "pivot_root", 175: "init_module", 246: "kexec_load",
    248: "add_key", 249: "request_key", 250: "keyctl", 253: "inotify_init", 272: "unshare", 282: "signalfd",
    283: "timerfd_create", 289: "signalfd4", 294: "inotify_init1", 298: "perf_event_open", 300: "fanotify_init",
    304: "open_by_handle_at", 308: "setns", 310: "process_vm_readv", 317: "seccomp", 319: "memfd_create", 321: "bpf",
    322: "execveat", 323: "userfaultfd", 425: "io_uring_setup", 428: "open_tree", 434: "pidfd_open", 435: "clone3",
    444: "landlock_create_ruleset", 447: "memfd_secret",
}


def test_system_calls_that_gramine_lacks_are_not_there(node):
    app = node.app(*[f"syscall {number}" for number in LACKING])
    app.run()
    assert dict(zip(LACKING.values(), app.results("syscall"))) == {name: "ENOSYS" for name in LACKING.values()}


def test_gramine_has_chroot_and_so_has_the_sandbox(node):
    """Nothing hides it from the tests but the missing capability: mse-enclave has to refuse it by itself."""
    app = node.app("chroot /tmp")
    app.run()
    assert app.results("chroot") == ["EPERM"]


def test_unshare_is_for_descriptor_tables_only(node):
    app = node.app(f"unshare {0x400}", f"unshare {0x10000000}", f"unshare {0x10000400}")
    app.run()
    assert app.results("unshare") == ["ok 0", "ENOSYS", "ENOSYS"]


def test_only_files_of_the_bill_can_be_read(node):
    app = node.app("open /usr/lib/trusted.txt", "open /lib/trusted.txt", "open /usr/lib/planted.txt",
                   "open /usr/bin/planted", "open /code/app.py.enc", "open /code/planted.enc", "list /usr/lib", "list /")
    (app.image / "usr/lib/planted.txt").write_text("not in the bill")
    (app.image / "usr/bin/planted").write_text("not in the bill")
    (app.dir / "code/planted.enc").write_text("not in the bill")
    node.own(app.dir)
    app.run()
    assert app.results("open") == ["ok 1", "ok 1", "EACCES", "EACCES", "ok 1", "EACCES"]
    assert app.results("list")[0].startswith("ok"), "Python lists the directories of its modules"
    assert app.results("list")[1] == "EACCES"


def test_nothing_of_the_host_is_there(node):
    app = node.app(f"open {node.dir}/sim/node.secret", "open /etc/passwd", "open /etc/hostname", "open /proc/1/environ",
                   "open /proc/1/root", "open /dev/mem", "open /sys/kernel/uevent_seqnum")
    app.run()
    assert [result.startswith("E") for result in app.results("open")] == [True] * 7


def test_where_it_can_write(node):
    app = node.app("write /tmp/a", "write /root/a", "write /mse-app/a", "write /key/a", "write /state/a",
                   "write /run/mse/a", "mkdir /tmp/d", "write /tmp/d/a", "write /usr/lib/trusted.txt", "write /code/app.py.enc",
                   "write /instance/commands", "write /a", "write /etc/a", "write /proc/self/oom_score_adj",
                   "write /dev/null", "write /dev/shm/a")
    app.run()
    good = app.results("write")
    assert good[:6] == ["ok 1"] * 6
    assert app.results("mkdir") == ["ok 0"]
    assert good[6] == "ok 1"
    assert [result in ("EROFS", "EACCES", "ENOENT") for result in good[7:13]] == [True] * 6
    assert good[13] == "ok 1"
    assert good[14] == "EACCES"
    assert (app.dir / "state/a").read_text() == "x"


def test_temporary_files_are_gone_after_a_restart_and_state_stays(node):
    app = node.app("open /tmp/a", "open /state/a", "write /tmp/a", "write /state/a")
    app.run()
    assert app.results("open") == ["ENOENT", "ENOENT"]
    (app.dir / "log").unlink()
    app.run()
    assert app.results("open") == ["ENOENT", "ok 1"]


def test_tmp_holds_a_quarter_of_the_memory(node):
    app = node.app("fill /tmp/a")
    app.run(memory_mb=64)
    assert app.results("fill") == ["ok 16"]


def test_threads_have_a_maximum(node):
    app = node.app("threads 300", "threads 1000")
    app.run(memory_mb=256)
    first, second = (int(result.split()[1]) for result in app.results("threads"))
    assert first == 300
    assert 450 < first + second <= 512


def test_state_is_flat_and_has_a_maximum(node):
    app = node.app("mkdir /state/d", "mkdir /run/mse/d", "files 900", "sleep 1500", "files 1100", "say full", "sleep 60000")
    app.launch()
    status = app.wait_exit(60)
    assert app.results("mkdir") == ["EACCES", "EACCES"]
    # Where files are made slowly it ends on the way to 1100: the number is looked at from time to time.
    assert app.results("files") in (["ok 900", "ok 1100"], ["ok 900"])
    assert status["reason"].startswith("killed because its state is more than 256 MB or 1000 files")
    assert status["stopped"] is False


def test_network_is_its_own_loopback(node):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        app = node.app("loopback", f"connect 127.0.0.1:{port}", "connect 10.0.2.2:80", "connect 192.0.2.1:80",
                       "socket 16", "socket 17", "socket 40")
        app.run()
    assert app.results("loopback") == ["ok 0"]
    assert app.results("connect") == ["ECONNREFUSED", "ENETUNREACH", "ENETUNREACH"]
    assert app.results("socket") == ["ENOSYS"] * 3, "netlink, packet and vsock sockets"


def test_an_option_cannot_choose_an_interface_past_the_routes(node):
    app = node.app("option 1:25", "option 0:50", "option 41:76", "option 0:4", "option 1:62", "option 1:2")
    app.run()
    assert app.results("option") == ["EPERM"] * 5 + ["ok 0"]


def test_memory_limit_is_enforced(node):
    app = node.app("memory 32", "memory 128")
    app.launch(memory_mb=64)
    status = app.wait_exit()
    assert app.results("memory")[0] == "ok 32"
    if "memory=cgroup" in status["limits"]:
        assert "done" not in app.log()
        assert status["exit_status"] == 137
        assert status["reason"].startswith("killed at its memory limit of 64 MB")
    else:
        assert app.results("memory")[1] == "ENOMEM"


def test_core_limit_is_enforced_and_usage_is_told(node):
    app = node.app("cpu 600", "write /tmp/a", "fill /tmp/b", "say ready", "sleep 60000")
    app.launch()
    app.wait_log("ready")
    usage = node.ask({"op": "usage", "uuid": app.uuid})["usage"]
    assert usage["cpu_ns"] > 500_000_000
    assert 0 < usage["cpu_millipercent"] <= 130_000
    assert 0 < usage["memory"] < usage["memory_max"] == 64 << 20
    assert usage["disk"] > 0
    app.stop()
    with pytest.raises(simnode.SimError, match="not-found"):
        node.ask({"op": "usage", "uuid": app.uuid})


def test_limits_are_told(node):
    app = node.app("say hello")
    app.run()
    limits = dict(pair.split("=") for pair in app.inspect()["limits"].split())
    assert limits["landlock"].isdigit() and int(limits["landlock"]) >= 1
    assert limits["memory"] in ("cgroup1", "cgroup2", "rlimit")
    assert limits["cores"] in ("cgroup1", "cgroup2", "affinity")
    assert limits["egress"] == "none"


def test_python_of_this_machine_has_the_calls_it_needs(node, tmp_path):
    """A real interpreter as the enclave: threads, sockets, select, random numbers, temporary files, asyncio."""
    program = os.path.realpath(sys.executable)
    image = tmp_path / "image"
    listed = make_python_image(program, image)
    assert listed > 10
    app = node.app(image=image)
    app.launch(memory_mb=512)
    status = app.wait_exit(60)
    assert "python is well" in app.log(), (status, app.log())


PYTHON_TRIES = """
import asyncio, hashlib, os, random, select, socket, ssl, sys, tempfile, threading, time, json, decimal
a, b = socket.socketpair()
results = []
thread = threading.Thread(target=lambda: results.append(a.recv(3)))
thread.start(); b.send(b"abc"); thread.join()
assert results == [b"abc"]
poller = select.epoll(); poller.register(a.fileno(), select.EPOLLIN); b.send(b"x"); assert poller.poll(1)
with tempfile.TemporaryDirectory() as folder:
    open(os.path.join(folder, "x"), "w").write("x")
async def main():
    server = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0)
    await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
    await asyncio.get_running_loop().run_in_executor(None, time.sleep, 0.01)
asyncio.run(main())
os.urandom(8); random.random(); hashlib.sha256(b"").digest(); ssl.create_default_context(); os.cpu_count()
try:
    os.fork()
except PermissionError:
    print("python is well")
"""


def make_python_image(program, image):
    """Copies the interpreter, its libraries and standard library; `mse-enclave` is a static launcher of it: none, so
    the interpreter itself takes that place and reads its program from sitecustomize."""
    import pathlib
    import shutil
    import subprocess
    import sysconfig
    (image / "usr/bin").mkdir(parents=True)
    shutil.copy2(program, image / "usr/bin/mse-enclave")
    count = 0
    standard = pathlib.Path(sysconfig.get_path("stdlib"))
    shutil.copytree(standard, image / str(standard).lstrip("/"), symlinks=False, ignore_dangling_symlinks=True,
                    ignore=shutil.ignore_patterns("test", "tests", "__pycache__", "idlelib", "config-*", "site-packages",
                                                  "dist-packages", "ensurepip", "lib2to3", "tkinter", "pydoc_data",
                                                  "sitecustomize.py"))
    (image / str(standard).lstrip("/") / "sitecustomize.py").write_text(PYTHON_TRIES)
    needed = {program} | {str(path) for path in standard.glob("lib-dynload/*.so")}
    for name in needed:
        for line in subprocess.run(["ldd", name], capture_output=True, text=True).stdout.splitlines():
            words = [word for word in line.split() if word.startswith("/")]
            for word in words:
                real = os.path.realpath(word)
                for place in {word, real}:
                    # Merged /usr: libraries are named through /lib, which is a link in the image too.
                    inside = image / ("usr" + place if place.startswith(("/lib/", "/lib64/")) else place.lstrip("/"))
                    if not inside.exists():
                        inside.parent.mkdir(parents=True, exist_ok=True)
                        shutil.copy2(real, inside)
                        count += 1
    for name in ("lib", "lib64"):
        (image / name).symlink_to("usr/" + name)
    return count


# ---- egress

def host_address():
    """An address of this machine that is not loopback, or None. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        return probe.getsockname()[0]


@pytest.fixture
def outward(node):
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK) or node.as_user:
        pytest.skip("this user may not open /dev/net/tun: test_egress_is_refused_where_it_cannot_be runs")
    return node


def test_egress_is_refused_where_it_cannot_be(node):
    if not node.as_user or os.stat("/dev/net/tun").st_mode & 0o006:
        pytest.skip("this user may open /dev/net/tun: the tests below run")
    with pytest.raises(simnode.SimError, match="unsupported: egress 'internet' needs .* /dev/net/tun"):
        node.app("say never", egress="internet").launch()


PRIVATE = ["10.1.2.3", "172.16.0.1", "172.31.255.254", "192.168.1.1", "169.254.169.254", "100.64.0.1", "192.0.0.8",
           "198.18.0.1", "224.0.0.1", "240.0.0.1"]


def test_egress_reaches_no_private_network_and_not_the_host(outward):
    address = host_address()
    if not address:
        pytest.skip("this machine has no address but loopback")
    with socket.create_server((address, 0)) as server, socket.create_server(("127.0.0.1", 0)) as inner:
        port, inner_port = server.getsockname()[1], inner.getsockname()[1]
        app = outward.app("status", *[f"connect {private}:80" for private in PRIVATE], f"connect {address}:{port}",
                          f"connect 10.0.2.2:{inner_port}", f"connect 10.0.2.3:{inner_port}", egress="internet")
        app.run()
    results = app.results("connect")
    assert results[:11] == ["EACCES"] * 11
    assert all(result.startswith("E") for result in results[11:]), results
    assert dict(line.split(":\t", 1) for line in app.results("status"))["CapBnd"] == "0" * 16
    assert "egress=internet" in app.inspect()["limits"]


def test_what_the_operator_lists_is_reachable(outward):
    address = host_address()
    if not address:
        pytest.skip("this machine has no address but loopback")
    with socket.create_server((address, 0)) as server:
        app = outward.app(f"connect {address}:{server.getsockname()[1]}", "connect 10.1.2.3:80", egress="internet")
        app.run(allowed=[address])
    assert app.results("connect") == ["ok 0", "EACCES"]
    assert [pid for pid in outward.processes() if pid != outward.process.pid] == []


@pytest.mark.parametrize("listed", ["10.0.0.0/33", "10.0.0.1/8", "x", "fd00::1", "10.0.0.0/0"])
def test_a_bad_list_is_refused(outward, listed):
    with pytest.raises(simnode.SimError, match="invalid|denied"):
        outward.app("say never", egress="internet").launch(allowed=[listed])
