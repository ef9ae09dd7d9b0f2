# SPDX-License-Identifier: Apache-2.0
"""Who is in the middle of `mse connect`: every request gets 502 by name, and not one byte of it got there
(attached-channel sections 8 and 11; docs/testing-channel.md)."""
import concurrent.futures
import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import attackers
import connector
import standin

SECRET = b"the client's secret"


def owner_context(world, enclave):
    return world.context(enclave, identity=enclave.identity().hex(), ticket=attackers.encode(enclave.sent_ticket))


def connect(world, enclave, port, *options, owner=False, **more):
    what = {"context": owner_context(world, enclave)} if owner else {"fingerprint": enclave.tee.mrenclave}
    return connector.Connector(world, enclave.instance["domain"], port, *options, **what, **more)


def relay(enclave, certificate, key, log):
    """Ends TLS with that key; nonces are forwarded to the real enclave, answers back. log: all it ever received."""
    def handle(tls, request):
        answer = attackers.ask(enclave, attackers.nonce_of(request))
        tls.sendall(attackers.http_answer(attackers.dump(answer)))
    return attackers.ending(attackers.server_context(certificate, key), handle, log)


def post_secret(running):
    return running.request("POST", "/" + SECRET.decode().replace(" ", "-"), body=SECRET * 1000,
                           headers={"Authorization": SECRET.decode()})


def assert_refused(running, name, log, times=3):
    for _ in range(times):
        answer = post_secret(running)
        assert (answer.status, answer.error) == (502, name), answer.body
        assert answer.json()["error"] == name
    for seen in log:
        head, _, body = bytes(seen).partition(b"\r\n\r\n")
        assert head.startswith(b"POST /.well-known/mse/attestation HTTP/1.1\r\n") and len(body) == 88, seen
        assert b"secret" not in seen
    assert len(log) >= times, "each request asked for evidence anew"


# ---- somebody in the middle from the beginning ----

def test_relays_get_nothing(world, victim):
    with world.enclave() as other:
        other.run()
        for keys in (attackers.stolen(victim), attackers.stolen(other)):
            log = []
            with relay(victim, *keys, log) as middle, connect(world, victim, middle.port) as running:
                name = "fresh-binding" if keys[0] == attackers.stolen(victim)[0] else "tls-key"
                assert_refused(running, name, log)
                assert running.wait_event("refused")["error"] == name


def test_a_middlebox_gets_nothing(world, victim):
    log = []
    issuer = attackers.make_certificate("A Trusted CA")
    with relay(victim, *attackers.make_certificate(victim.instance["domain"], issuer=issuer), log) as middle, \
            connect(world, victim, middle.port) as running:
        assert_refused(running, "tls-key", log)


def test_another_instance_gets_nothing(world, victim, twin):
    with world.enclave() as other, attackers.passing(lambda _: other) as listener:
        other.run()
        with connect(world, victim, listener.port) as running:
            assert post_secret(running).error == "measurement"
    with attackers.passing(lambda _: twin) as listener, connect(world, victim, listener.port) as running:
        assert post_secret(running).error == "role"


def test_a_twin_without_the_owners_ticket(world):
    """What connect learns from a context: the ticket is asked for, and the recorded identity."""
    with world.enclave() as honest:
        honest.sent_ticket = honest.start().ticket()
        assert honest.provision(ticket=honest.sent_ticket).status == 200
        with standin_of(world, honest, ticket=b"") as other, connect(world, honest, other.port, owner=True) as running:
            assert post_secret(running).error == "ticket-missing"
            with standin_of(world, honest, ticket=honest.sent_ticket) as right, \
                    connect(world, honest, right.port, owner=True) as accepted:
                assert accepted.request().status == 200
        foreign = honest.ticket(key=Ed25519PrivateKey.generate())
        with standin_of(world, honest, ticket=foreign) as other, connect(world, honest, other.port, owner=True) as running:
            assert post_secret(running).error == "ticket-signature"


def standin_of(world, enclave, **options):
    return standin.StandIn(world, enclave, hello, **options)


def hello(stream, _):
    while stream.head():
        stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")


