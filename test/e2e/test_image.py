# SPDX-License-Identifier: Apache-2.0
"""mse image, publishers, and the three rules by which a bill is believed (docs/formats/bill.md)."""
import hashlib
import json
import os
import shutil
import signal
import stat

import pytest
import testcloud

IMAGE = "mse-flask:20261122"
RUNTIME = "usr/bin/mse-enclave"


class Publisher:
    """Somebody who signs bills."""

    def __init__(self, build, folder, bills=None):
        self.mse = build / "mse"
        self.env = {**os.environ, "MSE_CONF_PATH": str(folder / "conf")}
        if bills:
            (folder / "conf").mkdir()
            (folder / "conf" / "bills").symlink_to(bills)
        self.key = folder / "publisher.key"
        self.run("key", self.key)
        self.public_file = folder / "publisher.key.pub"
        self.public = self.public_file.read_text().strip()

    def run(self, *args, check=True):
        return testcloud.run([self.mse, "image", *args], env=self.env, check=check)

    def json(self, *args):
        return json.loads(self.run(*args, "--json").stdout)


@pytest.fixture(scope="module")
def computed(bills, tmp_path_factory):
    """Where publishers find the bills that one of them computed before."""
    return shutil.copytree(bills, tmp_path_factory.mktemp("bills"), dirs_exist_ok=True)


@pytest.fixture
def publisher(build, computed, tmp_path):
    return Publisher(build, tmp_path, computed)


def test_bill_is_the_same_everywhere(build, cloud, tmp_path):
    publisher = Publisher(build, tmp_path)
    stored = (cloud.data / "images" / IMAGE / "bill.json").read_bytes()
    assert publisher.run("bill", IMAGE).stdout.encode() == stored
    told = publisher.json("bill", IMAGE, "--output", tmp_path / "bill.json")
    assert (tmp_path / "bill.json").read_bytes() == stored
    assert told["digest"] == hashlib.sha256(stored).hexdigest() and told["image"] == IMAGE
    assert told["files"] == len(json.loads(stored)["files"]) > 1000
    assert told["runtime_sha256"] == hashlib.sha256((build / "mse-enclave").read_bytes()).hexdigest()


def test_keys_and_signatures(publisher, tmp_path):
    assert stat.S_IMODE(publisher.key.stat().st_mode) == 0o600
    again = publisher.run("key", publisher.key, check=False)
    assert again.returncode == 1 and "publisher.key" in again.stderr
    publisher.run("bill", IMAGE, "--output", tmp_path / "bill.json")
    publisher.run("sign", tmp_path / "bill.json", "--key", publisher.key)
    signature = json.loads((tmp_path / "bill.sig").read_text())
    assert signature["key"] == publisher.public
    assert signature["bill"] == hashlib.sha256((tmp_path / "bill.json").read_bytes()).hexdigest()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    Ed25519PublicKey.from_public_bytes(bytes.fromhex(publisher.public)).verify(
        bytes.fromhex(signature["signature"]), b"mse-bill-1" + bytes.fromhex(signature["bill"]))
    for wrong in (publisher.public_file, tmp_path / "bill.json", tmp_path / "absent"):
        refused = publisher.run("sign", wrong, "--key", tmp_path / "bill.json", check=False)
        assert refused.returncode == 1 and len(refused.stderr.splitlines()) == 1


def other_runtime(build, folder):
    """A runtime that works and that nobody knows: bytes behind the end of an ELF are never loaded."""
    path = folder / "mse-enclave"
    path.write_bytes((build / "mse-enclave").read_bytes() + b"another build")
    path.chmod(0o755)
    return path


def test_verify_names_the_rule(build, cloud, publisher, tmp_path):
    runtime = other_runtime(build, tmp_path)
    bill, signature = tmp_path / "bill.json", tmp_path / "bill.sig"
    publisher.run("bill", IMAGE, "--runtime", runtime, "--output", bill)
    publisher.run("sign", bill, "--key", publisher.key, "--output", signature)
    signed = ("verify", bill, "--signature", signature)
    refused = publisher.run(*signed, check=False)
    assert refused.returncode == 1 and "bill-untrusted" in refused.stderr and f"'{RUNTIME}' differs" in refused.stderr
    assert publisher.json("verify", bill, "--runtime", runtime)["bill"] == "recomputed"
    assert "rule b" in publisher.run("verify", bill, "--runtime", runtime).stderr

    trust = [build / "mse", "cloud", "trust"]
    testcloud.run([*trust, "add-publisher", publisher.public_file], env=publisher.env)
    told = publisher.json(*signed)
    assert (told["bill"], told["bill_publisher"]) == ("signed", publisher.public)
    assert f"signed by publisher {publisher.public} (rule a)" in publisher.run(*signed).stderr
    listed = json.loads(testcloud.run([*trust, "list", "--json"], env=publisher.env).stdout)
    assert listed["publishers"] == [publisher.public]
    assert publisher.public in testcloud.run([*trust, "list"], env=publisher.env).stdout

    forged = json.loads(signature.read_text())
    forged["signature"] = "00" * 64
    signature.write_text(json.dumps(forged, separators=(",", ":")))
    refused = publisher.run(*signed, "--runtime", runtime, check=False)
    assert refused.returncode == 1 and "does not verify" in refused.stderr

    testcloud.run([*trust, "remove-publisher", publisher.public], env=publisher.env)
    again = testcloud.run([*trust, "remove-publisher", publisher.public], env=publisher.env, check=False)
    assert again.returncode == 1 and "not trusted" in again.stderr
    assert publisher.run(*signed, check=False).returncode == 1


