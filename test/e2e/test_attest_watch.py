# SPDX-License-Identifier: Apache-2.0
"""mse attest watch against real enclaves: what is told at first, at a change, an alarm and a recovery, to whom, and
that it ends when it is told to. The attacker behind the port puts another enclave in the place of the first."""
import fcntl
import http.client
import json
import os
import pathlib
import signal
import socket
import stat
import subprocess
import urllib.error
import urllib.request

import pytest

import attackers
import attestcommand
import testcloud
import watching

ZERO = "0" * 64


@pytest.fixture(scope="module")
def enclaves(world):
    """Three running applications: the first, its twin (same code, other keys), and one with other code."""
    with world.enclave() as first:
        first.run()
        with world.twin(first) as twin, world.enclave() as other:
            twin.run()
            other.owner_key, other.uuid, other.instance = first.owner_key, first.uuid, dict(first.instance)
            other.env["MSE_OWNER_KEY"] = first.env["MSE_OWNER_KEY"]
            other.write_instance()
            other.run()
            yield first, twin, other


class Port:
    """What the host lets answer at one port; None: it hangs up."""

    def __init__(self, enclave):
        self.enclave = enclave
        self.listener = attackers.Listener(self.serve)

    def serve(self, connection, _):
        if self.enclave == "silent":
            connection.recv(1 << 16)
            connection.recv(1 << 16)
        elif self.enclave:
            attackers.join(connection, self.enclave)

    @property
    def port(self):
        return self.listener.port

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.listener.__exit__(*args)


@pytest.fixture
def port(enclaves):
    with Port(enclaves[0]) as new:
        yield new


@pytest.fixture
def host(enclaves, port):
    return f"{enclaves[0].instance['domain']}:{port.port}"


@pytest.fixture
def options(world):
    return ["--allow-simulation", world.vendor.root, "--pccs", world.pccs.url]


@pytest.fixture
def once(build, options, tmp_path):
    def run(*argv):
        return attestcommand.run(build, "watch", "--once", *options, *argv, cwd=tmp_path)
    return run


@pytest.fixture
def watch(build, options, tmp_path):
    """watch(*options): running, looking each second."""
    def run(*argv):
        return watching.Watch(build, tmp_path, "--interval", "1", *options, *argv)
    return run


def lines_of(result):
    return [watching.checked(line) for line in result.out.splitlines()]


# ---- once ----

def test_once_says_what_it_saw(once, host, enclaves):
    result = once(host, "--json")
    assert result.code == 0, result.text
    (line,) = lines_of(result)
    assert (line["event"], line["verdict"], line["error"], line["host"]) == ("first", "accept", None, host)
    assert line["measurement"] == enclaves[0].tee.mrenclave.hex() and line["tcb_status"] == "UpToDate"
    assert line["simulated"] == "yes" and line["valid_until"].endswith("Z") and line["next"] is None
    assert line["changes"] == [] and "details" not in line and line["loosenings"] == "allow-simulation"


def test_once_in_words(once, host):
    result = once(host)
    assert result.code == 0 and "SIMULATED" in result.out and f"{host}  first: " in result.out, result.text
    assert f"{host}: SIMULATED" in result.err and "simulation" in result.err


def test_what_loosens_the_rules_is_told_each_time_it_matters(once, host):
    result = once(host, "--allow-debug", "--allow-missing-crl")
    assert all(f"{host}: {name}" in result.err.replace("loosened: ", "") for name in ("allow-debug", "allow-missing-crl")), \
        result.text


def test_once_exits_as_the_worst_of_them(once, host, enclaves):
    gone = f"gone.localhost:{testcloud.free_port()}"
    refused = once(host, "--measurement", ZERO, "--json")
    assert refused.code == 2 and lines_of(refused)[0]["error"] == "measurement", refused.text
    unjudged = once(gone, host, "--json")
    assert unjudged.code == 1, unjudged.text
    assert {line["verdict"] for line in lines_of(unjudged)} == {"accept", "unjudged"}
    both = once(gone, host, "--measurement", ZERO, "--json")
    assert both.code == 2 and {line["event"] for line in lines_of(both)} == {"alarm"}, both.text


