# SPDX-License-Identifier: Apache-2.0
"""mse-sim as a service: what it refuses to start, what it remembers, what it leaves behind, its two protocols."""
import concurrent.futures
import hashlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import pytest

import simnode
from conftest import BUILD


@pytest.fixture(scope="module", params=simnode.USERS)
def node(request):
    with simnode.started(BUILD, request.param) as new:
        yield new


@pytest.fixture(params=simnode.USERS)
def fresh(request):
    """A node that the test may kill."""
    with simnode.started(BUILD, request.param) as new:
        yield new


def wait_gone(node, pids, seconds=10):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not [pid for pid in pids if pathlib.Path(f"/proc/{pid}").exists()]:
            return
        time.sleep(0.01)
    raise AssertionError(f"still there: {pids}")


# ---- trusted files

def test_a_changed_trusted_file_is_refused_by_name_with_both_hashes(node):
    app = node.app("say never")
    (app.image / "usr/lib/trusted.txt").write_text("changed\n")
    with pytest.raises(simnode.SimError) as failure:
        app.launch()
    assert failure.value.code == "untrusted"
    assert "trusted file '/usr/lib/trusted.txt': sha256 " in failure.value.message
    assert hashlib.sha256(b"changed\n").hexdigest() in failure.value.message
    assert hashlib.sha256(b"trusted\n").hexdigest() in failure.value.message
    status = app.inspect()
    assert status["state"] == "exited" and status["reason"] == failure.value.message and status["started_at"] == 0
    assert "never" not in app.log()


@pytest.mark.parametrize("what", ["program", "code"])
def test_one_bit_of_program_or_code_is_seen(node, what):
    app = node.app("say never")
    path = app.image / "usr/bin/mse-enclave" if what == "program" else app.dir / "code/app.py.enc"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(simnode.SimError, match="untrusted: trusted file '/(usr/bin/mse-enclave|code/app.py.enc)'"):
        app.launch()
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    app.run()


def test_a_missing_trusted_file_is_refused_by_name(node):
    app = node.app("say never")
    (app.image / "usr/lib/trusted.txt").unlink()
    with pytest.raises(simnode.SimError, match="untrusted: trusted file '/usr/lib/trusted.txt' is missing"):
        app.launch()


def test_a_trusted_file_behind_a_link_is_refused(node, tmp_path):
    """Outside, the link leads to the right file; inside it would lead somewhere else."""
    app = node.app("say never")
    (tmp_path / "trusted.txt").write_text("trusted\n")
    (app.image / "usr/lib/trusted.txt").unlink()
    (app.image / "usr/lib/trusted.txt").symlink_to(tmp_path / "trusted.txt")
    with pytest.raises(simnode.SimError, match="is reached through a link"):
        app.launch()
    (app.image / "usr/lib/trusted.txt").unlink()
    (app.image / "usr/lib").rmdir()
    (app.image / "usr/lib").symlink_to(tmp_path)
    with pytest.raises(simnode.SimError, match="is reached through a link"):
        app.launch()


def test_a_trusted_file_that_is_a_pipe_does_not_hang_the_loader(node):
    app = node.app("say never")
    (app.image / "usr/lib/trusted.txt").unlink()
    os.mkfifo(app.image / "usr/lib/trusted.txt")
    with pytest.raises(simnode.SimError, match="is no regular file"):
        app.launch()


def test_a_changed_manifest_is_another_measurement(node):
    app = node.app("tee 4d")
    assert app.launch()["measurement"] == app.fingerprint
    app.wait_exit()
    assert app.results("tee") == ["30" + app.fingerprint]
    text = (app.dir / "manifest.toml").read_text()
    (app.dir / "manifest.toml").write_text(text.replace("MSE_RESTART = \"sealed\"", "MSE_RESTART = \"owner\""))
    assert app.launch()["measurement"] != app.fingerprint
    app.wait_exit()
    (app.dir / "manifest.toml").write_text(text + "\n")
    with pytest.raises(simnode.SimError, match="manifest"):
        app.launch()


def test_more_network_than_the_manifest_declares_is_refused(node):
    app = node.app("say never")
    with pytest.raises(simnode.SimError, match="denied: .*declares no egress"):
        app.launch(egress="internet")


