# SPDX-License-Identifier: Apache-2.0
"""An application that fails or dies, on a cloud: its state, what the operator may know, what its owner reads."""
import killing
import pytest

IMPORT = "import helper\n"
HELPER = "def check():\n    raise ValueError('the secret of import')\ncheck()\n"
APP = """
import ctypes, os
from flask import Flask
app = Flask(__name__)
@app.get("/")
def index():
    return "up"
@app.get("/crash")
def crash():
    print("the secret before the crash", flush=True)
    ctypes.string_at(8)
@app.get("/leave")
def leave():
    print("the secret before the end", end="")
    os._exit(0)
"""


def status_of(cloud, name):
    """The app of that name, ended or not, with what `mse status` says of it."""
    app = next(app for app in cloud.mse_json("list", "--all")["apps"] if app["name"] == name)
    return cloud.mse_json("status", app["id"])


def raw_log(cloud, app):
    return (cloud.data / "apps" / app["id"] / "log").read_text()


def test_an_import_that_fails(cloud, project):
    folder = project(cloud, "cannotload")
    (folder / "mse_src/app.py").write_text(IMPORT)
    (folder / "mse_src/helper.py").write_text(HELPER)
    failed = cloud.mse("deploy", cwd=folder, check=False)
    assert failed.returncode == 1
    app = status_of(cloud, "cannotload")
    assert app["status"] == "on_error" and app["reason"] == "ended with status 3 (application-failed)"
    logs = cloud.mse("logs", app["id"], cwd=folder).stdout
    assert "Traceback (most recent call last):" in logs
    assert 'helper.py", line 2, in check' in logs and "ValueError: the secret of import" in logs
    assert "the secret" not in raw_log(cloud, app) and "Traceback" not in raw_log(cloud, app)


@pytest.mark.parametrize("path, reason, text", [
    ("crash", "killed by signal 11 (Segmentation fault)", "Fatal Python error: Segmentation fault"),
    ("leave", "ended with status 0", "the secret before the end"),
])
def test_one_that_dies_while_it_runs(cloud, project, path, reason, text):
    folder = project(cloud, f"dies{path}")
    (folder / "mse_src/app.py").write_text(APP)
    app = cloud.mse_json("deploy", cwd=folder)
    address = f"{app['domain_name']}:{cloud.port}"
    cloud.mse("verify", address, "--fingerprint", app["fingerprint"], cwd=cloud.folder)
    cloud.curl(f"https://{address}/{path}", cacert=cloud.folder / "cert.pem", check=False)
    killing.wait_until(lambda: status_of(cloud, f"dies{path}")["status"] == "on_error")
    ended = status_of(cloud, f"dies{path}")
    assert ended["reason"] == reason
    logs = cloud.mse("logs", app["id"], cwd=folder).stdout
    assert text in logs and "the secret before" in logs
    assert "the secret" not in raw_log(cloud, app)
