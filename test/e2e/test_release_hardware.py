# SPDX-License-Identifier: Apache-2.0
"""--release of hardware: no loader is pinned for it, so --libpal names one, and the fingerprint is that of `mse sgx
measure`. The enclave is one of the simulation that quotes this fingerprint; the loader is that of the vectors."""
import json
import re
import subprocess

import attackers
import attestcommand
import connector
import pytest
import testenclave
import watching
from test_sgx_measure import LIBPAL

ZERO = "00" * 32


@pytest.fixture
def release(cloud, deployed, tmp_path):
    """release(owner key): the manifest of a deployed app as it would be for hardware of that owner."""
    text = (cloud.data / "apps" / deployed["id"] / "manifest.toml").read_text()

    def make(owner):
        changed = re.sub(r'MSE_OWNER_KEY = "\w+"', f'MSE_OWNER_KEY = "{owner.hex()}"', text)
        changed = changed.replace('MSE_TEE = "sim"', 'MSE_TEE = "gramine"').replace("\ndebug = true\n", "\ndebug = false\n")
        sys = "[sys]\ndisallow_subprocesses = true\nenable_sigterm_injection = true\n\n"
        changed = changed.replace("[[sgx.trusted_files]]", sys + "[[sgx.trusted_files]]", 1)
        (tmp_path / "release.toml").write_text(changed)
        (tmp_path / "sim.toml").write_text(text)
        (tmp_path / "libpal.so").write_bytes(LIBPAL)
        return tmp_path / "release.toml", tmp_path / "libpal.so"
    return make


def measured(build, manifest, libpal):
    done = subprocess.run([build / "mse", "sgx", "measure", "--manifest", manifest, "--libpal", libpal, "--json"],
                          capture_output=True, check=True)
    return bytes.fromhex(json.loads(done.stdout)["mrenclave"])


def test_a_release_for_hardware(build, world, release, tmp_path):
    with world.enclave() as enclave:
        manifest, libpal = release(testenclave.raw_public(enclave.owner_key))
        enclave.tee.mrenclave = measured(build, manifest, libpal)
        enclave.start()
        assert enclave.provision(ticket=enclave.ticket()).status == 200
        enclave.wait_running()
        with attackers.passing(lambda _: enclave) as proxy:
            by_fresh(build, world, enclave, proxy.port, manifest, libpal, tmp_path)
            by_connect(world, enclave, proxy.port, manifest, libpal)
            by_watch(build, world, enclave, proxy.port, manifest, libpal, tmp_path)


def by_fresh(build, world, enclave, port, manifest, libpal, folder):
    def fresh(*options):
        return attestcommand.run(build, "fresh", "--json", "--host", f"{enclave.instance['domain']}:{port}", "--role", "2",
                                 "--allow-simulation", world.vendor.root, "--pccs", world.pccs.url, *options, cwd=folder)
    accepted = fresh("--release", manifest, "--libpal", libpal)
    assert accepted.code == 0 and accepted.json()["measurement"] == enclave.tee.mrenclave.hex(), accepted.text
    ticket = [check for check in accepted.json()["checks"] if "ticket" in check["name"]]
    assert ticket and ticket[0]["result"] == "passed", "a release names its owner"
    other = folder / "other.so"
    other.write_bytes(LIBPAL[:-8] + b"\0\x20" + LIBPAL[-6:])
    assert measured(build, manifest, other) != enclave.tee.mrenclave
    refused = fresh("--release", manifest, "--libpal", other)
    assert refused.code == 2 and refused.json()["error"] == "measurement", refused.text
    (folder / "text").write_text("text")
    for options, part in ((["--release", manifest], "--libpal"), (["--libpal", libpal], "--libpal goes with --release"),
                          (["--release", folder / "sim.toml", "--libpal", libpal], "for the simulation"),
                          (["--release", manifest, "--libpal", folder / "none"], "none"),
                          (["--release", manifest, "--libpal", folder], "--libpal"),
                          (["--release", manifest, "--libpal", folder / "text"], "too short for an ELF file"),
                          (["--release", manifest, "--libpal", libpal, "--measurement", ZERO], "does not allow")):
        result = fresh(*options)
        assert result.code == 1 and result.out == "" and part in result.err and result.err.count("\n") == 1, result.text


def by_connect(world, enclave, port, manifest, libpal):
    with connector.Connector(world, enclave.instance["domain"], port, "--release", manifest, "--libpal",
                             libpal) as running:
        assert running.request().status == 200 and running.ready["fingerprint_from"] == "release"
        libpal.write_bytes(LIBPAL[:-8] + b"\0\x20" + LIBPAL[-6:])
        running.wait_event("changed")
        assert running.request().error == "measurement"
        libpal.write_bytes(LIBPAL)
        watching.wait_for(lambda: running.request().status == 200)
    for options, part in ((["--release", manifest], "--libpal FILE"), (["--libpal", libpal], "--libpal goes with --release")):
        with pytest.raises(AssertionError, match=part):
            connector.Connector(world, enclave.instance["domain"], port, *options).close()


def by_watch(build, world, enclave, port, manifest, libpal, folder):
    with watching.Watch(build, folder, f"{enclave.instance['domain']}:{port}", "--interval", "1", "--allow-simulation",
                        world.vendor.root, "--pccs", world.pccs.url, "--release", manifest, "--libpal", libpal) as running:
        assert running.wait("first")["measurement"] == enclave.tee.mrenclave.hex()
        libpal.write_bytes(LIBPAL[:-8] + b"\0\x20" + LIBPAL[-6:])
        assert running.wait("alarm")["error"] == "measurement"
        libpal.write_bytes(LIBPAL)
        running.wait("recovery")