# ---- life

def test_launch_is_idempotent_also_at_once(node):
    app = node.app("say started", "sleep 60000")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: app.launch(), range(8)))
    assert {status["state"] for status in statuses} == {"running"}
    time.sleep(0.1)
    assert app.log().count("started") == 1
    app.stop()
    assert app.log().count("started") == 1


def test_stop_is_idempotent_and_remembered(node):
    app = node.app("sleep 60000")
    app.launch()
    app.stop()
    app.stop()
    status = app.inspect()
    assert (status["state"], status["stopped"], status["exit_status"]) == ("exited", True, 143)
    assert status["reason"] == "stopped"
    node.ask({"op": "stop", "uuid": "00000000-0000-4000-8000-000000000000", "grace_ms": 0})


def test_stop_kills_what_does_not_listen(node):
    app = node.app("deaf", "say ready", "sleep 60000")
    app.launch()
    app.wait_log("ready")
    before = time.monotonic()
    app.stop(grace_ms=300)
    assert 0.25 < time.monotonic() - before < 5
    assert app.inspect()["stopped"] is True


def test_an_exit_tells_why(node):
    app = node.app("say mse-enclave: application-failed: no module named 'x'", "say something else", "exit 3")
    app.launch()
    status = app.wait_exit()
    assert status["exit_status"] == 3
    assert status["reason"] == ("ended with status 3; its last message: "
                                "mse-enclave: application-failed: no module named 'x'")
    app = node.app("say plain", "say mse-log-1 c2VjcmV0", "raise 11")
    app.launch()
    status = app.wait_exit()
    assert status["exit_status"] == 139
    assert status["reason"] == "killed by signal 11 (Segmentation fault); its last message: plain"


def test_no_application_says_why_the_runtime_ended(node):
    """What comes behind the runtime's last word before the application is quoted by nobody."""
    loading, forged = "say mse-enclave: loading the application", "say mse-enclave: sealed-state: send me your keys"
    for end, reason in (("exit 6", "ended with status 6"), ("exit 3", "ended with status 3 (application-failed)"),
                        ("raise 11", "killed by signal 11 (Segmentation fault)")):
        app = node.app("say mse-enclave: start", loading, forged, "say plain", "say bwrap: me too", end)
        app.launch()
        assert app.wait_exit()["reason"] == reason


def test_the_socket_of_an_ended_app_is_gone(node):
    app = node.app("listen", "say ready", "sleep 60000")
    app.launch()
    app.wait_log("ready")
    assert (app.dir / "run/app.sock").is_socket()
    app.stop()
    assert not (app.dir / "run/app.sock").exists()


def test_the_log_is_bounded_and_never_blocks(node):
    app = node.app("spam 60000", "say the end")
    app.run()
    sizes = [(app.dir / name).stat().st_size for name in ("log", "log.1")]
    assert max(sizes) <= 1 << 20
    assert sum(sizes) > 1 << 20, "two files are kept"
    assert "the end" in app.log()


def test_mse_sim_killed_takes_the_sandboxes_along_and_tells_afterwards(fresh):
    app = fresh.app("say ready", "sleep 60000")
    ended = fresh.app("exit 7")
    app.launch()
    app.wait_log("ready")
    ended.launch()
    ended.wait_exit()
    pids = fresh.processes()
    assert len(pids) >= 2, pids
    fresh.kill()
    wait_gone(fresh, pids)
    fresh.start()
    status = app.inspect()
    assert (status["state"], status["stopped"]) == ("exited", False)
    assert status["reason"] == "mse-sim was killed, and the enclave with it"
    assert ended.inspect()["exit_status"] == 7
    assert app.launch()["state"] == "running", "and it starts again"


def test_an_orderly_end_stops_all(fresh):
    apps = [fresh.app("sleep 60000") for _ in range(3)]
    for app in apps:
        app.launch()
    pids = fresh.processes()
    fresh.ask({"op": "shutdown"})
    assert fresh.process.wait(10) == 0
    wait_gone(fresh, pids)
    fresh.start()
    ends = {tuple(app.inspect()[key] for key in ("reason", "stopped", "exit_status")) for app in apps}
    assert ends == {("mse-sim was ended", False, -1)}, "none ended by itself: msed starts them again"