@pytest.mark.parametrize("what, name", [("tls12", "tls-version"), ("plain", "unreachable"), ("nobody", "unreachable"),
                                        ("web", "attest-http"), ("redirect", "attest-http")])
def test_servers_that_are_no_enclave(world, victim, what, name):
    log, keys = [], attackers.make_certificate(victim.instance["domain"])
    answers = {"web": attackers.http_answer(b"{}", "404 Not Found"),
               "redirect": attackers.http_answer(b"", "307 Temporary Redirect", "Location: https://elsewhere.localhost/\r\n")}
    contexts = {"tls12": attackers.server_context(*keys, maximum=ssl.TLSVersion.TLSv1_2),
                "redirect": attackers.server_context(*attackers.stolen(victim))}

    def plain(connection, _):
        log.append(connection.recv(65536))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    if what == "plain":
        listener = attackers.Listener(plain)
    else:
        listener = attackers.ending(contexts.get(what) or attackers.server_context(*keys),
                                    lambda tls, _: tls.sendall(answers[what]), log)
    if what == "nobody":
        listener.__exit__()
    with listener, connect(world, victim, listener.port) as running:
        answer = post_secret(running)
        assert (answer.status, answer.error) == (502, name), answer.body
        assert all(b"secret" not in bytes(seen) for seen in log)


def test_simulation_is_refused_without_its_root(world, victim):
    with attackers.passing(lambda _: victim) as listener, connect(world, victim, listener.port, root=False) as running:
        assert post_secret(running).error == "simulated"


def test_a_refusal_is_told_before_anybody_asks(world, victim):
    log = []
    with relay(victim, *attackers.stolen(victim), log) as middle, connect(world, victim, middle.port) as running:
        assert running.wait_event("refused")["error"] == "fresh-binding" and len(log) == 1
        assert_refused(running, "fresh-binding", log)


# ---- somebody in the middle later ----

class Switch:
    """A listener that the test turns: connections that stand go on, new ones go elsewhere."""

    def __init__(self, serve):
        self.serve = serve
        self.joined = []
        self.listener = attackers.Listener(self._connection)
        self.port = self.listener.port

    def _connection(self, connection, number):
        self.joined.append(connection)
        self.serve(connection, number)

    def break_all(self):
        for connection in self.joined:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.joined.clear()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.__exit__()


def divert(connection, port):
    with socket.create_connection(("127.0.0.1", port)) as upstream:
        threading.Thread(target=attackers.pump, args=(upstream, connection), daemon=True).start()
        attackers.pump(connection, upstream)


def test_a_swap_between_connections(world, victim):
    """19: the attested connection is broken, the next is led to a relay, then back again."""
    log = []

    def honest(connection, _):
        attackers.join(connection, victim)
    with Switch(honest) as switch, relay(victim, *attackers.stolen(victim), log) as middle, \
            connect(world, victim, switch.port) as running:
        assert post_secret(running).status == 200

        switch.serve = lambda connection, _: divert(connection, middle.port)
        assert post_secret(running).status == 200, "the connection that was attested still stands"
        assert log == []
        switch.break_all()
        assert_refused(running, "fresh-binding", log)
        switch.serve = honest
        assert post_secret(running).status == 200, "asked anew, and right again"


def test_another_instance_later(world, victim):
    """Without a ticket to tell them apart the first instance is kept: a twin with the same keys is not taken for it."""
    with world.twin(victim) as second:
        second.start()
        assert second.provision().status == 200
        second.wait_running()
        with Switch(lambda connection, _: attackers.join(connection, victim)) as switch, \
                connect(world, victim, switch.port) as running:
            assert post_secret(running).status == 200
            switch.serve = lambda connection, _: attackers.join(connection, second)
            switch.break_all()
            assert post_secret(running).error == "identity-changed"
        with attackers.passing(lambda _: second) as listener, connect(world, victim, listener.port, owner=True) as running:
            assert post_secret(running).error == "identity-changed", "the context's identity is another"


