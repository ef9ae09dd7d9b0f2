# SPDX-License-Identifier: Apache-2.0
"""Python never holds the enclave's keys: a search through all that Python can reach, told of them only masked."""
import json
import os

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

import ownertls
import sealedblob
import searcher

# All top level directories of a sandbox; its root itself cannot be listed.
TOPS = ["/" + name for name in ("bin", "code", "etc", "instance", "key", "lib", "lib64", "mse-app", "opt", "root", "run", "sbin",
                                "srv", "state", "tmp", "usr", "var")]
NAMES = {"sealing key", "RA-TLS key", "X25519 key", "code key", "owner's TLS key"}


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
def test_no_key_is_in_objects_environment_or_files(build, interface):
    """Every form of each, in every object, frame, module and integer; the same after a restart from sealed state. What
    was planted is found, in a closure and in a file: the search finds what is there."""
    control = os.urandom(32)
    files = {"app.py": searcher.code(interface, control.hex())}
    with ownertls.enclave(build, files, ec.generate_private_key(ec.SECP256R1())) as one:
        one.start()
        assert one.provision(one.body(ssl_private_key=ownertls.pem_of(one.owner_tls))).status == 200
        for _ in range(2):
            one.wait_running()
            secrets = sealedblob.of_enclave(one)
            assert {name for name, _ in secrets} == NAMES
            answer = one.request("POST", "/", body=searcher.request([*secrets, ("control", control)], [one.dir]))
            seen = json.loads(answer.text)
            count, found = seen["objects"]
            assert count > 10_000 and found and {what.partition(" in ")[0] for what in found} == {"control"}
            count, found = seen["files"]
            assert count >= 1 and [what.partition(" in ")[0] for what in found] == ["control"]
            assert seen["environment"][0] > 20 and seen["environment"][1] == []
            one.stop()
            one.start()


def test_no_key_is_in_a_real_sandbox(cloud, project):
    """The same in the sandbox of a node: every file of it, and exactly the environment that its manifest measures."""
    control = os.urandom(32)
    folder = project(cloud, "searching")
    (folder / "mse_src" / "app.py").write_text(searcher.code("wsgi", control.hex()))
    app = cloud.mse_json("deploy", cwd=folder)
    try:
        measurement = bytes.fromhex(app["fingerprint"])
        blob = (cloud.data / "apps" / app["id"] / "state/sealed.bin").read_bytes()
        key_of = sealedblob.node_key_of((cloud.data / "sim/node.secret").read_bytes(), measurement)
        secrets = sealedblob.secrets_of(sealedblob.opened(blob, key_of, measurement), key_of(blob[10:42]))
        assert {name for name, _ in secrets} == NAMES - {"owner's TLS key"}
        body = cloud.folder / "search.json"
        body.write_text(searcher.request([*secrets, ("control", control)], TOPS))
        cloud.mse("verify", f"{app['domain_name']}:{cloud.port}", "--fingerprint", app["fingerprint"], cwd=cloud.folder)
        answer = cloud.curl(f"https://{app['domain_name']}:{cloud.port}/", "--data-binary", f"@{body}",
                            cacert=cloud.folder / "cert.pem")
        seen = json.loads(answer.stdout)
        assert {what.partition(" in ")[0] for what in seen["objects"][1]} == {"control"}
        assert seen["files"][0] > 500 and seen["files"][1] == ["control in /mse-app/app.py"]
        assert seen["environment"][1] == []
        manifest = measured_environment(cloud, app)
        assert {k: v for k, v in seen["variables"].items() if k != "LC_CTYPE"} == manifest
    finally:
        cloud.mse("stop", app["id"], "-y")


def measured_environment(cloud, app):
    """loader.env of the manifest, which the fingerprint covers."""
    text = (cloud.data / "apps" / app["id"] / "manifest.toml").read_text()
    lines = text.partition("[loader.env]\n")[2].partition("\n\n")[0].splitlines()
    return {name: json.loads(value) for name, value in (line.split(" = ", 1) for line in lines)}