def test_there_is_never_a_second_one(fresh):
    second = subprocess.run(fresh.command(), capture_output=True, text=True, timeout=20)
    assert second.returncode == 1
    assert "another mse-sim serves" in second.stderr
    detached = subprocess.run(fresh.command("--detach"), capture_output=True, text=True, timeout=20)
    assert detached.returncode == 0, "it serves already, which is what was asked for"
    fresh.ask({"op": "ping"})


def test_detached_it_survives_its_starter(fresh):
    fresh.stop()
    done = subprocess.run(fresh.command("--detach"), capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    fresh.ask({"op": "ping"})
    assert fresh.app("say hello").run()["exit_status"] == 0
    pids = fresh.processes()
    fresh.ask({"op": "shutdown"})
    wait_gone(fresh, pids)


def test_without_groups_limits_are_what_a_user_can_set():
    new = simnode.Node(BUILD, options=["--no-cgroups"])
    try:
        new.start()
        app = new.app("memory 128")
        app.run(memory_mb=64)
        assert app.results("memory") == ["ENOMEM"]
        assert "memory=rlimit cores=affinity" in app.inspect()["limits"]
    finally:
        new.remove()


def test_without_landlock_a_planted_file_is_seen_and_it_is_told():
    """The counter-proof of test_only_files_of_the_bill_can_be_read: it is Landlock that hides it there."""
    new = simnode.Node(BUILD, options=["--no-landlock"])
    try:
        new.start()
        app = new.app("open /usr/lib/planted.txt")
        (app.image / "usr/lib/planted.txt").write_text("not in the bill")
        app.run()
        assert app.results("open") == ["ok 1"]
        assert "landlock=off" in app.inspect()["limits"]
    finally:
        new.remove()


def test_a_sandbox_that_cannot_be_made_says_why(tmp_path):
    """Bubblewrap's own words reach whoever asked for the launch."""
    broken = tmp_path / "mse-sim-init"
    broken.write_text("#!/bin/sh\necho 'bwrap: no permission to make a namespace' >&2\nexit 1\n")
    broken.chmod(0o755)
    new = simnode.Node(BUILD, options=["--init", str(broken)])
    try:
        new.start()
        with pytest.raises(simnode.SimError, match=r"unsupported: the sandbox did not start \(status 1\): "
                                                   "bwrap: no permission to make a namespace"):
            new.app("say never").launch()
        assert new.groups() == []
    finally:
        new.remove()


def test_a_hundred_launches_leave_nothing_behind(fresh):
    before = len(os.listdir(f"/proc/{fresh.process.pid}/fd"))
    app = fresh.app("say hello")
    others = [fresh.app("sleep 60000") for _ in range(4)]
    for i in range(96):
        app.launch()
        app.wait_exit()
    for other in others:
        other.launch()
    for other in others:
        other.stop()
    until = time.monotonic() + 20
    while (len(fresh.processes()) > 1 or fresh.groups()) and time.monotonic() < until:
        time.sleep(0.01)
    assert len(fresh.processes()) == 1
    assert fresh.groups() == []
    assert len(os.listdir(f"/proc/{fresh.process.pid}/fd")) <= before + 1
    assert list(fresh.dir.glob("apps/*/run/*")) == []


# ---- the TEE socket

def test_quotes_and_keys_belong_to_the_measurement(node):
    quote, key = "51" + "ab" * 64, "4b" + "01" * 32
    first = node.app(f"tee {quote}", f"tee {key}", f"tee {key[:-2]}02")
    again = node.app(f"tee {quote}", f"tee {key}", f"tee {key[:-2]}02")
    other = node.app(f"tee {key}", code=b"another code")
    for app in (first, again, other):
        app.run()
    answers = first.results("tee")
    assert [answer[:2] for answer in answers] == ["30"] * 3
    raw = bytes.fromhex(answers[0][2:])
    assert raw[0:2] == b"\x03\x00", "a quote, version 3"
    assert raw[48 + 64:48 + 96].hex() == first.fingerprint
    assert raw[48 + 320:48 + 384] == b"\xab" * 64
    assert answers[1] != answers[2], "another key id, another key"
    assert first.fingerprint == again.fingerprint and answers[1:] == again.results("tee")[1:]
    assert other.fingerprint != first.fingerprint and other.results("tee")[0] != answers[1]


def test_another_node_has_other_keys(node):
    other = simnode.Node(BUILD)
    try:
        other.start()
        apps = [each.app("tee 4b" + "01" * 32) for each in (node, other)]
        for app in apps:
            app.run()
        assert apps[0].fingerprint == apps[1].fingerprint
        assert apps[0].results("tee") != apps[1].results("tee")
        assert (other.dir / "sim/node.secret").stat().st_mode & 0o777 == 0o600
    finally:
        other.remove()


@pytest.mark.parametrize("request_hex", ["00", "51", "51" + "00" * 63, "51" + "00" * 65, "4b" + "00" * 31,
                                         "4b" + "00" * 33, "4d00", "58" + "00" * 64])
def test_a_wrong_request_is_refused_and_the_socket_lives_on(node, request_hex):
    app = node.app(f"tee {request_hex}", "tee 4d")
    app.run()
    refused, answered = app.results("tee")
    assert refused.startswith("31"), bytes.fromhex(refused)
    assert answered == "30" + app.fingerprint


def test_slow_quotes_can_be_imitated():
    slow = simnode.Node(BUILD, options=["--quote-delay-ms", "300"])
    try:
        slow.start()
        app = slow.app("tee 51" + "00" * 64)
        app.launch()
        before = time.monotonic()
        app.wait_exit()
        assert time.monotonic() - before > 0.25
        assert app.results("tee")[0].startswith("30")
    finally:
        slow.remove()


# ---- the control socket

@pytest.mark.parametrize("line", [b"\n", b"{}\n", b"[]\n", b"{\"op\":\"ping\"\n", b"{\"op\":\"fly\"}\n", b"\xff\n",
                                  b"{\"op\":\"ping\",\"op\":\"list\"}\n", b"{\"op\":\"inspect\",\"uuid\":\"../x\"}\n",
                                  b"{\"op\":\"launch\",\"uuid\":\"00000000-0000-4000-8000-000000000000\"}\n"])
def test_a_bad_request_gets_an_error(node, line):
    reply = node.ask_raw(line)
    assert reply["ok"] is False and reply["error"] == "invalid" and reply["message"]


def test_a_request_has_a_maximum(node):
    most = 64 * 1024
    fits = b'{"op":"ping"' + b" " * (most - 14) + b"}\n"
    assert len(fits) == most
    assert node.ask_raw(fits)["ok"] is True
    with pytest.raises((ConnectionError, OSError, AssertionError)):
        reply = node.ask_raw(b" " + fits)
        assert reply["ok"] is True, reply


def test_the_control_socket_is_for_its_user(node):
    path = node.dir / "run/sim.sock"
    assert path.stat().st_mode & 0o777 == 0o600
    if os.getuid() != 0 or node.as_user:
        return
    os.chmod(path, 0o666)
    for folder in (node.dir, node.dir / "run"):
        os.chmod(folder, 0o755)
    script = ("import socket; s = socket.socket(socket.AF_UNIX); "
              f"s.connect({str(path)!r}); s.send(b'{{}}\\n'); print(s.recv(999))")
    done = subprocess.run(["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", sys.executable, "-c", script],
                          capture_output=True, text=True)
    os.chmod(path, 0o600)
    assert "denied" in done.stdout, (done.stdout, done.stderr)


def test_silent_connections_do_not_block_others(node):
    silent = []
    for _ in range(20):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(str(node.dir / "run/sim.sock"))
        silent.append(sock)
    before = time.monotonic()
    node.ask({"op": "ping"})
    assert time.monotonic() - before < 2
    for sock in silent:
        sock.close()


def test_list_is_in_the_order_of_uuids(node):
    for _ in range(3):
        node.app("say hello").run()
    uuids = [status["uuid"] for status in node.ask({"op": "list"})["apps"]]
    assert len(uuids) >= 3 and uuids == sorted(uuids)


def test_end_by_signal_is_orderly(fresh):
    app = fresh.app("sleep 60000")
    app.launch()
    fresh.process.send_signal(signal.SIGTERM)
    assert fresh.process.wait(10) == 0
    fresh.wait_clean()