@pytest.mark.parametrize("argv, part", [
    ([], "HOST"), (["a b"], "a b"), (["a.localhost", "A.localhost:443"], "given twice"),
    (["a.localhost", "--interval", "0"], "--interval"), (["a.localhost", "--interval", "604801"], "--interval"),
    (["a.localhost", "--exec", "no-such-program"], "--exec"), (["a.localhost", "--exec", "/"], "--exec"),
    (["a.localhost", "--exec", "/etc/passwd"], "--exec"), (["a.localhost", "--exec", ""], "--exec"),
    (["a.localhost", "--failures", "x"], "--failures"), (["a.localhost", "--role", "3"], "--role"),
    (["a.localhost", "--owner-key", "00"], "--owner-key"),
    (["a.localhost", "--tickets-from", "2026-01-01T00:00:00Z"], "--owner-key"),
    (["a.localhost", "--webhook", "http://example.org/"], "not https"), (["a.localhost", "--webhook", "x"], "--webhook"),
    (["a.localhost", "--metrics", "localhost"], "--metrics"), (["a.localhost", "--metrics", "x.org:1"], "--metrics"),
    (["a.localhost", "--measurement", "00"], "--measurement")])
def test_wrong_use(build, tmp_path, argv, part):
    result = attestcommand.run(build, "watch", *argv, cwd=tmp_path)
    assert result.code == 1 and result.out == "" and part in result.text, result.text


# ---- an attacker who swaps the enclave ----

RECORDER = """#!/bin/sh
{ env | grep ^MSE_WATCH_ | sort; echo "argc $#"; cat; echo; echo end; } >> "$HOME/record"
"""


@pytest.fixture
def recorder(tmp_path):
    """A program that writes down what it is told."""
    path = tmp_path / "record me"  # a name that a shell would take apart
    path.write_text(RECORDER)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_a_swap_is_told_to_all_and_so_is_its_end(watch, host, port, enclaves, recorder, tmp_path):
    first, _, other = enclaves
    number = testcloud.free_port()
    with watching.Webhook(refuse=1) as webhook, \
            watch(host, "--measurement", first.tee.mrenclave.hex(), "--exec", recorder, "--webhook", webhook.url,
                  "--metrics", f"127.0.0.1:{number}") as running:
        running.wait("first", verdict="accept")
        assert watching.metrics(number)["mse_attest_accepted", frozenset({f'host="{host}"'})] == 1
        port.enclave = other
        alarm = running.wait("alarm")
        assert (alarm["verdict"], alarm["error"]) == ("refuse", "measurement") and "measurement" not in alarm
        posted = webhook.next()  # at the second try: the first was answered 500
        assert (posted["event"], posted["error"], posted["host"]) == ("alarm", "measurement", host)
        assert posted["details"]["measurement"] == other.tee.mrenclave.hex() and webhook.refused == 1
        now = watching.metrics(number)
        assert now["mse_attest_accepted", frozenset({f'host="{host}"'})] == 0
        assert now["mse_attest_alarm", frozenset({f'host="{host}"'})] == 1
        assert now["mse_attest_error", frozenset({f'host="{host}"', 'error="measurement"'})] == 1
        port.enclave = first
        recovery = running.wait("recovery")
        assert recovery["verdict"] == "accept" and recovery["error"] is None and recovery["changes"] == []
        assert webhook.next()["event"] == "recovery"
        now = watching.metrics(number)
        assert now["mse_attest_alarms_total", frozenset({f'host="{host}"'})] == 1
        assert now["mse_attest_alarm", frozenset({f'host="{host}"'})] == 0
        for path, method, status in (("/", "GET", 404), ("/metrics", "POST", 405)):
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{number}{path}", method=method),
                                       timeout=watching.LIMIT)
            assert refused.value.code == status
    told = (tmp_path / "record").read_text().split("\nend\n")
    assert len(told) == 3 and told[2] == ""
    assert "MSE_WATCH_EVENT=alarm\n" in told[0] and "MSE_WATCH_ERROR=measurement\n" in told[0]
    assert f"MSE_WATCH_HOST={host}\n" in told[0] and "argc 0\n" in told[0] and "MSE_WATCH_VERDICT=refuse\n" in told[0]
    assert json.loads(told[0].split("argc 0\n")[1])["details"]["error"] == "measurement"
    assert "MSE_WATCH_EVENT=recovery\n" in told[1] and "MSE_WATCH_ERROR=\n" in told[1]


def test_the_first_instance_is_the_one_that_is_meant(watch, host, port, enclaves):
    """A twin has the same code and the same document: nothing but its keys tells it."""
    _, twin, _ = enclaves
    with watch(host) as running:
        running.wait("first")
        port.enclave = twin
        assert running.wait("alarm")["error"] == "identity-changed"


def test_a_plain_server_is_refused_by_name(watch, host, port):
    context = attackers.server_context(*attackers.make_certificate("plain.localhost"))
    with watch(host) as running, attackers.ending(
            context, lambda tls, _: tls.sendall(attackers.http_answer(b"hello"))) as other:
        running.wait("first")
        port.listener.serve = other.serve
        assert running.wait("alarm")["verdict"] == "refuse"


