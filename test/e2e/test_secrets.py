# SPDX-License-Identifier: Apache-2.0
"""Code key, secrets, project key and log key are nowhere on the operator's side: memory, data folder, logs, argv."""
import json
import pathlib
import subprocess
import sys
import tomllib

from cryptography.hazmat.primitives import serialization

import memory
import testcloud

SECRET = b"a secret that the operator never sees 5f1d"


def operator_processes(cloud):
    """Everything that belongs to the cloud but the enclaves themselves."""
    found = []
    for pid, command in testcloud.processes_of(cloud.folder):
        name = pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
        if name in ("msed", "mse-sim", "haproxy"):
            found.append((pid, name, command))
    return found


def use_own_certificate(folder):
    """The project serves under a name and a TLS key of its owner; returns what of the key must stay secret."""
    testcloud.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                   "-keyout", folder / "key.pem", "-out", folder / "chain.pem", "-days", "30", "-subj",
                   "/CN=app.owner.localhost", "-addext", "subjectAltName=DNS:app.owner.localhost"])
    with open(folder / "mse.toml", "a") as file:
        file.write('[cloud.ssl]\ndomain_name = "app.owner.localhost"\nprivate_key = "key.pem"\n'
                   'certificate = "chain.pem"\n')
    pem = (folder / "key.pem").read_bytes()
    scalar = serialization.load_pem_private_key(pem, None).private_numbers().private_value
    return {"TLS key": scalar.to_bytes(32, "big")}, {"a line of the TLS key's PEM": pem.splitlines()[2]}


def owner_secrets(cloud, app_id):
    conf = pathlib.Path(cloud.env["MSE_CONF_PATH"])
    context = tomllib.loads((conf / "context" / app_id / "context.mse").read_text())
    keys = [bytes.fromhex(p.read_text().strip()) for p in (conf / "keys").iterdir()]
    assert keys, "no project key"
    secrets = {"code key": bytes.fromhex(context["config"]["code_secret_key"]), "secret": SECRET}
    secrets.update({f"project key {i}": key for i, key in enumerate(keys)})
    return secrets


def needles_of(secrets):
    return {f"{what} as {form}": needle for what, value in secrets.items() for form, needle in memory.forms(value).items()}


def test_the_search_finds_what_is_there(tmp_path):
    planted = bytes(range(100, 132))
    needles = memory.forms(planted)
    for number, (name, needle) in enumerate(needles.items()):
        (tmp_path / f"{number}").write_bytes(b"x" * 1000 + needle + b"y")
    found = memory.in_folder(tmp_path, needles)
    assert set.union(*found.values()) == set(needles)
    child = subprocess.Popen([sys.executable, "-c", "import base64,sys; b=bytes(range(100,132));"
                              "k=[b+b'', b.hex(), base64.b64encode(b'1'+b+b'z'), base64.urlsafe_b64encode(b+b'z')];"
                              "print('up', flush=True); sys.stdin.read()"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout.readline() == "up\n"
        found = memory.in_process(child.pid, needles)
    finally:
        child.stdin.close()
        child.wait()
    assert {"raw", "hex", "base64+1", "base64url+0"} <= found


def test_the_operator_never_holds_a_secret(fresh_cloud, project):
    cloud = fresh_cloud
    folder = project(cloud)
    (folder / "secrets.json").write_text(json.dumps({"planted": SECRET.decode()}))
    tls_key, tls_line = use_own_certificate(folder)
    app = cloud.mse_json("deploy", cwd=folder)
    assert app["ssl_certificate_origin"] == "owner"
    cloud.mse("test", app["id"], cwd=folder, check=False)
    cloud.mse("logs", app["id"])
    needles = {**needles_of({**owner_secrets(cloud, app["id"]), **tls_key}), **tls_line}
    processes = operator_processes(cloud)
    assert {name for _, name, _ in processes} == {"msed", "mse-sim", "haproxy"}
    for pid, name, command in processes:
        assert memory.in_process(pid, needles) == set(), f"{name}: {command}"
    assert memory.in_folder(cloud.data, needles) == {}
    assert memory.in_folder(cloud.folder / "owner" / ".cache", needles) == {}
    log = (cloud.folder / "msed.log").read_bytes()
    assert {name for name, needle in needles.items() if needle in log} == set()
    # The control: the same search over the same places finds what the operator does know.
    known = {"domain": app["domain_name"].encode()}
    assert any(memory.in_process(pid, known) for pid, name, _ in processes if name == "msed")
    assert memory.in_folder(cloud.data, known)


def symbols(program):
    return testcloud.run(["nm", program]).stdout


def test_msed_has_no_function_that_could_decrypt(build):
    decrypting = ("secretbox_open", "crypto_secretbox_open", "sealedbox_open", "crypto_box_seal_open", "xchacha_open")
    of_msed, of_enclave = symbols(build / "msed"), symbols(build / "mse-enclave")
    assert [name for name in decrypting if name in of_msed] == []
    assert all(name in of_enclave for name in decrypting)
