# SPDX-License-Identifier: Apache-2.0
"""Keys and states: who may provision, with what, and what a restart brings back (attached-channel sections 2, 6, 7,
11; docs/testing-channel.md). What one request may get wrong is in test_enclave_life.py."""
import base64
import ctypes
import hashlib
import json
import os
import threading

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

import attackers
import http2client
import ownertls
import testenclave

P1305 = (1 << 130) - 5
CLAMP = 0x0ffffffc0ffffffc0ffffffc0fffffff
sodium = testenclave.sodium


# ---- 22 ----

def test_a_second_post(world):
    """The same right request, before and after the application runs: it was taken once, and changes nothing."""
    with world.enclave() as enclave:
        ticket = enclave.start().ticket()
        assert enclave.provision(ticket=ticket).status == 200
        sealed = (enclave.dir / "state/sealed.bin").read_bytes()
        for _ in range(20):
            assert enclave.provision(enclave.body(app_secrets={"new": 1}), ticket).status in (401, 503, 409)
        enclave.wait_running()
        answer = enclave.provision(enclave.body(app_secrets={"new": 1}), ticket)
        assert (answer.status, answer.headers["Mse-Status"]) == (409, "Running")
        assert enclave.request("POST", "/", body=b"{}").text == "hello", "the application's own POST /"
        assert enclave.log_text().count("mse-enclave: provisioned\n") == 1
        assert (enclave.dir / "state/sealed.bin").read_bytes() == sealed


SEEN = """
seen = []
def app(environ, start):
    if environ["REQUEST_METHOD"] == "POST":
        seen.append([environ["HTTP_HOST"], environ["PATH_INFO"], environ["wsgi.input"].read().decode()])
    start("200 OK", [])
    return [repr(seen).encode()]
"""


def over_http2(enclave, host, *more):
    context = testenclave.client_context()
    context.set_alpn_protocols(["h2"])
    with http2client.Connection(context.wrap_socket(enclave.dial(), server_hostname=host)) as h2:
        stream = h2.head(http2client.request("/", "POST", *more, authority=host), 0)
        h2.data(stream, json.dumps(enclave.body()).encode())
        return h2.reply(stream)


def test_the_application_never_sees_a_provisioning_request(build):
    """The owner's request comes again while the application runs: keys are in it. A ticket tells, and so does the name that
    is the configuration's alone, for clients that send none; any other POST is the application's."""
    key = ec.generate_private_key(ec.SECP256R1())
    with ownertls.enclave(build, {"app.py": SEEN}, key) as enclave:
        ticket = enclave.start().ticket()
        secrets = enclave.body(ssl_private_key=ownertls.pem_of(key))
        assert enclave.provision(secrets, ticket).status == 200
        enclave.wait_running()
        header = ("mse-ticket", base64.b64encode(ticket).decode())
        for host in (ownertls.DOMAIN, testenclave.CONFIG_DOMAIN):
            answer = enclave.request("POST", "/", json.dumps(secrets), {"Host": host, "Mse-Ticket": "x"}, sni=host)
            assert (answer.status, answer.headers["Mse-Status"]) == (409, "Running")
            assert over_http2(enclave, host, header).status == 409
        host = testenclave.CONFIG_DOMAIN
        for spelled in (host, host.upper(), host + ".", host + ":443"):
            assert enclave.request("POST", "/", json.dumps(secrets), {"Host": spelled}, sni=host).status == 409
        assert over_http2(enclave, host).status == 409
        assert enclave.get().text == "[]"
        enclave.request("POST", "/", b"own")
        enclave.request("POST", "/hook", b"own", {"Host": host}, sni=host)
        assert enclave.get().text == repr([[ownertls.DOMAIN, "/", "own"], [host, "/hook", "own"]])


def test_the_ticket_alone_opens_nothing(world):
    """The ticket alone, without the owner's keys, from somebody who read it (it is public)."""
    with world.enclave() as enclave:
        ticket = enclave.start().ticket()
        assert enclave.provision(enclave.body(code_secret_key=None), ticket).status == 401
        assert enclave.provision(enclave.body(code_secret_key="00" * 32), ticket).status == 401
        assert enclave.get().headers["Mse-Status"] == "Waiting"
        assert os.listdir(enclave.dir / "state") == []