def test_who_is_not_there_is_no_refusal_but_an_alarm(watch, host, port, enclaves):
    with watch(host, "--failures", "2", "--verbose") as running:
        running.wait("first")
        port.enclave = None
        assert running.wait("same", verdict="unjudged")["error"]
        alarm = running.wait("alarm")
        assert alarm["verdict"] == "unjudged" and alarm["message"]
        port.enclave = enclaves[0]
        assert running.wait("recovery")["verdict"] == "accept"


def test_other_code_of_the_owner_is_a_change(watch, host, port, enclaves):
    first, _, other = enclaves
    key = attackers.testenclave.raw_public(first.owner_key).hex()
    with watch(host, "--owner-key", key) as running:
        running.wait("first")
        port.enclave = other
        change = running.wait("change")
        assert {"what": "measurement", "from": first.tee.mrenclave.hex(),
                "to": other.tee.mrenclave.hex()} in change["changes"]


# ---- others' faults ----

def test_a_webhook_that_is_away_hears_of_it_later(watch, host, port, enclaves):
    with watching.Webhook(refuse=3) as webhook, \
            watch(host, "--measurement", enclaves[0].tee.mrenclave.hex(), "--webhook", webhook.url) as running:
        running.wait("first")
        port.enclave = enclaves[2]
        assert running.wait("alarm")["error"] == "measurement"
        assert webhook.next()["error"] == "measurement" and webhook.refused == 3
        assert len(webhook.posts) == 0


@pytest.mark.parametrize("text, part", [("#!/no/such/interpreter\n", "cannot start"), ("#!/bin/false\n", "status 1")])
def test_a_program_that_fails_is_told(watch, host, tmp_path, text, part):
    program = tmp_path / "program"
    program.write_text(text)
    program.chmod(0o755)
    with watch(host, "--measurement", ZERO, "--exec", program) as running:
        running.wait("alarm")
        watching.wait_for(lambda: any(part in line and str(program) in line for line in running.errors), part)


def test_a_program_that_hangs_ends_with_the_watch(watch, host, tmp_path):
    slow = tmp_path / "slow"
    slow.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 600\n")
    slow.chmod(0o755)
    with watch(host, "--measurement", ZERO, "--exec", slow) as running:
        watching.wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip(), "its start")
        assert running.stop() < 15
    assert not pathlib.Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()


def test_a_program_that_hangs_holds_up_no_webhook(watch, host, tmp_path):
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nexec sleep 600\n")
    slow.chmod(0o755)
    with watching.Webhook() as webhook, \
            watch(host, "--measurement", ZERO, "--exec", slow, "--webhook", webhook.url) as running:
        assert webhook.next()["error"] == "measurement"
        assert running.stop() < 15


def test_a_host_that_says_nothing_holds_nobody_up(watch, host, enclaves):
    with Port("silent") as silent, watch(f"silent.localhost:{silent.port}", host) as running:
        running.wait("first", host=host)
        watching.wait_for(lambda: silent.listener.accepted, "a connection")
        assert running.stop() < 8  # less than the time limit of an answer


def test_many_hosts_at_once(watch, enclaves):
    first = enclaves[0]
    ports = [Port(first) for _ in range(8)]
    hosts = [f"{first.instance['domain']}:{one.port}" for one in ports]
    try:
        with watch(*hosts) as running:
            watching.wait_for(lambda: {line["host"] for line in list(running.lines)} == set(hosts), "all of them")
            assert {line["event"] for line in list(running.lines)} == {"first"}
    finally:
        for one in ports:
            one.__exit__()


def test_metrics_on_a_socket_of_the_file_system(watch, host, tmp_path):
    path = tmp_path / "m.sock"
    with watch(host, "--metrics", f"unix:{path}") as running:
        running.wait("first")
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            client.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            assert b"mse_attest_looks_total" in client.makefile("rb").read()


# ---- nobody who reads slowly holds up an alarm ----

def full_pipe():
    """A pipe that takes no byte more: (read end, write end)."""
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(write, False)
    try:
        while True:
            os.write(write, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(write, True)
    return read, write


@pytest.mark.parametrize("which", ["stdout", "stderr", "both"])
def test_a_pipe_that_nobody_reads_holds_up_no_alarm(build, options, host, port, enclaves, tmp_path, which):
    first, _, other = enclaves
    ends = full_pipe()
    streams = {name: ends[1] if which in (name, "both") else subprocess.DEVNULL for name in ("stdout", "stderr")}
    with watching.Webhook() as webhook:
        process = subprocess.Popen(
            [str(build / "mse"), "attest", "watch", "--json", "--verbose", "--interval", "1", *map(str, options), host,
             "--measurement", first.tee.mrenclave.hex(), "--webhook", webhook.url], cwd=tmp_path,
            env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "MSE_CONF_PATH": str(tmp_path / "conf")}, **streams)
        try:
            watching.wait_for(lambda: port.listener.accepted >= 2, "two looks")
            port.enclave = other
            assert webhook.next()["error"] == "measurement"
            port.enclave = first
            assert webhook.next()["event"] == "recovery"
            process.send_signal(signal.SIGTERM)
            process.wait(watching.LIMIT)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            for end in ends:
                os.close(end)


