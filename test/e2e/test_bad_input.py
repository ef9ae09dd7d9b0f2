# SPDX-License-Identifier: Apache-2.0
"""Bad input gets one clear sentence and a non-zero exit, and leaves no half-made app and no lost file."""
import io
import json
import os
import pathlib
import signal
import subprocess
import tarfile
import time

import pytest

import killing
import testcloud


def files_of(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def refused(cloud, folder, *arguments, env=None, stdin=""):
    """deploy must fail with one error, no app, no context and no file of the project changed; returns the error."""
    before = files_of(folder)
    apps = cloud.mse_json("list", "--all")["apps"]
    result = cloud.mse("deploy", *arguments, cwd=folder, env=env, check=False, stdin=stdin)
    assert result.returncode == 1, result.stdout + result.stderr
    assert files_of(folder) == before
    after = cloud.mse_json("list", "--all")["apps"]
    assert [a for a in after if a["status"] in ("spawning", "initializing", "running")] == \
        [a for a in apps if a["status"] in ("spawning", "initializing", "running")]
    errors = [line for line in result.stderr.splitlines() if "❌" in line or "rror" in line]
    assert len(errors) >= 1, result.stderr
    return result.stderr


def edit(folder, old, new):
    path = folder / "mse.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize("old, new, wanted", [
    ('name = "helloworld"', 'name = helloworld', "mse.toml:"),
    ('name = "helloworld"', 'nam = "helloworld"', "'name'"),
    ('project = "default"', 'project = "nothere"', "Project nothere does not exist"),
    ('hardware = "4g-eu-001"', 'hardware = "9g-xx-009"', "9g-xx-009"),
    ('python_application = "app:app"', 'python_application = "nomodule:app"', "'nomodule' not found in directory"),
    ("mse-flask:", "mse-nothing:", "is not approved or supported yet"),
    ("mse-flask:20261122", "mse-flask:latest", "latest tag"),
], ids=["syntax", "key", "project", "hardware", "module", "image", "latest"])
def test_configuration(cloud, project, old, new, wanted):
    folder = project(cloud)
    edit(folder, old, new)
    assert wanted in refused(cloud, folder)


def test_all_errors_at_once_with_their_places(cloud, project):
    folder = project(cloud)
    edit(folder, 'name = "helloworld"', 'name = ""')
    edit(folder, 'healthcheck_endpoint = "/health"', 'healthcheck_endpoint = "health"')
    errors = refused(cloud, folder)
    places = [line for line in errors.splitlines() if "mse.toml:" in line]
    assert len(places) == 2 and "'name'" in errors and "'healthcheck_endpoint'" in errors


def test_requirements_that_the_image_does_not_meet(cloud, project):
    folder = project(cloud)
    (folder / "mse_src" / "requirements.txt").write_text("flask>=99\n")
    errors = refused(cloud, folder)
    assert "flask" in errors.lower() and "99" in errors


def test_a_module_outside_the_bill_is_named(cloud, project):
    folder = project(cloud)
    source = folder / "mse_src" / "app.py"
    source.write_text("import tkinter\n" + source.read_text())
    errors = refused(cloud, folder)
    assert "tkinter" in errors


def test_no_slot_left(cloud, project, deployed):
    folder = project(cloud, "second")
    errors = refused(cloud, folder)
    assert "has not enough hardware available `4g-eu-001` to spawn app named `second`" in errors


def test_a_taken_name_asks_and_yes_replaces(cloud, project, deployed):
    errors = refused(cloud, deployed["folder"], stdin="n\n")
    assert "helloworld" in errors
    assert cloud.mse_json("status", deployed["id"])["status"] == "running"
    again = cloud.mse_json("deploy", "-y", cwd=deployed["folder"])
    assert again["fingerprint"] == deployed["fingerprint"]
    assert again["domain_name"] == deployed["domain_name"] and again["id"] != deployed["id"]
    cloud.mse("stop", again["id"], "-y")


def test_an_expired_token(cloud, project):
    folder = project(cloud)
    env = cloud.client_env(cloud.folder / "expired")
    cloud.mse("trust", "add", cloud.url, "--fingerprint", cloud.fingerprint_of_ca(), env=env)
    cloud.login(env=env)
    login = pathlib.Path(env["MSE_CONF_PATH"]) / "login.toml"
    token = testcloud.run([cloud.program("msed"), "token", "create", "--data-dir", cloud.data, "--user",
                           testcloud.EMAIL, "--expires-in", "1"], env=env).stdout.strip()
    cloud.mse("login", "--token-stdin", env=env, stdin=token + "\n")
    assert login.exists()
    time.sleep(2.1)
    errors = refused(cloud, folder, env=env)
    assert "login" in errors