def test_a_request_is_not_sent_twice(world, victim):
    """A POST whose connection breaks is not repeated; a GET is, once, and only on a connection attested anew."""
    seen = []

    def serve(stream, number):
        while head := stream.head():
            seen.append((number, head.split(b" ")[0]))
            if len(seen) in (2, 4, 5):
                return
            stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    with standin.StandIn(world, victim, serve) as other, connect(world, victim, other.port) as running:
        assert running.request().status == 200
        answer = running.request("POST", "/", body=b"")
        assert (answer.status, answer.error) == (502, "upstream-closed")
        assert running.request().status == 200
        answer = running.request()
        assert (answer.status, answer.error) == (502, "upstream-closed"), "twice lost, told"
        assert [kind for _, kind in seen] == [b"GET", b"POST", b"GET", b"GET", b"GET"]
        assert len({number for number, _ in seen[2:]}) == 2


# ---- an app that answers badly: never a half answer that looks whole ----

@pytest.mark.parametrize("answer, wanted", [
    (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "upstream-malformed"),
    (b"SSH-2.0-OpenSSH\r\n\r\n", "upstream-malformed"), (b"HTTP/1.1 200 OK\nX: y\n\n", "upstream-malformed"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "upstream-malformed"),
    (b"HTTP/1.1 200 OK\r\nContent-Le", "upstream-malformed"), (b"", "upstream-closed"),
    (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70000 + b"\r\n\r\n", "upstream-malformed")])
def test_bad_answers(world, victim, answer, wanted):
    def serve(stream, _):
        if stream.head():
            stream.sendall(answer)
    with standin.StandIn(world, victim, serve) as other, connect(world, victim, other.port) as running:
        seen = running.request()
        assert (seen.status, seen.error) == (502, wanted)


@pytest.mark.parametrize("answer", [b"Content-Length: 10\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
                                    b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nnonsense"])
def test_a_cut_answer_is_cut(world, victim, answer):
    def serve(stream, _):
        if stream.head():
            stream.sendall(b"HTTP/1.1 200 OK\r\n" + answer)
    with standin.StandIn(world, victim, serve) as other, connect(world, victim, other.port) as running:
        seen = subprocess.run(["curl", "-sS", running.url], capture_output=True, timeout=30)
        assert seen.returncode in (18, 56), (seen, "curl knows that it is not whole")


def test_bytes_behind_an_answer_are_nobodys(world, victim):
    """A second answer that nobody asked for must not become the next client's."""
    def serve(stream, _):
        while stream.head():
            stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
    with standin.StandIn(world, victim, serve) as other, connect(world, victim, other.port) as running:
        for _ in range(3):
            assert running.request().body == b"hello"
        assert other.served == 3, "such a connection is not used again"


def test_a_broken_connection_behind_a_slow_client_costs_nothing(world, victim):
    """The server resets, the client does not read: nobody spins meanwhile, and the client learns that it is not whole."""
    def serve(stream, _):
        stream.head()
        stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 90000000\r\n\r\n")
        stream.fill(b"x" * 16384)
        stream.reset()
        gone.set()

    def ticks():
        with open(f"/proc/{running.process.pid}/stat", encoding="ascii") as file:
            return sum(int(field) for field in file.read().rpartition(")")[2].split()[11:13])
    gone = threading.Event()
    with standin.StandIn(world, victim, serve) as other, connect(world, victim, other.port) as running, \
            running.raw(b"GET / HTTP/1.1\r\nHost: localhost:%d\r\n\r\n" % running.port) as client:
        assert gone.wait(20)
        before = ticks()
        time.sleep(1)
        assert ticks() - before < 6, "of 100 in a second"
        assert 0 < len(connector.read_all(client)) < 90000000


# ---- time ----

def test_a_verdict_ends(world, victim):
    with attackers.passing(lambda _: victim) as listener, connect(world, victim, listener.port, "--max-age", "1") as running:
        end = time.monotonic() + 30
        while listener.accepted < 3:
            assert time.monotonic() < end
            assert running.request().status == 200
            time.sleep(0.3)


def test_an_instance_that_expires_meanwhile(world):
    """until is the least of all expiries: here the instance's, by the client's clock (the enclave's is behind)."""
    env = {"LD_PRELOAD": str(world.build / "test/support/libattack_preload.so"), "ATTACK_CLOCK_DAYS": "-20"}
    with world.enclave(**env) as enclave:
        enclave.instance["expires"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 4))
        enclave.write_instance()
        enclave.run()
        with attackers.passing(lambda _: enclave) as listener, connect(world, enclave, listener.port) as running:
            assert running.request().status == 200
            end = time.monotonic() + 20
            while (answer := running.request()).status == 200:
                assert time.monotonic() < end
                time.sleep(0.2)
            assert answer.error == "instance-field:expires"


# ---- many, and too many ----

def test_a_hundred_at_once(world, victim):
    with attackers.passing(lambda _: victim) as listener, connect(world, victim, listener.port) as running, \
            concurrent.futures.ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(lambda _: post_secret(running).status, range(200)))
        assert answers == [200] * 200
        assert listener.accepted <= 101, "one for each at most, and the one of the start"


