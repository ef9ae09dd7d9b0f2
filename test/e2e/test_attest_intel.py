# SPDX-License-Identifier: Apache-2.0
"""mse attest verify on evidence of Intel's TEEs made by a test CA (test/support/intel_tool): kinds, and refusals by name."""
import datetime
import pathlib
import subprocess

import pytest

import attestcommand

TIME = 1750000000
DAY = 86400
KINDS = ["sgx-v3", "sgx-v4", "sgx-v5", "tdx-v4", "tdx-v5-1.0", "tdx-v5-1.5"]


def stamp(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Evidence:
    def __init__(self, build, folder, *options):
        self.build, self.folder = build, folder
        folder.mkdir()
        subprocess.run([pathlib.Path(build) / "test/support/intel_tool", folder, *options], check=True)

    def verify(self, *more, data="any", time=TIME, root=True):
        trust = ["--trust-root", self.folder / "root.pem"] if root else []
        result = attestcommand.run(self.build, "verify", "--quote", self.folder / "quote.bin", "--collateral",
                                   self.folder, *trust, "--time", stamp(time), "--report-data", data, "--json", *more,
                                   cwd=self.folder)
        verdict = result.json()
        attestcommand.check_verdict(verdict)
        assert result.code == (0 if verdict["error"] is None else 2), result.text
        return verdict


@pytest.mark.parametrize("kind", KINDS)
def test_kinds(build, tmp_path, kind):
    size = 32 if kind.startswith("sgx") else 48
    evidence = Evidence(build, tmp_path / "evidence", "--kind", kind, "--report-data", "5a" * 64, "--measurement",
                        "c7" * size)
    verdict = evidence.verify("--measurement", "c7" * size, data="5a" * 64)
    assert verdict["error"] is None and verdict["tee"] == kind[:3] and verdict["tcb_status"] == "UpToDate"
    assert "trust-root" in [item["name"] for item in verdict["loosenings"]]
    assert evidence.verify(data="5a" * 63 + "5b")["error"] == "binding"
    assert evidence.verify("--measurement", "c7" * (size - 1) + "c6")["error"] == "measurement"
    assert evidence.verify(root=False)["error"] == "root-untrusted"


@pytest.mark.parametrize("kind", ["sgx-v3", "tdx-v5-1.5"])
@pytest.mark.parametrize("option,error,status", [
    ("--debug", "debug", "UpToDate"), ("--revoked", "pck-revoked", "UpToDate"), ("--break", "quote-signature", "UpToDate"),
    ("--component=5", "tcb-status", "OutOfDate"), ("--component=3", "tcb-revoked", "Revoked"),
    ("--component=2", "tcb-not-supported", None), ("--qe-svn=6", "tcb-status", "OutOfDate"),
    ("--qe-svn=2", "tcb-revoked", "Revoked"), ("--cert-data-type=6", "unsupported-cert-data", None)])
def test_refusals(build, tmp_path, kind, option, error, status):
    verdict = Evidence(build, tmp_path / "evidence", "--kind", kind, *option.split("=")).verify()
    assert verdict["error"] == error and verdict["tcb_status"] == status


def test_module_and_relaunch(build, tmp_path):
    for kind, status in [("tdx-v4", "OutOfDate"), ("tdx-v5-1.5", "TDRelaunchAdvised")]:
        verdict = Evidence(build, tmp_path / kind, "--kind", kind, "--module", "4").verify()
        assert verdict["error"] == "tcb-status" and verdict["tcb_status"] == status
        assert verdict["advisory_ids"] == ["INTEL-SA-00004"]


def test_chain_from_elsewhere(build, tmp_path):
    evidence = Evidence(build, tmp_path / "evidence", "--cert-data-type", "4")
    assert evidence.verify()["error"] is None  # pck_cert_chain.pem is there
    (evidence.folder / "pck_cert_chain.pem").unlink()
    assert evidence.verify()["error"] == "pck-chain-missing"


def test_dates(build, tmp_path):
    now = TIME + 1000 * DAY
    evidence = Evidence(build, tmp_path / "evidence", "--kind", "tdx-v4", "--time", str(now))
    assert evidence.verify(time=now)["error"] is None
    assert evidence.verify(time=now + 16 * DAY)["error"] is None
    assert evidence.verify(time=now + 16 * DAY + 1)["error"] == "tcb-info-expired"
    assert evidence.verify(time=now - 6 * DAY)["error"] == "not-yet-valid"
    (evidence.folder / "pck_crl.der").unlink()
    assert evidence.verify(time=now)["error"] == "crl-missing"
    verdict = evidence.verify("--allow-missing-crl", time=now)
    assert verdict["error"] is None
    assert "allow-missing-crl" in [item["name"] for item in verdict["loosenings"]]


def test_marked_root_is_no_hardware(build, tmp_path):
    evidence = Evidence(build, tmp_path / "evidence", "--simulated")
    result = attestcommand.run(build, "verify", "--quote", evidence.folder / "quote.bin", "--collateral", evidence.folder,
                               "--trust-root", evidence.folder / "root.pem", "--time", stamp(TIME), "--report-data",
                               "any", "--json", cwd=evidence.folder)
    assert result.code != 0
    verdict = evidence.verify("--allow-simulation", evidence.folder / "root.pem", root=False)
    assert verdict["error"] is None and verdict["simulated"] is True
    assert evidence.verify(root=False)["error"] == "simulated"
