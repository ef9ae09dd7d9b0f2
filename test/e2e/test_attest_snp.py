# SPDX-License-Identifier: Apache-2.0
"""mse attest verify on SEV-SNP evidence of a test CA (test/support/amd_tool): forms, products, and refusals by name."""
import datetime
import pathlib
import subprocess

import pytest

import attestcommand

TIME = 1750000000


def stamp(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Evidence:
    def __init__(self, build, folder, *options):
        self.build, self.folder = build, folder
        folder.mkdir()
        subprocess.run([pathlib.Path(build) / "test/support/amd_tool", folder, *options], check=True)

    def verify(self, *more, report="report.bin", data="any", time=TIME, root=True):
        trust = ["--trust-root", self.folder / "ark.pem"] if root else []
        result = attestcommand.run(self.build, "verify", "--report", self.folder / report, "--collateral", self.folder,
                                   *trust, "--time", stamp(time), "--report-data", data, "--json", *more,
                                   cwd=self.folder)
        verdict = result.json()
        attestcommand.check_verdict(verdict)
        assert result.code == (0 if verdict["error"] is None else 2), result.text
        return verdict


@pytest.mark.parametrize("product", ["Milan", "Genoa", "Turin"])
@pytest.mark.parametrize("key", ["vcek", "vlek"])
def test_products_and_keys(build, tmp_path, product, key):
    version = {"Milan": "2", "Genoa": "3", "Turin": "5"}[product]
    options = ["--product", product, "--version", version] + (["--vlek"] if key == "vlek" else [])
    evidence = Evidence(build, tmp_path / "evidence", *options, "--report-data", "5a" * 64)
    assert (evidence.folder / f"{key}.der").exists()
    verdict = evidence.verify(data="5a" * 64)
    assert verdict["error"] is None
    assert "trust-root" in [item["name"] for item in verdict["loosenings"]]
    assert evidence.verify(data="5a" * 63 + "5b")["error"] == "binding"
    assert evidence.verify(root=False)["error"] == "root-untrusted"


@pytest.mark.parametrize("option,error", [
    ("--debug", "debug"), ("--migrate", "guest-policy"), ("--revoked", "ca-revoked"), ("--no-crl", "crl-missing"),
    ("--microcode=200", "tcb-mismatch"), ("--other-chip", "chip-mismatch"), ("--break", "report-signature")])
def test_refusals(build, tmp_path, option, error):
    evidence = Evidence(build, tmp_path / "evidence", *option.split("="))
    assert evidence.verify()["error"] == error


def test_dates(build, tmp_path):
    evidence = Evidence(build, tmp_path / "evidence")
    day = 86400
    assert evidence.verify(time=TIME + 30 * day)["error"] is None
    assert evidence.verify(time=TIME + 30 * day + 1)["error"] == "crl-expired"
    assert evidence.verify(time=TIME - 31 * day)["error"] == "not-yet-valid"
    (evidence.folder / "ark_crl.der").unlink()
    assert evidence.verify("--allow-missing-crl", time=TIME + 300 * day)["error"] is None
    assert evidence.verify("--allow-missing-crl", time=TIME + 300 * day + 1)["error"] == "cert-expired"


def test_azure_wrapping(build, tmp_path):
    evidence = Evidence(build, tmp_path / "evidence")
    data = (evidence.folder / "hcl_report_data.hex").read_text()
    assert evidence.verify(report="hcl.bin", data=data)["error"] is None
    wrapped = bytearray((evidence.folder / "hcl.bin").read_bytes())
    wrapped[wrapped.index(b"user-data") + 20] ^= 1
    (evidence.folder / "hcl.bin").write_bytes(wrapped)
    assert evidence.verify(report="hcl.bin", data=data)["error"] == "binding"


def test_ratls_certificate(build, tmp_path):
    """The certificate carries its chain; the revocation list is ours."""
    evidence = Evidence(build, tmp_path / "evidence", "--product", "Genoa", "--vlek")
    folder = evidence.folder
    for name in ("vlek.der", "ask.pem"):
        (folder / name).unlink()

    def verify(*more):
        result = attestcommand.run(build, "verify", "--ratls", folder / "ratls.pem", "--collateral", folder, "--trust-root",
                                   folder / "ark.pem", "--time", stamp(TIME), "--json", *more, cwd=folder)
        attestcommand.check_verdict(result.json())
        return result.json()
    assert verify()["error"] is None
    (folder / "ark_crl.der").unlink()
    assert verify()["error"] == "crl-missing"


def test_sizes(build, tmp_path):
    evidence = Evidence(build, tmp_path / "evidence")
    whole = (evidence.folder / "report.bin").read_bytes()
    for content, error in [(b"", "truncated"), (whole[:-1], "truncated"), (whole + b"\0", "malformed")]:
        (evidence.folder / "other.bin").write_bytes(content)
        assert evidence.verify(report="other.bin")["error"] == error