# ---- the webhook's secret ----

SECRET = "T0KEN-that-is-nobodys-business"


@pytest.mark.parametrize("by", ["option", "environment"])
def test_a_secret_url_is_read_from_a_file_and_told_to_nobody(build, options, host, enclaves, tmp_path, by):
    with watching.Webhook(refuse=1) as webhook:
        file = tmp_path / "hook"
        file.write_text(f"{webhook.url}/{SECRET}\n")
        argv = ["--webhook-file", file] if by == "option" else []
        env = {"MSE_WEBHOOK_FILE": str(file)} if by == "environment" else None
        with watching.Watch(build, tmp_path, "--interval", "1", *options, host, "--measurement", ZERO, *argv,
                            env=env) as running:
            assert webhook.next()["error"] == "measurement"
            watching.wait_for(lambda: running.errors, "a warning")
            cmdline = pathlib.Path(f"/proc/{running.process.pid}/cmdline").read_bytes().decode()
            assert SECRET not in cmdline
        told = "".join(running.errors)
        assert SECRET not in told and webhook.url.rsplit("/", 1)[0] in told, told


@pytest.mark.parametrize("content, part", [
    (f"http://example.org/{SECRET}", "not https"), (f"ftp://x/{SECRET}", "--webhook"), ("", "no URL"), ("\n\n", "no URL"),
    (f"https://u:{SECRET}@x/", "--webhook"), ("https://example.org/" + SECRET * 300, "4096"), (None, "hook")],
    ids=["http", "ftp", "empty", "blank", "user", "long", "absent"])
def test_a_webhook_that_is_none_is_refused_without_its_secret(build, tmp_path, content, part):
    if content is not None:
        (tmp_path / "hook").write_text(content)
    result = attestcommand.run(build, "watch", "a.localhost", "--webhook-file", tmp_path / "hook", cwd=tmp_path)
    assert result.code == 1 and part in result.err and SECRET not in result.err, result.text
    if content and len(content) < 4096:
        result = attestcommand.run(build, "watch", "a.localhost", "--webhook", content, cwd=tmp_path)
        assert result.code == 1 and SECRET not in result.err, result.text


def test_one_webhook(build, tmp_path):
    result = attestcommand.run(build, "watch", "a.localhost", "--webhook-file", "x", "--webhook", "https://x", cwd=tmp_path)
    assert result.code == 1 and "do not go together" in result.err


# ---- what is expected changes while it runs ----

def test_a_changed_policy_counts_without_a_restart(watch, host, enclaves, tmp_path):
    policy = tmp_path / "policy.json"
    good = json.dumps({"version": 1, "measurements": [enclaves[0].tee.mrenclave.hex()]})
    policy.write_text(good)
    with watch(host, "--policy", policy) as running:
        running.wait("first")
        policy.write_text(json.dumps({"version": 1, "measurements": [ZERO]}))
        assert running.wait("alarm", verdict="refuse")["error"] == "measurement"
        policy.write_text(good)
        running.wait("recovery")
        policy.write_text("{")
        alarm = running.wait("alarm", verdict="unjudged")
        assert "cannot be read" in alarm["message"] and str(policy) in alarm["message"]
        policy.write_text(good)
        running.wait("recovery")
        policy.unlink()
        running.wait("alarm", verdict="unjudged")


def test_a_changed_simulation_root_counts_without_a_restart(build, world, host, tmp_path):
    root = tmp_path / "root.pem"
    root.write_bytes(pathlib.Path(world.vendor.root).read_bytes())
    with watching.Watch(build, tmp_path, "--interval", "1", "--pccs", world.pccs.url, "--allow-simulation", root,
                        host) as running:
        running.wait("first")
        other = attackers.World(build)
        try:
            root.write_bytes(pathlib.Path(other.vendor.root).read_bytes())
            assert running.wait("alarm")["verdict"] in ("refuse", "unjudged")
        finally:
            other.close()


# ---- metrics are for those who are meant ----