def test_the_queue_has_an_end(world, victim):
    hold = threading.Event()

    def serve(stream, _):
        while stream.head():
            hold.wait(20)
            stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    with standin.StandIn(world, victim, serve) as other, \
            connect(world, victim, other.port, "--connections", "2", "--wait", "1") as running, \
            concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = [pool.submit(running.request) for _ in range(6)]
        end = time.monotonic() + 15
        while sum(a.done() for a in answers) < 4:
            assert time.monotonic() < end
            time.sleep(0.05)
        assert all(a.result().status == 503 and a.result().error == "busy" and a.result().headers["Retry-After"] == "1"
                   for a in answers if a.done())
        hold.set()
        assert sorted(a.result(20).status for a in answers) == [200, 200] + [503] * 4
        assert other.served == 2


def test_idle_clients_make_room(world, victim):
    """A client that waits for nothing holds no place that another needs, and no thread."""
    with attackers.passing(lambda _: victim) as listener, connect(world, victim, listener.port) as running:
        idle = [running.raw(b"" if i % 2 else b"GET /crumbs HTTP/1.1\r\n") for i in range(1024)]
        time.sleep(1.2)
        assert all(running.request().status == 200 for _ in range(20))
        threads = len(os.listdir(f"/proc/{running.process.pid}/task"))
        assert threads <= 12, "an idle connection costs no thread"
        for client in idle:
            client.close()


def test_more_clients_than_allowed(world, victim):
    """All at work: the next is told so at once."""
    hold = threading.Event()

    def serve(stream, _):
        stream.head()
        hold.wait(20)
    with standin.StandIn(world, victim, serve) as other, connect(world, victim, other.port, "--connections", "2") as running:
        request = b"GET / HTTP/1.1\r\nHost: localhost:%d\r\n\r\n" % running.port
        waiting = [running.raw(request) for _ in range(1024)]
        answer = running.request()
        assert (answer.status, answer.error) == (503, "busy")
        for client in waiting:
            client.close()
        hold.set()


def test_a_head_in_crumbs_ends(world, victim):
    """A byte now and then does not prolong the 10 seconds for a head; on a raw port that holds an attested connection."""
    def drip(running, data):
        with running.raw() as client, contextlib.suppress(OSError):
            begin = time.monotonic()
            for byte in data * 100:
                client.sendall(bytes([byte]))
                client.settimeout(0.4)
                with contextlib.suppress(TimeoutError):
                    if client.recv(100) == b"":
                        break
        return time.monotonic() - begin
    with attackers.passing(lambda _: victim) as listener, connect(world, victim, listener.port) as running, \
            connect(world, victim, listener.port, "--tcp") as raw, concurrent.futures.ThreadPoolExecutor(2) as pool:
        for done in (pool.submit(drip, running, b"GET"), pool.submit(drip, raw, b"GET")):
            assert 8 < done.result(30) < 13


