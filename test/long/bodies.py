# SPDX-License-Identifier: Apache-2.0
"""Big bodies through haproxy, TLS and the enclave: whole, unchanged, and in bounded memory."""
import hashlib
import os
import pathlib
import subprocess

import killing

LIMIT = 2 << 30  # of a request's body (mission E4)
PIECE = 1 << 20
APP = '''
import hashlib

from flask import Flask, Response, request

app = Flask(__name__)


@app.get("/health")
def health():
    return "OK"


@app.post("/sum")
def body_sum():
    seen = hashlib.sha256()
    for piece in iter(lambda: request.stream.read(1 << 20), b""):
        seen.update(piece)
    return seen.hexdigest()


@app.get("/bytes/<int:size>")
def body_bytes(size):
    def pieces(left=size):
        while left > 0:
            yield bytes(min(left, 1 << 20))
            left -= 1 << 20
    return Response(pieces(), mimetype="application/octet-stream")
'''


def sum_of_zeros(size):
    seen, piece = hashlib.sha256(), bytes(PIECE)
    for at in range(0, size, PIECE):
        seen.update(piece[:min(PIECE, size - at)])
    return seen.hexdigest()


def memory_peak(cloud, app):
    """VmHWM in MiB of the app's enclave."""
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "comm").read_text().strip() == "mse-enclave" and \
                    cloud.data.name in os.readlink(entry / "exe") + (entry / "mountinfo").read_text() and \
                    app["id"] in (entry / "mountinfo").read_text():
                status = (entry / "status").read_text()
                return int(status.split("VmHWM:")[1].split()[0]) // 1024
        except OSError:
            continue
    raise AssertionError("no enclave of the app")


def run(cloud, folder, seed, until):
    """Not at random: sizes at the limit and one above it."""
    cloud.mse("scaffold", "big", cwd=folder)
    (folder / "big" / "mse_src" / "app.py").write_text(APP)
    app = cloud.mse_json("deploy", cwd=folder / "big")
    cloud.mse("verify", f"{app['domain_name']}:{cloud.port}", cwd=folder)
    url, certificate = f"https://{app['domain_name']}:{cloud.port}", folder / "cert.pem"
    zeros = folder / "zeros"
    before = memory_peak(cloud, app)
    for size, status in ((LIMIT, "200"), (LIMIT + 1, "413")):
        with open(zeros, "wb") as file:
            file.truncate(size)
        answer = cloud.curl(f"{url}/sum", "-T", zeros, "-X", "POST", "--max-time", "600", "-w", " %{http_code}",
                            "--no-fail", cacert=certificate, check=False)
        seen = answer.stdout.split()
        assert seen[-1] == status, (size, answer)
        if status == "200":
            assert seen[0] == sum_of_zeros(size)
    down = subprocess.run(["curl", "-sS", "-f", "--max-time", "600", "--resolve",
                           f"{app['domain_name']}:{cloud.port}:127.0.0.1", "--cacert", certificate,
                           f"{url}/bytes/{LIMIT}"], stdout=subprocess.PIPE)
    assert down.returncode == 0 and hashlib.sha256(down.stdout).hexdigest() == sum_of_zeros(LIMIT)
    connected = [cloud.program("mse"), "connect", f"{app['domain_name']}:{cloud.port}", "--", "curl", "-sS", "-f"]
    down = subprocess.run([*connected, f"{{url}}/bytes/{LIMIT}"], stdout=subprocess.PIPE, env=cloud.env, cwd=folder)
    assert down.returncode == 0 and hashlib.sha256(down.stdout).hexdigest() == sum_of_zeros(LIMIT)
    os.truncate(zeros, LIMIT)
    up = subprocess.run([*connected, "{url}/sum", "-T", zeros, "-X", "POST"], stdout=subprocess.PIPE, env=cloud.env,
                        cwd=folder, text=True)
    assert up.returncode == 0 and up.stdout == sum_of_zeros(LIMIT)
    grown = memory_peak(cloud, app) - before
    assert grown < 256, f"the enclave's memory grew by {grown} MiB"
    cloud.mse("stop", app["id"], "-y")
    assert killing.settle(cloud) == []
    return f"{LIMIT >> 20} MiB up and down unchanged, also through mse connect, one byte more refused with 413; the enclave grew by {grown} MiB"