def test_metrics_have_no_page_of_another_name(watch, host):
    """A browser that was led to 127.0.0.1 under another name (DNS rebinding) says that name."""
    number = testcloud.free_port()
    with watch(host, "--metrics", f"127.0.0.1:{number}") as running:
        running.wait("first")
        for name, status in ((f"127.0.0.1:{number}", 200), ("localhost", 200), (f"watch.localhost:{number}", 200),
                             ("[::1]:80", 200), ("10.1.2.3", 200), (socket.gethostname(), 200),
                             (f"evil.example:{number}", 421), ("127.0.0.1.evil.example", 421), ("localhost.evil.example", 421),
                             ("a b", 400)):
            connection = http.client.HTTPConnection("127.0.0.1", number, timeout=watching.LIMIT)
            connection.putrequest("GET", "/metrics", skip_host=True)
            connection.putheader("Host", name)
            connection.endheaders()
            answer = connection.getresponse()
            assert answer.status == status and (b"mse_attest" in answer.read()) == (status == 200), name
            connection.close()


def test_metrics_are_served_beside_idle_connections(watch, host):
    number = testcloud.free_port()
    with watch(host, "--metrics", f"127.0.0.1:{number}") as running:
        running.wait("first")
        idle = [socket.create_connection(("127.0.0.1", number)) for _ in range(40)]
        try:
            assert watching.metrics(number)
        finally:
            for one in idle:
                one.close()


# ---- a deployed app ----

def test_by_context_code_and_release(build, cloud, deployed, tmp_path):
    """What `mse connect` and `mse cloud verify` take: the code, the owner and the instance of one app."""
    root = cloud.data / "sim" / "root.pem"
    url = f"https://api.{deployed['domain_name'].split('.', 1)[1]}:{cloud.port}"
    context, release = tmp_path / "app.mse", tmp_path / "release.toml"
    cloud.mse("context", "--export", deployed["id"], "--output", context)
    release.write_bytes((cloud.data / "apps" / deployed["id"] / "manifest.toml").read_bytes())
    trust = ["--allow-simulation", root, "--pccs", url]

    def fresh(*argv):
        return attestcommand.run(build, "fresh", "--json", "--host", deployed["address"], "--role", "2", *trust, *argv,
                                 cwd=tmp_path)
    for argv in (["--context", context], ["--release", release], ["--context", context, "--measurement",
                                                                  deployed["fingerprint"]]):
        result = fresh(*argv)
        assert result.code == 0 and result.json()["measurement"] == deployed["fingerprint"], result.text
        ticket = [check for check in result.json()["checks"] if "ticket" in check["name"]]
        assert ticket and ticket[0]["result"] == "passed", ticket
    saved = fresh("--context", context, "--save", tmp_path / "now.json")
    assert saved.code == 0
    again = attestcommand.run(build, "fresh", "--from", tmp_path / "now.json", "--context", context, "--allow-simulation",
                              root, cwd=tmp_path)
    assert again.code == 0, again.text
    release.write_bytes(release.read_bytes().replace(b'MSE_RESTART = "sealed"', b'MSE_RESTART = "owner"'))
    refused = fresh("--release", release)
    assert refused.code == 2 and refused.json()["error"] == "measurement", refused.text
    for argv, part in ((["--context", context, "--measurement", ZERO], "does not allow"),
                       (["--context", context, "--owner-key", ZERO], "another key"),
                       (["--code", tmp_path], "--context"), (["--context", context, "--release", release], "--release"),
                       (["--context", tmp_path / "none"], "none")):
        result = fresh(*argv)
        assert result.code == 1 and result.out == "" and part in result.err, result.text
    with watching.Watch(build, tmp_path, deployed["address"], "--interval", "1", *trust, "--context", context) as running:
        assert running.wait("first")["measurement"] == deployed["fingerprint"]
        good = context.read_text()
        context.write_text(good.replace(deployed["fingerprint"], ZERO))
        assert running.wait("alarm")["error"] == "measurement"
        context.write_text(good)
        running.wait("recovery")


def test_a_deployed_app_until_it_is_gone(build, cloud, deployed, tmp_path):
    root = cloud.data / "sim" / "root.pem"
    url = f"https://api.{deployed['domain_name'].split('.', 1)[1]}:{cloud.port}"
    with watching.Watch(build, tmp_path, deployed["address"], "--interval", "1", "--allow-simulation", root, "--pccs",
                        url, "--measurement", deployed["fingerprint"]) as running:
        assert running.wait("first")["measurement"] == deployed["fingerprint"]
        cloud.mse("stop", deployed["id"], "-y")
        assert running.wait("alarm")["verdict"] in ("unjudged", "refuse")