def test_nobody_reads_the_news(world, victim):
    """Each turn of fortune is a line with a verdict; a pipe that nobody empties does not stop the relay."""
    log = []
    with relay(victim, *attackers.stolen(victim), log) as middle, \
            Switch(lambda connection, _: attackers.join(connection, victim)) as switch, \
            connect(world, victim, switch.port, reads_events=False) as running:
        honest = switch.serve
        assert post_secret(running).status == 200, "the connection of the start is there, not broken on its way"
        for turn in range(20):
            switch.serve = (lambda connection, _: divert(connection, middle.port)) if turn % 2 else honest
            switch.break_all()
            assert post_secret(running).status == (502 if turn % 2 else 200)


def test_nobody_reads_the_warnings(world, victim):
    """stderr is full from the beginning: the first warning (SIMULATED) already finds no room."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while os.write(writer, b"x" * 4096):
            pass
    os.set_blocking(writer, True)
    with attackers.passing(lambda _: victim) as listener, \
            connect(world, victim, listener.port, stderr=writer, json=False) as running:
        for _ in range(3):
            assert running.request().status == 200
        begin = time.monotonic()
        assert running.stop() == 0
        assert time.monotonic() - begin < 3
    for end in (reader, writer):
        os.close(end)


# ---- ends ----

def test_kill_9_of_the_enclave(world):
    with world.enclave() as enclave, attackers.passing(lambda _: enclave) as listener:
        enclave.run()
        with connect(world, enclave, listener.port) as running:
            assert running.request().status == 200
            enclave.kill()
            for _ in range(3):
                answer = running.request("POST", "/", body=b"x")
                assert (answer.status, answer.error) in ((502, "unreachable"), (502, "upstream-closed"))
            enclave.start()
            enclave.wait_running()
            end = time.monotonic() + 20
            while running.request().status != 200:
                assert time.monotonic() < end
            assert running.stop() == 0


def test_sigterm_lets_an_answer_finish(world, victim):
    begun = threading.Event()

    def serve(stream, _):
        stream.head()
        stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
        begun.set()
        time.sleep(0.5)
        stream.sendall(b"world")
    with standin.StandIn(world, victim, serve) as other, connect(world, victim, other.port) as running, \
            concurrent.futures.ThreadPoolExecutor(1) as pool, running.raw() as idle:
        answer = pool.submit(running.request)
        assert begun.wait(20)
        assert running.stop() == 0
        assert answer.result(10).body == b"helloworld"
        assert connector.read_all(idle) == b""


def test_sigterm_while_evidence_does_not_come(world, victim):
    with attackers.Listener(lambda connection, _: time.sleep(15)) as silent, connect(world, victim, silent.port) as running:
        with running.raw(b"GET / HTTP/1.1\r\nHost: localhost:%d\r\n\r\n" % running.port):
            end = time.monotonic() + 10
            while silent.accepted == 0:
                assert time.monotonic() < end
                time.sleep(0.02)
            begin = time.monotonic()
            assert running.stop() == 0
            assert time.monotonic() - begin < 8


# ---- what is expected changes while it runs ----

def policy_of(*measurements):
    return '{"version": 1, "measurements": [%s]}' % ", ".join(f'"{m.hex()}"' for m in measurements)


def test_a_policy_that_changes(world, victim, tmp_path):
    """Connections attested by the old policy begin no further request; one that cannot be read lets nothing pass."""
    policy = tmp_path / "policy.json"
    right, wrong = policy_of(victim.tee.mrenclave), policy_of(b"\x01" * 32)
    policy.write_text(right)

    def turn(text, wanted):
        (tmp_path / "new").write_text(text)
        os.replace(tmp_path / "new", policy)
        becomes(running, wanted)
    with attackers.passing(lambda _: victim) as listener, \
            connector.Connector(world, victim.instance["domain"], listener.port, "--policy", policy) as running:
        assert running.ready["fingerprint_from"] == "policy"
        assert post_secret(running).status == 200
        turn(wrong, "measurement")
        turn(right, None)
        before = listener.accepted
        turn("{", "expectation")
        assert listener.accepted == before, "nobody was even asked"
        turn(policy_of(b"\x02" * 32, victim.tee.mrenclave), None)
        assert listener.accepted > before


def test_a_policy_and_a_fingerprint_must_agree(world, victim, tmp_path):
    (tmp_path / "policy.json").write_text(policy_of(b"\x01" * 32))
    with pytest.raises(AssertionError, match="does not allow the fingerprint"):
        connect(world, victim, 1, "--policy", tmp_path / "policy.json")


def becomes(running, wanted):
    end = time.monotonic() + 20
    while (answer := post_secret(running)).error != wanted:
        assert time.monotonic() < end, (answer.status, answer.error)
        time.sleep(0.05)


def test_a_stored_context_that_changes(world, victim, tmp_path):
    """The file itself is rewritten, in place and with the time it had; then it is gone, and there again."""
    folder = tmp_path / "conf" / "context" / victim.uuid
    folder.mkdir(parents=True)
    file = folder / "context.mse"
    right = owner_context(world, victim)
    file.write_text(right)
    before = file.stat()

    def write(text):
        with open(file, "r+", encoding="utf-8") as opened:
            opened.write(text)
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    with attackers.passing(lambda _: victim) as listener, \
            connector.Connector(world, victim.instance["domain"], listener.port, env={"MSE_CONF_PATH": str(tmp_path / "conf")}) as running:
        assert running.ready["fingerprint_from"] == "context"
        becomes(running, None)
        write(right.replace(victim.tee.mrenclave.hex(), "11" * 32))
        becomes(running, "measurement")
        write(right)
        becomes(running, None)
        file.rename(tmp_path / "elsewhere")
        folder.rmdir()
        becomes(running, "expectation")
        folder.mkdir()
        (tmp_path / "elsewhere").rename(file)
        becomes(running, None)


def test_a_collateral_folder_that_changes(world, victim, tmp_path):
    """--collateral DIR: what is taken out of it is missed at once."""
    for name, data in world.vendor.collateral().items():
        (tmp_path / name).write_bytes(data)
    with attackers.passing(lambda _: victim) as listener, \
            connect(world, victim, listener.port, "--collateral", tmp_path, pccs=False) as running:
        becomes(running, None)
        (tmp_path / "root_ca_crl.der").rename(tmp_path / "elsewhere")
        becomes(running, "crl-missing")
        (tmp_path / "elsewhere").rename(tmp_path / "root_ca_crl.der")
        becomes(running, None)
        # Deeper than can be watched: nobody would notice a change.
        (tmp_path / "/".join(["d"] * 70)).mkdir(parents=True)
        becomes(running, "expectation")
        shutil.rmtree(tmp_path / "d")
        becomes(running, None)


def test_the_first_instance_is_one(world, victim):
    """Many are attested at once, and half of the connections end in a twin: only one of both is ever heard."""
    def serve(name):
        def run(stream, _):
            while stream.head():
                stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + name)
        return run
    with world.twin(victim) as twin:
        twin.start()
        assert twin.provision().status == 200
        twin.wait_running()
        with standin.StandIn(world, victim, serve(b"A")) as first, standin.StandIn(world, twin, serve(b"B")) as second, \
                Switch(lambda connection, number: divert(connection, (first, second)[number % 2].port)) as switch, \
                connect(world, victim, switch.port) as running, concurrent.futures.ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda _: running.request(), range(64)))
            heard = {answer.body for answer in answers if answer.status == 200}
            assert len(heard) == 1, heard
            assert {answer.error for answer in answers} <= {None, "identity-changed"}


def test_sleep_counts(world, victim, tmp_path):
    """The 24 hours of a stream go on while the machine sleeps; the kernel's monotonic clock does not."""
    slept = tmp_path / "slept"
    slept.write_bytes(b"")
    env = {"LD_PRELOAD": str(world.build / "test/support/libattack_preload.so"), "ATTACK_SLEPT": str(slept)}
    with standin.StandIn(world, victim, lambda stream, _: stream.sendall(stream.recv()) or stream.recv()) as other, \
            connect(world, victim, other.port, "--tcp", env=env) as running, running.raw(b"\x00hello") as client:
        assert client.recv(100) == b"\x00hello"
        slept.write_bytes(b"x" * 23)
        client.settimeout(1)
        with pytest.raises(TimeoutError):
            client.recv(100)
        slept.write_bytes(b"x" * 25)
        client.settimeout(10)
        assert connector.read_all(client) == b""