def test_many_owners_at_once(world):
    """Eight right requests and eight wrong ones at the same moment: exactly one is taken."""
    with world.enclave() as enclave:
        ticket = enclave.start().ticket()
        barrier, answers = threading.Barrier(16), []

        def ask(right):
            tls = enclave.connect()
            barrier.wait()
            with tls:
                answer = enclave.provision(ticket=ticket if right else ticket[:-1] + b"\0", tls=tls)
                answers.append((right, answer.status, answer.text))
        threads = [threading.Thread(target=ask, args=(number % 2 == 0,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        enclave.wait_running()
        assert enclave.log_text().count("mse-enclave: provisioned\n") == 1
        taken = [right for right, status, text in answers if status == 200 and text == ""]
        assert taken == [True], answers


# ---- 23 ----

def test_restart_is_the_same_instance(world):
    """Verified by all that the owner recorded, before and after: identity, ticket, certificate."""
    with world.enclave() as enclave:
        ticket = enclave.start().ticket()
        assert enclave.provision(ticket=ticket).status == 200
        enclave.wait_running()
        context = world.context(enclave, identity=enclave.identity().hex(), ticket=attackers.encode(ticket))
        certificate = enclave.certificate()
        with attackers.passing(lambda _: enclave) as proxy:
            assert world.verify(enclave, proxy.port, context=context).name == "none"
            enclave.kill()
            enclave.start()
            enclave.wait_running()
            seen = world.verify(enclave, proxy.port, context=context)
            assert seen.name == "none", seen.text
        assert enclave.certificate() == certificate


def test_state_of_another_instance(world):
    """The host gives one instance the sealed state of another of the same release and machine."""
    with world.enclave() as first:
        first.run()
        with world.twin(first) as other:
            other.tee.secret = first.tee.secret  # the same machine: the same sealing key
            other.uuid = "6d6e4d2a-6f0d-4a43-9bb9-2c6f4a7f0d11"
            other.instance["uuid"] = other.uuid
            other.write_instance()
            (other.dir / "state/sealed.bin").write_bytes((first.dir / "state/sealed.bin").read_bytes())
            other.start(wait=False)
            assert other.wait_exit() == 5
            assert "mse-enclave: instance-changed: " in other.log_text()


# ---- 24: one ciphertext, two keys ----

def subkeys(key, nonce, size):
    """XSalsa20 keystream: 32 bytes for Poly1305, then for the text."""
    stream = ctypes.create_string_buffer(32 + size)
    assert sodium.crypto_stream_xsalsa20(stream, ctypes.c_ulonglong(32 + size), nonce, key) == 0
    return stream.raw[:32], stream.raw[32:]


def two_key_box(first, second, text):
    """A secretbox that opens under both keys; to text under the first. Poly1305 commits to no key: one free block of
    the ciphertext is the solution of a linear equation modulo 2^130 - 5."""
    text += b"\n#" + b" " * (-len(text) - 2 & 15)
    while True:
        nonce = os.urandom(24)
        (mac1, stream1), (mac2, _) = (subkeys(key, nonce, len(text) + 16) for key in (first, second))
        known = bytes(a ^ b for a, b in zip(text, stream1))
        r = [int.from_bytes(mac[:16], "little") & CLAMP for mac in (mac1, mac2)]
        s = [int.from_bytes(mac[16:], "little") for mac in (mac1, mac2)]
        sums = []
        for power in r:
            total = 0
            for at in range(0, len(known), 16):
                total = (total + int.from_bytes(known[at:at + 16] + b"\1", "little")) * power % P1305
            sums.append(total)
        for carry in range(-4, 5):  # h1 - h2 = s2 - s1 modulo 2^128
            difference = s[1] - s[0] + (carry << 128)
            block = (difference - sums[0] * r[0] + sums[1] * r[1]) * pow(r[0] - r[1], -1, P1305) % P1305
            if block >> 128 != 1:
                continue
            tags = [((sums[i] + block) * r[i] % P1305 + s[i]) % (1 << 128) for i in (0, 1)]
            if tags[0] == tags[1]:
                return nonce + tags[0].to_bytes(16, "little") + known + block.to_bytes(17, "little")[:16]


def opens(key, box):
    plain = ctypes.create_string_buffer(len(box))
    return sodium.crypto_secretbox_open_easy(plain, box[24:], ctypes.c_ulonglong(len(box) - 24), box[:24], key) == 0


@pytest.mark.parametrize("measured", [True, False])
def test_ciphertext_made_for_two_keys(world, measured):
    """Audited under one key, run under another: the measured key id forbids it. Without one, both keys are right."""
    settings = {} if measured else {"MSE_CODE_KEY_ID": ""}
    with world.enclave(**settings) as enclave:
        other = os.urandom(32)
        path = enclave.dir / "code/app.py.enc"
        box = two_key_box(enclave.code_key, other, b"def app(environ, start_response):\n    pass\n")
        assert opens(enclave.code_key, box) and opens(other, box) and not opens(os.urandom(32), box)
        path.write_bytes(box)
        enclave.start()
        answer = enclave.provision(enclave.body(code_secret_key=other.hex()))
        assert answer.status == (401 if measured else 200)
        if measured:
            assert "not the measured one" in enclave.log_text()
            assert hashlib.sha256(b"mse-code-key-1" + other).hexdigest() != enclave.env["MSE_CODE_KEY_ID"]
            assert enclave.provision().status == 200
