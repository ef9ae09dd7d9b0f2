# SPDX-License-Identifier: Apache-2.0
"""The signals of mse-enclave besides SIGTERM (docs/formats/enclave-exit.md has the table; stops are in test_enclave_life.py)."""
import signal
import ssl
import time

import pytest

import testenclave

# What a request for /60 does: it stays, and its client would wait for a minute.
APPS = {
    "wsgi": """
import time
def app(environ, start_response):
    if environ["PATH_INFO"] == "/60":
        print("in", flush=True)
        time.sleep(60)
    start_response("200 OK", [])
    return [b"hello"]
""",
    "asgi": """
import asyncio
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        return
    if scope["path"] == "/60":
        print("in", flush=True)
        await asyncio.sleep(60)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})
"""}

TAKES = """
import signal
for number in (signal.SIGUSR2, signal.SIGQUIT, signal.SIGTERM):
    signal.signal(number, lambda number, frame: print("took", number, flush=True))
""" + APPS["wsgi"]


def is_told(enclave, name, times=1):
    return enclave.log_text().count(f"mse-enclave: {name} is not used here\n") == times


@pytest.mark.parametrize("interface", sorted(APPS))
def test_sigquit_waits_for_no_request(build, interface):
    with testenclave.Enclave(build, {"app.py": APPS[interface]}) as enclave:
        enclave.run()
        tls = enclave.connect()
        tls.settimeout(20)
        tls.sendall(b"GET /60 HTTP/1.1\r\nHost: " + testenclave.CONFIG_DOMAIN.encode() + b"\r\n\r\n")
        enclave.wait(lambda: enclave.app_log() == "in\n")
        began = time.monotonic()
        enclave.process.send_signal(signal.SIGQUIT)
        assert enclave.wait_exit() == 0
        assert time.monotonic() - began < 8, "SIGTERM lets it run for 10 s"
        try:
            assert b"hello" not in tls.recv(1000)
        except (ConnectionError, ssl.SSLError):
            pass
        tls.close()


def test_sigquit_before_the_owner_comes(build):
    with testenclave.Enclave(build, {"app.py": APPS["wsgi"]}) as enclave:
        enclave.start()
        enclave.process.send_signal(signal.SIGQUIT)
        assert enclave.wait_exit() == 0
        assert enclave.log_text().endswith("mse-enclave: stopped\n")


def test_signals_of_other_servers_end_nothing(build):
    with testenclave.Enclave(build, {"app.py": APPS["wsgi"]}) as enclave:
        enclave.start()
        for times in (1, 2):
            for number in (signal.SIGUSR1, signal.SIGUSR2):
                enclave.process.send_signal(number)
                enclave.wait(lambda: is_told(enclave, number.name, times))
            if times == 1:
                assert enclave.get().headers["Mse-Status"] == "Waiting"
                assert enclave.provision().status == 200
                enclave.wait_running()
        assert enclave.get().text == "hello"
        assert enclave.stop() == 0


def test_unused_signals_make_the_waiting_no_longer(build):
    with testenclave.Enclave(build, {"app.py": APPS["wsgi"]}, MSE_WAIT_SECONDS="1") as enclave:
        enclave.start()
        began = time.monotonic()
        while enclave.process.poll() is None and time.monotonic() - began < 15:
            enclave.process.send_signal(signal.SIGUSR1)
            time.sleep(0.1)  # many in each second of the waiting
        assert enclave.wait_exit() == 9


def test_the_application_may_take_what_is_unused(build):
    with testenclave.Enclave(build, {"app.py": TAKES}) as enclave:
        enclave.run()
        enclave.process.send_signal(signal.SIGUSR2)
        enclave.wait(lambda: f"took {int(signal.SIGUSR2)}\n" in enclave.app_log())
        assert not is_told(enclave, "SIGUSR2")
        enclave.process.send_signal(signal.SIGQUIT)
        assert enclave.wait_exit() == 0
        assert f"took {int(signal.SIGQUIT)}" not in enclave.app_log()