def test_cloud_not_reachable(cloud, project, tmp_path):
    folder = project(cloud)
    env = dict(cloud.env, MSE_BASE_URL=f"https://api.mse.localhost:{testcloud.free_port()}")
    errors = refused(cloud, folder, env=env)
    assert "api.mse.localhost" in errors


def test_disk_full_in_the_workspace(cloud, project):
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    folder = project(cloud)
    (folder / "mse_src" / "big.bin").write_bytes(os.urandom(3 << 20))
    small = cloud.folder / "small"
    small.mkdir()
    testcloud.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", small])
    try:
        errors = refused(cloud, folder, "--workspace", small)
    finally:
        testcloud.run(["umount", small])
    assert "No space left on device" in errors


@pytest.mark.parametrize("seconds", [0.05, 0.2, 0.4, 0.7, 1.0])
def test_interrupted(cloud, project, seconds):
    folder = project(cloud, f"int{int(seconds * 1000)}")
    client = subprocess.Popen([cloud.program("mse"), "cloud", "deploy"], env=cloud.env, cwd=folder,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(seconds)
    client.send_signal(signal.SIGINT)
    _, errors = client.communicate(timeout=60)
    killing.wait_uploads_over(cloud)
    active = [a for a in cloud.mse_json("list")["apps"] if a["name"] == folder.name]
    if client.returncode == 0:
        cloud.mse("stop", active[0]["id"], "-y")
    else:
        assert active == [], errors


def tar_with(members):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for member, content in members:
            tar.addfile(member, io.BytesIO(content))
    return data.getvalue()


def member(name, size=0, **fields):
    info = tarfile.TarInfo(name)
    info.size = size
    for key, value in fields.items():
        setattr(info, key, value)
    return info


HOSTILE = {
    "dotdot": (tar_with([(member("../evil.enc", 3), b"abc")]), "../evil.enc"),
    "absolute": (tar_with([(member("/etc/evil.enc", 3), b"abc")]), "/etc/evil.enc"),
    "symlink": (tar_with([(member("app.py.enc", type=tarfile.SYMTYPE, linkname="/etc/passwd"), b"")]), "app.py.enc"),
    "hardlink": (tar_with([(member("app.py.enc", type=tarfile.LNKTYPE, linkname="x"), b"")]), "app.py.enc"),
    "device": (tar_with([(member("app.py.enc", type=tarfile.CHRTYPE, devmajor=1, devminor=3), b"")]), "app.py.enc"),
    "twice": (tar_with([(member("a.enc", 1), b"a"), (member("a.enc", 1), b"b")]), "a.enc"),
    "truncated": (tar_with([(member("a.enc", 2000), b"a" * 2000)])[:1024], "tar"),
    "not a tar": (b"\x89PNG" + b"x" * 2000, "tar"),
}


def post_app(cloud, tar, **changes):
    token = testcloud.run([cloud.program("msed"), "token", "create", "--data-dir", cloud.data, "--user",
                           testcloud.EMAIL], env=cloud.env).stdout.strip()
    conf = {"name": "hostile", "project": "default", "dev_mode": False, "healthcheck_endpoint": "/",
            "python_application": "app:app", "hardware": "4g-eu-001", "docker": "mse-flask:20261122", **changes}
    form = cloud.folder / "hostile.tar"
    form.write_bytes(tar)
    answer = cloud.curl(f"{cloud.url}/apps", "-H", f"Authorization: Bearer {token}", "-F", f"code=@{form}", "-F",
                        f"conf={json.dumps(conf)};type=application/json", "--no-fail", "-w", "\n%{http_code}", check=False)
    body, _, status = answer.stdout.rpartition("\n")
    return int(status or 0), body


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_tar(cloud, name):
    tar, wanted = HOSTILE[name]
    before = sorted(p.name for p in (cloud.data / "apps").iterdir())
    status, body = post_app(cloud, tar)
    assert status in (400, 422), body
    assert wanted in json.loads(body)["message"]
    assert sorted(p.name for p in (cloud.data / "apps").iterdir()) == before
    assert cloud.mse_json("list")["apps"] == []


def test_a_tar_over_the_maximum(cloud, project):
    """A sparse file of 2 GiB: refused by the client before anything is read to its end."""
    folder = project(cloud)
    with open(folder / "mse_src" / "big.bin", "wb") as file:
        file.truncate(2 << 30)
    result = cloud.mse("deploy", cwd=folder, check=False)
    (folder / "mse_src" / "big.bin").unlink()
    assert result.returncode == 1
    assert "big.bin" in result.stderr or "2147483648" in result.stderr
    assert cloud.mse_json("list")["apps"] == []
