# SPDX-License-Identifier: Apache-2.0
"""mse-enclave on a port: the whole main path over TCP, the messages when it cannot listen, the time it waits."""
import socket
import time

import pytest
import testenclave

APP = """
def app(environ, start):
    start("200 OK", [("Content-Type", "text/plain")])
    return [(environ["REMOTE_ADDR"] + " " + environ["wsgi.url_scheme"]).encode()]
"""
PROXY_HEADER = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x01\x02\x03\x04\x05\x06\x07\x08\0\x50\0\x51"


def enclave(build, listen="127.0.0.1:0", **settings):
    return testenclave.Enclave(build, {"app.py": APP}, MSE_LISTEN=listen, **settings)


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "[::1]:0", "0.0.0.0:0"])
def test_from_start_to_answer(build, listen):
    with enclave(build, listen) as one:
        one.start()
        waiting = one.get()
        assert (waiting.status, waiting.headers["Mse-Status"]) == (200, "Waiting")
        assert one.provision().status == 200
        one.wait_running()
        assert one.get().text == ("::1" if "::1" in listen else "127.0.0.1") + " https"


def test_a_restart_takes_the_same_port_at_once(build):
    """SO_REUSEADDR: connections of before that linger do not hold the port."""
    with enclave(build) as one:
        one.run()
        one.env["MSE_LISTEN"] = f"127.0.0.1:{one.port()}"
        held = one.connect()
        assert one.stop() == 0
        one.start()
        held.close()
        one.wait_running()
        assert one.get().status == 200


def test_no_delay(build):
    """Forty small answers on one connection take no 40 ms each, as they would with Nagle's algorithm."""
    with enclave(build) as one:
        one.run()
        with one.connect() as tls:
            began = time.monotonic()
            for _ in range(40):
                assert one.get(tls=tls).status == 200
            assert time.monotonic() - began < 40 * 0.040


@pytest.mark.parametrize("listen, wanted", [
    ("BUSY", "something already listens there"),
    ("203.0.113.1:0", "not an address of this machine"),
])
def test_it_says_why_it_cannot_listen(build, listen, wanted):
    with socket.create_server(("127.0.0.1", 0)) as busy:
        if listen == "BUSY":
            listen = f"127.0.0.1:{busy.getsockname()[1]}"
        with enclave(build, listen) as one:
            one.start(wait=False)
            assert one.wait_exit() == 8
            last = one.log_text().splitlines()[-1]
            assert last == f"mse-enclave: listen-failed: cannot listen on {listen}: {wanted}"


@pytest.mark.parametrize("listen", ["127.0.0.1", "::1:443", "app.host:443", "127.0.0.1:70000", "tcp:1"])
def test_bad_forms_are_named(build, listen):
    with enclave(build, listen) as one:
        one.start(wait=False)
        assert one.wait_exit() == 2
        assert "mse-enclave: settings-invalid: setting 'MSE_LISTEN'" in one.log_text()


def test_nobody_can_claim_an_address_on_a_port(build):
    """The PROXY header is believed on a unix socket, where our proxy stands, or when a measured setting says so."""
    with enclave(build) as one:
        one.run()
        with one.dial() as raw:
            raw.sendall(PROXY_HEADER)
            assert b"1.2.3.4" not in raw.recv(1000)
    with enclave(build, MSE_PROXY="optional") as one:
        one.run()
        raw = one.dial()
        raw.sendall(PROXY_HEADER)
        with testenclave.client_context().wrap_socket(raw, server_hostname=testenclave.CONFIG_DOMAIN) as tls:
            assert one.get(tls=tls).text == "1.2.3.4 https"


def test_it_waits_so_long_and_no_longer(build):
    with enclave(build, MSE_WAIT_SECONDS="1") as one:
        began = time.monotonic()
        one.start()
        assert one.wait_exit() == 9
        assert time.monotonic() - began >= 1
        assert one.log_text().splitlines()[-1] == "mse-enclave: not-provisioned: nobody came within 1 seconds"


def test_who_comes_later_is_not_told_to_wait(build):
    with enclave(build, MSE_WAIT_SECONDS="1") as one:
        one.start()
        with testenclave.client_context().wrap_socket(one.dial(), server_hostname=testenclave.CONFIG_DOMAIN) as tls:
            tls.sendall(b"GET / HTTP/1.1\r\n")
            while "nobody came" not in one.log_text():
                time.sleep(0.05)
            tls.sendall(b"Host: a\r\n\r\n")
            answer = tls.recv(1000)
        assert answer.startswith(b"HTTP/1.1 503 ") and b"\r\nMse-Status: Stopping\r\n" in answer
        assert one.wait_exit() == 9


def test_once_provisioned_it_stays(build):
    with enclave(build, MSE_WAIT_SECONDS="2") as one:
        one.run()
        time.sleep(2.2)
        assert one.get().status == 200


def test_it_takes_no_arguments(build):
    with enclave(build) as one:
        one.argv = ["mse-enclave", "--plaincode"]
        one.start(wait=False)
        assert one.wait_exit() == 2
        assert "'--plaincode'" in one.log_text()
