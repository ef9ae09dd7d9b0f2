# SPDX-License-Identifier: Apache-2.0
"""mse attest watch against real enclaves: what is told at first, at a change, an alarm and a recovery, to whom, and
that it ends when it is told to. The attacker behind the port puts another enclave in the place of the first."""
import json
import pathlib
import socket
import stat
import urllib.error
import urllib.request

import pytest

import attackers
import attestcommand
import testcloud
import watching

ZERO = "0" * 64


@pytest.fixture(scope="module")
def world(build):
    new = attackers.World(build)
    yield new
    new.close()


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
    return [json.loads(line) for line in result.out.splitlines()]


# ---- once ----

def test_once_says_what_it_saw(once, host, enclaves):
    result = once(host, "--json")
    assert result.code == 0, result.text
    (line,) = lines_of(result)
    assert (line["event"], line["verdict"], line["error"], line["host"]) == ("first", "accept", None, host)
    assert line["measurement"] == enclaves[0].tee.mrenclave.hex() and line["tcb_status"] == "UpToDate"
    assert line["simulated"] == "yes" and line["valid_until"].endswith("Z") and line["next"] is None
    assert line["changes"] == [] and "details" not in line


def test_once_in_words(once, host):
    result = once(host)
    assert result.code == 0 and "SIMULATED" in result.out and f"{host}  first: " in result.out, result.text


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


@pytest.mark.parametrize("program, part", [("/no/such/program", "/no/such/program"), ("/bin/false", "status 1")])
def test_a_program_that_fails_is_told(watch, host, program, part):
    with watch(host, "--measurement", ZERO, "--exec", program) as running:
        running.wait("alarm")
        watching.wait_for(lambda: any(part in line for line in running.errors), part)


def test_a_program_that_hangs_ends_with_the_watch(watch, host, tmp_path):
    slow = tmp_path / "slow"
    slow.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 600\n")
    slow.chmod(0o755)
    with watch(host, "--measurement", ZERO, "--exec", slow) as running:
        watching.wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip(), "its start")
        assert running.stop() < 15
    assert not pathlib.Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()


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


# ---- a deployed app ----

def test_a_deployed_app_until_it_is_gone(build, cloud, deployed, tmp_path):
    root = cloud.data / "sim" / "root.pem"
    url = f"https://api.{deployed['domain_name'].split('.', 1)[1]}:{cloud.port}"
    with watching.Watch(build, tmp_path, deployed["address"], "--interval", "1", "--allow-simulation", root, "--pccs",
                        url, "--measurement", deployed["fingerprint"]) as running:
        assert running.wait("first")["measurement"] == deployed["fingerprint"]
        cloud.mse("stop", deployed["id"], "-y")
        assert running.wait("alarm")["verdict"] in ("unjudged", "refuse")