def test_wrong_public_keys(build, publisher, tmp_path):
    for name, text in (("short", "ab\n"), ("long", "ab" * 33), ("letters", "zz" * 32), ("empty", "")):
        (tmp_path / name).write_text(text)
        refused = testcloud.run([build / "mse", "cloud", "trust", "add-publisher", tmp_path / name], env=publisher.env,
                                check=False)
        assert refused.returncode == 1 and "is no publisher's public key" in refused.stderr, name
    refused = testcloud.run([build / "mse", "trust", "remove-publisher", "../login"], env=publisher.env, check=False)
    assert refused.returncode == 1 and "is no publisher's key" in refused.stderr


def install_image(cloud, publisher, runtime):
    """The operator gets an image from a publisher: another runtime, its bill, the signature."""
    folder = cloud.data / "images" / IMAGE
    installed = folder / "root" / RUNTIME
    for path in (installed, installed.parent, folder / "bill.json"):
        path.chmod(path.stat().st_mode | stat.S_IWUSR)
    installed.write_bytes(runtime.read_bytes())
    publisher.run("bill", IMAGE, "--runtime", runtime, "--output", folder / "bill.json")
    publisher.run("sign", folder / "bill.json", "--key", publisher.key)
    cloud.kill(signal.SIGTERM)
    cloud.start()
    return folder


def verify_as_user(cloud, app, context, folder, *trust):
    """An app user with an empty configuration but for trust in the cloud, and perhaps in a publisher."""
    home = folder / ("user-with-publisher" if trust else "user")
    env = cloud.client_env(home)
    cloud.mse("trust", "add", cloud.url, "--fingerprint", cloud.fingerprint_of_ca(), env=env)
    if trust:
        cloud.mse("trust", "add-publisher", *trust, env=env)
    words = ("verify", f"{app['domain_name']}:{cloud.port}", "--context", context, "--code", app["folder"] / "mse_src")
    return cloud.mse_json(*words, env=env, cwd=folder), cloud.mse(*words, env=env, cwd=folder).stdout


def test_each_rule_in_a_deployment(build, fresh_cloud, project, publisher, tmp_path):
    cloud = fresh_cloud
    folder = project(cloud)
    image = install_image(cloud, publisher, other_runtime(build, tmp_path))
    assert cloud.curl(f"{cloud.url}/images/{IMAGE}/bill.sig").stdout == (image / "bill.sig").read_text()

    refused = cloud.mse("deploy", cwd=folder, check=False)
    assert refused.returncode == 1 and "bill-untrusted" in refused.stderr and f"'{RUNTIME}' differs" in refused.stderr
    assert cloud.mse_json("list", "--all")["apps"] == [], "refused before anything was sent"

    cloud.mse("trust", "add-publisher", publisher.public_file)
    app = cloud.mse_json("deploy", cwd=folder)
    app["folder"] = folder
    assert (app["status"], app["bill"], app["bill_publisher"]) == ("running", "signed", publisher.public)

    context = tmp_path / "context.mse"
    cloud.mse("context", "--export", app["id"], "--output", context)
    verdict, text = verify_as_user(cloud, app, context, tmp_path)
    assert (verdict["verdict"], verdict["bill"]) == ("accept", "pinned")
    assert "pinned in the context (rule c)" in text and verdict["measurement"] == app["fingerprint"]
    verdict, text = verify_as_user(cloud, app, context, tmp_path, publisher.public_file)
    assert (verdict["verdict"], verdict["bill"]) == ("accept", "signed")
    assert f"signed by publisher {publisher.public} (rule a)" in text
    cloud.mse("stop", app["id"], "-y")


def test_an_unsigned_bill_has_no_signature(cloud):
    missing = cloud.curl(f"{cloud.url}/images/{IMAGE}/bill.sig", check=False)
    assert missing.returncode != 0 and "404" in missing.stderr


def test_a_signature_for_another_bill_stops_the_operator(build, fresh_cloud, publisher, tmp_path):
    folder = fresh_cloud.data / "images" / IMAGE
    publisher.run("bill", IMAGE, "--runtime", other_runtime(build, tmp_path), "--output", tmp_path / "bill.json")
    publisher.run("sign", tmp_path / "bill.json", "--key", publisher.key, "--output", folder / "bill.sig")
    fresh_cloud.kill(signal.SIGTERM)
    refused = testcloud.run([fresh_cloud.program("msed"), "--data-dir", fresh_cloud.data], env=fresh_cloud.env,
                            check=False, timeout=30)
    assert refused.returncode == 1 and "signs another bill" in refused.stderr
    (folder / "bill.sig").unlink()
    fresh_cloud.start()
