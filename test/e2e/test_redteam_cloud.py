# SPDX-License-Identifier: Apache-2.0
"""What one customer of a cloud tries against the others."""
import socket
import subprocess
import time

import pytest

import apiclient
import testcloud

MALLORY = "mallory@example.com"


@pytest.fixture(scope="module")
def mallory(cloud):
    """A second user with an own project and one slot of the free hardware."""
    testcloud.run([cloud.program("msed"), "user", "add", "--data-dir", cloud.data, "--email", MALLORY,
                   "--password-stdin"], env=cloud.env, stdin="mallory's own long password\n")
    token = testcloud.run([cloud.program("msed"), "token", "create", "--data-dir", cloud.data, "--user", MALLORY],
                          env=cloud.env).stdout.strip()
    return apiclient.Client(cloud, token)


def certificate(folder, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                    folder / "key.pem", "-out", folder / "cert.pem", "-days", "2", "-subj", "/CN=x", "-addext",
                    f"subjectAltName=DNS:{name}"], check=True, capture_output=True)
    return (folder / "cert.pem").read_text()


@pytest.mark.parametrize("label", ["api", "0123456789abcdef", "0123456789abcdef.op"])
def test_nobody_takes_a_name_of_the_cloud(mallory, tmp_path, label):
    """Anybody can make a certificate for any name: a name below the base domain is not theirs to claim."""
    name = f"{label}.{mallory.cloud.base_domain}"
    answer = mallory.deploy(apiclient.conf(name="thief", domain_name=name, ssl_certificate=certificate(tmp_path, name)))
    assert answer.status == 400 and "which is the cloud's" in answer.json["message"], answer
    assert mallory.get("/apps").json == []


def hold(client, head):
    """A connection that has sent the head of a request and part of its body, and then nothing more."""
    raw = socket.create_connection(("127.0.0.1", client.cloud.port), timeout=10)
    tls = client.context.wrap_socket(raw, server_hostname=client.host)
    tls.sendall(head.replace("\n", "\r\n").encode())
    return tls


@pytest.mark.parametrize("head", [
    "POST /oauth/token HTTP/1.1\nHost: x\nTransfer-Encoding: chunked\nContent-Type: application/x-www-form-urlencoded\n\n1\na\n",
    "POST /authorize HTTP/1.1\nHost: x\nExpect: 100-continue\nContent-Length: 100\n"
    "Content-Type: application/x-www-form-urlencoded\n\n",
    "POST /nowhere HTTP/1.1\nHost: x\nTransfer-Encoding: chunked\n\n1\na\n",
], ids=["chunked", "expect", "nowhere"])
def test_strangers_with_slow_bodies_do_not_stop_the_api(mallory, head):
    """Nobody is signed in here: as many connections as msed has threads, and some more."""
    held = [hold(mallory, head) for _ in range(40)]
    try:
        started = time.monotonic()
        assert mallory.ask("GET", "/healthz", timeout=20).status == 200
        assert time.monotonic() - started < 3, "the API waits for strangers"
    finally:
        for tls in held:
            tls.close()
