# SPDX-License-Identifier: Apache-2.0
"""A cloud that a user trusts for its own apps, and that wants to be believed for another's (docs/testing-channel.md)."""
import http.server
import json
import subprocess
import threading

import pytest

import attackers


class Api:
    """GET /cloud of a cloud at https://api.evil.localhost."""

    def __init__(self, vendor, base_domain):
        ca = attackers.make_certificate("Evil CA", is_ca=True)
        leaf = attackers.make_certificate("api.evil.localhost", issuer=ca)
        answer = {"base_domain": base_domain, "ca": attackers.pem(ca[0]).decode(), "tee": "sim", "version": "0",
                  "simulation_root": vendor.root.read_text(), "issuer": "https://api.evil.localhost", "public_port": 443}

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                data = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.socket = attackers.server_context(*leaf).wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://api.evil.localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def trust_add(world, api, conf):
    return subprocess.run([world.build / "mse", "cloud", "trust", "add", api.url, "-y"], capture_output=True, text=True,
                          env={"HOME": str(conf.parent), "PATH": "/usr/bin", "MSE_CONF_PATH": str(conf), "NO_COLOR": "1"},
                          stdin=subprocess.DEVNULL, timeout=30)


@pytest.mark.parametrize("claimed", ["mse.localhost", "localhost", "il.localhost", "other.evil.localhost", ""])
def test_a_cloud_that_claims_the_domain_of_another(world, tmp_path, claimed):
    """Its simulation root would be believed for every app below the domain that it claims."""
    with Api(world.vendor, claimed) as api:
        seen = trust_add(world, api, tmp_path / "conf")
        assert seen.returncode == 1 and "base_domain" in seen.stderr, seen.stdout + seen.stderr
        with world.enclave() as enclave:
            enclave.run()
            with attackers.passing(lambda _: enclave) as proxy:
                env = {"MSE_CONF_PATH": str(tmp_path / "conf")}
                assert world.verify(enclave, proxy.port, root=False, env=env).name == "simulated"


def test_a_root_is_believed_for_its_own_cloud_only(world, tmp_path):
    with Api(world.vendor, "evil.localhost") as api:
        seen = trust_add(world, api, tmp_path / "conf")
        assert seen.returncode == 0, seen.stderr
    env = {"MSE_CONF_PATH": str(tmp_path / "conf")}
    for domain, name in (("0123456789abcdef.evil.localhost", "none"), ("0123456789abcdef.mse.localhost", "simulated"),
                         ("0123456789abcdef.devil.localhost", "simulated")):
        with world.enclave(domain=domain) as enclave:
            enclave.instance["config_domain"] = domain
            enclave.write_instance()
            enclave.run()
            with attackers.passing(lambda _: enclave) as proxy:
                seen = world.verify(enclave, proxy.port, root=False, env=env)
                assert seen.name == name, seen.text
