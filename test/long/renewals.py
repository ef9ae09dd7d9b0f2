# SPDX-License-Identifier: Apache-2.0
"""The plain server beside certbot, with pebble as the authority: what it renews is shown, and nobody is cut off. The short
twins are test/unit/enclave/test_plain_tls.c (its links) and test/e2e/test_plain_certificate.py."""
import os
import pathlib
import tempfile
import threading

import acme
from plainserver import PlainServer
from renewing import APP, ask, dial, shown

NAME = "localhost.example"
RENEWALS = 3


class Held:
    """A connection that asks all the time."""

    def __init__(self, server):
        self.tls, self.asked, self.fault, self.wanted = dial(server), 0, None, True
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        try:
            while self.wanted:
                assert b"done" in ask(self.tls)
                self.asked += 1
        except (OSError, AssertionError) as fault:
            self.fault = fault

    def end(self):
        self.wanted = False
        self.thread.join()
        self.tls.close()


def run(build):
    with tempfile.TemporaryDirectory(prefix="mse-acme-") as folder, acme.Authority(folder) as authority:
        live = authority.certbot(NAME)
        files = ("--cert", live / "fullchain.pem", "--key", live / "privkey.pem")
        with PlainServer(build, {"app.py": APP}, *files) as server:
            held, seen = Held(server), [shown(server)]
            for _ in range(RENEWALS):
                old = os.readlink(live / "fullchain.pem")
                authority.certbot(NAME)
                assert os.readlink(live / "fullchain.pem") != old
                server.wait_for(lambda: shown(server) != seen[-1])
                seen.append(shown(server))
                assert pathlib.Path(live / "cert.pem").read_text().split() == seen[-1].split()
            held.end()
            assert held.fault is None and held.asked > 0, held.fault
            assert "stays as it was" not in server.messages()
    return f"{RENEWALS} renewals by certbot shown, {held.asked} requests on a connection that was held meanwhile"
