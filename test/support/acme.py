# SPDX-License-Identifier: Apache-2.0
"""A certificate authority of ACME (pebble) on the loopback, and certbot as its client. Validation always succeeds: what
is wanted is how certbot lays out and renews its files."""
import json
import os
import pathlib
import socket
import subprocess
import time

import attackers
import testcloud

START_SECONDS = 30


class Authority:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.port = testcloud.free_port()
        certificate, key = attackers.make_certificate("localhost")
        (self.folder / "pebble.pem").write_bytes(attackers.pem(certificate))
        (self.folder / "pebble.key").write_bytes(attackers.key_pem(key))
        self.config = {"listenAddress": f"127.0.0.1:{self.port}", "managementListenAddress": "",
                       "certificate": str(self.folder / "pebble.pem"), "privateKey": str(self.folder / "pebble.key"),
                       "httpPort": testcloud.free_port(), "tlsPort": testcloud.free_port()}

    def __enter__(self):
        (self.folder / "pebble.json").write_text(json.dumps({"pebble": self.config}))
        self.log = open(self.folder / "pebble.log", "ab")
        env = {"PATH": os.environ["PATH"], "PEBBLE_VA_ALWAYS_VALID": "1", "PEBBLE_VA_NOSLEEP": "1",
               "PEBBLE_WFE_NONCEREJECT": "0"}
        self.process = subprocess.Popen(["pebble", "-config", self.folder / "pebble.json"], stdout=self.log, stderr=self.log,
                                        env=env)
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 5).close()
                return self
            except OSError:
                assert self.process.poll() is None and time.monotonic() < end, (self.folder / "pebble.log").read_text()
                time.sleep(0.05)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)
        self.log.close()

    def certbot(self, domain, *more):
        """Gets a certificate, or a new one; the folder of its links."""
        home = self.folder / "letsencrypt"
        env = {"PATH": os.environ["PATH"], "REQUESTS_CA_BUNDLE": str(self.folder / "pebble.pem")}
        testcloud.run(["certbot", "certonly", "-n", "--standalone", "--http-01-port", self.config["httpPort"], "-d", domain,
                       "--server", f"https://localhost:{self.port}/dir", "--agree-tos", "--register-unsafely-without-email",
                       "--force-renewal", "--config-dir", home, "--work-dir", home / "work", "--logs-dir", home / "logs", *more],
                      env=env, timeout=120)
        return home / "live" / domain
