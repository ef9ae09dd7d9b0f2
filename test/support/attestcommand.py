# SPDX-License-Identifier: Apache-2.0
"""Runs `mse attest` for test/e2e/test_attest_command*.py and says what every verdict of it must have."""
import functools
import json
import pathlib
import subprocess

import jsonschema

SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "docs/formats/verdict.schema.json"
MEMBERS = ("verdict", "error", "tee", "tcb_status", "advisory_ids", "debug", "simulated", "measurement", "report_data",
           "signer", "checks", "valid_until")


class Result:
    def __init__(self, done):
        self.code = done.returncode
        self.out = done.stdout.decode("utf-8")
        self.err = done.stderr.decode("utf-8")
        self.text = f"exit {self.code}\n{self.out}{self.err}"

    def json(self):
        """Standard output is one JSON text and nothing else, as the schema of the commands has it."""
        found = json.loads(self.out)
        command_schema().validate(found)
        return found


def run(build, *argv, cwd, stdin=b"", env=None):
    """No trust store, no network beyond what the options name."""
    done = subprocess.run([str(pathlib.Path(build) / "mse"), "attest", *map(str, argv)], cwd=cwd, input=stdin,
                          capture_output=True, timeout=60,
                          env={"HOME": str(cwd), "PATH": "/usr/bin", "LANG": "C.UTF-8", "NO_COLOR": "1",
                               "MSE_CONF_PATH": str(pathlib.Path(cwd) / "conf"), **(env or {})})
    return Result(done)


@functools.cache
def schema():
    document = json.loads(SCHEMA.read_text())
    jsonschema.Draft7Validator.check_schema(document)
    return jsonschema.Draft7Validator(document)


@functools.cache
def command_schema():
    document = json.loads((SCHEMA.parent / "attest-command.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(document)
    return jsonschema.Draft7Validator(document)


def check_verdict(verdict):
    """It fits the schema, has what every verdict must have, and its members agree."""
    schema().validate(verdict)
    missing = [name for name in MEMBERS if name not in verdict]
    assert not missing, missing
    failed = [check for check in verdict["checks"] if check["result"] == "failed"]
    if verdict["verdict"] == "accept":
        assert verdict["error"] is None and not failed
    else:
        assert verdict["verdict"] == "refuse"
        assert verdict["error"].split(":")[0] == failed[0]["error"] and verdict["failed_check"] == failed[0]["name"]
    for check in verdict["checks"]:
        assert check["result"] in ("passed", "failed", "not-applicable") and check["name"] and check["text"]
