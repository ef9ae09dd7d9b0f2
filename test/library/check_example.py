# SPDX-License-Identifier: Apache-2.0
"""docs/examples/verify.c, built against the shared library, gives right verdicts on evidence of a test CA."""
import json
import pathlib
import subprocess
import sys
import tempfile
import time

verify, intel_tool = sys.argv[1:3]
RIGHT, WRONG = "5a" * 64, "5b" * 64


def run(*args, status):
    done = subprocess.run([verify, *map(str, args)], capture_output=True, text=True)
    assert done.returncode == status, (args, done.returncode, done.stdout[:2000], done.stderr)
    return json.loads(done.stdout) if done.stdout else done.stderr


with tempfile.TemporaryDirectory(prefix="mse-example-") as name:
    folder = pathlib.Path(name)
    subprocess.run([intel_tool, name, "--time", str(int(time.time())), "--report-data", RIGHT], check=True)
    strict, picky, broken = (folder / file for file in ("strict.json", "picky.json", "broken.json"))
    strict.write_text('{"version":1}')
    picky.write_text(json.dumps({"version": 1, "measurements": ["00" * 32]}))
    broken.write_text('{"version":1,"measurments":[]}')
    root = folder / "root.pem"
    verdict = run(folder, RIGHT, strict, root, status=0)
    assert (verdict["verdict"], verdict["tcb_status"], verdict["report_data"]) == ("accept", "UpToDate", RIGHT)
    assert [item["name"] for item in verdict["loosenings"]] == ["trust-root"]
    assert run(folder, WRONG, strict, root, status=2)["error"] == "binding"
    assert run(folder, RIGHT, picky, root, status=2)["error"] == "measurement"
    assert run(folder, RIGHT, status=2)["error"] == "root-untrusted"
    assert "'measurments' is not known" in run(folder, RIGHT, broken, root, status=1)
    assert "usage" in run(folder, RIGHT[:-1], status=1)
    (folder / "pck_crl.der").unlink()
    assert run(folder, RIGHT, strict, root, status=2)["error"] == "crl-missing"
